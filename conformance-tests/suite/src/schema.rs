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
    let parts = Parts::of(root, schema);
    match document {
        Value::Object(object) => compare_object(root, &parts, object, place, problems),
        Value::Array(items) => {
            let items_schema = parts.all().find_map(|part| part.get("items"));
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
    parts: &Parts<'_>,
    object: &Map<String, Value>,
    place: &str,
    problems: &mut Vec<String>,
) {
    let closed = parts.all().any(|part| {
        ["additionalProperties", "unevaluatedProperties"]
            .iter()
            .any(|key| part.get(key) == Some(&Value::Bool(false)))
    });
    for (key, value) in object {
        let described = parts.all().find_map(|part| part.get("properties")?.get(key));
        match described {
            Some(schema) => compare(root, schema, value, &format!("{place}, key `{key}`"), problems),
            None if closed && !key.starts_with("x-") => {
                problems.push(format!("the schema does not describe the key `{key}` of {place}"));
            }
            None => {}
        }
    }
    for part in &parts.sure {
        let required = part.get("required").and_then(Value::as_array).into_iter().flatten();
        for key in required.filter_map(Value::as_str) {
            if !object.contains_key(key) {
                problems.push(format!("the schema requires the key `{key}` of {place}"));
            }
        }
    }
}

/// Most schemas that one place of a document is held against: references may go in a circle.
const MOST: usize = 64;

/// What describes one place of a document.
#[derive(Default)]
struct Parts<'a> {
    /// What holds in any case: the schema, what it refers to, and all of `allOf`. What these require has to be there.
    sure: Vec<&'a Value>,
    /// Alternatives: one of them holds, and nobody looks which.
    perhaps: Vec<&'a Value>,
}

impl<'a> Parts<'a> {
    fn of(root: &'a Value, schema: &'a Value) -> Self {
        let mut parts = Self::default();
        let mut open = vec![(schema, true)];
        while let Some((schema, sure)) = open.pop() {
            if parts.sure.len() + parts.perhaps.len() >= MOST {
                break;
            }
            if sure {
                parts.sure.push(schema)
            } else {
                parts.perhaps.push(schema)
            }
            if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
                open.extend(root.pointer(reference.trim_start_matches('#')).map(|schema| (schema, sure)));
            }
            let list = |key| schema.get(key).and_then(Value::as_array).into_iter().flatten();
            open.extend(list("allOf").map(|schema| (schema, sure)));
            for key in ["anyOf", "oneOf"] {
                // Something or nothing, as optional values are written: what is there is no alternative.
                let some: Vec<_> = list(key).filter(|one| one.get("type") != Some(&"null".into())).collect();
                let sure = sure && some.len() == 1;
                open.extend(some.into_iter().map(|schema| (schema, sure)));
            }
        }
        parts
    }

    fn all(&self) -> impl Iterator<Item = &'a Value> {
        self.sure.iter().chain(&self.perhaps).copied()
    }
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

    #[test]
    fn keys_that_a_definition_requires_are_missed_where_it_is_referred_to() {
        let inner = json!({ "$ref": "#/$defs/inner" });
        let schema = json!({
            "properties": {
                "plain": inner, "list": { "items": inner }, "both": { "allOf": [inner, { "required": ["c"] }] },
                "optional": { "anyOf": [inner, { "type": "null" }] },
                "either": { "oneOf": [inner, { "required": ["d"] }] }
            },
            "$defs": { "inner": { "required": ["b"], "properties": { "b": {} } } }
        });
        let problems = |document: Value| {
            let mut problems = Vec::new();
            compare(&schema, &schema, &document, "it", &mut problems);
            problems
        };
        let misses = |key: &str, place: &str| vec![format!("the schema requires the key `{key}` of {place}")];
        assert_eq!(problems(json!({ "plain": {} })), misses("b", "it, key `plain`"));
        assert_eq!(problems(json!({ "list": [{ "b": 1 }, {}] })), misses("b", "it, key `list`, item 2"));
        assert_eq!(problems(json!({ "both": { "b": 1 } })), misses("c", "it, key `both`"));
        assert_eq!(problems(json!({ "optional": {} })), misses("b", "it, key `optional`"));
        let fine = json!({ "plain": { "b": 1 }, "optional": null, "either": { "d": 1 } });
        assert_eq!(problems(fine), Vec::<String>::new());
    }

    #[test]
    fn references_in_a_circle_end() {
        let schema = json!({ "$ref": "#/$defs/a", "$defs": { "a": { "allOf": [{ "$ref": "#/$defs/a" }] } } });
        let mut problems = Vec::new();
        compare(&schema, &schema, &json!({ "a": 1 }), "it", &mut problems);
        assert_eq!(problems, Vec::<String>::new());
    }
}
