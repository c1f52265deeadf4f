//! Faults that the host survives: ROB-01 to ROB-05, ROB-08, ROB-09.
//!
//! They are no cases of a plugin under test: one that shows such a fault by itself fails or crashes the case in which it does.
//! That the host survives them is proved with plugins that have them.

use parfocal_operator::Descriptor;

use super::ROB;
use crate::{
    case::{Applies, Case},
    subject::Subject,
};

fn on_the_host(_: &Subject, _: Option<&Descriptor>) -> Applies {
    Applies::NotDeclared("proved on the host, which `cargo xtask undying` lets survive it".into())
}

const WHY: &str = "A plugin that dies, hangs or misbehaves must cost one error, never an experiment.";

/// What they have in common.
const FAULT: Case = Case { why: WHY, applies: on_the_host, ..ROB };

pub(super) const CASES: &[Case] = &[
    Case {
        id: "ROB-01",
        sentence: "A panic in any entry is survived.",
        demands: "Each entry panics: an error comes back, other instances go on. The host's own test, `cargo \
                  xtask undying`; a plugin under test that does so crashes the case in which it does.",
        fix: "Let the export macro catch panics.",
        ..FAULT
    },
    Case {
        id: "ROB-02",
        sentence: "An abort is survived.",
        demands: "The plugin aborts: the host names it, and goes on. The host's own test, `cargo xtask \
                  undying`; a plugin under test that does so crashes the case in which it does.",
        fix: "Return errors instead of calling `abort`.",
        ..FAULT
    },
    Case {
        id: "ROB-03",
        sentence: "A fault of memory is survived.",
        demands: "The plugin touches memory that is not there: the host names it, and goes on. The host's own \
                  test, `cargo xtask undying`; a plugin under test that does so crashes the case in which it \
                  does.",
        fix: "Find the access with the address in the report.",
        ..FAULT
    },
    Case {
        id: "ROB-04",
        sentence: "An exit with code 0 is seen as a crash.",
        demands: "The plugin calls `exit(0)` in the middle of a call: that is no success. The host's own \
                  test, `cargo xtask undying`; a plugin under test that does so crashes the case in which it \
                  does.",
        fix: "Return errors instead of ending the process.",
        ..FAULT
    },
    Case {
        id: "ROB-05",
        sentence: "An endless loop is stopped.",
        demands: "A call that never returns is ended at its limit. The host's own test, `cargo xtask \
                  undying`; a plugin under test that does so crashes the case in which it does.",
        fix: "Ask `is_cancelled` in every loop.",
        ..FAULT
    },
    Case {
        id: "ROB-08",
        sentence: "Endless allocation is stopped.",
        demands: "A plugin takes memory until there is none: it is ended at its limit, others go on. The \
                  host's own test, `cargo xtask undying`; a plugin under test that does so crashes the case \
                  in which it does.",
        fix: "Declare the memory that is needed, and take no more.",
        ..FAULT
    },
    Case {
        id: "ROB-09",
        sentence: "A stack overflow is survived.",
        demands: "Endless recursion ends the plugin, not the host. The host's own test, `cargo xtask \
                  undying`; a plugin under test that does so crashes the case in which it does.",
        fix: "Use loops where the depth follows from the data.",
        ..FAULT
    },
];
