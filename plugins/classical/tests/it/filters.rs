//! Filters next to their definitions, written down without any cleverness.

use parfocal_image::{DType, Extent, Pixel};
use parfocal_plugin::with_pixel_type;

use crate::{
    driver::{Cut, Image, run},
    images::noise,
};

const DTYPES: [DType; 6] = [DType::U8, DType::I8, DType::U16, DType::I16, DType::U32, DType::F32];

/// The place inside an axis that a mirror shows.
fn mirrored(place: i64, size: u64) -> usize {
    let place = place.rem_euclid(2 * size as i64);
    place.min(2 * size as i64 - 1 - place) as usize
}

/// The values of the square around a pixel.
fn square(image: &[f64], [height, width]: [u64; 2], y: i64, x: i64, radius: i64) -> Vec<f64> {
    let mut values = Vec::new();
    for dy in -radius..=radius {
        for dx in -radius..=radius {
            values.push(image[mirrored(y + dy, height) * width as usize + mirrored(x + dx, width)]);
        }
    }
    values
}

fn over_squares(image: &[f64], size: [u64; 2], radius: i64, pick: impl Fn(Vec<f64>) -> f64) -> Vec<f64> {
    (0..size[0] * size[1])
        .map(|place| pick(square(image, size, (place / size[1]) as i64, (place % size[1]) as i64, radius)))
        .collect()
}

fn values(image: &Image) -> Vec<f64> {
    with_pixel_type!(image.spec.dtype, T => image.slice::<T>().iter().map(|pixel| pixel.to_f64()).collect())
}

#[test]
fn the_median_is_the_middle_of_the_sorted_square() {
    for (radius, sizes) in [
        (1, &[[1, 1], [1, 40], [40, 1], [2, 2], [13, 37]][..]),
        (2, &[[1, 1], [1, 40], [40, 1], [3, 4], [13, 37]]),
        (3, &[[1, 1], [1, 40], [5, 6], [31, 29]]),
        (6, &[[1, 7], [23, 29]]),
        (50, &[[3, 260], [20, 21]]),
    ] {
        for &[height, width] in sizes {
            for dtype in DTYPES {
                let image = noise(dtype, Extent::plane(height, width), 7);
                let expected = over_squares(&values(&image), [height, width], radius, |mut values| {
                    values.sort_by(f64::total_cmp);
                    values[values.len() / 2]
                });
                let got = run("median", &[("radius", &radius.to_string())], &[&image], Cut::WHOLE);
                assert_eq!(values(&got.images[0]), expected, "radius {radius}, {height} x {width}, {dtype}");
            }
        }
    }
}

#[test]
fn the_median_of_few_values_that_repeat_is_found() {
    // Many equal pixels, and a histogram whose median jumps far.
    let extent = Extent::plane(40, 300);
    for (low, high) in [(0.0, 255.0), (3.0, 4.0)] {
        let random = noise(DType::F32, extent, 3);
        let data: Vec<f64> =
            values(&random).iter().map(|value| if *value > 0.1 { high } else { low }).collect();
        for dtype in [DType::U8, DType::U16, DType::F32] {
            let image = with_pixel_type!(dtype, T => crate::images::typed::<T>(extent, &data));
            for radius in [1, 2, 4] {
                let expected = over_squares(&data, [40, 300], radius, |mut values| {
                    values.sort_by(f64::total_cmp);
                    values[values.len() / 2]
                });
                let got = run("median", &[("radius", &radius.to_string())], &[&image], Cut::WHOLE);
                assert_eq!(values(&got.images[0]), expected, "{radius} {dtype}");
            }
        }
    }
}

#[test]
fn the_top_hat_is_the_image_minus_its_opening() {
    for radius in [1_i64, 2, 3, 5, 11, 100] {
        for [height, width] in [[1, 1], [1, 30], [30, 1], [17, 23]] {
            for dtype in DTYPES {
                let image = noise(dtype, Extent::plane(height, width), 11);
                let pixels = values(&image);
                let size = [height, width];
                let minima =
                    over_squares(&pixels, size, radius, |v| v.into_iter().fold(f64::INFINITY, f64::min));
                let opening =
                    over_squares(&minima, size, radius, |v| v.into_iter().fold(f64::NEG_INFINITY, f64::max));
                let expected: Vec<f64> = with_pixel_type!(dtype, T => {
                    pixels.iter().zip(&opening).map(|(a, b)| T::from_f64(a - b).to_f64()).collect()
                });
                let got = run("top-hat", &[("radius", &radius.to_string())], &[&image], Cut::WHOLE);
                assert_eq!(values(&got.images[0]), expected, "radius {radius}, {height} x {width}, {dtype}");
            }
        }
    }
}

#[test]
fn a_constant_image_stays_constant() {
    for dtype in DTYPES {
        let extent = Extent::new(1, 1, 3, 20, 530);
        let data = vec![if dtype == DType::I8 { -77.0 } else { 113.0 }; 3 * 20 * 530];
        let image = with_pixel_type!(dtype, T => crate::images::typed::<T>(extent, &data));
        for (id, parameters) in [
            ("gaussian", &[("sigma", "3.3"), ("dimensions", "3d")][..]),
            ("gaussian", &[("sigma", "0")]),
            ("median", &[("radius", "2")]),
            ("median", &[("radius", "5")]),
        ] {
            let got = values(&run(id, parameters, &[&image], Cut::WHOLE).images[0]);
            let far = got.iter().zip(&data).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(far <= if dtype == DType::F32 { 1e-4 } else { 0.0 }, "{id} {dtype}: {far}");
        }
    }
}

#[test]
fn what_is_not_a_number_does_what_is_documented() {
    let mut data: Vec<f32> = (0..100).map(|i| i as f32).collect();
    data[55] = f32::NAN;
    data[0] = -0.0;
    let image = Image::new(Extent::plane(10, 10), &data);
    // Counts as the largest: the median of 45..47, 54, NaN, 56, 64..66 is 56.
    let median = run("median", &[("radius", "1")], &[&image], Cut::WHOLE);
    assert_eq!(median.images[0].slice::<f32>()[55], 56.0);
    let top_hat = run("top-hat", &[("radius", "1")], &[&image], Cut::WHOLE);
    let pixels = top_hat.images[0].slice::<f32>();
    assert!(pixels[55].is_nan(), "stays not a number");
    assert_eq!(
        pixels.iter().filter(|pixel| !pixel.is_finite()).count(),
        1,
        "and its neighbours pass it over"
    );
}
