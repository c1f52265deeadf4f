//! The physics against theory: every tolerance says where it comes from.
#![allow(missing_docs, clippy::unwrap_used, reason = "helpers of tests, where a failure is a failed test")]

mod anscombe;
mod bleaching;
mod convolve;
mod determinism;
mod imaging;
mod noise;
mod phantom;
mod psf;
mod random;

use parfocal_physics::{NumericalAperture, Objective, RefractiveIndex};

/// Asserts that two numbers differ by at most `share` of the second.
#[track_caller]
fn assert_near(what: &str, got: f64, want: f64, share: f64) {
    let error = (got - want).abs();
    assert!(
        error <= share * want.abs(),
        "{what}: got {got}, theory {want}, off by {:.2} %",
        100.0 * error / want
    );
}

fn objective(na: f64, index: f64) -> Objective {
    Objective::new(NumericalAperture(na), RefractiveIndex(index)).unwrap()
}

fn mean_and_variance(values: impl IntoIterator<Item = f64>) -> (f64, f64) {
    let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
    for value in values {
        count += 1.0;
        let off: f64 = value - mean;
        mean += off / count;
        squares += off * (value - mean);
    }
    (mean, squares / (count - 1.0))
}
