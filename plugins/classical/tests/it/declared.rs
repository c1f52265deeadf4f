//! What the plugin says about itself.

use parfocal_image::{
    Axis, Buffer, DType, Extent, ImageSpec, PixelClass, PixelSize, Region, Support, Supports,
};
use parfocal_operator::{Input, InputSpec, Kind, LogLevel, Padding, PortKind, Registry, Services, Tiles};
use parfocal_types::units::Micrometers;

use crate::driver::{Quiet, create, descriptor};
use parfocal_classical::ParfocalRegistry;

#[test]
fn every_operator_declares_itself_consistently_and_as_deterministic() {
    let descriptors = ParfocalRegistry::descriptors();
    let ids: Vec<_> = descriptors.iter().map(|descriptor| descriptor.id.as_str()).collect();
    assert_eq!(
        ids,
        [
            "connected-components",
            "gaussian",
            "identity",
            "measure-objects",
            "median",
            "otsu-threshold",
            "top-hat"
        ]
    );
    for descriptor in &descriptors {
        descriptor.validate().unwrap();
        assert!(descriptor.deterministic, "{}", descriptor.id);
        assert!(
            !descriptor.summary.is_empty() && descriptor.summary.ends_with('.'),
            "{}",
            descriptor.summary
        );
        assert!(descriptor.parameters.iter().all(|parameter| !parameter.doc.is_empty()), "{}", descriptor.id);
        create(&descriptor.id, &[]).unwrap();
    }
    assert_eq!(descriptor("otsu-threshold").kind, Kind::Reduce);
}

#[test]
fn a_sigma_in_micrometers_needs_a_pixel_size() {
    let mut spec = ImageSpec::new(Extent::new(1, 1, 5, 64, 64), DType::U16);
    let plan = |spec: &ImageSpec, parameters: &[(&str, &str)]| {
        let mut operator = create("gaussian", parameters).unwrap();
        operator.plan(&[InputSpec { port: 0, spec }], &Quiet)?;
        let inputs = operator.required_input(&Region::whole(spec.extent))?;
        assert_eq!((inputs.len(), inputs[0].port, inputs[0].padding), (1, 0, Padding::Symmetric));
        Ok::<_, parfocal_types::Error>(inputs[0].region.origin)
    };
    let plane = [("sigma", "0.5"), ("unit", "micrometer")];
    let stack = [("sigma", "0.5"), ("unit", "micrometer"), ("dimensions", "3d")];
    let error = plan(&spec, &plane).unwrap_err();
    assert_eq!(error.kind().name(), "not-found");
    assert!(error.remedy().is_some());

    spec.pixel_size = PixelSize { x: Some(Micrometers(0.1)), y: Some(Micrometers(0.2)), z: None };
    // 4 sigmas of 5 pixels along X and 2.5 along Y.
    assert_eq!(plan(&spec, &plane).unwrap(), [0, 0, 0, -10, -20]);
    let error = plan(&spec, &stack).unwrap_err();
    assert_eq!(error.kind().name(), "not-found");
    assert!(error.to_string().contains("planes"), "{error}");

    spec.pixel_size.z = Some(Micrometers(0.5));
    assert_eq!(plan(&spec, &stack).unwrap(), [0, 0, -4, -10, -20]);
    spec.pixel_size = PixelSize::square(Micrometers(0.001));
    let error = plan(&spec, &plane).unwrap_err();
    assert_eq!(error.kind().name(), "out-of-range");
}

#[test]
fn a_second_pass_before_the_first_is_refused() {
    for id in ["otsu-threshold", "connected-components"] {
        let mut operator = create(id, &[]).unwrap();
        let tiles = &mut Tiles { core: Default::default(), inputs: &[], outputs: &mut [] };
        assert!(operator.run(tiles, &Quiet).is_err(), "{id}");
        for rubbish in [&b"rubbish that is longer than a footer"[..], &[], &[0xFF; 40]] {
            assert!(
                operator.merge(rubbish.to_vec(), rubbish, &Quiet).is_err() || rubbish.is_empty(),
                "{id} {rubbish:?}"
            );
        }
    }
}

#[test]
fn each_output_says_what_it_supports() {
    let outputs = |id: &str| descriptor(id).outputs;
    let [mask, threshold] = &outputs("otsu-threshold")[..] else { panic!("two outputs") };
    assert!(mask.preserves.has(Support::Counting) && !mask.preserves.has(Support::Intensity));
    assert_eq!(threshold.preserves, Supports::of(&[Support::Intensity]), "a grey level");
    let [labels, count] = &outputs("connected-components")[..] else { panic!("two outputs") };
    assert_eq!((labels.kind, labels.yields), (PortKind::Labels, PixelClass::Labels));
    assert!(labels.preserves.has(Support::Localisation) && !labels.preserves.has(Support::FineDetail));
    assert_eq!(count.preserves, Supports::of(&[Support::Counting]), "a number of objects");
    let [objects] = &outputs("measure-objects")[..] else { panic!("one output") };
    assert_eq!(objects.kind, PortKind::Table);
    let lost: Supports = Support::ALL.into_iter().filter(|one| !objects.preserves.has(*one)).collect();
    assert_eq!(lost, Supports::of(&[Support::FineDetail]));
}

#[test]
fn objects_and_intensities_are_told_apart_by_their_ports() {
    let labels = ImageSpec::new(Extent::plane(20, 30), DType::U32);
    let intensity = ImageSpec::new(Extent::new(1, 3, 1, 20, 30), DType::F32);
    let core = Region::whole(labels.extent);
    let mut operator = create("measure-objects", &[]).unwrap();
    let error = operator.plan(&[InputSpec { port: 1, spec: &intensity }], &Quiet).unwrap_err();
    assert_eq!(error.kind().name(), "invalid-argument");
    let both = [InputSpec { port: 0, spec: &labels }, InputSpec { port: 1, spec: &intensity }];
    for inputs in [&both[..1], &both] {
        let plan = operator.plan(inputs, &Quiet).unwrap();
        assert!(plan.bytes_per_pixel <= 16, "{} bytes a pixel make tiles small", plan.bytes_per_pixel);
        let required = operator.required_input(&core).unwrap();
        let ports: Vec<_> = required.iter().map(|input| input.port).collect();
        assert_eq!(ports, inputs.iter().map(|input| input.port).collect::<Vec<_>>());
        assert_eq!((required[0].padding, required[0].region.extent), (Padding::Zero, Extent::plane(24, 34)));
        if let Some(intensity) = required.get(1) {
            assert_eq!(
                (intensity.padding, intensity.region.extent),
                (Padding::Clip, Extent::new(1, 3, 1, 20, 30))
            );
        }
    }
}

#[test]
fn a_stack_that_is_measured_plane_by_plane_is_told_to_the_user() {
    #[derive(Default)]
    struct Said(std::cell::RefCell<Vec<(LogLevel, String)>>);
    impl Services for Said {
        fn log(&self, level: LogLevel, text: &str) {
            self.0.borrow_mut().push((level, text.to_owned()));
        }
        fn progress(&self, _: f32) {}
        fn is_cancelled(&self) -> bool {
            false
        }
        fn seed(&self) -> u64 {
            0
        }
    }
    for (dimensions, planes, warned) in [("2d", 3, true), ("2d", 1, false), ("3d", 3, false)] {
        let said = Said::default();
        let spec = ImageSpec::new(Extent::new(1, 1, planes, 4, 4), DType::U32);
        let mut operator = create("measure-objects", &[("dimensions", dimensions)]).unwrap();
        operator.plan(&[InputSpec { port: 0, spec: &spec }], &said).unwrap();
        let said = said.0.into_inner();
        assert_eq!(said.len(), usize::from(warned), "{dimensions}, {planes} planes: {said:?}");
        let right = |(level, text): &(LogLevel, String)| {
            *level == LogLevel::Warning && text.contains("dimensions=3d")
        };
        assert!(said.iter().all(right), "{said:?}");
    }
}

#[test]
fn who_asks_to_stop_is_heard_when_results_are_joined_too() {
    struct Stop;
    impl Services for Stop {
        fn log(&self, _: LogLevel, _: &str) {}
        fn progress(&self, _: f32) {}
        fn is_cancelled(&self) -> bool {
            true
        }
        fn seed(&self) -> u64 {
            0
        }
    }
    // Two tiles of one column each, side by side: something to join.
    let mut operator = create("connected-components", &[]).unwrap();
    let full = Extent::plane(4, 2);
    let spec = ImageSpec::new(full, DType::U8);
    operator.plan(&[InputSpec { port: 0, spec: &spec }], &Quiet).unwrap();
    let mut partial = |x: i64| {
        let core = Region::whole(full).with(Axis::X, x, 1);
        let buffer = Buffer::from_slice(&[1_u8; 4], core).unwrap();
        let inputs = [Input { port: 0, pixels: buffer.pixels().unwrap(), full, frames: &[] }];
        operator.accumulate(&Tiles { core, inputs: &inputs, outputs: &mut [] }, &Quiet).unwrap()
    };
    let (left, right) = (partial(0), partial(1));
    let error = operator.merge(left.clone(), &right, &Stop).unwrap_err();
    assert_eq!(error.kind().name(), "cancelled");
    operator.merge(left, &right, &Quiet).unwrap();
}

#[test]
fn the_memory_that_a_plan_declares_is_that_of_its_buffers() {
    let labels = ImageSpec::new(Extent::plane(20, 30), DType::U32);
    let channels = |count| ImageSpec::new(Extent::new(1, count, 1, 20, 30), DType::F32);
    let bytes = |id: &str, parameters: &[(&str, &str)], specs: &[&ImageSpec]| {
        let inputs: Vec<_> = (0..).zip(specs).map(|(port, spec)| InputSpec { port, spec }).collect();
        create(id, parameters).unwrap().plan(&inputs, &Quiet).unwrap().bytes
    };
    let filter = |id, parameters| bytes(id, parameters, &[&labels]);
    // 513 rows and a line of 512 columns with 256 on either side, and a row of 512; 4 bytes each.
    assert_eq!(filter("gaussian", &[]), 4 * (514 * 1024 + 512));
    // 65536 pixels of a block: keys and medians of 2 bytes, values sorted and not of 4, two lists of 8 and places of 2; and
    // 16 KiB of counts.
    assert_eq!(filter("median", &[("radius", "7")]), 65536 * (2 * 2 + 2 * 4 + 2 * 8 + 2) + 16384);
    // Two runs, each with two blocks of 41 rows and three rows more, of 1024 columns, 40 on either side and some to spare;
    // 4 bytes each.
    assert_eq!(filter("top-hat", &[("radius", "20")]), 2 * 4 * (1024 + 2 * 40 + 64) * (2 * 41 + 3));
    // Counts of two histograms and their sums, of 8 bytes, for 65536 bins.
    assert_eq!(filter("otsu-threshold", &[]), 4 * 8 * 65536);
    // 4096 objects have, for each channel, a sum of six limbs, three counts, a smallest and a largest value.
    let measured = |count| bytes("measure-objects", &[], &[&labels, &channels(count)]);
    assert_eq!(measured(3) - measured(1), 2 * 4096 * (6 + 3 + 2) * 8);
}
