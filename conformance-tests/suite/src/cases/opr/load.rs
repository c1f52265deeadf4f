//! Load: OPR-24, OPR-25.

use std::time::Duration;

use parfocal_image::{Axis, Extent, Region};
use parfocal_operator::Kind;
use parfocal_testkit::{Cut, Quiet};

use super::failed;
use crate::{
    case::{Applies, Case, Run},
    cases::hand::Hand,
    finding::{Check, Finding, OrFinding},
    scene::Scene,
    state,
};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "OPR-24",
        sentence: "Frame after frame costs no more memory.",
        demands: "After a warm-up, sixty frames (500 in profile `full`) through one instance, a sequence again and \
                  again from its start: resident memory of this process, and of those that the lane started for \
                  it, grows by less than 1 % of a frame for each frame.",
        why: "A night of time lapse is a hundred thousand frames.",
        fix: "Free what a frame needed, or keep it and use it again.",
        budget: Duration::from_secs(40),
        applies: super::plan::has_input,
        run: Run::Written(opr_24),
        ..Case::USUAL
    },
    Case {
        id: "OPR-25",
        sentence: "When memory runs out, it says so, and works again afterwards.",
        demands: "Allocations through the host's allocator fail at the k-th call: `out-of-memory` comes back, \
                  and the next call succeeds.",
        why: "A full machine is an ordinary state; an abort takes others along.",
        fix: "Return an error where an allocation can fail, and leave the instance as it was.",
        applies: |_, _| Applies::NotYet("allocator of the host's for plugins"),
        ..Case::USUAL
    },
];

fn opr_24(scene: &mut Scene<'_>) -> Check {
    let bench = scene.bench()?;
    let usual = bench.usual_shape()?;
    let setting = bench.settings().defaults().or_fail("the defaults lie outside of their own limits")?;
    let frames = scene.profile().pick(60, 500);
    let [t, c, z, ..] = usual.extent.0;
    let side = if t * c * z > 2 { 128 } else { 512 };
    let feed = bench.feed(&usual.clone().sized(Extent::new(t, c, z, side, side)))?;
    if !bench.accepts(&setting, &feed)? {
        return Err(Finding::skip("a larger image is refused"));
    }
    let broke = |error| failed(&error, &setting, &feed);
    let mut hand = Hand::new(&bench, &setting.parameters, &feed).map_err(broke)?;
    hand.plan(&Quiet).map_err(broke)?;
    let mut tiles = hand.tiles(Cut::WHOLE);
    let sequence = hand.sequence();
    if let Some(axis) = sequence {
        tiles = first_sequence(tiles, axis);
    }
    if tiles.is_empty() {
        return Err(Finding::skip("there is nothing to work on"));
    }
    let mut resident = Vec::new();
    while resident.len() < frames {
        if sequence.is_some() {
            hand.operator.reset(&Quiet).map_err(broke)?;
        }
        for tile in &tiles {
            match bench.descriptor.kind {
                Kind::Reduce => drop(hand.accumulate(tile, &Quiet).map_err(broke)?),
                _ => drop(hand.run(tile, &Quiet).map_err(broke)?),
            }
            resident.push(state::resident_with_children());
        }
    }
    let frame: usize =
        feed.images.iter().map(|(_, image)| image.pixels.bytes().len()).sum::<usize>() / tiles.len();
    let calm = &resident[(resident.len() / 4).min(resident.len())..];
    let grown = calm.last().copied().unwrap_or(0).saturating_sub(calm.first().copied().unwrap_or(0));
    let slope = slope(calm);
    let share = slope / frame.max(1) as f64;
    // Less than 512 KiB in all is the allocator's own coming and going.
    if share > 0.01 && grown > 512 << 10 {
        return Err(Finding::fail("resident memory grows with every frame by more than 1 % of it")
            .with("input", &feed.name)
            .measured("bytes a frame", slope)
            .measured("bytes grown", grown as f64));
    }
    Ok(Finding::pass(format!("{} calls through one instance leave nothing behind", resident.len()))
        .measured("bytes a frame", slope))
}

/// The tiles of one place, in their order along the axis of the sequence.
fn first_sequence(tiles: Vec<Region>, axis: Axis) -> Vec<Region> {
    let place = |tile: &Region| tile.with(axis, 0, 1);
    let first = tiles.first().map(place);
    let mut own: Vec<_> = tiles.into_iter().filter(|tile| Some(place(tile)) == first).collect();
    own.sort_by_key(|tile| tile.origin[axis as usize]);
    own
}

/// The slope of the line through values that were taken at equal distances (least squares).
fn slope(values: &[u64]) -> f64 {
    let count = values.len() as f64;
    let middle = (count - 1.0) / 2.0;
    let mean = values.iter().map(|value| *value as f64).sum::<f64>() / count.max(1.0);
    let (mut above, mut below) = (0.0, 0.0);
    for (index, value) in values.iter().enumerate() {
        let distance = index as f64 - middle;
        above += distance * (*value as f64 - mean);
        below += distance * distance;
    }
    if below > 0.0 { above / below } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::slope;

    #[test]
    fn the_slope_of_a_line_is_its_own() {
        assert_eq!(slope(&[10, 13, 16, 19]), 3.0);
        assert_eq!(slope(&[5, 5, 5]), 0.0);
        assert_eq!(slope(&[5]), 0.0);
        assert_eq!(slope(&[]), 0.0);
    }
}
