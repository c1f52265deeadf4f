//! Limits that the kernel keeps for a process.

use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};

use super::{Fences, leash::Role};

/// Descriptors that a worker may have: arenas, and a library at a time while it loads.
const DESCRIPTORS: u64 = 256;
/// Bytes of a stack: what systems give a first thread, some of which set no bound.
pub(super) const STACK: u64 = 8 << 20;

/// Sets the limits of a worker. `data` is the bound of its private memory, in bytes: shared frames do not count there, as
/// they would in `RLIMIT_AS`.
pub(super) fn set(fences: &mut Fences, role: &Role, data: u64) {
    // Seen from the system's own: when memory runs out everywhere, the worker goes first, and not the host.
    if let Err(error) = std::fs::write("/proc/self/oom_score_adj", "1000") {
        fences.note("being the first to go when memory runs out", error);
    }
    // A core dump keeps a dying worker for 0.1 s and more. One byte, since zero still feeds a dump that goes to a program.
    lower(fences, "core dumps", Resource::Core, 1);
    lower(fences, "the limit of memory", Resource::Data, data);
    lower(fences, "the limit of the stack", Resource::Stack, STACK);
    lower(fences, "the limit of descriptors", Resource::Nofile, DESCRIPTORS);
    lower(fences, "the limit of queues", Resource::Msgqueue, 0);
    // A library is copied to memory while it loads, which counts as a file.
    let files = if matches!(role, Role::Library) { data } else { 0 };
    lower(fences, "the limit of files", Resource::Fsize, files);
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        fences.note("keeping others of the same user out", error);
    }
}

/// No byte more to any file, the ones in memory included.
pub(super) fn no_files() -> std::io::Result<()> {
    Ok(setrlimit(Resource::Fsize, Rlimit { current: Some(0), maximum: Some(0) })?)
}

/// A limit is never raised: the user's own may be lower.
fn lower(fences: &mut Fences, what: &str, resource: Resource, to: u64) {
    let to = getrlimit(resource).maximum.map_or(to, |maximum| maximum.min(to));
    if let Err(error) = setrlimit(resource, Rlimit { current: Some(to), maximum: Some(to) }) {
        fences.note(what, std::io::Error::from(error));
    }
}
