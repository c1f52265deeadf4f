//! Which fences stand around a worker.

use std::{fmt, path::PathBuf};

use serde::{Deserialize, Serialize};

/// Which fences stand around a worker, as it reported before it ran any plugin code.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fences {
    /// No program that it starts can gain rights (`no_new_privs`).
    pub no_new_privileges: bool,
    /// It holds no capability and can gain none.
    pub capabilities_dropped: bool,
    /// Landlock, with the version of its interface: no files, once a library is sealed; for a program none but the system's
    /// libraries and [`readable`](Self::readable). From version 4 no TCP, from version 6 no signals to others.
    pub landlock: Option<u32>,
    /// What a program may read beside the system's libraries, when Landlock stands.
    pub readable: Vec<PathBuf>,
    /// seccomp: no new processes, no sockets, nothing that concerns other processes, no change of what files are like.
    pub seccomp: bool,
    /// The one program that it may become, when it is one.
    pub program: Option<PathBuf>,
    /// Users of its own: rights mean nothing outside.
    pub user_namespace: bool,
    /// Processes of its own: it sees no others, and all of them end with it.
    pub pid_namespace: bool,
    /// A network of its own, with nothing on it.
    pub network_namespace: bool,
    /// System V memory and queues of its own.
    pub ipc_namespace: bool,
    /// A host name of its own.
    pub uts_namespace: bool,
    /// What the system refused, and why, one sentence each.
    pub notes: Vec<String>,
}

impl Fences {
    /// Whether files, network, other processes and more rights are all out of reach. Namespaces are a second fence behind
    /// these, and may be missing.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.no_new_privileges && self.capabilities_dropped && self.landlock.is_some() && self.seccomp
    }

    /// Whether sockets, or what they could reach, are out of reach.
    #[must_use]
    pub const fn no_network(&self) -> bool {
        self.seccomp || self.network_namespace
    }

    pub(super) fn note(&mut self, what: &str, why: impl fmt::Display) {
        self.notes.push(format!("{what}: {why}"));
    }

    /// What holds, in words.
    fn held(&self) -> Vec<String> {
        let mut held = Vec::new();
        if self.landlock.is_some() {
            held.push(if self.program.is_none() {
                "no files".to_owned()
            } else {
                let listed = self.readable.iter().map(|path| format!(", {}", path.display()));
                format!("no files but the system's libraries{}", listed.collect::<String>())
            });
        }
        if self.no_network() {
            held.push("no network".to_owned());
        }
        if self.seccomp {
            held.push("no new processes".to_owned());
            if let Some(name) = self.program.as_deref().and_then(|path| path.file_name()) {
                let only = if self.landlock.is_some() { "only by" } else { "by any program, as by" };
                held.push(format!("may replace itself {only} `{}`", name.to_string_lossy()));
            }
        }
        held
    }
}

impl fmt::Display for Fences {
    /// For example `sandboxed: no files, no network, no new processes`, or `fault isolation only: ` and why.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (held, notes) = (self.held(), self.notes.join("; "));
        match (self.is_full(), held.is_empty()) {
            (true, _) => write!(f, "sandboxed: {}", held.join(", ")),
            (false, false) => write!(f, "partly sandboxed: {} (missing: {notes})", held.join(", ")),
            (false, true) => write!(f, "fault isolation only: {notes}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> Fences {
        Fences {
            no_new_privileges: true,
            capabilities_dropped: true,
            landlock: Some(7),
            seccomp: true,
            ..Fences::default()
        }
    }

    #[test]
    fn the_report_says_what_holds_and_what_does_not() {
        assert_eq!(full().to_string(), "sandboxed: no files, no network, no new processes");

        let mut partly = full();
        partly.landlock = None;
        partly.note("Landlock", "this kernel does not have it");
        assert!(!partly.is_full());
        let text = "partly sandboxed: no network, no new processes (missing: Landlock: this kernel does not have it)";
        assert_eq!(partly.to_string(), text);

        let mut none = Fences::default();
        none.note("seccomp", "left away by the host");
        assert_eq!(none.to_string(), "fault isolation only: seccomp: left away by the host");
    }

    #[test]
    fn a_program_is_named_with_what_it_may_read() {
        let mut fences = full();
        fences.program = Some("/usr/bin/python3".into());
        fences.readable = vec!["/usr/lib/python3.11".into()];
        let text = "sandboxed: no files but the system's libraries, /usr/lib/python3.11, no network, no new processes, \
                    may replace itself only by `python3`";
        assert_eq!(fences.to_string(), text);
    }
}
