//! Where the built plugins and the real data are; a test without them says so and returns.

use std::{
    env,
    path::{Path, PathBuf},
    sync::Arc,
};

use parfocal_catalog::{Catalog, HostSupport, LaneOrder, OperatorRef};
use parfocal_core::{Lane, Library};
use parfocal_manifest::LaneKind;
use parfocal_native::NativeLane;
use parfocal_operator::Descriptor;
use parfocal_wasm::{WasmLane, WasmOptions};

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The folder of plugins that `cargo xtask plugins` builds.
pub(crate) fn plugins() -> Option<PathBuf> {
    let folder = root().join("target/plugins");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: the plugins are not built; run `cargo xtask plugins`");
    None
}

/// A folder of the real data.
pub(crate) fn data(name: &str) -> Option<PathBuf> {
    let folder = env::var_os("PARFOCAL_DATA").map_or_else(|| root().join("../shared/data"), PathBuf::from);
    let folder = folder.join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: no {}; set PARFOCAL_DATA to the folder of the real data", folder.display());
    None
}

/// The classical plugin in both lanes, as loaded from its files.
pub(crate) struct Lanes {
    pub(crate) native: Arc<dyn Library>,
    pub(crate) wasm: Arc<dyn Library>,
    pub(crate) operators: Vec<Descriptor>,
}

pub(crate) fn lanes() -> Option<Lanes> {
    let folder = plugins()?;
    let state = tempfile::tempdir().ok()?;
    let catalog = Catalog::scan(&[folder], &HostSupport::this_computer(), state.path());
    let wanted = OperatorRef::parse("org.parfocal.classical/gaussian").unwrap();
    let Ok(wasm) = catalog.pick(&wanted, &LaneOrder::only(LaneKind::Wasm)) else {
        println!("skipped: the classical plugin was built without its WASM component");
        return None;
    };
    let native = catalog.pick(&wanted, &LaneOrder::only(LaneKind::Native)).unwrap();
    let native = NativeLane::new().load(&native.artifact).unwrap();
    let wasm = WasmLane::new(WasmOptions::default()).unwrap().load(&wasm.artifact).unwrap();
    assert_eq!(native.operators(), wasm.operators(), "both lanes describe the same operators");
    let operators = native.operators().to_vec();
    Some(Lanes { native, wasm, operators })
}
