//! Reading PNG: every kind of pixel keeps its values.

use std::path::Path;

use parfocal_core::image::MemoryImage;
use parfocal_image::{Axis, Buffer, DType, Extent, PixelSize, Region};
use parfocal_io::{
    read::{Format, ImageFile},
    source,
};
use parfocal_types::ErrorKind;
use png::{BitDepth, ColorType, Encoder};

use crate::judge;

fn write(path: &Path, size: (u32, u32), color: ColorType, depth: BitDepth, data: &[u8]) {
    let mut encoder = Encoder::new(std::fs::File::create(path).unwrap(), size.0, size.1);
    encoder.set_color(color);
    encoder.set_depth(depth);
    if color == ColorType::Indexed {
        encoder.set_palette(vec![10, 20, 30, 40, 50, 60]);
    }
    encoder.write_header().unwrap().write_image_data(data).unwrap();
}

fn image(size: (u32, u32), color: ColorType, depth: BitDepth, data: &[u8]) -> MemoryImage {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image.png");
    write(&path, size, color, depth, data);
    let file = ImageFile::open(&path).unwrap();
    assert_eq!(file.format(), Format::Png);
    let source = file.source(0).unwrap();
    assert_eq!(source.spec().pixel_size, PixelSize::UNKNOWN);
    MemoryImage::read(&*source).unwrap()
}

#[test]
fn grey_of_few_bits_keeps_its_values_and_its_depth() {
    use parfocal_core::ImageSource as _;
    for (depth, bits, data, expected) in [
        (BitDepth::One, 1, &[0b1010_0000_u8, 0b0100_0000][..], [1, 0, 1, 0, 1, 0]),
        (BitDepth::Two, 2, &[0b1101_1000, 0b0001_1000], [3, 1, 2, 0, 1, 2]),
        (BitDepth::Four, 4, &[0xF1, 0x20, 0x09, 0xA0], [15, 1, 2, 0, 9, 10]),
        (BitDepth::Eight, 8, &[1, 2, 3, 250, 251, 252], [1, 2, 3, 250, 251, 252]),
    ] {
        let image = image((3, 2), ColorType::Grayscale, depth, data);
        assert_eq!(image.spec().significant_bits, bits);
        assert_eq!(image.spec().dtype, if bits == 1 { DType::Mask } else { DType::U8 });
        assert_eq!(image.pixels().as_slice::<u8>().unwrap(), expected, "{bits} bits");
    }
}

#[test]
fn sixteen_bits_and_samples_are_sorted_into_channels() {
    use parfocal_core::ImageSource as _;
    let grey = image((2, 1), ColorType::Grayscale, BitDepth::Sixteen, &[0x12, 0x34, 0xFF, 0xFE]);
    assert_eq!(grey.pixels().as_slice::<u16>().unwrap(), [0x1234, 0xFFFE]);
    let rgba: Vec<u8> = (0..16).collect();
    let image = image((2, 2), ColorType::Rgba, BitDepth::Eight, &rgba);
    assert_eq!(image.spec().extent.0, [1, 4, 1, 2, 2]);
    assert_eq!(
        image.pixels().as_slice::<u8>().unwrap(),
        [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15]
    );
    let names: Vec<_> = image.spec().channels.iter().map(|channel| channel.name.as_str()).collect();
    assert_eq!(names, ["red", "green", "blue", "opacity"]);
}

#[test]
fn palettes_become_colours() {
    let image = image((2, 1), ColorType::Indexed, BitDepth::One, &[0b0100_0000]);
    assert_eq!(image.pixels().as_slice::<u8>().unwrap(), [10, 40, 20, 50, 30, 60]);
}

#[test]
fn boxes_of_a_real_image_are_parts_of_the_whole() {
    let Some(data) = judge::data() else {
        println!("skipped: the folder of real data is not there");
        return;
    };
    for name in ["dsb2018/0532c64c2f.png", "dsb2018/0532c64c2f_labels.png", "isl_kevan08_A4/fluo_DAPI.png"] {
        let source = source::open_one(data.join(name)).unwrap();
        let whole = MemoryImage::read(&*source).unwrap();
        let extent = source.spec().extent;
        let region = Region::new(
            [0, 0, 0, 7, 11],
            Extent::new(1, extent[Axis::C], 1, extent[Axis::Y] - 20, extent[Axis::X] - 30),
        );
        let (mut ours, mut expected) = (
            Buffer::zeroed(source.spec().dtype, region).unwrap(),
            Buffer::zeroed(source.spec().dtype, region).unwrap(),
        );
        source.read(&mut ours.pixels_mut().unwrap()).unwrap();
        parfocal_core::image::copy_pixels(
            &whole.pixels().pixels().unwrap(),
            &mut expected.pixels_mut().unwrap(),
        )
        .unwrap();
        assert!(ours.bytes() == expected.bytes(), "{name}");
        assert!(ours.bytes().iter().any(|byte| *byte != 0), "{name} is black");
    }
}

#[test]
fn formats_that_are_not_read_name_the_tool_that_converts_them() {
    let Some(data) = judge::data() else {
        println!("skipped: the folder of real data is not there");
        return;
    };
    let error = source::open(data.join("vendor_ome/soft-matter_cluster.nd2")).err().unwrap();
    assert!(matches!(error.kind(), ErrorKind::NotSupported { what } if what.contains("ND2")), "{error}");
    assert!(error.remedy().is_some_and(|remedy| remedy.contains("bfconvert")));
    let error = source::open(data.join("nothing.tif")).err().unwrap();
    assert_eq!(error.kind(), &ErrorKind::NotFound);
    let error = source::open(data.join("dsb2018")).err().unwrap();
    assert_eq!(error.kind(), &ErrorKind::InvalidArgument);
}
