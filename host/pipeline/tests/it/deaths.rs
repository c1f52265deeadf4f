//! What happens when the process or instance that ran an operator dies in a call.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use parfocal_image::{Axis, Extent};
use parfocal_operator::{Kind, Operator, Plan, PortKind, Services, Tiles, Tiling};
use parfocal_pipeline::Step;
use parfocal_types::{Error, ErrorKind, Result};

use crate::{
    kit::{descriptor, image, run_into, source, step, tiled},
    operators::{Closure, copy, identity},
};

fn died() -> Error {
    Error::new(ErrorKind::PluginDied { signal: "signal 11".into() }, "died in `run`: signal 11")
}

/// Copies, but dies in the middle of a tile: in the `times` first calls for the tile at X 32.
fn dying(times: u32, tiling: Tiling) -> (Step, Arc<AtomicU32>) {
    let deaths = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&deaths);
    let plan = if tiling == Tiling::InOrder {
        |spec: &_| Plan::like(spec).tiled(Axis::T, Tiling::InOrder)
    } else {
        |spec: &_| Plan::like(spec)
    };
    let make = move || -> Box<dyn Operator> {
        let counter = Arc::clone(&counter);
        let run = move |tiles: &mut Tiles<'_>, services: &dyn Services| -> Result<()> {
            if tiles.core.origin[4] == 32 && counter.load(Ordering::Relaxed) < times {
                counter.fetch_add(1, Ordering::Relaxed);
                tiles.outputs[0].pixels.bytes_mut().fill(0xEE);
                return Err(died());
            }
            copy(tiles, services)
        };
        Box::new(Closure { plan, run })
    };
    (step(descriptor("dying", Kind::Map, &[("image", PortKind::Image)]), make), deaths)
}

#[test]
fn a_tile_whose_worker_died_is_computed_again_and_the_image_is_whole() {
    let image = image(Extent::new(2, 1, 1, 32, 64));
    let options = tiled(2, Extent::new(1, 1, 1, 16, 16));
    let grid = Extent::new(1, 1, 1, 16, 16);
    let (expected, wanted) = run_into(&identity(), &[source(&image)], grid, &options);
    expected.unwrap();
    let (step, deaths) = dying(1, Tiling::Split);
    let (result, written) = run_into(&step, &[source(&image)], grid, &options);
    let log = result.unwrap().report.log;
    assert_eq!(deaths.load(Ordering::Relaxed), 1);
    assert_eq!(written[0].bytes(), wanted[0].bytes());
    assert!(written[0].is_finished());
    assert!(log.iter().any(|line| line.text.contains("signal 11") && line.text.contains("again")), "{log:?}");
}

#[test]
fn a_tile_at_which_every_worker_dies_ends_the_run_with_its_place() {
    let image = image(Extent::plane(32, 64));
    let (step, deaths) = dying(u32::MAX, Tiling::Split);
    let grid = Extent::plane(16, 16);
    let (result, written) = run_into(&step, &[source(&image)], grid, &tiled(1, grid));
    let error = result.unwrap_err();
    assert_eq!(error.kind().name(), "plugin-died");
    assert!(error.origin().unwrap().contains("X32..48"), "{error}");
    assert_eq!(deaths.load(Ordering::Relaxed), 2, "tried twice");
    assert!(!written[0].is_finished());
}

#[test]
fn a_sequence_is_not_continued_by_somebody_who_did_not_see_its_beginning() {
    let image = image(Extent::new(3, 1, 1, 16, 64));
    let (step, deaths) = dying(1, Tiling::InOrder);
    let grid = Extent::plane(16, 16);
    let (result, written) = run_into(&step, &[source(&image)], grid, &tiled(1, grid));
    assert_eq!(result.unwrap_err().kind().name(), "plugin-died");
    assert_eq!(deaths.load(Ordering::Relaxed), 1, "not tried again");
    assert!(!written[0].is_finished());
}
