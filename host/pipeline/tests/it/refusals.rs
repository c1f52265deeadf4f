//! What is refused before any work, and the sentence.

use parfocal_core::{ImageSource, image::MemoryImage};
use parfocal_image::{Axis, Buffer, Channel, DType, Extent, ImageSpec, PixelClass, Region};
use parfocal_operator::{
    Descriptor, InputRegion, InputSpec, Kind, Operator, Padding, Plan, PortKind, Services, Tiles, Tiling,
};
use parfocal_pipeline::{Discard, RunOptions, Step, check, estimate, run};
use parfocal_types::{Error, Parameters, Result};

use crate::{
    kit::{descriptor, image, measured, options, port, source, step},
    operators::{BoxSum, Closure, copy, identity},
};

fn plane(dtype: DType) -> ImageSpec {
    measured(ImageSpec::new(Extent::plane(16, 16), dtype))
}

/// Images at the first ports.
fn at_first_ports(specs: &[ImageSpec]) -> Vec<(usize, ImageSpec)> {
    specs.iter().cloned().enumerate().collect()
}

fn refused(step: &Step, inputs: &[ImageSpec]) -> Error {
    check(step, &at_first_ports(inputs)).unwrap_err()
}

#[test]
fn a_pixel_type_that_the_port_does_not_take_is_named_with_the_remedy() {
    let error = refused(&identity(), &[plane(DType::F32)]);
    assert_eq!(error.kind().name(), "not-supported");
    assert_eq!(
        error.to_string(),
        "org.test 1.2.3, operator `identity`: input `image` holds pixels of type f32, it takes u16 or u32"
    );
    assert_eq!(error.remedy(), Some("convert the image to u16 or u32 first"));
}

#[test]
fn too_many_and_too_few_inputs_are_named() {
    let error = refused(&identity(), &[]);
    assert!(error.message().contains("input `image` is missing"), "{error}");
    let error = refused(&identity(), &[plane(DType::U16), plane(DType::U16)]);
    assert!(error.message().contains("it takes only `image`"), "{error}");
    let twice = [(0, plane(DType::U16)), (0, plane(DType::U16))];
    let error = check(&identity(), &twice).unwrap_err();
    assert!(error.message().contains("2 images are given for its input `image`"), "{error}");
    let unknown = Step { operator: "gauss".into(), ..identity() };
    assert_eq!(refused(&unknown, &[plane(DType::U16)]).remedy(), Some("its operators are: identity"));
}

#[test]
fn pixels_are_no_labels() {
    let mut measure = descriptor("measure", Kind::Map, &[("image", PortKind::Image)]);
    measure.inputs[0].kind = PortKind::Labels;
    let measure = step(measure, || Box::new(Closure { plan: Plan::like, run: copy }));
    let error = refused(&measure, &[plane(DType::U32)]);
    assert!(
        error.message().contains("takes labels, the image of type u32 holds pixels of class measured"),
        "{error}"
    );
    assert!(error.remedy().is_some_and(|remedy| remedy.contains("connected-components")));
    let mut labels = plane(DType::U32);
    labels.channels = vec![Channel { class: PixelClass::Labels, ..Channel::default() }];
    check(&measure, &[(0, labels)]).unwrap();
}

#[test]
fn an_image_without_pixels_or_that_contradicts_itself_is_refused() {
    let empty = measured(ImageSpec::new(Extent::plane(0, 16), DType::U16));
    assert!(refused(&identity(), &[empty]).message().contains("has no pixels"));
    let mut wrong = plane(DType::U16);
    wrong.channels.clear();
    assert!(refused(&identity(), &[wrong]).message().contains("input `image`"));
}

type PlanFn = fn(&ImageSpec) -> Plan;

fn planning(kind: Kind, output: PortKind, plan: PlanFn) -> Step {
    step(descriptor("odd", kind, &[("out", output)]), move || Box::new(Closure { plan, run: copy }))
}

#[test]
fn a_plan_that_contradicts_the_descriptor_is_refused_as_a_defect_of_the_plugin() {
    let cases: [(Kind, PortKind, PlanFn, &str); 11] = [
        (Kind::Map, PortKind::Image, |_| Plan::without_images(), "plans 0 image outputs and declares 1"),
        (Kind::Reduce, PortKind::Table, Plan::like, "plans 1 image outputs and declares 0"),
        (
            Kind::Map,
            PortKind::Image,
            |spec| {
                let mut plan = Plan::like(spec);
                plan.outputs[0].channels.clear();
                plan
            },
            "output `out` is not valid",
        ),
        (
            Kind::Map,
            PortKind::Labels,
            |spec| Plan::like(&ImageSpec { dtype: DType::F32, significant_bits: 32, ..spec.clone() }),
            "holds labels in pixels of type f32",
        ),
        (
            Kind::Reduce,
            PortKind::Image,
            |spec| {
                let mut plan = Plan::like(spec).tiled(Axis::Y, Tiling::Whole);
                plan.reduce_over = [true, true, true, false, true];
                plan
            },
            "wants axis Y whole, and one result for each position",
        ),
        (
            Kind::Whole,
            PortKind::Image,
            |spec| Plan::like(spec).tiled(Axis::T, Tiling::InOrder),
            "in order, which is for operators of kind map",
        ),
        (
            Kind::Map,
            PortKind::Image,
            |spec| Plan::like(spec).tiled(Axis::T, Tiling::InOrder).tiled(Axis::Z, Tiling::InOrder),
            "positions of several axes in order",
        ),
        (
            Kind::Map,
            PortKind::Image,
            |spec| Plan::like(spec).tiled(Axis::C, Tiling::InOrder),
            "channels in order, which would mix",
        ),
        (
            Kind::Map,
            PortKind::Image,
            |spec| Plan::like(spec).tile_size(Axis::C, 3, 3),
            "certain sizes along C, which is not cut anywhere",
        ),
        (
            Kind::Map,
            PortKind::Image,
            |spec| Plan::like(spec).tile_size(Axis::X, 0, 64),
            "along X shall be multiples of 0",
        ),
        (
            Kind::Map,
            PortKind::Image,
            |spec| Plan::like(spec).tile_size(Axis::Y, 16, 40),
            "multiples of 16 and at most 40",
        ),
    ];
    for (kind, output, plan, sentence) in cases {
        let error = refused(&planning(kind, output, plan), &[plane(DType::U16)]);
        assert!(error.message().contains(sentence), "{error}");
        assert!(error.to_string().starts_with("org.test 1.2.3, operator `odd`: "), "{error}");
        assert!(error.remedy().is_some());
    }
}

#[test]
fn outputs_of_different_size_need_the_axis_whole() {
    let outputs = [("a", PortKind::Image), ("b", PortKind::Image)];
    let uneven = step(descriptor("uneven", Kind::Map, &outputs), || {
        let plan = |spec: &ImageSpec| {
            let mut plan = Plan::like(spec);
            plan.outputs.push(ImageSpec { extent: Extent::plane(8, 16), ..spec.clone() });
            plan
        };
        Box::new(Closure { plan, run: copy })
    });
    let error = refused(&uneven, &[plane(DType::U16)]);
    assert!(error.message().contains("may differ along Y only if the plan keeps it whole"), "{error}");
}

#[test]
fn a_halo_beyond_the_declared_bound_is_refused() {
    let small = |declared: [u32; 5]| {
        let filter = BoxSum { halo: [[0, 0], [0, 0], [0, 0], [3, 1], [0, 2]], padding: Padding::Edge };
        let mut descriptor: Descriptor = descriptor("box", Kind::Map, &[("image", PortKind::Image)]);
        descriptor.max_halo = declared;
        step(descriptor, move || Box::new(filter))
    };
    check(&small([0, 0, 0, 3, 2]), &[(0, plane(DType::U16))]).unwrap();
    let error = refused(&small([0, 0, 0, 2, 2]), &[plane(DType::U16)]);
    assert!(error.message().contains("a halo of 3 pixels along Y and declares at most 2"), "{error}");
}

#[test]
fn an_operator_that_asks_for_pixels_where_there_are_none_is_refused() {
    struct Elsewhere;
    impl Operator for Elsewhere {
        fn plan(&mut self, inputs: &[InputSpec<'_>], _: &dyn Services) -> Result<Plan> {
            Ok(Plan::like(inputs[0].spec))
        }
        fn required_input(&self, core: &Region) -> Result<Vec<InputRegion>> {
            Ok(vec![InputRegion::new(0, *core), InputRegion::new(1, core.with(Axis::C, 5, 1))])
        }
        fn run(&mut self, _: &mut Tiles<'_>, _: &dyn Services) -> Result<()> {
            Ok(())
        }
    }
    let mut two = descriptor("elsewhere", Kind::Map, &[("image", PortKind::Image)]);
    let one = step(two.clone(), || Box::new(Elsewhere));
    let error = refused(&one, &[plane(DType::U16)]);
    assert!(
        error.message().contains("parts of the inputs [0, 1] it needs, the connected ones are [0]"),
        "{error}"
    );
    two.inputs.push(port("other"));
    let two = step(two, || Box::new(Elsewhere));
    let error = refused(&two, &[plane(DType::U16), plane(DType::U16)]);
    assert!(error.message().contains("shows no pixels"), "{error}");
}

#[test]
fn what_the_operator_says_to_its_inputs_is_passed_on_with_its_name() {
    struct Choosy;
    impl Operator for Choosy {
        fn plan(&mut self, _: &[InputSpec<'_>], _: &dyn Services) -> Result<Plan> {
            Err(Error::not_found("the image does not say how large a pixel is").with_remedy("give it"))
        }
        fn required_input(&self, _: &Region) -> Result<Vec<InputRegion>> {
            Ok(Vec::new())
        }
        fn run(&mut self, _: &mut Tiles<'_>, _: &dyn Services) -> Result<()> {
            Ok(())
        }
    }
    let choosy = step(descriptor("choosy", Kind::Map, &[("image", PortKind::Image)]), || Box::new(Choosy));
    let error = refused(&choosy, &[plane(DType::U16)]);
    assert_eq!(
        error.to_string(),
        "org.test 1.2.3, operator `choosy`: the image does not say how large a pixel is"
    );
    assert_eq!(error.remedy(), Some("give it"));
}

#[test]
fn a_sink_for_another_image_is_refused_and_an_estimate_touches_no_pixel() {
    let input = image(Extent::plane(16, 16));
    let other = ImageSpec::new(Extent::plane(8, 8), DType::U16);
    let error = run(
        &identity(),
        &[(0, source(&input))],
        &mut |_, _| Ok(Box::new(Discard::new(other.clone()))),
        &options(1),
    )
    .unwrap_err();
    assert_eq!(error.kind().name(), "internal");

    struct NoPixels(ImageSpec);
    impl ImageSource for NoPixels {
        fn spec(&self) -> &ImageSpec {
            &self.0
        }
        fn chunk(&self) -> Extent {
            Extent::plane(1, 40_000)
        }
        fn read(&self, _: &mut parfocal_image::PixelsMut<'_>) -> Result<()> {
            Err(Error::internal("nobody should read"))
        }
    }
    let large = NoPixels(measured(ImageSpec::new(Extent::plane(40_000, 40_000), DType::U16)));
    let options = RunOptions { memory: 256 << 20, ..options(2) };
    let estimate = estimate(&identity(), &[(0, std::sync::Arc::new(large))], &options).unwrap();
    assert!(estimate.peak_bytes <= 256 << 20, "{estimate:?}");
    assert_eq!(estimate.tile[Axis::X], 40_000, "strips are read whole: {estimate:?}");
}

#[test]
fn parameters_and_small_images_come_through() {
    let tiny = MemoryImage::new(
        plane(DType::U16),
        Buffer::zeroed(DType::U16, Region::whole(Extent::plane(16, 16))).unwrap(),
    )
    .unwrap();
    let step = Step { parameters: Parameters::default(), ..identity() };
    let sink = |_: usize, spec: &ImageSpec| {
        Ok(Box::new(Discard::new(spec.clone())) as Box<dyn parfocal_core::ImageSink>)
    };
    let result = run(&step, &[(0, source(&tiny))], &mut { sink }, &options(8)).unwrap();
    assert_eq!(result.report.estimate.workers, 1, "one tile, one worker");
}
