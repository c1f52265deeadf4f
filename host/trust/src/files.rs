//! The list of a package's files.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use parfocal_core::Sha256;
use parfocal_manifest::{FILE_NAME, PackagePath};
use parfocal_types::{Error, ErrorKind, Result};
use sha2::Digest as _;

use crate::{
    limits::Limits,
    package::SIGNATURE_FILE,
    path::portable,
    walk::{self, cannot},
};

/// The file name of the list, at the top of a package.
pub const LIST_FILE: &str = "FILES.sha256";

/// Most bytes of a manifest that are kept: one more than is allowed, which tells that it is too long.
const LONGEST_MANIFEST: usize = parfocal_manifest::MAX_BYTES + 1;

/// The digest of every file of a package, but the list itself and its signature.
///
/// As text it is one line for each file, sorted by path: the digest, two spaces, the path. `sha256sum -c FILES.sha256`
/// reads it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileList(BTreeMap<PackagePath, Sha256>);

impl FileList {
    /// Reads every file of a folder.
    ///
    /// # Errors
    /// `corrupt` for what cannot be part of a package: links, devices, names that not every system has, more than the
    /// limits allow; what the system says when a file cannot be read.
    pub fn of_folder(folder: &Path, limits: &Limits) -> Result<Self> {
        Ok(Self::with_manifest(folder, limits)?.0)
    }

    /// The same, with the bytes of the manifest that its digest is of. Of one that is too long for a manifest, a byte more
    /// than is allowed; `None` when there is none.
    ///
    /// Whoever judges the manifest judges these: a file that is read twice may be two.
    pub(crate) fn with_manifest(folder: &Path, limits: &Limits) -> Result<(Self, Option<Vec<u8>>)> {
        let (mut list, mut manifest) = (BTreeMap::new(), None);
        for name in walk::files(folder, limits)?.into_keys() {
            if matches!(name.as_str(), LIST_FILE | SIGNATURE_FILE) {
                continue;
            }
            let path = folder.join(name.as_str());
            let is_manifest = name.as_str() == FILE_NAME;
            let mut kept = Vec::new();
            let keep = |piece: &[u8]| {
                let most = if is_manifest { LONGEST_MANIFEST.saturating_sub(kept.len()) } else { 0 };
                kept.extend(piece.iter().take(most));
            };
            let digest = digest(&path, limits.file, keep).map_err(|error| cannot("read", &path, error))?;
            list.insert(name, digest);
            if is_manifest {
                manifest = Some(kept);
            }
        }
        Ok((Self(list), manifest))
    }

    /// Reads the text of a list. Only the one text that [`to_text`](Self::to_text) writes for it is taken.
    ///
    /// # Errors
    /// `corrupt`, with the number of the line.
    pub fn parse(text: &str, limits: &Limits) -> Result<Self> {
        let wrong = |line: usize, why: &str| {
            Error::new(
                ErrorKind::Corrupt { what: LIST_FILE.into() },
                format!("line {line} of {LIST_FILE} {why}"),
            )
            .with_remedy("get the package again; if it is your own, sign it again")
        };
        let mut list = BTreeMap::new();
        for (number, line) in text.split_inclusive('\n').enumerate() {
            let number = number + 1;
            let line = line.strip_suffix('\n').ok_or_else(|| wrong(number, "is cut off"))?;
            let (digest, name) =
                line.split_once("  ").ok_or_else(|| wrong(number, "has no digest and path"))?;
            let lower = !digest.bytes().any(|byte| byte.is_ascii_uppercase());
            let digest: Sha256 =
                digest.parse().ok().filter(|_| lower).ok_or_else(|| wrong(number, "has no sha256"))?;
            let name = portable(name, limits.depth).map_err(|error| wrong(number, error.message()))?;
            if list.last_key_value().is_some_and(|(last, _)| *last >= name) {
                return Err(wrong(number, "is not in the order of the paths"));
            }
            if list.len() >= limits.files {
                return Err(wrong(number, "is one file too many"));
            }
            list.insert(name, digest);
        }
        Ok(Self(list))
    }

    /// The list as text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for (name, digest) in &self.0 {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{digest}  {name}");
        }
        text
    }

    /// The digest of the list's text: it stands for every byte of the package.
    #[must_use]
    pub fn digest(&self) -> Sha256 {
        Sha256::of(self.to_text().as_bytes())
    }

    /// The digest of one file.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Sha256> {
        self.0.get(&name.parse::<PackagePath>().ok()?).copied()
    }

    /// How many files there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How the files that were found differ from this list, one sentence each.
    #[must_use]
    pub fn differences(&self, found: &Self) -> Vec<String> {
        let mut differences = Vec::new();
        for (name, digest) in &self.0 {
            match found.0.get(name) {
                None => differences.push(format!("{name} is in the list and not in the package")),
                Some(other) if other != digest => {
                    differences.push(format!("{name} is not the file of the list (sha256 {other})"));
                }
                Some(_) => {}
            }
        }
        let added = found.0.keys().filter(|name| !self.0.contains_key(*name));
        differences.extend(added.map(|name| format!("{name} is not in the list")));
        differences
    }
}

/// The digest of a file, read piece by piece and never more of it than the limit.
/// `see` is shown each piece that counts.
fn digest(path: &Path, limit: u64, mut see: impl FnMut(&[u8])) -> io::Result<Sha256> {
    let mut file = File::open(path)?.take(limit.saturating_add(1));
    let mut hash = sha2::Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut read = 0;
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        read += count as u64;
        if read > limit {
            return Err(io::Error::other("it grew while it was read"));
        }
        let piece = buffer.get(..count).unwrap_or_default();
        hash.update(piece);
        see(piece);
    }
    Ok(Sha256(hash.finalize().into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_in_one_form_only() {
        let a = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let parse = |text: &str| FileList::parse(text, &Limits::default());
        let text = format!("{a}  lib/a.so\n{a}  plugin.toml\n");
        assert_eq!(parse(&text).unwrap().to_text(), text);
        assert_eq!(parse("").unwrap().len(), 0);
        for wrong in [
            format!("{a}  b\n{a}  a\n"),
            format!("{a}  a\n{a}  a\n"),
            format!("{a}  a"),
            format!("{a} a\n"),
            format!("{}  a\n", a.to_uppercase()),
            format!("{a}  ../a\n"),
            format!("{a}  a\r\n"),
            format!("{a}   a\n"),
            "\n".to_owned(),
        ] {
            assert!(parse(&wrong).is_err(), "{wrong:?}");
        }
    }
}
