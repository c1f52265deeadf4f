//! Libraries compiled from C and C++ for a test.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use parfocal_core::{Artifact, Limits, Sha256};

pub(crate) fn include_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk/abi/include")
}

/// Runs the C compiler; `source` is text. Panics with its output when it fails.
pub(crate) fn compile(folder: &Path, name: &str, source: &str, flags: &[&str]) -> PathBuf {
    let (library, output) = run_compiler(folder, ("cc", "c", "-std=c11"), name, source, flags);
    let output = output.expect("a C compiler named `cc` is needed for this test");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    library
}

/// Runs the C++ compiler; says so and gives nothing when there is none.
pub(crate) fn compile_cpp(folder: &Path, name: &str, source: &str, flags: &[&str]) -> Option<PathBuf> {
    let (library, output) = run_compiler(folder, ("c++", "cpp", "-std=c++20"), name, source, flags);
    match output {
        Ok(output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            Some(library)
        }
        Err(error) => {
            println!("skipped: c++ is not there ({error})");
            None
        }
    }
}

fn run_compiler(
    folder: &Path,
    (compiler, extension, standard): (&str, &str, &str),
    name: &str,
    source: &str,
    flags: &[&str],
) -> (PathBuf, std::io::Result<Output>) {
    let input = folder.join(format!("{name}.{extension}"));
    std::fs::write(&input, source).unwrap();
    let library = folder.join(format!("lib{name}.so"));
    let output = Command::new(compiler)
        .args([standard, "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-fvisibility=hidden"])
        .arg("-I")
        .arg(include_folder())
        .args(flags)
        .arg("-o")
        .arg(&library)
        .arg(&input)
        .output();
    (library, output)
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
