//! What is light stays light: plugins and the smallest host compile no runtime and no file format.

use std::path::Path;

use crate::tool::{cargo, root, succeed};

/// Names of heavy packages in what cargo would build.
pub(crate) fn heavy(folder: &Path, arguments: &[&str]) -> Vec<String> {
    let mut command = cargo();
    command
        .current_dir(folder)
        .args(["tree", "--quiet", "--prefix", "none", "--format", "{p}"])
        .args(arguments);
    let text = String::from_utf8(succeed(&mut command).stdout).unwrap();
    assert!(text.contains("parfocal-types v"), "{text}");
    let names = text.lines().filter_map(|line| line.split_whitespace().next());
    let is_heavy =
        |name: &&str| name.starts_with("wasmtime") || ["ort", "ort-sys", "tiff", "parquet"].contains(name);
    names.filter(is_heavy).map(str::to_owned).collect()
}

#[test]
fn operators_compile_neither_a_runtime_nor_a_file_format() {
    let built = ["-p", "parfocal-classical", "--edges", "normal,build"];
    assert_eq!(heavy(&root(), &built), [""; 0]);
    let component = [&built[..], &["--target", "wasm32-unknown-unknown"]].concat();
    assert_eq!(heavy(&root(), &component), [""; 0]);
}

#[test]
fn the_smallest_host_is_built_without_wasmtime_and_the_program_with_it() {
    let example = ["-p", "parfocal-native", "--edges", "normal,build,dev"];
    assert_eq!(heavy(&root(), &example), [""; 0]);
    let program = heavy(&root(), &["-p", "parfocal-cli", "--edges", "normal"]);
    assert!(program.contains(&"wasmtime".to_owned()), "this test would not see it: {program:?}");
}
