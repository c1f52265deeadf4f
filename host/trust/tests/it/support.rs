//! A lab with a key, a plugin and a home.

use std::{
    fs,
    io::{Cursor, Write as _},
    path::{Path, PathBuf},
};

use parfocal_core::Sha256;
use parfocal_trust::{
    Done, Installation, KeyPair, Limits, Package, Request, SecretKey, Time, Trust, TrustStore, TrustedKey,
    pack, sign,
};
use parfocal_types::{Error, Result};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

pub(crate) const ID: &str = "org.example.smooth";

pub(crate) fn time(text: &str) -> Time {
    text.parse().unwrap()
}

/// The present of these tests.
pub(crate) fn now() -> Time {
    time("2026-11-22T22:30:00Z")
}

pub(crate) struct Lab {
    pub(crate) home: tempfile::TempDir,
    pub(crate) pair: KeyPair,
}

impl Lab {
    /// A lab whose key the user trusts for `org.example`.
    pub(crate) fn new() -> Self {
        let lab = Self {
            home: tempfile::tempdir().unwrap(),
            pair: KeyPair::generate("Example Lab", None).unwrap(),
        };
        lab.trust("Example Lab", &lab.pair, &["org.example"], None);
        lab
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.path("state")
    }

    pub(crate) fn store(&self) -> TrustStore {
        TrustStore::open(&self.state()).unwrap()
    }

    pub(crate) fn trust(&self, name: &str, pair: &KeyPair, prefixes: &[&str], expires: Option<Time>) {
        let key = TrustedKey {
            name: name.into(),
            public: pair.public().clone(),
            prefixes: prefixes.iter().map(|prefix| prefix.parse().unwrap()).collect(),
            indexes: vec!["org.example.plugins".into()],
            added: now(),
            expires,
        };
        self.store().add(key).unwrap();
    }

    pub(crate) fn secret(&self) -> SecretKey {
        self.pair.secret(None).unwrap()
    }

    /// The folder of a plugin, not signed.
    pub(crate) fn plugin(&self, version: &str) -> PathBuf {
        let folder = self.path(&format!("made/{ID}-{version}"));
        write_plugin(&folder, ID, version, b"the code");
        folder
    }

    /// The same, signed by the lab.
    pub(crate) fn signed(&self, version: &str) -> PathBuf {
        let folder = self.plugin(version);
        sign(&folder, &self.secret(), &Limits::default()).unwrap();
        folder
    }

    /// The same in an archive.
    pub(crate) fn archive(&self, version: &str) -> PathBuf {
        let archive = self.path(&format!("{ID}-{version}.pfp"));
        pack(&self.signed(version), &archive, &Limits::default()).unwrap();
        archive
    }

    pub(crate) fn plugins(&self) -> PathBuf {
        self.path("plugins")
    }

    pub(crate) fn installation(&self) -> Installation {
        Installation::new(&self.plugins(), &self.state(), Limits::default())
    }

    pub(crate) fn install(&self, source: &Path) -> Result<Done> {
        self.installation().install(source, &Request::default(), now())
    }

    pub(crate) fn allow(&self, source: &Path) -> Result<Done> {
        let request = Request { allow_unsigned: true, ..Request::default() };
        self.installation().install(source, &request, now())
    }

    pub(crate) fn knowledge(&self, now: Time) -> Trust {
        Trust::open(&self.state(), Some(&self.plugins()), now).unwrap()
    }

    /// What lies in the folder of installed plugins, hidden things too.
    pub(crate) fn installed(&self) -> Vec<String> {
        names(&self.plugins())
    }
}

pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

pub(crate) fn write_plugin(folder: &Path, id: &str, version: &str, code: &[u8]) {
    fs::create_dir_all(folder.join("wasm")).unwrap();
    fs::write(folder.join("wasm/a.wasm"), code).unwrap();
    fs::write(folder.join("LICENSE"), "MIT\n").unwrap();
    let digest = Sha256::of(code);
    let manifest = format!(
        r#"manifest-version = 1

[plugin]
id = "{id}"
name = "Smooth"
version = "{version}"
license = "MIT"
description = "Smooths."

[[artifact]]
lane = "wasm"
path = "wasm/a.wasm"
sha256 = "{digest}"
interfaces = ["operator/1-draft.2"]
"#
    );
    fs::write(folder.join("plugin.toml"), manifest).unwrap();
}

pub(crate) fn read(folder: &Path) -> Result<Package> {
    Package::read(folder, &Limits::default())
}

/// The sentence of an error, of the kind `corrupt`, that says what to do.
#[track_caller]
pub(crate) fn corrupt<T: std::fmt::Debug>(result: Result<T>) -> String {
    refused(result, "corrupt")
}

#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(result: Result<T>, kind: &str) -> String {
    let error: Error = result.unwrap_err();
    assert_eq!(error.kind().name(), kind, "{error}");
    assert!(error.remedy().is_some_and(|remedy| !remedy.is_empty()), "it says nothing to do: {error}");
    error.to_string()
}

/// A ZIP of these files, with whatever names.
pub(crate) fn zip_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        zip.start_file(*name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Replaces every occurrence of bytes by others of the same length.
pub(crate) fn patch(bytes: &mut [u8], from: &[u8], to: &[u8]) -> usize {
    assert_eq!(from.len(), to.len());
    let places: Vec<_> =
        (0..bytes.len().saturating_sub(from.len() - 1)).filter(|at| bytes[*at..].starts_with(from)).collect();
    for at in &places {
        bytes[*at..at + to.len()].copy_from_slice(to);
    }
    places.len()
}
