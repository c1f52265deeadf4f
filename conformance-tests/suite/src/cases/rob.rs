//! ROB: host and suite survive what plugins do.

use std::time::Duration;

use crate::{
    case::{Case, Group, Scope},
    status::Level,
};

/// What the cases of the group have in common.
const ROB: Case = Case { group: Group::Rob, level: Level::L3, scope: Scope::Library, ..Case::USUAL };

pub(super) const CASES: &[Case] = &[
    Case {
        id: "ROB-01",
        sentence: "A panic in any entry is survived.",
        demands: "Each entry panics: an error comes back, other instances go on.",
        why: "A plugin that dies, hangs or misbehaves must cost one error, never an experiment.",
        fix: "This is about the host; a plugin that shows such behaviour by itself is quarantined, and its \
                  author finds the call in the report.",
        ..ROB
    },
    Case {
        id: "ROB-02",
        sentence: "An abort is survived.",
        demands: "The plugin aborts: the host names it, and goes on.",
        why: "A plugin that dies, hangs or misbehaves must cost one error, never an experiment.",
        fix: "This is about the host; a plugin that shows such behaviour by itself is quarantined, and its \
                  author finds the call in the report.",
        ..ROB
    },
    Case {
        id: "ROB-03",
        sentence: "A fault of memory is survived.",
        demands: "The plugin touches memory that is not there: the host names it, and goes on.",
        why: "A plugin that dies, hangs or misbehaves must cost one error, never an experiment.",
        fix: "This is about the host; a plugin that shows such behaviour by itself is quarantined, and its \
                  author finds the call in the report.",
        ..ROB
    },
    Case {
        id: "ROB-04",
        sentence: "An exit with code 0 is seen as a crash.",
        demands: "The plugin calls `exit(0)` in the middle of a call: that is no success.",
        why: "A plugin that dies, hangs or misbehaves must cost one error, never an experiment.",
        fix: "This is about the host; a plugin that shows such behaviour by itself is quarantined, and its \
                  author finds the call in the report.",
        ..ROB
    },
    Case {
        id: "ROB-05",
        sentence: "An endless loop is stopped.",
        demands: "A call that never returns is ended at its limit.",
        why: "A plugin that dies, hangs or misbehaves must cost one error, never an experiment.",
        fix: "This is about the host; a plugin that shows such behaviour by itself is quarantined, and its \
                  author finds the call in the report.",
        ..ROB
    },
    Case {
        id: "ROB-06",
        sentence: "A deadlock at the end is stopped.",
        demands: "A plugin whose destructor waits for ever is ended.",
        why: "A plugin that dies, hangs or misbehaves must cost one error, never an experiment.",
        fix: "This is about the host; a plugin that shows such behaviour by itself is quarantined, and its \
                  author finds the call in the report.",
        ..ROB
    },
    Case {
        id: "ROB-07",
        sentence: "A process that is left behind is found and ended.",
        demands: "A plugin forks and leaves a child, also one that calls `setsid`: it is found, ended, \
                  verified gone.",
        why: "A plugin that dies, hangs or misbehaves must cost one error, never an experiment.",
        fix: "This is about the host; a plugin that shows such behaviour by itself is quarantined, and its \
                  author finds the call in the report.",
        ..ROB
    },
    Case {
        id: "ROB-08",
        sentence: "Endless allocation is stopped.",
        demands: "A plugin takes memory until there is none: it is ended at its limit, others go on.",
        why: "A plugin that dies, hangs or misbehaves must cost one error, never an experiment.",
        fix: "This is about the host; a plugin that shows such behaviour by itself is quarantined, and its \
                  author finds the call in the report.",
        ..ROB
    },
    Case {
        id: "ROB-09",
        sentence: "A stack overflow is survived.",
        demands: "Endless recursion ends the plugin, not the host.",
        why: "A plugin that dies, hangs or misbehaves must cost one error, never an experiment.",
        fix: "This is about the host; a plugin that shows such behaviour by itself is quarantined, and its \
                  author finds the call in the report.",
        ..ROB
    },
    Case {
        id: "ROB-10",
        sentence: "Closed descriptors of the host are survived.",
        demands: "A plugin closes descriptors that are not its own: the host goes on.",
        why: "A plugin that dies, hangs or misbehaves must cost one error, never an experiment.",
        fix: "This is about the host; a plugin that shows such behaviour by itself is quarantined, and its \
                  author finds the call in the report.",
        ..ROB
    },
    Case {
        id: "ROB-11",
        sentence: "Changed signal handlers, rounding, locale and folder do not reach the host.",
        demands: "A plugin installs handlers, changes the rounding mode, the locale and the working folder: \
                  results of others stay the same.",
        why: "A plugin that dies, hangs or misbehaves must cost one error, never an experiment.",
        fix: "This is about the host; a plugin that shows such behaviour by itself is quarantined, and its \
                  author finds the call in the report.",
        ..ROB
    },
    Case {
        id: "ROB-12",
        sentence: "A late write by a leftover thread reaches nobody.",
        demands: "A thread writes to a tile after its call has returned: no other frame changes.",
        why: "A plugin that dies, hangs or misbehaves must cost one error, never an experiment.",
        fix: "This is about the host; a plugin that shows such behaviour by itself is quarantined, and its \
                  author finds the call in the report.",
        ..ROB
    },
    Case {
        id: "ROB-13",
        sentence: "Random sequences of calls end in results or typed errors.",
        demands: "Seeded sequences of calls in any order (ten minutes in profile `full`): no crash, no hang; \
                  the seed repeats them.",
        why: "A plugin that dies, hangs or misbehaves must cost one error, never an experiment.",
        fix: "This is about the host; a plugin that shows such behaviour by itself is quarantined, and its \
                  author finds the call in the report.",
        budget: Duration::from_secs(90),
        ..ROB
    },
    Case {
        id: "ROB-14",
        sentence: "One broken package hides no other.",
        demands: "A folder with a broken package beside this one: this one is still found and used.",
        why: "A plugin that dies, hangs or misbehaves must cost one error, never an experiment.",
        fix: "This is about the host; a plugin that shows such behaviour by itself is quarantined, and its \
                  author finds the call in the report.",
        ..ROB
    },
    Case {
        id: "ROB-15",
        sentence: "Nothing is unloaded while a call is under way.",
        demands: "The host lets go of a library while a call runs: the call ends in peace.",
        why: "A plugin that dies, hangs or misbehaves must cost one error, never an experiment.",
        fix: "This is about the host; a plugin that shows such behaviour by itself is quarantined, and its \
                  author finds the call in the report.",
        ..ROB
    },
];
