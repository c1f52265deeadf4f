//! Binaries of every interface version load and pass on this host.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use parfocal_catalog::{Catalog, HostSupport, LaneOrder, OperatorRef};
use parfocal_core::{Lane, image::MemoryImage};
use parfocal_image::{Buffer, DType, Extent, ImageSpec, PixelSize, Region};
use parfocal_manifest::LaneKind;
use parfocal_native::NativeLane;
use parfocal_types::units::Micrometers;
use parfocal_wasm::{WasmLane, WasmOptions};

use crate::{
    outcome::{inputs, outcome},
    program::parfocal,
};

/// What a binary must still be able to do: load, say what it is, and give the same pixels in tiles and in every lane. The rest of the
/// suite judges the plugin more than the host.
const CASES: [&str; 9] =
    ["MAN-05", "MAN-06", "ABI-01", "ABI-02", "ABI-03", "ABI-06", "OPR-01", "OPR-05", "OPR-30"];

/// What the operators of an entry gave when it was made: for each a line with its name and the digest of everything.
const RESULTS: &str = "results.txt";

/// Writes that file, for an entry that has none.
const RECORD: &str = "PARFOCAL_MUSEUM_RECORD";

fn entries() -> Vec<PathBuf> {
    let museum = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance-tests/museum");
    let entries = fs::read_dir(museum).unwrap().map(|entry| entry.unwrap().path());
    let mut entries: Vec<_> = entries.filter(|path| path.is_dir()).collect();
    entries.sort();
    entries
}

/// The image that the recorded results are of: it never changes.
fn image() -> MemoryImage {
    let mut spec = ImageSpec::new(Extent::new(2, 1, 2, 47, 61), DType::U16);
    spec.pixel_size = PixelSize::square(Micrometers(0.1));
    let mut state = 7_u32;
    let pixels: Vec<u16> = (0..2 * 2 * 47 * 61)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) as u16
        })
        .collect();
    let pixels = Buffer::from_slice(&pixels, Region::whole(spec.extent)).unwrap();
    MemoryImage::new(spec, pixels).unwrap()
}

#[test]
fn every_entry_gives_what_it_gave_when_it_was_made() {
    let image = image();
    for entry in entries() {
        let state = tempfile::tempdir().unwrap();
        let catalog =
            Catalog::scan(std::slice::from_ref(&entry), &HostSupport::this_computer(), state.path());
        let mut found = String::new();
        for manifest in catalog.plugins().iter().map(|package| package.manifest.as_ref().unwrap()) {
            for operator in &manifest.operators {
                let wanted = OperatorRef::parse(&format!("{}/{}", manifest.plugin.id, operator.id)).unwrap();
                let give = |kind: LaneKind, lane: &dyn Lane| {
                    let picked = catalog.pick(&wanted, &LaneOrder::only(kind)).unwrap();
                    let library = lane.load(&picked.artifact).unwrap();
                    outcome(&library, operator, &inputs(operator, &image).unwrap(), None).unwrap().digest()
                };
                let native = give(LaneKind::Native, &NativeLane::new());
                let wasm = give(LaneKind::Wasm, &WasmLane::new(WasmOptions::default()).unwrap());
                assert_eq!(native, wasm, "{} in {}", operator.id, entry.display());
                found.push_str(&format!("{} {native}\n", operator.id));
            }
        }
        let file = entry.join(RESULTS);
        if env::var_os(RECORD).is_some() && !file.exists() {
            fs::write(&file, &found).unwrap();
        }
        let recorded = fs::read_to_string(&file).unwrap_or_default();
        assert!(found.lines().count() >= 7, "{found}");
        assert_eq!(found, recorded, "{}: this host gives other results", entry.display());
    }
}

#[test]
fn every_entry_of_the_museum_loads_and_keeps_the_contract() {
    let entries = entries();
    let home = tempfile::tempdir().unwrap();
    let today = format!("operator-{}", parfocal_operator::VERSION);
    assert!(
        entries.iter().any(|entry| entry.ends_with(&today)),
        "no entry {today}: run `cargo xtask museum`"
    );
    for entry in entries {
        let mut arguments = vec!["conform", entry.to_str().unwrap(), "--json"];
        arguments.extend(CASES.iter().flat_map(|case| ["--case", case]));
        let output = parfocal(home.path(), &arguments);
        let reports: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let results: Vec<_> = reports
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|report| report["results"].as_array().unwrap())
            .collect();
        let bad = |result: &&&serde_json::Value| !matches!(result["status"].as_str(), Some("pass" | "na"));
        let bad: Vec<_> = results.iter().filter(bad).collect();
        assert!(bad.is_empty() && results.len() > CASES.len(), "{}: {bad:#?}", entry.display());
    }
}
