//! The small words of a manifest, each valid by construction.

use std::{borrow::Cow, fmt, str::FromStr};

use parfocal_types::{
    InterfaceVersion,
    error::{Error, Result},
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// Gives a word its text form in JSON and its pattern in the schema.
macro_rules! as_text {
    ($name:ident, $schema:tt) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

fn refuse<T>(message: String, remedy: &str) -> Result<T> {
    Err(Error::invalid_argument(message).with_remedy(remedy))
}

/// The id of a plugin: a reverse domain name, lower-case, for example `org.example.smooth`. It stays the same over
/// all versions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PluginId(String);

impl PluginId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PluginId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for PluginId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let part = |part: &str| {
            part.starts_with(|first: char| first.is_ascii_lowercase())
                && !part.ends_with('-')
                && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        if text.len() <= 128 && text.contains('.') && text.split('.').all(part) {
            return Ok(Self(text.to_owned()));
        }
        refuse(
            format!("`{text}` is not a plugin id"),
            "write a domain name of yours backwards, in lower case, for example `org.example.smooth`",
        )
    }
}

as_text!(PluginId, {
    "type": "string",
    "maxLength": 128,
    "pattern": r"^[a-z]([a-z0-9-]*[a-z0-9])?(\.[a-z]([a-z0-9-]*[a-z0-9])?)+$",
    "description": "A reverse domain name in lower case, for example `org.example.smooth`; the same over all versions."
});

/// A licence as an SPDX expression, for example `MIT OR Apache-2.0` or `LicenseRef-Vendor`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct License(String);

impl License {
    /// The expression as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for License {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for License {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match spdx::Expression::parse(text) {
            Ok(_) => Ok(Self(text.to_owned())),
            Err(error) => refuse(
                format!("`{text}` is not an SPDX licence expression ({})", error.reason),
                "write identifiers of https://spdx.org/licenses joined by AND, OR and WITH, for example \
                 `MIT OR Apache-2.0`; for a licence of your own `LicenseRef-<name>`",
            ),
        }
    }
}

as_text!(License, {
    "type": "string",
    "minLength": 1,
    "description": "An SPDX licence expression, for example `MIT OR Apache-2.0`, or `LicenseRef-<name>`."
});

/// A SHA-256 digest of a file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileDigest(pub [u8; 32]);

impl fmt::Display for FileDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for FileDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileDigest({self})")
    }
}

impl FromStr for FileDigest {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut bytes = [0; 32];
        let lower = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if text.len() == 64 && text.bytes().all(lower) {
            for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
                let digit = |b: u8| if b.is_ascii_digit() { b - b'0' } else { b - b'a' + 10 };
                *byte = pair.iter().fold(0, |value, b| value * 16 + digit(*b));
            }
            return Ok(Self(bytes));
        }
        refuse(
            format!("`{text}` is not a sha256 of 64 hexadecimal digits in lower case"),
            "run `parfocal build`, which writes the digest of each artifact",
        )
    }
}

as_text!(FileDigest, {
    "type": "string",
    "pattern": "^[0-9a-f]{64}$",
    "description": "The SHA-256 of the file, 64 hexadecimal digits in lower case; `parfocal build` writes it."
});

/// A file inside the package: relative, parts joined by `/`, never upwards.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackagePath(String);

impl PackagePath {
    /// The path as text, parts joined by `/`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PackagePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for PackagePath {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let part = |part: &str| !matches!(part, "" | "." | "..");
        let strange = |c: char| c.is_control() || matches!(c, '\\' | ':');
        if text.len() <= 400 && text.split('/').all(part) && !text.contains(strange) {
            return Ok(Self(text.to_owned()));
        }
        refuse(
            format!("`{text}` is not a path inside the package"),
            "write it relative to plugin.toml, with `/`, without `..`, for example `lib/libsmooth.so`",
        )
    }
}

as_text!(PackagePath, {
    "type": "string",
    "maxLength": 400,
    "pattern": r"^(?!.*(^|/)\.{0,2}(/|$))[^\\:]+$",
    "description": "A file inside the package: relative to plugin.toml, parts joined by `/`, without `..`."
});

/// The system that native code is built for, as a target triple, for example `x86_64-unknown-linux-gnu`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target(String);

impl Target {
    /// The triple as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The processor: what stands before the first `-`.
    #[must_use]
    pub fn processor(&self) -> &str {
        self.0.split('-').next().unwrap_or_default()
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Target {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let part = |part: &str| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'.'))
        };
        if text.len() <= 64 && (2..=4).contains(&text.split('-').count()) && text.split('-').all(part) {
            return Ok(Self(text.to_owned()));
        }
        refuse(
            format!("`{text}` is not a target triple"),
            "write for example `x86_64-unknown-linux-gnu`; `rustc -vV` and `gcc -dumpmachine` tell the one of a compiler",
        )
    }
}

as_text!(Target, {
    "type": "string",
    "maxLength": 64,
    "pattern": "^[a-z0-9_.]+(-[a-z0-9_.]+){1,3}$",
    "description": "The system that the code is built for, for example `x86_64-unknown-linux-gnu`."
});

/// An interface and one version of it, for example `operator/1-draft.2`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InterfaceRef {
    /// The name, for example `operator`.
    pub name: String,
    /// The version.
    pub version: InterfaceVersion,
}

impl fmt::Display for InterfaceRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.name, self.version)
    }
}

impl FromStr for InterfaceRef {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if let Some((name, version)) = text.split_once('/')
            && parfocal_operator::descriptor::is_kebab(name)
            && let Ok(version) = version.parse()
        {
            return Ok(Self { name: name.to_owned(), version });
        }
        refuse(
            format!("`{text}` is not an interface version"),
            "write name and version, for example `operator/1`, or `operator/1-draft.2` for a draft",
        )
    }
}

as_text!(InterfaceRef, {
    "type": "string",
    "pattern": r"^[a-z][a-z0-9]*(-[a-z0-9]+)*/[0-9]+(-draft\.[0-9]+)?$",
    "description": "An interface and a version of it, for example `operator/1`, or `operator/1-draft.2` for a draft."
});

/// An amount of memory, for example `512 MiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(pub u64);

/// Units of memory, largest first.
const SIZES: [(&str, u64); 4] = [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match SIZES.iter().find(|(_, size)| self.0 >= *size && self.0.is_multiple_of(*size)) {
            Some((unit, size)) => write!(f, "{} {unit}", self.0 / size),
            None => write!(f, "{} B", self.0),
        }
    }
}

impl FromStr for ByteSize {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(split);
        let factor = match unit.trim_start() {
            "B" => Some(1),
            unit => SIZES.iter().find(|(name, _)| *name == unit).map(|(_, size)| *size),
        };
        let bytes = number.parse::<u64>().ok().zip(factor).and_then(|(n, factor)| n.checked_mul(factor));
        match bytes {
            Some(bytes) => Ok(Self(bytes)),
            None => refuse(
                format!("`{text}` is not an amount of memory"),
                "write a whole number and B, KiB, MiB, GiB or TiB, for example `512 MiB`",
            ),
        }
    }
}

as_text!(ByteSize, {
    "type": "string",
    "pattern": "^[0-9]+ *(B|KiB|MiB|GiB|TiB)$",
    "description": "An amount of memory, for example `512 MiB`."
});

#[cfg(test)]
mod tests {
    use super::*;

    fn hold<T: FromStr + ToString>(good: &[&str], bad: &[&str]) {
        for text in good {
            assert_eq!(text.parse::<T>().ok().map(|word| word.to_string()).as_deref(), Some(*text));
        }
        for text in bad {
            assert!(text.parse::<T>().is_err(), "{text:?} was accepted");
        }
    }

    #[test]
    fn words_are_accepted_and_refused() {
        hold::<PluginId>(
            &["org.example.a", "a.b", "com.my-lab.x2"],
            &["", "a", "Org.example", "org..a", "org.a-", "org.1a", "org.a_b", ".a.b", "org/a.b", "ä.b"],
        );
        hold::<License>(
            &["MIT", "MIT OR Apache-2.0", "LicenseRef-Vendor", "Apache-2.0 WITH LLVM-exception"],
            &["", "GPL", "MIT OR", "MIT Apache-2.0", "free"],
        );
        hold::<PackagePath>(
            &["a.wasm", "lib/liba.so", "..a", "a/..b"],
            &["", "/a", "../a", "a/../b", "a//b", "./a", "a/", "c:a", "a\\b", "a\0", "a/.."],
        );
        hold::<Target>(
            &["x86_64-unknown-linux-gnu", "aarch64-apple-darwin", "wasm32-wasip2", "thumbv8m.main-none-eabi"],
            &["", "linux", "x86_64-", "X86-linux", "a-b-c-d-e", "a b-c"],
        );
        hold::<InterfaceRef>(
            &["operator/1", "operator/1-draft.2", "point-scanner/2"],
            &["operator", "operator/", "/1", "Operator/1", "operator/1.0", "operator/1/2"],
        );
        hold::<ByteSize>(
            &["512 MiB", "3 B", "2 GiB", "1025 B"],
            &["", "MiB", "1 MB", "1.5 GiB", "-1 B", "99999999 TiB"],
        );
        assert_eq!("1024MiB".parse::<ByteSize>().unwrap().to_string(), "1 GiB");
        hold::<FileDigest>(&[&"0f".repeat(32)], &[&"0F".repeat(32), "0f", &"é".repeat(32), &"g".repeat(64)]);
    }
}
