use std::path::Path;

use parfocal_catalog::{Format, LaneOrder, OperatorRef, RejectionCode, Status, inspect_bytes};
use parfocal_manifest::LaneKind;

use crate::support::{Bench, Code, Plugin, archive};

const MAIN: &str = "print('never run here')\n";

#[test]
fn a_program_needs_no_note_and_its_manifest_says_what_it_speaks() {
    for bytes in [archive("__main__.py", MAIN), b"#!/usr/bin/env python3\nprint(1)\n".to_vec()] {
        let bench = Bench::new();
        let codes = [Code::program(bytes)];
        bench.put("a", &Plugin::default().manifest(&codes), &codes);
        let catalog = bench.scan();
        let picked = catalog.pick(&OperatorRef::parse("smooth").unwrap(), &LaneOrder::default()).unwrap();
        assert_eq!(picked.lane, LaneKind::Program);
        assert!(picked.artifact.path.ends_with("plugin.pyz"));
    }
}

#[test]
fn native_and_wasm_come_before_programs() {
    let bench = Bench::new();
    let plugin = Plugin::default();
    let codes = [Code::program(archive("__main__.py", MAIN)), Code::wasm(plugin.component())];
    bench.put("a", &plugin.manifest(&codes), &codes);
    let (catalog, wanted) = (bench.scan(), OperatorRef::parse("smooth").unwrap());
    assert_eq!(catalog.pick(&wanted, &LaneOrder::default()).unwrap().lane, LaneKind::Wasm);
    let only = LaneOrder::only(LaneKind::Program);
    assert_eq!(catalog.pick(&wanted, &only).unwrap().lane, LaneKind::Program);
}

#[test]
fn what_no_interpreter_would_run_is_refused_with_what_it_is() {
    let whole = archive("__main__.py", MAIN);
    let cases = [
        (archive("plugin.py", MAIN), RejectionCode::WrongFormat, "a zip archive without `__main__.py`"),
        (whole[..whole.len() - 30].to_vec(), RejectionCode::Damaged, "the archive is damaged or cut off"),
        (b"#!/bin/sh\n\0\x01".to_vec(), RejectionCode::WrongFormat, "its manifest calls it program code"),
        (Plugin::default().component(), RejectionCode::WrongFormat, "a WASM component"),
    ];
    for (bytes, code, words) in cases {
        let bench = Bench::new();
        let codes = [Code::program(bytes)];
        bench.put("a", &Plugin::default().manifest(&codes), &codes);
        let catalog = bench.scan();
        let Status::Rejected(rejection) = &catalog.plugins()[0].candidates[0].status else {
            panic!("{words}")
        };
        assert_eq!(rejection.code, code, "{rejection}");
        assert!(rejection.message.contains(words), "{rejection}");
    }
}

#[test]
fn an_inspection_names_a_program() {
    let inspection = inspect_bytes(Path::new("a.pyz"), &archive("__main__.py", MAIN));
    assert_eq!((inspection.format, inspection.problems.len()), (Format::PythonArchive, 0));
    let mut with_first_line = b"#!/usr/bin/env python3\n".to_vec();
    with_first_line.extend(archive("__main__.py", MAIN));
    assert_eq!(inspect_bytes(Path::new("a.pyz"), &with_first_line).format, Format::PythonArchive);
    let other = inspect_bytes(Path::new("a.zip"), &archive("a.txt", "x"));
    assert!(other.problems[0].contains("without `__main__.py`"), "{:?}", other.problems);
}
