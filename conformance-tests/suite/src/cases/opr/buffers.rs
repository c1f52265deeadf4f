//! Memory of tiles: OPR-08, OPR-09, OPR-10.

use parfocal_testkit::{Cut, Memory, Outcome, Quiet, Setting};

use super::{differs, ran};
use crate::{
    case::{Applies, Case, Run},
    finding::{Check, Finding},
    guard::{Guarded, Side},
    scene::{Bench, Feed, Scene},
    transport::Transport,
};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "OPR-08",
        sentence: "Input tiles are not written to.",
        demands: "Inputs lie in pages that can only be read; a write ends the process, and fails the case with \
                  the place.",
        why: "Other operators read the same tile at the same time.",
        fix: "Copy what has to be changed into memory of your own.",
        transports: &[Transport::Native],
        run: Run::Written(opr_08),
        ..Case::USUAL
    },
    Case {
        id: "OPR-09",
        sentence: "Nothing outside of the tiles is read or written, and every pixel of an output is written.",
        demands: "Tiles with gaps between rows lie between pages without access, once at the left and once at \
                  the right end; gaps hold canaries. The result is that of dense tiles, over two kinds of \
                  rubbish.",
        why: "A read beyond a tile is somebody else's pixels or a crash that depends on luck; a write is a \
                  corrupted experiment.",
        fix: "Step from row to row by the strides of the tile, never by its width; treat each row as its \
                  own slice.",
        transports: &[Transport::Native],
        run: Run::Written(opr_09),
        ..Case::USUAL
    },
    Case {
        id: "OPR-10",
        sentence: "Input and output are the same memory only where that is declared, and give the same result.",
        demands: "Where in-place work is declared, the result in one buffer is that in two.",
        why: "Halving the memory is worth it only if pixels stay the same.",
        fix: "Declare in-place work only for operators that read each pixel before they write it.",
        applies: |_, _| Applies::NotYet("calls in place"),
        ..Case::USUAL
    },
];

/// Few tiles of uneven size: each lies in pages of its own.
const TILES: Cut = Cut::in_stack(3, 19, 33);

fn run_in(bench: &Bench, setting: &Setting, feed: &Feed, memory: &dyn Memory) -> Result<Outcome, Finding> {
    ran(
        bench.drive(&setting.parameters, &Quiet, memory, |driver| driver.run(&feed.inputs(), TILES)),
        setting,
        feed,
    )
}

fn opr_08(scene: &mut Scene<'_>) -> Check {
    let bench = scene.bench()?;
    let trials = bench.trials()?;
    for (setting, feed) in &trials {
        // A write to an input ends the process; the runner says where.
        run_in(&bench, setting, feed, &Guarded { side: Side::Roomy, gap: 0, rubbish: 0xA5 })?;
    }
    Ok(Finding::pass(format!("{} runs wrote to no input", trials.len())))
}

fn opr_09(scene: &mut Scene<'_>) -> Check {
    let bench = scene.bench()?;
    let trials = bench.trials()?;
    for (setting, feed) in &trials {
        let expected = ran(bench.run(&setting.parameters, feed, TILES), setting, feed)?;
        for (side, gap, rubbish) in [(Side::Right, 0, 0xA5), (Side::Left, 5, 0x3C), (Side::Right, 3, 0xFF)] {
            let found = run_in(&bench, setting, feed, &Guarded { side, gap, rubbish })?;
            if let Some(trespass) = found.trespasses.first() {
                return Err(Finding::fail(trespass.clone())
                    .with("parameters", &setting.name)
                    .with("input", &feed.name));
            }
            if let Some(difference) = expected.difference(&found) {
                return Err(differs("where tiles lie in memory changes the result: a pixel is not written, or one beside the tile is read", &difference, setting, feed)
                    .with("pixels between rows", gap));
            }
        }
    }
    Ok(Finding::pass(format!("{} runs stayed within their tiles and wrote all of them", trials.len())))
}
