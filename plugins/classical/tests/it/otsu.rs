//! Otsu's threshold next to its definition.

use parfocal_image::{DType, Extent};
use parfocal_types::Scalar;

use crate::{
    driver::{Cut, Image, Outcome, run},
    images::{discs, noise, typed},
};

pub(crate) fn threshold(outcome: &Outcome) -> f64 {
    match &outcome.records[0][..] {
        [field] if field.name == "threshold" => match field.value {
            Scalar::Number(value) => value,
            _ => panic!("{field:?}"),
        },
        record => panic!("{record:?}"),
    }
}

/// The lowest value that makes the variance between the classes largest, compared as exact fractions.
fn exact(values: &[i64]) -> i64 {
    let low = *values.iter().min().unwrap();
    let high = *values.iter().max().unwrap();
    let total = values.len() as i128;
    let sum: i128 = values.iter().map(|value| i128::from(value - low)).sum();
    let mut best = (0_i128, 1_i128, low);
    for level in low..high {
        let below: Vec<i128> =
            values.iter().filter(|value| **value <= level).map(|v| i128::from(v - low)).collect();
        let (count, part) = (below.len() as i128, below.iter().sum::<i128>());
        // The variance between the classes, up to a factor: (total part - count sum)^2 / (count (total - count)).
        let apart = total * part - count * sum;
        let (above, under) = (apart * apart, count * (total - count));
        if above * best.1 > best.0 * under {
            best = (above, under, level);
        }
    }
    best.2
}

#[test]
fn the_threshold_makes_the_variance_between_classes_largest() {
    let extent = Extent::plane(20, 30);
    for seed in 0..30 {
        for dtype in [DType::U8, DType::I8] {
            let image = noise(dtype, extent, seed);
            let values: Vec<i64> = match dtype {
                DType::U8 => image.slice::<u8>().iter().map(|value| i64::from(*value)).collect(),
                _ => image.slice::<i8>().iter().map(|value| i64::from(*value)).collect(),
            };
            let got = run("otsu-threshold", &[], &[&image], Cut::WHOLE);
            let level = exact(&values);
            assert_eq!(threshold(&got), level as f64, "{dtype} seed {seed}");
            let mask: Vec<u8> = values.iter().map(|value| u8::from(*value > level)).collect();
            assert_eq!(got.images[0].slice::<u8>(), mask);
            assert_eq!(got.images[0].spec.dtype, DType::Mask);
        }
    }
}

#[test]
fn equally_good_thresholds_give_the_lowest() {
    let image = Image::new(Extent::plane(1, 4), &[10_u16, 10, 5000, 5000]);
    assert_eq!(threshold(&run("otsu-threshold", &[], &[&image], Cut::WHOLE)), 10.0);
}

#[test]
fn one_value_is_its_own_threshold_and_no_value_has_none() {
    let image = Image::new(Extent::plane(2, 2), &[7_u16; 4]);
    let got = run("otsu-threshold", &[], &[&image], Cut::WHOLE);
    assert_eq!(threshold(&got), 7.0);
    assert_eq!(got.images[0].slice::<u8>(), [0; 4]);
    let image = Image::new(Extent::plane(2, 2), &[2.5_f32; 4]);
    assert_eq!(threshold(&run("otsu-threshold", &[], &[&image], Cut::WHOLE)), 2.5);
    let image = Image::new(Extent::plane(1, 3), &[f32::NAN, f32::INFINITY, f32::NEG_INFINITY]);
    let got = run("otsu-threshold", &[], &[&image], Cut::WHOLE);
    assert!(threshold(&got).is_nan());
    assert_eq!(got.images[0].slice::<u8>(), [0; 3]);
}

#[test]
fn wide_types_come_close_to_the_narrow_one() {
    let extent = Extent::plane(200, 200);
    let data = discs(extent, 4);
    let narrow = threshold(&run("otsu-threshold", &[], &[&typed::<u16>(extent, &data)], Cut::WHOLE));
    let wide = threshold(&run("otsu-threshold", &[], &[&typed::<u32>(extent, &data)], Cut::WHOLE));
    assert_eq!(wide, narrow, "the same values in few bins have the same bins");
    let scaled: Vec<f64> = data.iter().map(|value| value.round_ties_even() * 1e6).collect();
    let wide = threshold(&run("otsu-threshold", &[], &[&typed::<u32>(extent, &scaled)], Cut::WHOLE));
    assert!((wide / 1e6 - narrow).abs() < 0.1, "{wide} {narrow}");
    let single = threshold(&run("otsu-threshold", &[], &[&typed::<f32>(extent, &data)], Cut::WHOLE));
    // No pixel lies between the two: the classes are the same.
    let between =
        data.iter().filter(|value| (single.min(narrow)..single.max(narrow)).contains(*value)).count();
    assert!(between <= 3, "{single} {narrow}: {between}");
}

#[test]
fn planes_and_channels_have_thresholds_of_their_own() {
    let extent = Extent::new(1, 2, 2, 1, 4);
    let image = Image::new(extent, &[0_u8, 0, 9, 9, 50, 50, 99, 99, 0, 0, 2, 2, 7, 7, 8, 8]);
    let stack = run("otsu-threshold", &[], &[&image], Cut::WHOLE);
    let levels = |outcome: &Outcome| outcome.records.iter().map(|r| r[0].value.clone()).collect::<Vec<_>>();
    assert_eq!(levels(&stack), [9.0, 2.0].map(Scalar::Number));
    let plane = run("otsu-threshold", &[("scope", "plane")], &[&image], Cut::WHOLE);
    assert_eq!(levels(&plane), [0.0, 50.0, 0.0, 7.0].map(Scalar::Number));
}
