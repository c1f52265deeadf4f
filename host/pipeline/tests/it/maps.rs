//! Map and whole operators: tiles, halos and padding never show in the result.

use std::sync::{Arc, Mutex};

use parfocal_core::image::MemoryImage;
use parfocal_image::{Axis, Buffer, DType, Extent, ImageSpec, PixelClass, Region, Support, Supports};
use parfocal_operator::{
    InputRegion, InputSpec, Kind, Operator, Padding, Plan, PortKind, Services, ThreadSafety, Tiles, Tiling,
};
use parfocal_pipeline::{RunOptions, Step, check};
use parfocal_types::Result;

use crate::{
    kit::{at, descriptor, image, noise, options, port, run_into, source, step, tiled},
    operators::{BoxSum, Closure, copy, identity, pixel, running_sums},
};

#[test]
fn identity_gives_the_image_back_for_every_size_tile_and_grid() {
    for extent in
        [Extent::plane(1, 1), Extent::plane(37, 61), Extent::plane(512, 300), Extent::new(2, 3, 4, 17, 33)]
    {
        let input = image(extent);
        for grid in [Extent::plane(16, 16), Extent::plane(64, 1000), Extent::plane(7, 13)] {
            for tile in [None, Some(Extent::new(1, 1, 2, 10, 25)), Some(Extent::new(9, 9, 9, 999, 999))] {
                for threads in [1, 3] {
                    let options = RunOptions { tile, ..options(threads) };
                    let (result, written) = run_into(&identity(), &[source(&input)], grid, &options);
                    let report = result.unwrap().report;
                    assert!(written[0].is_finished());
                    assert_eq!(written[0].bytes(), input.pixels().bytes(), "{extent} {grid} {tile:?}");
                    assert!(
                        report.peak_bytes <= report.estimate.peak_bytes,
                        "announced less than taken: {report:?} {extent} {grid} {tile:?}"
                    );
                }
            }
        }
    }
}

/// Where a pixel comes from, spelled out step by step rather than by formula.
fn mirrored(mut position: i64, size: i64, padding: Padding) -> Option<i64> {
    loop {
        if (0..size).contains(&position) {
            return Some(position);
        }
        position = match (padding, position < 0) {
            (Padding::Clip | Padding::Zero, _) => return None,
            (Padding::Edge, true) => 0,
            (Padding::Edge, false) => size - 1,
            (Padding::Reflect, _) if size == 1 => 0,
            (Padding::Reflect, true) => -position,
            (Padding::Reflect, false) => 2 * (size - 1) - position,
            (Padding::Symmetric, true) => -1 - position,
            (Padding::Symmetric, false) => 2 * size - 1 - position,
        };
    }
}

/// The box sums of a whole image, pixel by pixel.
fn brute_force(filter: &BoxSum, input: &MemoryImage) -> Vec<u16> {
    use parfocal_core::ImageSource;
    let extent = input.spec().extent;
    (0..extent.count().unwrap())
        .map(|number| {
            let window = filter.window(&pixel(&Region::whole(extent), number));
            (0..window.extent.count().unwrap()).fold(0_u16, |sum, inner| {
                let place = pixel(&window, inner);
                let mut index = [0; 5];
                for axis in Axis::ALL {
                    let size = i64::try_from(extent[axis]).unwrap();
                    match mirrored(place.origin[axis as usize], size, filter.padding) {
                        Some(at) => index[axis as usize] = usize::try_from(at).unwrap(),
                        None => return sum,
                    }
                }
                sum.wrapping_add(at(input.pixels(), index))
            })
        })
        .collect()
}

const PADDINGS: [Padding; 5] =
    [Padding::Clip, Padding::Symmetric, Padding::Reflect, Padding::Edge, Padding::Zero];

#[test]
fn a_filter_with_halo_equals_brute_force_under_every_padding_also_when_the_halo_is_larger_than_the_image() {
    let cases = [
        (Extent::plane(23, 31), [[0, 0], [0, 0], [0, 0], [2, 2], [3, 1]]),
        (Extent::plane(3, 40), [[0, 0], [0, 0], [0, 0], [5, 4], [1, 2]]),
        (Extent::plane(1, 2), [[0, 0], [0, 0], [0, 0], [3, 3], [7, 0]]),
        (Extent::new(1, 1, 5, 9, 8), [[0, 0], [0, 0], [2, 1], [1, 1], [1, 1]]),
        (Extent::new(3, 2, 2, 5, 6), [[1, 2], [0, 0], [3, 3], [0, 2], [1, 0]]),
    ];
    let tiles = [
        None,
        Some(Extent::new(1, 1, 1, 1, 1)),
        Some(Extent::new(1, 1, 1, 4, 3)),
        Some(Extent::new(2, 1, 2, 5, 7)),
        Some(Extent::new(1, 1, 1, 100, 5)),
    ];
    for (extent, halo) in cases {
        let input = image(extent);
        for padding in PADDINGS {
            let filter = BoxSum { halo, padding };
            let expected = brute_force(&filter, &input);
            for tile in tiles {
                for threads in [1, 2, 4] {
                    let options = RunOptions { tile, ..options(threads) };
                    let grid = Extent::plane(4, 5);
                    let (result, written) = run_into(&filter.step(), &[source(&input)], grid, &options);
                    let report = result.unwrap().report;
                    assert_eq!(written[0].values(), expected, "{extent} {filter:?} {tile:?} {threads}");
                    assert!(report.peak_bytes <= report.estimate.peak_bytes, "{report:?}");
                }
            }
        }
    }
}

#[test]
fn random_sizes_tiles_grids_and_halos_never_show() {
    let mut state = 0;
    let mut draw = |bound: u16| {
        state += 1;
        u64::from(noise(state) % bound)
    };
    for round in 0..150 {
        let extent = Extent::new(1 + draw(3), 1 + draw(2), 1 + draw(4), 1 + draw(20), 1 + draw(20));
        let halo: [[u8; 2]; 5] = std::array::from_fn(|axis| {
            let bound = [2, 1, 3, 5, 5][axis];
            [draw(bound), draw(bound)].map(|size| u8::try_from(size).unwrap())
        });
        let padding = PADDINGS[usize::try_from(draw(5)).unwrap()];
        let tile = Extent::new(1 + draw(2), 1, 1 + draw(3), 1 + draw(22), 1 + draw(22));
        let grid = Extent::plane(1 + draw(12), 1 + draw(12));
        let filter = BoxSum { halo, padding };
        let input = image(extent);
        let (result, written) = run_into(&filter.step(), &[source(&input)], grid, &tiled(2, tile));
        let report = result.unwrap().report;
        let what = format!("round {round}: {extent} {filter:?} tile {tile} grid {grid}");
        assert_eq!(written[0].values(), brute_force(&filter, &input), "{what}");
        assert!(report.peak_bytes <= report.estimate.peak_bytes, "{what}: {report:?}");
    }
}

#[test]
fn an_axis_that_is_needed_whole_comes_whole() {
    let input = image(Extent::new(1, 1, 2, 300, 200));
    let (_, whole) = run_into(
        &running_sums(),
        &[source(&input)],
        Extent::plane(512, 512),
        &tiled(1, Extent::plane(300, 200)),
    );
    let last = usize::from(at(&whole[0].pixels.lock().unwrap(), [0, 0, 1, 299, 7]));
    let sum: usize = (0..300).map(|y| usize::from(at(input.pixels(), [0, 0, 1, y, 7]))).sum();
    assert_eq!(last, sum % 65536);
    for (threads, tile) in [(1, 64), (2, 33), (4, 1)] {
        let tile = Extent::new(1, 1, 1, 10, tile);
        let (result, written) =
            run_into(&running_sums(), &[source(&input)], Extent::plane(64, 64), &tiled(threads, tile));
        assert_eq!(result.unwrap().report.estimate.tile, Extent::plane(300, tile[Axis::X]));
        assert_eq!(written[0].bytes(), whole[0].bytes());
    }
}

#[test]
fn an_operator_that_works_row_by_row_still_fills_the_pieces_of_the_sink() {
    let rows = step(descriptor("rows", Kind::Map, &[("image", PortKind::Image)]), || {
        let run = |tiles: &mut Tiles<'_>, services: &dyn Services| {
            assert_eq!(tiles.core.extent[Axis::Y], 1);
            copy(tiles, services)
        };
        Box::new(Closure { plan: |spec| Plan::like(spec).tiled(Axis::Y, Tiling::Each), run })
    });
    let input = image(Extent::new(1, 1, 2, 70, 90));
    let (result, written) = run_into(&rows, &[source(&input)], Extent::plane(32, 32), &options(2));
    let report = result.unwrap().report;
    assert_eq!(written[0].bytes(), input.pixels().bytes());
    assert_eq!(report.estimate.tiles, 140);
    assert!(report.peak_bytes <= report.estimate.peak_bytes, "{report:?}");
}

/// Gives the sum over all channels, and the image with Z turned round: one output is smaller along C, which comes
/// whole, and the other as large as the input.
struct TwoOutputs;

impl Operator for TwoOutputs {
    fn plan(&mut self, inputs: &[InputSpec<'_>], _: &dyn Services) -> Result<Plan> {
        let mut sum = inputs[0].spec.clone();
        sum.extent[Axis::C] = 1;
        sum.channels.truncate(1);
        let mut plan = Plan::like(inputs[0].spec).tiled(Axis::C, Tiling::Whole);
        plan.outputs.push(sum);
        Ok(plan)
    }

    fn required_input(&self, core: &Region) -> Result<Vec<InputRegion>> {
        Ok(vec![InputRegion::new(0, *core)])
    }

    fn run(&mut self, tiles: &mut Tiles<'_>, services: &dyn Services) -> Result<()> {
        copy(tiles, services)?;
        let input = tiles.inputs[0].pixels.view::<u16>()?;
        let mut output = tiles.outputs[1].pixels.view_mut::<u16>()?;
        assert_eq!(output.extent()[Axis::C], 1);
        for y in 0..input.height() {
            let row = output.row_mut(0, 0, 0, y);
            row.fill(0);
            for c in 0..2 {
                for (sum, value) in row.iter_mut().zip(input.row(0, c, 0, y)) {
                    *sum += value;
                }
            }
        }
        Ok(())
    }
}

#[test]
fn outputs_may_differ_in_size_along_axes_that_come_whole() {
    let outputs = [("image", PortKind::Image), ("sum", PortKind::Image)];
    let two = step(descriptor("two", Kind::Map, &outputs), || Box::new(TwoOutputs));
    let input = image(Extent::new(2, 2, 3, 40, 50));
    let (result, written) = run_into(&two, &[source(&input)], Extent::plane(16, 16), &options(2));
    let images = result.unwrap().images;
    assert_eq!(
        images.iter().map(|(port, spec)| (*port, spec.extent[Axis::C])).collect::<Vec<_>>(),
        [(0, 2), (1, 1)]
    );
    assert_eq!(written[0].bytes(), input.pixels().bytes());
    let sums = written[1].pixels.lock().unwrap();
    for place in [[0, 0, 0, 0, 0], [1, 0, 2, 39, 49], [1, 0, 1, 20, 3]] {
        let second = [place[0], 1, place[2], place[3], place[4]];
        assert_eq!(at(&sums, place), at(input.pixels(), place) + at(input.pixels(), second));
    }
}

/// Every second pixel along Y and X: the output is smaller than the input.
struct Half;

impl Operator for Half {
    fn plan(&mut self, inputs: &[InputSpec<'_>], _: &dyn Services) -> Result<Plan> {
        let mut plan = Plan::like(inputs[0].spec);
        for axis in [Axis::Y, Axis::X] {
            plan.outputs[0].extent[axis] = plan.outputs[0].extent[axis].div_ceil(2);
        }
        Ok(plan)
    }

    fn required_input(&self, core: &Region) -> Result<Vec<InputRegion>> {
        let double = |region: Region, axis: Axis| {
            region.with(axis, 2 * region.origin[axis as usize], 2 * region.extent[axis])
        };
        Ok(vec![InputRegion::new(0, double(double(*core, Axis::Y), Axis::X))])
    }

    fn run(&mut self, tiles: &mut Tiles<'_>, _: &dyn Services) -> Result<()> {
        let input = tiles.inputs[0].pixels.view::<u16>()?;
        for (y, row) in tiles.outputs[0].pixels.view_mut::<u16>()?.rows_mut().enumerate() {
            for (to, from) in row.iter_mut().zip(input.row(0, 0, 0, 2 * y).iter().step_by(2)) {
                *to = *from;
            }
        }
        Ok(())
    }
}

#[test]
fn a_change_of_scale_reads_the_right_part_of_the_input() {
    let half = step(descriptor("half", Kind::Map, &[("image", PortKind::Image)]), || Box::new(Half));
    let input = image(Extent::plane(101, 203));
    for tile in [Extent::plane(51, 102), Extent::plane(10, 7)] {
        let (result, written) = run_into(&half, &[source(&input)], Extent::plane(8, 8), &tiled(2, tile));
        assert_eq!(result.unwrap().images[0].1.extent, Extent::plane(51, 102));
        let half = written[0].pixels.lock().unwrap();
        for (y, x) in [(0, 0), (50, 101), (13, 77)] {
            assert_eq!(at(&half, [0, 0, 0, y, x]), at(input.pixels(), [0, 0, 0, 2 * y, 2 * x]));
        }
    }
}

#[test]
fn an_operator_with_global_state_is_never_called_twice_at_once() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static INSTANCES: AtomicUsize = AtomicUsize::new(0);
    let mut single = descriptor("single", Kind::Map, &[("image", PortKind::Image)]);
    single.threads = ThreadSafety::Single;
    let single = step(single, || {
        INSTANCES.fetch_add(1, Ordering::SeqCst);
        Box::new(Closure { plan: Plan::like, run: copy })
    });
    let input = image(Extent::plane(200, 200));
    let (result, _) =
        run_into(&single, &[source(&input)], Extent::plane(16, 16), &tiled(4, Extent::plane(16, 16)));
    assert_eq!(result.unwrap().report.estimate.workers, 1);
    assert_eq!(INSTANCES.load(Ordering::SeqCst), 1);
}

#[test]
fn progress_never_falls_ends_at_one_and_is_not_a_flood() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&told);
    let mut options = tiled(3, Extent::plane(4, 4));
    options.progress = Some(Arc::new(move |fraction| listener.lock().unwrap().push(fraction)));
    let input = image(Extent::plane(120, 120));
    run_into(&identity(), &[source(&input)], Extent::plane(4, 4), &options).0.unwrap();
    let told = told.lock().unwrap();
    assert!(told.is_sorted() && told.len() <= 200 && told.len() > 100, "{}", told.len());
    assert!((told.last().unwrap() - 1.0).abs() < f64::EPSILON);
}

#[test]
fn each_channel_inherits_from_its_own_where_channels_are_worked_on_one_by_one() {
    let mut spec = crate::kit::measured(ImageSpec::new(Extent::new(1, 2, 1, 8, 8), DType::U16));
    spec.channels[1].class = PixelClass::Predicted;
    spec.channels[1].supports = Supports::of(&[Support::Localisation]);
    let classes = |step: &Step| -> Vec<_> {
        check(step, &[(0, spec.clone())]).unwrap()[0]
            .1
            .channels
            .iter()
            .map(|channel| (channel.class, channel.supports))
            .collect()
    };
    let localisation = Supports::of(&[Support::Localisation]);
    let apart = [(PixelClass::Derived, Supports::ALL), (PixelClass::Predicted, localisation)];
    assert_eq!(classes(&identity()), apart);
    let two = [("image", PortKind::Image), ("sum", PortKind::Image)];
    let together = step(descriptor("two", Kind::Map, &two), || Box::new(TwoOutputs));
    assert_eq!(classes(&together), [apart[1], apart[1]]);
    let neighbours = BoxSum { halo: [[0, 0], [0, 1], [0, 0], [0, 0], [0, 0]], padding: Padding::Clip };
    assert_eq!(classes(&neighbours.step()), [apart[1], apart[1]]);
}

#[test]
fn a_second_input_is_read_at_its_own_place_and_may_be_left_out() {
    struct Difference(usize);
    impl Operator for Difference {
        fn plan(&mut self, inputs: &[InputSpec<'_>], _: &dyn Services) -> Result<Plan> {
            self.0 = inputs.len();
            Ok(Plan::like(inputs[0].spec))
        }
        fn required_input(&self, core: &Region) -> Result<Vec<InputRegion>> {
            let both = [InputRegion::new(0, *core), InputRegion::new(1, core.with(Axis::C, 0, 1))];
            Ok(both[..self.0].to_vec())
        }
        fn run(&mut self, tiles: &mut Tiles<'_>, services: &dyn Services) -> Result<()> {
            copy(tiles, services)?;
            let Some(second) = tiles.inputs.get(1) else { return Ok(()) };
            let second = second.pixels.view::<u16>()?;
            for (to, from) in tiles.outputs[0].pixels.view_mut::<u16>()?.rows_mut().zip(second.rows()) {
                to.iter_mut().zip(from).for_each(|(to, from)| *to = to.wrapping_sub(*from));
            }
            Ok(())
        }
    }
    let mut both = descriptor("difference", Kind::Map, &[("image", PortKind::Image)]);
    both.inputs.push(port("background"));
    both.inputs[1].optional = true;
    let both = step(both, || Box::new(Difference(0)));
    let input = image(Extent::new(1, 3, 1, 30, 30));
    let flat = Region::whole(Extent::plane(30, 30));
    let spec = ImageSpec::new(flat.extent, DType::U16);
    let flat = MemoryImage::new(spec, Buffer::from_slice(&[5_u16; 900], flat).unwrap()).unwrap();
    let grid = Extent::plane(16, 16);
    let (_, with) = run_into(&both, &[source(&input), source(&flat)], grid, &options(2));
    let (_, without) = run_into(&both, &[source(&input)], grid, &options(2));
    let expected: Vec<u16> = without[0].values().iter().map(|value| value.wrapping_sub(5)).collect();
    assert_eq!(with[0].values(), expected);
}
