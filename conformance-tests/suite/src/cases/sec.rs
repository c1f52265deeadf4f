//! SEC: capabilities are denied by default.

use crate::{
    case::{Applies, Case, Group, Scope},
    status::Level,
    transport::Transport,
};

/// What the cases of the group have in common.
const SEC: Case = Case { group: Group::Sec, level: Level::L1, scope: Scope::Library, ..Case::USUAL };

pub(super) const CASES: &[Case] = &[
    Case {
        id: "SEC-01",
        sentence: "With nothing granted, files, network, processes and devices are out of reach.",
        demands: "Reading, writing and listing files, environment, exec, TCP, UDP, DNS, serial, USB and raw \
                  devices are tried where the plugin runs fenced: each is denied, and the plugin still \
                  describes itself.",
        why: "A plugin sees unpublished data.",
        fix: "Ask in the manifest for what is needed, and work without it where you can.",
        ..SEC
    },
    Case {
        id: "SEC-02",
        sentence: "Nothing is used that the manifest does not ask for.",
        demands: "System calls while the plugin loads and works are held against its permissions.",
        why: "Even where a host would allow it, its user has not been asked.",
        fix: "Ask for it in the manifest with a reason, or do without.",
        ..SEC
    },
    Case {
        id: "SEC-03",
        sentence: "A permission that is declared and not granted ends in a typed denial.",
        demands: "With each declared permission withheld the plugin returns `permission-denied`, does not try \
                  again and again, and lives.",
        why: "Users say no.",
        fix: "Return the host's error as it came.",
        applies: |_, _| Applies::NotYet("grants for plugins"),
        ..SEC
    },
    Case {
        id: "SEC-04",
        sentence: "A granted folder is that folder only.",
        demands: "`..`, absolute paths, links out, hard links, other spellings and /proc/self are refused.",
        why: "A grant for one folder must not be one for all.",
        fix: "Use the paths that the host gives.",
        applies: |_, _| Applies::NotYet("file grants"),
        ..SEC
    },
    Case {
        id: "SEC-05",
        sentence: "A granted connection is that host and port only.",
        demands: "Other hosts, other ports and redirects are refused.",
        why: "Data leave the building through redirects.",
        fix: "Connect to what was granted only.",
        applies: |_, _| Applies::NotYet("network grants"),
        ..SEC
    },
    Case {
        id: "SEC-06",
        sentence: "A granted serial or USB device is that device only.",
        demands: "Other ports are refused.",
        why: "The other port may be a laser.",
        fix: "Open the port that was granted only.",
        applies: |_, _| Applies::NotYet("serial grants"),
        ..SEC
    },
    Case {
        id: "SEC-07",
        sentence: "A WASM component gets nothing but the contract: no WASI, bounded memory, time and stack.",
        demands: "No imports but the contract's; an endless loop, endless memory and deep recursion are \
                  stopped; a million host calls are survived.",
        why: "What is not in the interface does not exist for the guest: that is the fence.",
        fix: "Build without WASI adapters; keep within the limits that the manifest states.",
        transports: &[Transport::Wasm],
        ..SEC
    },
    Case {
        id: "SEC-08",
        sentence: "Secrets of the host never appear in what the plugin writes.",
        demands: "Markers in the host's environment and configuration do not turn up in logs, results or \
                  reports.",
        why: "Reports are sent to strangers.",
        fix: "Log what the operator did, not what it could find.",
        ..SEC
    },
    Case {
        id: "SEC-09",
        sentence: "Unsigned or altered packages are refused, unless the user insists, which is recorded.",
        demands: "A package without signature, or with another hash, is not installed without the flag.",
        why: "Whoever replaces a file runs in the lab.",
        fix: "Sign with `parfocal plugins sign`.",
        applies: |_, _| Applies::NotYet("signatures"),
        ..SEC
    },
    Case {
        id: "SEC-10",
        sentence: "Log lines cannot forge lines, drive a terminal or fill a disk.",
        demands: "Line feeds, escape sequences and ten megabytes in one message arrive neutralised and cut.",
        why: "A log is read in a terminal, by root, at night.",
        fix: "Write one line of plain text for one event.",
        ..SEC
    },
];
