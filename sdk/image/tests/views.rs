//! Views show the right pixels, and refuse what they cannot show.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

use parfocal_image::{Axis, Buffer, DType, Extent, PixelsMut, PixelsRef, Region, View, ViewMut};

fn ramp(count: u16) -> Vec<u16> {
    (0..count).collect()
}

#[test]
fn rows_come_in_raster_order_with_the_strides_given() {
    let data = ramp(100);
    let region = Region::whole(Extent::new(1, 2, 1, 2, 3));
    let view = View::new(&data, region, [90, 40, 20, 10]).unwrap();
    let rows: Vec<_> = view.rows().collect();
    assert_eq!(rows, [&[0, 1, 2][..], &[10, 11, 12], &[40, 41, 42], &[50, 51, 52]]);
    assert_eq!(view.row(0, 1, 0, 1), &[50, 51, 52]);
}

#[test]
fn a_part_is_found_by_its_place_in_the_image() {
    let data = ramp(24);
    let region = Region::new([0, 0, 0, 10, 20], Extent::plane(4, 6));
    let view = View::dense(&data, region).unwrap();
    let part = view.part(&Region::new([0, 0, 0, 12, 23], Extent::plane(2, 2))).unwrap();
    assert_eq!(part.rows().collect::<Vec<_>>(), [&[15, 16][..], &[21, 22]]);
    assert!(view.part(&Region::new([0, 0, 0, 13, 23], Extent::plane(2, 2))).is_err());
}

#[test]
fn planes_are_views_of_their_own() {
    let data = ramp(12);
    let view = View::dense(&data, Region::whole(Extent::new(1, 1, 3, 2, 2))).unwrap();
    let planes: Vec<_> = view.planes().collect();
    assert_eq!(planes.len(), 3);
    assert_eq!(planes[2].rows().collect::<Vec<_>>(), [&[8, 9][..], &[10, 11]]);
    assert_eq!(planes[2].region().origin, [0, 0, 2, 0, 0]);
    assert!(view.plane(0, 1, 0).is_none());
}

#[test]
fn writing_rows_with_gaps_leaves_the_gaps_alone() {
    let mut data = vec![0_u8; 20];
    let mut view =
        ViewMut::new(&mut data, Region::whole(Extent::new(1, 1, 2, 2, 2)), [20, 20, 10, 4]).unwrap();
    for (index, row) in view.rows_mut().enumerate() {
        row.fill(index as u8 + 1);
    }
    assert_eq!(data, [1, 1, 0, 0, 2, 2, 0, 0, 0, 0, 3, 3, 0, 0, 4, 4, 0, 0, 0, 0]);
}

#[test]
fn overlapping_outputs_and_short_buffers_are_refused() {
    let mut data = vec![0_u8; 64];
    let region = Region::whole(Extent::plane(4, 4));
    assert!(ViewMut::new(&mut data, region, [16, 16, 16, 3]).is_err(), "rows overlap");
    assert!(ViewMut::new(&mut data, Region::whole(Extent::new(1, 1, 2, 4, 4)), [0, 0, 8, 4]).is_err());
    assert!(View::new(&data[..15], region, [16, 16, 16, 4]).is_err(), "one pixel short");
    let huge = Region::whole(Extent::new(1, 1, 1, u64::MAX, u64::MAX));
    assert!(View::dense(&data, huge).is_err());
    assert!(Buffer::zeroed(DType::U16, huge).is_err());
}

#[test]
fn an_empty_view_has_no_rows() {
    let view = View::<u8>::dense(&[], Region::whole(Extent::plane(5, 0))).unwrap();
    assert_eq!(view.rows().count(), 0);
    let mut none: [u8; 0] = [];
    assert_eq!(ViewMut::dense(&mut none, Region::whole(Extent::plane(0, 5))).unwrap().rows_mut().count(), 0);
}

#[test]
fn pixels_are_seen_in_their_own_type_only() {
    let buffer = Buffer::from_slice(&ramp(6), Region::whole(Extent::plane(2, 3))).unwrap();
    let pixels = buffer.pixels().unwrap();
    assert_eq!(pixels.view::<u16>().unwrap().row(0, 0, 0, 1), &[3, 4, 5]);
    assert!(pixels.view::<u8>().is_err());
    let mask = Buffer::zeroed(DType::Mask, Region::whole(Extent::plane(2, 3))).unwrap();
    assert_eq!(mask.view::<u8>().unwrap().width(), 3);
}

#[test]
fn misaligned_bytes_are_an_error_not_a_crash() {
    let bytes = [0_u64; 4];
    let bytes: &[u8] = bytemuck::cast_slice(&bytes);
    let region = Region::whole(Extent::plane(1, 4));
    let odd = PixelsRef::new(DType::U16, &bytes[1..], region, [4, 4, 4, 4]).unwrap();
    assert!(odd.view::<u16>().is_err());
}

#[test]
fn a_part_of_an_output_writes_into_the_whole() {
    let mut buffer = Buffer::zeroed(DType::U16, Region::whole(Extent::plane(3, 4))).unwrap();
    let mut pixels: PixelsMut<'_> = buffer.pixels_mut().unwrap();
    let mut part = pixels.part_mut(&Region::new([0, 0, 0, 1, 2], Extent::plane(2, 2))).unwrap();
    for row in part.view_mut::<u16>().unwrap().rows_mut() {
        row.fill(7);
    }
    assert_eq!(buffer.as_slice::<u16>().unwrap(), [0, 0, 0, 0, 0, 0, 7, 7, 0, 0, 7, 7]);
    assert_eq!(buffer.region().extent[Axis::X], 4);
}
