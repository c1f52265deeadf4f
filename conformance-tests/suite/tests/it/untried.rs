//! Code that was not tried: it is named, and no level is granted without it.

use std::fs;

use parfocal_conformance::{Level, Options, Report, Status, Subject, Transport, cases, run};
use parfocal_core::Sha256;

use crate::support::{finding, options, script};

/// A plugin with a program that this computer can run, and this code besides.
fn package(besides: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let program = b"#!/usr/bin/env python3\n";
    fs::write(folder.path().join("invert.py"), program).unwrap();
    let manifest = format!(
        r#"
manifest-version = 1

[plugin]
id = "org.example.fake"
name = "Fake"
version = "0.1.0"
license = "MIT"
description = "Nothing."

[[artifact]]
lane = "program"
interpreter = "python3"
path = "invert.py"
sha256 = "{}"
interfaces = ["operator/1-draft.2"]
{besides}
[[operator]]
id = "invert"
summary = "Inverts."
kind = "map"
threads = "instance"
deterministic = true
temporal-window = [0, 0]
max-halo = [0, 0, 0, 0, 0]

[[operator.input]]
name = "image"
kind = "image"
dtypes = ["u8"]

[[operator.output]]
name = "image"
kind = "image"
yields = "derived"
preserves = ["localisation"]
"#,
        Sha256::of(program)
    );
    fs::write(folder.path().join("plugin.toml"), manifest).unwrap();
    folder
}

fn code(lane: &str, path: &str) -> String {
    let digest = "0".repeat(64);
    format!(
        "\n[[artifact]]\nlane = \"{lane}\"\npath = \"{path}\"\nsha256 = \"{digest}\"\ninterfaces = [\"operator/1-draft.2\"]\n"
    )
}

/// A component that is not there: this host refuses it.
fn component() -> String {
    code("wasm", "a.wasm")
}

fn tried(package: &tempfile::TempDir, change: impl FnOnce(&mut Options)) -> Report {
    let script = script(package.path(), &finding("pass", "so"));
    let mut options = options(&script);
    options.available = Transport::ALL.to_vec();
    options.cases = vec!["OPR-05".into()];
    change(&mut options);
    run(&Subject::read(package.path()), &options, &mut |_| {}).unwrap()
}

/// The transport, status and sentence of each row.
fn rows(report: &Report) -> Vec<(Option<Transport>, Status, &str)> {
    report.results.iter().map(|row| (row.transport, row.status, row.sentence.as_str())).collect()
}

#[test]
fn code_that_this_host_refuses_has_a_row_beside_that_of_the_code_that_runs() {
    let report = tried(&package(&component()), |_| {});
    let rows = rows(&report);
    let [(Some(Transport::Wasm), Status::Skip, why), (Some(Transport::Program), Status::Pass, _)] = rows[..]
    else {
        panic!("{rows:#?}");
    };
    assert!(why.contains("its wasm code cannot be run here") && why.contains("a.wasm"), "{why}");
}

#[test]
fn code_that_this_program_has_no_transport_for_has_a_row_too() {
    let lacking = |options: &mut Options| {
        options.available.retain(|transport| *transport != Transport::Wasm);
        options.lacking = vec![Transport::Wasm];
    };
    let with = package(&component());
    let report = tried(&with, lacking);
    let rows_with = rows(&report);
    assert!(
        matches!(
            rows_with[..],
            [(Some(Transport::Wasm), Status::Skip, _), (Some(Transport::Program), Status::Pass, _)]
        ),
        "{rows_with:#?}"
    );
    let report = tried(&package(""), lacking);
    assert_eq!(rows(&report), [(Some(Transport::Program), Status::Pass, "so")], "it has no such code");
}

#[test]
fn code_for_other_computers_is_named_and_keeps_nothing_back() {
    let native = format!("{}target = \"aarch64-unknown-none\"\n", code("native", "a.so"));
    let report = tried(&package(&native), |options| options.profile = parfocal_conformance::Profile::Full);
    let of = |transport| report.results.iter().find(|row| row.transport == Some(transport)).unwrap();
    for transport in [Transport::Native, Transport::Worker] {
        let row = of(transport);
        assert_eq!(row.status, Status::Na, "{}", row.sentence);
        assert!(row.sentence.contains("for other computers: aarch64-unknown-none"), "{}", row.sentence);
    }
    assert_eq!(of(Transport::Program).status, Status::Pass);
}

#[test]
fn options_that_leave_something_out_grant_no_level_whatever_passes() {
    let package = package(&component());
    let script = script(package.path(), &finding("pass", "so"));
    let mut whole = options(&script);
    // Cases about files only: all of level 0 is tried, and passes.
    whole.cases =
        cases().iter().filter(|case| case.level == Level::L0).map(|case| case.id.to_owned()).collect();
    whole.available = Transport::ALL.to_vec();
    whole.transports = vec![Transport::Program];
    whole.operator = Some("invert".into());
    let report = run(&Subject::read(package.path()), &whole, &mut |_| {}).unwrap();
    assert_eq!(report.summary.reached, None);
    let blocked = &report.summary.levels[0].blocked_by;
    for what in ["only the operator `invert`", "without the transports native, wasm, worker"] {
        assert!(blocked.iter().any(|why| why.contains(what)), "{blocked:#?}");
    }
}
