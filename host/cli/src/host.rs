//! The host of one run of the program: the catalog and the lanes.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use parfocal_catalog::{Catalog, HostSupport, LaneOrder, OperatorRef, Quarantine, Quarantined, Selection};
use parfocal_core::{Artifact, Lane, Library};
use parfocal_manifest::LaneKind;
use parfocal_types::{Error, ErrorKind, Result};
use parfocal_worker::{MOST_DEATHS, WorkerLane, WorkerOptions};

use crate::{args::LaneName, folders::Folders};

/// The catalog and the lanes.
pub(crate) struct Host {
    pub(crate) catalog: Catalog,
    lanes: BTreeMap<LaneKind, Box<dyn Lane>>,
}

impl Host {
    /// Looks at the plugin folders; nothing is loaded.
    pub(crate) fn open(folders: &Folders) -> Result<Self> {
        let mut lanes: BTreeMap<LaneKind, Box<dyn Lane>> = BTreeMap::new();
        lanes.insert(LaneKind::Native, Box::new(WorkerLane::new(workers(&folders.state)?)));
        #[cfg(feature = "wasm")]
        lanes.insert(LaneKind::Wasm, Box::new(wasm(folders)?));
        let support = HostSupport::this_computer().with_lanes(lanes.keys().copied());
        Ok(Self { catalog: Catalog::scan(&folders.plugins, &support, &folders.state), lanes })
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
        };
        let selection = self.catalog.pick(&OperatorRef::parse(operator)?, &order)?;
        let lane = self
            .lanes
            .get(&selection.lane)
            .ok_or_else(|| Error::not_supported(format!("the {} lane in this build", selection.lane)))?;
        let loaded = lane.load(&selection.artifact).and_then(|library| {
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

/// How native code runs: in workers; a file whose workers keep dying goes into quarantine.
pub(crate) fn workers(state: &Path) -> Result<WorkerOptions> {
    let state = state.to_owned();
    let deaths = move |artifact: &Artifact, error: &Error, in_a_row: u32| {
        if in_a_row >= MOST_DEATHS {
            let reason = format!("its workers died {in_a_row} times in a row, the last time: {}", error.message());
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
