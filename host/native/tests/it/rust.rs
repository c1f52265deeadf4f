//! A library in Rust behind the C table: what goes through it comes back, and a panic stays an error.

use std::{path::PathBuf, sync::Arc};

use parfocal_core::{Lane, Library, RunServices};
use parfocal_image::{
    Channel, Conditions, DType, Extent, Finder, ImageSpec, LabelOrigin, Modality, Objective, PixelClass,
    PixelSize, PlaneConditions, Region, ScanMode, StagePosition, Supports,
};
use parfocal_native::NativeLane;
use parfocal_operator::{Operator, Tiles};
use parfocal_types::{
    ErrorKind, Parameters,
    units::{
        Electrons, ElectronsPerGreyLevel, Fraction, GreyLevels, JoulesPerSquareCentimeter, Micrometers,
        Milliwatts, Nanometers, Seconds, Volts,
    },
};

use crate::fixture::artifact;

/// The example that is built with these tests, beside the folder of the test program.
fn library() -> Arc<dyn Library> {
    let program = std::env::current_exe().unwrap();
    let folder: PathBuf = program.parent().and_then(|deps| deps.parent()).unwrap().join("examples");
    NativeLane::new().load(&artifact(&folder.join("libodd_operators.so"), "org.example.odd")).unwrap()
}

fn instance(operator: &str) -> Box<dyn Operator> {
    let library = library();
    let parameters = Parameters::complete(&library.operators()[0].parameters, []).unwrap();
    library.create(operator, &parameters).unwrap()
}

fn run(operator: &mut dyn Operator) -> parfocal_types::Result<()> {
    let core = Region::whole(Extent::plane(1, 1));
    operator.run(&mut Tiles { core, inputs: &[], outputs: &mut [] }, &RunServices::default())
}

#[test]
fn a_panic_is_an_error_with_its_message_and_the_next_call_works() {
    let mut operator = instance("panic");
    for _ in 0..2 {
        let error = run(&mut *operator).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Internal);
        assert!(error.to_string().contains("the plugin panicked: the filter met a comet"), "{error}");
        assert!(error.to_string().contains("org.example.odd 0.1.0"), "{error}");
    }
    assert!(run(&mut *instance("echo")).is_ok());
}

#[test]
fn an_error_keeps_kind_details_and_remedy() {
    let error = run(&mut *instance("refuse")).unwrap_err();
    let kind = ErrorKind::OutOfRange { min: "1".into(), max: "2".into(), got: "3".into() };
    assert_eq!(
        (error.kind(), error.message(), error.remedy()),
        (&kind, "three is too much", Some("take two"))
    );
}

#[test]
fn a_descriptor_with_every_kind_of_parameter_crosses_the_border() {
    let library = library();
    let descriptor = &library.operators()[0];
    descriptor.validate().unwrap();
    assert_eq!(descriptor.parameters.len(), 5);
    assert_eq!(descriptor.parameters[4].default_value().to_string(), "grün");
    assert_eq!((descriptor.temporal_window, descriptor.max_halo), ([1, 2], [0, 1, 2, 3, 4]));
    assert_eq!((descriptor.yields, descriptor.preserves.bits()), (PixelClass::Restored, 0b101_0101));
}

/// Every fact of every kind, each with a value of its own, so that two that were exchanged would show.
fn everything() -> ImageSpec {
    let conditions = Conditions {
        objective: Some(Objective {
            magnification: Some(60.0),
            numerical_aperture: Some(1.2),
            immersion_index: Some(1.333),
        }),
        zoom: Some(0.72),
        scan_mode: Some(ScanMode::Resonant),
        averaging: Some(4),
        exposure: Some(Seconds(0.1)),
        dwell: Some(Seconds(1e-7)),
        light_power: Some(Milliwatts(2.5)),
        light_fraction: Some(Fraction(0.3)),
        detector_gain: Some(Volts(110.0)),
        detector_offset: Some(GreyLevels(3.3)),
        camera_gain: Some(ElectronsPerGreyLevel(0.46)),
        camera_offset: Some(GreyLevels(100.0)),
        read_noise: Some(Electrons(1.6)),
        binning: Some([2, 3]),
        bit_depth: Some(12),
        stage_position: Some(StagePosition {
            x: Some(Micrometers(10.0)),
            y: Some(Micrometers(-20.0)),
            z: Some(Micrometers(30.5)),
        }),
        time: Some(Seconds(7.5)),
        dose: Some(JoulesPerSquareCentimeter(0.02)),
    };
    let mut spec = ImageSpec::new(Extent::new(2, 3, 4, 5, 6), DType::U16);
    spec.name = "Zellen µ".into();
    spec.significant_bits = 12;
    spec.pixel_size = PixelSize { x: Some(Micrometers(0.1)), y: Some(Micrometers(0.2)), z: None };
    spec.time_increment = Some(Seconds(0.033));
    let origin = |finder| Some(LabelOrigin { basis: PixelClass::Derived, finder });
    spec.channels = vec![
        Channel {
            name: "DAPI".into(),
            excitation: Some(Nanometers(405.0)),
            emission: Some(Nanometers(461.0)),
            modality: Some(Modality::Confocal),
            color: Some([1, 2, 3]),
            class: PixelClass::Measured,
            supports: Supports::ALL,
            labels: None,
            planes: vec![PlaneConditions { t: 1, z: 3, conditions: conditions.clone() }],
            conditions,
        },
        Channel {
            class: PixelClass::Labels,
            labels: origin(Finder::Network { operator: "o 1".into(), model: "m 2".into() }),
            ..Channel::named("by a network")
        },
        Channel { class: PixelClass::Labels, labels: origin(Finder::Manual), ..Channel::default() },
    ];
    spec
}

#[test]
fn every_fact_about_an_image_crosses_the_border_and_back() {
    for spec in [everything(), ImageSpec::new(Extent::plane(1, 1), DType::Mask)] {
        let plan = instance("echo").plan(std::slice::from_ref(&spec)).unwrap();
        assert_eq!(plan.outputs, [spec]);
    }
}
