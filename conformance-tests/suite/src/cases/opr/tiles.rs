//! Tiles: OPR-05, OPR-06, OPR-07.

use parfocal_image::{Axis, Region};
use parfocal_operator::{Kind, Padding};
use parfocal_testkit::{Cut, Loose, Merging, Outcome, Quiet, Random, Setting, Work};

use super::{differs, honest, ran};
use crate::{
    case::{Case, Run},
    finding::{Check, Finding, OrFinding},
    scene::{Bench, Feed, Scene},
    status::Badge,
};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "OPR-05",
        sentence: "Tiles give the pixels of the whole image, however it is cut.",
        demands: "The image in one piece and in tiles of four sizes at three offsets give the same pixels, tables and records, to the \
                  last bit; where the plan asks for tile sizes, those are cut.",
        why: "The size of a tile follows from the memory of the machine: a result must not.",
        fix: "Look no further than the halo that `required_input` asks for, compute positions from the tile's region, and \
              sum in an order that does not depend on the tile (or exactly).",
        badge: Some(Badge::TileExact),
        run: Run::Written(opr_05),
        ..Case::USUAL
    },
    Case {
        id: "OPR-06",
        sentence: "Nothing beyond the halo that it asks for changes a tile, and no halo is asked for in vain.",
        demands: "Pixels outside of the region that `required_input` names are changed: the tile's pixels or partial result stay \
                  the same; the halo stays within `max-halo`. A warning, no failure: the outermost pixels of the halo change \
                  nothing at all.",
        why: "Hosts read only what is asked for; a halo that is too large costs time with every tile.",
        fix: "Ask for exactly what `run` reads. A difference here usually means that the position in the image, or a \
              neighbouring tile's memory, is used.",
        badge: Some(Badge::BoundedHalo),
        run: Run::Written(opr_06),
        ..Case::USUAL
    },
    Case {
        id: "OPR-07",
        sentence: "The order of the tiles, and how many instances share them, does not matter.",
        demands: "Tiles in raster, reversed and two random orders, on one, two and four instances, and in parallel on four threads \
                  give the same bytes; partial results are joined left to right and in pairs.",
        why: "Schedulers take tiles as they come, and the number of threads is the machine's.",
        fix: "Keep nothing in the instance between tiles but what follows from the plan; make `merge` associative.",
        badge: Some(Badge::TileExact),
        run: Run::Written(opr_07),
        ..Case::USUAL
    },
];

/// Tiles that meet at uneven places: a few pixels, narrow, wide, larger than most halos.
const CUTS: [Cut; 4] =
    [Cut::in_plane(7, 9), Cut::in_stack(2, 16, 5), Cut::in_plane(5, 40), Cut::in_stack(1, 31, 32)];

fn opr_05(scene: &mut Scene<'_>) -> Check {
    let bench = scene.bench()?;
    let trials = bench.trials()?;
    let mut count = 0;
    for (number, (setting, feed)) in trials.iter().enumerate() {
        let whole = ran(bench.run(&setting.parameters, feed, Cut::WHOLE), setting, feed)?;
        honest(&whole, setting, feed)?;
        // Every size and offset with the first images; one of them, in turn, with the others.
        let offsets = [[0, 0, 0], [1, 3, 4], [0, 6, 1]];
        let all = CUTS.iter().flat_map(|cut| offsets.iter().map(move |[z, y, x]| cut.shifted(*z, *y, *x)));
        let cuts: Vec<_> = match number {
            0 => all.collect(),
            _ => all.skip(number % 12).step_by(7).collect(),
        };
        for cut in cuts {
            let tiled = ran(bench.run(&setting.parameters, feed, cut), setting, feed)?;
            honest(&tiled, setting, feed)?;
            count += 1;
            if let Some(difference) = whole.difference(&tiled) {
                return Err(differs(
                    "tiles give other pixels than the whole image",
                    &difference,
                    setting,
                    feed,
                )
                .with("tiles", format!("{:?} from {:?}", cut.tile, cut.offset)));
            }
        }
    }
    Ok(Finding::pass(format!("{count} cuts of {} images give what the whole image gives", trials.len())))
}

/// What one tile gives: its pixels, or its partial result.
struct Probe<'a> {
    bench: &'a Bench,
    setting: &'a Setting,
    core: Region,
}

impl Probe<'_> {
    fn outcome(&self, feed: &Feed) -> Result<Outcome, Finding> {
        let core = self.core;
        let result = self.bench.drive(&self.setting.parameters, &Quiet, &Loose::default(), |mut driver| {
            driver.instances = 1;
            driver.run_over(&feed.inputs(), &|_| vec![core])
        });
        ran(result, self.setting, feed)
    }
}

fn opr_06(scene: &mut Scene<'_>) -> Check {
    let bench = scene.bench()?;
    let mut random = scene.random();
    let (mut tried, mut idle) = (0, Vec::new());
    for (setting, feed) in &bench.trials()? {
        let planned = bench.drive(&setting.parameters, &Quiet, &Loose::default(), |driver| {
            let (operator, plan) = driver.plan(&feed.inputs())?;
            let work = Work::of(&bench.descriptor, &plan, feed.images.first().map(|(_, image)| &image.spec));
            // A tile in the middle of a plane, so that there is something around it.
            let tiles = Cut::in_plane(6, 8).tiles(&work);
            let middle = Region::new(
                work.extent.0.map(|size| (size / 2).cast_signed()),
                parfocal_image::Extent([1; 5]),
            );
            let core = tiles
                .iter()
                .find(|tile| tile.contains(&middle))
                .or(tiles.first())
                .copied()
                .unwrap_or_default();
            let required = operator.required_input(&core)?;
            Ok((core, required, work.sequence))
        });
        let (core, required, sequence) = planned.or_fail("`plan` refuses what it accepted before")?;
        if sequence.is_some() {
            // What a frame of a sequence depends on is what came before; OPR-18 is about that.
            continue;
        }
        let probe = Probe { bench: &bench, setting, core };
        let before = probe.outcome(feed)?;
        honest(&before, setting, feed)?;
        for (index, required) in required.iter().enumerate() {
            let changed = changed_outside(feed, index, &required.region, required.padding, &mut random)?;
            let Some(changed) = changed else { continue };
            tried += 1;
            let after = probe.outcome(&changed)?;
            if let Some(difference) = before.difference(&after) {
                return Err(differs("pixels beyond the halo change the tile", &difference, setting, feed)
                    .with("tile", core)
                    .with("asked for", required.region));
            }
            if let Some(edge) = idle_edge(&probe, feed, index, &required.region, &before)? {
                idle.push(format!("{}: {edge}", setting.name));
            }
        }
    }
    if tried == 0 {
        return Ok(Finding::na("nothing of an image lies beyond what it asks for"));
    }
    if idle.is_empty() {
        return Ok(Finding::pass(format!("{tried} tiles do not see beyond their halo, and use all of it")));
    }
    Ok(Finding::warn("the outermost pixels of its halo change nothing: it asks for more than it uses")
        .with("halo", idle.join("; ")))
}

/// The feed with every pixel of one input changed that lies outside of the region, unless there is none. Mirroring and
/// repeating take their pixels from inside the region as long as it reaches the image's edge, so nothing is left out.
pub(super) fn changed_outside(
    feed: &Feed,
    index: usize,
    region: &Region,
    padding: Padding,
    random: &mut Random,
) -> Result<Option<Feed>, Finding> {
    let mut changed = feed.clone();
    let Some((_, image)) = changed.images.get_mut(index) else { return Ok(None) };
    let full = Region::whole(image.spec.extent);
    if region.contains(&full) {
        return Ok(None);
    }
    let reaches_out = !full.contains(region);
    if reaches_out && !matches!(padding, Padding::Clip | Padding::Zero) {
        // A mirror deeper than the region would show pixels beyond it: such tiles are none to judge by.
        let deep = Axis::ALL.iter().any(|&axis| {
            let inside = region.intersection(&full).extent[axis];
            region.extent[axis] > 2 * inside
        });
        if deep {
            return Ok(None);
        }
    }
    let scale = parfocal_testkit::full_scale(&image.spec);
    let spec = image.spec.clone();
    let old = image.clone();
    let inside = |place: [u64; 5]| {
        Axis::ALL.iter().all(|&axis| {
            let position = i64::try_from(place[axis as usize]).unwrap_or(i64::MAX);
            position >= region.origin[axis as usize] && position < region.end(axis)
        })
    };
    let drawn = parfocal_testkit::Image::drawn(spec, |place| {
        let value = old.value(place).unwrap_or(0.0);
        if inside(place) {
            return value;
        }
        if scale <= 1.0 {
            1.0 - value
        } else {
            (value + scale * (0.25 + 0.5 * random.fraction())) % (scale + 1.0)
        }
    });
    *image = drawn.or_suite_error("a test image cannot be made")?;
    Ok(Some(changed))
}

/// Which edge of the halo changes nothing, if one does. Tried only well inside the image, for operators whose tile is
/// pixels.
fn idle_edge(
    probe: &Probe<'_>,
    feed: &Feed,
    index: usize,
    region: &Region,
    before: &Outcome,
) -> Result<Option<String>, Finding> {
    let Some((_, image)) = feed.images.get(index) else { return Ok(None) };
    let full = Region::whole(image.spec.extent);
    if probe.bench.descriptor.kind != Kind::Map || !full.contains(region) {
        return Ok(None);
    }
    for axis in [Axis::Y, Axis::X] {
        let halo = probe.core.origin[axis as usize] - region.origin[axis as usize];
        if halo <= 0 || region.extent[axis] == full.extent[axis] {
            continue;
        }
        let edge = region.with(axis, region.origin[axis as usize], 1);
        let scale = parfocal_testkit::full_scale(&image.spec);
        let mut moved = false;
        // Brighter and darker: a maximum sees one of them, a minimum the other.
        for target in [scale, 0.0] {
            let mut changed = feed.clone();
            let Some((_, image)) = changed.images.get_mut(index) else { continue };
            let old = image.clone();
            let drawn = parfocal_testkit::Image::drawn(image.spec.clone(), |place| {
                let here = place.map(|index| i64::try_from(index).unwrap_or(i64::MAX));
                let inside = edge.contains(&Region::new(here, parfocal_image::Extent([1; 5])));
                if inside { target } else { old.value(place).unwrap_or(0.0) }
            });
            *image = drawn.or_suite_error("a test image cannot be made")?;
            moved |= before.difference(&probe.outcome(&changed)?).is_some();
        }
        if !moved {
            return Ok(Some(format!("{halo} pixels along {}", axis.letter())));
        }
    }
    Ok(None)
}

fn opr_07(scene: &mut Scene<'_>) -> Check {
    let bench = scene.bench()?;
    let mut random = scene.random();
    let trials = bench.trials()?;
    let cut = Cut::in_stack(2, 13, 17);
    let mut count = 0;
    for (setting, feed) in &trials {
        let expected = ran(bench.run(&setting.parameters, feed, cut), setting, feed)?;
        let orders = ["reversed", "random", "another random", "parallel"];
        for (number, order) in orders.into_iter().enumerate() {
            let mut shuffled = Random::new(random.bits());
            let result = bench.drive(&setting.parameters, &Quiet, &Loose::default(), |mut driver| {
                driver.instances = [1, 2, 4, 4][number].min(bench.most_instances());
                driver.threads = order == "parallel";
                driver.merging = if number % 2 == 0 { Merging::InPairs } else { Merging::LeftToRight };
                driver.run_over(&feed.inputs(), &|work| {
                    let mut tiles = cut.tiles(work);
                    match order {
                        "reversed" => tiles.reverse(),
                        "parallel" => {}
                        _ => {
                            let mut own = shuffled.clone();
                            own.shuffle(&mut tiles);
                        }
                    }
                    tiles
                })
            });
            shuffled.bits();
            let found = ran(result, setting, feed)?;
            count += 1;
            if let Some(difference) = expected.difference(&found) {
                return Err(differs(
                    "another order of the tiles gives another result",
                    &difference,
                    setting,
                    feed,
                )
                .with("order", order));
            }
        }
    }
    Ok(Finding::pass(format!("{count} orders of the tiles of {} images give the same bytes", trials.len())))
}
