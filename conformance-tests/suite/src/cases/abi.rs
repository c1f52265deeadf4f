//! ABI: handshake and lifecycle.

use std::time::Duration;

use crate::{
    case::{Applies, Case, Group, Scope},
    status::Level,
    transport::Transport,
};

/// What the cases of the group have in common.
const ABI: Case = Case { group: Group::Abi, level: Level::L1, scope: Scope::Library, ..Case::USUAL };

pub(super) const CASES: &[Case] = &[
    Case {
        id: "ABI-01",
        sentence: "Negotiation comes first: always the same answer, at once, before anything else.",
        demands: "`parfocal_entry` is called before any other function, a hundred times: the same answer each \
                  time, within 10 ms, without allocation.",
        why: "Everything else depends on the version that both sides speak.",
        fix: "Answer from constants: no initialisation, no allocation in `parfocal_entry`.",
        ..ABI
    },
    Case {
        id: "ABI-02",
        sentence: "Versions that do not fit are refused with both sides' versions, without a crash.",
        demands: "A host that is newer gets the plugin's own newest version; one that is too old an answer \
                  that says so; versions 0, 1, the newest and the largest number are tried.",
        why: "A plugin is loaded by hosts that its author has never seen.",
        fix: "Let the export macro answer, or compare the range before anything else.",
        ..ABI
    },
    Case {
        id: "ABI-03",
        sentence: "The code describes itself exactly as the manifest does.",
        demands: "Id, version and each operator, field by field, are the same in the code and in plugin.toml.",
        why: "Discovery reads the manifest, calls go to the code: where they differ, one of them lies.",
        fix: "Run `parfocal package` again: it writes what the code says.",
        ..ABI
    },
    Case {
        id: "ABI-04",
        sentence: "Unknown names are answered with not-found.",
        demands: "An unknown operator, one with garbage behind its name, an empty name and one of 10 kB end in \
                  `not-found` when an instance is made, and so does an unknown interface.",
        why: "Old recipes name operators that a new version no longer has.",
        fix: "Compare whole names, and return `not-found` for all others.",
        ..ABI
    },
    Case {
        id: "ABI-05",
        sentence: "The library exports its entry and nothing else.",
        demands: "The dynamic symbols of a native library are `parfocal_entry` and, for Rust, the layout \
                  proof; it loads with RTLD_NOW and RTLD_LOCAL.",
        why: "Two plugins that export the same helper call each other's.",
        fix: "Hide all other symbols: `-fvisibility=hidden`, or a version script.",
        transports: &[Transport::Native],
        ..ABI
    },
    Case {
        id: "ABI-06",
        sentence: "The structs at the border have the layout that is frozen for their version.",
        demands: "Sizes, alignments and offsets of every boundary struct, from the note in the bytes, equal \
                  the table of the interface version.",
        why: "One field more than the host knows, and every call reads the wrong memory.",
        fix: "Build with the SDK of that interface version, unchanged.",
        transports: &[Transport::Native],
        ..ABI
    },
    Case {
        id: "ABI-07",
        sentence: "A thousand instances made and ended leave nothing behind.",
        demands: "Memory (1 %), descriptors and threads are the same after 1,000 times create and destroy as \
                  after a warm-up.",
        why: "Viewers make an instance with every click.",
        fix: "Free in `destroy` what `create` took, threads and files too.",
        budget: Duration::from_secs(30),
        ..ABI
    },
    Case {
        id: "ABI-08",
        sentence: "An operator can be ended and made again in one process.",
        demands: "Create, use, destroy and create again gives the same results; destroy of nothing is refused \
                  or ignored.",
        why: "Libraries stay loaded for the life of a process.",
        fix: "Keep no state outside of the instance.",
        ..ABI
    },
    Case {
        id: "ABI-09",
        sentence: "Two instances do not know of each other.",
        demands: "Instances with different parameters, used in turn, give what each gives alone.",
        why: "Hosts run the same operator on two channels at once.",
        fix: "Keep parameters and state in the instance.",
        ..ABI
    },
    Case {
        id: "ABI-10",
        sentence: "Two versions of a plugin work side by side.",
        demands: "A copy of the library under another version is loaded beside it, and both give their \
                  results.",
        why: "A run of last year is repeated with last year's version while a new one goes on.",
        fix: "Use no global names: no fixed shared memory, no symbols that interpose.",
        transports: &[Transport::Native],
        ..ABI
    },
    Case {
        id: "ABI-11",
        sentence: "Loading and describing is quick, and touches nothing.",
        demands: "Load and describe within 100 ms (a warning), without files, network, devices or GPU being \
                  touched.",
        why: "A program that starts looks at all its plugins.",
        fix: "Open models and devices in `plan`, not when the library loads.",
        ..ABI
    },
    Case {
        id: "ABI-12",
        sentence: "A panic or exception becomes an error; it never unwinds across the border.",
        demands: "Every entry is called with what makes careless code panic; errors come back, and the process \
                  lives, or the child alone ends.",
        why: "Unwinding into code of another language is undefined.",
        fix: "Catch everything at the border, as the export macro does.",
        ..ABI
    },
    Case {
        id: "ABI-13",
        sentence: "Texts are valid UTF-8, and over-long ones are cut at a character.",
        demands: "Names, summaries, errors and log lines that come out are UTF-8; a message of a megabyte \
                  arrives cut, whole characters only.",
        why: "Texts end in terminals, files and web pages.",
        fix: "Use the SDK's text type; give its length in bytes.",
        ..ABI
    },
    Case {
        id: "ABI-14",
        sentence: "Binaries of each released interface version still load.",
        demands: "The museum's binaries load into this host and give their recorded results.",
        why: "Whoever has a plugin keeps using it.",
        fix: "This is the host's duty: report it to Parfocal.",
        applies: |_, _| Applies::NotYet("released interface version"),
        ..ABI
    },
    Case {
        id: "ABI-15",
        sentence: "A saved state loads into a fresh instance, and a broken one is refused.",
        demands: "Save, load into a fresh instance, save again: the same bytes. Empty, random and truncated \
                  states are refused as corrupt or incompatible, never with a crash.",
        why: "Sequences go on after a restart, on another machine, with another version.",
        fix: "Begin the state with its version, and check its length before reading.",
        ..ABI
    },
    Case {
        id: "ABI-16",
        sentence: "Calls from threads are answered as the contract says.",
        demands: "An instance may be called from one thread after another; two calls at once on one instance \
                  never happen.",
        why: "Schedulers move instances between threads.",
        fix: "Use no thread-local state in an instance.",
        ..ABI
    },
];
