//! Names of files that mean the same on every system.

use std::collections::{BTreeMap, BTreeSet};

use parfocal_manifest::PackagePath;
use parfocal_types::{Error, ErrorKind, Result};

/// Names that some systems keep for devices, whatever ending they have.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];

/// Reads the name of a file of a package, as an archive or a list gives it.
///
/// # Errors
/// `corrupt` when it leads out of the package, or cannot be a file on every system: `..`, an absolute path, a drive, a
/// backslash, a device's name, a dot or a space at the end.
pub(crate) fn portable(name: &str, depth: usize) -> Result<PackagePath> {
    let refuse = |why: &str| {
        Err(Error::new(
            ErrorKind::Corrupt { what: "a file name".into() },
            format!("the file name {name:?} {why}"),
        )
        .with_remedy("ask the author for a package without such a file"))
    };
    let Ok(path) = name.parse::<PackagePath>() else {
        return refuse("leads out of the package, or is none");
    };
    let parts: Vec<&str> = path.as_str().split('/').collect();
    if parts.len() > depth {
        return refuse(&format!("lies more than {depth} folders deep"));
    }
    if parts.iter().any(|part| part.contains(['<', '>', '"', '|', '?', '*'])) {
        return refuse("has a character that not every system allows");
    }
    if parts.iter().any(|part| part.ends_with(['.', ' ']) || part.starts_with(' ')) {
        return refuse("has a part with a space around it or a dot at its end");
    }
    if parts.iter().any(|part| is_device(part)) {
        return refuse("is a device on some systems");
    }
    Ok(path)
}

fn is_device(part: &str) -> bool {
    let stem = part.split('.').next().unwrap_or_default().trim_end().to_lowercase();
    let numbered = |name: &str| {
        let number = stem.strip_prefix(name).map(|rest| rest.chars().collect::<Vec<_>>());
        matches!(number.as_deref(), Some([digit]) if digit.is_ascii_digit() || matches!(digit, '¹' | '²' | '³'))
    };
    DEVICES.contains(&stem.as_str()) || numbered("com") || numbered("lpt")
}

/// The files of a package so far: no two may be one on a system that does not tell upper from lower case.
#[derive(Debug, Default)]
pub(crate) struct Names {
    files: BTreeSet<String>,
    /// Folders in lower case, with the spelling that came first.
    folders: BTreeMap<String, String>,
}

impl Names {
    /// Takes one more file.
    ///
    /// # Errors
    /// `corrupt` when another file or folder has the name.
    pub(crate) fn add(&mut self, path: &PackagePath) -> Result<()> {
        let clash = |with: &str| {
            Err(Error::new(
                ErrorKind::Corrupt { what: "a file name".into() },
                format!("{path} and {with} are one name, or one on systems that do not tell case"),
            )
            .with_remedy("ask the author to rename one of them"))
        };
        let name = path.as_str();
        for (end, _) in name.match_indices('/') {
            let folder = name.get(..end).unwrap_or_default();
            let lower = folder.to_lowercase();
            if self.files.contains(&lower) {
                return clash(folder);
            }
            let first = self.folders.entry(lower).or_insert_with(|| folder.to_owned());
            if first != folder {
                let first = first.clone();
                return clash(&first);
            }
        }
        let lower = name.to_lowercase();
        if self.folders.contains_key(&lower) || !self.files.insert(lower) {
            return clash("another");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Names, portable};

    #[test]
    fn names_that_are_one_where_case_does_not_count_are_refused() {
        let taken = |names: &[&str]| {
            let mut all = Names::default();
            names.iter().try_for_each(|name| all.add(&name.parse().unwrap())).is_ok()
        };
        assert!(taken(&["a", "b/a", "b/c", "b/d/a"]));
        for wrong in
            [&["a", "a"][..], &["a", "A"], &["a", "a/b"], &["a/b", "a"], &["a/b", "A/c"], &["x/Y", "x/y/z"]]
        {
            assert!(!taken(wrong), "{wrong:?}");
        }
    }

    #[test]
    fn only_names_that_every_system_has_are_taken() {
        for good in ["plugin.toml", "native/x86_64-unknown-linux-gnu/libx.so", "console.md", "com10", "µ.txt"]
        {
            assert_eq!(portable(good, 16).unwrap().as_str(), good);
        }
        for bad in [
            "",
            "/etc/passwd",
            "../x",
            "a/../b",
            "./a",
            "a//b",
            "a/",
            "c:/x",
            "a\\b",
            "con",
            "NUL.txt",
            "a/Com1",
            "lpt9.so",
            "a.",
            "a ",
            " a",
            "a?b",
            "a\nb",
            "a\0b",
            "AUX .txt",
        ] {
            assert!(portable(bad, 16).is_err(), "{bad:?} was taken");
        }
        assert!(portable("a/b/c", 3).is_ok());
        assert!(portable("a/b/c", 2).is_err());
    }
}
