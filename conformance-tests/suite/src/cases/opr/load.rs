//! Load: OPR-24, OPR-25.

use std::time::Duration;

use crate::{
    case::{Applies, Case},
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
