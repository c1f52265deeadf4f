//! The program as its users meet it.

use std::{
    path::Path,
    process::{Command, Output},
};

use parfocal_image::{Buffer, DType, Extent, ImageSpec, Region};
use parfocal_io::write::{OmeTiffOptions, OmeTiffWriter};

use crate::place::plugins;

pub(crate) fn parfocal(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_parfocal"))
        .current_dir(folder)
        .env("XDG_STATE_HOME", folder.join("state"))
        .env("XDG_CACHE_HOME", folder.join("cache"))
        .env("XDG_DATA_HOME", folder.join("data"))
        .env_remove("PARFOCAL_PLUGINS")
        .args(arguments)
        .output()
        .unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub(crate) fn make(folder: &Path, name: &str, side: &str) {
    let made = parfocal(folder, &["image", "make", name, "--width", side, "--height", side]);
    assert!(made.status.success(), "{}", text(&made.stderr));
}

#[test]
fn a_chain_counts_the_spots_that_were_made() {
    let Some(plugins) = plugins() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    make(folder, "spots.ome.tif", "640");
    let run = parfocal(
        folder,
        &[
            "--plugins",
            plugins.to_str().unwrap(),
            "run",
            "gaussian",
            "--param",
            "sigma=1.5",
            "spots.ome.tif",
            "--then",
            "otsu-threshold",
            "--then",
            "connected-components",
            "--then",
            "measure-objects",
            "-o",
            "labels.ome.tif",
            "-o",
            "objects.csv",
            "-o",
            "objects.parquet",
        ],
    );
    assert!(run.status.success(), "{}{}", text(&run.stdout), text(&run.stderr));
    let table = std::fs::read_to_string(folder.join("objects.csv")).unwrap();
    // 640 / 64 = 10 cells a side, each with one spot.
    assert_eq!(table.lines().count(), 1 + 100, "{table}");
    assert!(table.starts_with("label"), "{table}");
    let info = parfocal(folder, &["image", "info", "labels.ome.tif"]);
    assert!(text(&info.stdout).contains("labels"), "{}", text(&info.stdout));
    assert!(folder.join("objects.parquet").exists());
}

#[test]
fn exit_codes_tell_wrong_from_failed() {
    let Some(plugins) = plugins() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    make(folder, "a.ome.tif", "64");
    let plugins = plugins.to_str().unwrap();
    let code = |arguments: &[&str]| {
        let all: Vec<&str> = ["--plugins", plugins].iter().chain(arguments).copied().collect();
        parfocal(folder, &all).status.code()
    };
    assert_eq!(code(&["run", "identity", "a.ome.tif", "-o", "b.ome.tif"]), Some(0));
    assert_eq!(code(&["run", "no-such-operator", "a.ome.tif", "-o", "b.ome.tif"]), Some(1));
    assert_eq!(code(&["run", "identity", "missing.tif", "-o", "b.ome.tif"]), Some(1));
    assert_eq!(code(&["run", "gaussian", "--param", "sigma=-1", "a.ome.tif", "-o", "b.ome.tif"]), Some(2));
    assert_eq!(code(&["run", "identity", "a.ome.tif"]), Some(2), "nowhere to write");
    assert_eq!(code(&["frobnicate"]), Some(2));
    for name in ["none", "image"] {
        let step = format!("{name}=identity");
        let chain = ["run", "identity", "a.ome.tif", "--then", &step, "-o", "b.ome.tif"];
        assert_eq!(code(&chain), Some(2), "{name} is taken");
    }
    assert_eq!(code(&["image", "compare", "a.ome.tif", "b.ome.tif"]), Some(0));
    make(folder, "c.ome.tif", "32");
    assert_ne!(code(&["image", "compare", "a.ome.tif", "c.ome.tif"]), Some(0));
}

#[test]
fn one_bad_image_does_not_stop_the_others() {
    let Some(plugins) = plugins() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::create_dir(folder.join("in")).unwrap();
    make(folder, "in/a.ome.tif", "64");
    make(folder, "in/c.ome.tif", "64");
    std::fs::write(folder.join("in/b.tif"), b"II*\0 this is no image").unwrap();
    let run =
        parfocal(folder, &["--plugins", plugins.to_str().unwrap(), "run", "identity", "in", "-o", "out"]);
    assert_eq!(run.status.code(), Some(1));
    assert!(text(&run.stderr).contains("b.tif"), "{}", text(&run.stderr));
    for (name, there) in [("a", true), ("b", false), ("c", true)] {
        assert_eq!(folder.join(format!("out/{name}.ome.tif")).exists(), there, "{name}");
    }
}

#[test]
fn json_is_one_document_also_for_errors() {
    let Some(plugins) = plugins() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let plugins = plugins.to_str().unwrap();
    for arguments in [
        &["--json", "--plugins", plugins, "plugins", "list"][..],
        &["--json", "--plugins", plugins, "plugins", "why", "gaussian"],
        &["--json", "--plugins", plugins, "run", "gaussian", "missing.tif", "-o", "x.tif"],
        &["--json", "--plugins", plugins, "run", "gausian", "missing.tif", "-o", "x.tif"],
        &["--json", "doctor"],
    ] {
        let output = parfocal(folder, arguments);
        let document: Result<serde_json::Value, _> = serde_json::from_slice(&output.stdout);
        assert!(document.is_ok(), "{arguments:?}: {}", text(&output.stdout));
    }
}

#[test]
fn a_broken_plugin_is_explained_and_the_rest_load() {
    let Some(plugins) = plugins() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let broken = folder.join("plugins/broken");
    std::fs::create_dir_all(&broken).unwrap();
    std::fs::write(
        broken.join("plugin.toml"),
        "manifest-version = 1\n\n[plugin]\nid = \"org.example.broken\"\nnam = \"x\"\n",
    )
    .unwrap();
    let own = folder.join("plugins");
    let list = parfocal(
        folder,
        &["--plugins", plugins.to_str().unwrap(), "--plugins", own.to_str().unwrap(), "plugins", "list"],
    );
    assert!(list.status.success());
    assert!(text(&list.stdout).contains("gaussian"), "{}", text(&list.stdout));
    let said = text(&list.stderr);
    assert!(said.contains("nam") && said.contains(":5:"), "the place in the manifest is shown: {said}");
}

/// Runs a step on an image and gives what it printed.
pub(crate) fn run(folder: &Path, arguments: &[&str]) -> Option<Output> {
    let plugins = plugins()?;
    let all: Vec<_> =
        ["--plugins", plugins.to_str().unwrap()].into_iter().chain(arguments.iter().copied()).collect();
    Some(parfocal(folder, &all))
}

#[test]
fn what_an_operator_warns_of_reaches_the_user_and_the_document() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let region = Region::whole(Extent::plane(16, 16));
    let nothing = Buffer::from_slice(&[f32::NAN; 256], region).unwrap();
    let sink = OmeTiffWriter::create(
        folder.join("nan.ome.tif"),
        &ImageSpec::new(region.extent, DType::F32),
        &OmeTiffOptions::default(),
    )
    .unwrap();
    sink.write(&nothing.pixels().unwrap()).unwrap();
    sink.finish().unwrap();
    let line = "no pixel has a finite value";
    for lane in ["native", "wasm"] {
        let arguments = ["run", "otsu-threshold", "--lane", lane, "nan.ome.tif", "-o", "mask.ome.tif"];
        let Some(shown) = run(folder, &arguments) else { return };
        let said = text(&shown.stderr);
        assert!(said.contains("warning: otsu-threshold: ") && said.contains(line), "{lane}: {said}");
        let Some(document) = run(folder, &[&["--json"], &arguments[..]].concat()) else { return };
        let document: serde_json::Value = serde_json::from_slice(&document.stdout).unwrap();
        let logged = &document["images"][0]["log"][0];
        assert_eq!((&logged["level"], &logged["operator"]), (&"warning".into(), &"otsu-threshold".into()));
        assert!(logged["text"].as_str().unwrap().contains(line), "{lane}: {document}");
    }
}

#[test]
fn numbers_that_cannot_be_and_folders_that_are_not_there_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    make(folder, "a.ome.tif", "32");
    let step = ["run", "gaussian", "a.ome.tif", "-o", "b.ome.tif"];
    for (words, said) in [
        (&["-p", "sigma=1", "-p", "sigma=2"][..], "given twice"),
        (&["--tile", "0"], "--tile"),
        (&["--threads", "0"], "--threads"),
        (&["--pixel-size", "0"], "--pixel-size"),
        (&["--input", "image=image", "--input", "image=none"], "given twice"),
    ] {
        let Some(ran) = run(folder, &[&step[..], words].concat()) else { return };
        assert_eq!(ran.status.code(), Some(2), "{words:?}");
        assert!(text(&ran.stderr).contains(said), "{words:?}: {}", text(&ran.stderr));
        assert!(!folder.join("b.ome.tif").exists());
    }
    let ran = parfocal(folder, &["--plugins", "nowhere", "plugins", "list"]);
    assert_eq!(ran.status.code(), Some(2));
    assert!(text(&ran.stderr).contains("nowhere"), "{}", text(&ran.stderr));
}

#[test]
fn a_misspelt_name_is_answered_with_the_one_that_was_meant() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    make(folder, "a.ome.tif", "32");
    for (words, meant) in [
        (&["run", "gausian", "a.ome.tif"][..], "`gaussian`"),
        (&["run", "gaussian", "-p", "sgima=2", "a.ome.tif"], "`sigma`"),
        (&["run", "measure-objects", "--input", "intensitty=none", "a.ome.tif"], "`intensity`"),
        (
            &["run", "otsu-threshold", "a.ome.tif", "--then", "identity", "--input", "image=otsu-treshold"],
            "`otsu-threshold`",
        ),
    ] {
        let Some(ran) = run(folder, &[words, &["-o", "out"]].concat()) else { return };
        assert_eq!(ran.status.code(), Some(1), "{words:?}");
        let said = text(&ran.stderr);
        assert!(said.contains("did you mean") && said.contains(meant), "{words:?}: {said}");
        assert!(!folder.join("out").exists(), "nothing is made for a run that cannot be");
    }
}

#[test]
fn completions_are_whole_and_a_component_has_no_layouts_to_complain_of() {
    let folder = tempfile::tempdir().unwrap();
    let script = parfocal(folder.path(), &["completions", "bash"]);
    assert!(script.status.success() && text(&script.stdout).contains("--declare-labels"));
    // A reader that is gone already: nobody panics.
    let mut child = Command::new(env!("CARGO_BIN_EXE_parfocal"))
        .args(["completions", "bash"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    assert!(!text(&ended.stderr).contains("panic"), "{}", text(&ended.stderr));
    let Some(plugins) = plugins() else { return };
    let component = plugins.join("org.parfocal.classical-0.1.0/wasm");
    if !component.exists() {
        println!("skipped: the classical plugin was built without its WASM component");
        return;
    }
    let mut files = std::fs::read_dir(component).unwrap().map(|entry| entry.unwrap().path());
    let wasm = files.find(|path| path.extension().is_some_and(|ending| ending == "wasm")).unwrap();
    let inspected = parfocal(folder.path(), &["plugins", "inspect", wasm.to_str().unwrap()]);
    let said = text(&inspected.stdout);
    assert!(inspected.status.success() && !said.contains("layout"), "{said}");
}

#[test]
fn an_optional_input_takes_the_original_unless_it_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    make(folder, "a.ome.tif", "128");
    let columns = |words: &[&str]| {
        let chain = ["run", "otsu-threshold", "a.ome.tif", "--then", "connected-components", "--then"];
        let output = ["-o", "objects.csv"];
        let ran = run(folder, &[&chain[..], words, &output].concat())?;
        assert!(ran.status.success(), "{}", text(&ran.stderr));
        let table = std::fs::read_to_string(folder.join("objects.csv")).unwrap();
        Some(table.lines().next().unwrap().to_owned())
    };
    let Some(with) = columns(&["measure-objects"]) else { return };
    assert!(with.contains("mean_intensity"), "{with}");
    let without = columns(&["measure-objects", "--input", "intensity=none"]).unwrap();
    assert!(!without.contains("mean_intensity") && without.contains("area"), "{without}");
}
