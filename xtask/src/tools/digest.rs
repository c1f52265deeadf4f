//! Sha256 of files: what was fetched is what was pinned.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

/// Sha256 of bytes, in lower-case hex.
pub fn of_bytes(bytes: impl AsRef<[u8]>) -> String {
    hex(&Sha256::digest(bytes))
}

/// Sha256 of a file, in lower-case hex.
///
/// # Errors
/// When the file cannot be read.
pub fn of_file(path: &Path) -> Result<String> {
    let mut file = File::open(path).with_context(|| format!("could not open {}", path.display()))?;
    let mut hasher = Hashing(Sha256::new());
    io::copy(&mut file, &mut hasher).with_context(|| format!("could not read {}", path.display()))?;
    Ok(hex(&hasher.0.finalize()))
}

/// Refuses a file whose sha256 is not the pinned one.
///
/// # Errors
/// When the file cannot be read, or differs: both digests are named.
pub fn verify(path: &Path, pinned: &str) -> Result<()> {
    let found = of_file(path)?;
    if found != pinned {
        bail!(
            "{} is not the file that was pinned: sha256 is {found}, expected {pinned}; it is not used. \
             If the new file is wanted, check where it comes from and change the pin",
            path.display()
        );
    }
    Ok(())
}

struct Hashing(Sha256);

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Bytes in lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_that_of_the_standard() {
        // FIPS 180-2, appendix B.1.
        assert_eq!(of_bytes("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn a_file_with_another_digest_is_refused_with_both() {
        let path = std::env::temp_dir().join(format!("parfocal-xtask-{}-digest", std::process::id()));
        std::fs::write(&path, "abd").unwrap();
        let pinned = of_bytes("abc");
        let error = verify(&path, &pinned).unwrap_err().to_string();
        std::fs::write(&path, "abc").unwrap();
        let same = verify(&path, &pinned);
        std::fs::remove_file(&path).unwrap();
        assert!(error.contains(&pinned) && error.contains(&of_bytes("abd")), "{error}");
        same.unwrap();
    }
}
