//! Files that a program of this repository writes, and that are committed: the C header, the JSON Schemas, copies of
//! the WIT packages.
//!
//! `cargo xtask generate` writes them in place; the check writes them beside the build and compares, so that it never
//! touches the tree.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::Outcome;
use crate::process;

/// One generated file or folder.
pub struct Generated {
    /// Where it lies, below the root.
    pub path: &'static str,
    /// What it is made from.
    pub source: Source,
}

/// What a generated file is made from.
pub enum Source {
    /// `cargo <words> <path to write>`, such as `&["run", "--release", "--quiet", "-p", "parfocal-abi", "--example",
    /// "header", "--"]`: the program gets one more argument, the file or folder it is to write.
    Cargo(&'static [&'static str]),
    /// The same bytes as another file or folder of the repository.
    Copy(&'static str),
}

/// Every generated file: a new one gets its line here and nowhere else.
const GENERATED: &[Generated] = &[];

/// Compares every generated file with what its generator writes now.
///
/// # Errors
/// When a generator fails, or a file differs: which one, and that `cargo xtask generate` writes it.
pub fn check(root: &Path) -> Result<Outcome> {
    let fresh = root.join("target").join("xtask").join("generated");
    if fresh.exists() {
        fs::remove_dir_all(&fresh).with_context(|| format!("could not remove {}", fresh.display()))?;
    }
    let mut stale = Vec::new();
    for item in GENERATED {
        let made = fresh.join(item.path);
        make(root, item, &made)?;
        stale.extend(differences(&root.join(item.path), &made, item.path)?);
    }
    if !stale.is_empty() {
        bail!("run `cargo xtask generate` and commit what it writes:\n  {}", stale.join("\n  "));
    }
    Ok(Outcome::Ok(format!("{} files or folders", GENERATED.len())))
}

/// Writes every generated file in place.
///
/// # Errors
/// When a generator fails or a file cannot be written.
pub fn write(root: &Path) -> Result<()> {
    for item in GENERATED {
        make(root, item, &root.join(item.path))?;
        println!("wrote {}", item.path);
    }
    Ok(())
}

fn make(root: &Path, item: &Generated, target: &Path) -> Result<()> {
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent)
            .with_context(|| format!("could not make the folder {}", parent.display()))?;
    }
    match item.source {
        Source::Cargo(words) => process::run(process::cargo().current_dir(root).args(words).arg(target)),
        Source::Copy(from) => copy(&root.join(from), target),
    }
}

/// Copies a file, or makes a folder hold exactly the files of another.
fn copy(from: &Path, to: &Path) -> Result<()> {
    if to.is_dir() {
        fs::remove_dir_all(to).with_context(|| format!("could not remove {}", to.display()))?;
    }
    for file in files(from)? {
        let target = if file.as_os_str().is_empty() { to.to_path_buf() } else { to.join(&file) };
        let source = if file.as_os_str().is_empty() { from.to_path_buf() } else { from.join(&file) };
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)
                .with_context(|| format!("could not make the folder {}", parent.display()))?;
        }
        fs::copy(&source, &target)
            .with_context(|| format!("could not copy {} to {}", source.display(), target.display()))?;
    }
    Ok(())
}

/// One sentence per file that is missing, superfluous or different.
fn differences(committed: &Path, made: &Path, name: &str) -> Result<Vec<String>> {
    let (old, new) = (files(committed)?, files(made)?);
    let mut stale = Vec::new();
    for file in old.union(&new) {
        let name =
            if file.as_os_str().is_empty() { name.to_owned() } else { format!("{name}/{}", file.display()) };
        match (old.contains(file), new.contains(file)) {
            (true, true) => {
                let (old, new) = (read(committed, file)?, read(made, file)?);
                if old != new {
                    let line = old
                        .split(|b| *b == b'\n')
                        .zip(new.split(|b| *b == b'\n'))
                        .take_while(|(a, b)| a == b);
                    stale.push(format!("{name} differs from line {} on", line.count() + 1));
                }
            }
            (true, false) => stale.push(format!("{name} is not generated any more")),
            _ => stale.push(format!("{name} is missing")),
        }
    }
    Ok(stale)
}

fn read(base: &Path, file: &Path) -> Result<Vec<u8>> {
    let path = if file.as_os_str().is_empty() { base.to_path_buf() } else { base.join(file) };
    fs::read(&path).with_context(|| format!("could not read {}", path.display()))
}

/// The files below a path, relative to it; a file itself is the empty path, and what is not there has none.
fn files(base: &Path) -> Result<BTreeSet<PathBuf>> {
    let mut found = BTreeSet::new();
    let mut open = vec![PathBuf::new()];
    while let Some(inside) = open.pop() {
        let path = if inside.as_os_str().is_empty() { base.to_path_buf() } else { base.join(&inside) };
        if path.is_dir() {
            let entries =
                fs::read_dir(&path).with_context(|| format!("could not list {}", path.display()))?;
            for entry in entries {
                let entry = entry.with_context(|| format!("could not list {}", path.display()))?;
                open.push(inside.join(entry.file_name()));
            }
        } else if path.is_file() {
            found.insert(inside);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_that_was_edited_by_hand_is_named_with_its_line() {
        let base = std::env::temp_dir().join(format!("parfocal-xtask-{}-generated", std::process::id()));
        let (source, target) = (base.join("source"), base.join("target"));
        fs::create_dir_all(source.join("deps")).unwrap();
        fs::write(source.join("world.wit"), "one\ntwo\nthree\n").unwrap();
        fs::write(source.join("deps").join("types.wit"), "types\n").unwrap();
        copy(&source, &target).unwrap();
        assert_eq!(differences(&target, &source, "wit").unwrap(), Vec::<String>::new());

        fs::write(target.join("world.wit"), "one\n2\nthree\n").unwrap();
        fs::write(target.join("extra.wit"), "").unwrap();
        fs::remove_dir_all(target.join("deps")).unwrap();
        let found = differences(&target, &source, "wit").unwrap();
        fs::remove_dir_all(&base).unwrap();
        assert_eq!(
            found,
            [
                "wit/deps/types.wit is missing",
                "wit/extra.wit is not generated any more",
                "wit/world.wit differs from line 2 on"
            ]
        );
    }
}
