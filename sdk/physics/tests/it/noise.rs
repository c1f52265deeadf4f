use std::path::PathBuf;

use parfocal_physics::noise::{BitDepth, Camera, ExcessNoise, GainLaw, PixelMaps, PointDetector};
use parfocal_physics::{GreyLevelsPerElectron, Random};
use parfocal_types::units::{Electrons, ElectronsPerGreyLevel, Fraction, GreyLevels, Volts};

use crate::{assert_near, mean_and_variance};

const DRAWS: usize = 200_000;

fn photomultiplier() -> PointDetector {
    PointDetector {
        quantum_efficiency: Fraction(0.3),
        dark_counts: Electrons(0.02),
        gain: GreyLevelsPerElectron(60.0),
        excess_noise: ExcessNoise::PHOTOMULTIPLIER,
        offset: GreyLevels(200.0),
        analog_noise: GreyLevels(8.0),
        bit_depth: BitDepth::SIXTEEN,
    }
}

fn moments(levels: Vec<u16>) -> (f64, f64) {
    mean_and_variance(levels.into_iter().map(f64::from))
}

#[test]
fn camera_variance_grows_with_the_mean_as_its_law_says() {
    let camera = Camera { dark_charge: Electrons(0.5), ..Camera::scmos() };
    let law = camera.noise_law();
    for photons in [0.0, 3.0, 30.0, 300.0, 3000.0] {
        let levels = camera.expose(&vec![photons; DRAWS], &mut Random::new(3, photons as u64)).unwrap();
        let (mean, variance) = moments(levels);
        let electrons = 0.8 * f64::from(photons);
        assert_near("mean", mean, 100.0 + (electrons + 0.5) / 0.46, 0.002);
        let theory = law.standard_deviation(GreyLevels(mean)).0;
        assert_near(&format!("noise at {photons} photons"), variance.sqrt(), theory, 0.01);
        // The same from first principles: shot, dark and read noise in electrons, and the converter's 1/12.
        let first = (electrons + 0.5 + 1.6 * 1.6) / (0.46 * 0.46) + 1.0 / 12.0;
        assert_near("variance", variance, first, 0.02);
    }
}

#[test]
fn photomultiplier_variance_carries_its_excess_noise() {
    let detector = photomultiplier();
    let law = detector.noise_law();
    for photons in [0.0, 1.0, 5.0, 50.0, 500.0] {
        let levels = detector.detect(&vec![photons; DRAWS], &mut Random::new(4, photons as u64)).unwrap();
        let (mean, variance) = moments(levels);
        let electrons = 0.3 * f64::from(photons) + 0.02;
        assert_near("mean", mean, 200.0 + 60.0 * electrons, 0.01);
        let theory = law.standard_deviation(GreyLevels(mean)).0.powi(2);
        assert_near(&format!("variance at {photons} photons"), variance, theory, 0.03);
        let first = 60.0 * 60.0 * 1.44 * electrons + 64.0;
        assert_near("variance from the gain and F", variance, first, 0.03);
    }
}

#[test]
fn photon_counting_shows_single_photons() {
    let detector = PointDetector {
        excess_noise: ExcessNoise::COUNTING,
        analog_noise: GreyLevels(0.0),
        offset: GreyLevels(0.0),
        ..photomultiplier()
    };
    let levels = detector.detect(&[3.0; 1000], &mut Random::new(1, 1)).unwrap();
    assert!(levels.iter().all(|level| level % 60 == 0));
}

#[test]
fn gain_follows_the_voltage_as_measured() {
    // Grey levels for one photoelectron, fitted to repeated frames at three settings of one microscope.
    let law = GainLaw::new(Volts(110.0), GreyLevelsPerElectron(3.45), GainLaw::MEASURED_EXPONENT).unwrap();
    assert_near("HV 140", law.at(Volts(140.0)).0, 17.3, 0.05);
    assert_near("HV 115", law.at(Volts(115.0)).0, 5.2, 0.15);
    assert_eq!(law.at(Volts(0.0)).0, 0.0);
}

#[test]
fn bright_light_saturates_and_never_wraps() {
    let mut random = Random::new(1, 0);
    let camera = Camera { bit_depth: BitDepth::TWELVE, ..Camera::scmos() };
    assert!(camera.expose(&[1e7; 100], &mut random).unwrap().iter().all(|level| *level == 4095));
    // With sixteen bits the well is full first: 30 000 e⁻ / 0.46 + 100, plus read noise.
    let full = Camera::scmos().expose(&[1e7; 1000], &mut random).unwrap();
    let (mean, variance) = moments(full);
    assert_near("full well", mean, 30_000.0 / 0.46 + 100.0, 1e-4);
    assert!(variance < 20.0, "shot noise is gone at saturation: {variance}");
    let detector = PointDetector { bit_depth: BitDepth::EIGHT, ..photomultiplier() };
    assert!(detector.detect(&[1e4; 100], &mut random).unwrap().iter().all(|level| *level == 255));
    // Read noise below zero is cut off at zero.
    let dark = Camera { offset: GreyLevels(0.0), read_noise: Electrons(5.0), ..Camera::scmos() };
    let levels = dark.expose(&[0.0; 1000], &mut random).unwrap();
    let black = levels.iter().filter(|level| **level == 0).count();
    assert!((400..650).contains(&black), "{black} black pixels of 1000");
}

#[test]
fn pixel_maps_give_each_pixel_its_own_noise() {
    let maps = PixelMaps::new(&[0.5, 2.0], &[100.0, 50.0], &[1.0, 20.0]).unwrap();
    let expected: Vec<f32> = [10.0, 40.0].into_iter().cycle().take(2 * DRAWS).collect();
    let levels = Camera::scmos().expose_with_maps(&expected, &maps, &mut Random::new(8, 0)).unwrap();
    for (pixel, gain, offset, read, photons) in [(0, 0.5, 100.0, 1.0, 10.0), (1, 2.0, 50.0, 20.0, 40.0)] {
        let (mean, variance) = mean_and_variance(levels.iter().skip(pixel).step_by(2).map(|&v| f64::from(v)));
        assert_near("mean", mean, offset + 0.8 * photons / gain, 0.005);
        assert_near("variance", variance, (0.8 * photons + read * read) / (gain * gain) + 1.0 / 12.0, 0.02);
    }
    assert!(Camera::scmos().expose_with_maps(&[1.0; 3], &maps, &mut Random::new(8, 0)).is_err());
    assert!(PixelMaps::new(&[], &[], &[]).is_err());
    assert!(PixelMaps::new(&[1.0], &[0.0, 0.0], &[1.0]).is_err());
    assert!(PixelMaps::new(&[0.0], &[0.0], &[1.0]).is_err());
}

/// Values of a little-endian `f32` array in NumPy's format 1.0.
fn read_npy(path: PathBuf) -> Option<Vec<f32>> {
    let bytes = std::fs::read(path).ok()?;
    let header = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    Some(bytes[header..].chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
}

#[test]
fn a_real_sensors_maps_come_back_out_of_dark_frames() {
    let data = std::env::var_os("PARFOCAL_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let map = |name: &str| read_npy(data.join("scmos_maps").join(name));
    let (Some(gain), Some(variance)) = (map("gainsub.npy"), map("varsub.npy")) else {
        println!("skipped: no scmos_maps in {}", data.display());
        return;
    };
    // The maps hold grey levels for one electron and grey levels squared; eleven dead pixels of the 512 x 512
    // have a gain below zero and stand here as typical ones.
    assert!(gain.iter().filter(|g| **g <= 0.0).count() <= 11);
    let gain: Vec<f32> = gain.iter().map(|g| if *g > 0.0 { *g } else { 2.18 }).collect();
    let inverse: Vec<f32> = gain.iter().map(|g| 1.0 / g).collect();
    let read: Vec<f32> = gain.iter().zip(&variance).map(|(g, v)| v.sqrt() / g).collect();
    let maps = PixelMaps::new(&inverse, &vec![500.0; gain.len()], &read).unwrap();
    let frames: Vec<Vec<u16>> = (0..24)
        .map(|frame| {
            let dark = vec![0.0; gain.len()];
            Camera::scmos().expose_with_maps(&dark, &maps, &mut Random::new(6, frame)).unwrap()
        })
        .collect();
    let mut ratios = 0.0;
    for (pixel, variance) in variance.iter().enumerate() {
        let (_, seen) = mean_and_variance(frames.iter().map(|frame| f64::from(frame[pixel])));
        ratios += seen / (f64::from(*variance) + 1.0 / 12.0);
    }
    assert_near("variance, simulated over measured", ratios / variance.len() as f64, 1.0, 0.005);
}

#[test]
fn impossible_detectors_and_light_are_refused() {
    let mut random = Random::new(1, 0);
    let refused = |camera: Camera| camera.expose(&[1.0], &mut Random::new(1, 0)).unwrap_err().kind().name();
    assert_eq!(refused(Camera { quantum_efficiency: Fraction(1.2), ..Camera::scmos() }), "out-of-range");
    assert_eq!(refused(Camera { gain: ElectronsPerGreyLevel(0.0), ..Camera::scmos() }), "out-of-range");
    assert_eq!(refused(Camera { read_noise: Electrons(f64::NAN), ..Camera::scmos() }), "out-of-range");
    for light in [-1.0, f32::NAN, f32::INFINITY] {
        let error = Camera::scmos().expose(&[1.0, light], &mut random).unwrap_err();
        assert!(error.to_string().starts_with("pixel 1 expects"), "{error}");
        assert!(photomultiplier().detect(&[light], &mut random).is_err());
    }
    assert!(ExcessNoise::new(0.9).is_err());
    assert!(BitDepth::new(0).is_err() && BitDepth::new(17).is_err());
}
