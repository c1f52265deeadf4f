//! What makes saboteurs that are not native Rust, as far as this computer has it.

use std::{env, fs, io, path::PathBuf, process::Command};

use parfocal_manifest::LaneKind;
use parfocal_saboteurs::fault::{Act, Fault, Foreign, Language};
use parfocal_types::{Error, ErrorKind, Result};
use parfocal_worker::interpreter::Python;

use crate::packages::Code;

/// Names the saboteurs' crate built for WASM.
const COMPONENT: &str = "PARFOCAL_SABOTEURS_WASM";

const HEADER: &str = include_str!("../../../sdk/abi/include/parfocal.h");

/// The package that plugins in Python are made with.
const PYTHON_PACKAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../sdk/python/parfocal");

/// What `parfocal build` makes Python begin with.
const MAIN: &str = "from parfocal import start\n\nstart(\"plugin\")\n";

/// Programs and files beside those that cargo builds.
#[derive(Debug)]
pub(crate) struct Tools {
    /// What runs programs.
    pub(crate) python: Option<Python>,
    component: Option<PathBuf>,
}

impl Tools {
    /// What there is.
    pub(crate) fn find() -> Self {
        Self { python: Python::find().ok(), component: env::var_os(COMPONENT).map(PathBuf::from) }
    }

    /// Why a saboteur cannot be made here.
    pub(crate) fn lack(&self, fault: &Fault) -> Option<String> {
        match fault.act {
            Act::Foreign(Foreign { language: Language::Python, .. }) if self.python.is_none() => {
                Some("there is no Python with numpy; name one in PARFOCAL_PYTHON".into())
            }
            Act::Component if self.component.is_none() => {
                Some(format!("${COMPONENT} does not name the component; `cargo xtask test` builds it"))
            }
            _ => None,
        }
    }

    /// The code of a plugin that is not written in Rust.
    ///
    /// # Errors
    /// `missing-runtime` without a compiler or Python, `internal` when it refuses the source.
    pub(crate) fn code(&self, plugin: &Foreign) -> Result<Code> {
        Ok(match plugin.language {
            Language::C => Code { lane: LaneKind::Native, bytes: library(plugin)? },
            Language::Python => Code { lane: LaneKind::Program, bytes: self.program(plugin)? },
            Language::Wat => Code { lane: LaneKind::Wasm, bytes: component(plugin)? },
        })
    }

    /// The saboteurs' crate built for WASM.
    ///
    /// # Errors
    /// `not-found` when nobody built it.
    pub(crate) fn component(&self) -> Result<Code> {
        let none = || Error::not_found(format!("${COMPONENT} names no component"));
        let path = self.component.as_deref().ok_or_else(none)?;
        let bytes = fs::read(path)
            .map_err(|error| Error::not_found(format!("{}: {error}", path.display())).with_source(error))?;
        Ok(Code { lane: LaneKind::Wasm, bytes })
    }

    /// The archive of a plugin in Python, as Python's own packer makes it.
    fn program(&self, plugin: &Foreign) -> Result<Vec<u8>> {
        let python = self.python.as_ref().ok_or_else(|| Error::not_found("there is no Python"))?;
        let broken =
            |error: io::Error| Error::internal("no folder for a plugin in Python").with_source(error);
        let folder = tempfile::tempdir().map_err(broken)?;
        let (modules, archive) = (folder.path().join("modules"), folder.path().join("plugin.pyz"));
        let package = modules.join("parfocal");
        fs::create_dir_all(&package).map_err(broken)?;
        fs::write(modules.join("__main__.py"), MAIN).map_err(broken)?;
        fs::write(modules.join("plugin.py"), plugin.source).map_err(broken)?;
        for entry in fs::read_dir(PYTHON_PACKAGE).map_err(broken)? {
            let path = entry.map_err(broken)?.path();
            if let (true, Some(name)) = (path.is_file(), path.file_name()) {
                fs::copy(&path, package.join(name)).map_err(broken)?;
            }
        }
        let mut zipapp = Command::new(&python.program);
        zipapp.args(["-m", "zipapp", "-o"]).arg(&archive).arg(&modules);
        let output = zipapp.output().map_err(broken)?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(Error::internal(format!("the saboteur in Python is not packed: {said}")));
        }
        fs::read(archive).map_err(broken)
    }
}

/// The library of a plugin in C, by the compiler that `CC` names, or `cc`.
///
/// # Errors
/// `missing-runtime` without a compiler, `internal` when it refuses the source.
fn library(plugin: &Foreign) -> Result<Vec<u8>> {
    let broken = |error: io::Error| Error::internal("no folder for a plugin in C").with_source(error);
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
fn component(plugin: &Foreign) -> Result<Vec<u8>> {
    let version = parfocal_operator::VERSION;
    let text = plugin.source.replace("{version}", &parfocal_wit::package_version(version));
    let text = text.replace("{draft}", &version.to_string());
    wat::parse_str(text).map_err(|error| {
        Error::internal(format!("the saboteur in the text form of WASM is not compiled: {error}"))
    })
}
