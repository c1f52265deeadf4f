//! Which packages can be had: `index.toml`, signed.
//!
//! ```toml
//! format = 1
//! name = "org.example.plugins"
//! serial = 7
//! expires = "2027-02-20T22:30:00Z"
//!
//! [[package]]
//! id = "org.example.smooth"
//! version = "0.1.0"
//! file = "org.example.smooth-0.1.0.pfp"
//! sha256 = "ba7816bf..."
//! size = 18211
//! interfaces = ["operator/1-draft.2"]
//!
//! [package.report]
//! file = "org.example.smooth-0.1.0.report.json"
//! sha256 = "2cf24dba..."
//! level = "L3"
//! ```
//!
//! Whoever keeps back news shows an old index: it expires. Whoever brings back an older one has a smaller serial than was
//! seen before. An index vouches for what exists, not for who made it: each package carries its own signature.

mod write;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write as _,
    path::Path,
};

use parfocal_core::Sha256;
use parfocal_manifest::{InterfaceRef, PackagePath, PluginId};
use parfocal_types::{Error, ErrorKind, Result};
use semver::{Version, VersionReq};
use serde::{Deserialize, Serialize};

pub use self::write::{FoundReport, ReportOf};
use crate::{
    key::Signature,
    limits::Limits,
    place::{Place, is_safe},
    state::{self, Stored},
    store::TrustStore,
    time::Time,
    walk::cannot,
};

/// The file name of an index; its signature has `.minisig` behind.
pub const INDEX_FILE: &str = "index.toml";

const FORMAT: u32 = 1;

/// Longest index that is read, in bytes: twenty thousand packages.
const LONGEST: u64 = 8 << 20;

/// Longest signature, in bytes.
const LONGEST_SIGNATURE: u64 = 4096;

/// An index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Index {
    format: u32,
    /// What it is called: a reverse domain name. Keys are bound to it.
    pub name: String,
    /// Grows with every index of this name.
    pub serial: u64,
    /// When it stops to count.
    pub expires: Time,
    /// The packages, sorted by id and version.
    #[serde(rename = "package", default)]
    pub packages: Vec<IndexEntry>,
}

/// A package of an index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndexEntry {
    /// The plugin's id.
    pub id: String,
    /// Its version.
    pub version: Version,
    /// The archive: a path beside the index, or an `https` address.
    pub file: String,
    /// The digest of the archive.
    pub sha256: String,
    /// Bytes of the archive.
    pub size: u64,
    /// Every interface version that its code speaks.
    pub interfaces: Vec<String>,
    /// What the conformance suite said of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<IndexReport>,
}

/// A conformance report in an index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndexReport {
    /// The report: a path beside the index, or an `https` address.
    pub file: String,
    /// The digest of the report.
    pub sha256: String,
    /// The level that it grants, for example `L3`.
    pub level: String,
}

/// A package that an index offers, fetched.
#[derive(Debug)]
pub struct Offered {
    /// The entry of the index.
    pub entry: IndexEntry,
    /// The archive, gone when this is dropped.
    pub archive: tempfile::NamedTempFile,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seen {
    #[serde(rename = "index", default)]
    indexes: BTreeMap<String, Last>,
}

/// The newest index of a name that was seen.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Last {
    serial: u64,
    sha256: String,
}

impl Stored for Seen {
    const FILE: &'static str = "indexes.toml";
    const WHAT: &'static str = "the record of indexes";
    const LOSS: &'static str = "after which an older index is not recognised as one";
}

impl Index {
    /// Reads an index, and holds it against the trust store, the clock and what was seen of it before.
    ///
    /// # Errors
    /// `permission-denied` when no key that may do so signed it; `corrupt` when it was changed, is damaged, or older than one
    /// seen before; `timeout` when it has expired; those of fetching.
    pub fn open(place: &Place, store: &TrustStore, state_dir: &Path, now: Time) -> Result<Self> {
        let bytes = place.read(INDEX_FILE, LONGEST)?;
        let signature = place.read(&format!("{INDEX_FILE}.minisig"), LONGEST_SIGNATURE)?;
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).map_err(|_| damaged(place, "it is no text"));
        let (text, signature) = (text(bytes)?, Signature::parse(&text(signature)?)?);
        // Nothing of it is believed yet; the name only says which keys could have signed it.
        let index = Self::parse(&text).map_err(|error| error.context(place))?;
        store.index_key(&index.name, text.as_bytes(), &signature, now)?;
        if signature.comment() != index.comment() {
            return Err(damaged(
                place,
                &format!("its signature is for something else: `{}`", signature.comment()),
            ));
        }
        if index.expires <= now {
            let message = format!("the index {} of {place} expired on {}", index.name, index.expires);
            return Err(Error::new(
                ErrorKind::BadState { need: "an index of today".into(), is: "expired".into() },
                message,
            )
            .with_remedy(
                "get a new one; whoever keeps it should sign it again, and your clock may be wrong",
            ));
        }
        index.newer_than_seen(place, &text, state_dir)?;
        Ok(index)
    }

    /// Reads the text of an index. Whether it is signed is not asked.
    ///
    /// # Errors
    /// `corrupt` with what is wrong.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = |why: String| {
            Error::new(ErrorKind::Corrupt { what: INDEX_FILE.into() }, format!("the index is wrong: {why}"))
                .with_remedy("tell whoever keeps it; `parfocal plugins index` writes one")
        };
        let index: Self = toml::from_str(text).map_err(|error| wrong(error.message().to_owned()))?;
        if index.format != FORMAT {
            let why = format!("it is of format {}, this program reads {FORMAT}", index.format);
            return Err(wrong(why).with_remedy("update Parfocal"));
        }
        index.name.parse::<PluginId>().map_err(|error| wrong(error.message().to_owned()))?;
        let mut seen = BTreeSet::new();
        for entry in &index.packages {
            entry
                .check()
                .map_err(|error| wrong(format!("{} {}: {}", entry.id, entry.version, error.message())))?;
            if !seen.insert((&entry.id, &entry.version)) {
                return Err(wrong(format!("{} {} is in it twice", entry.id, entry.version)));
            }
        }
        Ok(index)
    }

    /// The index as text.
    ///
    /// # Errors
    /// `internal` when it cannot be written as TOML.
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string(self).map_err(|error| Error::internal(format!("cannot write an index: {error}")))
    }

    /// The comment that the signature covers.
    fn comment(&self) -> String {
        format!("parfocal-index name:{} serial:{}", self.name, self.serial)
    }

    fn newer_than_seen(&self, place: &Place, text: &str, state_dir: &Path) -> Result<()> {
        let digest = Sha256::of(text.as_bytes()).to_string();
        let (name, serial) = (&self.name, self.serial);
        let stale = |why: String| {
            Err(Error::new(ErrorKind::Corrupt { what: format!("the index {name}") }, why).with_remedy(
                format!("get the newest index; somebody may be showing you an old one at {place}"),
            ))
        };
        state::change(state_dir, |seen: &mut Seen| {
            match seen.indexes.get(name) {
                Some(last) if last.serial > serial => {
                    return stale(format!(
                        "the index {name} has the number {serial}, and number {} was seen before",
                        last.serial
                    ));
                }
                Some(last) if last.serial == serial && last.sha256 != digest => {
                    return stale(format!("there are two different indexes {name} with the number {serial}"));
                }
                _ => {}
            }
            seen.indexes.insert(name.clone(), Last { serial, sha256: digest });
            Ok(())
        })
    }

    /// The newest version of a plugin in a range whose code speaks an interface of this host.
    ///
    /// # Errors
    /// `not-found` when the plugin or a version in the range is not there; `incompatible` when no version in the range fits
    /// this host.
    pub fn newest(
        &self,
        id: &PluginId,
        range: &VersionReq,
        speaks: &dyn Fn(&InterfaceRef) -> bool,
    ) -> Result<&IndexEntry> {
        let named: Vec<_> = self.packages.iter().filter(|entry| entry.id == id.as_str()).collect();
        let list = |entries: &[&IndexEntry]| {
            entries.iter().map(|entry| entry.version.to_string()).collect::<Vec<_>>().join(", ")
        };
        if named.is_empty() {
            return Err(Error::not_found(format!("the index {} has no {id}", self.name))
                .with_remedy("see that the id is right, or name another index"));
        }
        let in_range: Vec<_> = named.iter().copied().filter(|entry| range.matches(&entry.version)).collect();
        if in_range.is_empty() {
            return Err(Error::not_found(format!(
                "no version of {id} is in the range {range}: there is {}",
                list(&named)
            ))
            .with_remedy("ask for a version that is there"));
        }
        let fits = |entry: &&&IndexEntry| {
            entry.interfaces.iter().filter_map(|text| text.parse().ok()).any(|interface| speaks(&interface))
        };
        in_range.iter().filter(fits).max_by_key(|entry| &entry.version).copied().ok_or_else(|| {
            let interfaces: BTreeSet<_> =
                in_range.iter().flat_map(|entry| &entry.interfaces).cloned().collect();
            let have = interfaces.into_iter().collect::<Vec<_>>().join(", ");
            let message = format!("{id} {} speaks {have}, which this host does not", list(&in_range));
            Error::new(ErrorKind::Incompatible { have, need: "this host".into() }, message)
                .with_remedy("update Parfocal, or ask for another version")
        })
    }

    /// Fetches a package and holds it against its entry.
    ///
    /// # Errors
    /// `corrupt` when it is not the archive of the entry, or larger than the limits allow; those of fetching.
    pub fn fetch(place: &Place, entry: &IndexEntry, limits: &Limits) -> Result<Offered> {
        if entry.size > limits.archive {
            return Err(damaged(
                place,
                &format!("{} has {} bytes, more than {}", entry.file, entry.size, limits.archive),
            ));
        }
        let bytes = place.read(&entry.file, entry.size)?;
        let found = Sha256::of(&bytes);
        if bytes.len() as u64 != entry.size || found.to_string() != entry.sha256 {
            let why = format!("{} is not the file of the index: sha256 {found}", entry.file);
            return Err(damaged(place, &why));
        }
        let failed = |error| cannot("write", &std::env::temp_dir(), error);
        let mut archive = tempfile::Builder::new().suffix(".pfp").tempfile().map_err(failed)?;
        archive.write_all(&bytes).map_err(failed)?;
        Ok(Offered { entry: entry.clone(), archive })
    }
}

impl IndexEntry {
    fn check(&self) -> Result<()> {
        self.id.parse::<PluginId>()?;
        self.sha256.parse::<Sha256>()?;
        is_file(&self.file)?;
        for interface in &self.interfaces {
            interface.parse::<InterfaceRef>()?;
        }
        if let Some(report) = &self.report {
            report.sha256.parse::<Sha256>()?;
            is_file(&report.file)?;
        }
        Ok(())
    }
}

/// Whether a text names a file beside the index, or an address.
fn is_file(text: &str) -> Result<()> {
    if text.contains("://") && !is_safe(text) {
        return Err(Error::invalid_argument(format!("`{text}` is no https address")));
    }
    if !text.contains("://") {
        text.parse::<PackagePath>()?;
    }
    Ok(())
}

fn damaged(place: &Place, why: &str) -> Error {
    Error::new(
        ErrorKind::Corrupt { what: format!("the index of {place}") },
        format!("the index of {place}: {why}"),
    )
    .with_remedy("get it again; if that does not help, tell whoever keeps it")
}
