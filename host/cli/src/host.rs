//! The host of one run of the program: the catalog and the lanes.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use parfocal_catalog::{Catalog, HostSupport, LaneOrder, OperatorRef, Quarantine, Quarantined, Selection};
use parfocal_core::{Artifact, Lane, Library};
use parfocal_manifest::LaneKind;
use parfocal_native::NativeLane;
use parfocal_trust::{Grants, Trust};
use parfocal_types::{Error, ErrorKind, Result};
use parfocal_worker::{MOST_DEATHS, ProgramLane, WorkerLane, WorkerOptions};

use crate::{args::LaneName, folders::Folders, trust};

/// The catalog and the lanes.
pub(crate) struct Host {
    pub(crate) catalog: Catalog,
    lanes: BTreeMap<LaneKind, Box<dyn Lane>>,
    in_process: Option<InProcess>,
}

/// The lane in this process, and who may use it.
struct InProcess {
    lane: NativeLane,
    grants: Grants,
    trust: Trust,
}

impl InProcess {
    fn open(folders: &Folders) -> Result<Self> {
        Ok(Self {
            lane: NativeLane::new(),
            grants: Grants::open(&folders.state)?,
            trust: trust::open(folders)?,
        })
    }

    /// The lane, for a file that was granted it and that is still signed by a key that the user trusts.
    fn lane(&self, catalog: &Catalog, artifact: &Artifact) -> Result<&dyn Lane> {
        if self.grants.in_process(&artifact.sha256).is_none() {
            return Err(not_granted(artifact, "was not granted to run in the program's own process"));
        }
        let (_, verdict) = trust::verdict(&self.trust, catalog, artifact)?;
        if !verdict.is_signed() {
            let why = format!("may no longer run in the program's own process: {verdict}");
            return Err(not_granted(artifact, &why));
        }
        Ok(&self.lane)
    }
}

impl Host {
    /// Looks at the plugin folders; nothing is loaded.
    pub(crate) fn open(folders: &Folders) -> Result<Self> {
        let mut lanes: BTreeMap<LaneKind, Box<dyn Lane>> = BTreeMap::new();
        let workers = workers(&folders.state)?;
        lanes.insert(LaneKind::Native, Box::new(WorkerLane::new(workers.clone())));
        lanes.insert(LaneKind::Program, Box::new(ProgramLane::new(workers)));
        #[cfg(feature = "wasm")]
        lanes.insert(LaneKind::Wasm, Box::new(wasm(folders)?));
        let support = HostSupport::this_computer().with_lanes(lanes.keys().copied());
        Ok(Self { catalog: trust::scan(folders, &support)?, lanes, in_process: None })
    }

    /// From now on native code runs in this process, as far as the user granted it, and other native code is refused.
    pub(crate) fn in_process(&mut self, folders: &Folders) -> Result<()> {
        self.in_process = Some(InProcess::open(folders)?);
        Ok(())
    }

    /// The lane for what was picked.
    fn lane(&self, selection: &Selection) -> Result<&dyn Lane> {
        match &self.in_process {
            Some(own) if selection.lane == LaneKind::Native => own.lane(&self.catalog, &selection.artifact),
            _ => {
                let lane = self.lanes.get(&selection.lane).map(|lane| &**lane);
                lane.ok_or_else(|| Error::not_supported(format!("the {} lane in this build", selection.lane)))
            }
        }
    }

    /// Picks and loads an operator.
    pub(crate) fn load(
        &mut self,
        operator: &str,
        lane: Option<LaneName>,
    ) -> Result<(Selection, Arc<dyn Library>)> {
        let order = match lane {
            None => LaneOrder::default(),
            Some(LaneName::Native) => LaneOrder::only(LaneKind::Native),
            Some(LaneName::Wasm) => LaneOrder::only(LaneKind::Wasm),
            Some(LaneName::Program) => LaneOrder::only(LaneKind::Program),
        };
        let selection = self.catalog.pick(&OperatorRef::parse(operator)?, &order)?;
        let loaded = self.lane(&selection)?.load(&selection.artifact).and_then(|library| {
            agree(&selection, &*library)?;
            Ok(library)
        });
        match loaded {
            Ok(library) => {
                // What cannot be noted does not stop a run that goes well.
                let _ = self.catalog.note_success(&selection.artifact);
                Ok((selection, library))
            }
            Err(error) => Err(self.refused(&selection, error)),
        }
    }

    /// Notes that a file cannot be loaded, and tells when it is in quarantine now.
    fn refused(&mut self, selection: &Selection, error: Error) -> Error {
        if !self.catalog.note_failure(&selection.artifact, &error).unwrap_or(false) {
            return error;
        }
        let remedy = error.remedy().map(|remedy| format!("{remedy}; ")).unwrap_or_default();
        let id = &selection.artifact.plugin;
        error.with_remedy(format!(
            "{remedy}the file is in quarantine now, `parfocal plugins release {id}` takes it back"
        ))
    }
}

fn not_granted(artifact: &Artifact, why: &str) -> Error {
    let kind = ErrorKind::PermissionDenied { permission: "run in the program's own process".into() };
    Error::new(kind, why)
        .with_origin(artifact.label())
        .with_remedy(format!(
            "leave out `--in-process`; or allow it, for a plugin that is signed and at conformance level 3: `parfocal plugins \
             grant {} --report <report>`",
            artifact.plugin
        ))
}

/// How native code and programs run: in workers; a file whose workers keep dying goes into quarantine.
pub(crate) fn workers(state: &Path) -> Result<WorkerOptions> {
    let state = state.to_owned();
    let deaths = move |artifact: &Artifact, error: &Error, in_a_row: u32| {
        if in_a_row >= MOST_DEATHS {
            let reason =
                format!("its workers died {in_a_row} times in a row, the last time: {}", error.message());
            let version = artifact.version.to_string();
            let entry = Quarantined { plugin: artifact.plugin.clone(), version, reason };
            // What cannot be noted does not stop the error from being shown.
            let _ = Quarantine::open(&state).and_then(|mut all| all.add(artifact.sha256, entry));
        }
    };
    Ok(WorkerOptions { deaths: Some(Arc::new(deaths)), ..WorkerOptions::installed()? })
}

#[cfg(feature = "wasm")]
fn wasm(folders: &Folders) -> Result<parfocal_wasm::WasmLane> {
    let options = parfocal_wasm::WasmOptions { cache_dir: folders.cache.clone() };
    // A cache that cannot be used costs time, not the run.
    parfocal_wasm::WasmLane::new(options)
        .or_else(|_| parfocal_wasm::WasmLane::new(parfocal_wasm::WasmOptions { cache_dir: None }))
}

/// Holds the manifest's description of the operator against the code's.
fn agree(selection: &Selection, library: &dyn Library) -> Result<()> {
    let id = &selection.descriptor.id;
    if library.operators().contains(&selection.descriptor) {
        return Ok(());
    }
    let kind = ErrorKind::Incompatible { have: "the code".into(), need: "plugin.toml".into() };
    Err(Error::new(kind, format!("code and plugin.toml describe operator `{id}` differently"))
        .with_origin(selection.artifact.label())
        .with_remedy("package the plugin again: `parfocal package` writes what the code says"))
}
