//! Landlock: which files a worker may open.
//!
//! A descriptor that it was given, and a file in memory, stay usable: both have no place among the files that Landlock
//! guards.

use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, LandlockStatus, RestrictionStatus, Ruleset, RulesetAttr,
    RulesetCreated, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope, path_beneath_rules,
};

use super::Fences;

/// The newest interface whose rights were read and understood; what an older kernel lacks is left out.
const NEWEST: ABI = ABI::V7;

/// Where systems keep libraries, and the list of them.
const LIBRARIES: [&str; 6] =
    ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache"];

/// What loads a program, by the names that programs are built with. To execute a program is to execute its loader too; a
/// loader executed by itself could run any library as a program, inside the same fences.
const LOADERS: [&str; 5] = [
    "/lib64/ld-linux-x86-64.so.2",
    "/lib/ld-linux-x86-64.so.2",
    "/lib/ld-linux-aarch64.so.1",
    "/lib/ld-musl-x86_64.so.1",
    "/lib/ld-musl-aarch64.so.1",
];

/// Closes the files but the system's libraries and those that are listed, to read. One program may be executed.
pub(super) fn close(fences: &mut Fences, readable: &[PathBuf], program: Option<&Path>) {
    for missing in readable.iter().filter(|path| !path.exists()) {
        fences.note("a folder to read", format_args!("{} is not there", missing.display()));
    }
    match restrict(readable, program) {
        Ok(status) if status.ruleset != RulesetStatus::NotEnforced => {
            fences.landlock = version(&status);
            // A library gives up all of it when it is sealed.
            if program.is_some() {
                fences.readable = readable.to_vec();
            }
            // Version 3 brought the right to cut files, with which a file could be emptied unopened.
            if fences.landlock < Some(3) {
                fences.note("Landlock", "this kernel's cannot keep files from being cut short");
            }
        }
        Ok(_) => fences.note("Landlock", "this kernel does not have it, or it is switched off"),
        Err(error) => fences.note("Landlock", error),
    }
}

/// Closes all files, when a library has been loaded. Threads that it started before keep what they had, but on kernels from
/// 7.0.
pub(super) fn close_all() -> Result<(), RulesetError> {
    Ruleset::default().handle_access(AccessFs::from_all(NEWEST))?.create()?.restrict_self().map(|_| ())
}

fn restrict(readable: &[PathBuf], program: Option<&Path>) -> Result<RestrictionStatus, RulesetError> {
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let mut rules = Ruleset::default()
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()?;
    rules = allow(rules, LIBRARIES.iter().map(Path::new), read)?;
    rules = allow(rules, readable.iter().map(PathBuf::as_path), read)?;
    if let Some(program) = program {
        let execute = AccessFs::ReadFile | AccessFs::Execute;
        rules = allow(rules, LOADERS.iter().map(Path::new).chain([program]), execute)?;
    }
    rules.restrict_self()
}

/// Paths that are not there are left out.
fn allow<'a>(
    rules: RulesetCreated,
    paths: impl Iterator<Item = &'a Path>,
    access: BitFlags<AccessFs>,
) -> Result<RulesetCreated, RulesetError> {
    rules.add_rules(path_beneath_rules(paths, access))
}

fn version(status: &RestrictionStatus) -> Option<u32> {
    match status.landlock {
        LandlockStatus::Available { effective_abi, .. } => u32::try_from(effective_abi as i32).ok(),
        _ => None,
    }
}
