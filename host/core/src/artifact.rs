//! A plugin's code on disk, as the catalog found it and the lanes load it.

use std::{
    fmt,
    fs::File,
    io::{Read, Seek},
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

use parfocal_types::{
    InterfaceVersion,
    error::{Error, ErrorKind, Result},
};
use sha2::Digest;

/// A SHA-256 digest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256(pub [u8; 32]);

impl Sha256 {
    /// The digest of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sha256({self})")
    }
}

impl FromStr for Sha256 {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || Error::invalid_argument(format!("`{text}` is not a sha256 of 64 hexadecimal digits"));
        if text.len() != 64 || !text.is_ascii() {
            return Err(wrong());
        }
        let mut bytes = [0; 32];
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).map_err(|_| wrong())?;
        }
        Ok(Self(bytes))
    }
}

/// What a plugin may use. A lane that cannot enforce a limit says so in its documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Memory of one instance, in bytes.
    pub memory: u64,
    /// Time of one call.
    pub call: Duration,
}

impl Default for Limits {
    /// 1 GiB and 60 s: generous for a tile, small enough that a plugin gone wild is stopped while somebody watches.
    fn default() -> Self {
        Self { memory: 1 << 30, call: Duration::from_secs(60) }
    }
}

/// One file of plugin code, with what the manifest says about it.
#[derive(Debug, Clone)]
pub struct Artifact {
    /// Reverse-DNS id of the plugin.
    pub plugin: String,
    /// Version of the plugin.
    pub version: semver::Version,
    /// The file.
    pub path: PathBuf,
    /// Digest that the file must have.
    pub sha256: Sha256,
    /// The version of the interface `operator` that the host chose from what the file offers.
    pub interface: InterfaceVersion,
    /// What the plugin may use.
    pub limits: Limits,
}

impl Artifact {
    /// The name for messages: id and version.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{} {}", self.plugin, self.version)
    }

    /// Opens the file and reads it whole, and holds what was read against the digest. A lane loads from what this
    /// returns (the handle or the bytes), never from the path again, so that the file that was checked is the file
    /// that runs.
    ///
    /// # Errors
    /// `not-found` when the file cannot be read, `corrupt` when its digest differs.
    pub fn open_verified(&self) -> Result<(File, Vec<u8>)> {
        let unreadable = |error: std::io::Error| {
            Error::not_found(format!("the plugin file {} cannot be read", self.path.display()))
                .with_origin(self.label())
                .with_source(error)
                .with_remedy("install the plugin again")
        };
        let mut file = File::open(&self.path).map_err(unreadable)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(unreadable)?;
        file.rewind().map_err(unreadable)?;
        let found = Sha256::of(&bytes);
        if found != self.sha256 {
            return Err(Error::new(
                ErrorKind::Corrupt { what: self.path.display().to_string() },
                format!(
                    "{} is not the file that its manifest names: sha256 {found}, expected {}",
                    self.path.display(),
                    self.sha256
                ),
            )
            .with_origin(self.label())
            .with_remedy(
                "install the plugin again; if you built it yourself, `parfocal build` writes the new hash",
            ));
        }
        Ok((file, bytes))
    }
}

/// A copy of code in memory that nobody can change any more, for whoever runs it: what was checked is what runs.
///
/// # Errors
/// What the system says: no memory, no descriptors.
#[cfg(target_os = "linux")]
pub fn sealed_copy(bytes: &[u8]) -> std::io::Result<File> {
    use std::io::Write;

    use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    // Kernels before 6.3 do not know the flag, and allow execution anyway.
    let descriptor = memfd_create("parfocal-plugin", flags | MemfdFlags::EXEC)
        .or_else(|_| memfd_create("parfocal-plugin", flags))?;
    let mut file = File::from(descriptor);
    file.write_all(bytes)?;
    file.rewind()?;
    fcntl_add_seals(&file, SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_survives_its_text() {
        let digest = Sha256::of(b"abc");
        assert_eq!(digest.to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(digest.to_string().parse::<Sha256>().unwrap(), digest);
        for bad in ["", "zz", &"g".repeat(64), &"é".repeat(32)] {
            assert!(bad.parse::<Sha256>().is_err());
        }
    }
}
