//! The same every time and everywhere: OPR-04, OPR-30, OPR-31.

use crate::{
    case::{Case, Scope},
    status::Badge,
};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "OPR-04",
        sentence: "The same input, parameters and seed give the same bytes, every time.",
        demands: "Five runs in one process, runs with one, two and four instances on threads of their own, and \
                  a run in another process give identical pixels, tables and records for the same seed.",
        why: "A result that cannot be repeated cannot be checked, and a difference between two runs must \
                  mean something.",
        fix: "Draw random numbers from `Services::seed` only, iterate over sorted collections, and sum in \
                  a fixed order.",
        badge: Some(Badge::Deterministic),
        ..Case::USUAL
    },
    Case {
        id: "OPR-30",
        sentence: "Native code and WASM component of one operator give the same bytes.",
        demands: "With the same images and parameters, the outcomes through both are identical to the last bit \
                  for operators that declare `deterministic`; others get a warning.",
        why: "A result must not depend on whether a lab runs the trusted or the fenced build.",
        fix: "Use the SDK's mathematics instead of the system's, no fused multiply-add, and no sums whose \
                  order the compiler chooses; or do not declare `deterministic`.",
        scope: Scope::Transports,
        badge: Some(Badge::Deterministic),
        // APPLIES both_lanes
        ..Case::USUAL
    },
    Case {
        id: "OPR-31",
        sentence: "Language, time zone, folder and environment do not change results.",
        demands: "The same run in another process with other LANG, LC_ALL, TZ, HOME, TMPDIR and working folder \
                  gives the same bytes.",
        why: "A comma for a decimal point in one lab's locale has ruined tables before.",
        fix: "Read no environment, and format and parse numbers without the locale.",
        ..Case::USUAL
    },
];
