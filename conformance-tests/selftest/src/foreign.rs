//! Saboteurs that are not written in Rust, compiled when they are needed.

use std::{env, fs, process::Command};

use parfocal_saboteurs::fault::Foreign;
use parfocal_types::{Error, ErrorKind, Result};

const HEADER: &str = include_str!("../../../sdk/abi/include/parfocal.h");

/// The library of a plugin in C, by the compiler that `CC` names, or `cc`.
///
/// # Errors
/// `missing-runtime` without a compiler, `internal` when it refuses the source.
pub(crate) fn library(plugin: &Foreign) -> Result<Vec<u8>> {
    let broken = |error: std::io::Error| Error::internal("no folder for a plugin in C").with_source(error);
    let folder = tempfile::tempdir().map_err(broken)?;
    let (source, library) = (folder.path().join("plugin.c"), folder.path().join("plugin.so"));
    fs::write(folder.path().join("parfocal.h"), HEADER).map_err(broken)?;
    fs::write(&source, plugin.source).map_err(broken)?;
    let mut cc = Command::new(env::var_os("CC").unwrap_or_else(|| "cc".into()));
    cc.args(["-std=c11", "-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-fvisibility=hidden", "-o"]);
    let output = cc.arg(&library).arg(&source).output().map_err(|error| {
        let kind = ErrorKind::MissingRuntime {
            what: "a C compiler".into(),
            r#where: "the package gcc or clang".into(),
        };
        Error::new(kind, "there is no C compiler for the saboteur in C")
            .with_source(error)
            .with_remedy("install gcc or clang, or name the compiler in CC")
    })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(Error::internal(format!("the saboteur in C is not compiled: {said}")));
    }
    fs::read(library).map_err(broken)
}

/// The component of a plugin in the text form of WASM.
///
/// # Errors
/// `internal` when it is none.
pub(crate) fn component(plugin: &Foreign) -> Result<Vec<u8>> {
    let version = parfocal_operator::VERSION;
    let text = plugin.source.replace("{version}", &parfocal_wit::package_version(version));
    let text = text.replace("{draft}", &version.to_string());
    wat::parse_str(text).map_err(|error| {
        Error::internal(format!("the saboteur in the text form of WASM is not compiled: {error}"))
    })
}
