//! The JSON Schema of `plugin.toml`, generated from the types, so that editors complete and check a manifest while it is
//! written. The parser is the judge; the schema says as much of it as JSON Schema can.

use schemars::{
    Schema,
    generate::SchemaSettings,
    transform::{RecursiveTransform, Transform},
};
use serde_json::{Value, json};

use crate::manifest::Manifest;

/// Where the repository and the packed SDK keep the schema.
pub const SCHEMA_FILE: &str = "manifests/schemas/plugin.schema.json";

/// The JSON Schema (draft 2020-12) of a manifest.
#[must_use]
pub fn schema() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<Manifest>();
    RecursiveTransform(vendor_keys).transform(&mut schema);
    RecursiveTransform(plain_descriptions).transform(&mut schema);
    schema.to_value()
}

/// The schema as the file has it: indented, keys sorted, a line feed at the end.
#[must_use]
pub fn schema_text() -> String {
    format!("{:#}\n", schema())
}

/// Makes the documentation of Rust types readable in an editor: without its links and its line breaks.
fn plain_descriptions(schema: &mut Schema) {
    if let Some(Value::String(text)) = schema.get_mut("description") {
        *text = text.replace("[`", "`").replace("`]", "`").replace("\n\n", " ").replace('\n', " ");
    }
}

/// Lets every closed table have keys of vendors.
fn vendor_keys(schema: &mut Schema) {
    let Some(object) = schema.as_object_mut() else { return };
    let closed = ["additionalProperties", "unevaluatedProperties"]
        .iter()
        .any(|key| object.get(*key) == Some(&Value::Bool(false)));
    if closed {
        object.insert("patternProperties".into(), json!({ "^x-": true }));
    }
}
