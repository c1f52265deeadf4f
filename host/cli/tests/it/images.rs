//! `parfocal image`: what is lost is said or refused.

use std::{
    path::{Path, PathBuf},
    process::Output,
};

use parfocal_core::image::MemoryImage;
use parfocal_image::{Buffer, DType, Extent, ImageSpec, Region};
use parfocal_io::{
    source,
    write::{OmeTiffOptions, OmeTiffWriter},
};

use crate::{place::plugins, program::parfocal};

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn write(path: &Path, spec: &ImageSpec, pixels: &Buffer) {
    let sink = OmeTiffWriter::create(path, spec, &OmeTiffOptions::default()).unwrap();
    sink.write(&pixels.pixels().unwrap()).unwrap();
    sink.finish().unwrap();
}

fn labels(folder: &Path, name: &str, largest: u32) -> PathBuf {
    let region = Region::whole(Extent::plane(1, 3));
    let pixels = Buffer::from_slice(&[0_u32, 1, largest], region).unwrap();
    let path = folder.join(name);
    write(&path, &ImageSpec::new(region.extent, DType::U32), &pixels);
    path
}

/// A TIFF with a page for each size: pages of different sizes are images of their own. The pixels are 0, 1, 2 and so on.
fn several(path: &Path, sizes: &[u32], last: u8) {
    let mut bytes = b"II*\0".to_vec();
    let mut link = bytes.len();
    bytes.extend([0; 4]);
    for (index, size) in sizes.iter().enumerate() {
        let data = u32::try_from(bytes.len()).unwrap();
        let mut pixels: Vec<u8> = (0..size * 2).map(|value| value as u8).collect();
        if index + 1 == sizes.len() {
            *pixels.last_mut().unwrap() = last;
        }
        bytes.extend(pixels);
        let place = u32::try_from(bytes.len()).unwrap();
        bytes[link..link + 4].copy_from_slice(&place.to_le_bytes());
        let tags = [
            (256, *size),
            (257, 2),
            (258, 8),
            (259, 1),
            (262, 1),
            (273, data),
            (277, 1),
            (278, 2),
            (279, size * 2),
        ];
        bytes.extend(u16::try_from(tags.len()).unwrap().to_le_bytes());
        for (tag, value) in tags {
            bytes.extend(u16::to_le_bytes(tag));
            bytes.extend(4_u16.to_le_bytes());
            bytes.extend(1_u32.to_le_bytes());
            bytes.extend(value.to_le_bytes());
        }
        link = bytes.len();
        bytes.extend([0; 4]);
    }
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn labels_become_a_png_with_their_numbers_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    labels(folder, "many.ome.tif", 300);
    let done = parfocal(folder, &["image", "convert", "many.ome.tif", "many.png"]);
    assert!(done.status.success(), "{}", said(&done));
    let read = MemoryImage::read(&*source::open_one(folder.join("many.png")).unwrap()).unwrap();
    assert_eq!(read.pixels().as_slice::<u16>().unwrap(), [0, 1, 300]);
    labels(folder, "more.ome.tif", 70_000);
    let refused = parfocal(folder, &["image", "convert", "more.ome.tif", "more.png"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(said(&refused).contains("70000") && said(&refused).contains(".ome.tif"), "{}", said(&refused));
    let stretched = parfocal(folder, &["image", "convert", "many.ome.tif", "s.png", "--stretch"]);
    assert_eq!(stretched.status.code(), Some(2));
    assert!(!folder.join("more.png").exists() && !folder.join("s.png").exists());
}

#[test]
fn a_run_keeps_the_numbers_of_labels_in_a_png() {
    let Some(plugins) = plugins() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let plugins = plugins.to_str().unwrap();
    // 20 x 20 cells of 64 pixels, each with a spot.
    let made = parfocal(folder, &["image", "make", "a.ome.tif", "--width", "1280", "--height", "1280"]);
    assert!(made.status.success(), "{}", said(&made));
    let chain =
        ["--plugins", plugins, "run", "otsu-threshold", "a.ome.tif", "--then", "connected-components"];
    let run = parfocal(folder, &[&chain[..], &["-o", "l.png"]].concat());
    assert!(run.status.success(), "{}", said(&run));
    let read = MemoryImage::read(&*source::open_one(folder.join("l.png")).unwrap()).unwrap();
    assert_eq!(read.pixels().as_slice::<u16>().unwrap().iter().max(), Some(&400));
}

#[test]
fn a_png_of_a_stack_says_which_plane_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let region = Region::whole(Extent::new(1, 1, 5, 2, 2));
    let pixels = Buffer::from_slice(&[7_u8; 20], region).unwrap();
    write(&folder.join("s.ome.tif"), &ImageSpec::new(region.extent, DType::U8), &pixels);
    let done = parfocal(folder, &["image", "convert", "s.ome.tif", "s.png"]);
    assert!(done.status.success() && said(&done).contains("T0 C0 Z2"), "{}", said(&done));
    let chosen = parfocal(folder, &["image", "convert", "s.ome.tif", "s.png", "--plane", "0,0,4"]);
    assert!(chosen.status.success() && said(&chosen).is_empty(), "{}", said(&chosen));
    let json = parfocal(folder, &["--json", "image", "convert", "s.ome.tif", "s.png"]);
    let document: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert!(document["notes"][0].as_str().unwrap().contains("Z2"), "{document}");
}

#[test]
fn none_of_several_images_is_dropped_in_silence() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    several(&folder.join("two.tif"), &[4, 6], 11);
    several(&folder.join("other.tif"), &[4, 6], 99);
    several(&folder.join("one.tif"), &[4], 7);
    assert_eq!(source::open(folder.join("two.tif")).unwrap().len(), 2);
    let refused = parfocal(folder, &["image", "convert", "two.tif", "o.ome.tif"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(said(&refused).contains("2 images") && said(&refused).contains("--series"), "{}", said(&refused));
    assert!(!folder.join("o.ome.tif").exists());
    let second = parfocal(folder, &["image", "convert", "two.tif", "o.ome.tif", "--series", "1"]);
    assert!(second.status.success(), "{}", said(&second));
    assert_eq!(source::open_one(folder.join("o.ome.tif")).unwrap().spec().extent.0, [1, 1, 1, 2, 6]);
    let info = parfocal(folder, &["image", "info", "two.tif"]);
    assert!(String::from_utf8_lossy(&info.stdout).contains("image 1"));
    let code = |names: [&str; 2]| parfocal(folder, &["image", "compare", names[0], names[1]]).status.code();
    assert_eq!(code(["two.tif", "two.tif"]), Some(0));
    assert_eq!(code(["two.tif", "other.tif"]), Some(1), "the second image differs");
    assert_eq!(code(["two.tif", "one.tif"]), Some(2));
    let Some(plugins) = plugins() else { return };
    let run = |more: &[&str]| {
        let words = ["--plugins", plugins.to_str().unwrap(), "run", "identity", "two.tif", "-o", "r.ome.tif"];
        let run = parfocal(folder, &[&words[..], more].concat());
        assert!(run.status.success(), "{}", said(&run));
        said(&run)
    };
    assert!(run(&[]).contains("1 of 2 images"));
    assert!(!run(&["--series", "1"]).contains("1 of 2 images"));
}

#[test]
fn options_and_names_that_do_not_go_together_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    labels(folder, "a.ome.tif", 2);
    let code = |words: &[&str]| parfocal(folder, &[&["image"], words].concat()).status.code();
    assert_eq!(code(&["make", "x.png", "--width", "64", "--height", "64"]), Some(2));
    assert_eq!(code(&["convert", "a.ome.tif", "x.tif", "--plane", "0,0,0"]), Some(2));
    assert_eq!(code(&["convert", "a.ome.tif", "x.tif", "--stretch"]), Some(2));
    assert!(!folder.join("x.png").exists() && !folder.join("x.tif").exists());
}
