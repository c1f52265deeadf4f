//! Plugins that misbehaved, remembered by the hash of their file until it changes or somebody releases them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
};

use parfocal_core::Sha256;
use parfocal_types::error::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

const FILE: &str = "quarantine.json";
const LOCK: &str = "quarantine.lock";
const FORMAT: u32 = 1;

/// A file of code that is not used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quarantined {
    /// Reverse-DNS id of the plugin.
    pub plugin: String,
    /// Its version.
    pub version: String,
    /// What it did.
    pub reason: String,
}

/// The quarantine of one user: `quarantine.json` in the host's state folder.
///
/// Several hosts may use it at once: each change locks it, reads it again and replaces it whole.
#[derive(Debug, Clone)]
pub struct Quarantine {
    folder: PathBuf,
    state: State,
}

#[derive(Debug, Clone, Default)]
struct State {
    entries: BTreeMap<Sha256, Quarantined>,
    /// Files that were too slow when they were last loaded, for the first time.
    slow: BTreeSet<Sha256>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    format: u32,
    files: BTreeMap<String, Quarantined>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    slow: BTreeSet<String>,
}

/// Whether a failure to load a file is the file's own fault, so that it goes into quarantine: its code died, broke the rules
/// of the interface, or is damaged. `was_slow` tells whether it was too slow the time before as well.
///
/// What the computer lacks (a library, memory, time just now) is no fault of the file, and neither is code that does not fit
/// this host or its manifest: it is refused each time, and may fit tomorrow.
#[must_use]
pub fn warrants_quarantine(error: &Error, was_slow: bool) -> bool {
    match error.kind() {
        ErrorKind::Corrupt { .. } | ErrorKind::Protocol { .. } | ErrorKind::PluginDied { .. } => true,
        ErrorKind::Timeout { .. } => was_slow,
        _ => false,
    }
}

impl Quarantine {
    /// Reads the quarantine; a folder without one is an empty one.
    ///
    /// # Errors
    /// `corrupt` when the file is not what this crate writes, with what to do; what the system says when it cannot be
    /// read.
    pub fn open(state_dir: &Path) -> Result<Self> {
        let state = read(&state_dir.join(FILE))?;
        Ok(Self { folder: state_dir.to_owned(), state })
    }

    /// An empty quarantine over the same file, for when that cannot be read.
    pub(crate) fn empty(state_dir: &Path) -> Self {
        Self { folder: state_dir.to_owned(), state: State::default() }
    }

    /// Why a file is in quarantine.
    #[must_use]
    pub fn get(&self, sha256: &Sha256) -> Option<&Quarantined> {
        self.state.entries.get(sha256)
    }

    /// All files, sorted by digest.
    pub fn iter(&self) -> impl Iterator<Item = (&Sha256, &Quarantined)> {
        self.state.entries.iter()
    }

    /// Puts a file into quarantine, and remembers it on disk.
    ///
    /// # Errors
    /// Those of [`open`](Self::open), and what the system says when the file cannot be written.
    pub fn add(&mut self, sha256: Sha256, entry: Quarantined) -> Result<()> {
        self.change(|state| {
            state.slow.remove(&sha256);
            state.entries.insert(sha256, entry);
        })
    }

    /// Whether a file was too slow when it was last loaded.
    #[must_use]
    pub fn was_slow(&self, sha256: &Sha256) -> bool {
        self.state.slow.contains(sha256)
    }

    /// Remembers whether a file was too slow when it was loaded. Nothing is written when that is known.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn set_slow(&mut self, sha256: Sha256, slow: bool) -> Result<()> {
        if self.was_slow(&sha256) == slow {
            return Ok(());
        }
        self.change(|state| {
            if slow {
                state.slow.insert(sha256);
            } else {
                state.slow.remove(&sha256);
            }
        })
    }

    /// Takes files back: by the digest of one (its first eight digits or more are enough), or by the id of a plugin, which
    /// means all its versions. Returns what was released; empty when nothing was.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn release(&mut self, digest_or_plugin: &str) -> Result<Vec<(Sha256, Quarantined)>> {
        let digits = digest_or_plugin.len() >= 8 && digest_or_plugin.bytes().all(|b| b.is_ascii_hexdigit());
        let named = |sha256: &Sha256, entry: &Quarantined| {
            entry.plugin == digest_or_plugin
                || digits && sha256.to_string().starts_with(&digest_or_plugin.to_ascii_lowercase())
        };
        let mut released = Vec::new();
        self.change(|state| {
            released = state.entries.extract_if(.., |sha256, entry| named(sha256, entry)).collect();
        })?;
        Ok(released)
    }

    fn change(&mut self, change: impl FnOnce(&mut State)) -> Result<()> {
        let file = self.folder.join(FILE);
        let failed = |error: std::io::Error| {
            Error::internal(format!("the quarantine {} cannot be written", file.display()))
                .with_source(error)
                .with_remedy("make the folder writable, or name another state folder")
        };
        fs::create_dir_all(&self.folder).map_err(failed)?;
        let lock = File::create(self.folder.join(LOCK)).map_err(failed)?;
        lock.lock().map_err(failed)?;
        let mut state = read(&file)?;
        change(&mut state);
        let files = state.entries.iter().map(|(sha256, entry)| (sha256.to_string(), entry.clone()));
        let slow = state.slow.iter().map(ToString::to_string);
        let stored = Stored { format: FORMAT, files: files.collect(), slow: slow.collect() };
        let text = serde_json::to_string_pretty(&stored).map_err(|error| failed(error.into()))?;
        // Whole or not at all, also when the power fails: written beside it, synced, then renamed over it.
        let mut new = tempfile::NamedTempFile::new_in(&self.folder).map_err(failed)?;
        new.write_all(text.as_bytes()).and_then(|()| new.write_all(b"\n")).map_err(failed)?;
        new.as_file().sync_all().map_err(failed)?;
        new.persist(&file).map_err(|error| failed(error.error))?;
        self.state = state;
        Ok(())
    }
}

fn read(file: &Path) -> Result<State> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(State::default()),
        Err(error) => {
            return Err(Error::new(
                ErrorKind::Corrupt { what: file.display().to_string() },
                format!("the quarantine {} cannot be read: {error}", file.display()),
            )
            .with_remedy("make it readable, or delete it, which releases every plugin in it"));
        }
    };
    let wrong = |why: &dyn std::fmt::Display| {
        Error::new(
            ErrorKind::Corrupt { what: file.display().to_string() },
            format!("the quarantine {} is damaged: {why}", file.display()),
        )
        .with_remedy("delete it, which releases every plugin in it")
    };
    let stored: Stored = serde_json::from_str(&text).map_err(|error| wrong(&error))?;
    if stored.format != FORMAT {
        return Err(wrong(&format!("it is of format {}, this host reads {FORMAT}", stored.format)));
    }
    let digest = |text: &str| text.parse::<Sha256>().map_err(|error| wrong(&error));
    let entries = stored.files.into_iter().map(|(sha256, entry)| Ok((digest(&sha256)?, entry)));
    Ok(State {
        entries: entries.collect::<Result<_>>()?,
        slow: stored.slow.iter().map(|sha256| digest(sha256)).collect::<Result<_>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_fault_of_the_file_itself_warrants_quarantine() {
        let text = String::new;
        let cases = [
            (ErrorKind::Corrupt { what: text() }, true),
            (ErrorKind::Protocol { raw: text() }, true),
            (ErrorKind::PluginDied { signal: text() }, true),
            (ErrorKind::MissingRuntime { what: text(), r#where: text() }, false),
            (ErrorKind::Incompatible { have: text(), need: text() }, false),
            (ErrorKind::OutOfMemory { need: 2, budget: 1 }, false),
            (ErrorKind::NotSupported { what: text() }, false),
            (ErrorKind::NotFound, false),
            (ErrorKind::Cancelled, false),
            (ErrorKind::Internal, false),
        ];
        for (kind, expected) in cases {
            let error = Error::new(kind, "x");
            for was_slow in [false, true] {
                assert_eq!(warrants_quarantine(&error, was_slow), expected, "{:?}", error.kind());
            }
        }
        let slow = Error::new(ErrorKind::Timeout { ms: 1 }, "x");
        assert!(!warrants_quarantine(&slow, false), "a computer may be busy once");
        assert!(warrants_quarantine(&slow, true));
    }
}
