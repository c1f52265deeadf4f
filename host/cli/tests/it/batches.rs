//! Several images at once: what they are called, in which order, tables of all, and some that fail.

use std::{collections::BTreeSet, path::Path};

use parfocal_image::{Buffer, DType, Extent, ImageSpec, PixelSize, Region};
use parfocal_io::{
    read::ImageFile,
    write::{OmeTiffOptions, OmeTiffWriter},
};
use parfocal_types::units::Micrometers;

use crate::program::{make, run, text};

/// Two squares of one grey level in an image of so many planes.
pub(crate) fn squares(path: &Path, planes: u64, side: Option<f64>) -> ImageSpec {
    let extent = Extent::new(1, 1, planes, 32, 32);
    let mut pixels = vec![0_u16; usize::try_from(planes).unwrap() * 32 * 32];
    for (index, pixel) in pixels.iter_mut().enumerate() {
        let (y, x) = (index / 32 % 32, index % 32);
        if (4..10).contains(&y) && (4..10).contains(&(x % 16)) {
            *pixel = 100 + 100 * u16::try_from(x / 16).unwrap();
        }
    }
    let mut spec = ImageSpec::new(extent, DType::U16);
    spec.pixel_size = side.map_or(PixelSize::UNKNOWN, |side| PixelSize::square(Micrometers(side)));
    write(path, &spec, &pixels);
    spec
}

pub(crate) fn write(path: &Path, spec: &ImageSpec, pixels: &[u16]) {
    let sink = OmeTiffWriter::create(path, spec, &OmeTiffOptions::default()).unwrap();
    for c in 0..spec.extent.0[1] {
        for z in 0..spec.extent.0[2] {
            let [t, _, _, y, x] = spec.extent.0;
            assert_eq!(t, 1);
            let count = usize::try_from(y * x).unwrap();
            let start = usize::try_from(c * spec.extent.0[2] + z).unwrap() * count;
            let origin = [0, i64::try_from(c).unwrap(), i64::try_from(z).unwrap(), 0, 0];
            let region = Region::new(origin, Extent::plane(y, x));
            let plane = Buffer::from_slice(&pixels[start..start + count], region).unwrap();
            sink.write(&plane.pixels().unwrap()).unwrap();
        }
    }
    sink.finish().unwrap();
}

const COUNT: [&str; 5] = ["--then", "connected-components", "--then", "measure-objects", "--quiet"];

#[test]
fn images_of_the_same_name_are_told_apart_in_files_and_tables() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for name in ["x", "y"] {
        std::fs::create_dir(folder.join(name)).unwrap();
        squares(&folder.join(name).join("a.ome.tif"), 1, Some(0.5));
    }
    let chain = ["run", "otsu-threshold", "y/a.ome.tif", "x/a.ome.tif", "./y/../x/a.ome.tif", "-o", "out"];
    let Some(ran) = run(folder, &[&chain[..], &COUNT].concat()) else { return };
    assert!(ran.status.success(), "{}", text(&ran.stderr));
    let files: BTreeSet<_> = std::fs::read_dir(folder.join("out"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    let expected = ["measure-objects-objects.csv", "x-a.ome.tif", "y-a.ome.tif"];
    assert_eq!(files, BTreeSet::from(expected.map(str::to_owned)));
    let table = std::fs::read_to_string(folder.join("out/measure-objects-objects.csv")).unwrap();
    let images: Vec<_> = table.lines().skip(1).map(|row| row.split(',').next().unwrap()).collect();
    assert_eq!(images, ["y-a", "y-a", "x-a", "x-a"], "in the order given, each once");
}

#[test]
fn tables_of_images_with_other_columns_are_joined_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    squares(&folder.join("a.ome.tif"), 1, None);
    squares(&folder.join("b.ome.tif"), 1, Some(0.5));
    squares(&folder.join("c.ome.tif"), 3, Some(0.5));
    let chain = [
        "run",
        "otsu-threshold",
        "a.ome.tif",
        "b.ome.tif",
        "c.ome.tif",
        "-o",
        "all.csv",
        "-o",
        "all.parquet",
    ];
    let Some(ran) = run(folder, &[&chain[..], &COUNT].concat()) else { return };
    assert!(ran.status.success(), "{}", text(&ran.stderr));
    let table = std::fs::read_to_string(folder.join("all.csv")).unwrap();
    let header: Vec<_> = table.lines().next().unwrap().split(',').collect();
    assert_eq!(header.iter().collect::<BTreeSet<_>>().len(), header.len(), "{header:?}");
    let value = |row: &str, column: &str| {
        let place = header.iter().position(|name| *name == column).unwrap_or_else(|| panic!("{header:?}"));
        row.split(',').nth(place).unwrap().to_owned()
    };
    let rows: Vec<_> = table.lines().skip(1).collect();
    let first = |image: &str| *rows.iter().find(|row| row.starts_with(&format!("{image},"))).unwrap();
    // 6 x 6 pixels of 0.5 x 0.5 µm.
    assert_eq!(value(first("b"), "area [µm²]"), "9", "{table}");
    assert_eq!(value(first("b"), "area_square_pixel [px²]"), "NaN", "{table}");
    assert_eq!(value(first("a"), "area [µm²]"), "NaN", "{table}");
    assert_eq!(value(first("a"), "area_square_pixel [px²]"), "36", "{table}");
    assert_eq!(value(first("a"), "label"), "1", "whole numbers without gaps stay whole: {table}");
    assert!(rows.iter().all(|row| row.split(',').count() == header.len()), "{table}");
    assert!(folder.join("all.parquet").exists());
}

#[test]
fn a_batch_ends_with_how_many_failed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    make(folder, "a.ome.tif", "32");
    for name in ["b.tif", "c.tif"] {
        std::fs::write(folder.join(name), b"II*\0 this is no image").unwrap();
    }
    let Some(ran) = run(folder, &["run", "identity", "c.tif", "a.ome.tif", "b.tif", "-o", "out"]) else {
        return;
    };
    assert_eq!(ran.status.code(), Some(1));
    let said = text(&ran.stderr);
    let last = said.lines().last().unwrap();
    assert!(last.starts_with("2 of 3 images failed: ") && last.contains("c.tif"), "{said}");
    assert!(last.find("c.tif") < last.find("b.tif"), "in the order given: {said}");
}

#[test]
fn a_pixel_size_is_for_images_that_do_not_say() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    squares(&folder.join("a.ome.tif"), 1, None);
    squares(&folder.join("b.ome.tif"), 1, Some(0.5));
    let Some(ran) =
        run(folder, &["run", "identity", "a.ome.tif", "b.ome.tif", "--pixel-size", "0.2", "-o", "out"])
    else {
        return;
    };
    assert!(ran.status.success());
    let said = text(&ran.stderr);
    assert!(said.contains("b.ome.tif: the file says that a pixel is 0.5 µm, not 0.2 µm"), "{said}");
    assert!(!said.contains("a.ome.tif"), "{said}");
    for (name, side) in [("a", 0.2), ("b", 0.5)] {
        let file = ImageFile::open(folder.join(format!("out/{name}.ome.tif"))).unwrap();
        let size = file.source(0).unwrap().spec().pixel_size;
        assert_eq!((size.x, size.y), (Some(Micrometers(side)), Some(Micrometers(side))), "{name}");
        let notes = std::fs::read(folder.join(format!("out/{name}.ome.tif"))).unwrap();
        assert_eq!(text(&notes).contains("the user gave the pixel size"), name == "a", "{name}");
    }
}

#[cfg(unix)]
#[test]
fn a_batch_that_is_stopped_names_the_images_it_did_not_reach() {
    let Some(plugins) = crate::place::plugins() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // Sixteen million windows of 101 x 101 pixels are not done before the signal arrives.
    make(folder, "a.ome.tif", "4000");
    for name in ["b.ome.tif", "c.ome.tif"] {
        std::fs::copy(folder.join("a.ome.tif"), folder.join(name)).unwrap();
    }
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_parfocal"))
        .current_dir(folder)
        .env("XDG_STATE_HOME", folder.join("state"))
        .args(["--plugins", plugins.to_str().unwrap(), "run", "median", "-p", "radius=50"])
        .args(["a.ome.tif", "b.ome.tif", "c.ome.tif", "-o", "out"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let begun = || std::fs::read_dir(folder.join("out")).is_ok_and(|mut files| files.next().is_some());
    while !begun() {
        assert_eq!(child.try_wait().unwrap(), None, "it ended before anybody stopped it");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let sent = std::process::Command::new("kill").args(["-s", "INT", &child.id().to_string()]).status();
    assert!(sent.unwrap().success());
    let ended = child.wait_with_output().unwrap();
    let said = text(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{said}");
    let line =
        said.lines().find(|line| line.contains("were not reached")).unwrap_or_else(|| panic!("{said}"));
    assert!(line.starts_with("2 of 3 images") && line.contains("b.ome.tif, c.ome.tif"), "{said}");
    assert_eq!(std::fs::read_dir(folder.join("out")).unwrap().count(), 0);
}
