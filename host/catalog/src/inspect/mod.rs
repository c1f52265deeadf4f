//! What a single file is, read from its bytes: even a broken one, and never by running it.

mod elf;
mod program;
mod wasm;

use std::{
    fmt,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use parfocal_abi::note::Note;
use parfocal_core::Sha256;
use parfocal_types::{
    Error,
    error::{ErrorKind, Result},
};
use serde::{Serialize, Serializer};

/// Largest file of code that is read. The biggest seen are compiled Python components of some 20 MB and libraries that
/// carry a whole runtime of some 300 MB.
pub(crate) const MAX_BYTES: u64 = 1 << 30;

/// Most exports that an inspection lists.
const MOST_EXPORTS: usize = 10_000;

/// The format of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Format {
    /// A library, program or object of Linux and its relatives.
    Elf,
    /// A WASM component.
    WasmComponent,
    /// A WASM core module.
    WasmModule,
    /// A zip archive that Python can run.
    PythonArchive,
    /// A zip archive of another kind.
    Zip,
    /// Text whose first line names an interpreter.
    Script,
    /// A library or program of macOS.
    MachO,
    /// A library or program of Windows.
    Pe,
    /// Something else.
    Other,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Elf => "an ELF file",
            Self::WasmComponent => "a WASM component",
            Self::WasmModule => "a WASM core module, not a component",
            Self::PythonArchive => "a Python program in an archive",
            Self::Zip => "a zip archive without `__main__.py`, not a Python program",
            Self::Script => "a script",
            Self::MachO => "a file for macOS",
            Self::Pe => "a file for Windows",
            Self::Other => "neither ELF nor WASM",
        })
    }
}

/// What a file's bytes tell.
#[derive(Debug, Clone, Serialize)]
pub struct Inspection {
    /// The file.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// Its digest.
    #[serde(serialize_with = "as_text")]
    pub sha256: Sha256,
    /// Its format.
    pub format: Format,
    /// The processor of native code, as target triples name it.
    pub processor: Option<String>,
    /// Whether native code is a shared library.
    pub shared: Option<bool>,
    /// Exported symbols of a library, exported interfaces of a component, in the order of the file.
    pub exports: Vec<String>,
    /// Interfaces that a component imports, in the order of the file. Libraries import from the system, which is not listed.
    pub imports: Vec<String>,
    /// The embedded note, where one can be read.
    pub note: Option<NoteSummary>,
    /// What is wrong with the bytes; empty for a file that a host can use.
    pub problems: Vec<String>,
}

/// The note in the file, as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NoteSummary {
    /// Reverse-DNS id of the plugin.
    pub id: String,
    /// Version of the plugin.
    pub version: String,
    /// The language that it was written in.
    pub language: String,
    /// Interfaces that it speaks, for example `operator/1-draft.2`.
    pub interfaces: Vec<String>,
    /// What differs between its boundary structs and this host's; only native code in Rust has such.
    pub layout_differences: Vec<String>,
}

/// What the code says about itself.
#[derive(Debug, Default)]
pub(crate) enum NoteState {
    /// Nothing.
    #[default]
    Absent,
    /// Something that cannot be read.
    Damaged(String),
    /// A note.
    Read(Note),
}

/// What the rules of the catalog need to know about bytes.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) format: Format,
    /// The first thing that is broken, with its place where it is known.
    pub(crate) damage: Option<String>,
    pub(crate) processor: Option<String>,
    pub(crate) shared: Option<bool>,
    pub(crate) exports: Vec<String>,
    pub(crate) imports: Vec<String>,
    pub(crate) note: NoteState,
}

impl Facts {
    fn of_format(format: Format) -> Self {
        Self {
            format,
            damage: None,
            processor: None,
            shared: None,
            exports: Vec::new(),
            imports: Vec::new(),
            note: NoteState::Absent,
        }
    }

    /// Reads bytes of any kind.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let magic: &[u8] = bytes.get(..4).unwrap_or(bytes);
        match magic {
            b"\x7fELF" => elf::facts(bytes),
            b"\0asm" => wasm::facts(bytes),
            [0xfe, 0xed, 0xfa, 0xce | 0xcf] | [0xce | 0xcf, 0xfa, 0xed, 0xfe] | [0xca, 0xfe, 0xba, 0xbe] => {
                Self::of_format(Format::MachO)
            }
            [b'M', b'Z', ..] => Self::of_format(Format::Pe),
            _ => program::facts(bytes)
                .unwrap_or_else(|| Self { note: note_anywhere(bytes), ..Self::of_format(Format::Other) }),
        }
    }
}

/// Reads what a file is. Nothing of it runs.
///
/// # Errors
/// `not-found` when it cannot be read, `not-supported` when it is no ordinary file or larger than 1 GiB. A
/// broken file is no error: its problems are listed.
pub fn inspect(path: &Path) -> Result<Inspection> {
    let bytes = read_file(path).map_err(|error| {
        let message = format!("{} cannot be inspected: {}", path.display(), error.why);
        let kind =
            if error.strange { ErrorKind::NotSupported { what: error.why } } else { ErrorKind::NotFound };
        Error::new(kind, message).with_remedy("name a file of a plugin: a library or a WASM component")
    })?;
    Ok(inspect_bytes(path, &bytes))
}

/// As [`inspect`], for bytes that were read already; `path` is only carried along.
#[must_use]
pub fn inspect_bytes(path: &Path, bytes: &[u8]) -> Inspection {
    let facts = Facts::of(bytes);
    let mut problems: Vec<String> = facts.damage.iter().cloned().collect();
    let mut note = None;
    match &facts.note {
        NoteState::Read(read) => note = Some(summary(read, facts.format)),
        NoteState::Damaged(why) => problems.push(why.clone()),
        NoteState::Absent if matches!(facts.format, Format::Elf | Format::WasmComponent) => {
            problems
                .push("it has no Parfocal note: it was not built with the SDK, or it was stripped".into());
        }
        NoteState::Absent => {}
    }
    match facts.format {
        Format::Elf if facts.damage.is_none() => {
            if facts.shared == Some(false) {
                problems.push("it is no shared library".into());
            }
            if !facts.exports.iter().any(|name| name == parfocal_abi::entry::ENTRY_SYMBOL) {
                problems.push(format!("it does not export `{}`", parfocal_abi::entry::ENTRY_SYMBOL));
            }
        }
        Format::WasmComponent if facts.damage.is_none() => {
            if !facts.exports.iter().any(|name| name.starts_with("parfocal:")) {
                problems.push("it exports no interface of Parfocal".into());
            }
        }
        Format::Elf | Format::WasmComponent | Format::PythonArchive | Format::Script => {}
        other => problems.push(format!("it is {other}")),
    }
    Inspection {
        path: path.to_owned(),
        size: bytes.len() as u64,
        sha256: Sha256::of(bytes),
        format: facts.format,
        processor: facts.processor,
        shared: facts.shared,
        exports: facts.exports,
        imports: facts.imports,
        note,
        problems,
    }
}

/// Why a file could not be read.
pub(crate) struct Unread {
    pub(crate) why: String,
    /// Whether it is there, but is nothing that code can lie in.
    pub(crate) strange: bool,
}

/// Reads an ordinary file of bounded size.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, Unread> {
    let unread = |error: std::io::Error| Unread { why: error.to_string(), strange: false };
    // Asked before opening, because opening a pipe would wait for its writer.
    let about = path.metadata().map_err(unread)?;
    if !about.is_file() {
        return Err(Unread { why: "it is no ordinary file".into(), strange: true });
    }
    if about.len() > MAX_BYTES {
        return Err(Unread { why: format!("it is larger than {} MiB", MAX_BYTES >> 20), strange: true });
    }
    let mut bytes = Vec::new();
    // The file may grow meanwhile: one byte more than allowed tells.
    File::open(path).map_err(unread)?.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(unread)?;
    Ok(bytes)
}

/// The note of a section's bytes.
fn note_of(section: &[u8]) -> NoteState {
    match Note::parse(section) {
        Ok(note) if [&note.id, &note.version, &note.language].iter().any(|word| !is_plain(word)) => {
            NoteState::Damaged("the note of the plugin has words that are no plain text".into())
        }
        Ok(note) if note.layouts.iter().any(|line| !is_plain(&line.name)) => {
            NoteState::Damaged("the note of the plugin has words that are no plain text".into())
        }
        Ok(note) if note.interfaces.iter().any(|(name, _)| !is_plain(name)) => {
            NoteState::Damaged("the note of the plugin has words that are no plain text".into())
        }
        Ok(note) => NoteState::Read(note),
        Err(error) => NoteState::Damaged(error.message().to_owned()),
    }
}

/// Whether a word may be shown on a terminal.
fn is_plain(word: &str) -> bool {
    word.len() <= 256 && word.bytes().all(|byte| byte.is_ascii_graphic())
}

/// A note in bytes whose structure is lost.
fn note_anywhere(bytes: &[u8]) -> NoteState {
    let mark = b"PARFOCAL-NOTE ";
    match bytes.windows(mark.len()).position(|window| window == mark) {
        Some(start) => note_of(&bytes[start..]),
        None => NoteState::Absent,
    }
}

/// Names without what could drive a terminal.
fn printable(name: &str) -> String {
    name.chars().take(300).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn summary(note: &Note, format: Format) -> NoteSummary {
    // A component shares no structs with the host: its note describes none.
    let shares_structs = note.language == "rust" && format != Format::WasmComponent;
    let differences = if shares_structs { parfocal_abi::layout::differences(note) } else { Vec::new() };
    NoteSummary {
        id: note.id.clone(),
        version: note.version.clone(),
        language: note.language.clone(),
        interfaces: note.interfaces.iter().map(|(name, version)| format!("{name}/{version}")).collect(),
        layout_differences: differences,
    }
}

fn as_text<S: Serializer>(digest: &Sha256, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(digest)
}
