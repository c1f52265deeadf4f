//! Puts built code and a manifest together: one truth, the code, written into the manifest.

use std::{
    fs,
    path::{Path, PathBuf},
};

use parfocal_catalog::HostSupport;
use parfocal_core::{Artifact, Lane, Limits, Sha256};
use parfocal_manifest::{
    ArtifactEntry, FILE_NAME, FileDigest, InterfaceRef, Interpreter, LaneKind, Manifest,
};
use parfocal_operator::Descriptor;
use parfocal_types::{Error, ErrorKind, Result};
use parfocal_worker::{ProgramLane, WorkerLane, WorkerOptions};
use serde::Serialize;

use crate::args;

/// A package that was made.
#[derive(Debug, Serialize)]
pub(crate) struct Made {
    pub(crate) label: String,
    pub(crate) folder: PathBuf,
    pub(crate) operators: Vec<String>,
}

/// Copies the code, reads its operators, and writes the manifest.
pub(crate) fn make(arguments: &args::Package) -> Result<Made> {
    let source = arguments.folder.join(FILE_NAME);
    let text = fs::read_to_string(&source).map_err(|error| cannot("read", &source, error))?;
    let mut manifest =
        Manifest::parse(&text).map_err(|error| Error::from(error).context(source.display()))?;
    let folder = arguments.output.join(format!("{}-{}", manifest.plugin.id, manifest.plugin.version));
    // Built beside and moved into place, so that a plugin folder is never half a plugin.
    let building = arguments.output.join(format!(".{}-{}.new", manifest.plugin.id, manifest.plugin.version));
    remove(&building)?;
    let files = [
        (LaneKind::Native, &arguments.native),
        (LaneKind::Wasm, &arguments.wasm),
        (LaneKind::Program, &arguments.program),
    ];
    manifest.artifacts.clear();
    let mut described: Option<(LaneKind, Vec<Descriptor>)> = None;
    for (lane, file) in files {
        let Some(file) = file else { continue };
        let (entry, operators) = add(&manifest, lane, file, &building)?;
        if let Some((before, known)) = &described
            && *known != operators
        {
            let kind =
                ErrorKind::Incompatible { have: format!("{lane} code"), need: format!("{before} code") };
            let sentence = format!("the {before} and the {lane} code describe other operators");
            return Err(Error::new(kind, sentence).with_remedy("build both from the same source"));
        }
        described = Some((lane, operators));
        manifest.artifacts.push(entry);
    }
    copy_licenses(&arguments.folder, &building)?;
    let (_, operators) = described.ok_or_else(|| {
        Error::invalid_argument("no code was named")
            .with_remedy("give --native, --wasm or --program, or several")
    })?;
    manifest.operators = operators;
    let text = manifest.update_toml(&text)?;
    let target = building.join(FILE_NAME);
    fs::write(&target, text).map_err(|error| cannot("write", &target, error))?;
    remove(&folder)?;
    fs::rename(&building, &folder).map_err(|error| cannot("make", &folder, error))?;
    Ok(Made {
        label: manifest.label(),
        folder,
        operators: manifest.operators.iter().map(|d| format!("{}: {}", d.id, d.summary)).collect(),
    })
}

/// The error of a file or folder that could not be read, written or made.
pub(crate) fn cannot(verb: &str, path: &Path, error: std::io::Error) -> Error {
    let kind = match error.kind() {
        std::io::ErrorKind::NotFound => ErrorKind::NotFound,
        std::io::ErrorKind::PermissionDenied => {
            ErrorKind::PermissionDenied { permission: format!("{verb} {}", path.display()) }
        }
        _ => ErrorKind::Internal,
    };
    Error::new(kind, format!("cannot {verb} {}", path.display())).with_source(error)
}

/// Starts of the names of files with a licence's text.
const LICENSES: &[&str] = &["LICENSE", "LICENCE", "COPYING"];

/// Copies the texts of licences that lie beside the manifest (MAN-09).
fn copy_licenses(from: &Path, package: &Path) -> Result<()> {
    let mut names: Vec<_> = fs::read_dir(from)
        .map_err(|error| cannot("read", from, error))?
        .filter_map(|entry| Some(entry.ok()?.file_name()))
        .filter(|name| {
            let upper = name.to_string_lossy().to_uppercase();
            LICENSES.iter().any(|start| upper.starts_with(start)) && from.join(name).is_file()
        })
        .collect();
    names.sort();
    for name in names {
        fs::copy(from.join(&name), package.join(&name))
            .map_err(|error| cannot("copy", &from.join(&name), error))?;
    }
    Ok(())
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(cannot("replace", folder, error)),
    }
}

/// Copies one file of code into the package and reads what it has.
fn add(
    manifest: &Manifest,
    lane: LaneKind,
    file: &Path,
    package: &Path,
) -> Result<(ArtifactEntry, Vec<Descriptor>)> {
    let bytes = fs::read(file).map_err(|error| cannot("read", file, error))?;
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let target = HostSupport::this_computer().target;
    let relative = match lane {
        LaneKind::Native => format!("native/{target}/{name}"),
        LaneKind::Wasm => format!("wasm/{name}"),
        LaneKind::Program => format!("program/{name}"),
    };
    let path = package.join(&relative);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(|error| cannot("make", parent, error))?;
    }
    fs::write(&path, &bytes).map_err(|error| cannot("write", &path, error))?;
    let interfaces = interfaces(lane, file)?;
    let sha256 = Sha256::of(&bytes);
    let artifact = Artifact {
        plugin: manifest.plugin.id.to_string(),
        version: manifest.plugin.version.clone(),
        path,
        sha256,
        interface: parfocal_operator::VERSION,
        limits: Limits::default(),
    };
    let operators = load(lane, &artifact)?;
    let entry = ArtifactEntry {
        lane,
        target: (lane == LaneKind::Native).then(|| target.parse()).transpose()?,
        interpreter: (lane == LaneKind::Program).then_some(Interpreter::Python3),
        path: relative.parse()?,
        sha256: FileDigest(sha256.0),
        interfaces,
    };
    Ok((entry, operators))
}

/// The interface versions that the note in the bytes names; a program speaks the one in which it is asked what it has.
fn interfaces(lane: LaneKind, file: &Path) -> Result<Vec<InterfaceRef>> {
    if lane == LaneKind::Program {
        let name = parfocal_operator::INTERFACE.to_owned();
        return Ok(vec![InterfaceRef { name, version: parfocal_operator::VERSION }]);
    }
    let inspection = parfocal_catalog::inspect(file)?;
    let note = inspection.note.ok_or_else(|| {
        Error::corrupt(format!("{} carries no Parfocal note", file.display()))
            .with_remedy("build it with `export_plugin!` (Rust) or `PF_PLUGIN` (C)")
    })?;
    note.interfaces.iter().map(|text| text.parse()).collect()
}

fn load(lane: LaneKind, artifact: &Artifact) -> Result<Vec<Descriptor>> {
    let library = match lane {
        LaneKind::Native => WorkerLane::new(WorkerOptions::installed()?).load(artifact)?,
        #[cfg(feature = "wasm")]
        LaneKind::Wasm => {
            parfocal_wasm::WasmLane::new(parfocal_wasm::WasmOptions { cache_dir: None })?.load(artifact)?
        }
        #[cfg(not(feature = "wasm"))]
        LaneKind::Wasm => return Err(Error::not_supported("the WASM lane in this build")),
        LaneKind::Program => ProgramLane::new(WorkerOptions::installed()?).load(artifact)?,
    };
    Ok(library.operators().to_vec())
}
