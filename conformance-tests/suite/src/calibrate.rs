//! How much slower than the reference machine this one is.

use std::{hint::black_box, time::Instant};

use parfocal_testkit::Random;

/// What the reference computation takes on the reference machine (the two-core machine that the budgets were set on), in
/// seconds.
const REFERENCE: f64 = 0.010;

/// Measures once a run: the best of five, so that a moment's disturbance does not count. At least 1: a faster machine gets
/// no less time, because waiting for files and processes does not become faster with it.
pub(crate) fn factor() -> f64 {
    let best = (0..5).map(|_| reference()).fold(f64::INFINITY, f64::min);
    (best / REFERENCE).clamp(1.0, 50.0)
}

/// Integer arithmetic and memory, as operators do: a running sum over a block that does not fit the first cache.
fn reference() -> f64 {
    let mut random = Random::new(1);
    let mut block: Vec<u32> = (0..1_u32 << 18).map(|index| index.wrapping_mul(2_654_435_761)).collect();
    let start = Instant::now();
    let mut sum = 0_u64;
    for round in 0..16_u64 {
        for value in &mut block {
            sum = sum.wrapping_add(u64::from(*value)).rotate_left(1);
            *value = value.wrapping_add(1);
        }
        sum ^= random.bits() ^ round;
    }
    black_box(sum);
    start.elapsed().as_secs_f64()
}
