//! Memory and threads: PRF-05, PRF-07.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parfocal_image::{Buffer, DType, Extent, PixelsMut, PixelsRef, Region};
use parfocal_testkit::{Block, Cut, Memory, Moment, Quiet, Work};
use parfocal_types::{Error, Result};

use super::PRF;
use crate::{
    case::{Case, Run},
    cases::hand::{outcome, told, usual},
    finding::{Check, Finding, OrFinding},
    scene::Scene,
    state,
    transport::Transport,
    watch::{Policy, watch},
};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "PRF-05",
        sentence: "It uses no threads but those that call it.",
        demands: "The kernel tells of every thread that is started while an instance is made, planned, run and ended: one is a \
                  warning.",
        why: "The host runs as many instances as the machine has processors; threads besides fight for them, and count \
              against the memory of a worker.",
        fix: "Let the host do the parallel work: one thread for each instance.",
        transports: &[Transport::Native],
        run: Run::Written(prf_05),
        ..PRF
    },
    Case {
        id: "PRF-07",
        sentence: "Peak memory stays within what the plan declares.",
        demands: "The most resident memory during a call with the largest tile of an image of a million pixels, above what \
                  the process had before it: at most `bytes` and `bytes_per_pixel` of the plan, and 2 MiB for the allocator; \
                  more is a warning.",
        why: "Hosts choose the size of tiles, and how many run at once, by these numbers.",
        fix: "Declare what is really needed; count temporary buffers, partial results and copies of the tile.",
        transports: &[Transport::Native],
        run: Run::Written(prf_07),
        ..PRF
    },
];

fn prf_05(scene: &mut Scene<'_>) -> Check {
    let bench = scene.bench()?;
    // The first instance of all is made in here.
    let (result, sight) = watch(Policy::Note, || {
        let (setting, feed) = usual(&bench)?;
        outcome(&bench, &setting, &feed)
    })?;
    result?;
    let count = sight.threads as f64;
    if sight.threads > 0 {
        return Ok(Finding::warn("it starts threads of its own").measured("threads", count));
    }
    Ok(Finding::pass("it starts no threads of its own"))
}

/// The peak of the process over each call.
#[derive(Default)]
struct Peak {
    /// Memory of the process before the call.
    base: AtomicU64,
    most: AtomicU64,
    deaf: AtomicBool,
}

impl Peak {
    fn watch(&self, moment: Moment) {
        match moment {
            Moment::Before => {
                if !state::forget_peak() {
                    self.deaf.store(true, Ordering::Relaxed);
                }
                self.base.store(state::resident(), Ordering::Relaxed);
            }
            Moment::After => {
                let base = self.base.load(Ordering::Relaxed);
                self.most.fetch_max(state::peak().saturating_sub(base), Ordering::Relaxed);
            }
        }
    }
}

/// Memory whose tiles are there, page by page, before a call.
struct Resident;

impl Memory for Resident {
    fn block(&self, _: &str, dtype: DType, region: &Region) -> Result<Box<dyn Block>> {
        let mut buffer = Buffer::zeroed(dtype, *region)?;
        // Written, so that the pages are there.
        buffer.bytes_mut().fill(1);
        Ok(Box::new(Written(buffer)))
    }
}

struct Written(Buffer);

impl Block for Written {
    fn pixels(&self) -> Result<PixelsRef<'_>> {
        self.0.pixels()
    }

    fn pixels_mut(&mut self) -> Result<PixelsMut<'_>> {
        self.0.pixels_mut()
    }

    fn seal(&mut self) {}

    fn trespass(&self) -> Option<String> {
        None
    }
}

/// What allocators keep besides, in bytes.
const SLACK: u64 = 2 << 20;

fn prf_07(scene: &mut Scene<'_>) -> Check {
    let bench = scene.bench()?;
    let setting = bench.settings().defaults().or_fail("the defaults lie outside of their own limits")?;
    let usual = bench.usual_shape()?;
    let mut extent = usual.extent;
    (extent.0[3], extent.0[4]) = (1024, 1024);
    let candidates = [Extent::plane(1024, 1024), extent, usual.extent];
    let mut fitting = None;
    for extent in candidates {
        let feed = bench.feed(&usual.clone().sized(extent))?;
        if bench.accepts(&setting, &feed)? {
            fitting = Some(feed);
            break;
        }
    }
    let feed = fitting.ok_or_else(|| Finding::fail("it accepts no image twice"))?;
    let peak = Peak::default();
    let watch = |moment| peak.watch(moment);
    let failed = |error: Error| told("it accepted the input in `plan`, and then failed", &bench, &error);
    let (declared, pixels) = bench
        .drive(&setting.parameters, &Quiet, &Resident, |mut driver| {
            driver.instances = 1;
            driver.watch = Some(&watch);
            let (_, plan) = driver.plan(&feed.inputs())?;
            let work = Work::of(&bench.descriptor, &plan, feed.images.first().map(|(_, image)| &image.spec));
            let tiles = Cut::WHOLE.tiles(&work);
            let largest = tiles.iter().filter_map(|tile| tile.extent.count()).max().unwrap_or(0);
            driver.run(&feed.inputs(), Cut::WHOLE)?;
            let each = u64::from(plan.bytes_per_pixel).saturating_mul(largest);
            Ok((plan.bytes.saturating_add(each), largest))
        })
        .map_err(failed)?;
    if peak.deaf.load(Ordering::Relaxed) {
        return Ok(Finding::skip("this computer does not tell the peak of memory"));
    }
    let most = peak.most.load(Ordering::Relaxed);
    let finding = match most > declared.saturating_add(SLACK) {
        true => Finding::warn("a call takes more memory than the plan declares"),
        false => Finding::pass("a call takes no more memory than the plan declares"),
    };
    Ok(finding.with("bytes declared", declared).with("pixels", pixels).measured("bytes taken", most as f64))
}
