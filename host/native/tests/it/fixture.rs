//! Libraries compiled from C for a test.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use parfocal_core::{Artifact, Limits, Sha256};

pub(crate) fn include_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk/abi/include")
}

/// Runs the C compiler; `source` is text. Panics with its output when it fails.
pub(crate) fn compile(folder: &Path, name: &str, source: &str, flags: &[&str]) -> PathBuf {
    let input = folder.join(format!("{name}.c"));
    std::fs::write(&input, source).unwrap();
    let output = folder.join(format!("lib{name}.so"));
    let result = Command::new("cc")
        .args([
            "-std=c11",
            "-O2",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-shared",
            "-fPIC",
            "-fvisibility=hidden",
            "-I",
        ])
        .arg(include_folder())
        .args(flags)
        .arg("-o")
        .arg(&output)
        .arg(&input)
        .output()
        .expect("a C compiler named `cc` is needed for this test");
    assert!(result.status.success(), "{}", String::from_utf8_lossy(&result.stderr));
    output
}

pub(crate) fn artifact(path: &Path, id: &str) -> Artifact {
    Artifact {
        plugin: id.into(),
        version: "0.1.0".parse().unwrap(),
        path: path.into(),
        sha256: Sha256::of(&std::fs::read(path).unwrap()),
        interface: parfocal_operator::VERSION,
        limits: Limits::default(),
    }
}
