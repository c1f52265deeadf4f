//! The flow of calls: OPR-18, OPR-21, OPR-22, OPR-23.

use std::time::Duration;

use crate::{
    case::Case,
    status::Badge,
};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "OPR-18",
        sentence: "Frames stay in their order, and a sequence remembers nothing of the one before.",
        demands: "Several time points give what each gives by itself, for operators without a temporal window; \
                  operators that see positions in order give the same for a sequence after `reset` as for the \
                  first, and their window is not exceeded.",
        why: "A stain from the last well in this one is a wrong experiment.",
        fix: "Forget everything in `reset`, and declare the temporal window that is really looked at.",
        badge: Some(Badge::Sequence),
        applies: super::plan::has_input,
        ..Case::USUAL
    },
    Case {
        id: "OPR-21",
        sentence: "A request to stop is honoured within 100 ms, and the instance works afterwards.",
        demands: "At ten seeded points of a run somebody asks to stop: the call returns `cancelled` within 100 \
                  ms, and the same instance then gives the right result; calls that last longer than 100 ms \
                  ask.",
        why: "A user who presses stop is looking at a sample that bleaches.",
        fix: "Call `check_cancelled` once a row, and return its error at once.",
        badge: Some(Badge::PromptCancel),
        budget: Duration::from_secs(40),
        ..Case::USUAL
    },
    Case {
        id: "OPR-22",
        sentence: "Progress rises from 0 to 1 within a call, and comes from the call only.",
        demands: "Within each call fractions are numbers from 0 to 1 that never fall; none comes after the \
                  call has returned; more than a hundred a second are a warning.",
        why: "A bar that jumps back is believed by nobody.",
        fix: "Report the share of rows done; the SDK's context does it for row loops.",
        ..Case::USUAL
    },
    Case {
        id: "OPR-23",
        sentence: "Instances work at once as declared.",
        demands: "Declared `instance`: eight threads with an instance each give what one gives, again and \
                  again; one instance may change threads between calls. Declared `single`: a second instance \
                  is refused as busy while the first lives.",
        why: "Hosts use all processors; a hidden global is a result that changes with the load.",
        fix: "Keep everything in the instance, or declare `threads = single`.",
        budget: Duration::from_secs(30),
        ..Case::USUAL
    },
];
