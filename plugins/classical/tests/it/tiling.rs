//! Tiled equals whole, bit for bit.

use parfocal_image::{DType, Extent};
use parfocal_plugin::with_pixel_type;

use crate::{
    driver::{Cut, Image, run},
    images::{discs, noise, typed},
};

const DTYPES: [DType; 6] = [DType::U8, DType::I8, DType::U16, DType::I16, DType::U32, DType::F32];

fn cuts() -> Vec<Cut> {
    vec![
        Cut::in_plane(1, 1),
        Cut::in_plane(5, 3),
        Cut::in_plane(16, 16).shifted(0, 7, 3),
        Cut::in_plane(64, 1000),
        Cut::in_plane(1000, 17),
        Cut::in_stack(2, 13, 29),
        Cut::in_stack(100, 31, 32).shifted(0, 30, 1),
    ]
}

/// Images from single pixels to larger than most halos, planes and stacks.
fn extents() -> Vec<Extent> {
    vec![
        Extent::plane(1, 1),
        Extent::plane(1, 61),
        Extent::plane(61, 1),
        Extent::plane(5, 7),
        Extent::plane(67, 83),
        Extent::new(2, 2, 3, 11, 13),
        Extent::new(1, 1, 7, 31, 5),
    ]
}

fn assert_tiled_equals_whole(id: &str, parameters: &[(&str, &str)], inputs: &[&Image]) {
    let whole = run(id, parameters, inputs, Cut::WHOLE);
    for cut in cuts() {
        let tiled = run(id, parameters, inputs, cut);
        assert!(
            tiled == whole,
            "{id} {parameters:?} on {} {:?}: {cut:?}",
            inputs[0].spec.extent,
            inputs[0].spec.dtype
        );
    }
}

#[test]
fn filters() {
    let cases: [(&str, &[(&str, &str)]); 11] = [
        ("identity", &[]),
        ("gaussian", &[("sigma", "0.5")]),
        ("gaussian", &[("sigma", "2")]),
        ("gaussian", &[("sigma", "9")]),
        ("gaussian", &[("sigma", "1.5"), ("dimensions", "3d")]),
        ("median", &[("radius", "1")]),
        ("median", &[("radius", "2")]),
        ("median", &[("radius", "3")]),
        ("median", &[("radius", "20")]),
        ("top-hat", &[("radius", "1")]),
        ("top-hat", &[("radius", "12")]),
    ];
    for (seed, extent) in (0..).zip(extents()) {
        for dtype in DTYPES {
            let image = noise(dtype, extent, seed);
            for (id, parameters) in cases {
                assert_tiled_equals_whole(id, parameters, &[&image]);
            }
        }
    }
}

#[test]
fn numbers_of_every_size_smoothed_and_with_what_is_not_a_number() {
    let mut data: Vec<f32> = noise(DType::F32, Extent::plane(67, 83), 5).slice::<f32>().to_vec();
    for (index, value) in data.iter_mut().enumerate() {
        *value *= 10.0_f32.powi((index % 60) as i32 - 30);
        match index % 501 {
            7 => *value = f32::NAN,
            8 => *value = -0.0,
            9 => *value = f32::INFINITY,
            _ => {}
        }
    }
    let image = Image::new(Extent::plane(67, 83), &data);
    for (id, parameters) in [
        ("median", ("radius", "1")),
        ("median", ("radius", "2")),
        ("median", ("radius", "4")),
        ("top-hat", ("radius", "3")),
    ] {
        assert_tiled_equals_whole(id, &[parameters], &[&image]);
    }
    assert_tiled_equals_whole("otsu-threshold", &[], &[&image]);
}

#[test]
fn otsu_of_every_type() {
    for (seed, extent) in (20..).zip(extents()) {
        for dtype in DTYPES {
            let image = noise(dtype, extent, seed);
            for scope in ["stack", "plane"] {
                assert_tiled_equals_whole("otsu-threshold", &[("scope", scope)], &[&image]);
            }
        }
    }
}

#[test]
fn otsu_of_values_whose_span_grows_from_tile_to_tile() {
    let extent = Extent::plane(40, 50);
    let data: Vec<f64> = (0..2000).map(|i| f64::from(i % 7) + 1.07_f64.powi(i / 6)).collect();
    for dtype in [DType::U32, DType::F32] {
        let image = with_pixel_type!(dtype, T => typed::<T>(extent, &data));
        assert_tiled_equals_whole("otsu-threshold", &[], &[&image]);
    }
}

#[test]
fn components_and_measurements() {
    for (seed, extent) in (40..).zip(extents()) {
        let intensity = noise(DType::F32, extent, seed);
        let values: Vec<f64> = intensity.slice::<f32>().iter().map(|value| f64::from(*value)).collect();
        let mask: Vec<u8> = values.iter().map(|value| u8::from(*value > 0.1)).collect();
        let mask = Image::mask(extent, &mask);
        for dimensions in ["2d", "3d"] {
            for connectivity in ["faces", "edges", "corners"] {
                for min_size in ["1", "4"] {
                    let parameters =
                        [("dimensions", dimensions), ("connectivity", connectivity), ("min-size", min_size)];
                    assert_tiled_equals_whole("connected-components", &parameters, &[&mask]);
                }
            }
            let labels =
                &run("connected-components", &[("dimensions", dimensions)], &[&mask], Cut::WHOLE).images[0];
            assert_tiled_equals_whole("measure-objects", &[("dimensions", dimensions)], &[labels]);
            assert_tiled_equals_whole(
                "measure-objects",
                &[("dimensions", dimensions)],
                &[labels, &intensity],
            );
        }
    }
}

/// Operator, parameters, inputs.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [&'a Image]);

#[test]
fn a_frame_of_2048_pixels_in_tiles_of_odd_sizes() {
    let extent = Extent::plane(2048, 2048);
    let image = typed::<u16>(extent, &discs(extent, 9));
    let cut = Cut::in_plane(701, 513).shifted(0, 100, 37);
    let mask = run("otsu-threshold", &[], &[&image], Cut::WHOLE).images.remove(0);
    let labels = run("connected-components", &[], &[&mask], Cut::WHOLE).images.remove(0);
    let cases: [Case<'_>; 9] = [
        ("identity", &[], &[&image]),
        ("gaussian", &[("sigma", "2")], &[&image]),
        ("median", &[("radius", "1")], &[&image]),
        ("median", &[("radius", "2")], &[&image]),
        ("median", &[("radius", "5")], &[&image]),
        ("top-hat", &[], &[&image]),
        ("otsu-threshold", &[], &[&image]),
        ("connected-components", &[], &[&mask]),
        ("measure-objects", &[], &[&labels, &image]),
    ];
    for (id, parameters, inputs) in cases {
        let whole = run(id, parameters, inputs, Cut::WHOLE);
        assert!(run(id, parameters, inputs, cut) == whole, "{id}");
    }
}
