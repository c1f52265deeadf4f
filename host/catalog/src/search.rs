//! Finds manifests in folders.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use parfocal_manifest::FILE_NAME;
use serde::Serialize;

/// How deep below a search folder a plugin may lie: `<folder>/<plugin>/<version>/plugin.toml`.
const DEPTH: usize = 2;

/// Most folders that are looked into below one search folder; more means that somebody named a data folder.
const MOST_FOLDERS: usize = 10_000;

/// A folder that was searched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Searched {
    /// The folder as it was named.
    pub path: PathBuf,
    /// What came of it.
    pub state: FolderState,
}

/// What came of searching a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FolderState {
    /// So many plugins were found.
    Found(usize),
    /// The folder does not exist.
    Missing,
    /// The folder, or one below it, could not be read; the others were.
    Unreadable(String),
    /// There are too many folders below; the rest was not searched.
    TooMany,
}

/// The folders with a manifest below `folders`: in the order of the search folders, sorted within each, each once however
/// many ways lead to it.
pub(crate) fn find(folders: &[PathBuf]) -> (Vec<PathBuf>, Vec<Searched>) {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    let mut searched = Vec::new();
    for folder in folders {
        let before = found.len();
        let mut search = Search { seen: &mut seen, found: &mut found, trouble: None, left: MOST_FOLDERS };
        let state = if folder.is_dir() {
            search.look(folder, DEPTH);
            match (search.trouble.take(), search.left) {
                (Some(trouble), _) => FolderState::Unreadable(trouble),
                (None, 0) => FolderState::TooMany,
                (None, _) => FolderState::Found(found.len() - before),
            }
        } else {
            FolderState::Missing
        };
        searched.push(Searched { path: folder.clone(), state });
    }
    (found, searched)
}

struct Search<'a> {
    seen: &'a mut BTreeSet<PathBuf>,
    found: &'a mut Vec<PathBuf>,
    trouble: Option<String>,
    left: usize,
}

impl Search<'_> {
    fn look(&mut self, folder: &Path, depth: usize) {
        if self.left == 0 {
            return;
        }
        self.left -= 1;
        // A manifest that is a folder, a dangling link or a pipe is still one that somebody put there: it is reported.
        if folder.join(FILE_NAME).symlink_metadata().is_ok() {
            let real = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
            if self.seen.insert(real) {
                self.found.push(folder.to_owned());
            }
            return;
        }
        if depth == 0 {
            return;
        }
        match subfolders(folder) {
            Ok(folders) => folders.iter().for_each(|folder| self.look(folder, depth - 1)),
            Err(error) => {
                self.trouble.get_or_insert_with(|| format!("{}: {error}", folder.display()));
            }
        }
    }
}

fn subfolders(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if !hidden && entry.path().is_dir() {
            folders.push(entry.path());
        }
    }
    folders.sort();
    Ok(folders)
}
