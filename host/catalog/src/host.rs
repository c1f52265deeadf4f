//! What this host can run.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use parfocal_core::Limits;
use parfocal_manifest::LaneKind;
use parfocal_types::InterfaceVersion;

/// What a host can run: its interfaces, its system, its lanes.
#[derive(Debug, Clone)]
pub struct HostSupport {
    /// Every version of every interface that the host speaks.
    pub interfaces: BTreeMap<String, BTreeSet<InterfaceVersion>>,
    /// The target triple of this system.
    pub target: String,
    /// The lanes that the host was built with.
    pub lanes: BTreeSet<LaneKind>,
    /// Whether the host can run native code in a process of its own.
    pub own_process: bool,
    /// What no plugin gets more of, whatever its manifest asks for.
    pub ceiling: Limits,
}

impl HostSupport {
    /// This build on this computer: the interface `operator` in the version of `parfocal-operator`, all lanes.
    #[must_use]
    pub fn this_computer() -> Self {
        let operator =
            (parfocal_operator::INTERFACE.to_owned(), BTreeSet::from([parfocal_operator::VERSION]));
        Self {
            interfaces: BTreeMap::from([operator]),
            target: env!("PARFOCAL_TARGET").to_owned(),
            lanes: BTreeSet::from([LaneKind::Native, LaneKind::Wasm, LaneKind::Program]),
            own_process: false,
            // A quarter of a workstation's memory, and longer than anybody watches a tile.
            ceiling: Limits { memory: 16 << 30, call: Duration::from_secs(600) },
        }
    }

    /// The same host with other lanes, for example one that was built without WASM.
    #[must_use]
    pub fn with_lanes(mut self, lanes: impl IntoIterator<Item = LaneKind>) -> Self {
        self.lanes = lanes.into_iter().collect();
        self
    }

    /// The versions of one interface as messages list them: `operator/1-draft.2, operator/1`.
    pub(crate) fn speaks(&self, name: &str) -> String {
        let versions = self.interfaces.get(name).into_iter().flatten();
        versions.map(|version| format!("{name}/{version}")).collect::<Vec<_>>().join(", ")
    }
}
