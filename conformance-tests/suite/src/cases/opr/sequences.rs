//! Time points and sequences: OPR-18.

use parfocal_image::{Axis, Extent, Region};
use parfocal_operator::{Kind, Padding, Tiling};
use parfocal_testkit::{Cut, Image, Loose, Outcome, Quiet, Random, Setting, Work};

use super::{differs, honest, ran, tiles::changed_outside};
use crate::{
    case::{Case, Run},
    finding::{Check, Finding, OrFinding},
    scene::{Bench, Feed, Scene},
    status::Badge,
};

pub(super) const CASES: &[Case] = &[Case {
    id: "OPR-18",
    sentence: "Frames stay in their order, and a sequence remembers nothing of the one before.",
    demands: "Several time points give what each gives by itself, for operators without a temporal window; \
                  operators that see positions in order give the same for a sequence after `reset` as for the \
                  first; frames outside of the declared window change nothing. An operator that sees them in \
                  order and declares no frame before it may remember all of them.",
    why: "A stain from the last well in this one is a wrong experiment.",
    fix: "Forget everything in `reset`, and declare the temporal window that is really looked at.",
    badge: Some(Badge::Sequence),
    applies: super::plan::has_input,
    run: Run::Written(opr_18),
    ..Case::USUAL
}];

fn opr_18(scene: &mut Scene<'_>) -> Check {
    let bench = scene.bench()?;
    let usual = bench.usual_shape()?;
    let setting = bench.settings().defaults().or_fail("the defaults lie outside of their own limits")?;
    let window = window(&bench);
    let mut random = scene.random();
    let mut told = Vec::new();
    for setting in std::iter::once(setting).chain(
        bench
            .settings()
            .words(4)
            .or_fail("the defaults lie outside of their own limits")?
            .into_iter()
            .skip(1),
    ) {
        // Three frames of what it usually takes, and those beyond its window, where it takes them.
        let mut extent = usual.extent;
        extent[Axis::T] = extent[Axis::T].max(3 + window.iter().sum::<u64>()).min(MOST_FRAMES);
        let feed = bench.feed(&usual.clone().sized(extent))?;
        if !bench.accepts(&setting, &feed)? {
            continue;
        }
        let planned =
            bench.drive(&setting.parameters, &Quiet, &Loose::default(), |driver| driver.plan(&feed.inputs()));
        let (_, plan) = planned.or_fail("`plan` refuses what it accepted before")?;
        let work = Work::of(&bench.descriptor, &plan, feed.images.first().map(|(_, image)| &image.spec));
        let one = |feed: &Feed| {
            let result = bench.drive(&setting.parameters, &Quiet, &Loose::default(), |mut driver| {
                driver.instances = 1;
                driver.run(&feed.inputs(), Cut::WHOLE)
            });
            ran(result, &setting, feed)
        };
        let all = one(&feed)?;
        honest(&all, &setting, &feed)?;
        let mut seen = window;
        if work.sequence == Some(Axis::T) && seen[0] == 0 {
            // An average over all that came declares no number: it may remember as long as it lives.
            seen[0] = extent[Axis::T];
        }
        let held = if plan.tiling[0] != Tiling::Whole && bench.descriptor.kind == Kind::Map {
            beyond_the_window(seen, &setting, &feed, &all, &one, &mut random)?
        } else {
            false
        };
        if let Some(axis) = work.sequence {
            sequences(&bench, &setting, &feed, axis, &all, &one)?;
            told.push(format!("sequences along {} are kept apart", axis.letter()));
            continue;
        }
        let whole = plan.tiling[0] == Tiling::Whole;
        let over = bench.descriptor.kind == Kind::Reduce && plan.reduce_over[0];
        if whole || over {
            told.push("it looks at all time points at once".into());
            continue;
        }
        if window != [0, 0] && !held {
            continue;
        }
        if window != [0, 0] {
            let [before, after] = window;
            told.push(format!("it sees {before} frames before and {after} after, and no further"));
            continue;
        }
        frames(&setting, &feed, &all, &one)?;
        told.push(format!("{} frames give what each gives by itself", extent[Axis::T]));
    }
    told.sort();
    told.dedup();
    if told.is_empty() {
        return Ok(Finding::na("it accepts no images of several time points"));
    }
    Ok(Finding::pass(told.join("; ")))
}

/// The most time points that are tried; a window that is longer than these is not.
const MOST_FRAMES: u64 = 64;

/// How many frames before and after one it may see.
fn window(bench: &Bench) -> [u64; 2] {
    let halo = bench.descriptor.max_halo[0];
    bench.descriptor.temporal_window.map(|frames| u64::from(frames.max(halo)))
}

/// Frames that lie outside of the window of one frame are changed, and that one stays as it was: the first, the last, and one
/// in the middle. Whether any was.
fn beyond_the_window(
    [before, after]: [u64; 2],
    setting: &Setting,
    feed: &Feed,
    all: &Outcome,
    one: &dyn Fn(&Feed) -> Result<Outcome, Finding>,
    random: &mut Random,
) -> Result<bool, Finding> {
    let Some((_, image)) = feed.images.first() else { return Ok(false) };
    let mut held = false;
    let count = image.spec.extent[Axis::T];
    let mut frames = vec![0, count / 2, count.saturating_sub(1)];
    frames.dedup();
    for t in frames {
        let (first, last) = (t.saturating_sub(before), (t + after + 1).min(count));
        if last - first == count {
            continue;
        }
        let mut changed = feed.clone();
        for index in 0..feed.images.len() {
            let Some((_, image)) = feed.images.get(index) else { continue };
            let seen = Region::whole(image.spec.extent).with(Axis::T, first.cast_signed(), last - first);
            if let Some(next) = changed_outside(&changed, index, &seen, Padding::Clip, random)? {
                changed = next;
            }
        }
        let found = one(&changed)?;
        for (expected, found) in all.images.iter().zip(&found.images) {
            let frame = |image: &Image| {
                let region = Region::whole(image.spec.extent).with(Axis::T, t.cast_signed(), 1);
                let part = image.part(&region).or_suite_error("an output cannot be cut")?;
                Ok::<_, Finding>(Outcome { images: vec![part], ..Outcome::default() })
            };
            if expected.spec.extent[Axis::T] != count || found.spec.extent[Axis::T] != count {
                continue;
            }
            held = true;
            if let Some(difference) = frame(expected)?.difference(&frame(found)?) {
                let sentence = "frames outside of its declared window change a frame";
                return Err(differs(sentence, &difference, setting, feed)
                    .with("time point", t)
                    .with("window", format!("{before} before, {after} after")));
            }
        }
    }
    Ok(held)
}

/// Cuts every image of a feed along an axis.
fn cut(feed: &Feed, axis: Axis, start: u64, size: u64) -> Result<Feed, Finding> {
    let images = feed.images.iter().map(|(port, image)| {
        let region = Region::whole(image.spec.extent).with(axis, i64::try_from(start).unwrap_or(0), size);
        Ok((*port, image.part(&region)?))
    });
    let images =
        images.collect::<parfocal_types::Result<_>>().or_suite_error("a test image cannot be made")?;
    Ok(Feed {
        name: format!("{} {}{start}..{} of {}", axis.letter(), axis.letter(), start + size, feed.name),
        images,
    })
}

/// Each time point by itself gives its part of the whole.
fn frames(
    setting: &Setting,
    feed: &Feed,
    all: &Outcome,
    one: &dyn Fn(&Feed) -> Result<Outcome, Finding>,
) -> Result<(), Finding> {
    let count = feed.images.first().map_or(0, |(_, image)| image.spec.extent[Axis::T]);
    for t in 0..count {
        let alone = one(&cut(feed, Axis::T, t, 1)?)?;
        let mut expected = Outcome::default();
        for image in &all.images {
            let region = Region::whole(image.spec.extent).with(Axis::T, t.cast_signed(), 1);
            expected.images.push(image.part(&region).or_suite_error("an output cannot be cut")?);
        }
        let group = |group: &parfocal_testkit::Group| {
            let mut own = *group;
            own[0] = 0;
            (group[0] == t.cast_signed()).then_some(own)
        };
        let tables =
            all.tables.iter().filter_map(|(key, port, table)| Some((group(key)?, *port, table.clone())));
        let records =
            all.records.iter().filter_map(|(key, port, record)| Some((group(key)?, *port, record.clone())));
        (expected.tables, expected.records) = (tables.collect(), records.collect());
        if let Some(difference) = expected.difference(&alone) {
            return Err(differs(
                "a frame gives something else among others than by itself",
                &difference,
                setting,
                feed,
            )
            .with("time point", t));
        }
    }
    Ok(())
}

/// Two places, one after the other on one instance, give what each gives by itself; and a sequence that is seen twice gives
/// the same twice.
fn sequences(
    bench: &Bench,
    setting: &Setting,
    feed: &Feed,
    axis: Axis,
    all: &Outcome,
    one: &dyn Fn(&Feed) -> Result<Outcome, Finding>,
) -> Result<(), Finding> {
    let again = one(feed)?;
    if let Some(difference) = all.difference(&again) {
        return Err(differs("a sequence gives something else the second time", &difference, setting, feed));
    }
    let extent = feed.images.first().map_or(Extent([1; 5]), |(_, image)| image.spec.extent);
    // Places that are apart: channels, or time points and planes where those are not the sequence.
    for place in [Axis::C, Axis::T, Axis::Z].into_iter().filter(|place| *place != axis && extent[*place] > 1)
    {
        for index in 0..extent[place] {
            let alone = one(&cut(feed, place, index, 1)?)?;
            for (whole, alone) in all.images.iter().zip(&alone.images) {
                let region = Region::whole(whole.spec.extent).with(place, index.cast_signed(), 1);
                let part = whole.part(&region).or_suite_error("an output cannot be cut")?;
                let (first, second) = (
                    Outcome { images: vec![part], ..Outcome::default() },
                    Outcome { images: vec![alone.clone()], ..Outcome::default() },
                );
                if let Some(difference) = first.difference(&second) {
                    return Err(differs(
                        "a sequence remembers the one before it",
                        &difference,
                        setting,
                        feed,
                    )
                    .with("place", format!("{}{index}", place.letter())));
                }
            }
        }
    }
    // The beginning of a sequence does not depend on how long it will be.
    let half = extent[axis].div_ceil(2);
    let short = one(&cut(feed, axis, 0, half)?)?;
    let window = u64::from(bench.descriptor.temporal_window[1]);
    for (long, short) in all.images.iter().zip(&short.images) {
        let size = half.saturating_sub(window).min(long.spec.extent[axis]).min(short.spec.extent[axis]);
        let cut = |image: &Image| image.part(&Region::whole(image.spec.extent).with(axis, 0, size));
        let (long, short) = (
            cut(long).or_suite_error("an output cannot be cut")?,
            cut(short).or_suite_error("an output cannot be cut")?,
        );
        let (first, second) = (
            Outcome { images: vec![long], ..Outcome::default() },
            Outcome { images: vec![short], ..Outcome::default() },
        );
        if let Some(difference) = first.difference(&second) {
            return Err(differs(
                "a frame depends on frames after it, beyond the declared window",
                &difference,
                setting,
                feed,
            ));
        }
    }
    Ok(())
}
