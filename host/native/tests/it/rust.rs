//! A library in Rust behind the C table: what goes through it comes back.

use std::{path::PathBuf, sync::Arc};

use parfocal_core::{CancelToken, Lane, Library, RunServices};
use parfocal_image::{
    Axis, Buffer, Channel, ClockReading, Conditions, DType, Extent, Finder, FrameFacts, ImageSpec,
    LabelOrigin, Modality, Objective, PixelClass, PixelSize, PlaneConditions, Region, ScanMode,
    StagePosition, Supports, TimeAnchor,
};
use parfocal_native::NativeLane;
use parfocal_operator::{
    Input, InputRegion, InputSpec, Kind, Operator, Padding, Plan, PortKind, Sink, ThreadSafety, Tiles, Tiling,
};
use parfocal_types::{
    Column, ColumnKind, ErrorKind, Field, ParameterKind, Parameters, Scalar, Unit,
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

pub(crate) fn instance(operator: &str) -> Box<dyn Operator> {
    let library = library();
    let parameters = Parameters::complete(&library.operators()[0].parameters, []).unwrap();
    library.create(operator, &parameters).unwrap()
}

/// What was written into the log.
pub(crate) fn lines(services: &RunServices) -> Vec<String> {
    services.lines().into_iter().map(|line| line.text).collect()
}

fn run(operator: &mut dyn Operator) -> parfocal_types::Result<()> {
    let core = Region::whole(Extent::plane(1, 1));
    operator.run(&mut Tiles { core, inputs: &[], outputs: &mut [] }, &RunServices::default())
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
fn a_descriptor_with_every_kind_of_port_and_parameter_crosses_the_border() {
    let library = library();
    let descriptor = &library.operators()[0];
    descriptor.validate().unwrap();
    assert_eq!((descriptor.id.as_str(), descriptor.summary.as_str()), ("echo", "Does what its name says."));
    assert_eq!((descriptor.kind, descriptor.threads), (Kind::Reduce, ThreadSafety::Single));
    assert_eq!((descriptor.temporal_window, descriptor.max_halo), ([1, 2], [0, 1, 2, 3, 4]));

    let [image, labels] = descriptor.inputs.as_slice() else { panic!("{:?}", descriptor.inputs) };
    assert_eq!((image.kind, image.optional, image.dtypes.len()), (PortKind::Image, false, DType::ALL.len()));
    assert_eq!((labels.kind, labels.optional), (PortKind::Labels, true));
    assert_eq!(
        (labels.name.as_str(), labels.dtypes.as_slice()),
        ("labels", [DType::U8, DType::U32].as_slice())
    );

    let [image, found, table, record] = descriptor.outputs.as_slice() else { panic!() };
    assert_eq!((image.kind, image.yields, image.network), (PortKind::Image, PixelClass::Restored, false));
    assert_eq!(image.preserves.bits(), 0b101_0101);
    assert_eq!((found.kind, found.yields, found.network), (PortKind::Labels, PixelClass::Predicted, true));
    assert_eq!((found.name.as_str(), found.preserves), ("found", Supports::NONE));
    assert_eq!((table.kind, record.kind), (PortKind::Table, PortKind::Record));

    let kinds: Vec<ParameterKind> = descriptor.parameters.iter().map(|spec| spec.kind.clone()).collect();
    assert_eq!(
        kinds,
        [
            ParameterKind::Flag { default: true },
            ParameterKind::Integer { default: -3, min: i64::MIN, max: 9 },
            ParameterKind::Number { default: 0.5, min: -1.0, max: 1e300 },
            ParameterKind::Choice { default: "b".into(), options: vec!["a".into(), "b".into()] },
            ParameterKind::Text { default: "grün".into() },
        ]
    );
}

#[test]
fn every_kind_of_parameter_value_reaches_the_instance() {
    let library = library();
    let given = [("flag", "false"), ("integer", "-7"), ("number", "1e99"), ("choice", "a"), ("text", "µ")];
    let parameters = Parameters::parse(&library.operators()[0].parameters, given).unwrap();
    let services = RunServices::default();
    let core = Region::whole(Extent::plane(1, 1));
    let mut operator = library.create("echo", &parameters).unwrap();
    operator.run(&mut Tiles { core, inputs: &[], outputs: &mut [] }, &services).unwrap();
    let expected: String = parameters.iter().map(|(name, value)| format!("{name}={value} ")).collect();
    assert_eq!(lines(&services), [expected]);
}

#[test]
fn a_plan_and_its_regions_cross_the_border_with_their_ports() {
    let (one, mut two) = (ImageSpec::new(Extent::plane(8, 9), DType::U8), everything());
    two.name = "two".into();
    let services = RunServices::new(CancelToken::default(), u64::MAX - 1);
    let mut operator = instance("echo");
    let inputs = [InputSpec { port: 0, spec: &one }, InputSpec { port: 3, spec: &two }];
    let plan = operator.plan(&inputs, &services).unwrap();
    let mut expected = Plan::like(&one)
        .tiled(Axis::T, Tiling::InOrder)
        .tiled(Axis::C, Tiling::Each)
        .tiled(Axis::Z, Tiling::Whole)
        .tile_size(Axis::Y, 16, 512)
        .with_memory(7);
    expected.outputs.push(two.clone());
    (expected.bytes, expected.reduce_over) = (11, [true, false, true, false, true]);
    assert_eq!(plan, expected);
    assert_eq!(lines(&services), ["plan 0", "plan 3", &format!("seed {}", u64::MAX - 1)]);

    let core = Region::new([0, 0, 0, -4, 8], Extent::plane(2, 3));
    let needed = [InputRegion::new(0, core).padded(Padding::Reflect), InputRegion::new(1, core)];
    assert_eq!(operator.required_input(&core).unwrap(), needed);
}

#[test]
fn every_call_gets_the_services() {
    let services = RunServices::default();
    let mut operator = instance("echo");
    operator.reset(&services).unwrap();
    operator.load(&[9], &services).unwrap();
    assert_eq!(operator.merge(vec![1], &[2, 3], &services).unwrap(), [1, 2, 3]);
    assert_eq!(operator.finish(&[6], &mut Kept::default(), &services).unwrap(), [6]);
    operator.conclude(&[7, 8], &services).unwrap();
    assert_eq!(operator.save(&services).unwrap(), [4, 5]);
    let said = ["reset", "load [9]", "merge", "finish", "conclude [7, 8]", "save"];
    assert_eq!(lines(&services), said);
}

#[derive(Default)]
struct Kept(Vec<Column>, Vec<Vec<Scalar>>, Vec<Field>);

impl Sink for Kept {
    fn columns(&mut self, port: u32, columns: &[Column]) -> parfocal_types::Result<()> {
        assert_eq!(port, 2);
        self.0.extend_from_slice(columns);
        Ok(())
    }

    fn rows(&mut self, port: u32, rows: Vec<Vec<Scalar>>) -> parfocal_types::Result<()> {
        assert_eq!(port, 2);
        self.1.extend(rows);
        Ok(())
    }

    fn field(&mut self, port: u32, field: Field) -> parfocal_types::Result<()> {
        assert_eq!(port, 3);
        self.2.push(field);
        Ok(())
    }
}

#[test]
fn every_kind_of_value_comes_back_in_tables_and_records() {
    let mut kept = Kept::default();
    instance("echo").finish(&[], &mut kept, &RunServices::default()).unwrap();
    let kinds: Vec<ColumnKind> = kept.0.iter().map(|column| column.kind).collect();
    assert_eq!(kinds, [ColumnKind::Flag, ColumnKind::Integer, ColumnKind::Number, ColumnKind::Text]);
    assert!(
        kept.0
            .iter()
            .all(|column| column.unit == Unit::Photon && column.name == format!("{:?}", column.kind))
    );
    let text = Scalar::Text("grün".into());
    let row = vec![Scalar::Flag(true), Scalar::Integer(-2), Scalar::Number(f64::INFINITY), text];
    let mut odd = row.clone();
    odd[0] = Scalar::Flag(false);
    assert_eq!(kept.1, [row.clone(), odd]);
    assert_eq!(kept.2.into_iter().map(|field| field.value).collect::<Vec<_>>(), row);
}

#[test]
fn of_an_operator_that_allows_one_instance_at_a_time_a_second_is_refused_until_the_first_is_gone() {
    let library = library();
    let parameters = Parameters::complete(&library.operators()[0].parameters, []).unwrap();
    let first = library.create("echo", &parameters).unwrap();
    for operator in ["echo", "refuse"] {
        let error = library.create(operator, &parameters).err().unwrap();
        assert_eq!(error.kind().name(), "busy", "they share the state of the plugin: {error}");
        assert!(error.remedy().is_some());
    }
    drop(first);
    drop(library.create("refuse", &parameters).unwrap());
}

#[test]
fn many_rows_arrive_in_their_order_though_they_are_handed_over_in_portions() {
    let mut kept = Kept::default();
    instance("echo").finish(&vec![0; 10_001], &mut kept, &RunServices::default()).unwrap();
    assert_eq!(kept.1.len(), 10_003);
    assert!(kept.1.iter().enumerate().all(|(number, row)| row[0] == Scalar::Flag(number % 2 == 0)));
}

#[test]
fn facts_of_frames_cross_the_border_with_their_tile() {
    let conditions = everything().channels[0].conditions.clone();
    let known = FrameFacts { t: 1, c: 2, z: 3, number: Some(u64::MAX), dropped_before: 4, conditions };
    let frames = [known, FrameFacts { number: Some(0), ..FrameFacts::default() }, FrameFacts::default()];
    let core = Region::whole(Extent::plane(1, 1));
    let buffer = Buffer::zeroed(DType::U8, core).unwrap();
    let (pixels, full) = (buffer.pixels().unwrap(), core.extent);
    let inputs =
        [Input { port: 1, pixels, full, frames: &frames }, Input { port: 7, pixels, full, frames: &[] }];
    let services = RunServices::default();
    instance("echo").run(&mut Tiles { core, inputs: &inputs, outputs: &mut [] }, &services).unwrap();
    assert_eq!(lines(&services)[..2], [format!("1 {frames:?}"), "7 []".to_owned()]);
}

/// Every fact of every kind, each with a value of its own, so that two that were exchanged would show.
fn everything() -> ImageSpec {
    let conditions = Conditions {
        objective: Some(Objective {
            magnification: Some(60.0),
            numerical_aperture: Some(1.2),
            immersion_index: Some(1.333),
        }),
        pinhole: Some(Micrometers(37.5)),
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
    spec.acquired = Some(TimeAnchor {
        unix_ns: -1_234_567_890_123_456_789,
        clock: Some(ClockReading { id: "Kamera ½".into(), ns: u64::MAX }),
    });
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
    let mut without_clock = ImageSpec::new(Extent::plane(1, 1), DType::Mask);
    without_clock.acquired = Some(TimeAnchor { unix_ns: 0, clock: None });
    for spec in [everything(), without_clock, ImageSpec::new(Extent::plane(1, 1), DType::Mask)] {
        let inputs = [InputSpec { port: 0, spec: &spec }];
        let plan = instance("echo").plan(&inputs, &RunServices::default()).unwrap();
        assert_eq!(plan.outputs, [spec]);
    }
}
