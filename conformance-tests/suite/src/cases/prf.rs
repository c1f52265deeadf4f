//! PRF: speed, as declared.

use crate::{
    case::{Applies, Case, Group},
    status::{Level, Severity},
};

/// What the cases of the group have in common.
const PRF: Case = Case { group: Group::Prf, level: Level::L4, severity: Severity::Should, ..Case::USUAL };

pub(super) const CASES: &[Case] = &[
    Case {
        id: "PRF-01",
        sentence: "The declared frame rate is met at the declared size.",
        demands: "Warm, for 60 s in profile `full`: median, 95th and 99th percentile of the time for a frame, \
                  against what the manifest declares.",
        why: "Numbers that are declared are planned with: a microscope that waits for its software loses \
                  the event.",
        fix: "Measure on the machine that you name, and declare what holds there.",
        applies: |_, _| Applies::NotYet("declared performance"),
        ..PRF
    },
    Case {
        id: "PRF-02",
        sentence: "The first frame comes soon after loading.",
        demands: "Time from loading to the first result.",
        why: "Numbers that are declared are planned with: a microscope that waits for its software loses \
                  the event.",
        fix: "Do expensive preparation once, in `plan`.",
        ..PRF
    },
    Case {
        id: "PRF-03",
        sentence: "No memory is allocated per frame once warm, where real time is declared.",
        demands: "Allocations for each frame after a warm-up.",
        why: "Numbers that are declared are planned with: a microscope that waits for its software loses \
                  the event.",
        fix: "Keep buffers in the instance.",
        applies: |_, _| Applies::NotYet("declared real-time operation"),
        ..PRF
    },
    Case {
        id: "PRF-04",
        sentence: "Subnormal numbers do not slow it down threefold.",
        demands: "The time for an image of subnormal numbers against that for an ordinary one.",
        why: "Numbers that are declared are planned with: a microscope that waits for its software loses \
                  the event.",
        fix: "Flush them to zero where that is exact enough, or add an offset.",
        ..PRF
    },
    Case {
        id: "PRF-05",
        sentence: "It uses no more threads than declared.",
        demands: "Threads of the process while it works.",
        why: "Numbers that are declared are planned with: a microscope that waits for its software loses \
                  the event.",
        fix: "Let the host do the parallel work: one thread for each instance.",
        ..PRF
    },
    Case {
        id: "PRF-06",
        sentence: "A call costs little besides the work.",
        demands: "Time of the smallest call through each transport.",
        why: "Numbers that are declared are planned with: a microscope that waits for its software loses \
                  the event.",
        fix: "Do nothing in a call that does not depend on the tile.",
        ..PRF
    },
    Case {
        id: "PRF-07",
        sentence: "Peak memory stays within what the plan declares.",
        demands: "Peak resident memory against `bytes` and `bytes_per_pixel` of the plan.",
        why: "Numbers that are declared are planned with: a microscope that waits for its software loses \
                  the event.",
        fix: "Declare what is really needed; count temporary buffers.",
        ..PRF
    },
    Case {
        id: "PRF-08",
        sentence: "It is not slower than the stored figure of the same machine.",
        demands: "The median against the baseline, where one is stored: more than 20 % slower is a warning.",
        why: "Numbers that are declared are planned with: a microscope that waits for its software loses \
                  the event.",
        fix: "Find the change that made it slower.",
        applies: |_, _| Applies::NotYet("stored baselines"),
        ..PRF
    },
];
