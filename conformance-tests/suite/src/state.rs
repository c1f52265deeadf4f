//! What belongs to a process as a whole, and plugin code leaves alone.

#![allow(unsafe_code, reason = "asks the C library for handlers and locale, which has no safe way")]

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::{CStr, OsString},
    fs,
    hint::black_box,
    path::PathBuf,
    ptr,
};

use rustix::process::{Resource, getrlimit};

/// The state of this process, and of the floating-point unit of this thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct State {
    /// The handler of each signal: an address, or 0 and 1 for the default and for none.
    handlers: Vec<usize>,
    blocked: String,
    /// Results that depend on how numbers are rounded, and on whether the smallest are taken for zero.
    arithmetic: [u64; 5],
    locale: String,
    folder: Option<PathBuf>,
    umask: String,
    environment: BTreeMap<OsString, OsString>,
    limits: Vec<[Option<u64>; 2]>,
}

impl State {
    pub(crate) fn now() -> Self {
        let status = fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_default().trim().to_owned()
        };
        let limits = [
            Resource::Core,
            Resource::Data,
            Resource::Stack,
            Resource::Nofile,
            Resource::Fsize,
            Resource::As,
        ];
        Self {
            handlers: (1..=libc::SIGRTMAX()).map(handler).collect(),
            blocked: field("SigBlk:"),
            arithmetic: arithmetic(),
            locale: locale(),
            folder: std::env::current_dir().ok(),
            umask: field("Umask:"),
            environment: std::env::vars_os().collect(),
            limits: limits.map(getrlimit).map(|limit| [limit.current, limit.maximum]).to_vec(),
        }
    }

    /// What differs, in words.
    pub(crate) fn differences(&self, later: &Self) -> Vec<String> {
        let mut found = Vec::new();
        for (signal, (before, after)) in (1..).zip(self.handlers.iter().zip(&later.handlers)) {
            if before != after {
                found.push(format!("the handler of signal {signal}"));
            }
        }
        let others = [
            ("which signals are blocked", self.blocked == later.blocked),
            ("how numbers are rounded", self.arithmetic == later.arithmetic),
            ("the locale", self.locale == later.locale),
            ("the working folder", self.folder == later.folder),
            ("the mask of new files", self.umask == later.umask),
            ("the environment", self.environment == later.environment),
            ("the limits of the process", self.limits == later.limits),
        ];
        found.extend(others.into_iter().filter(|(_, same)| !same).map(|(what, _)| what.to_owned()));
        found
    }
}

fn handler(signal: libc::c_int) -> usize {
    // SAFETY: asks only: no new action is given, and the place for the old one is valid.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        if libc::sigaction(signal, ptr::null(), &raw mut action) == 0 { action.sa_sigaction } else { 0 }
    }
}

fn locale() -> String {
    // SAFETY: asks only; the text is valid until the locale is set next, and is copied at once.
    unsafe {
        let name = libc::setlocale(libc::LC_ALL, ptr::null());
        if name.is_null() { String::new() } else { CStr::from_ptr(name).to_string_lossy().into_owned() }
    }
}

/// Five sums and products that come out otherwise when numbers are rounded upward, downward or towards zero, or when
/// subnormal results or operands are taken for zero.
fn arithmetic() -> [u64; 5] {
    let (one, tiny) = (black_box(1.0_f64), black_box(f64::EPSILON / 4.0));
    let (smallest, subnormal) = (black_box(f64::MIN_POSITIVE), black_box(f64::from_bits(1)));
    [one + tiny, -one - tiny, one - tiny, smallest / black_box(2.0), subnormal * one].map(f64::to_bits)
}

/// The descriptors of this process, with what each leads to.
pub(crate) fn descriptors() -> BTreeMap<i32, String> {
    let entries = fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let number = entry.file_name().to_str()?.parse().ok()?;
            // The one that lists them is gone by now.
            Some((number, fs::read_link(entry.path()).ok()?.to_string_lossy().into_owned()))
        })
        .filter(|(_, to): &(i32, String)| !(to.starts_with("/proc/") && to.ends_with("/fd")))
        .collect()
}

/// The threads of this process.
pub(crate) fn threads() -> usize {
    fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
}

/// Processes whose parent this is, dead ones too that nobody has waited for.
pub(crate) fn children() -> BTreeSet<u32> {
    children_of("self")
}

fn children_of(process: &str) -> BTreeSet<u32> {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let lists = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
        .collect()
}

/// Memory of this process that lies in RAM, in bytes.
pub(crate) fn resident() -> u64 {
    field_of_status("VmRSS:")
}

/// Memory that lies in RAM of this process and of all that descend from it, in bytes.
pub(crate) fn resident_with_children() -> u64 {
    let mut all = resident();
    let mut waiting: Vec<_> = children().into_iter().collect();
    while let Some(pid) = waiting.pop() {
        all += field_of(&format!("/proc/{pid}/status"), "VmRSS:");
        waiting.extend(children_of(&pid.to_string()));
    }
    all
}

/// The most memory that lay in RAM since [`forget_peak`], in bytes.
pub(crate) fn peak() -> u64 {
    field_of_status("VmHWM:")
}

/// The peak counts from now on. Whether the kernel lets us.
pub(crate) fn forget_peak() -> bool {
    // What was freed, and kept for later, would hide what is taken now.
    #[cfg(target_env = "gnu")]
    // SAFETY: gives memory that nobody uses back to the system.
    unsafe {
        libc::malloc_trim(0);
    }
    fs::write("/proc/self/clear_refs", "5").is_ok()
}

fn field_of_status(name: &str) -> u64 {
    field_of("/proc/self/status", name)
}

fn field_of(status: &str, name: &str) -> u64 {
    let status = fs::read_to_string(status).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_looks_are_the_same_and_a_difference_is_named() {
        let before = State::now();
        assert_eq!(before.differences(&State::now()), Vec::<String>::new());
        let mut later = before.clone();
        later.handlers[9] += 1;
        later.locale.push('x');
        later.arithmetic[0] ^= 1;
        assert_eq!(
            before.differences(&later),
            ["the handler of signal 10", "how numbers are rounded", "the locale"]
        );
    }

    #[test]
    fn the_numbers_are_those_of_this_process() {
        assert!(resident() > 0 && peak() >= resident() / 2 && threads() > 0);
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        assert!(children().contains(&child.id()));
        assert!(resident_with_children() > resident());
        child.kill().unwrap();
        child.wait().unwrap();
        let file = fs::File::open("/dev/null").unwrap();
        assert!(descriptors().values().any(|to| to == "/dev/null"));
        drop(file);
    }
}
