//! The handshake, question by question.

use std::path::PathBuf;

use parfocal_native::Probe;
use parfocal_types::ErrorKind;

use crate::fixture::artifact;

fn probe() -> Probe {
    let program = std::env::current_exe().unwrap();
    let folder: PathBuf = program.parent().and_then(|deps| deps.parent()).unwrap().join("examples");
    Probe::open(&artifact(&folder.join("libodd_operators.so"), "org.example.odd")).unwrap()
}

#[test]
fn every_range_of_entry_versions_is_answered_from_the_same_constant() {
    let probe = probe();
    let own = probe.entry(0, u32::MAX).unwrap();
    assert_eq!((own.version, own.min, own.max, own.id.as_str()), (1, 1, 1, "org.example.odd"));
    assert_eq!(probe.entry(1, 1).unwrap(), own);
    for (min, max) in [(0, 0), (2, 2), (2, u32::MAX), (u32::MAX, u32::MAX)] {
        let refused = probe.entry(min, max).unwrap();
        assert_eq!((refused.version, refused.min, refused.max), (0, 1, 1), "{min} to {max}");
    }
}

#[test]
fn interfaces_and_extensions_are_known_by_name() {
    let probe = probe();
    let wire = parfocal_operator::VERSION.to_wire();
    let answer = probe.interface("operator", 0, u32::MAX).unwrap().unwrap();
    assert_eq!((answer.code, answer.chosen, answer.min, answer.max), (0, wire, wire, wire));
    assert_ne!(answer.table, 0);
    let refused = probe.interface("operator", wire + 1, u32::MAX).unwrap().unwrap();
    assert_eq!((refused.code, refused.chosen, refused.table), (0, 0, 0));
    assert_eq!(probe.interface("operators", 0, u32::MAX).unwrap().unwrap().code, ErrorKind::NotFound.code());
    assert!(!probe.has_extension("no-such-extension").unwrap());
}
