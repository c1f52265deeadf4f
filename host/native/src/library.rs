//! Loading a library: proofs first, then negotiation, then its description.

#![allow(unsafe_code, reason = "maps and calls foreign code")]

use core::{ffi::c_void, ptr};
use std::{
    collections::BTreeMap,
    os::fd::{AsRawFd, IntoRawFd},
    sync::{Arc, Mutex, PoisonError, atomic::AtomicBool},
};

use libloading::os::unix::{Library as Handle, RTLD_LOCAL, RTLD_NOW};
use parfocal_abi::{
    entry::{ENTRY_VERSION, Entry, EntryFunction, Negotiated},
    layout,
    note::{Note, library_section},
    operator_1 as raw, read_descriptor, read_text, sized,
};
use parfocal_core::{Artifact, Enduring, Lane, Library, LibraryInfo, Sha256};
use parfocal_operator::{Descriptor, Operator, ThreadSafety, descriptor::validate_all};
use parfocal_types::{Error, ErrorKind, InterfaceVersion, Parameters, Result};
use semver::Version;

use crate::instance::{NativeMaker, Permit, Table};

/// The native lane. Libraries that were loaded are shared.
#[derive(Default)]
pub struct NativeLane {
    loaded: Mutex<BTreeMap<Key, Slot>>,
}

/// Bytes, and what the host takes them for: the same bytes under another name are proved and refused by themselves.
type Key = (Sha256, String, Version, InterfaceVersion);

/// Held by whoever loads the library; the others who want it wait here, and nobody else does.
type Slot = Arc<Mutex<Option<Arc<dyn Library>>>>;

impl NativeLane {
    /// A lane that has loaded nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Lane for NativeLane {
    fn name(&self) -> &'static str {
        "native"
    }

    fn load(&self, artifact: &Artifact) -> Result<Arc<dyn Library>> {
        let key = (artifact.sha256, artifact.plugin.clone(), artifact.version.clone(), artifact.interface);
        let slot = {
            let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(loaded.entry(key).or_default())
        };
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(library) = &*slot {
            return Ok(Arc::clone(library));
        }
        let library: Arc<dyn Library> = Arc::new(NativeLibrary::load(artifact)?);
        *slot = Some(Arc::clone(&library));
        Ok(library)
    }
}

/// Descriptors that lie further apart are taken for a defect.
const MOST_STRIDE: usize = 1 << 20;

struct NativeLibrary {
    info: LibraryInfo,
    table: Arc<Table>,
    operators: Vec<Descriptor>,
    /// Whether somebody has the right of the one that may live at a time.
    taken: Arc<AtomicBool>,
}

impl NativeLibrary {
    fn busy(&self, operator: &str) -> Error {
        let message = format!("operator `{operator}` is at work already, and allows one instance at a time");
        Error::new(ErrorKind::Busy, message)
            .with_origin(&self.table.label)
            .with_remedy("wait until the other run is done, or use another process")
    }

    fn load(artifact: &Artifact) -> Result<Self> {
        let (_, bytes) = artifact.open_verified()?;
        check_note(&bytes, artifact)?;
        let entry = map(&bytes, artifact)?;
        let table = negotiate(entry, artifact)?;
        let operators = describe(table).map_err(|error| error.with_origin(artifact.label()))?;
        let info = LibraryInfo {
            plugin: artifact.plugin.clone(),
            version: artifact.version.clone(),
            lane: "native",
            interface: artifact.interface,
            isolation: "in process, with all that the host may do".to_owned(),
        };
        let table = Arc::new(Table { raw: table, label: artifact.label() });
        Ok(Self { info, table, operators, taken: Arc::default() })
    }
}

impl Library for NativeLibrary {
    fn info(&self) -> &LibraryInfo {
        &self.info
    }

    fn operators(&self) -> &[Descriptor] {
        &self.operators
    }

    fn create(&self, operator: &str, parameters: &Parameters) -> Result<Box<dyn Operator>> {
        let one_at_a_time =
            |known: &Descriptor| known.id == operator && known.threads == ThreadSafety::Single;
        let permit = if self.operators.iter().any(one_at_a_time) {
            Some(Permit::take(&self.taken).ok_or_else(|| self.busy(operator))?)
        } else {
            None
        };
        Ok(Box::new(Enduring::new(NativeMaker::new(&self.table, operator, parameters, permit))?))
    }
}

/// Finds the note in its section, and holds it against this build.
pub(crate) fn check_note(bytes: &[u8], artifact: &Artifact) -> Result<()> {
    let section = library_section(bytes).map_err(|error| error.with_origin(artifact.label()))?;
    let section = section.ok_or_else(|| {
        Error::corrupt("the library carries no Parfocal note")
            .with_origin(artifact.label())
            .with_remedy("it is not a Parfocal plugin, or was built without `export_plugin!` or `PF_PLUGIN`")
    })?;
    let note = Note::parse(section).map_err(|error| error.with_origin(artifact.label()))?;
    check_identity(&note, artifact)?;
    let differences = if note.language == "rust" { layout::differences(&note) } else { Vec::new() };
    if differences.is_empty() {
        return Ok(());
    }
    let kind = ErrorKind::Incompatible {
        have: "boundary structs of another layout".into(),
        need: format!("operator/{}", parfocal_operator::VERSION),
    };
    Err(Error::new(
        kind,
        format!("was built against other interface structs than it names: {}", differences.join("; ")),
    )
    .with_origin(artifact.label())
    .with_remedy("build it again with an unmodified `parfocal-plugin` of the version that it names"))
}

/// The note names the plugin and the interface version that the host is about to use.
fn check_identity(note: &Note, artifact: &Artifact) -> Result<()> {
    let version = artifact.version.to_string();
    if note.id != artifact.plugin || note.version != version {
        let have = format!("{} {}", note.id, note.version);
        let need = format!("{} {version}", artifact.plugin);
        let sentence = format!("the library says that it is {have}, `plugin.toml` says {need}");
        return Err(Error::new(ErrorKind::Incompatible { have, need }, sentence)
            .with_origin(artifact.label())
            .with_remedy(
                "install the plugin again; its author makes the two agree: in C the id and version stand in `PF_PLUGIN`",
            ));
    }
    let wanted = (parfocal_operator::INTERFACE, artifact.interface);
    if note.interfaces.iter().any(|(name, version)| (name.as_str(), *version) == wanted) {
        return Ok(());
    }
    let spoken: Vec<_> = note.interfaces.iter().map(|(name, version)| format!("{name}/{version}")).collect();
    let (have, need) = (spoken.join(", "), format!("operator/{}", artifact.interface));
    let sentence = format!("the library speaks {have}, `plugin.toml` says {need}");
    Err(Error::new(ErrorKind::Incompatible { have, need }, sentence)
        .with_origin(artifact.label())
        .with_remedy("build the plugin again with the SDK of this Parfocal, and package it again"))
}

/// Maps a sealed copy of the bytes and finds the entry point.
pub(crate) fn map(bytes: &[u8], artifact: &Artifact) -> Result<EntryFunction> {
    let copy = parfocal_core::artifact::sealed_copy(bytes).map_err(|error| {
        Error::internal("the library cannot be copied to memory")
            .with_source(error)
            .with_origin(artifact.label())
            .with_remedy("close other programs, and try again")
    })?;
    let path = format!("/proc/self/fd/{}", copy.as_raw_fd());
    // SAFETY: constructors of the library run here: the user trusts this lane's libraries; its digest and note were
    // checked.
    let handle = unsafe { Handle::open(Some(&path), RTLD_NOW | RTLD_LOCAL) }.map_err(|error| {
        // What went wrong stands in the source alone.
        let said = core::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
        let file = artifact.path.display().to_string();
        not_loaded(&said.replace(&path, &file), &file).with_origin(artifact.label())
    })?;
    // The loader recognises libraries by path: the descriptor stays open for ever, so that its number, and so the path,
    // is never given to another file.
    let _ = copy.into_raw_fd();
    // SAFETY: the symbol's name and signature are frozen for ever.
    let entry = unsafe { handle.get::<EntryFunction>(parfocal_abi::entry::ENTRY_SYMBOL.as_bytes()) }
        .map(|symbol| *symbol)
        .map_err(|_| {
            let what = artifact.path.display().to_string();
            let message = "the library has no symbol `parfocal_entry`: it is not a Parfocal plugin";
            Error::new(ErrorKind::Corrupt { what }, message)
                .with_origin(artifact.label())
                .with_remedy("build it with `export_plugin!` (Rust) or `PF_PLUGIN` (C)")
        })?;
    // Unloading native code safely is not possible.
    core::mem::forget(handle);
    Ok(entry)
}

/// The error of a library that the system's loader did not load.
///
/// It is never called damaged: our own parsers found nothing wrong with it, and the loader's reasons are the computer's as
/// often as the file's. So nothing is blamed for good, and the loader's own words are shown.
fn not_loaded(said: &str, file: &str) -> Error {
    match missing(said, file) {
        Some(Missing { what, remedy }) => Error::new(
            ErrorKind::MissingRuntime { what: what.clone(), r#where: "the system's packages".to_owned() },
            format!("the library needs {what}, which this computer does not have (the system says: {said})"),
        )
        .with_remedy(format!("{remedy}; the plugin's documentation should say where it comes from")),
        None => Error::internal(format!("the system cannot load the library: {said}")).with_remedy(
            "close other programs and try again; when that does not help, install the plugin again, or tell its author",
        ),
    }
}

/// Something that a library needs and the loader did not find.
struct Missing {
    what: String,
    remedy: String,
}

/// What the system's loader did not find, when that is why it could not load `file`: another library, a version of one, or a
/// symbol. It says so in words only: in those of glibc, which are English unless a program sets a locale, or of musl.
fn missing(said: &str, file: &str) -> Option<Missing> {
    let last_word = |text: &str| text.rsplit(' ').next().unwrap_or_default().to_owned();
    let absent = ": No such file or directory";
    let library = said
        .split_once(": cannot open shared object file")
        .filter(|(_, why)| why.starts_with(absent))
        .or_else(|| said.strip_prefix("Error loading shared library ")?.split_once(absent))
        .map(|(name, _)| last_word(name));
    if let Some(what) = library {
        let remedy = format!("install {what}");
        return Some(Missing { what, remedy }).filter(|missing| missing.what != file);
    }
    if let Some((name, rest)) = said.split_once(": version `") {
        let (version, _) = rest.split_once("' not found")?;
        let what = format!("{version} of {}", last_word(name));
        let remedy = format!("install {what}");
        return Some(Missing { what, remedy });
    }
    let symbol = match said.split_once(": undefined symbol: ") {
        Some((_, symbol)) => symbol.split([',', ' ', '\n']).next()?,
        None => {
            said.strip_prefix("Error relocating ")?.strip_suffix(": symbol not found")?.rsplit(": ").next()?
        }
    };
    let what = format!("the symbol `{symbol}`");
    Some(Missing { what, remedy: "install the library that has it, or another version of that".to_owned() })
}

/// Asks for the entry and the interface that the catalog chose.
fn negotiate(entry: EntryFunction, artifact: &Artifact) -> Result<&'static raw::OperatorTable> {
    let refused = |have: String, need: String, sentence: String| {
        Error::new(ErrorKind::Incompatible { have, need }, sentence).with_origin(artifact.label())
    };
    // SAFETY: the frozen signature; the entry lives as long as the library, which is never unloaded.
    let entry: &'static Entry = unsafe { sized(entry(ENTRY_VERSION, ENTRY_VERSION), "pf_entry") }
        .map_err(|error| error.with_origin(artifact.label()))?;
    if entry.version != ENTRY_VERSION {
        return Err(refused(
            format!("entry versions {} to {}", entry.min, entry.max),
            format!("entry version {ENTRY_VERSION}"),
            format!("speaks entry versions {} to {}, this host speaks {ENTRY_VERSION}", entry.min, entry.max),
        )
        .with_remedy("update Parfocal, or install a version of the plugin for this one"));
    }
    // SAFETY: texts of the entry are constants of the library.
    let (id, version) = unsafe { (read_text(entry.id), read_text(entry.plugin_version)) };
    if id != artifact.plugin || version != artifact.version.to_string() {
        return Err(refused(
            format!("{id} {version}"),
            artifact.label(),
            format!("calls itself {id} {version}, its manifest calls it {}", artifact.label()),
        )
        .with_remedy("build the plugin again so that code and plugin.toml agree"));
    }
    let get_interface = entry
        .get_interface
        .ok_or_else(|| Error::not_supported("interfaces by this plugin").with_origin(artifact.label()))?;
    let wanted = artifact.interface.to_wire();
    let mut answer = Negotiated { chosen: 0, min: 0, max: 0, reserved: 0, table: ptr::null::<c_void>() };
    // SAFETY: a valid text and a valid place for the answer.
    let code = unsafe {
        get_interface(raw::Text::of(parfocal_operator::INTERFACE), wanted, wanted, &raw mut answer)
    };
    // SAFETY: null, or a table of the version chosen, which lives as long as the library.
    let table = unsafe { sized(answer.table.cast::<raw::OperatorTable>(), "pf_operator_table") }.ok();
    match table {
        Some(table) if code == 0 && answer.chosen == wanted && fits(table) => Ok(table),
        _ => {
            let text = |wire| InterfaceVersion::from_wire(wire).to_string();
            let have = if code == 0 {
                format!("operator/{} to {}", text(answer.min), text(answer.max))
            } else {
                "no interface `operator`".to_owned()
            };
            let sentence = format!("speaks {have}, asked for operator/{}", artifact.interface);
            Err(refused(have, format!("operator/{}", artifact.interface), sentence)
                .with_remedy("install a version of the plugin that was built for this Parfocal"))
        }
    }
}

fn fits(table: &raw::OperatorTable) -> bool {
    table.create.is_some()
        && table.destroy.is_some()
        && table.plan.is_some()
        && table.required_input.is_some()
        && table.run.is_some()
}

fn describe(table: &raw::OperatorTable) -> Result<Vec<Descriptor>> {
    let count = usize::try_from(table.operator_count).ok().filter(|count| *count <= 4096);
    let Some(count) = count.filter(|count| *count == 0 || !table.operators.is_null()) else {
        return Err(Error::corrupt("the list of operators"));
    };
    let stride = match usize::try_from(table.operator_stride) {
        Ok(0) => size_of::<raw::Descriptor>(),
        Ok(bytes) if (size_of::<raw::Descriptor>()..=MOST_STRIDE).contains(&bytes) => bytes,
        _ => {
            let what = format!("a distance of {} bytes between operators", table.operator_stride);
            return Err(Error::corrupt(what));
        }
    };
    let operators: Vec<Descriptor> = (0..count)
        .map(|index| {
            // SAFETY: not null, and the plugin says that there are `count`, so many bytes apart; they are constants of
            // the library, and each begins with its size.
            let descriptor = unsafe { sized(table.operators.byte_add(index * stride), "pf_descriptor") }?;
            // SAFETY: as above, for what it points to.
            unsafe { read_descriptor(descriptor) }
        })
        .collect::<Result<_>>()?;
    validate_all(&operators)?;
    Ok(operators)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_loader_misses_is_told_from_what_else_went_wrong() {
        let file = "/plugins/libx.so";
        for (said, what) in [
            (
                "libfftw3.so.3: cannot open shared object file: No such file or directory",
                Some("libfftw3.so.3"),
            ),
            (
                "Error loading shared library libfftw3.so.3: No such file or directory (needed by /plugins/libx.so)",
                Some("libfftw3.so.3"),
            ),
            (
                "/lib/libc.so.6: version `GLIBC_2.99' not found (required by /plugins/libx.so)",
                Some("GLIBC_2.99 of /lib/libc.so.6"),
            ),
            ("/plugins/libx.so: undefined symbol: fftw_plan", Some("the symbol `fftw_plan`")),
            ("/plugins/libx.so: undefined symbol: fftw_plan, version V3", Some("the symbol `fftw_plan`")),
            (
                "Error relocating /plugins/libx.so: fftw_plan: symbol not found",
                Some("the symbol `fftw_plan`"),
            ),
            ("/plugins/libx.so: cannot open shared object file: No such file or directory", None),
            ("/plugins/libx.so: cannot open shared object file: Permission denied", None),
            ("libfftw3.so.3: cannot open shared object file: Too many open files", None),
            ("Error loading shared library libfftw3.so.3: Out of memory (needed by /plugins/libx.so)", None),
            ("/plugins/libx.so: failed to map segment from shared object: Cannot allocate memory", None),
            ("/plugins/libx.so: cannot allocate memory in static TLS block", None),
            ("/plugins/libx.so: file too short", None),
        ] {
            assert_eq!(missing(said, file).map(|missing| missing.what).as_deref(), what, "{said}");
            let error = not_loaded(said, file);
            let kind = if what.is_some() { "missing-runtime" } else { "internal" };
            assert_eq!(error.kind().name(), kind, "{said}");
            assert!(error.message().contains(said), "{error}");
        }
    }
}
