//! Measurements of shapes that are known.

use parfocal_image::{Channel, DType, Extent, ImageSpec, PixelSize};
use parfocal_types::{Scalar, Unit, table::Table, units::Micrometers};

use crate::driver::{Cut, Image, run, try_run};

pub(crate) fn numbers(table: &Table, column: &str) -> Vec<f64> {
    let values =
        table.column(column).unwrap_or_else(|| panic!("no column {column} in {:?}", table.columns()));
    values
        .map(|value| match value {
            Scalar::Number(value) => *value,
            Scalar::Integer(value) => *value as f64,
            other => panic!("{other:?}"),
        })
        .collect()
}

fn unit(table: &Table, name: &str) -> Option<Unit> {
    table.columns().iter().find(|column| column.name == name).map(|column| column.unit)
}

/// A rectangle of label 2, 6 x 4, at 3, 2; a single pixel of label 9.
fn labels() -> Image {
    let mut data = vec![0_u32; 12 * 10];
    for y in 2..6 {
        for x in 3..9 {
            data[y * 12 + x] = 2;
        }
    }
    data[8 * 12 + 11] = 9;
    Image::new(Extent::plane(10, 12), &data)
}

#[test]
fn a_rectangle_in_pixels() {
    let labels = labels();
    let intensity: Vec<u16> = (0..120).collect();
    let intensity = Image::new(Extent::plane(10, 12), &intensity);
    let table = run("measure-objects", &[], &[&labels, &intensity], Cut::WHOLE).tables.remove(0);
    assert_eq!(numbers(&table, "label"), [2.0, 9.0]);
    assert_eq!(numbers(&table, "pixels"), [24.0, 1.0]);
    assert_eq!(numbers(&table, "area"), [24.0, 1.0]);
    assert_eq!(unit(&table, "area"), Some(Unit::SquarePixel));
    assert_eq!(numbers(&table, "centroid_x"), [5.5, 11.0]);
    assert_eq!(numbers(&table, "centroid_y"), [3.5, 8.0]);
    assert_eq!(unit(&table, "position_x"), None, "there are no micrometers");
    assert_eq!(numbers(&table, "bbox_x"), [3.0, 11.0]);
    assert_eq!(numbers(&table, "bbox_y"), [2.0, 8.0]);
    assert_eq!(numbers(&table, "bbox_width"), [6.0, 1.0]);
    assert_eq!(numbers(&table, "bbox_height"), [4.0, 1.0]);
    // Through the centres of the border pixels: 2 (5 + 3).
    assert_eq!(numbers(&table, "perimeter"), [16.0, 0.0]);
    assert_eq!(unit(&table, "perimeter"), Some(Unit::Pixel));
    let circularity = numbers(&table, "circularity");
    assert!((circularity[0] - 4.0 * std::f64::consts::PI * 24.0 / 256.0).abs() < 1e-15);
    assert!(circularity[1].is_nan(), "a single pixel has no border");
    assert_eq!(numbers(&table, "mean_intensity"), [47.5, 107.0]);
    assert_eq!(numbers(&table, "min_intensity"), [27.0, 107.0]);
    assert_eq!(numbers(&table, "max_intensity"), [68.0, 107.0]);
    assert_eq!(numbers(&table, "sum_intensity"), [1140.0, 107.0]);
    assert_eq!(unit(&table, "sum_intensity"), Some(Unit::GreyLevel));
}

#[test]
fn a_rectangle_in_micrometers() {
    let mut labels = labels();
    labels.spec.pixel_size = PixelSize::square(Micrometers(0.5));
    let table = run("measure-objects", &[], &[&labels], Cut::WHOLE).tables.remove(0);
    assert_eq!(numbers(&table, "area")[0], 6.0);
    assert_eq!(unit(&table, "area"), Some(Unit::SquareMicrometer));
    assert_eq!(numbers(&table, "position_x")[0], 2.75);
    assert_eq!(unit(&table, "position_x"), Some(Unit::Micrometer));
    assert_eq!(numbers(&table, "centroid_x")[0], 5.5);
    assert_eq!(numbers(&table, "perimeter")[0], 8.0);
    assert_eq!(unit(&table, "perimeter"), Some(Unit::Micrometer));
    assert_eq!(unit(&table, "mean_intensity"), None, "there is no intensity image");

    labels.spec.pixel_size = PixelSize { x: Some(Micrometers(0.5)), y: Some(Micrometers(0.25)), z: None };
    let table = run("measure-objects", &[], &[&labels], Cut::WHOLE).tables.remove(0);
    assert_eq!(numbers(&table, "area")[0], 3.0);
    assert_eq!(numbers(&table, "perimeter")[0], 16.0);
    assert_eq!(
        unit(&table, "perimeter"),
        Some(Unit::Pixel),
        "there is no micrometer for pixels that are not square"
    );
    assert!(numbers(&table, "circularity")[0].is_nan());
}

#[test]
fn a_ball_in_a_stack() {
    let extent = Extent::new(1, 1, 9, 9, 9);
    let data: Vec<u32> = (0..729_i64)
        .map(|i| {
            let d = [i / 81 - 4, i / 9 % 9 - 4, i % 9 - 4];
            u32::from(d.iter().map(|d| d * d).sum::<i64>() <= 9)
        })
        .collect();
    let count = data.iter().filter(|label| **label == 1).count() as f64;
    let mut image = Image::new(extent, &data);
    image.spec.pixel_size = PixelSize::voxel(Micrometers(0.5), Micrometers(2.0));
    let table = run("measure-objects", &[("dimensions", "3d")], &[&image], Cut::WHOLE).tables.remove(0);
    assert_eq!(numbers(&table, "volume"), [count * 0.5]);
    assert_eq!(unit(&table, "volume"), Some(Unit::CubicMicrometer));
    assert_eq!(numbers(&table, "position_z"), [8.0]);
    assert_eq!(numbers(&table, "bbox_depth"), [7.0]);
    let diameter = numbers(&table, "equivalent_diameter")[0];
    assert!((diameter.powi(3) * std::f64::consts::PI / 6.0 - count * 0.5).abs() < 1e-9);
    assert_eq!(unit(&table, "perimeter"), None);
    // By planes: one table each, a row where the plane has a part of the ball.
    let planes = run("measure-objects", &[], &[&image], Cut::WHOLE).tables;
    let rows: Vec<usize> = planes.iter().map(|table| table.rows().len()).collect();
    assert_eq!(rows, [0, 1, 1, 1, 1, 1, 1, 1, 0]);
    assert!(planes.windows(2).all(|pair| pair[0].columns() == pair[1].columns()), "without objects too");
}

#[test]
fn channels_next_to_one_image_of_labels() {
    let labels = Image::new(Extent::plane(1, 3), &[1_u32, 1, 2]);
    let mut spec = ImageSpec::new(Extent::new(1, 2, 1, 1, 3), DType::F32);
    spec.channels[0] = Channel::named("DAPI");
    let intensity = Image::of(spec, &[1.0_f32, 2.0, 3.0, 10.0, f32::NAN, 30.0]);
    for cut in [Cut::WHOLE, Cut::in_plane(1, 1)] {
        let table = run("measure-objects", &[], &[&labels, &intensity], cut).tables.remove(0);
        assert_eq!(numbers(&table, "mean_intensity_dapi"), [1.5, 3.0]);
        let second = numbers(&table, "max_intensity_c1");
        assert!(second[0].is_nan() && second[1] == 30.0, "{second:?}");
    }
}

#[test]
fn images_of_different_sizes_are_refused() {
    let labels = labels();
    let other = Image::new(Extent::plane(10, 11), &[0_u8; 110]);
    let error = try_run("measure-objects", &[], &[&labels, &other], Cut::WHOLE).unwrap_err();
    assert_eq!(error.kind().name(), "invalid-argument");
    assert!(error.to_string().contains("differ along X"), "{error}");
}

#[test]
fn more_objects_than_are_held_at_a_time_are_all_counted() {
    // 65 x 65 squares of 2 x 2 pixels, each with a label of its own: some are seen again after they were written down.
    let extent = Extent::plane(130, 130);
    let data: Vec<u32> = (0..130 * 130)
        .map(|place| {
            let (y, x) = (place / 130, place % 130);
            y / 2 * 65 + x / 2 + 1
        })
        .collect();
    let (labels, intensity) = (Image::new(extent, &data), Image::new(extent, &data));
    let table = run("measure-objects", &[], &[&labels, &intensity], Cut::WHOLE).tables.remove(0);
    assert_eq!(numbers(&table, "label"), (1..=4225).map(f64::from).collect::<Vec<_>>());
    assert!(numbers(&table, "pixels").iter().all(|pixels| *pixels == 4.0));
    assert!(numbers(&table, "perimeter").iter().all(|length| *length == 4.0));
    assert_eq!(numbers(&table, "mean_intensity"), numbers(&table, "label"));
    assert_eq!(numbers(&table, "bbox_y")[4224], 128.0);
    let again = run("measure-objects", &[], &[&labels, &intensity], Cut::in_plane(33, 40)).tables.remove(0);
    assert_eq!(format!("{again:?}"), format!("{table:?}"));
}

#[test]
fn sums_of_singles_do_not_depend_on_the_cut() {
    let labels = Image::new(Extent::plane(50, 40), &[1_u32; 2000]);
    let data: Vec<f32> =
        (0..2000).map(|i| ((i * 7919 % 2003) as f32 - 1000.0) * 10.0_f32.powi(i % 40 - 20)).collect();
    let intensity = Image::new(Extent::plane(50, 40), &data);
    let sums: Vec<u64> = [Cut::WHOLE, Cut::in_plane(7, 3), Cut::in_plane(1, 1)]
        .map(|cut| {
            numbers(&run("measure-objects", &[], &[&labels, &intensity], cut).tables[0], "sum_intensity")[0]
        })
        .map(f64::to_bits)
        .to_vec();
    assert!(sums.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn infinite_pixels_make_infinite_sums_and_opposite_ones_none() {
    let labels = Image::new(Extent::plane(1, 6), &[1_u32, 1, 2, 2, 3, 3]);
    let (more, less) = (f32::INFINITY, f32::NEG_INFINITY);
    let intensity = Image::new(Extent::plane(1, 6), &[1.0, more, less, 1.0, more, less]);
    for cut in [Cut::WHOLE, Cut::in_plane(1, 1)] {
        let table = run("measure-objects", &[], &[&labels, &intensity], cut).tables.remove(0);
        for column in ["sum_intensity", "mean_intensity"] {
            let values = numbers(&table, column);
            assert_eq!(values[..2], [f64::INFINITY, f64::NEG_INFINITY], "{column}");
            assert!(values[2].is_nan(), "{column}: {values:?}");
        }
        assert_eq!(numbers(&table, "min_intensity"), [1.0, f64::NEG_INFINITY, f64::NEG_INFINITY]);
        assert_eq!(numbers(&table, "max_intensity"), [f64::INFINITY, 1.0, f64::INFINITY]);
    }
}
