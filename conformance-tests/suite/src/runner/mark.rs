//! A mark on a child that everything it starts has too, however it is started.
//!
//! It is a limit that the kernel keeps for each process and has not looked at since Linux 2.4, the one of file locks. Children
//! get it from their parents; a second fork, a new session, another folder, another program and an empty environment leave
//! it as it is, and who may not raise limits cannot give it a value of somebody else. A plugin that runs as root, or lowers
//! it, can take it away: this is for what is left behind, not for what hides.

use std::{
    fs,
    hash::{BuildHasher, Hasher, RandomState},
    io,
    path::Path,
};

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

/// A limit below which no computer has one of its own: "no limit" is far above.
const BELOW: u64 = 1 << 62;

/// The mark of one child, among all that run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark(u64);

impl Mark {
    /// Marks a process. It has not started another yet.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn put(process: Pid) -> io::Result<Self> {
        // Within a child of another run of the suite there is a mark already, which can only become smaller.
        let most = getrlimit(Resource::Locks).maximum.unwrap_or(BELOW).min(BELOW);
        let number = RandomState::new().build_hasher().finish();
        let mark = number.checked_rem(most).filter(|number| *number > 0);
        let mark = mark.ok_or_else(|| io::Error::other("no number is left to mark a process with"))?;
        let limit = Rlimit { current: Some(mark), maximum: Some(mark) };
        prlimit(Some(process), Resource::Locks, limit)?;
        Ok(Self(mark))
    }

    /// Whether a process has it; the process by its folder in `/proc`.
    pub(crate) fn is_on(self, process: &Path) -> bool {
        let limits = fs::read_to_string(process.join("limits")).unwrap_or_default();
        let line = limits.lines().find_map(|line| line.strip_prefix("Max file locks"));
        // The soft limit, which a process may change, then the hard one.
        line.and_then(|line| line.split_whitespace().nth(1)).is_some_and(|hard| hard.parse() == Ok(self.0))
    }
}
