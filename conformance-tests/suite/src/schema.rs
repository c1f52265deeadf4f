//! Holds a document against a JSON Schema as far as keys go: whether each is described, and whether the required ones are
//! there. Values are judged by the host's reader (MAN-01); a whole validator would bring more code than the suite has.

use serde_json::{Map, Value};

/// Adds what the schema does not know, or misses, to `problems`.
pub(crate) fn compare(
    root: &Value,
    schema: &Value,
    document: &Value,
    place: &str,
    problems: &mut Vec<String>,
) {
    let parts = parts(root, schema);
    match document {
        Value::Object(object) => compare_object(root, &parts, object, place, problems),
        Value::Array(items) => {
            let items_schema = parts.iter().find_map(|part| part.get("items"));
            for (index, item) in items.iter().enumerate() {
                if let Some(schema) = items_schema {
                    compare(root, schema, item, &format!("{place}, item {}", index + 1), problems);
                }
            }
        }
        _ => {}
    }
}

fn compare_object(
    root: &Value,
    parts: &[&Value],
    object: &Map<String, Value>,
    place: &str,
    problems: &mut Vec<String>,
) {
    let closed = parts.iter().any(|part| {
        ["additionalProperties", "unevaluatedProperties"]
            .iter()
            .any(|key| part.get(key) == Some(&Value::Bool(false)))
    });
    for (key, value) in object {
        let described = parts.iter().find_map(|part| part.get("properties")?.get(key));
        match described {
            Some(schema) => compare(root, schema, value, &format!("{place}, key `{key}`"), problems),
            None if closed && !key.starts_with("x-") => {
                problems.push(format!("the schema does not describe the key `{key}` of {place}"));
            }
            None => {}
        }
    }
    // Of alternatives only what all of them ask for is required.
    for part in parts.iter().take(1) {
        let required = part.get("required").and_then(Value::as_array).into_iter().flatten();
        for key in required.filter_map(Value::as_str) {
            if !object.contains_key(key) {
                problems.push(format!("the schema requires the key `{key}` of {place}"));
            }
        }
    }
}

/// The schema itself with references followed, then its parts and alternatives.
fn parts<'a>(root: &'a Value, schema: &'a Value) -> Vec<&'a Value> {
    let mut parts = Vec::new();
    let mut open = vec![schema];
    while let Some(schema) = open.pop() {
        if parts.len() > 64 {
            break;
        }
        parts.push(schema);
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            open.extend(root.pointer(reference.trim_start_matches('#')));
        }
        for key in ["allOf", "anyOf", "oneOf"] {
            open.extend(schema.get(key).and_then(Value::as_array).into_iter().flatten());
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problems(document: &Value) -> Vec<String> {
        let schema = json!({
            "type": "object", "additionalProperties": false, "required": ["a"],
            "properties": { "a": { "$ref": "#/$defs/inner" }, "list": { "items": { "$ref": "#/$defs/inner" } } },
            "$defs": { "inner": { "additionalProperties": false, "properties": { "b": {} } } }
        });
        let mut problems = Vec::new();
        compare(&schema, &schema, document, "it", &mut problems);
        problems
    }

    #[test]
    fn unknown_and_missing_keys_are_named_at_every_depth() {
        assert_eq!(
            problems(&json!({ "a": { "b": 1 }, "x-vendor": 1, "list": [{ "b": 2 }] })),
            Vec::<String>::new()
        );
        assert_eq!(problems(&json!({ "a": {}, "z": 1 })), ["the schema does not describe the key `z` of it"]);
        assert_eq!(problems(&json!({})), ["the schema requires the key `a` of it"]);
        assert!(problems(&json!({ "a": {}, "list": [{}, { "c": 2 }] }))[0].contains("item 2"));
    }
}
