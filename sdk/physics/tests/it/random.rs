use parfocal_physics::Random;

use crate::{assert_near, mean_and_variance};

/// Pearson's statistic and its degrees of freedom for counts drawn at `mean`, in bins that expect 20 or more.
fn chi_square(mean: f64, draws: u64) -> (f64, f64) {
    let mut random = Random::new(2024, mean.to_bits());
    let mut counts = std::collections::BTreeMap::<u64, f64>::new();
    for _ in 0..draws {
        *counts.entry(random.poisson(mean)).or_default() += 1.0;
    }
    let probability = |k: u64| (k as f64 * mean.ln() - mean - libm::lgamma(k as f64 + 1.0)).exp();
    let last = counts.keys().copied().max().unwrap().max((mean + 12.0 * mean.sqrt() + 12.0) as u64);
    let (mut statistic, mut bins) = (0.0, 0.0);
    let (mut expected, mut seen) = (0.0, 0.0);
    let mut tail = draws as f64;
    for k in 0..=last {
        expected += draws as f64 * probability(k);
        seen += counts.get(&k).copied().unwrap_or(0.0);
        if expected >= 20.0 && tail - expected >= 20.0 {
            statistic += (seen - expected).powi(2) / expected;
            bins += 1.0;
            tail -= expected;
            (expected, seen) = (0.0, 0.0);
        }
    }
    statistic += (seen - tail).powi(2) / tail;
    (statistic, bins)
}

#[test]
fn poisson_has_poisson_statistics_at_every_mean() {
    for mean in [0.02, 0.3, 1.0, 4.5, 9.99, 10.0, 12.0, 25.0, 100.0, 1000.0] {
        let (statistic, freedom) = chi_square(mean, 400_000);
        // Mean and variance of chi-square are its degrees of freedom and twice them: 4.5 sigma is one in 10⁵.
        let limit = freedom + 4.5 * (2.0 * freedom).sqrt() + 4.0;
        assert!(
            statistic < limit,
            "mean {mean}: chi-square {statistic:.1} with {freedom} degrees of freedom"
        );
    }
}

#[test]
fn poisson_is_right_for_very_bright_pixels() {
    let mut random = Random::new(5, 0);
    let (mean, variance) = mean_and_variance((0..200_000).map(|_| random.poisson(3e6) as f64));
    assert_near("mean", mean, 3e6, 1e-5);
    assert_near("variance", variance, 3e6, 0.015);
}

#[test]
fn impossible_means_give_no_events() {
    let mut random = Random::new(1, 0);
    assert_eq!([0.0, -1.0, f64::NAN].map(|mean| random.poisson(mean)), [0, 0, 0]);
    assert_eq!(random.poisson(f64::INFINITY), u64::MAX);
}

#[test]
fn normal_numbers_follow_the_normal_distribution() {
    let mut random = Random::new(11, 3);
    let mut values: Vec<f64> = (0..100_000).map(|_| random.normal()).collect();
    values.sort_by(f64::total_cmp);
    let distance = values.iter().enumerate().fold(0.0_f64, |most, (i, x)| {
        let theory = 0.5 * (1.0 + libm::erf(x / 2.0_f64.sqrt()));
        most.max((theory - (i as f64 + 0.5) / values.len() as f64).abs())
    });
    // Kolmogorov and Smirnov: one in a thousand lies above 1.95 / √n.
    assert!(distance < 1.95 / (values.len() as f64).sqrt(), "distance {distance}");
}

#[test]
fn gamma_numbers_have_equal_mean_and_variance() {
    for shape in [0.2, 0.9, 2.27, 40.0] {
        let mut random = Random::new(17, 0);
        let (mean, variance) = mean_and_variance((0..300_000).map(|_| random.gamma(shape)));
        assert_near(&format!("mean of shape {shape}"), mean, shape, 0.02);
        assert_near(&format!("variance of shape {shape}"), variance, shape, 0.04);
    }
}

#[test]
fn streams_of_one_seed_are_independent_and_repeat() {
    let draw = |seed, stream| {
        let mut random = Random::new(seed, stream);
        (0..20_000).map(|_| random.uniform() - 0.5).collect::<Vec<_>>()
    };
    assert_eq!(draw(1, 2), draw(1, 2));
    for other in [draw(1, 3), draw(2, 2)] {
        let product: f64 = draw(1, 2).iter().zip(&other).map(|(a, b)| a * b).sum();
        // Standard deviation of the sum: √n / 12.
        assert!(product.abs() < 4.0 * 20_000_f64.sqrt() / 12.0, "correlation {product}");
    }
}
