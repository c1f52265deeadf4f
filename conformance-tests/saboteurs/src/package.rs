//! The package around the code: what faults of manifests and files edit.

use std::collections::BTreeMap;

/// A package before it is written.
#[derive(Debug, Clone)]
pub struct Package {
    /// The name of its folder.
    pub folder: String,
    /// The text of `plugin.toml`, without its artifacts' digests: `{sha256}` stands for them.
    pub manifest: String,
    /// The library, or the component.
    pub library: Vec<u8>,
    /// Where it lies in the package.
    pub place: &'static str,
    /// Other files.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Package {
    /// Replaces a text of the manifest, which is there.
    ///
    /// # Panics
    /// When it is not there: the fault would be none.
    pub fn replace(&mut self, from: &str, to: &str) {
        assert!(self.manifest.contains(from), "the manifest has no {from:?}");
        self.manifest = self.manifest.replacen(from, to, 1);
    }

    /// Replaces bytes everywhere in the library by others of the same length.
    ///
    /// # Panics
    /// When they are not there, or of another length.
    pub fn patch(&mut self, from: &str, to: &str) {
        assert_eq!(from.len(), to.len(), "a patch moves no bytes");
        let places: Vec<_> = self
            .library
            .windows(from.len())
            .enumerate()
            .collect::<Vec<_>>()
            .into_iter()
            .filter(|(_, window)| *window == from.as_bytes())
            .map(|(place, _)| place)
            .collect();
        assert!(!places.is_empty(), "the library has no {from:?}");
        for place in places {
            self.library[place..place + from.len()].copy_from_slice(to.as_bytes());
        }
    }
}
