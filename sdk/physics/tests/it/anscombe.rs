use parfocal_physics::anscombe::Anscombe;
use parfocal_physics::noise::{BitDepth, Camera, ExcessNoise, NoiseLaw, PointDetector};
use parfocal_physics::{GreyLevelsPerElectron, Random};
use parfocal_types::units::{Electrons, Fraction, GreyLevels};

use crate::{assert_near, mean_and_variance};

const DRAWS: usize = 200_000;

fn camera(read_noise: f64) -> Camera {
    Camera { quantum_efficiency: Fraction(1.0), read_noise: Electrons(read_noise), ..Camera::scmos() }
}

/// Mean and variance of the transformed grey levels at an expected number of electrons.
fn stabilised(camera: &Camera, electrons: f32) -> (f64, f64) {
    let transform = Anscombe::new(camera.noise_law()).unwrap();
    let levels = camera.expose(&vec![electrons; DRAWS], &mut Random::new(9, 0)).unwrap();
    mean_and_variance(levels.into_iter().map(|level| f64::from(transform.forward(f32::from(level)))))
}

#[test]
fn noise_becomes_one_above_a_few_photons() {
    for read_noise in [0.3, 1.6, 4.0] {
        // Summing the distributions exactly gives 1.012, 1.059 and 1.024 at 4 e, and 1.002, 1.012 and 1.014 at 10.
        for (electrons, share) in [(4.0, 0.07), (10.0, 0.025), (30.0, 0.015), (100.0, 0.015), (1000.0, 0.015)]
        {
            let (_, variance) = stabilised(&camera(read_noise), electrons);
            assert_near(&format!("{electrons} e, read noise {read_noise}"), variance, 1.0, share);
        }
    }
}

#[test]
fn averages_come_back_without_bias() {
    for read_noise in [0.3, 1.6, 4.0] {
        let camera = camera(read_noise);
        let transform = Anscombe::new(camera.noise_law()).unwrap();
        for electrons in [0.5, 1.0, 2.0, 5.0, 20.0, 200.0] {
            let (mean, _) = stabilised(&camera, electrons);
            let got = (f64::from(transform.inverse(mean as f32)) - 100.0) * 0.46;
            let bias = got - f64::from(electrons);
            // The closed form is within some hundredths of an electron of the exact inverse.
            assert!(
                bias.abs() < 0.06 + 0.004 * f64::from(electrons),
                "{electrons} e, {read_noise}: bias {bias}"
            );
        }
    }
}

#[test]
fn the_algebraic_inverse_would_be_biased() {
    let camera = camera(0.3);
    let law = camera.noise_law();
    let (mean, _) = stabilised(&camera, 2.0);
    let sigma = law.read_noise.0 / law.gain.0;
    let algebraic = 0.25 * mean * mean - 0.375 - sigma * sigma;
    assert!(algebraic < 1.85, "algebraic inverse of 2 e: {algebraic}");
}

#[test]
fn a_photomultiplier_is_stabilised_by_its_own_law() {
    let detector = PointDetector {
        quantum_efficiency: Fraction(1.0),
        dark_counts: Electrons(0.0),
        gain: GreyLevelsPerElectron(40.0),
        excess_noise: ExcessNoise::PHOTOMULTIPLIER,
        offset: GreyLevels(100.0),
        analog_noise: GreyLevels(10.0),
        bit_depth: BitDepth::SIXTEEN,
    };
    let transform = Anscombe::new(detector.noise_law()).unwrap();
    for photons in [10.0, 40.0, 200.0] {
        let levels = detector.detect(&vec![photons; DRAWS], &mut Random::new(2, 0)).unwrap();
        let mut values: Vec<f32> = levels.into_iter().map(f32::from).collect();
        transform.forward_all(&mut values);
        let (_, variance) = mean_and_variance(values.iter().map(|&v| f64::from(v)));
        assert_near(&format!("{photons} photons"), variance, 1.0, 0.1);
    }
}

#[test]
fn the_inverse_is_monotonic_and_starts_at_the_offset() {
    let law =
        NoiseLaw { gain: GreyLevelsPerElectron(2.0), offset: GreyLevels(100.0), read_noise: GreyLevels(3.0) };
    let transform = Anscombe::new(law).unwrap();
    let values: Vec<f32> = (0..2000).map(|i| transform.inverse(i as f32 * 0.02)).collect();
    assert_eq!(values[0], 100.0);
    assert!(values.is_sorted());
    assert!(values.iter().all(|v| v.is_finite()));
    assert!(transform.inverse(f32::NAN).is_nan());
    assert_eq!(transform.forward(-1e6), 0.0);
    assert!(Anscombe::new(NoiseLaw { gain: GreyLevelsPerElectron(0.0), ..law }).is_err());
}
