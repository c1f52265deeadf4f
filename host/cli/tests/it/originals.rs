//! Originals stay as they are, whatever the results are called; and a run that cannot be makes nothing.

use std::path::Path;

use crate::program::{make, run, text};

/// A run that is refused before any work: exit code 2, all these words, and the folder as it was.
fn refused(folder: &Path, arguments: &[&str], words: &[&str]) -> Option<()> {
    let before = contents(folder);
    let ran = run(folder, arguments)?;
    let said = text(&ran.stderr);
    assert_eq!(ran.status.code(), Some(2), "{arguments:?}: {said}");
    for word in words {
        assert!(said.contains(word), "{arguments:?} does not say {word}: {said}");
    }
    assert_eq!(contents(folder), before, "{arguments:?}");
    Some(())
}

/// Every file below a folder, with its bytes; compiled code and state left out.
fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if ["cache", "state", "data"].contains(&name.as_str()) {
            continue;
        }
        if path.is_dir() {
            all.push((name.clone(), Vec::new()));
            all.extend(contents(&path).into_iter().map(|(below, bytes)| (format!("{name}/{below}"), bytes)));
        } else {
            all.push((name, std::fs::read(&path).unwrap()));
        }
    }
    all.sort();
    all
}

#[test]
fn an_original_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::create_dir(folder.join("dir")).unwrap();
    make(folder, "dir/a.ome.tif", "32");
    make(folder, "b.ome.tif", "32");
    let original = "would replace the image";
    for arguments in [
        &["run", "identity", "b.ome.tif", "-o", "b.ome.tif"][..],
        &["run", "identity", "b.ome.tif", "-o", "./dir/../b.ome.tif"],
        &["run", "identity", "dir/a.ome.tif", "-o", "dir"],
        &["run", "identity", "b.ome.tif", "dir/a.ome.tif", "-o", "dir"],
        &["run", "identity", "b.ome.tif", "dir/a.ome.tif", "-o", "."],
        &["run", "identity", "--dry-run", "b.ome.tif", "-o", "b.ome.tif"],
        &[
            "run",
            "measure-objects",
            "--input",
            "intensity=file:b.ome.tif",
            "dir/a.ome.tif",
            "-o",
            "b.ome.tif",
        ],
    ] {
        // A chain of tables gives no image, which is said first.
        let why = if arguments[1] == "measure-objects" { "no image" } else { original };
        if refused(folder, arguments, &[why]).is_none() {
            return;
        }
    }
    // Tables and records onto an image that is called like one.
    std::fs::copy(folder.join("b.ome.tif"), folder.join("image.csv")).unwrap();
    std::fs::copy(folder.join("b.ome.tif"), folder.join("image.json")).unwrap();
    refused(folder, &["run", "measure-objects", "image.csv", "-o", "image.csv"], &[original]);
    refused(folder, &["run", "identity", "image.json", "-o", "image.json"], &[original]);
}

#[cfg(unix)]
#[test]
fn links_to_an_original_are_the_original() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    make(folder, "a.ome.tif", "32");
    std::os::unix::fs::symlink("a.ome.tif", folder.join("soft.ome.tif")).unwrap();
    std::fs::hard_link(folder.join("a.ome.tif"), folder.join("hard.ome.tif")).unwrap();
    std::os::unix::fs::symlink(".", folder.join("here")).unwrap();
    for (from, to) in [
        ("a.ome.tif", "soft.ome.tif"),
        ("soft.ome.tif", "a.ome.tif"),
        ("a.ome.tif", "hard.ome.tif"),
        ("a.ome.tif", "here/a.ome.tif"),
    ] {
        // The link that leads here leads round and round: only the files matter.
        let before = std::fs::read(folder.join("a.ome.tif")).unwrap();
        let Some(ran) = run(folder, &["run", "identity", from, "-o", to]) else { return };
        assert_eq!(ran.status.code(), Some(2), "{from} {to}");
        assert!(text(&ran.stderr).contains("would replace"), "{}", text(&ran.stderr));
        assert_eq!(std::fs::read(folder.join("a.ome.tif")).unwrap(), before);
    }
}

#[test]
fn a_dry_run_tells_the_peak_of_a_chain_and_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    make(folder, "a.ome.tif", "128");
    let before = contents(folder);
    let chain = ["run", "median", "--dry-run", "a.ome.tif", "-o", "out", "--then", "otsu-threshold"];
    let chain = [&chain[..], &["--then", "connected-components", "--then", "measure-objects"]].concat();
    let Some(ran) = run(folder, &chain) else { return };
    assert!(ran.status.success(), "{}", text(&ran.stderr));
    let said = text(&ran.stdout);
    let number = said.split("needs about ").nth(1).and_then(|rest| rest.split(' ').next());
    assert!(number.is_some_and(|number| number.parse::<u64>().unwrap() > 0), "{said}");
    assert_eq!(contents(folder), before);
    // The chain needs what the most demanding step needs.
    let document = run(folder, &[&["--json"], &chain[..]].concat()).unwrap();
    let document: serde_json::Value = serde_json::from_slice(&document.stdout).unwrap();
    let whole = document["images"][0]["announced_peak_bytes"].as_u64().unwrap();
    let one = run(folder, &["--json", "run", "median", "--dry-run", "a.ome.tif"]).unwrap();
    let one: serde_json::Value = serde_json::from_slice(&one.stdout).unwrap();
    assert!(whole >= one["images"][0]["announced_peak_bytes"].as_u64().unwrap());
}

#[test]
fn a_failure_is_told_once_and_is_no_wrong_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    make(folder, "a.ome.tif", "64");
    let chain = ["run", "otsu-threshold", "--channel", "GFP", "a.ome.tif", "--then", "connected-components"];
    let chain = [&chain[..], &["--then", "measure-objects", "-o", "x.csv"]].concat();
    let Some(ran) = run(folder, &chain) else { return };
    let said = text(&ran.stderr);
    assert_eq!(ran.status.code(), Some(1), "{said}");
    assert!(said.contains("GFP") && !said.contains("no table"), "{said}");
    assert!(!folder.join("x.csv").exists());
    refused(folder, &["run", "identity", "a.ome.tif", "-o", "x.csv"], &["the chain gives no table"]);
}
