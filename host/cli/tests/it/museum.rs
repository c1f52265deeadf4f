//! Binaries of every interface version load and pass on this host.

use std::{fs, path::Path};

use crate::program::parfocal;

#[test]
fn every_entry_of_the_museum_loads_and_keeps_the_contract() {
    let museum = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance-tests/museum");
    let entries = fs::read_dir(&museum).unwrap().map(|entry| entry.unwrap().path());
    let mut entries: Vec<_> = entries.filter(|path| path.is_dir()).collect();
    entries.sort();
    let today = format!("operator-{}", parfocal_operator::VERSION);
    assert!(
        entries.iter().any(|entry| entry.ends_with(&today)),
        "no entry {today}: run `cargo xtask museum`"
    );
    for entry in entries {
        let output = parfocal(&museum, &["conform", entry.to_str().unwrap(), "--json"]);
        let reports: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let said = format!("{}: {reports:#}", entry.display());
        assert!(!reports.as_array().unwrap().is_empty(), "{said}");
        for report in reports.as_array().unwrap() {
            assert!(matches!(report["summary"]["reached"].as_str(), Some("L2" | "L3" | "L4")), "{said}");
        }
    }
}
