use parfocal_physics::psf::{ConfocalPsf, GaussianPsf, Kernel, Pinhole, Reach, Specimen, WidefieldPsf};
use parfocal_physics::{AiryUnits, NumericalAperture, Objective, RefractiveIndex, Shape, VoxelSize};
use parfocal_types::units::{Micrometers, Nanometers};

use crate::{assert_near, objective};

const GREEN: Nanometers = Nanometers(520.0);
const LAMBDA: f64 = 0.52;

/// Twice the first distance at which a falling function passes half its value at zero.
fn full_width(step: f64, function: impl Fn(f64) -> f64) -> f64 {
    let half = 0.5 * function(0.0);
    let mut before = 0.0;
    loop {
        let after = before + step;
        let (a, b) = (function(before), function(after));
        if b < half {
            return 2.0 * (before + step * (a - half) / (a - b));
        }
        before = after;
    }
}

/// -f''/f at zero.
fn curvature(step: f64, function: impl Fn(f64) -> f64) -> f64 {
    let (f0, f1, f2) = (function(0.0), function(step), function(2.0 * step));
    // Fourth-order central difference of an even function.
    (30.0 * f0 - 32.0 * f1 + 2.0 * f2) / (12.0 * step * step * f0)
}

fn at(lateral: f64, axial: f64) -> (Micrometers, Micrometers) {
    (Micrometers(lateral), Micrometers(axial))
}

#[test]
fn lateral_width_is_that_of_the_airy_disc() {
    for (na, index) in [(0.25, 1.0), (0.5, 1.0), (0.8, 1.0), (1.2, 1.333), (1.4, 1.518)] {
        let psf = WidefieldPsf::new(objective(na, index), GREEN).unwrap();
        let width = full_width(0.002, |r| {
            let (r, z) = at(r, 0.0);
            psf.intensity(r, z)
        });
        // The Airy disc's width is 0.5145 λ/NA; a scalar pupil without apodisation has it at every aperture.
        assert_near(&format!("FWHM at NA {na}"), width, 0.51 * LAMBDA / na, 0.015);
    }
}

#[test]
fn first_dark_ring_lies_where_airy_says() {
    let na = 0.5;
    let psf = WidefieldPsf::new(objective(na, 1.0), GREEN).unwrap();
    let radii = (300..900).map(|i| f64::from(i) * 0.001);
    let darkest = radii
        .min_by(|a, b| {
            let value = |r: &f64| psf.intensity(Micrometers(*r), Micrometers(0.0));
            value(a).total_cmp(&value(b))
        })
        .unwrap();
    assert_near("first minimum", darkest, 0.61 * LAMBDA / na, 0.005);
    assert!(psf.intensity(Micrometers(darkest), Micrometers(0.0)) < 1e-5);
}

#[test]
fn axial_width_follows_the_aperture_without_the_paraxial_error() {
    for (na, index) in [(0.3, 1.0), (0.5, 1.0), (0.8, 1.333), (1.2, 1.333), (1.4, 1.518)] {
        let psf = WidefieldPsf::new(objective(na, index), GREEN).unwrap();
        let width = full_width(0.005, |z| {
            let (r, z) = at(0.0, z);
            psf.intensity(r, z)
        });
        let theory = 0.88 * LAMBDA / (index - (index * index - na * na).sqrt());
        assert_near(&format!("axial FWHM at NA {na}"), width, theory, 0.05);
    }
}

#[test]
fn defocus_spreads_light_and_loses_none() {
    let psf = WidefieldPsf::new(objective(0.8, 1.0), GREEN).unwrap();
    let energy = |z: f64| {
        let step = 0.02;
        (0..600)
            .map(|i| {
                let r = (f64::from(i) + 0.5) * step;
                r * psf.intensity(Micrometers(r), Micrometers(z)) * step
            })
            .sum::<f64>()
    };
    let focus = energy(0.0);
    // ∫ I r dr over the whole plane is λ² / (2 π² NA²); 2 % lie in the rings beyond 12 µm.
    let theory = 2.0 * (LAMBDA / (2.0 * std::f64::consts::PI * 0.8)).powi(2);
    assert_near("energy in focus", focus, theory, 0.02);
    for z in [1.0, 3.0, 5.0] {
        assert_near(&format!("energy {z} µm out of focus"), energy(z), focus, 0.01);
    }
}

#[test]
fn kernels_sum_to_one_and_look_alike_from_all_sides() {
    let voxel = VoxelSize::new(Micrometers(0.3), Micrometers(0.12));
    let reach = Reach { axial: Micrometers(1.5), lateral: Micrometers(1.5) };
    let widefield = WidefieldPsf::new(objective(1.2, 1.333), GREEN).unwrap().kernel(voxel, reach).unwrap();
    let pinhole = Pinhole::Diameter(AiryUnits(1.0));
    let confocal = ConfocalPsf::new(objective(1.2, 1.333), Nanometers(488.0), GREEN, pinhole)
        .unwrap()
        .kernel(voxel, reach)
        .unwrap();
    for kernel in [widefield, confocal] {
        let volume = kernel.volume();
        let Shape { z: planes, y: size, x: width } = volume.shape();
        assert_eq!((planes, size, width), (11, 27, 27));
        assert!((volume.sum() - 1.0).abs() < 1e-6, "sum {}", volume.sum());
        for z in 0..planes {
            for y in 0..size {
                for x in 0..size {
                    let value = volume.get(z, y, x).unwrap();
                    assert_eq!(value, volume.get(z, size - 1 - y, x).unwrap());
                    assert_eq!(value, volume.get(z, y, size - 1 - x).unwrap());
                    let turned = volume.get(z, x, y).unwrap();
                    let mirrored = volume.get(planes - 1 - z, y, x).unwrap();
                    assert!((value - turned).abs() <= 1e-6 * value, "turned by 90 degrees");
                    assert!((value - mirrored).abs() <= 1e-5 * value.max(1e-6), "upside down");
                }
            }
        }
        // (3, 4) and (5, 0) pixels from the middle are the same distance away.
        let (a, b) = (volume.get(5, 13 + 3, 13 + 4).unwrap(), volume.get(5, 13 + 5, 13).unwrap());
        assert!((a - b).abs() < 0.05 * volume.get(5, 13, 13).unwrap(), "{a} and {b}");
    }
}

#[test]
fn confocal_with_a_point_pinhole_has_the_square_of_the_airy_disc() {
    let psf = ConfocalPsf::new(objective(0.5, 1.0), GREEN, GREEN, Pinhole::Point).unwrap();
    let width = full_width(0.002, |r| psf.intensity(Micrometers(r), Micrometers(0.0)));
    assert_near("confocal FWHM", width, 0.37 * LAMBDA / 0.5, 0.01);
}

#[test]
fn opening_the_pinhole_goes_from_confocal_to_the_laser_spot() {
    let excitation = Nanometers(488.0);
    let lens = objective(0.5, 1.0);
    let width = |pinhole: Pinhole| {
        let psf = ConfocalPsf::new(lens, excitation, GREEN, pinhole).unwrap();
        full_width(0.005, |r| psf.intensity(Micrometers(r), Micrometers(0.0)))
    };
    let widths = [0.1, 0.5, 1.0, 2.0, 10.0].map(|d| width(Pinhole::Diameter(AiryUnits(d))));
    // Not beyond: a pinhole that lets the first bright ring in sees a little more off the axis than on it.
    assert!(widths[..3].is_sorted(), "{widths:?}");
    assert_near("nearly closed", widths[0], width(Pinhole::Point), 0.005);
    let spot = WidefieldPsf::new(lens, excitation).unwrap();
    let open = full_width(0.005, |r| spot.intensity(Micrometers(r), Micrometers(0.0)));
    assert_near("2 Airy units", widths[3], open, 0.01);
    assert_near("wide open", widths[4], open, 0.002);
}

#[test]
fn confocal_removes_the_haze_that_widefield_keeps() {
    let lens = objective(0.8, 1.0);
    let widefield = WidefieldPsf::new(lens, GREEN).unwrap();
    let confocal =
        ConfocalPsf::new(lens, Nanometers(488.0), GREEN, Pinhole::Diameter(AiryUnits(1.0))).unwrap();
    let plane = |intensity: &dyn Fn(f64) -> f64| {
        (0..300).map(|i| (f64::from(i) + 0.5) * intensity((f64::from(i) + 0.5) * 0.03)).sum::<f64>()
    };
    let share = |psf: &dyn Fn(f64, f64) -> f64| plane(&|r| psf(r, 4.0)) / plane(&|r| psf(r, 0.0));
    let wide = share(&|r, z| widefield.intensity(Micrometers(r), Micrometers(z)));
    let narrow = share(&|r, z| confocal.intensity(Micrometers(r), Micrometers(z)));
    assert!(wide > 0.97, "widefield keeps {wide}");
    assert!(narrow < 0.1, "confocal keeps {narrow}");
}

#[test]
fn gaussian_widths_match_the_true_peak_at_every_aperture() {
    for (na, index) in [(0.05, 1.0), (0.2, 1.0), (0.8, 1.0), (1.2, 1.333), (1.45, 1.518)] {
        let lens = objective(na, index);
        let gaussian = GaussianPsf::widefield(lens, GREEN).unwrap();
        let psf = WidefieldPsf::new(lens, GREEN).unwrap();
        let (r, z) = (gaussian.sigma_lateral().0, gaussian.sigma_axial().0);
        let lateral = curvature(0.1 * r, |r| psf.intensity(Micrometers(r), Micrometers(0.0)));
        let axial = curvature(0.1 * z, |z| psf.intensity(Micrometers(0.0), Micrometers(z)));
        assert_near(&format!("lateral at NA {na}"), r, 1.0 / lateral.sqrt(), 1e-3);
        assert_near(&format!("axial at NA {na}"), z, 1.0 / axial.sqrt(), 1e-3);
        assert_near("0.225 λ/NA", r, 0.225 * LAMBDA / na, 0.002);
    }
    // Zhang's paraxial value, where it holds.
    let paraxial = 2.0 * 6.0_f64.sqrt() / (std::f64::consts::TAU / LAMBDA * 0.05 * 0.05);
    let axial = GaussianPsf::widefield(objective(0.05, 1.0), GREEN).unwrap().sigma_axial().0;
    assert_near("2√6 n / (k NA²)", axial, paraxial, 1e-3);
}

#[test]
fn gaussian_half_widths_are_a_little_wider_than_the_truth() {
    for (na, index) in [(0.5, 1.0), (1.2, 1.333)] {
        let gaussian = GaussianPsf::widefield(objective(na, index), GREEN).unwrap();
        let psf = WidefieldPsf::new(objective(na, index), GREEN).unwrap();
        let lateral = full_width(0.002, |r| psf.intensity(Micrometers(r), Micrometers(0.0)));
        let axial = full_width(0.005, |z| psf.intensity(Micrometers(0.0), Micrometers(z)));
        assert_near("lateral", gaussian.fwhm_lateral().0, 1.03 * lateral, 0.005);
        assert_near("axial", gaussian.fwhm_axial().0, 1.035 * axial, 0.01);
    }
}

#[test]
fn gaussian_confocal_widths_match_the_true_peak_for_every_pinhole() {
    let excitation = Nanometers(488.0);
    let pinholes = [0.1, 0.5, 1.0, 2.0].map(|d| Pinhole::Diameter(AiryUnits(d)));
    // The detection term is paraxial with a correction: exact at low aperture, near at high.
    for (na, index, share) in [(0.2, 1.0, 0.01), (1.2, 1.333, 0.04)] {
        let lens = objective(na, index);
        for pinhole in pinholes.into_iter().chain([Pinhole::Point]) {
            let gaussian = GaussianPsf::confocal(lens, excitation, GREEN, pinhole).unwrap();
            let psf = ConfocalPsf::new(lens, excitation, GREEN, pinhole).unwrap();
            let (r, z) = (gaussian.sigma_lateral().0, gaussian.sigma_axial().0);
            let lateral = curvature(0.2 * r, |r| psf.intensity(Micrometers(r), Micrometers(0.0)));
            let axial = curvature(0.2 * z, |z| psf.intensity(Micrometers(0.0), Micrometers(z)));
            assert_near(&format!("lateral at NA {na}, {pinhole:?}"), r, 1.0 / lateral.sqrt(), share);
            assert_near(&format!("axial at NA {na}, {pinhole:?}"), z, 1.0 / axial.sqrt(), share);
        }
    }
}

#[test]
fn a_mismatched_specimen_dims_and_shifts_the_focus() {
    let lens = objective(1.3, 1.518);
    let best = |index: f64, depth: f64| {
        let specimen = Specimen::new(RefractiveIndex(index), Micrometers(depth)).unwrap();
        let psf = WidefieldPsf::new(lens, GREEN).unwrap().with_specimen(specimen);
        (-300..=300)
            .map(|i| f64::from(i) * 0.01)
            .map(|z| (z, psf.intensity(Micrometers(0.0), Micrometers(z))))
            .max_by(|a, b| a.1.total_cmp(&b.1))
            .unwrap()
    };
    let (z, peak) = best(1.518, 10.0);
    assert!(z.abs() < 0.011 && (peak - 1.0).abs() < 1e-3, "matched: {peak} at {z}");
    let shallow = best(1.38, 2.0);
    let deep = best(1.38, 8.0);
    assert!(deep.1 < shallow.1 && shallow.1 < 1.0, "deeper is dimmer: {shallow:?}, {deep:?}");
    // Marginal rays are bent away from the axis in the thinner medium and cross it short of the paraxial focus:
    // the objective has to go deeper. In a denser medium it is the other way round.
    assert!(deep.0 > 0.0, "{deep:?}");
    assert!(best(1.56, 8.0).0 < 0.0);
}

#[test]
fn impossible_optics_are_refused_with_a_reason() {
    let error = Objective::new(NumericalAperture(1.4), RefractiveIndex(1.333)).unwrap_err();
    assert_eq!(error.kind().name(), "out-of-range");
    assert!(error.to_string().contains("numerical aperture"), "{error}");
    assert!(Objective::new(NumericalAperture(f64::NAN), RefractiveIndex(1.0)).is_err());
    assert!(WidefieldPsf::new(objective(0.5, 1.0), Nanometers(0.52)).is_err());
    let even = parfocal_physics::Grid::new(
        Shape { z: 1, y: 2, x: 3 },
        VoxelSize::new(Micrometers(1.0), Micrometers(1.0)),
    );
    assert!(Kernel::new(parfocal_physics::Volume::zeros(even.unwrap())).is_err());
}

#[test]
fn a_reach_that_cannot_be_addressed_is_refused() {
    let psf = WidefieldPsf::new(objective(0.5, 1.0), GREEN).unwrap();
    let voxel = VoxelSize::new(Micrometers(0.1), Micrometers(0.1));
    for reach in [1e18, f64::NAN, -1.0] {
        let reach = Reach { axial: Micrometers(1.0), lateral: Micrometers(reach) };
        assert!(psf.kernel(voxel, reach).is_err());
    }
}
