//! Load: OPR-24, OPR-25.

use std::{sync::Mutex, time::Duration};

use parfocal_image::Extent;
use parfocal_testkit::{Cut, Loose, Moment, Quiet};

use super::ran;
use crate::{
    case::{Applies, Case, Run},
    finding::{Check, Finding, OrFinding},
    scene::Scene,
};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "OPR-24",
        sentence: "Frame after frame costs no more memory.",
        demands: "After a warm-up, sixty frames (500 in profile `full`) through one instance: resident memory \
                  grows by less than 1 % of a frame for each frame.",
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
    let resident = Mutex::new(Vec::new());
    let watch = |moment| {
        if let (Moment::After, Ok(mut resident)) = (moment, resident.lock()) {
            resident.push(resident_bytes());
        }
    };
    // The same tiles again and again through one instance; where it is a sequence, the sequence again and again.
    let result = bench.drive(&setting.parameters, &Quiet, &Loose::default(), |mut driver| {
        driver.instances = 1;
        driver.watch = Some(&watch);
        driver.run_over(&feed.inputs(), &|work| {
            let tiles = Cut::WHOLE.tiles(work);
            let rounds = if work.sequence.is_some() { 1 } else { frames / tiles.len().max(1) + 1 };
            std::iter::repeat_n(tiles, rounds).flatten().collect()
        })
    });
    ran(result, &setting, &feed)?;
    let resident = resident.into_inner().unwrap_or_default();
    let frame: usize = feed.images.iter().map(|(_, image)| image.pixels.bytes().len()).sum();
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

/// Resident memory of the process in bytes; 0 where the system does not say.
fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0);
    pages * rustix::param::page_size() as u64
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
