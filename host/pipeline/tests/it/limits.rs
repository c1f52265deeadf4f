//! Stopping: errors, requests, panics and memory.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use parfocal_core::{CancelToken, ImageSink, ImageSource};
use parfocal_image::{DType, Extent, ImageSpec, PixelsMut, Region};
use parfocal_operator::{
    InputRegion, InputSpec, Kind, LogLevel, Operator, Padding, Plan, PortKind, Services, Sink, Tiles,
};
use parfocal_pipeline::{Discard, RunOptions, Step, estimate, run};
use parfocal_types::{Error, ErrorKind, Result};

use crate::{
    kit::{descriptor, image, measured, options, run_into, source, step, tiled},
    operators::{BoxSum, Closure, above_mean, copy, identity},
};

fn mapping(
    run: impl FnMut(&mut Tiles<'_>, &dyn Services) -> Result<()> + Clone + Send + Sync + 'static,
) -> Step {
    step(descriptor("mapping", Kind::Map, &[("image", PortKind::Image)]), move || {
        Box::new(Closure { plan: Plan::like, run: run.clone() })
    })
}

#[test]
fn an_error_names_operator_and_tile_stops_the_run_and_leaves_nothing_behind() {
    for threads in [1, 4] {
        let calls = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&calls);
        let failing = mapping(move |tiles: &mut Tiles<'_>, services: &dyn Services| {
            counter.fetch_add(1, Ordering::SeqCst);
            if tiles.core.origin[3] == 64 && tiles.core.origin[4] == 32 {
                return Err(Error::invalid_argument("a pixel is NaN").with_remedy("remove it"));
            }
            copy(tiles, services)
        });
        let input = image(Extent::plane(3200, 320));
        let (result, written) = run_into(
            &failing,
            &[source(&input)],
            Extent::plane(32, 32),
            &tiled(threads, Extent::plane(32, 32)),
        );
        let error = result.unwrap_err();
        assert_eq!(
            error.to_string(),
            "org.test 1.2.3, operator `mapping`, tile T0..1 C0..1 Z0..1 Y64..96 X32..64: a pixel is NaN"
        );
        assert_eq!(error.remedy(), Some("remove it"));
        assert!(!written[0].is_finished());
        // With several threads it depends on their speed how many tiles were done by then; the next test makes sure that
        // the others are told.
        assert!(threads > 1 || calls.load(Ordering::SeqCst) == 22, "no tile after the one that failed");
    }
}

#[test]
fn others_that_wait_for_the_request_to_stop_are_told_and_their_cancelled_is_not_the_reason() {
    let waiting = mapping(|tiles: &mut Tiles<'_>, services: &dyn Services| {
        if tiles.core.origin[4] == 32 {
            return Err(Error::invalid_argument("the reason"));
        }
        while !services.is_cancelled() {
            std::thread::yield_now();
        }
        Err(Error::cancelled())
    });
    let input = image(Extent::plane(32, 320));
    let (result, _) =
        run_into(&waiting, &[source(&input)], Extent::plane(32, 32), &tiled(3, Extent::plane(32, 32)));
    assert_eq!(result.unwrap_err().message(), "the reason");
}

#[test]
fn a_request_in_the_middle_stops_maps_and_reduces_with_cancelled() {
    for reduces in [false, true] {
        for threads in [1, 3] {
            let token = CancelToken::default();
            let asker = token.clone();
            let done = Arc::new(AtomicU64::new(0));
            let counter = Arc::clone(&done);
            let mut options = tiled(threads, Extent::plane(16, 16));
            options.cancel = token;
            options.progress = Some(Arc::new(move |fraction| {
                counter.fetch_add(1, Ordering::SeqCst);
                if fraction > 0.25 {
                    asker.cancel();
                }
            }));
            let input = image(Extent::plane(1600, 160));
            let step = if reduces { above_mean([true; 5], true) } else { identity() };
            let (result, written) = run_into(&step, &[source(&input)], Extent::plane(16, 16), &options);
            let error = result.unwrap_err();
            assert_eq!(*error.kind(), ErrorKind::Cancelled);
            assert_eq!(error.to_string(), "stopped on request");
            assert!(!written[0].is_finished());
            assert!(done.load(Ordering::SeqCst) < 100, "it stopped soon");
        }
    }
}

#[test]
fn a_request_before_the_start_stops_before_the_first_tile() {
    let options = options(2);
    options.cancel.cancel();
    let untouched = mapping(|_: &mut Tiles<'_>, _: &dyn Services| Err(Error::internal("called")));
    let (result, _) =
        run_into(&untouched, &[source(&image(Extent::plane(9, 9)))], Extent::plane(4, 4), &options);
    assert_eq!(*result.unwrap_err().kind(), ErrorKind::Cancelled);
}

#[test]
fn a_panic_that_no_lane_caught_is_an_error_and_nobody_waits_for_ever() {
    struct Panicking;
    impl Operator for Panicking {
        fn plan(&mut self, _: &[InputSpec<'_>], _: &dyn Services) -> Result<Plan> {
            Ok(Plan::without_images())
        }
        fn required_input(&self, core: &Region) -> Result<Vec<InputRegion>> {
            Ok(vec![InputRegion::new(0, *core)])
        }
        fn run(&mut self, _: &mut Tiles<'_>, _: &dyn Services) -> Result<()> {
            Ok(())
        }
        fn accumulate(&mut self, tiles: &Tiles<'_>, _: &dyn Services) -> Result<Vec<u8>> {
            assert!(tiles.core.origin[4] != 0, "on purpose");
            Ok(Vec::new())
        }
        fn merge(&mut self, left: Vec<u8>, _: &[u8], _: &dyn Services) -> Result<Vec<u8>> {
            Ok(left)
        }
        fn finish(&mut self, _: &[u8], _: &mut dyn Sink, _: &dyn Services) -> Result<Vec<u8>> {
            Ok(Vec::new())
        }
    }
    let panicking =
        step(descriptor("panicking", Kind::Reduce, &[("table", PortKind::Table)]), || Box::new(Panicking));
    let input = image(Extent::plane(1, 4000));
    let (result, _) =
        run_into(&panicking, &[source(&input)], Extent::plane(1, 1), &tiled(4, Extent::plane(1, 1)));
    assert_eq!(*result.unwrap_err().kind(), ErrorKind::Internal);
}

#[test]
fn a_budget_that_not_even_the_smallest_tile_fits_is_refused_with_both_numbers_before_any_work() {
    let filter = BoxSum { halo: [[0, 0], [0, 0], [0, 0], [60, 60], [60, 60]], padding: Padding::Edge };
    let input = image(Extent::plane(300, 300));
    let little = RunOptions { memory: 8 << 10, ..options(2) };
    let (result, _) = run_into(&filter.step(), &[source(&input)], Extent::plane(64, 64), &little);
    let error = result.unwrap_err();
    let ErrorKind::OutOfMemory { need, budget } = *error.kind() else { panic!("{error}") };
    assert_eq!(budget, 8 << 10);
    assert!(need > budget);
    // What it says is enough, is.
    let enough = RunOptions { memory: need, ..options(2) };
    let (result, _) = run_into(&filter.step(), &[source(&input)], Extent::plane(64, 64), &enough);
    let report = result.unwrap().report;
    assert!(report.peak_bytes <= need, "{report:?}");
    // A tile that the caller insists on is refused, too.
    let insisted = RunOptions { memory: need, ..tiled(1, Extent::plane(300, 300)) };
    let (result, _) = run_into(&filter.step(), &[source(&input)], Extent::plane(64, 64), &insisted);
    assert_eq!(result.unwrap_err().kind().name(), "out-of-memory");
}

#[test]
fn memory_that_the_operator_declares_counts() {
    let hungry = step(descriptor("hungry", Kind::Map, &[("image", PortKind::Image)]), || {
        let plan = |spec: &ImageSpec| Plan { bytes: 3 << 20, ..Plan::like(spec).with_memory(100) };
        Box::new(Closure { plan, run: copy })
    });
    let input = image(Extent::plane(1000, 1000));
    let options = RunOptions { memory: 16 << 20, ..options(4) };
    let (result, _) = run_into(&hungry, &[source(&input)], Extent::plane(64, 64), &options);
    let report = result.unwrap().report;
    let pixels = report.estimate.tile.count().unwrap();
    let workers = u64::try_from(report.estimate.workers).unwrap();
    assert!(workers * (100 * pixels + (3 << 20)) < report.peak_bytes);
    assert!(report.peak_bytes <= report.estimate.peak_bytes && report.estimate.peak_bytes <= 16 << 20);
    let less = RunOptions { memory: 3 << 20, ..options };
    let (result, _) = run_into(&hungry, &[source(&input)], Extent::plane(64, 64), &less);
    assert_eq!(result.unwrap_err().kind().name(), "out-of-memory");
}

/// An image that is computed while it is read.
struct MadeUp(ImageSpec);

impl ImageSource for MadeUp {
    fn spec(&self) -> &ImageSpec {
        &self.0
    }

    fn chunk(&self) -> Extent {
        Extent::plane(512, 512)
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a pattern")]
    fn read(&self, out: &mut PixelsMut<'_>) -> Result<()> {
        let [_, _, _, y, x] = out.region().origin;
        for (row, y) in out.view_mut::<u16>()?.rows_mut().zip(y..) {
            for (value, x) in row.iter_mut().zip(x..) {
                *value = (x ^ (y << 3)) as u16;
            }
        }
        Ok(())
    }
}

fn large() -> Arc<dyn ImageSource> {
    Arc::new(MadeUp(measured(ImageSpec::new(Extent::plane(20_000, 20_000), DType::U16))))
}

#[test]
fn a_large_plane_goes_through_in_bounded_memory() {
    let mut nowhere =
        |_: usize, spec: &ImageSpec| Ok(Box::new(Discard::new(spec.clone())) as Box<dyn ImageSink>);
    let options = RunOptions { threads: 2, ..RunOptions::default() };
    let result = run(&identity(), &[(0, large())], &mut nowhere, &options).unwrap();
    let report = result.report;
    assert!(report.peak_bytes <= report.estimate.peak_bytes, "{report:?}");
    assert!(report.estimate.peak_bytes <= 100 << 20, "{report:?}");
    assert_eq!(report.estimate.workers, 2);
    let halo = BoxSum { halo: [[0, 0], [0, 0], [0, 0], [30, 30], [30, 30]], padding: Padding::Symmetric };
    let estimate = estimate(&halo.step(), &[(0, large())], &options).unwrap();
    assert!(estimate.peak_bytes <= 100 << 20, "{estimate:?}");
}

#[test]
fn the_cut_depends_on_the_budget_but_never_on_the_threads() {
    let halo = BoxSum { halo: [[0, 0], [0, 0], [2, 2], [9, 9], [9, 9]], padding: Padding::Symmetric };
    let volume: Arc<dyn ImageSource> =
        Arc::new(MadeUp(measured(ImageSpec::new(Extent::new(2, 2, 60, 1024, 1024), DType::U16))));
    for memory in [2 << 20, 16 << 20, 1 << 30] {
        let tiles: Vec<_> = [1, 2, 8, 64]
            .into_iter()
            .map(|threads| {
                let options = RunOptions { threads, memory, ..RunOptions::default() };
                let estimate = estimate(&halo.step(), &[(0, Arc::clone(&volume))], &options).unwrap();
                assert!(estimate.peak_bytes <= memory, "{estimate:?}");
                estimate.tile
            })
            .collect();
        assert!(tiles.windows(2).all(|pair| pair[0] == pair[1]), "{tiles:?}");
        assert!(
            memory < 16 << 20 || tiles[0].0[2] > 1,
            "a halo along Z makes thick slabs cheaper: {tiles:?}"
        );
    }
}

#[test]
fn pixels_that_an_operator_forgets_are_zero_and_never_those_of_another_tile() {
    let forgetful = mapping(
        |tiles: &mut Tiles<'_>, services: &dyn Services| {
            if tiles.core.origin[4] == 0 { copy(tiles, services) } else { Ok(()) }
        },
    );
    let input = image(Extent::plane(64, 64));
    let tile = Extent::plane(16, 16);
    let (result, written) = run_into(&forgetful, &[source(&input)], tile, &tiled(2, tile));
    result.unwrap();
    let values = written[0].values();
    for (place, value) in values.into_iter().enumerate() {
        let expected = if place % 64 < 16 { input.pixels().as_slice::<u16>().unwrap()[place] } else { 0 };
        assert_eq!(value, expected, "at {place}");
    }
}

#[test]
fn what_the_operator_logs_is_in_the_report() {
    let talking = mapping(|tiles: &mut Tiles<'_>, services: &dyn Services| {
        services.log(LogLevel::Warning, "12 pixels are saturated");
        services.progress(0.5);
        assert_eq!(services.seed(), 42);
        copy(tiles, services)
    });
    let options = RunOptions { seed: 42, ..options(1) };
    let (result, _) =
        run_into(&talking, &[source(&image(Extent::plane(9, 9)))], Extent::plane(16, 16), &options);
    assert_eq!(result.unwrap().report.log[0].text, "12 pixels are saturated");
}
