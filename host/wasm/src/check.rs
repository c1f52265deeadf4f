//! Refusing what is not a component of ours, with a sentence, before anything of it runs.

use parfocal_operator::VERSION;
use parfocal_types::{
    InterfaceVersion,
    error::{Error, ErrorKind, Result},
};
use parfocal_wit::{PACKAGE, interface_version, package_version};
use wasmtime::{Engine, component::Component};

use crate::death::of_computer;

/// `\0asm`.
const MAGIC: [u8; 4] = *b"\0asm";
/// Version 13, layer 1: a component.
const COMPONENT: [u8; 4] = [0x0d, 0x00, 0x01, 0x00];
/// Version 1, layer 0: a core module.
const MODULE: [u8; 4] = [0x01, 0x00, 0x00, 0x00];

/// The interfaces of the package that a component may import.
const IMPORTS: [&str; 3] = ["types", "services", "sink"];
/// The one that it exports.
const EXPORT: &str = "operator";

/// The full name of an interface of the package.
pub(crate) fn interface_name(interface: &str) -> String {
    format!("{PACKAGE}/{interface}@{}", package_version(VERSION))
}

/// Looks at the first bytes.
///
/// # Errors
/// `corrupt` for anything but a component.
pub(crate) fn preamble(bytes: &[u8], file: &str) -> Result<()> {
    let wrong = |what: &str, remedy: &str| {
        Err(Error::new(ErrorKind::Corrupt { what: file.to_owned() }, format!("{file} is {what}"))
            .with_remedy(remedy))
    };
    match (bytes.get(..4), bytes.get(4..8)) {
        (Some(magic), Some(kind)) if magic == MAGIC && kind == COMPONENT => Ok(()),
        (Some(magic), Some(kind)) if magic == MAGIC && kind == MODULE => wrong(
            "a core WASM module, not a component",
            "link it with `wasm-component-ld`; `parfocal new operator` writes a project that does",
        ),
        (Some(magic), _) if magic == MAGIC => wrong(
            "a WASM file of a kind that this host does not know, or cut off",
            "install the plugin again",
        ),
        _ => wrong("not a WASM file", "install the plugin again, or name the right file in its manifest"),
    }
}

/// The error of a component that the compiler refuses, or could not compile on this computer.
pub(crate) fn invalid(error: wasmtime::Error, file: &str) -> Error {
    if let Some(error) = of_computer(&error, &format!("compiling {file}")) {
        return error;
    }
    Error::new(
        ErrorKind::Corrupt { what: file.to_owned() },
        format!("{file} is not a valid component: {}", first_line(&error.root_cause().to_string())),
    )
    .with_source(error.into_boxed_dyn_error())
    .with_remedy("it may be cut off: install the plugin again; if you built it, update the toolchain")
}

/// The error of a component whose functions are not those of the interface version that it names.
pub(crate) fn differs(error: &wasmtime::Error) -> Error {
    Error::new(
        ErrorKind::Incompatible {
            have: format!("another {}", interface_name(EXPORT)),
            need: interface_name(EXPORT),
        },
        format!(
            "it names interface operator/{VERSION}, but its functions are not those of this version: {}",
            first_line(&format!("{error:#}"))
        ),
    )
    .with_remedy("build the plugin again with the SDK of this host")
}

/// Holds the names of all imports and exports against the package.
///
/// # Errors
/// `incompatible` for another version of the interface, `not-supported` for an import that is not ours, `corrupt` for a
/// component that exports no operators.
pub(crate) fn names(component: &Component, engine: &Engine) -> Result<()> {
    let kind = component.component_type();
    for (name, _) in kind.imports(engine) {
        match ours(name) {
            Some((interface, version)) if IMPORTS.contains(&interface) => same_version(version)?,
            _ => return Err(foreign_import(name)),
        }
    }
    let mut exports = Vec::new();
    for (name, _) in kind.exports(engine) {
        match ours(name) {
            Some((EXPORT, version)) => return same_version(version),
            _ => exports.push(format!("`{name}`")),
        }
    }
    let found = if exports.is_empty() { "nothing".to_owned() } else { exports.join(", ") };
    Err(Error::new(
        ErrorKind::Corrupt { what: "the component's exports".into() },
        format!("it holds no operators: it exports {found}, not `{}`", interface_name(EXPORT)),
    )
    .with_remedy(
        "export your operators with the macro of `parfocal-plugin`, or implement the world `plugin`",
    ))
}

/// Interface and package version of a name of our package.
fn ours(name: &str) -> Option<(&str, &str)> {
    let (interface, version) = name.strip_prefix(PACKAGE)?.strip_prefix('/')?.split_once('@')?;
    Some((interface, version))
}

fn same_version(package: &str) -> Result<()> {
    let theirs = interface_version(package);
    if theirs == Some(VERSION) {
        return Ok(());
    }
    let shown = theirs.map_or_else(|| package.to_owned(), |version| version.to_string());
    Err(version_differs(&shown, theirs))
}

/// The error of a plugin for another version of the interface.
pub(crate) fn version_differs(shown: &str, theirs: Option<InterfaceVersion>) -> Error {
    let remedy = match theirs {
        Some(theirs) if theirs > VERSION => "update Parfocal, or install an earlier version of the plugin",
        _ => {
            "install a newer version of the plugin; if you built it, build it again with the SDK of this host"
        }
    };
    Error::new(
        ErrorKind::Incompatible { have: format!("operator/{shown}"), need: format!("operator/{VERSION}") },
        format!("it speaks interface operator/{shown}, this host speaks operator/{VERSION}"),
    )
    .with_remedy(remedy)
}

fn foreign_import(name: &str) -> Error {
    let remedy = if name.starts_with("wasi:") {
        "build it for wasm32-unknown-unknown and link it with `--wasi-adapter=none`; an operator has no files, clock, \
         network or environment"
    } else {
        "build it against the world `plugin` of `parfocal:operator` alone"
    };
    Error::new(
        ErrorKind::NotSupported { what: format!("import {name}") },
        format!("it asks the host for `{name}`, and operators get log, progress, cancel, seed and a sink, nothing else"),
    )
    .with_remedy(remedy)
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
