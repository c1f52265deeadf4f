//! Packages of the goldens and of each saboteur.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
};

use parfocal_catalog::HostSupport;
use parfocal_core::Sha256;
use parfocal_manifest::{ArtifactEntry, FILE_NAME, FileDigest, Interpreter, LaneKind, Manifest};
use parfocal_operator::Descriptor;
use parfocal_plugin::Describe;
use parfocal_saboteurs::{
    PLUGIN, VERSION, declared,
    fault::{Act, Fault},
    package::Package,
    switch,
};
use parfocal_types::{Error, Result};

use crate::tools::Tools;

const GOLDENS: &str = include_str!("../../goldens/plugin.toml");

/// What stands in a manifest until it is known.
const DIGEST: &str = "{sha256}";

/// What a saboteur asks for that is about permissions.
const FOLDER: &str = "[[permission]]\nkind = \"files\"\npath = \"/data\"\naccess = \"read\"\nreason = \"Reads \
                      background images.\"\n\n[[artifact]]";

/// The package of the goldens.
///
/// # Errors
/// When the library was not built, or the folder cannot be written.
pub(crate) fn goldens(folder: &Path) -> Result<PathBuf> {
    use parfocal_saboteurs::goldens::{Change, Erode, Measure, Number, Smooth, Stretch, Subtract};
    let operators = vec![
        Change::descriptor(),
        Erode::descriptor(),
        Measure::descriptor(),
        Number::descriptor(),
        Smooth::descriptor(),
        Stretch::descriptor(),
        Subtract::descriptor(),
    ];
    let library = Code { lane: LaneKind::Native, bytes: built("libparfocal_goldens.so")? };
    write(folder, package("org.parfocal.goldens", GOLDENS, operators, library, None)?)
}

/// The package of a saboteur.
///
/// # Errors
/// As [`goldens`], and what [`Tools`] say.
pub(crate) fn saboteur(folder: &Path, fault: &Fault, tools: &Tools) -> Result<PathBuf> {
    let manifest = format!(
        "manifest-version = 1\n\n[plugin]\nid = \"{PLUGIN}\"\nname = \"Saboteur: {}\"\nversion = \"{VERSION}\"\n\
         license = \"MIT OR Apache-2.0\"\ndescription = \"A plugin that {}\"\n",
        fault.name, fault.what
    );
    let code = match &fault.act {
        Act::Foreign(plugin) => tools.code(plugin)?,
        _ => {
            let library = switch::patch(built("libparfocal_saboteurs.so")?, fault.name);
            let cannot =
                || Error::internal(format!("the switch of the saboteurs cannot be set to {}", fault.name));
            Code { lane: LaneKind::Native, bytes: library.ok_or_else(cannot)? }
        }
    };
    let beside = match fault.act {
        Act::Component => Some(tools.component()?),
        _ => None,
    };
    let mut package = package(PLUGIN, &manifest, declared(Some(fault)), code, beside)?;
    match fault.act {
        Act::Package(edit) => edit(&mut package),
        Act::Asking(_) => package.replace("[[artifact]]", FOLDER),
        _ => {}
    }
    write(folder, package)
}

/// One file of code.
pub(crate) struct Code {
    /// What runs it.
    pub(crate) lane: LaneKind,
    /// The file.
    pub(crate) bytes: Vec<u8>,
}

impl Code {
    /// Where it lies in a package.
    fn place(&self) -> &'static str {
        match self.lane {
            LaneKind::Native => "native/plugin.so",
            LaneKind::Wasm => "wasm/plugin.wasm",
            LaneKind::Program => "program/plugin.pyz",
        }
    }

    /// What the manifest says of it.
    fn entry(&self) -> Result<ArtifactEntry> {
        let native = self.lane == LaneKind::Native;
        let interface = format!("{}/{}", parfocal_operator::INTERFACE, parfocal_operator::VERSION);
        Ok(ArtifactEntry {
            interpreter: (self.lane == LaneKind::Program).then_some(Interpreter::Python3),
            lane: self.lane,
            target: native.then(|| HostSupport::this_computer().target.parse()).transpose()?,
            path: self.place().parse()?,
            sha256: FileDigest(Sha256::of(&self.bytes).0),
            interfaces: vec![interface.parse()?],
        })
    }
}

/// The package before its last edits; with a second file of code that no edit is about.
fn package(
    id: &str,
    manifest: &str,
    operators: Vec<Descriptor>,
    code: Code,
    beside: Option<Code>,
) -> Result<Package> {
    let mut complete = Manifest::parse(manifest).map_err(Error::from)?;
    complete.operators = operators;
    complete.artifacts =
        [Some(&code), beside.as_ref()].into_iter().flatten().map(Code::entry).collect::<Result<_>>()?;
    let digest = Sha256::of(&code.bytes).to_string();
    let manifest = complete.update_toml(manifest).map_err(Error::from)?.replace(&digest, DIGEST);
    let license = ("LICENSE-MIT".to_owned(), include_bytes!("../../../LICENSE-MIT").to_vec());
    let beside = beside.map(|code| (code.place().to_owned(), code.bytes));
    Ok(Package {
        folder: format!("{id}-{VERSION}"),
        manifest,
        place: code.place(),
        library: code.bytes,
        files: BTreeMap::from_iter([license].into_iter().chain(beside)),
    })
}

fn write(folder: &Path, package: Package) -> Result<PathBuf> {
    let folder = folder.join(&package.folder);
    let cannot = |error: std::io::Error| {
        Error::internal(format!("{} cannot be written", folder.display())).with_source(error)
    };
    let manifest = package.manifest.replace(DIGEST, &Sha256::of(&package.library).to_string());
    let code = [(package.place.to_owned(), package.library), (FILE_NAME.to_owned(), manifest.into_bytes())];
    for (name, bytes) in code.into_iter().chain(package.files) {
        let file = folder.join(name);
        fs::create_dir_all(file.parent().unwrap_or(&folder)).map_err(cannot)?;
        fs::write(file, bytes).map_err(cannot)?;
    }
    Ok(folder)
}

/// A library that cargo built: as a dependency of this program, or beside it.
fn built(file: &str) -> Result<Vec<u8>> {
    let here = env::current_exe().unwrap_or_default();
    let beside = here.parent().unwrap_or(Path::new("."));
    // The newest: what was built as a dependency is not always copied beside the program.
    let found = [beside.join("deps").join(file), beside.join(file)]
        .into_iter()
        .filter_map(|path| Some((fs::metadata(&path).ok()?.modified().ok()?, path)))
        .max();
    let (_, path) = found.ok_or_else(|| {
        Error::not_found(format!("{file} is not beside {}", here.display()))
            .with_remedy("run `cargo build --release -p parfocal-selftest` first")
    })?;
    fs::read(&path)
        .map_err(|error| Error::internal(format!("{} cannot be read", path.display())).with_source(error))
}
