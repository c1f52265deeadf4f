//! PNG: the values as they are, grey or coloured, whole or not at all.

use std::{fs::File, io::BufReader, path::Path};

use parfocal_image::{Buffer, DType, Extent, Region};
use parfocal_io::write::write_png;

use crate::write_support::pattern;

fn decoded(path: &Path) -> (png::ColorType, png::BitDepth, Vec<u8>) {
    let mut reader = png::Decoder::new(BufReader::new(File::open(path).unwrap())).read_info().unwrap();
    let mut data = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut data).unwrap();
    data.truncate(info.buffer_size());
    (info.color_type, info.bit_depth, data)
}

#[test]
fn grey_planes_keep_their_values() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    let region = Region::whole(Extent::plane(7, 11));
    let wide = pattern(DType::U16, region);
    write_png(&path, &wide.pixels().unwrap()).unwrap();
    let (color, depth, data) = decoded(&path);
    assert_eq!((color, depth), (png::ColorType::Grayscale, png::BitDepth::Sixteen));
    let values: Vec<u16> = data.chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
    assert_eq!(values, wide.as_slice::<u16>().unwrap());

    let mask = pattern(DType::Mask, region);
    write_png(&path, &mask.pixels().unwrap()).unwrap();
    let (_, depth, data) = decoded(&path);
    assert_eq!(depth, png::BitDepth::Eight);
    let expected: Vec<u8> = mask.bytes().iter().map(|value| value * 255).collect();
    assert_eq!(data, expected);
}

#[test]
fn three_channels_are_red_green_and_blue() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    let planes = [1_u8, 2, 3, 4, 11, 12, 13, 14, 21, 22, 23, 24];
    let buffer = Buffer::from_slice(&planes, Region::whole(Extent::new(1, 3, 1, 2, 2))).unwrap();
    write_png(&path, &buffer.pixels().unwrap()).unwrap();
    let (color, _, data) = decoded(&path);
    assert_eq!(color, png::ColorType::Rgb);
    assert_eq!(data, [1, 11, 21, 2, 12, 22, 3, 13, 23, 4, 14, 24]);
}

#[test]
fn what_png_cannot_hold_is_refused_and_nothing_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    for (dtype, extent) in [
        (DType::F32, Extent::plane(2, 2)),
        (DType::I16, Extent::plane(2, 2)),
        (DType::U8, Extent::new(1, 2, 1, 2, 2)),
        (DType::U8, Extent::new(1, 1, 2, 2, 2)),
        (DType::U8, Extent::new(2, 1, 1, 2, 2)),
    ] {
        let error = write_png(&path, &pattern(dtype, Region::whole(extent)).pixels().unwrap()).unwrap_err();
        assert_eq!(error.kind().name(), "not-supported", "{error}");
        assert!(error.remedy().unwrap().contains(".ome.tif"));
    }
    let empty = Buffer::zeroed(DType::U8, Region::whole(Extent::plane(0, 2))).unwrap();
    assert_eq!(write_png(&path, &empty.pixels().unwrap()).unwrap_err().kind().name(), "invalid-argument");
    let pixels = pattern(DType::U8, Region::whole(Extent::plane(2, 2)));
    let error = write_png(folder.path().join("no/a.png"), &pixels.pixels().unwrap()).unwrap_err();
    assert_eq!(error.kind().name(), "not-found");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
