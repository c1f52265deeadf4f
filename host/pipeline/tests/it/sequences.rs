//! Operators that remember, tiles of certain sizes, and inputs by the number of their port.

use std::sync::{Arc, Mutex};

use parfocal_image::{Axis, Extent, Region};
use parfocal_operator::{
    InputRegion, InputSpec, Kind, LogLevel, Operator, Padding, Plan, PortKind, Services, TileSize, Tiles,
    Tiling,
};
use parfocal_pipeline::{RunOptions, Step, run};
use parfocal_types::Result;

use crate::{
    kit::{at, descriptor, image, options, port, run_into, source, step, strict_sink, tiled},
    operators::copy,
};

/// The sum of a pixel over all time points so far.
struct Sum {
    axis: Axis,
    places: Arc<Mutex<Vec<Region>>>,
    sums: Vec<u16>,
    /// The position that comes next; none before the first `reset`.
    next: Option<i64>,
}

fn sum_along(axis: Axis, places: &Arc<Mutex<Vec<Region>>>) -> Step {
    let places = Arc::clone(places);
    step(descriptor("sum", Kind::Map, &[("image", PortKind::Image)]), move || {
        Box::new(Sum { axis, places: Arc::clone(&places), sums: Vec::new(), next: None })
    })
}

impl Operator for Sum {
    fn plan(&mut self, inputs: &[InputSpec<'_>], _: &dyn Services) -> Result<Plan> {
        Ok(Plan::like(inputs[0].spec).tiled(self.axis, Tiling::InOrder))
    }

    fn required_input(&self, core: &Region) -> Result<Vec<InputRegion>> {
        Ok(vec![InputRegion::new(0, *core)])
    }

    fn reset(&mut self, _: &dyn Services) -> Result<()> {
        self.next = Some(0);
        self.sums.clear();
        Ok(())
    }

    fn run(&mut self, tiles: &mut Tiles<'_>, _: &dyn Services) -> Result<()> {
        assert_eq!(tiles.core.extent[self.axis], 1, "one position at a time");
        assert_eq!(Some(tiles.core.origin[self.axis as usize]), self.next, "one after the other");
        self.next = self.next.map(|next| next + 1);
        if self.sums.is_empty() {
            self.places.lock().unwrap().push(tiles.core);
        }
        let input = tiles.inputs[0].pixels.view::<u16>()?;
        self.sums.resize(usize::try_from(tiles.core.extent.count().unwrap()).unwrap(), 0);
        let mut sums = self.sums.iter_mut();
        for (to, from) in tiles.outputs[0].pixels.view_mut::<u16>()?.rows_mut().zip(input.rows()) {
            for ((to, from), sum) in to.iter_mut().zip(from).zip(&mut sums) {
                *sum = sum.wrapping_add(*from);
                *to = *sum;
            }
        }
        Ok(())
    }
}

#[test]
fn an_operator_that_remembers_sees_every_place_from_the_first_position_to_the_last() {
    let input = image(Extent::new(5, 2, 3, 20, 30));
    for axis in [Axis::T, Axis::Z] {
        for (threads, tile) in
            [(1, Extent::plane(20, 30)), (2, Extent::plane(8, 8)), (4, Extent::plane(7, 30))]
        {
            let places = Arc::default();
            let (result, written) = run_into(
                &sum_along(axis, &places),
                &[source(&input)],
                Extent::plane(16, 16),
                &tiled(threads, tile),
            );
            result.unwrap();
            let written = written[0].pixels.lock().unwrap();
            for place in [[0, 0, 0, 0, 0], [4, 1, 2, 19, 29], [3, 0, 1, 8, 7], [2, 1, 2, 13, 16]] {
                let expected = (0..=place[axis as usize]).fold(0_u16, |sum, position| {
                    let mut earlier = place;
                    earlier[axis as usize] = position;
                    sum.wrapping_add(at(input.pixels(), earlier))
                });
                assert_eq!(at(&written, place), expected, "{axis:?} {threads} {tile} at {place:?}");
            }
            let begun = places.lock().unwrap().len() as u64;
            let others = if axis == Axis::T { 2 * 3 } else { 5 * 2 };
            let in_plane = 20_u64.div_ceil(tile[Axis::Y]) * 30_u64.div_ceil(tile[Axis::X]);
            assert_eq!(begun, others * in_plane, "one sequence for each place");
        }
    }
}

#[test]
fn no_more_instances_are_made_than_there_are_sequences() {
    let made = Arc::new(Mutex::new(0));
    let counting = Arc::clone(&made);
    let places = Arc::default();
    let sum = step(descriptor("sum", Kind::Map, &[("image", PortKind::Image)]), move || {
        *counting.lock().unwrap() += 1;
        Box::new(Sum { axis: Axis::T, places: Arc::clone(&places), sums: Vec::new(), next: None })
    });
    let input = image(Extent::new(9, 1, 1, 16, 16));
    let (result, _) =
        run_into(&sum, &[source(&input)], Extent::plane(16, 16), &tiled(4, Extent::plane(16, 16)));
    assert_eq!((result.unwrap().report.estimate.workers, *made.lock().unwrap()), (1, 1));
}

/// Copies, and is picky about the size of tiles.
struct Picky([TileSize; 2], Arc<Mutex<Vec<Region>>>);

impl Operator for Picky {
    fn plan(&mut self, inputs: &[InputSpec<'_>], _: &dyn Services) -> Result<Plan> {
        let [y, x] = self.0;
        let plan = Plan::like(inputs[0].spec);
        Ok(plan.tile_size(Axis::Y, y.step, y.max).tile_size(Axis::X, x.step, x.max))
    }

    fn required_input(&self, core: &Region) -> Result<Vec<InputRegion>> {
        Ok(vec![InputRegion::new(0, *core)])
    }

    fn run(&mut self, tiles: &mut Tiles<'_>, services: &dyn Services) -> Result<()> {
        self.1.lock().unwrap().push(tiles.core);
        copy(tiles, services)
    }
}

#[test]
fn tiles_have_the_sizes_that_the_plan_asks_for_but_where_the_work_ends() {
    let input = image(Extent::plane(203, 317));
    let sixteen = TileSize { step: 16, max: 48 };
    let exactly = TileSize { step: 100, max: 100 };
    let sizes = [[sixteen, sixteen], [exactly, exactly], [TileSize::ANY, exactly], [sixteen, TileSize::ANY]];
    for (sizes, memory) in sizes.into_iter().flat_map(|sizes| [(sizes, 64 << 20), (sizes, 1 << 17)]) {
        for tile in [None, Some(Extent::plane(7, 130))] {
            let seen = Arc::new(Mutex::new(Vec::new()));
            let noted = Arc::clone(&seen);
            let picky = step(descriptor("picky", Kind::Map, &[("image", PortKind::Image)]), move || {
                Box::new(Picky(sizes, Arc::clone(&noted)))
            });
            let options = RunOptions { memory, tile, ..options(2) };
            let (result, written) = run_into(&picky, &[source(&input)], Extent::plane(32, 32), &options);
            if let Err(error) = &result {
                // A tile of 100 x 100 and the pieces of the sink around it do not fit the small budget.
                assert!(memory == 1 << 17 && error.kind().name() == "out-of-memory", "{error}");
                continue;
            }
            assert_eq!(written[0].bytes(), input.pixels().bytes());
            for core in seen.lock().unwrap().iter() {
                for (axis, size) in [Axis::Y, Axis::X].into_iter().zip(sizes) {
                    let at_end = core.end(axis) == i64::try_from(input_size(axis)).unwrap();
                    assert!(core.extent[axis] <= size.max, "{core} {size:?}");
                    assert!(at_end || core.extent[axis] % size.step == 0, "{core} {size:?}");
                    assert_eq!(core.origin[axis as usize] % i64::try_from(size.step).unwrap(), 0);
                }
            }
        }
    }
}

fn input_size(axis: Axis) -> u64 {
    Extent::plane(203, 317)[axis]
}

/// Adds what is connected: the port's number times the pixel beside it, as each port's own padding shows it.
struct Ports(Vec<u32>);

impl Operator for Ports {
    fn plan(&mut self, inputs: &[InputSpec<'_>], services: &dyn Services) -> Result<Plan> {
        self.0 = inputs.iter().map(|input| input.port).collect();
        services.log(LogLevel::Info, &format!("connected: {:?}", self.0));
        Ok(Plan::like(inputs[0].spec))
    }

    fn required_input(&self, core: &Region) -> Result<Vec<InputRegion>> {
        let padding = |port| if port == 1 { Padding::Edge } else { Padding::Zero };
        let beside = core.with(Axis::X, core.origin[4] - 1, core.extent[Axis::X]);
        Ok(self.0.iter().map(|&port| InputRegion::new(port, beside).padded(padding(port))).collect())
    }

    fn run(&mut self, tiles: &mut Tiles<'_>, _: &dyn Services) -> Result<()> {
        let connected: Vec<_> = tiles.inputs.iter().map(|input| input.port).collect();
        assert_eq!(connected, self.0);
        for port in 0..3 {
            assert_eq!(tiles.input(port).is_some(), self.0.contains(&port));
        }
        let mut output = tiles.outputs[0].pixels.view_mut::<u16>()?;
        output.rows_mut().for_each(|row| row.fill(0));
        for input in tiles.inputs {
            let factor = u16::try_from(input.port).unwrap() + 1;
            for (to, from) in output.rows_mut().zip(input.pixels.view::<u16>()?.rows()) {
                to.iter_mut()
                    .zip(from)
                    .for_each(|(to, from)| *to = to.wrapping_add(from.wrapping_mul(factor)));
            }
        }
        Ok(())
    }
}

#[test]
fn any_optional_input_may_be_left_out_and_each_is_padded_as_it_wants() {
    let mut three = descriptor("ports", Kind::Map, &[("image", PortKind::Image)]);
    three.inputs.extend(["second", "third"].map(port));
    three.inputs.iter_mut().for_each(|port| port.optional = true);
    let three = step(three, || Box::new(Ports(Vec::new())));
    let input = image(Extent::plane(9, 11));
    for connected in [vec![0, 1, 2], vec![2], vec![1], vec![0, 2], vec![2, 1]] {
        let mut written = None;
        let mut sinks = |_: usize, spec: &parfocal_image::ImageSpec| {
            let (sink, what) = strict_sink(spec, Extent::plane(16, 16));
            written = Some(what);
            Ok(sink)
        };
        let inputs: Vec<_> = connected.iter().map(|&port| (port, source(&input))).collect();
        let result = run(&three, &inputs, &mut sinks, &tiled(2, Extent::plane(4, 5))).unwrap();
        let mut ports = connected.clone();
        ports.sort_unstable();
        let line = format!("connected: {ports:?}");
        assert!(
            result.report.log.iter().any(|logged| logged.text == line),
            "what `plan` says is in the report"
        );
        let written = written.unwrap();
        let written = written.pixels.lock().unwrap();
        for (y, x) in [(0, 0), (8, 0), (3, 4), (8, 10)] {
            let expected = ports.iter().fold(0_u16, |sum, &port| {
                let beside = match (x, port) {
                    (0, 1) => at(input.pixels(), [0, 0, 0, y, 0]),
                    (0, _) => 0,
                    _ => at(input.pixels(), [0, 0, 0, y, x - 1]),
                };
                sum.wrapping_add(beside.wrapping_mul(u16::try_from(port).unwrap() + 1))
            });
            assert_eq!(at(&written, [0, 0, 0, y, x]), expected, "{ports:?} at {y} {x}");
        }
    }
}

#[test]
fn a_sequence_stays_inside_the_memory_that_was_announced() {
    let input = image(Extent::new(40, 1, 1, 96, 128));
    // The sink takes rows of the whole width: tiles of half of it leave a part of each time point waiting.
    for tile in [None, Some(Extent::plane(96, 64)), Some(Extent::plane(20, 30))] {
        let options = RunOptions { tile, ..options(2) };
        let (result, _) = run_into(
            &sum_along(Axis::T, &Arc::default()),
            &[source(&input)],
            Extent::plane(32, 128),
            &options,
        );
        let report = result.unwrap().report;
        assert!(report.peak_bytes <= report.estimate.peak_bytes, "{tile:?}: {report:?}");
        if tile.is_none() {
            assert_eq!(report.estimate.tile, Extent::plane(96, 128), "whole planes where they fit");
        }
    }
}

/// Insists that everything it is asked starts on its steps.
struct Strict;

impl Operator for Strict {
    fn plan(&mut self, inputs: &[InputSpec<'_>], _: &dyn Services) -> Result<Plan> {
        Ok(Plan::like(inputs[0].spec).tile_size(Axis::Y, 16, 64).tile_size(Axis::X, 24, 96))
    }

    fn required_input(&self, core: &Region) -> Result<Vec<InputRegion>> {
        for (axis, step, end) in [(Axis::Y, 16, 203), (Axis::X, 24, 317)] {
            assert_eq!(core.origin[axis as usize] % step, 0, "{core}");
            let size = i64::try_from(core.extent[axis]).unwrap();
            assert!(size % step == 0 || core.end(axis) == end, "{core}");
        }
        Ok(vec![InputRegion::new(0, *core)])
    }

    fn run(&mut self, tiles: &mut Tiles<'_>, services: &dyn Services) -> Result<()> {
        copy(tiles, services)
    }
}

#[test]
fn an_operator_is_asked_only_for_parts_that_its_plan_allows() {
    let strict = step(descriptor("strict", Kind::Map, &[("image", PortKind::Image)]), || Box::new(Strict));
    let input = image(Extent::plane(203, 317));
    let (result, written) = run_into(&strict, &[source(&input)], Extent::plane(32, 32), &options(2));
    result.unwrap();
    assert_eq!(written[0].bytes(), input.pixels().bytes());
}

/// Plans with a counter that all instances share, and shows what it is told to.
struct Fickle {
    plans: Arc<Mutex<u32>>,
    steady: bool,
}

impl Operator for Fickle {
    fn plan(&mut self, inputs: &[InputSpec<'_>], services: &dyn Services) -> Result<Plan> {
        let mut plans = self.plans.lock().unwrap();
        *plans += 1;
        services.log(LogLevel::Info, "planned");
        let plan = Plan::like(inputs[0].spec);
        Ok(if self.steady { plan } else { plan.with_memory(*plans) })
    }

    fn required_input(&self, core: &Region) -> Result<Vec<InputRegion>> {
        Ok(vec![InputRegion::new(0, *core)])
    }

    fn run(&mut self, tiles: &mut Tiles<'_>, services: &dyn Services) -> Result<()> {
        copy(tiles, services)
    }
}

#[test]
fn every_instance_plans_the_same_and_only_the_first_is_heard() {
    let input = image(Extent::plane(64, 64));
    for steady in [true, false] {
        let plans = Arc::default();
        let shared = Arc::clone(&plans);
        let fickle = step(descriptor("fickle", Kind::Map, &[("image", PortKind::Image)]), move || {
            Box::new(Fickle { plans: Arc::clone(&shared), steady })
        });
        let tiles = tiled(3, Extent::plane(16, 16));
        let (result, _) = run_into(&fickle, &[source(&input)], Extent::plane(16, 16), &tiles);
        if steady {
            let report = result.unwrap().report;
            assert_eq!((report.estimate.workers, *plans.lock().unwrap(), report.log.len()), (3, 3, 1));
        } else {
            let error = result.unwrap_err();
            assert!(error.message().contains("plans otherwise when it is asked again"), "{error}");
        }
    }
}

/// Shows its output more channels the further down it works.
struct Widening;

impl Operator for Widening {
    fn plan(&mut self, inputs: &[InputSpec<'_>], _: &dyn Services) -> Result<Plan> {
        Ok(Plan::like(inputs[0].spec))
    }

    fn required_input(&self, core: &Region) -> Result<Vec<InputRegion>> {
        let from = if core.origin[Axis::Y as usize] == 0 { 0 } else { core.origin[Axis::C as usize] };
        let size = u64::try_from(core.end(Axis::C) - from).unwrap();
        Ok(vec![InputRegion::new(0, core.with(Axis::C, from, size))])
    }

    fn run(&mut self, tiles: &mut Tiles<'_>, services: &dyn Services) -> Result<()> {
        copy(tiles, services)
    }
}

#[test]
fn channels_that_the_marks_do_not_account_for_are_not_handed_over() {
    let mut descriptor = descriptor("widening", Kind::Map, &[("image", PortKind::Image)]);
    descriptor.max_halo = [8; 5];
    let widening = step(descriptor, || Box::new(Widening));
    let input = image(Extent::new(1, 3, 1, 64, 64));
    let (result, _) =
        run_into(&widening, &[source(&input)], Extent::plane(16, 16), &tiled(1, Extent::plane(16, 16)));
    let error = result.unwrap_err();
    assert!(error.message().contains("asks for other channels here than elsewhere"), "{error}");
}
