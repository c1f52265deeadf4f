//! A package that can be read, and programs that play the child.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use parfocal_conformance::{CaseResult, Date, Options, Program, Report, Subject, Waivers, run};

/// A manifest without code: cases about the package run, those about operators are skipped.
const MANIFEST: &str = r#"
manifest-version = 1

[plugin]
id = "org.example.fake"
name = "Fake"
version = "0.1.0"
license = "MIT"
description = "Nothing."
"#;

/// A folder with a plugin's manifest.
pub(crate) fn package() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("plugin.toml"), MANIFEST).unwrap();
    folder
}

/// A script that plays the child. It finds its task on standard input, and answers there.
pub(crate) fn script(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("child.sh");
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// Options that run one case about the package through a script.
pub(crate) fn options(script: &Path) -> Options {
    let mut options =
        Options::new(Program { path: script.to_owned(), arguments: vec!["__conform-case".into()] });
    options.cases = vec!["MAN-01".into()];
    options.today = "2026-06-01".parse::<Date>().unwrap();
    options.jobs = 2;
    options
}

/// What became of MAN-01 with a script as its child.
pub(crate) fn verdict(text: &str) -> CaseResult {
    report(text, Waivers::default()).results.remove(0)
}

/// The report of a run with a script as the child.
pub(crate) fn report(text: &str, waivers: Waivers) -> Report {
    let package = package();
    let script = script(package.path(), text);
    let mut options = options(&script);
    options.waivers = waivers;
    run(&Subject::read(package.path()), &options, &mut |_| {}).unwrap()
}

/// A child that reads its task, then finds this.
pub(crate) fn finding(status: &str, sentence: &str) -> String {
    format!(r#"read task; printf '{{"found":{{"status":"{status}","sentence":"{sentence}"}}}}\n' >&0"#)
}
