//! Namespaces of its own.

use std::{fs, io};

use rustix::{
    process::{getgid, getuid},
    thread::UnshareFlags,
};

use super::{Fences, raw};

/// Goes to new namespaces, as far as the system allows. That of processes holds for children only.
pub(super) fn enter(fences: &mut Fences) {
    // Before the namespace: inside it, an identity without a map is nobody's.
    let (user, group) = (getuid().as_raw(), getgid().as_raw());
    // Users first: in a namespace of its own, a user without rights has those that the others need.
    fences.user_namespace = separate(fences, "users of its own", UnshareFlags::NEWUSER);
    if fences.user_namespace
        && let Err(error) = map_identity(user, group)
    {
        fences.note("names of users", error);
    }
    fences.pid_namespace = separate(fences, "processes of its own", UnshareFlags::NEWPID);
    fences.network_namespace = separate(fences, "a network of its own", UnshareFlags::NEWNET);
    fences.ipc_namespace = separate(fences, "System V memory of its own", UnshareFlags::NEWIPC);
    fences.uts_namespace = separate(fences, "a host name of its own", UnshareFlags::NEWUTS);
}

fn separate(fences: &mut Fences, what: &str, flag: UnshareFlags) -> bool {
    let done = raw::separate(flag);
    if let Err(error) = &done {
        fences.note(what, error);
    }
    done.is_ok()
}

/// The one user and group keep their numbers; nobody else exists.
fn map_identity(user: u32, group: u32) -> io::Result<()> {
    // The kernel lets a user without rights map a group only after this.
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("{user} {user} 1"))?;
    fs::write("/proc/self/gid_map", format!("{group} {group} 1"))
}
