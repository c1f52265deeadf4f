//! Which keys the user trusts, and for what.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use parfocal_manifest::PluginId;
use parfocal_types::{Error, Result};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{
    key::{KeyId, PublicKey, Signature},
    package::{Package, broken},
    state::{self, Stored},
    time::Time,
};

/// Longest name of a key, in characters.
const LONGEST_NAME: usize = 64;

/// The beginning of plugin ids that a key may sign: whole words, `org.example` for `org.example` and `org.example.smooth`,
/// not for `org.examples`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct IdPrefix(PluginId);

impl IdPrefix {
    /// Whether an id begins with these words.
    #[must_use]
    pub fn covers(&self, id: &PluginId) -> bool {
        let rest = id.as_str().strip_prefix(self.0.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

impl fmt::Display for IdPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for IdPrefix {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        text.parse().map(Self).map_err(|_| {
            Error::invalid_argument(format!("`{text}` is not the beginning of plugin ids"))
                .with_remedy("write two words or more, for example org.example: no key is for everything")
        })
    }
}

impl Serialize for IdPrefix {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for IdPrefix {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text())
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// A key that the user trusts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TrustedKey {
    /// What the user calls it.
    pub name: String,
    /// The key.
    pub public: PublicKey,
    /// Which plugins it may sign.
    #[serde(rename = "for", default, skip_serializing_if = "Vec::is_empty")]
    pub prefixes: Vec<IdPrefix>,
    /// Which indexes it may sign, by their names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub indexes: Vec<String>,
    /// When it was added.
    pub added: Time,
    /// When it stops to count for what is installed from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Time>,
}

impl TrustedKey {
    fn has_expired(&self, now: Time) -> bool {
        self.expires.is_some_and(|end| end <= now)
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    #[serde(rename = "key", default)]
    keys: Vec<TrustedKey>,
}

impl Stored for Keys {
    const FILE: &'static str = "trust.toml";
    const WHAT: &'static str = "the list of trusted keys";
    const LOSS: &'static str = "after which no key is trusted";
}

/// Whether somebody whom the user trusts vouches for a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// A key that may do so signed it.
    Signed {
        /// What the user calls the key.
        name: String,
        /// The key.
        key: KeyId,
        /// When the key stopped to count, if it did: enough for what was installed before.
        expired: Option<Time>,
    },
    /// Nobody does.
    Unsigned {
        /// Why, as a clause: `it has no signature`.
        why: String,
        /// What to do about it.
        remedy: String,
    },
}

/// The keys that one user trusts: `trust.toml` in the host's state folder.
#[derive(Debug, Clone)]
pub struct TrustStore {
    folder: PathBuf,
    keys: Vec<TrustedKey>,
}

impl TrustStore {
    /// Reads the store; a folder without one has no keys.
    ///
    /// # Errors
    /// `corrupt` when the file cannot be read.
    pub fn open(state_dir: &Path) -> Result<Self> {
        Ok(Self { folder: state_dir.to_owned(), keys: state::read::<Keys>(state_dir)?.keys })
    }

    /// The keys, sorted by name.
    #[must_use]
    pub fn keys(&self) -> &[TrustedKey] {
        &self.keys
    }

    /// Trusts a key.
    ///
    /// # Errors
    /// `invalid-argument` when the key or the name is there already, when the name is none, or when the key would be for
    /// nothing; those of writing the file.
    pub fn add(&mut self, key: TrustedKey) -> Result<()> {
        let named = !key.name.is_empty() && key.name.chars().count() <= LONGEST_NAME;
        if !named || key.name.trim() != key.name || key.name.contains(char::is_control) {
            return Err(Error::invalid_argument(format!("{:?} is no name for a key", key.name))
                .with_remedy(format!("write up to {LONGEST_NAME} characters, for example `Example Lab`")));
        }
        if key.prefixes.is_empty() && key.indexes.is_empty() {
            return Err(Error::invalid_argument("a key is trusted for something")
                .with_remedy("say for which plugins (`--for org.example`) or for which index (`--index`)"));
        }
        for index in &key.indexes {
            index.parse::<PluginId>().map_err(|error| error.context("the name of an index"))?;
        }
        self.keys = state::change(&self.folder, |stored: &mut Keys| {
            let same = |other: &&TrustedKey| other.name == key.name || other.public == key.public;
            if let Some(other) = stored.keys.iter().find(same) {
                let remedy = format!("`parfocal plugins trust remove {:?}` takes it away first", other.name);
                return Err(Error::invalid_argument(format!(
                    "`{}` ({}) is trusted already",
                    other.name,
                    other.public.id()
                ))
                .with_remedy(remedy));
            }
            stored.keys.push(key);
            stored.keys.sort_by(|a, b| a.name.cmp(&b.name));
            Ok(stored.keys.clone())
        })?;
        Ok(())
    }

    /// Trusts a key no more, by its name or number. Gives the keys that were removed.
    ///
    /// # Errors
    /// `not-found` when there is none; those of writing the file.
    pub fn remove(&mut self, name: &str) -> Result<Vec<TrustedKey>> {
        let (removed, keys) = state::change(&self.folder, |stored: &mut Keys| {
            let named =
                |key: &TrustedKey| key.name == name || key.public.id().to_string() == name.to_uppercase();
            let removed: Vec<_> = stored.keys.extract_if(.., |key| named(key)).collect();
            if removed.is_empty() {
                let known: Vec<_> = stored.keys.iter().map(|key| key.name.as_str()).collect();
                return Err(Error::not_found(format!("no trusted key is called `{name}`")).with_remedy(
                    if known.is_empty() {
                        "no key is trusted".into()
                    } else {
                        format!("there is: {}", known.join(", "))
                    },
                ));
            }
            Ok((removed, stored.keys.clone()))
        })?;
        self.keys = keys;
        Ok(removed)
    }

    /// Whether a trusted key vouches for a package.
    ///
    /// # Errors
    /// `corrupt` when the signature says it is by a key of the store and is not: somebody changed the package or forged the
    /// signature.
    pub fn judge(&self, package: &Package, now: Time) -> Result<Standing> {
        let id = &package.manifest().plugin.id;
        let Some(signature) = package.signature() else {
            return Ok(unsigned("it has no signature", "ask its author for a signed package"));
        };
        let text = package.files().to_text();
        let Some(key) = self.signer(text.as_bytes(), signature, &package.manifest().label())? else {
            let why = format!("it is signed with the key {}, which you do not trust", signature.key());
            let remedy = "get the author's public key from a place you trust, and `parfocal plugins trust add <file> \
                          --for <beginning of the id>`";
            return Ok(unsigned(&why, remedy));
        };
        if !key.prefixes.iter().any(|prefix| prefix.covers(id)) {
            let why = match key.prefixes.as_slice() {
                [] => format!("it is signed by {}, a key that you trust for an index only", key.name),
                some => format!("it is signed by {}, a key that you trust for {} only", key.name, list(some)),
            };
            let remedy = format!("if that key is for {id} too, remove it and add it again with `--for {id}`");
            return Ok(unsigned(&why, &remedy));
        }
        let expired = key.expires.filter(|_| key.has_expired(now));
        Ok(Standing::Signed { name: key.name.clone(), key: key.public.id(), expired })
    }

    /// The trusted key that signed these bytes; `None` when the signature is by a key that is not in the store.
    fn signer(&self, bytes: &[u8], signature: &Signature, label: &str) -> Result<Option<&TrustedKey>> {
        let mut named = self.keys.iter().filter(|key| key.public.id() == signature.key()).peekable();
        if named.peek().is_none() {
            return Ok(None);
        }
        match named.find(|key| key.public.signed(bytes, signature)) {
            Some(key) => Ok(Some(key)),
            None => {
                Err(broken(label, format!("the signature is not by the key {}, as it says", signature.key())))
            }
        }
    }

    /// The key that signed an index, if it may sign the index of this name now.
    pub(crate) fn index_key(
        &self,
        name: &str,
        bytes: &[u8],
        signature: &Signature,
        now: Time,
    ) -> Result<&TrustedKey> {
        let label = format!("the index {name}");
        let refuse = |why: String, remedy: &str| {
            let kind =
                parfocal_types::ErrorKind::PermissionDenied { permission: format!("use the index {name}") };
            Err(Error::new(kind, why).with_remedy(remedy))
        };
        let Some(key) = self.signer(bytes, signature, &label)? else {
            return refuse(
                format!("{label} is signed with the key {}, which you do not trust", signature.key()),
                "get the public key of the index from a place you trust, and `parfocal plugins trust add <file> --index <name>`",
            );
        };
        if !key.indexes.iter().any(|own| own == name) {
            return refuse(
                format!("{label} is signed by {}, a key that you do not trust for it", key.name),
                "remove the key and add it again with `--index` and the name of the index, if that is right",
            );
        }
        if let Some(end) = key.expires.filter(|_| key.has_expired(now)) {
            return refuse(
                format!("{label} is signed by {}, a key that you trusted until {end}", key.name),
                "ask for the new key of the index",
            );
        }
        Ok(key)
    }
}

fn unsigned(why: &str, remedy: &str) -> Standing {
    Standing::Unsigned { why: why.to_owned(), remedy: remedy.to_owned() }
}

fn list(prefixes: &[IdPrefix]) -> String {
    prefixes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_whole_words() {
        let covers =
            |prefix: &str, id: &str| prefix.parse::<IdPrefix>().unwrap().covers(&id.parse().unwrap());
        assert!(covers("org.example", "org.example"));
        assert!(covers("org.example", "org.example.smooth"));
        assert!(!covers("org.example", "org.examples"));
        assert!(!covers("org.example", "org.examples.smooth"));
        assert!(!covers("org.example.smooth", "org.example"));
        for wrong in ["org", "", "*", "org.", "Org.example"] {
            assert!(wrong.parse::<IdPrefix>().is_err(), "{wrong}");
        }
    }
}
