//! The cache of compiled code: machine code on disk, and why it may be run.
//!
//! The runtime cannot check compiled code; whoever can write a file that we load runs code with our rights. So:
//! - the folder belongs to the user and nobody else may write to it, else it is refused;
//! - a file in it belongs to the user and nobody else may write to it, else it is as if it were not there. The file that
//!   is looked at is the one that is read: its descriptor is asked, not its name;
//! - each file ends in an HMAC-SHA-256 over everything in it, under a key that was drawn at random when the folder was
//!   made and that only the user can read. A key that others could read or write is given up for a new one;
//! - the bytes that verified are the bytes that are loaded, not the file once more.
//!
//! Who can read the key is the user, who needs no cache to run code as himself. A backup, a network share or an installer
//! that puts files into the folder fails at the key. Where the system has no such owners and modes, the folder of a user's
//! own data is private by inheritance, and the key is the check.

use std::{
    fs::{self, File, OpenOptions},
    hash::{Hash, Hasher},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use hmac::{Hmac, KeyInit, Mac};
use parfocal_core::Sha256;
use parfocal_types::error::{Error, ErrorKind, Result};
use sha2::Digest;
use wasmtime::{Engine, component::Component};

/// First bytes of a file; the number counts changes of its layout.
const MAGIC: &[u8; 16] = b"parfocal-wasm 1\n";
const KEY_BYTES: usize = 32;
const MAC_BYTES: usize = 32;

/// A folder of compiled components.
#[derive(Clone)]
pub(crate) struct CodeCache {
    folder: PathBuf,
    key: [u8; KEY_BYTES],
    /// What the runtime's settings, version and machine make of compiled code.
    settings: [u8; 32],
}

impl std::fmt::Debug for CodeCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CodeCache({})", self.folder.display())
    }
}

impl CodeCache {
    /// Opens or makes the folder.
    ///
    /// # Errors
    /// `permission-denied` when it cannot be made or others may write to it.
    pub(crate) fn open(folder: &Path, engine: &Engine) -> Result<Self> {
        make_private(folder).map_err(|error| refused(folder, "cannot be made").with_source(error))?;
        check_private(folder)?;
        let key = key(&folder.join("key"))
            .map_err(|error| refused(folder, "has no readable key").with_source(error))?;
        let mut hasher = Fingerprint(sha2::Sha256::new());
        engine.precompile_compatibility_hash().hash(&mut hasher);
        Ok(Self { folder: folder.to_owned(), key, settings: hasher.0.finalize().into() })
    }

    fn path(&self, component: &Sha256) -> PathBuf {
        let settings: String = self.settings[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        self.folder.join(format!("{component}-{settings}.compiled"))
    }

    fn mac(&self, component: &Sha256, code: &[u8]) -> Option<Hmac<sha2::Sha256>> {
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&self.key).ok()?;
        for part in [&MAGIC[..], &component.0, &self.settings, code] {
            mac.update(part);
        }
        Some(mac)
    }

    /// The compiled form of a component, when this host made it.
    pub(crate) fn load(&self, engine: &Engine, component: &Sha256) -> Option<Component> {
        let bytes = read_own(&self.path(component), OTHERS_WRITE).ok()??;
        let code = bytes.strip_prefix(MAGIC)?;
        let (code, mac) = code.split_at_checked(code.len().checked_sub(MAC_BYTES)?)?;
        self.mac(component, code)?.verify_slice(mac).ok()?;
        trusted(engine, code).ok()
    }

    /// Keeps the compiled form of a component. A cache that cannot be written to costs time, nothing else.
    pub(crate) fn store(&self, component: &Sha256, compiled: &Component) {
        let Ok(code) = compiled.serialize() else { return };
        let Some(mac) = self.mac(component, &code) else { return };
        let parts = [&MAGIC[..], &code, &mac.finalize().into_bytes()];
        let _ = write_private(&self.path(component), &parts, true);
    }
}

#[allow(unsafe_code, reason = "loads machine code that this host compiled")]
fn trusted(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: `code` was written by `CodeCache::store` from a component that this runtime compiled: its HMAC under the
    // folder's key was verified over these very bytes, and only this user can read the key or write to the folder. The
    // runtime checks its own version and settings.
    unsafe { Component::deserialize(engine, code) }
}

/// Feeds what is hashed to SHA-256.
struct Fingerprint(sha2::Sha256);

impl Hasher for Fingerprint {
    fn finish(&self) -> u64 {
        0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
}

/// The folder's key; drawn when there is none, or none that only the user can read.
fn key(path: &Path) -> io::Result<[u8; KEY_BYTES]> {
    let replace = match own_key(path) {
        Ok(Some(key)) => return Ok(key),
        Ok(None) => true,
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(error),
    };
    let mut key = [0; KEY_BYTES];
    getrandom::fill(&mut key).map_err(io::Error::other)?;
    // Somebody else may have been quicker: then theirs is the key.
    match write_private(path, &[&key], replace) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    own_key(path)?.ok_or_else(|| io::Error::other("the key that was just written is not private"))
}

fn own_key(path: &Path) -> io::Result<Option<[u8; KEY_BYTES]>> {
    Ok(read_own(path, OTHERS_READ | OTHERS_WRITE)?.and_then(|bytes| bytes.try_into().ok()))
}

/// Bits of a mode: group and others may read.
const OTHERS_READ: u32 = 0o044;
/// Bits of a mode: group and others may write.
const OTHERS_WRITE: u32 = 0o022;

/// The bytes of a file that belongs to this user and whose mode has none of the bits `never`; `None` for any other.
fn read_own(path: &Path, never: u32) -> io::Result<Option<Vec<u8>>> {
    let mut file = File::open(path)?;
    let facts = file.metadata()?;
    if !facts.is_file() || !is_own(&facts, never) {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

#[cfg(unix)]
fn is_own(facts: &fs::Metadata, never: u32) -> bool {
    use std::os::unix::fs::MetadataExt;
    facts.uid() == rustix::process::geteuid().as_raw() && facts.mode() & never == 0
}

#[cfg(not(unix))]
fn is_own(_facts: &fs::Metadata, _never: u32) -> bool {
    true
}

/// Writes a file that appears whole or not at all, readable by the user only.
fn write_private(path: &Path, parts: &[&[u8]], replace: bool) -> io::Result<()> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let unique = COUNT.fetch_add(1, Ordering::Relaxed);
    let draft = path.with_extension(format!("{}-{unique}.part", std::process::id()));
    let written = private_file(&draft).and_then(|mut file| {
        parts.iter().try_for_each(|part| file.write_all(part))?;
        file.sync_all()
    });
    let moved =
        written.and_then(|()| if replace { fs::rename(&draft, path) } else { fs::hard_link(&draft, path) });
    if moved.is_err() || !replace {
        let _ = fs::remove_file(&draft);
    }
    moved
}

#[cfg(unix)]
fn private_file(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

#[cfg(unix)]
fn make_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn make_private(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

#[cfg(unix)]
fn check_private(folder: &Path) -> Result<()> {
    use std::os::unix::fs::MetadataExt;
    let facts = fs::metadata(folder).map_err(|error| refused(folder, "cannot be read").with_source(error))?;
    if !facts.is_dir() {
        return Err(refused(folder, "is not a folder"));
    }
    if facts.uid() != rustix::process::geteuid().as_raw() {
        return Err(refused(folder, "belongs to another user"));
    }
    if facts.mode() & OTHERS_WRITE != 0 {
        return Err(refused(folder, "can be written to by other users"));
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_private(folder: &Path) -> Result<()> {
    if folder.is_dir() { Ok(()) } else { Err(refused(folder, "is not a folder")) }
}

fn refused(folder: &Path, why: &str) -> Error {
    Error::new(
        ErrorKind::PermissionDenied { permission: format!("private folder {}", folder.display()) },
        format!(
            "the folder for compiled WASM code, {}, {why}; code in it would run with your rights",
            folder.display()
        ),
    )
    .with_remedy(format!("`chmod 700 {}`, or name another folder that is yours alone", folder.display()))
}
