//! Files whose compressed pixels were damaged: the same pixels or an error, never others.

use std::{collections::BTreeMap, path::Path, process::Command};

use parfocal_core::image::MemoryImage;
use parfocal_image::{DType, Extent, ImageSpec, Region};
use parfocal_io::{
    source,
    write::{OmeTiffOptions, OmeTiffWriter},
};
use parfocal_types::Result;

use crate::{
    judge,
    write_support::{boxes, pattern},
};

/// Bytes that are changed in each file.
const CHANGES: usize = 150;

fn read(path: &Path) -> Result<Vec<u8>> {
    Ok(MemoryImage::read(&*source::open_one(path)?)?.pixels().bytes().to_vec())
}

/// Changes bytes of the file, one at a time, spread over these parts of it.
fn check(path: &Path, parts: &[(usize, usize)], least: usize) {
    let bytes = std::fs::read(path).unwrap();
    let pixels = read(path).unwrap();
    let places: Vec<usize> = parts.iter().flat_map(|(start, length)| *start..start + length).collect();
    assert!(places.len() > CHANGES, "{path:?}");
    let mut refused = 0;
    for change in 0..CHANGES {
        let at = places[change * places.len() / CHANGES];
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (change % 8);
        std::fs::write(path, damaged).unwrap();
        match read(path) {
            Ok(found) => assert!(found == pixels, "{path:?}: other pixels with byte {at} changed"),
            Err(error) => {
                assert_eq!(error.kind().name(), "corrupt", "{path:?}: {error}");
                refused += 1;
            }
        }
    }
    println!("{path:?}: {refused} of {CHANGES} refused");
    assert!(refused >= least, "{path:?}: {refused}");
}

#[test]
fn a_changed_byte_of_our_own_files_is_found() {
    let folder = tempfile::tempdir().unwrap();
    for (name, extent) in [("strips", Extent::plane(700, 300)), ("tiles", Extent::plane(300, 2100))] {
        let path = folder.path().join(format!("{name}.ome.tif"));
        let spec = ImageSpec::new(extent, DType::U16);
        let sink = OmeTiffWriter::create(&path, &spec, &OmeTiffOptions::default()).unwrap();
        for region in boxes(extent, sink.tile(), 1) {
            sink.write(&pattern(DType::U16, region).pixels().unwrap()).unwrap();
        }
        sink.finish().unwrap();
        assert_eq!(read(&path).unwrap(), pattern(DType::U16, Region::whole(extent)).bytes());
        // Pieces lie between the header and the first directory.
        let bytes = std::fs::read(&path).unwrap();
        let first = u32::from_le_bytes(bytes[4..8].try_into().unwrap()) as usize;
        // Among tiles lie those of the smaller sizes, which nobody reads here: a quarter at most.
        let least = if name == "tiles" { CHANGES * 3 / 4 } else { CHANGES };
        check(&path, &[(8, first - 8)], least);
    }
}

#[test]
fn a_changed_byte_of_a_file_by_tifffile_is_found() {
    let python = match judge::python() {
        Ok(python) => python,
        Err(why) => return println!("skipped: {why}"),
    };
    let folder = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judges/deflate.py");
    let output = Command::new(python).arg(script).arg(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let files: BTreeMap<String, Vec<(usize, usize)>> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(files.len(), 4);
    for (name, parts) in files {
        check(&folder.path().join(name), &parts, CHANGES * 9 / 10);
    }
}
