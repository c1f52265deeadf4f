//! The JSON Schema of a report, generated from the types.

use schemars::{
    Schema,
    generate::SchemaSettings,
    transform::{RecursiveTransform, Transform},
};
use serde_json::Value;

use super::Report;

/// Where the repository and the packed SDK keep the schema.
pub const SCHEMA_FILE: &str = "manifests/schemas/conformance-report.schema.json";

/// The JSON Schema (draft 2020-12) as the file has it: indented, keys sorted, a line feed at the end.
#[must_use]
pub fn schema_text() -> String {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Report>();
    RecursiveTransform(plain_descriptions).transform(&mut schema);
    format!("{:#}\n", schema.to_value())
}

/// What a report says that its schema does not describe, and what the schema requires and the report lacks; empty for a
/// report of this version.
#[must_use]
pub fn schema_problems(report: &Value) -> Vec<String> {
    let schema: Value = serde_json::from_str(&schema_text()).unwrap_or_default();
    let mut problems = Vec::new();
    crate::schema::compare(&schema, &schema, report, "the report", &mut problems);
    problems
}

/// Makes the documentation of Rust types readable in an editor: without its links and its line breaks.
fn plain_descriptions(schema: &mut Schema) {
    if let Some(Value::String(text)) = schema.get_mut("description") {
        *text = text.replace("[`", "`").replace("`]", "`").replace("\n\n", " ").replace('\n', " ");
    }
}
