//! Packages of the goldens and of each saboteur.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
};

use parfocal_catalog::HostSupport;
use parfocal_core::Sha256;
use parfocal_manifest::{ArtifactEntry, FILE_NAME, FileDigest, LaneKind, Manifest};
use parfocal_operator::Descriptor;
use parfocal_plugin::Describe;
use parfocal_saboteurs::{
    PLUGIN, VERSION, declared,
    fault::{Act, Fault},
    package::Package,
    switch,
};
use parfocal_types::{Error, Result};

use crate::foreign;

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
    let library = built("libparfocal_goldens.so")?;
    write(folder, package("org.parfocal.goldens", GOLDENS, operators, library, LaneKind::Native)?)
}

/// The package of a saboteur.
///
/// # Errors
/// As [`goldens`].
pub(crate) fn saboteur(folder: &Path, fault: &Fault) -> Result<PathBuf> {
    let manifest = format!(
        "manifest-version = 1\n\n[plugin]\nid = \"{PLUGIN}\"\nname = \"Saboteur: {}\"\nversion = \"{VERSION}\"\n\
         license = \"MIT OR Apache-2.0\"\ndescription = \"A plugin that {}\"\n",
        fault.name, fault.what
    );
    let (code, lane) = match &fault.act {
        Act::C(plugin) => (foreign::library(plugin)?, LaneKind::Native),
        Act::Wat(plugin) => (foreign::component(plugin)?, LaneKind::Wasm),
        _ => {
            let library = switch::patch(built("libparfocal_saboteurs.so")?, fault.name);
            let cannot =
                || Error::internal(format!("the switch of the saboteurs cannot be set to {}", fault.name));
            (library.ok_or_else(cannot)?, LaneKind::Native)
        }
    };
    let mut package = package(PLUGIN, &manifest, declared(Some(fault)), code, lane)?;
    match fault.act {
        Act::Package(edit) => edit(&mut package),
        Act::Asking(_) => package.replace("[[artifact]]", FOLDER),
        _ => {}
    }
    write(folder, package)
}

/// The package before its last edits.
fn package(
    id: &str,
    manifest: &str,
    operators: Vec<Descriptor>,
    library: Vec<u8>,
    lane: LaneKind,
) -> Result<Package> {
    let native = lane == LaneKind::Native;
    let place = if native { "native/plugin.so" } else { "wasm/plugin.wasm" };
    let target = if native { Some(HostSupport::this_computer().target.parse()?) } else { None };
    let mut complete = Manifest::parse(manifest).map_err(Error::from)?;
    complete.operators = operators;
    let digest = Sha256::of(&library);
    complete.artifacts = vec![ArtifactEntry {
        interpreter: None,
        lane,
        target,
        path: place.parse()?,
        sha256: FileDigest(digest.0),
        interfaces: vec![format!("{}/{}", parfocal_operator::INTERFACE, parfocal_operator::VERSION).parse()?],
    }];
    let manifest = complete.update_toml(manifest).map_err(Error::from)?.replace(&digest.to_string(), DIGEST);
    let license = include_bytes!("../../../LICENSE-MIT").to_vec();
    let folder = format!("{id}-{VERSION}");
    Ok(Package {
        folder,
        manifest,
        library,
        place,
        files: BTreeMap::from([("LICENSE-MIT".to_owned(), license)]),
    })
}

fn write(folder: &Path, package: Package) -> Result<PathBuf> {
    let folder = folder.join(&package.folder);
    let cannot = |error: std::io::Error| {
        Error::internal(format!("{} cannot be written", folder.display())).with_source(error)
    };
    let manifest = package.manifest.replace(DIGEST, &Sha256::of(&package.library).to_string());
    let code = folder.join(package.place);
    fs::create_dir_all(code.parent().unwrap_or(&folder)).map_err(cannot)?;
    fs::write(code, package.library).map_err(cannot)?;
    for (name, bytes) in package.files {
        fs::write(folder.join(name), bytes).map_err(cannot)?;
    }
    fs::write(folder.join(FILE_NAME), manifest).map_err(cannot)?;
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
