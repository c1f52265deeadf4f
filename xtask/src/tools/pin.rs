//! The marker that makes a second installation cost nothing.
//!
//! A tool lives in one folder; the marker in it holds the pin it was installed from, written last. A folder without a
//! marker, or with another one, is half an installation or an old one: it is removed and made again.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

const MARKER: &str = "pin";

/// Whether `folder` holds a whole installation of exactly this pin.
pub fn is_current(folder: &Path, pin: &str) -> bool {
    fs::read_to_string(folder.join(MARKER)).is_ok_and(|found| found == pin)
}

/// What the marker in `folder` says, when there is a whole installation.
pub fn read(folder: &Path) -> Option<String> {
    fs::read_to_string(folder.join(MARKER)).ok()
}

/// Empties `folder`, lets `install` fill it, and marks it when that went well.
///
/// # Errors
/// Those of `install`, or a folder that cannot be removed or written.
pub fn install(folder: &Path, install: impl FnOnce(&Path) -> Result<String>) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("could not remove {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("could not make the folder {}", folder.display()))?;
    let pin = install(folder)?;
    let marker = folder.join(MARKER);
    fs::write(&marker, pin).with_context(|| format!("could not write {}", marker.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_installation_that_failed_is_made_again() {
        let folder = std::env::temp_dir().join(format!("parfocal-xtask-{}-pin", std::process::id()));
        install(&folder, |folder| {
            fs::write(folder.join("half"), "")?;
            anyhow::bail!("the network went away")
        })
        .unwrap_err();
        assert!(!is_current(&folder, "tool 1"));
        install(&folder, |folder| {
            assert!(!folder.join("half").exists());
            Ok("tool 1".into())
        })
        .unwrap();
        assert!(is_current(&folder, "tool 1"));
        assert!(!is_current(&folder, "tool 2"));
        fs::remove_dir_all(&folder).unwrap();
    }
}
