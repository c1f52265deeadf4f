//! Reading compared with tifffile: real files, and files of many kinds that tifffile writes for the purpose.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use parfocal_image::{Axis, DType, PixelClass, PixelSize, Supports};
use parfocal_io::{read::Format, read::ImageFile, source};
use parfocal_types::{
    ErrorKind,
    units::{Micrometers, Nanometers, Seconds},
};

use crate::{
    format_table,
    judge::{self, Verdict},
};

/// Python with the judge, or nothing after a line that says why.
fn python() -> Option<PathBuf> {
    judge::python().map_err(|why| println!("skipped: {why}")).ok()
}

/// Files written by tifffile, once for all tests of this process.
fn made() -> Option<&'static Path> {
    static FOLDER: OnceLock<Option<tempfile::TempDir>> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let python = python()?;
        let folder = tempfile::tempdir().unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judges/make_tiffs.py");
        let output = Command::new(python).arg(script).arg(folder.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Some(folder)
    });
    folder.as_ref().map(tempfile::TempDir::path)
}

#[test]
fn real_files_are_read_as_tifffile_reads_them_or_refused_by_name() {
    let (Some(data), Some(python)) = (judge::data(), python()) else { return };
    let rows = format_table::rows(&data, &python);
    let wrong: Vec<_> = rows.iter().filter(|row| row.is_wrong()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let equal = |set| rows.iter().filter(|row| row.set == set && row.verdict == Verdict::Equal).count();
    println!("equal: tiff_valid {}, vendor_ome {}", equal("tiff_valid"), equal("vendor_ome"));
    assert!(equal("tiff_valid") >= 120, "{rows:#?}");
    assert!(equal("vendor_ome") >= 9, "{rows:#?}");
    let page = std::fs::read_to_string(format_table::page()).unwrap();
    let fresh = format_table::replaced(&page, &format_table::table(&rows)).unwrap();
    assert!(page == fresh, "docs/formats.md is stale: run `{}`", format_table::COMMAND);
}

#[test]
fn files_of_every_kind_are_read_as_tifffile_reads_them() {
    let (Some(folder), Some(python)) = (made(), python()) else { return };
    // tifffile does not follow a file to its companion; the next test looks at those.
    let files: Vec<_> = judge::tiffs(folder)
        .into_iter()
        .filter(|path| !path.file_name().unwrap().to_string_lossy().starts_with("companion"))
        .collect();
    assert!(files.len() > 100, "{files:?}");
    let answers = judge::ask(&python, &files);
    let wrong: Vec<_> = files
        .iter()
        .map(|path| (path.file_name().unwrap(), judge::verdict(path, &answers[path])))
        .filter(|(_, verdict)| *verdict != Verdict::Equal)
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_set_with_a_companion_is_whole_from_each_of_its_files() {
    let Some(folder) = made() else { return };
    let set = source::open_one(folder.join("set_T0_C0.ome.tif")).unwrap();
    let mut expected =
        parfocal_image::Buffer::zeroed(DType::U16, parfocal_image::Region::whole(set.spec().extent)).unwrap();
    set.read(&mut expected.pixels_mut().unwrap()).unwrap();
    let stack = 4 * 19 * 26;
    for name in ["companion_set.companion.ome", "companion_set_Z0.ome.tif", "companion_set_Z3.ome.tif"] {
        let source = source::open_one(folder.join(name)).unwrap();
        let image = parfocal_core::image::MemoryImage::read(&*source).unwrap();
        assert_eq!(source.spec().extent.0, [1, 1, 4, 19, 26], "{name}");
        assert_eq!(image.pixels().as_slice::<u16>().unwrap(), &expected.as_slice::<u16>().unwrap()[..stack]);
        let channel = &source.spec().channels[0];
        assert_eq!((channel.name.as_str(), channel.excitation), ("DAPI", Some(Nanometers(405.0))));
    }
}

fn copied(from: &Path, to: &Path, names: &[(&str, &str)]) {
    for (old, new) in names {
        std::fs::copy(from.join(old), to.join(new)).unwrap();
    }
}

#[test]
fn a_missing_file_of_a_set_is_named_when_its_planes_are_read() {
    let Some(folder) = made() else { return };
    let part = tempfile::tempdir().unwrap();
    let names = ["set_T0_C0.ome.tif", "set_T0_C1.ome.tif"];
    copied(folder, part.path(), &names.map(|name| (name, name)));
    let source = source::open_one(part.path().join(names[0])).unwrap();
    assert_eq!(source.spec().extent.0, [2, 3, 4, 19, 26]);
    let read = |t, c| {
        let region = parfocal_image::Region::new([t, c, 1, 0, 0], parfocal_image::Extent::plane(19, 26));
        let mut plane = parfocal_image::Buffer::zeroed(DType::U16, region).unwrap();
        source.read(&mut plane.pixels_mut().unwrap())
    };
    read(0, 0).unwrap();
    read(0, 1).unwrap();
    let error = read(1, 2).unwrap_err();
    match error.kind() {
        ErrorKind::DataIncomplete { missing } => assert!(missing.ends_with("set_T1_C2.ome.tif"), "{missing}"),
        other => panic!("{other:?}: {error}"),
    }
    read(0, 0).unwrap();
}

#[test]
fn a_renamed_file_of_a_set_is_found_by_its_identity() {
    let Some(folder) = made() else { return };
    let part = tempfile::tempdir().unwrap();
    copied(
        folder,
        part.path(),
        &[
            ("set_T0_C0.ome.tif", "a.ome.tif"),
            ("set_T0_C1.ome.tif", "b.ome.tif"),
            ("set_T0_C2.ome.tif", "c.ome.tif"),
        ],
    );
    let source = source::open_one(part.path().join("b.ome.tif")).unwrap();
    for c in 0..3 {
        let region = parfocal_image::Region::new([0, c, 3, 0, 0], parfocal_image::Extent::plane(19, 26));
        let mut plane = parfocal_image::Buffer::zeroed(DType::U16, region).unwrap();
        source.read(&mut plane.pixels_mut().unwrap()).unwrap();
    }
}

#[test]
fn pixels_whose_companion_is_missing_open_as_plain_pages_with_a_note() {
    let Some(folder) = made() else { return };
    let part = tempfile::tempdir().unwrap();
    copied(folder, part.path(), &[("companion_set_Z2.ome.tif", "companion_set_Z2.ome.tif")]);
    let file = ImageFile::open(part.path().join("companion_set_Z2.ome.tif")).unwrap();
    assert_eq!(file.format(), Format::Tiff);
    assert!(file.notes()[0].contains("companion_set.companion.ome"), "{:?}", file.notes());
    let source = file.source(0).unwrap();
    assert_eq!(source.spec().pixel_size, PixelSize::UNKNOWN);
}

#[test]
fn ome_facts_become_facts_of_the_image() {
    let Some(folder) = made() else { return };
    for order in ["TCZYX", "CZTYX"] {
        let file = ImageFile::open(folder.join(format!("order_{order}.ome.tif"))).unwrap();
        assert_eq!(file.format(), Format::OmeTiff);
        let source = file.source(0).unwrap();
        let spec = source.spec();
        assert_eq!(spec.extent.0, [2, 3, 4, 21, 34], "{order}");
        assert_eq!(spec.pixel_size.x, Some(Micrometers(0.108)));
        assert_eq!(spec.pixel_size.y, Some(Micrometers(0.108)), "given in nm");
        assert_eq!(spec.pixel_size.z, Some(Micrometers(0.5)));
        assert_eq!(spec.time_increment, Some(Seconds(2.5)));
        let names: Vec<_> = spec.channels.iter().map(|channel| channel.name.as_str()).collect();
        assert_eq!(names, ["DAPI", "GFP", "Cy5"]);
        assert!(spec.channels.iter().all(|channel| channel.class == PixelClass::Unknown));
        assert!(spec.channels.iter().all(|channel| channel.supports == Supports::NONE));
    }
}

#[test]
fn the_levels_of_a_pyramid_have_larger_pixels() {
    let Some(folder) = made() else { return };
    for name in ["pyramid.ome.tif", "pyramid_rgb.ome.tif"] {
        let file = ImageFile::open(folder.join(name)).unwrap();
        assert_eq!((file.series_count(), file.level_count(0)), (1, 3), "{name}");
        for (level, (height, width, size)) in
            [(128, 192, 0.25), (64, 96, 0.5), (32, 48, 1.0)].into_iter().enumerate()
        {
            let source = file.level(0, level).unwrap();
            let spec = source.spec();
            assert_eq!((spec.extent[Axis::Y], spec.extent[Axis::X]), (height, width), "{name} {level}");
            assert_eq!(spec.pixel_size.x, Some(Micrometers(size)), "{name} {level}");
            assert_eq!(source.chunk().0, [1, 1, 1, 32, 32]);
        }
        assert!(matches!(file.level(0, 3).err().unwrap().kind(), ErrorKind::NotFound));
    }
}

#[test]
fn imagej_calibration_counts_where_its_unit_is_physical() {
    let Some(folder) = made() else { return };
    let spec = |name: &str| {
        let file = ImageFile::open(folder.join(name)).unwrap();
        assert_eq!(file.format(), Format::ImageJ);
        file.source(0).unwrap().spec().clone()
    };
    let close = |size: Option<Micrometers>, expected: f64| (size.unwrap().0 - expected).abs() < 1e-6;
    let stack = spec("imagej.tif");
    assert_eq!(stack.extent.0, [2, 4, 3, 17, 23]);
    assert!(close(stack.pixel_size.x, 0.2) && close(stack.pixel_size.z, 1.5), "{:?}", stack.pixel_size);
    assert_eq!(stack.time_increment, Some(Seconds(0.25)));
    assert!(close(spec("imagej_f32.tif").pixel_size.y, 0.25), "an escaped µm");
    assert!(close(spec("imagej_one_directory.tif").pixel_size.z, 2.0), "microns");
    let rgb = spec("imagej_rgb.tif");
    assert_eq!(rgb.pixel_size, PixelSize::UNKNOWN, "a print resolution says nothing about the sample");
    let names: Vec<_> = rgb.channels.iter().map(|channel| channel.name.as_str()).collect();
    assert_eq!(names, ["red", "green", "blue"]);
}

#[test]
fn a_print_resolution_is_no_calibration() {
    let Some(data) = judge::data() else {
        println!("skipped: the folder of real data is not there");
        return;
    };
    let source = source::open_one(data.join("tiff_valid/minisblack-2c-8b-alpha.tiff")).unwrap();
    assert_eq!(source.spec().pixel_size, PixelSize::UNKNOWN);
}
