//! The program when somebody stops it: nothing half-written stays behind.
#![cfg(unix)]

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

/// Files that are not whole yet.
fn partial(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|ending| ending == "partial")).collect()
}

/// Starts the program on a job that takes minutes, and waits until it writes.
fn started(folder: &Path, arguments: &[&str]) -> Child {
    let mut child = Command::new(env!("CARGO_BIN_EXE_parfocal"))
        .current_dir(folder)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while partial(folder).is_empty() {
        assert_eq!(child.try_wait().unwrap(), None, "it ended before anybody stopped it");
        thread::sleep(Duration::from_millis(5));
    }
    child
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

#[test]
fn an_interrupt_leaves_nothing_half_written() {
    for name in ["INT", "TERM"] {
        let folder = tempfile::tempdir().unwrap();
        let make = ["image", "make", "large.ome.tif", "--width", "100000", "--height", "100000"];
        let mut child = started(folder.path(), &make);
        signal(&child, name);
        assert_eq!(child.wait().unwrap().code(), Some(1), "{name}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "{name}");
    }
}

#[test]
fn an_interrupted_conversion_leaves_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new(env!("CARGO_BIN_EXE_parfocal"))
        .current_dir(folder.path())
        .args(["image", "make", "from.ome.tif", "--width", "12000", "--height", "12000"])
        .output()
        .unwrap();
    assert!(made.status.success());
    std::fs::write(folder.path().join("to.tif"), "older").unwrap();
    let mut child = started(folder.path(), &["image", "convert", "from.ome.tif", "to.tif"]);
    signal(&child, "INT");
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert!(partial(folder.path()).is_empty());
    assert_eq!(std::fs::read(folder.path().join("to.tif")).unwrap(), b"older");
}

#[test]
fn a_second_interrupt_does_not_wait_and_leaves_nothing_either() {
    let folder = tempfile::tempdir().unwrap();
    let make = ["image", "make", "large.ome.tif", "--width", "100000", "--height", "100000"];
    let mut child = started(folder.path(), &make);
    signal(&child, "INT");
    signal(&child, "INT");
    // Whichever is quicker: the work that stops, or the second interrupt.
    assert!(matches!(child.wait().unwrap().code(), Some(1 | 130)));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
