//! The plugins of this repository keep the contract: every case, in profile `ci`.

use std::fs;

use serde_json::Value;

use crate::{place, program::parfocal};

/// Cases that measure time: a busy machine may make them fail, and alone they have to pass.
const TIMED: &[&str] = &["ABI-01", "ABI-11", "OPR-21", "OPR-24", "ROB-06", "ROB-07", "ROB-12"];

#[test]
fn every_plugin_of_the_repository_reaches_level_2() {
    let Some(plugins) = place::plugins() else { return };
    let mut folders: Vec<_> = fs::read_dir(plugins).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    let home = tempfile::tempdir().unwrap();
    let reports = |arguments: &[&str]| -> Vec<Value> {
        let output = parfocal(home.path(), &[&["conform", "--json", "--patience", "4"], arguments].concat());
        serde_json::from_slice(&output.stdout).unwrap()
    };
    for folder in &folders {
        let folder = folder.to_str().unwrap();
        let report = reports(&[folder]).remove(0);
        let results = report["results"].as_array().unwrap();
        let against = |result: &&Value| {
            matches!(result["status"].as_str(), Some("fail" | "crash" | "timeout" | "suite-error"))
        };
        let mut retried = false;
        for result in results.iter().filter(against) {
            println!("tried again: {result:#}");
            let case = result["case"].as_str().unwrap();
            assert!(TIMED.contains(&case) || result["status"] == "timeout", "{folder}: {result:#}");
            retried = true;
            let mut again = vec![folder, "--jobs", "1", "--case", case];
            again.extend(result["operator"].as_str().iter().flat_map(|operator| ["--operator", operator]));
            let report = reports(&again).remove(0);
            let second: Vec<_> = report["results"].as_array().unwrap().iter().filter(against).collect();
            assert!(second.is_empty(), "{folder}: {second:#?}");
        }
        if let Some(program) =
            results.iter().find(|one| one["transport"] == "program" && one["status"] == "skip")
        {
            println!("skipped: {folder}: {}; set PARFOCAL_PYTHON", program["sentence"]);
            continue;
        }
        // Without fences on this computer SEC-01 is left out, and no level beyond that is granted.
        let left_out: Vec<_> = results.iter().filter(|result| result["status"] == "skip").collect();
        assert!(left_out.iter().all(|result| result["case"] == "SEC-01"), "{folder}: {left_out:#?}");
        println!("{folder}: {} results", results.len());
        if !retried && left_out.is_empty() {
            assert_eq!(report["summary"]["reached"], "L2", "{folder}");
        }
        assert!(
            results.iter().filter(|result| result["status"] == "pass").count() > 40,
            "{folder}: {results:#?}"
        );
    }
    assert!(folders.len() >= 2, "{folders:?}");
}
