//! Sizes: OPR-11, OPR-12, OPR-19.

use parfocal_image::{Axis, Buffer, Extent, ImageSpec, Region};
use parfocal_operator::{Input, InputRegion, InputSpec, Kind, Output, Padding, Plan, Tiles, Tiling};
use parfocal_testkit::{Cut, Image, Pattern, Quiet, Random, Setting};
use parfocal_types::{Error, Result};

use super::{differs, failed, honest, ran};
use crate::{
    case::{Case, Run},
    finding::{Check, Finding, OrFinding, said},
    scene::{Bench, Feed, Scene, Shape, is_refusal},
    state,
    transport::Transport,
};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "OPR-11",
        sentence: "Empty images are refused with a typed error, or give empty results.",
        demands: "An extent of 0 along each axis: `plan` refuses, or plans an output without pixels; nothing \
                  crashes, and no error says that something is broken.",
        why: "Empty fields and cropped regions occur in every screen.",
        fix: "Check for empty extents at the start of `plan`, before dividing by a size.",
        applies: super::plan::has_input,
        run: Run::Written(opr_11),
        ..Case::USUAL
    },
    Case {
        id: "OPR-12",
        sentence: "Tiny and odd images work: one pixel, one row, one column, primes, smaller than the halo.",
        demands: "Sizes 1 x 1, 1 x N, N x 1, 2 x 2, 3 x 5, 13 x 7 run, whole and in single pixels, with the \
                  same result, or are refused in `plan`.",
        why: "Edges of a mosaic are as small as they come, and most faults of indices show there.",
        fix: "Compute the pixels at the edges from what the padding gives, and never assume a row above.",
        applies: super::plan::has_input,
        run: Run::Written(opr_12),
        ..Case::USUAL
    },
    Case {
        id: "OPR-19",
        sentence: "Huge images work tile by tile, within the memory that the plan declares.",
        demands: "A virtual image of 32,768 x 32,768 pixels and one with more than 2^31: tiles at the far \
                  corner run, and give what the same pixels give elsewhere in the image, unless that depends on \
                  the place; in the case's own process they cost no more memory than declared.",
        why: "Indices of 32 bits overflow where nobody looks: in the last tile of a long night.",
        fix: "Compute offsets in 64 bits, from the tile's region; allocate by tile, not by image, and \
                  declare it.",
        applies: super::plan::has_input,
        run: Run::Written(opr_19),
        ..Case::USUAL
    },
];

fn opr_11(scene: &mut Scene<'_>) -> Check {
    let bench = scene.bench()?;
    let shape = bench.usual_shape()?;
    let setting = bench.settings().defaults().or_fail("the defaults lie outside of their own limits")?;
    let mut refused = 0;
    for axis in Axis::ALL {
        let mut extent = shape.extent;
        extent[axis] = 0;
        let feed = bench.feed(&shape.clone().sized(extent))?;
        let planned = bench.create(&setting.parameters).and_then(|mut operator| {
            let specs: Vec<_> = feed
                .images
                .iter()
                .map(|(port, image)| InputSpec { port: *port, spec: &image.spec })
                .collect();
            operator.plan(&specs, &Quiet)
        });
        match planned {
            Err(error) if is_refusal(error.kind()) => refused += 1,
            Err(error) => {
                return Err(said(
                    Finding::fail("an empty image ends in an error that is no refusal").with("size", extent),
                    &error,
                ));
            }
            Ok(plan) => {
                if let Some(output) = plan.outputs.iter().find(|output| !output.extent.is_empty()) {
                    return Err(Finding::fail("it plans pixels for an image that has none")
                        .with("size", extent)
                        .with("output", output.extent));
                }
                bench
                    .run(&setting.parameters, &feed, Cut::WHOLE)
                    .map_err(|error| failed(&error, &setting, &feed))?;
            }
        }
    }
    Ok(Finding::pass(format!("of five empty images {refused} are refused, and the others give nothing")))
}

/// Sides that tiles at the edge of a mosaic have.
const SIDES: [(u64, u64); 9] = [(1, 1), (1, 2), (2, 1), (1, 37), (37, 1), (2, 2), (3, 5), (13, 7), (29, 31)];

fn opr_12(scene: &mut Scene<'_>) -> Check {
    let bench = scene.bench()?;
    let shape = bench.usual_shape()?;
    let (mut ran_well, mut refused) = (0, 0);
    for setting in bench
        .settings()
        .words(scene.profile().pick(3, 12))
        .or_fail("the defaults lie outside of their own limits")?
    {
        for (height, width) in SIDES {
            let [_, c, z, ..] = shape.extent.0;
            let mut feed = bench.feed(&shape.clone().sized(Extent::new(1, c, z, height, width)))?;
            if !bench.accepts(&setting, &feed)? {
                let [t, ..] = shape.extent.0;
                feed = bench.feed(&shape.clone().sized(Extent::new(t, c, z, height, width)))?;
            }
            if !bench.accepts(&setting, &feed)? {
                refused += 1;
                continue;
            }
            let whole = ran(bench.run(&setting.parameters, &feed, Cut::WHOLE), &setting, &feed)?;
            honest(&whole, &setting, &feed)?;
            // Single pixels of the smallest; each tile of the others brings its whole halo along.
            let cut = if height * width <= 40 { Cut::in_plane(1, 2) } else { Cut::in_plane(11, 9) };
            let single = ran(bench.run(&setting.parameters, &feed, cut), &setting, &feed)?;
            if let Some(difference) = whole.difference(&single) {
                return Err(differs(
                    "tiny tiles give other pixels than the whole image",
                    &difference,
                    &setting,
                    &feed,
                ));
            }
            ran_well += 1;
        }
    }
    if ran_well == 0 {
        return Err(Finding::warn(format!("it refuses all of {refused} small images")));
    }
    Ok(Finding::pass(format!("{ran_well} small images run, {refused} are refused")))
}

/// A tile somewhere in an image that is in memory nowhere: its inputs show the same pixels wherever it lies.
struct Afar<'a> {
    bench: &'a Bench,
    setting: &'a Setting,
    extent: Extent,
    /// Where the content has its own zero.
    anchor: [i64; 2],
    core: Region,
}

/// What came of it: the pixels of each output, or the partial result, and what the plan declares.
struct Near {
    result: Vec<Vec<u8>>,
    plan: Plan,
}

impl Afar<'_> {
    fn run(&self) -> Result<Option<Near>> {
        let mut specs = Vec::new();
        for (number, port) in (0_u32..).zip(&self.bench.descriptor.inputs) {
            let mut spec = ImageSpec::new(
                self.extent,
                *port.dtypes.first().ok_or_else(|| Error::internal("no pixel type"))?,
            );
            spec.pixel_size = Shape::usual().pixel_size;
            if port.kind == parfocal_operator::PortKind::Labels {
                spec.channels
                    .iter_mut()
                    .for_each(|channel| channel.class = parfocal_image::PixelClass::Labels);
            }
            specs.push((number, spec));
        }
        let inputs: Vec<_> = specs.iter().map(|(port, spec)| InputSpec { port: *port, spec }).collect();
        let mut operator = self.bench.create(&self.setting.parameters)?;
        let plan = operator.plan(&inputs, &Quiet)?;
        if [Axis::Y, Axis::X].iter().any(|axis| plan.tiling[*axis as usize] != Tiling::Split) {
            return Ok(None);
        }
        let mut held = Vec::new();
        for (InputRegion { port, region, padding }, (_, spec)) in
            operator.required_input(&self.core)?.into_iter().zip(&specs)
        {
            let region = match padding {
                Padding::Clip => region.intersection(&Region::whole(spec.extent)),
                _ => region,
            };
            held.push((port, self.tile(spec, region)?));
        }
        let inputs: Vec<_> = held
            .iter()
            .map(|(port, buffer)| {
                Ok(Input { port: *port, pixels: buffer.pixels()?, full: self.extent, frames: &[] })
            })
            .collect::<Result<_>>()?;
        if self.bench.descriptor.kind == Kind::Reduce {
            let tiles = Tiles { core: self.core, inputs: &inputs, outputs: &mut [] };
            let partial = operator.accumulate(&tiles, &Quiet)?;
            return Ok(Some(Near { result: vec![partial], plan }));
        }
        let mut buffers = Vec::new();
        for spec in &plan.outputs {
            let mut buffer = Buffer::zeroed(spec.dtype, self.core)?;
            buffer.bytes_mut().fill(0xA5);
            buffers.push((buffer, spec.extent));
        }
        {
            let mut outputs = Vec::new();
            for (buffer, full) in &mut buffers {
                outputs.push(Output { pixels: buffer.pixels_mut()?, full: *full });
            }
            operator.run(&mut Tiles { core: self.core, inputs: &inputs, outputs: &mut outputs }, &Quiet)?;
        }
        let result = buffers.into_iter().map(|(buffer, _)| buffer.bytes().to_vec()).collect();
        Ok(Some(Near { result, plan }))
    }

    /// The pixels of a region: those that lie at the same distance from the anchor everywhere.
    fn tile(&self, spec: &ImageSpec, region: Region) -> Result<Buffer> {
        let mut small = spec.clone();
        small.extent = region.extent;
        let channels = usize::try_from(region.extent[Axis::C]).unwrap_or(1);
        small.channels.truncate(channels.max(1));
        let scale = parfocal_testkit::full_scale(&small);
        let labels = spec.channels.iter().any(|channel| channel.class == parfocal_image::PixelClass::Labels);
        let drawn = Image::drawn(small, |place| {
            let at = |axis: usize, anchor: i64| {
                (region.origin[axis] + i64::try_from(place[axis]).unwrap_or(0) - anchor).cast_unsigned()
            };
            let (y, x) = (at(3, self.anchor[0]), at(4, self.anchor[1]));
            if labels {
                return f64::from(u8::from((y / 16 + x / 16).is_multiple_of(2)));
            }
            scale * Random::new(y.wrapping_mul(0x1_0000_0001).wrapping_add(x)).fraction()
        })?;
        let mut buffer = Buffer::zeroed(spec.dtype, region)?;
        buffer.bytes_mut().copy_from_slice(drawn.pixels.bytes());
        Ok(buffer)
    }
}

fn opr_19(scene: &mut Scene<'_>) -> Check {
    let bench = scene.bench()?;
    let shape = bench.usual_shape()?;
    let setting = bench.settings().defaults().or_fail("the defaults lie outside of their own limits")?;
    let [t, c, z, ..] = shape.extent.0;
    let side = 64_i64;
    // A tile of one plane (all of the stack where that is one piece) at a place in the plane.
    let tile = |at: [i64; 2], plan: &Plan| {
        let mut core = Region::new(
            [0, 0, 0, at[0], at[1]],
            Extent::new(1, 1, 1, side.unsigned_abs(), side.unsigned_abs()),
        );
        for axis in [Axis::T, Axis::C, Axis::Z] {
            if plan.tiling[axis as usize] == Tiling::Whole {
                core.extent[axis] = [t, c, z][axis as usize];
            }
        }
        core
    };
    let usual = bench.feed(&shape)?;
    let (_, plan) = bench
        .drive(&setting.parameters, &Quiet, &parfocal_testkit::Loose::default(), |driver| {
            driver.plan(&usual.inputs())
        })
        .or_fail("`plan` refuses what it accepted before")?;
    let halo = i64::try_from(bench.max_halo(Axis::Y).max(bench.max_halo(Axis::X))).unwrap_or(0);
    let run = |extent: [u64; 2], at: [i64; 2]| {
        let extent = Extent::new(t, c, z, extent[0], extent[1]);
        let afar = Afar { bench: &bench, setting: &setting, extent, anchor: at, core: tile(at, &plan) };
        (extent, afar.run())
    };
    // Steps of tiles are kept: every place is a multiple of 64.
    let near = (halo + side).next_multiple_of_side(side);
    let small = u64::try_from(2 * near + 4 * side).unwrap_or(4096);
    let (extent, here) = run([small, small], [near, near]);
    let Some(here) = here.map_err(|error| failed(&error, &setting, &feed_of(extent)))? else {
        return Ok(Finding::na("it wants the plane whole, so that large planes are limited by memory"));
    };
    let (extent, moved) = run([small, small], [near, near + side]);
    let moved = moved.map_err(|error| failed(&error, &setting, &feed_of(extent)))?;
    let moves = moved.is_some_and(|moved| moved.result == here.result);
    let mut count = 0;
    for sides in [[32_768, 32_768], [70_000, 1_000_000], [3_000_000, 4_096.max(small)]] {
        let corner = |side_of: u64| (i64::try_from(side_of).unwrap_or(0) - near - side) / side * side;
        let at = [corner(sides[0]), corner(sides[1])];
        let counts = scene.transport() == Transport::Native && state::forget_peak();
        let before = state::resident();
        let (extent, there) = run(sides, at);
        let grown = if counts { state::peak().saturating_sub(before) } else { 0 };
        let there = match there {
            Ok(Some(there)) => there,
            Ok(None) => continue,
            Err(error) if is_refusal(error.kind()) => {
                return Err(said(
                    Finding::fail("a huge image is refused, though it can be cut").with("size", extent),
                    &error,
                ));
            }
            Err(error) => return Err(failed(&error, &setting, &feed_of(extent)).with("size", extent)),
        };
        count += 1;
        if moves && there.result != here.result {
            return Err(Finding::fail(
                "a tile far away in a huge image gives another result than the same content elsewhere",
            )
            .with("size", extent)
            .with("tile", format!("Y{} X{}", at[0], at[1])));
        }
        let declared =
            there.plan.bytes + u64::from(there.plan.bytes_per_pixel) * (side * side).unsigned_abs();
        // Halos and the tiles themselves are the host's; 32 MiB is room for both and for the allocator.
        if grown > declared + (32 << 20) {
            return Err(Finding::fail("a tile of a huge image costs far more memory than the plan declares")
                .with("size", extent)
                .with("declared bytes", declared)
                .measured("bytes", grown as f64));
        }
    }
    if count == 0 {
        return Ok(Finding::na(
            "it wants the plane of huge images whole, so that they are limited by memory",
        ));
    }
    let told = if moves {
        "and give what the same pixels give elsewhere"
    } else {
        "their results follow the place, and were not compared"
    };
    Ok(Finding::pass(format!("tiles of {count} huge images run, {told}")))
}

fn feed_of(extent: Extent) -> Feed {
    Feed { name: format!("a virtual image of {extent}, {:?}", Pattern::Noise), images: Vec::new() }
}

/// The next multiple of a tile's side.
trait Multiple {
    fn next_multiple_of_side(self, side: i64) -> i64;
}

impl Multiple for i64 {
    fn next_multiple_of_side(self, side: i64) -> i64 {
        (self + side - 1) / side * side
    }
}
