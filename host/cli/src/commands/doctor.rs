//! `parfocal doctor`.

use std::{
    path::Path,
    process::{Command, ExitCode},
};

use parfocal_catalog::{Catalog, FolderState, HostSupport};
use parfocal_types::Result;
use parfocal_worker::interpreter::Python;
use serde::Serialize;

use crate::{folders::Folders, output::Output, trust};

#[derive(Debug, Serialize)]
struct Line {
    what: &'static str,
    there: bool,
    detail: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    remedy: &'static str,
}

pub(crate) fn command(output: &Output, folders: &Folders) -> Result<ExitCode> {
    let support = HostSupport::this_computer();
    let catalog = trust::scan(folders, &support)?;
    let mut lines = vec![
        host(&support),
        wasm(),
        shared_memory(),
        workers(),
        plugins(&catalog),
        quarantine(&catalog),
        writable("state folder", &folders.state),
        tool("C compiler", "cc", "--version", "install gcc or clang to write plugins in C"),
        tool(
            "Rust compiler",
            "rustc",
            "--version",
            "install Rust from https://rustup.rs to write plugins in Rust",
        ),
        wasm_target(),
        python(),
    ];
    if let Some(cache) = &folders.cache {
        lines.push(writable("cache of compiled code", cache));
    }
    for line in &lines {
        output.text(format!("{} {:24} {}", if line.there { "✔" } else { "–" }, line.what, line.detail));
        if !line.there && !line.remedy.is_empty() {
            output.text(format!("  {:24} {}", "", line.remedy));
        }
    }
    output.document(&lines)?;
    Ok(ExitCode::SUCCESS)
}

fn python() -> Line {
    let (there, detail, remedy) = match Python::find() {
        Ok(python) => {
            let [major, minor, patch] = python.version;
            let numpy = python.numpy.unwrap_or_default();
            (true, format!("{} {major}.{minor}.{patch} with numpy {numpy}", python.program.display()), "")
        }
        Err(error) => {
            let remedy = "install Python 3.11 or newer and numpy to run plugins in Python, or name one in PARFOCAL_PYTHON";
            (false, error.message().to_owned(), remedy)
        }
    };
    Line { what: "Python for plugins", there, detail, remedy }
}

fn host(support: &HostSupport) -> Line {
    let detail = format!(
        "parfocal {} on {}, interface operator/{}",
        env!("CARGO_PKG_VERSION"),
        support.target,
        parfocal_operator::VERSION
    );
    Line { what: "host", there: true, detail, remedy: "" }
}

fn wasm() -> Line {
    let there = cfg!(feature = "wasm");
    let detail = if there { "built in" } else { "left out of this build" };
    Line { what: "WASM lane", there, detail: detail.into(), remedy: "build with the feature `wasm`" }
}

fn shared_memory() -> Line {
    let probe = parfocal_core::frame::FrameAllocator::new(1 << 20).allocate(
        parfocal_image::DType::U8,
        parfocal_image::Region::whole(parfocal_image::Extent::plane(16, 16)),
    );
    match probe {
        Ok(_) => Line { what: "shared memory", there: true, detail: "works".into(), remedy: "" },
        Err(error) => Line {
            what: "shared memory",
            there: false,
            detail: error.to_string(),
            remedy: "allow memfd_create",
        },
    }
}

fn workers() -> Line {
    const REMEDY: &str = "docs/platforms.md tells what each fence needs";
    match parfocal_worker::fences_here() {
        Ok(fences) => Line {
            what: "fences around plugins",
            there: fences.is_full(),
            detail: fences.to_string(),
            remedy: REMEDY,
        },
        Err(error) => Line {
            what: "fences around plugins",
            there: false,
            detail: error.to_string(),
            remedy: "install Parfocal again: `parfocal-worker` belongs beside `parfocal`",
        },
    }
}

fn plugins(catalog: &Catalog) -> Line {
    let usable = catalog.plugins().iter().filter(|package| package.is_usable()).count();
    let broken = catalog.plugins().len() - usable;
    let folders = catalog.searched().iter();
    let present = folders.filter(|searched| !matches!(searched.state, FolderState::Missing)).count();
    Line {
        what: "plugins",
        there: usable > 0 && broken == 0,
        detail: format!("{usable} usable, {broken} not, in {present} folders"),
        remedy: "`parfocal plugins list` tells about each",
    }
}

fn quarantine(catalog: &Catalog) -> Line {
    let count = catalog.quarantine().iter().count();
    Line {
        what: "quarantine",
        there: count == 0,
        detail: if count == 0 { "empty".into() } else { format!("{count} files") },
        remedy: "`parfocal plugins list` says why, `parfocal plugins release <id>` takes one back",
    }
}

fn writable(what: &'static str, folder: &Path) -> Line {
    // The folder is made when it is first needed; what counts is the nearest one that exists.
    let existing = folder.ancestors().find(|folder| folder.exists());
    let there = existing
        .is_some_and(|folder| folder.metadata().is_ok_and(|metadata| !metadata.permissions().readonly()));
    Line { what, there, detail: folder.display().to_string(), remedy: "it cannot be written to" }
}

fn tool(what: &'static str, program: &str, argument: &str, remedy: &'static str) -> Line {
    let answer = Command::new(program).arg(argument).output().ok().filter(|answer| answer.status.success());
    let text = answer.map(|answer| String::from_utf8_lossy(&answer.stdout).into_owned());
    let first = text.as_deref().and_then(|text| text.lines().next()).map(str::to_owned);
    Line { what, there: first.is_some(), detail: first.unwrap_or_else(|| "not found".into()), remedy }
}

fn wasm_target() -> Line {
    let folder = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", "wasm32-unknown-unknown"])
        .output()
        .ok()
        .map(|answer| String::from_utf8_lossy(&answer.stdout).trim().to_owned());
    let there = folder.as_deref().is_some_and(|folder| Path::new(folder).is_dir());
    Line {
        what: "Rust to WASM",
        there,
        detail: if there { "target wasm32-unknown-unknown" } else { "the target is not installed" }.into(),
        remedy: "`rustup target add wasm32-unknown-unknown`, to build plugins for every system",
    }
}
