//! The manifest and the package as a whole: MAN-12, MAN-13, MAN-14.

use parfocal_catalog::inspect_bytes;
use parfocal_manifest::Manifest;
use parfocal_testkit::Random;

use super::{MAN, list, table};
use crate::{
    case::{Applies, Case, Run},
    finding::{Check, Finding},
    scene::Scene,
    status::Severity,
};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "MAN-12",
        sentence: "A damaged copy of the package gives an error, never a crash of its reader.",
        demands: "A hundred seeded copies of the manifest and of each file of code, cut off or with flipped bits, are read by the \
                  host's readers: each gives a sentence or a valid reading, none a panic.",
        why: "Downloads break, disks fail, and files are made to break readers.",
        fix: "This is the host's fault, not the plugin's: report it to Parfocal with the package and the seed.",
        run: Run::Written(man_12),
        ..MAN
    },
    Case {
        id: "MAN-13",
        sentence: "An edition's modules exist, fit each other, and have no circles.",
        demands: "For a manifest of an edition: every module can be found, version constraints can be satisfied together, nothing \
                  needs itself, no id twice.",
        why: "An edition that cannot be put together is found when it is made, not by its users.",
        fix: "Correct the versions that the message names.",
        applies: |_, _| Applies::NotYet("editions"),
        ..MAN
    },
    Case {
        id: "MAN-14",
        severity: Severity::Should,
        sentence: "The manifest uses no key that only one of reader and published schema knows.",
        demands: "Every key of the manifest is described by `plugin.schema.json`, table by table; the schema's required keys \
                  are there.",
        why: "Editors complete and check manifests with the schema; where it disagrees with the reader, they mislead.",
        fix: "Correct the key; where the reader accepts it and the schema does not, report it to Parfocal.",
        run: Run::Written(man_14),
        ..MAN
    },
];

fn man_12(scene: &mut Scene<'_>) -> Check {
    let mut random = scene.random();
    let subject = scene.subject();
    let manifest =
        subject.manifest_bytes().ok_or_else(|| Finding::skip("the manifest cannot be read: see MAN-01"))?;
    for number in 0..100 {
        let copy = damaged(manifest, &mut random);
        read(&format!("copy {number} of the manifest"), || Manifest::from_bytes(&copy).is_ok())?;
    }
    let paths: Vec<_> = list(table(scene)?, "artifact")
        .iter()
        .filter_map(|artifact| Some(artifact.get("path")?.as_str()?.to_owned()))
        .collect();
    // Reading the structure of a large library takes milliseconds; a hundred copies are shared among the files.
    let each = 100_usize.div_ceil(paths.len().max(1));
    for path in &paths {
        let Ok(bytes) = std::fs::read(subject.folder().join(path)) else { continue };
        for number in 0..each {
            let copy = damaged(&bytes, &mut random);
            read(&format!("copy {number} of {path}"), || {
                inspect_bytes(path.as_ref(), &copy).problems.is_empty()
            })?;
        }
    }
    Ok(Finding::pass(format!(
        "100 damaged manifests and {} damaged files gave errors or were read",
        each * paths.len()
    )))
}

/// Reads something, and tells when the reader panics.
fn read(what: &str, reader: impl FnOnce() -> bool + std::panic::UnwindSafe) -> Result<bool, Finding> {
    std::panic::catch_unwind(reader)
        .map_err(|_| Finding::fail(format!("the host's reader panicked at {what}")))
}

/// A copy that is cut off, or has up to eight flipped bits. Bits are flipped in the first 64 KiB half of the time, where
/// the structure of most files begins.
fn damaged(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let length = bytes.len() as u64;
    let place = |limit: u64, random: &mut Random| usize::try_from(random.below(limit)).unwrap_or(0);
    if random.below(4) == 0 {
        return bytes[..place(length, random).min(bytes.len())].to_vec();
    }
    let mut copy = bytes.to_vec();
    let limit = if random.below(2) == 0 { length.min(64 << 10) } else { length };
    for _ in 0..=random.below(8) {
        let bit = random.below(8);
        if let Some(byte) = copy.get_mut(place(limit, random)) {
            *byte ^= 1 << bit;
        }
    }
    copy
}

fn man_14(scene: &mut Scene<'_>) -> Check {
    let schema = parfocal_manifest::schema();
    let manifest = serde_json::to_value(table(scene)?)
        .map_err(|error| Finding::suite_error(format!("the manifest cannot be seen as JSON: {error}")))?;
    let mut problems = Vec::new();
    crate::schema::compare(&schema, &schema, &manifest, "the manifest", &mut problems);
    match problems.first() {
        None => Ok(Finding::pass("every key is described, and no required one is missing")),
        Some(first) => Err(Finding::fail(first.clone()).with("problems", problems.join("; "))),
    }
}
