//! Chains, and the scratch images between their steps.

use std::sync::{Arc, Mutex};

use parfocal_core::{ImageSource, image::MemoryImage};
use parfocal_image::{Buffer, Extent, PixelClass, Region};
use parfocal_operator::{InputRegion, InputSpec, Kind, Padding, Plan, PortKind, Services, Tiles};
use parfocal_pipeline::{ChainStep, RunOptions, Scratch, Source, check_chain, estimate_chain, run_chain};
use parfocal_types::Error;

use crate::{
    kit::{Written, descriptor, image, options, port, run_into, source, step, strict_sink, tiled},
    operators::{BoxSum, Closure, above_mean, identity},
};

#[test]
fn a_scratch_image_gives_back_what_was_written_in_any_cut() {
    let input = image(Extent::new(2, 1, 2, 70, 90));
    for piece in [Extent::plane(16, 16), Extent::plane(512, 512), Extent::plane(7, 90)] {
        let scratch = Scratch::with_grid(input.spec().clone(), piece, None).unwrap();
        let early = MemoryImage::read(&scratch).unwrap_err();
        assert_eq!(early.kind().name(), "bad-state");
        let sink = scratch.sink();
        let step = identity();
        let mut sink = Some(sink);
        let mut factory = |_: usize, _: &_| sink.take().ok_or_else(|| Error::internal("asked twice"));
        parfocal_pipeline::run(&step, &[(0, source(&input))], &mut factory, &tiled(2, Extent::plane(20, 30)))
            .unwrap();
        assert_eq!(MemoryImage::read(&scratch).unwrap().pixels().bytes(), input.pixels().bytes());
        for region in [
            Region::new([1, 0, 1, 13, 5], Extent::plane(40, 61)),
            Region::new([0, 0, 0, 69, 89], Extent::plane(1, 1)),
            Region::new([0, 0, 0, 0, 15], Extent::new(2, 1, 2, 70, 2)),
        ] {
            let mut part = Buffer::zeroed(input.spec().dtype, region).unwrap();
            scratch.read(&mut part.pixels_mut().unwrap()).unwrap();
            let whole = input.pixels().view::<u16>().unwrap();
            assert!(part.view::<u16>().unwrap().rows().eq(whole.part(&region).unwrap().rows()), "{region}");
        }
        let outside = Region::new([0, 0, 0, 60, 0], Extent::plane(11, 4));
        let mut part = Buffer::zeroed(input.spec().dtype, outside).unwrap();
        assert!(scratch.read(&mut part.pixels_mut().unwrap()).is_err());
    }
}

#[test]
fn a_scratch_sink_refuses_pieces_off_its_grid_and_an_unfinished_image() {
    let input = image(Extent::plane(64, 64));
    let scratch = Scratch::with_grid(input.spec().clone(), Extent::plane(32, 32), None).unwrap();
    let sink = scratch.sink();
    let whole = input.pixels().pixels().unwrap();
    for region in [
        Region::new([0, 0, 0, 1, 0], Extent::plane(32, 32)),
        Region::new([0, 0, 0, 0, 0], Extent::plane(32, 31)),
    ] {
        assert_eq!(sink.write(&whole.part(&region).unwrap()).unwrap_err().kind().name(), "invalid-argument");
    }
    sink.write(&whole.part(&Region::new([0; 5], Extent::plane(32, 64))).unwrap()).unwrap();
    assert_eq!(sink.finish().unwrap_err().kind().name(), "data-incomplete");
}

/// Where the mask is set, the image; elsewhere zero.
fn masked() -> parfocal_pipeline::Step {
    let mut both = descriptor("masked", Kind::Map, &[("image", PortKind::Image)]);
    both.inputs.push(port("mask"));
    both.inputs[1].dtypes = vec![parfocal_image::DType::Mask];
    struct Masked;
    impl parfocal_operator::Operator for Masked {
        fn plan(&mut self, inputs: &[InputSpec<'_>], _: &dyn Services) -> parfocal_types::Result<Plan> {
            Ok(Plan::like(inputs[0].spec))
        }
        fn required_input(&self, core: &Region) -> parfocal_types::Result<Vec<InputRegion>> {
            Ok(vec![InputRegion::new(0, *core), InputRegion::new(1, *core)])
        }
        fn run(&mut self, tiles: &mut Tiles<'_>, _: &dyn Services) -> parfocal_types::Result<()> {
            let image = tiles.inputs[0].pixels.view::<u16>()?;
            let mask = tiles.inputs[1].pixels.view::<u8>()?;
            let mut output = tiles.outputs[0].pixels.view_mut::<u16>()?;
            for ((to, value), mask) in output.rows_mut().zip(image.rows()).zip(mask.rows()) {
                for ((to, value), mask) in to.iter_mut().zip(value).zip(mask) {
                    *to = value * u16::from(*mask);
                }
            }
            Ok(())
        }
    }
    step(both, || Box::new(Masked))
}

#[test]
fn a_chain_equals_its_steps_one_by_one_and_a_step_may_name_two_inputs() {
    let input = image(Extent::new(1, 2, 1, 100, 80));
    let filter = BoxSum { halo: [[0, 0], [0, 0], [0, 0], [1, 1], [1, 1]], padding: Padding::Reflect };
    let mean = above_mean([false, false, true, true, true], true);
    let chain = [
        ChainStep { step: filter.step(), inputs: vec![(0, Source::Original(0))] },
        ChainStep { step: mean.clone(), inputs: vec![(0, Source::Step(0, 0))] },
        ChainStep { step: masked(), inputs: vec![(0, Source::Original(0)), (1, Source::Step(1, 0))] },
    ];
    let grid = Extent::plane(32, 32);
    let told = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&told);
    let mut options = options(2);
    options.progress = Some(Arc::new(move |fraction| listener.lock().unwrap().push(fraction)));
    let mut wanted: Vec<(usize, Written)> = Vec::new();
    let mut factory = |step: usize, port: usize, spec: &parfocal_image::ImageSpec| {
        assert_eq!(port, 0);
        // The mask is wanted as a file as well as by the next step, the smoothed image only by the next step.
        if step == 0 {
            return Ok(None);
        }
        let (sink, written) = strict_sink(spec, grid);
        wanted.push((step, written));
        Ok(Some(sink))
    };
    let result = run_chain(&chain, &[source(&input)], &mut factory, &options).unwrap();
    assert_eq!(result.steps.len(), 3);
    assert_eq!(result.steps[1].records.len(), 2, "one for each channel");
    assert_eq!(result.steps[2].images[0].1.channels[0].class, PixelClass::Derived);
    let told = told.lock().unwrap();
    assert!(told.is_sorted() && (told.last().unwrap() - 1.0).abs() < 1e-9);
    drop(told);

    let (_, smooth) = run_into(&filter.step(), &[source(&input)], grid, &options);
    let smooth = MemoryImage::new(input.spec().clone(), smooth[0].pixels.lock().unwrap().clone()).unwrap();
    let (_, mask) = run_into(&mean, &[source(&smooth)], grid, &options);
    assert_eq!(wanted[0].1.bytes(), mask[0].bytes());
    let expected: Vec<u16> = input
        .pixels()
        .as_slice::<u16>()
        .unwrap()
        .iter()
        .zip(mask[0].bytes())
        .map(|(value, mask)| value * u16::from(mask))
        .collect();
    assert_eq!(wanted[1].1.values(), expected);
    assert!(wanted.iter().all(|(_, written)| written.is_finished()));
}

#[test]
fn a_chain_is_refused_before_its_first_step_runs() {
    let called = Arc::new(Mutex::new(false));
    let noting = Arc::clone(&called);
    let first = step(descriptor("first", Kind::Map, &[("image", PortKind::Image)]), move || {
        let called = Arc::clone(&noting);
        let run = move |_: &mut Tiles<'_>, _: &dyn Services| {
            *called.lock().unwrap() = true;
            Ok(())
        };
        Box::new(Closure { plan: Plan::like, run })
    });
    let input = image(Extent::plane(8, 8));
    let mut nothing = |_: usize, _: usize, _: &_| Ok(None);
    let cases = [
        // The mask goes where 16-bit pixels are expected.
        (vec![first.clone(), above_mean([true; 5], true), identity()], "pixels of type mask"),
        (vec![first.clone(), above_mean([true; 5], false), identity()], "after a step that gives no image"),
    ];
    for (steps, sentence) in cases {
        let result = ChainStep::in_a_row(steps)
            .and_then(|chain| run_chain(&chain, &[source(&input)], &mut nothing, &options(1)));
        let error = result.unwrap_err();
        assert!(error.to_string().contains(sentence), "{error}");
    }
    for (source, sentence) in [
        (Source::Original(1), "image 1 of the chain, which was not given"),
        (Source::Step(0, 3), "output 3 of step 0, which gives no such image"),
        (Source::Step(1, 0), "step 1, which does not come before it"),
    ] {
        let chain = [
            ChainStep { step: first.clone(), inputs: vec![(0, Source::Original(0))] },
            ChainStep { step: identity(), inputs: vec![(0, source)] },
        ];
        let error = check_chain(&chain, &[input.spec().clone()], &options(1)).unwrap_err();
        assert!(error.message().contains(sentence), "{error}");
    }
    assert!(!*called.lock().unwrap());
}

#[test]
fn scratch_files_lie_in_the_folder_asked_for_and_a_missing_one_is_a_sentence() {
    let input = image(Extent::plane(8, 8));
    let chain = ChainStep::in_a_row(vec![identity(), identity()]).unwrap();
    let options = RunOptions { scratch: Some("/nowhere/at/all".into()), ..options(1) };
    let mut nothing = |_: usize, _: usize, _: &_| Ok(None);
    let error = run_chain(&chain, &[source(&input)], &mut nothing, &options).unwrap_err();
    assert!(error.message().contains("cannot be kept on disk"), "{error}");
    assert!(error.remedy().is_some());
}

#[test]
fn a_chain_is_planned_as_its_steps_are_run_and_nothing_is_read() {
    let input = image(Extent::new(1, 2, 1, 300, 400));
    let steps = vec![identity(), identity(), above_mean([false, false, true, true, true], false)];
    let chain = ChainStep::in_a_row(steps).unwrap();
    let options = options(2);
    let announced = estimate_chain(&chain, &[source(&input)], &options).unwrap();
    let mut nothing = |_: usize, _: usize, _: &_| Ok(None);
    let result = run_chain(&chain, &[source(&input)], &mut nothing, &options).unwrap();
    let met: Vec<_> = result.steps.iter().map(|step| step.report.estimate).collect();
    assert_eq!(announced, met);
    let error = estimate_chain(&chain, &[], &options).unwrap_err();
    assert!(error.message().contains("was not given"), "{error}");
}
