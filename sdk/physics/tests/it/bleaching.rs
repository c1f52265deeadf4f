use parfocal_physics::bleaching::Bleaching;
use parfocal_types::units::JoulesPerSquareCentimeter as Dose;

use crate::assert_near;

#[test]
fn fluorescence_falls_exponentially_with_the_dose() {
    let bleaching = Bleaching::new(Dose(12.0)).unwrap();
    for dose in [0.0, 1.0, 12.0, 50.0] {
        assert_near("remaining", bleaching.remaining(Dose(dose)).0, (-dose / 12.0_f64).exp(), 1e-12);
    }
    // One dose in two parts bleaches as much as at once.
    let parts = bleaching.remaining(Dose(3.0)).0 * bleaching.remaining(Dose(5.0)).0;
    assert_near("two exposures", parts, bleaching.remaining(Dose(8.0)).0, 1e-12);
}

#[test]
fn an_exposure_sees_the_mean_of_what_it_bleaches() {
    let bleaching = Bleaching::new(Dose(12.0)).unwrap();
    let steps = 10_000;
    let mean = (0..steps)
        .map(|i| bleaching.remaining(Dose(4.0 + 9.0 * (f64::from(i) + 0.5) / f64::from(steps))).0)
        .sum::<f64>()
        / f64::from(steps);
    assert_near("during 9 after 4", bleaching.mean_during(Dose(4.0), Dose(9.0)).0, mean, 1e-8);
    assert_near("no exposure", bleaching.mean_during(Dose(4.0), Dose(0.0)).0, (-4.0_f64 / 12.0).exp(), 1e-12);
}

#[test]
fn a_frame_series_decays_at_the_dose_of_a_frame() {
    let bleaching = Bleaching::new(Dose(2.0)).unwrap();
    let frame = |i: u32| bleaching.mean_during(Dose(0.1 * f64::from(i)), Dose(0.1)).0;
    for i in 0..50 {
        assert_near("ratio of frames", frame(i + 1) / frame(i), (-0.05_f64).exp(), 1e-9);
    }
}

#[test]
fn a_bleaching_dose_must_be_positive() {
    assert!(Bleaching::new(Dose(0.0)).is_err() && Bleaching::new(Dose(f64::NAN)).is_err());
}
