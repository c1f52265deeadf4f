use std::path::Path;

use parfocal_manifest::{Manifest, SCHEMA_FILE, schema, schema_text};
use serde_json::Value;

use crate::{FULL, SOURCE};

fn as_json(toml: &str) -> Value {
    fn convert(value: &toml::de::DeValue<'_>) -> Value {
        use toml::de::DeValue;
        match value {
            DeValue::String(text) => text.as_ref().into(),
            DeValue::Integer(n) => i64::from_str_radix(n.as_str(), n.radix()).unwrap().into(),
            DeValue::Float(n) => n.as_str().parse::<f64>().unwrap().into(),
            DeValue::Boolean(flag) => (*flag).into(),
            DeValue::Datetime(date) => date.to_string().into(),
            DeValue::Array(items) => items.iter().map(|item| convert(item.get_ref())).collect(),
            DeValue::Table(table) => Value::Object(
                table.iter().map(|(k, v)| (k.get_ref().to_string(), convert(v.get_ref()))).collect(),
            ),
        }
    }
    let document = toml::de::DeTable::parse(toml).unwrap();
    convert(&toml::de::DeValue::Table(document.into_inner()))
}

#[test]
fn the_schema_in_the_repository_is_the_generated_one() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(SCHEMA_FILE);
    if !file.exists() {
        println!("skipped: the packed SDK has no {SCHEMA_FILE} here");
        return;
    }
    let found = std::fs::read_to_string(&file).unwrap();
    assert!(
        found == schema_text(),
        "{SCHEMA_FILE} is not current: run `cargo run --release -p parfocal-manifest --example write-schemas`"
    );
}

#[test]
fn descriptions_are_plain_text() {
    let text = schema_text();
    let lines: Vec<_> =
        text.lines().filter(|line| line.trim_start().starts_with("\"description\": \"")).collect();
    assert!(lines.len() > 50);
    let marked = lines.iter().find(|line| line.contains("[`") || line.contains("\\n"));
    assert_eq!(marked, None);
}

#[test]
fn manifests_that_parse_fit_the_schema() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    for text in [FULL, SOURCE, &Manifest::parse(FULL).unwrap().to_toml()] {
        let errors: Vec<_> = validator
            .iter_errors(&as_json(text))
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert_eq!(errors, Vec::<String>::new());
    }
}

#[test]
fn what_serde_writes_of_a_manifest_fits_the_schema_too() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let json = serde_json::to_value(Manifest::parse(FULL).unwrap()).unwrap();
    let errors: Vec<_> =
        validator.iter_errors(&json).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert_eq!(errors, Vec::<String>::new());
}

#[test]
fn typos_and_wrong_words_do_not_fit_the_schema() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    for (from, to) in [
        ("[limits]", "[limit]"),
        ("id = \"org.example.full\"", "id = \"Full\""),
        ("x-menu", "menu"),
        ("lane = \"wasm\"", "lane = \"wasn\""),
        ("lib/libfull.so", "../libfull.so"),
        ("lib/libfull.so", "lib/../../libfull.so"),
        ("\"512 MiB\"", "\"512 MB\""),
        ("own-process = true", "own-process = false"),
        ("[\"operator/1-draft.2\", \"operator/1\"]", "[]"),
        ("temporal-window", "temporal_window"),
        ("temporal-window = [1, 2]", "temporal-window = [1, 2, 3]"),
        ("\"u16\", \"f32\"", "\"u17\""),
        ("kind = \"labels\"\ndtypes", "labels = true\ndtypes"),
        ("yields = \"restored\"", "yields = \"gold\""),
        ("preserves = []", ""),
        ("threads = \"single\"", "yields = \"derived\""),
        ("unit = \"micrometer\"", "unit = \"um\""),
        ("min = -1", "minimum = -1"),
        ("port = 443", "port = 0"),
        ("reason = \"Talks to the shutter.\"", ""),
    ] {
        let text = FULL.replacen(from, to, 1);
        assert!(Manifest::parse(&text).is_err(), "{to} parses");
        assert!(!validator.is_valid(&as_json(&text)), "{from} -> {to} fits the schema");
    }
}

#[test]
fn manifests_of_the_repository_parse_and_fit_the_schema() {
    let plugins = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins");
    let folders = |folder: &Path| -> Vec<std::path::PathBuf> {
        let entries = std::fs::read_dir(folder).into_iter().flatten();
        entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect()
    };
    let mut all = folders(&plugins);
    all.extend(all.clone().iter().flat_map(|folder| folders(folder)));
    let files: Vec<_> =
        all.iter().map(|folder| folder.join("plugin.toml")).filter(|file| file.exists()).collect();
    if files.is_empty() {
        println!("skipped: there are no plugins beside the packed SDK");
        return;
    }
    let validator = jsonschema::validator_for(&schema()).unwrap();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        Manifest::parse(&text)
            .unwrap_or_else(|error| panic!("{}:{error}\n{}", file.display(), error.remedy()));
        let errors: Vec<_> = validator.iter_errors(&as_json(&text)).map(|error| error.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new(), "{}", file.display());
    }
}
