//! Binaries of every interface version load and pass on this host.

use std::{fs, path::Path};

use crate::program::parfocal;

/// What a binary must still be able to do: load, say what it is, and give the same pixels in tiles and in every lane. The rest of the
/// suite judges the plugin more than the host.
const CASES: [&str; 9] =
    ["MAN-05", "MAN-06", "ABI-01", "ABI-02", "ABI-03", "ABI-06", "OPR-01", "OPR-05", "OPR-30"];

#[test]
fn every_entry_of_the_museum_loads_and_keeps_the_contract() {
    let museum = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance-tests/museum");
    let entries = fs::read_dir(&museum).unwrap().map(|entry| entry.unwrap().path());
    let mut entries: Vec<_> = entries.filter(|path| path.is_dir()).collect();
    entries.sort();
    let home = tempfile::tempdir().unwrap();
    let today = format!("operator-{}", parfocal_operator::VERSION);
    assert!(
        entries.iter().any(|entry| entry.ends_with(&today)),
        "no entry {today}: run `cargo xtask museum`"
    );
    for entry in entries {
        let mut arguments = vec!["conform", entry.to_str().unwrap(), "--json"];
        arguments.extend(CASES.iter().flat_map(|case| ["--case", case]));
        let output = parfocal(home.path(), &arguments);
        let reports: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let results: Vec<_> = reports
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|report| report["results"].as_array().unwrap())
            .collect();
        let bad = |result: &&&serde_json::Value| !matches!(result["status"].as_str(), Some("pass" | "na"));
        let bad: Vec<_> = results.iter().filter(bad).collect();
        assert!(bad.is_empty() && results.len() > CASES.len(), "{}: {bad:#?}", entry.display());
    }
}
