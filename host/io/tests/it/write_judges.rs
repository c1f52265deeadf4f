//! What other programs make of the files we write: tifffile, ome-types, Bio-Formats, pandas.
//!
//! The judges are installed by `cargo xtask tools`, which says where in `.tools/tools.json`. Without them these tests
//! print `skipped`.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use parfocal_core::image::MemoryImage;
use parfocal_image::{Axis, Channel, DType, Extent, ImageSpec, PixelClass, PixelSize, Region};
use parfocal_io::{
    read::ImageFile,
    write::{OmeTiffOptions, OmeTiffWriter},
};
use parfocal_types::units::{Micrometers, Nanometers};
use serde_json::{Value, json};

use crate::{
    write_ome::full_spec,
    write_support::{boxes, judges, pattern},
};

/// One file of the matrix.
struct Case {
    name: &'static str,
    spec: ImageSpec,
    big: Option<bool>,
    levels: usize,
}

fn case(name: &'static str, extent: Extent, dtype: DType, levels: usize) -> Case {
    let mut spec = ImageSpec::new(extent, dtype);
    spec.name = name.to_owned();
    spec.pixel_size = PixelSize::voxel(Micrometers(0.1083), Micrometers(0.35));
    for (index, channel) in spec.channels.iter_mut().enumerate() {
        *channel = Channel::named(format!("channel µ {index}")).measured();
        channel.emission = Some(Nanometers(500.0 + index as f64 * 40.0));
    }
    Case { name, spec, big: None, levels }
}

fn cases() -> Vec<Case> {
    let mut full = Case { name: "full", spec: full_spec(), big: None, levels: 1 };
    full.spec.pixel_size = PixelSize::voxel(Micrometers(0.1083), Micrometers(0.35));
    let mut labels = case("labels", Extent::new(1, 1, 1, 2100, 1300), DType::U32, 4);
    labels.spec.channels[0].class = PixelClass::Labels;
    let mut list = vec![
        full,
        labels,
        case("u8", Extent::new(3, 2, 4, 70, 90), DType::U8, 1),
        case("i8", Extent::new(1, 3, 1, 33, 65), DType::I8, 1),
        case("u16", Extent::new(2, 1, 3, 300, 500), DType::U16, 1),
        case("i16", Extent::new(1, 1, 2, 2048, 2048), DType::I16, 1),
        case("f32", Extent::new(1, 2, 1, 64, 64), DType::F32, 1),
        case("mask", Extent::new(1, 1, 1, 2049, 515), DType::Mask, 4),
        case("u16-pyramid", Extent::new(2, 2, 1, 2055, 2500), DType::U16, 4),
        case("i8-pyramid", Extent::new(1, 1, 2, 600, 3001), DType::I8, 4),
        case("f32-pyramid", Extent::new(1, 1, 1, 2600, 700), DType::F32, 4),
        Case { big: Some(true), ..case("u16-big", Extent::new(1, 3, 2, 100, 120), DType::U16, 1) },
        Case { big: Some(true), ..case("u8-big-pyramid", Extent::new(1, 2, 1, 2100, 2100), DType::U8, 4) },
    ];
    list.iter_mut().for_each(|case| case.spec.time_increment = None);
    list
}

fn numpy_name(dtype: DType) -> &'static str {
    match dtype {
        DType::U8 | DType::Mask => "<u1",
        DType::I8 => "<i1",
        DType::U16 => "<u2",
        DType::I16 => "<i2",
        DType::U32 => "<u4",
        DType::F32 => "<f4",
    }
}

/// Writes a case and the raw pixels beside it; returns the file and what the judge must know.
fn write(case: &Case, folder: &Path) -> (PathBuf, Value) {
    let spec = &case.spec;
    let path = folder.join(format!("{}.ome.tif", case.name));
    let options = OmeTiffOptions { big_tiff: case.big, ..OmeTiffOptions::default() };
    let sink = OmeTiffWriter::create(&path, spec, &options).unwrap();
    for region in boxes(spec.extent, sink.tile(), 1) {
        sink.write(&pattern(spec.dtype, region).pixels().unwrap()).unwrap();
    }
    sink.finish().unwrap();
    let mut raw = pattern(spec.dtype, Region::whole(spec.extent));
    if spec.dtype == DType::Mask {
        raw.bytes_mut().iter_mut().for_each(|pixel| *pixel *= 255);
    }
    let raw_path = path.with_extension("raw");
    std::fs::write(&raw_path, raw.bytes()).unwrap();
    let nearest = matches!(spec.dtype, DType::Mask | DType::U32)
        || spec.channels.iter().any(|channel| channel.class == PixelClass::Labels);
    let told = json!({
        "file": path, "raw": raw_path, "dtype": numpy_name(spec.dtype), "shape": spec.extent.0,
        "levels": case.levels, "nearest": nearest, "big": case.big.unwrap_or(false), "pixel_size": 0.1083,
    });
    (path, told)
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judges").join(name)
}

#[test]
fn other_programs_read_what_we_write() {
    let judges = judges();
    let Some(python) = judges.python else {
        println!("skipped: there is no Python with tifffile and ome-types; `cargo xtask tools` installs it");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let cases = cases();
    let written: Vec<_> = cases.iter().map(|case| write(case, folder.path())).collect();
    let list = folder.path().join("cases.json");
    let told: Vec<_> = written.iter().map(|(_, told)| told).collect();
    std::fs::write(&list, serde_json::to_string(&told).unwrap()).unwrap();
    let output = Command::new(python).arg(script("written.py")).arg(&list).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let wrong: Vec<_> = text.lines().filter(|line| !line.starts_with("ok ")).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && complaint.is_empty(), "{complaint}");
    assert_eq!(text.lines().count(), cases.len());

    let Some((java, jar)) = judges.bio_formats else {
        println!("skipped: there is no Bio-Formats; `cargo xtask tools` installs it where Java is");
        return;
    };
    let output = Command::new(&java)
        .arg("-cp")
        .arg(&jar)
        .arg(script("BioFormats.java"))
        .args(written.iter().map(|(path, _)| path))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if text.is_empty() && !output.status.success() {
        panic!("{}", String::from_utf8_lossy(&output.stderr));
    }
    for (case, (path, _)) in cases.iter().zip(&written) {
        let start = format!(">>> {}\n", path.display());
        let answer =
            text.split_once(&start).and_then(|(_, rest)| rest.split_once("\n<<<")).map(|(answer, _)| answer);
        judge_bio_formats(
            case,
            answer.unwrap_or_else(|| panic!("no answer about {}:\n{text}", path.display())),
        );
    }
    // Its own command-line tool rewrites the pixels as it sees them: one file for each way that they are coded.
    for name in ["f32-pyramid", "labels", "u16"] {
        let index = cases.iter().position(|case| case.name == name).unwrap();
        bio_formats_pixels(&java, &jar, &cases[index], &written[index].0, folder.path());
    }
}

/// Lets Bio-Formats convert a file to plain TIFF and compares the pixels with what was written.
fn bio_formats_pixels(java: &Path, jar: &Path, case: &Case, path: &Path, folder: &Path) {
    let plain = folder.join(format!("{}-plain.tif", case.name));
    let output = Command::new(java)
        .arg("-cp")
        .arg(jar)
        .args(["loci.formats.tools.ImageConverter", "-no-upgrade", "-series", "0", "-overwrite"])
        .args([path, &plain])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let found = parfocal_io::source::open_one(&plain).unwrap();
    let spec = &case.spec;
    assert_eq!(found.spec().extent.count(), spec.extent.count(), "{}", case.name);
    let found = MemoryImage::read(found.as_ref()).unwrap();
    let expected = pattern(spec.dtype, Region::whole(spec.extent));
    assert_eq!(found.pixels().dtype(), spec.dtype);
    assert!(found.pixels().bytes() == expected.bytes(), "Bio-Formats sees other pixels in {}", case.name);
}

#[test]
fn our_reader_reads_what_we_write() {
    let folder = tempfile::tempdir().unwrap();
    for case in cases() {
        let (path, _) = write(&case, folder.path());
        let file = ImageFile::open(&path).unwrap();
        assert_eq!((file.series_count(), file.level_count(0)), (1, case.levels), "{}", case.name);
        let source = file.source(0).unwrap();
        assert_eq!(source.spec(), &case.spec, "{}", case.name);
        let image = MemoryImage::read(source.as_ref()).unwrap();
        let expected = pattern(case.spec.dtype, Region::whole(case.spec.extent));
        assert!(image.pixels().bytes() == expected.bytes(), "{} has other pixels", case.name);
        for level in 1..case.levels {
            let smaller = file.level(0, level).unwrap();
            let spec = smaller.spec();
            assert_eq!(spec.dtype, case.spec.dtype);
            assert_eq!(spec.extent[Axis::X], case.spec.extent[Axis::X].div_ceil(1 << level), "{}", case.name);
            assert_eq!(spec.channels.len(), case.spec.channels.len());
        }
    }
}

/// What Bio-Formats must say about a file.
fn judge_bio_formats(case: &Case, answer: &str) {
    let has = |line: &str| answer.lines().any(|found| found.trim() == line);
    let name = case.name;
    assert!(has("Checking file format [OME-TIFF]"), "{name}:\n{answer}");
    for (axis, letter) in [(Axis::C, 'C'), (Axis::Z, 'Z'), (Axis::T, 'T')] {
        let size = case.spec.extent[axis];
        let line = format!("Size{letter} = {size}");
        let found = answer.lines().map(str::trim).any(|found| {
            found.strip_prefix(&line).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        });
        assert!(found, "{name}: no `{line}`\n{answer}");
    }
    assert!(
        case.levels == 1 || has(&format!("Resolutions = {}", case.levels)),
        "{name}: no levels\n{answer}"
    );
    for part in ["PhysicalSizeX=\"0.1083\"", "PhysicalSizeXUnit=\"µm\"", "PhysicalSizeZ=\"0.35\""] {
        assert!(answer.contains(part), "{name}: {part} is not in the OME-XML\n{answer}");
    }
    assert!(answer.contains("schema: valid"), "{name}:\n{answer}");
    assert!(!answer.contains("failed:") && !answer.contains("Exception"), "{name}:\n{answer}");
}
