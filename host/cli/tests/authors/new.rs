//! `parfocal new`: what it writes, and what it refuses.

use std::fs;

use crate::tool::{json, parfocal, root, succeed};

fn sdk() -> std::path::PathBuf {
    root().join("sdk")
}

#[test]
fn a_rust_plugin_is_written_whole_and_says_what_to_change() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = parfocal(folder.path());
    let (code, document) = json(command.args(["new", "operator", "flat-field"]).arg("--sdk").arg(sdk()));
    assert_eq!((code, document["id"].as_str()), (0, Some("org.example.flat-field")), "{document}");
    for file in ["Cargo.toml", "Cargo.lock", "plugin.toml", "src/lib.rs", "tests/behaviour.rs", "README.md"] {
        let text = fs::read_to_string(folder.path().join("flat-field").join(file)).unwrap();
        assert!(!text.contains("{{"), "{file}: a placeholder is left\n{text}");
        assert!(document["files"].as_array().unwrap().contains(&file.into()), "{document}");
    }
    let source = fs::read_to_string(folder.path().join("flat-field/src/lib.rs")).unwrap();
    assert!(
        source.contains("pub struct FlatField") && source.contains("export_plugin!(FlatField);"),
        "{source}"
    );
    let manifest = fs::read_to_string(folder.path().join("flat-field/plugin.toml")).unwrap();
    assert!(manifest.contains("Change `org.example`"), "{manifest}");
}

#[test]
fn the_sdk_is_found_above_the_new_folder_and_named_from_there() {
    let folder = tempfile::tempdir().unwrap();
    let lab = folder.path().join("lab");
    fs::create_dir_all(&lab).unwrap();
    for part in ["plugin", "image", "operator"] {
        fs::create_dir_all(folder.path().join("sdk/rust").join(part)).unwrap();
    }
    fs::create_dir_all(folder.path().join("sdk/include")).unwrap();
    fs::write(folder.path().join("sdk/include/parfocal.h"), "/* the header */\n").unwrap();
    fs::write(folder.path().join("sdk/rust/Cargo.lock"), "version = 4\n").unwrap();
    succeed(parfocal(&lab).args(["new", "operator", "blur", "--folder", "own/blur-plugin"]));
    let manifest = fs::read_to_string(lab.join("own/blur-plugin/Cargo.toml")).unwrap();
    assert!(manifest.contains("path = \"../../../sdk/rust/plugin\""), "{manifest}");
    succeed(parfocal(&lab).args(["new", "operator", "blur", "--lang", "c"]));
    assert_eq!(fs::read_to_string(lab.join("blur/parfocal.h")).unwrap(), "/* the header */\n");
}

#[test]
fn an_existing_folder_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("blur")).unwrap();
    fs::write(folder.path().join("blur/thesis.txt"), "years of work").unwrap();
    let (code, document) =
        json(parfocal(folder.path()).args(["new", "operator", "blur"]).arg("--sdk").arg(sdk()));
    assert_eq!((code, document["error"]["kind"].as_str()), (2, Some("invalid-argument")), "{document}");
    assert!(document["error"]["remedy"].as_str().unwrap().contains("--folder"), "{document}");
    assert_eq!(fs::read_dir(folder.path().join("blur")).unwrap().count(), 1);
}

#[test]
fn a_bad_name_and_a_missing_sdk_are_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    for (words, kind, remedy) in [
        (vec!["new", "operator", "TopHat"], "invalid-argument", "joined by `-`"),
        (vec!["new", "operator", "match"], "invalid-argument", "another name"),
        (vec!["new", "operator", "blur"], "not-found", "cargo xtask sdk"),
        (vec!["new", "operator", "blur", "--sdk", "."], "not-found", "include/parfocal.h"),
        (vec!["build"], "not-found", "parfocal new operator"),
    ] {
        let (code, document) = json(parfocal(folder.path()).args(&words));
        assert_ne!(code, 0, "{words:?}");
        assert_eq!(document["error"]["kind"].as_str(), Some(kind), "{words:?}: {document}");
        assert!(document["error"]["remedy"].as_str().unwrap().contains(remedy), "{words:?}: {document}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left behind");
}

#[test]
fn source_that_does_not_compile_is_a_failure_and_makes_no_package() {
    let folder = tempfile::tempdir().unwrap();
    succeed(parfocal(folder.path()).args(["new", "operator", "blur", "--lang", "c", "--sdk"]).arg(sdk()));
    let source = folder.path().join("blur/blur.c");
    let text = fs::read_to_string(&source).unwrap();
    fs::write(&source, text.replace("return PF_OK;", "return PF_FINE;")).unwrap();
    let (code, document) = json(parfocal(folder.path()).args(["build", "blur"]));
    assert_eq!((code, document["error"]["kind"].as_str()), (1, Some("corrupt")), "{document}");
    assert!(!folder.path().join("blur/target/parfocal").exists());
    fs::write(&source, text).unwrap();
    let (code, document) = json(parfocal(folder.path()).args(["build", "blur"]));
    assert_eq!((code, document["label"].as_str()), (0, Some("org.example.blur 0.1.0")), "{document}");
}
