//! A copy of the repository in which one file at a time is broken, and the plugin that is built from it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::list::Mutant;
use super::{FOLDER, PACKAGE};
use crate::process;

/// The copy.
#[derive(Debug)]
pub struct Tree {
    /// Its root.
    pub root: PathBuf,
    target: PathBuf,
}

/// What a build made.
#[derive(Debug)]
pub enum Built {
    /// The plugin and its tests.
    Ready(Plugin),
    /// It does not compile.
    Unviable,
}

/// Files of a build.
#[derive(Debug, Clone)]
pub struct Plugin {
    /// The library that hosts load.
    pub library: PathBuf,
    /// The program with the unit tests.
    pub unit: PathBuf,
    /// The program with the golden tests.
    pub goldens: PathBuf,
}

/// A file that is broken until this is dropped.
#[derive(Debug)]
pub struct Broken {
    path: PathBuf,
    whole: String,
}

impl Drop for Broken {
    fn drop(&mut self) {
        // The next copy would mend it, too.
        let _ = fs::write(&self.path, &self.whole);
    }
}

impl Tree {
    /// Copies what git knows and what is new; what an earlier copy has already stays untouched, so that only what changed
    /// is compiled again.
    ///
    /// # Errors
    /// When files cannot be listed or copied.
    pub fn copy(root: &Path) -> Result<Self> {
        let folder = root.join("target/mutants");
        let tree = Self { root: folder.join("tree"), target: folder.join("target") };
        let mut list = Command::new("git");
        list.current_dir(root).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
        let files = process::output(&mut list)?;
        let (before, after) = (folder.join("files"), files.as_bytes());
        if fs::read(&before).is_ok_and(|before| before != after) {
            fs::remove_dir_all(&tree.root)
                .with_context(|| format!("could not remove {}", tree.root.display()))?;
        }
        for file in files.split('\0').map(Path::new) {
            tree.bring(root, file).with_context(|| format!("could not copy {}", file.display()))?;
        }
        fs::write(&before, after).with_context(|| format!("could not write {}", before.display()))?;
        Ok(tree)
    }

    fn bring(&self, root: &Path, file: &Path) -> Result<()> {
        let (from, to) = (root.join(file), self.root.join(file));
        // A file that was deleted is listed still.
        if !from.is_file() {
            return Ok(());
        }
        let bytes = fs::read(&from)?;
        if fs::read(&to).is_ok_and(|old| old == bytes) {
            return Ok(());
        }
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder)?;
        }
        Ok(fs::write(&to, bytes)?)
    }

    /// Breaks a file.
    ///
    /// # Errors
    /// When the file is not the one that the mutant was made from.
    pub fn apply(&self, mutant: &Mutant) -> Result<Broken> {
        let path = self.root.join(&mutant.file);
        let whole =
            fs::read_to_string(&path).with_context(|| format!("could not read {}", path.display()))?;
        let changed = mutant.applied(&whole)?;
        fs::write(&path, changed).with_context(|| format!("could not write {}", path.display()))?;
        Ok(Broken { path, whole })
    }

    /// Builds the plugin and its tests, optimised, but without inlining from one unit of code into another: a change then
    /// takes two seconds to compile instead of forty, and the tests take twice as long.
    ///
    /// # Errors
    /// When cargo cannot be started, or says something that is not understood.
    pub fn build(&self) -> Result<Built> {
        let mut cargo = process::cargo();
        cargo.current_dir(&self.root).args([
            "test",
            "--release",
            "--quiet",
            "--no-run",
            "--package",
            PACKAGE,
        ]);
        cargo.args(["--lib", "--test", "it", "--message-format", "json"]);
        cargo.env("CARGO_TARGET_DIR", &self.target).env("CARGO_INCREMENTAL", "1");
        cargo.env("CARGO_PROFILE_RELEASE_DEBUG", "0").env("CARGO_PROFILE_RELEASE_LTO", "off");
        let output =
            cargo.output().with_context(|| format!("could not start `{}`", process::describe(&cargo)))?;
        if !output.status.success() {
            return Ok(Built::Unviable);
        }
        let plugin = plugin(&String::from_utf8_lossy(&output.stdout));
        plugin.map(Built::Ready).context("cargo does not say which files it made")
    }

    /// The folder of the plugin's package.
    pub fn package(&self) -> PathBuf {
        self.root.join(FOLDER)
    }
}

#[derive(Deserialize)]
struct Message {
    target: Target,
    profile: Profile,
    filenames: Vec<PathBuf>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct Profile {
    test: bool,
}

/// The files in cargo's messages.
fn plugin(messages: &str) -> Option<Plugin> {
    let (mut library, mut unit, mut goldens) = (None, None, None);
    for message in messages.lines().filter_map(|line| serde_json::from_str::<Message>(line).ok()) {
        let is = |kind: &str| message.target.kind.iter().any(|one| one == kind);
        if message.target.name == "it" && is("test") {
            goldens = message.executable;
        } else if message.target.name == PACKAGE.replace('-', "_") && is("cdylib") {
            if message.profile.test {
                unit = message.executable;
            } else {
                let is_library = |file: &PathBuf| {
                    file.extension().is_some_and(|end| end == std::env::consts::DLL_EXTENSION)
                };
                library = message.filenames.into_iter().find(is_library);
            }
        }
    }
    Some(Plugin { library: library?, unit: unit?, goldens: goldens? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargos_messages_name_the_library_and_both_test_programs() {
        let message = |kind: &str, name: &str, test: bool, files: &str, executable: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","target":{{"name":"{name}","kind":["{kind}","rlib"]}},"profile":{{"test":{test}}},
                "filenames":[{files}],"executable":{executable}}}"#
            )
            .replace('\n', " ")
        };
        let library = std::env::consts::DLL_EXTENSION;
        let messages = [
            message("lib", "parfocal_plugin", false, r#""/t/libp.rlib""#, "null"),
            message(
                "cdylib",
                "parfocal_classical",
                false,
                &format!(r#""/t/libc.rlib","/t/libc.{library}""#),
                "null",
            ),
            message("cdylib", "parfocal_classical", true, r#""/t/unit""#, r#""/t/unit""#),
            message("test", "it", true, r#""/t/it""#, r#""/t/it""#),
            r#"{"reason":"build-finished","success":true}"#.to_owned(),
        ];
        let found = plugin(&messages.join("\n")).unwrap();
        assert_eq!(found.library, PathBuf::from(format!("/t/libc.{library}")));
        assert_eq!((found.unit, found.goldens), ("/t/unit".into(), "/t/it".into()));
        assert!(plugin(&messages[..3].join("\n")).is_none());
    }
}
