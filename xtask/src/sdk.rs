//! `cargo xtask sdk`: one archive with what an author outside this repository needs.
//!
//! The archive has one folder, `parfocal-sdk-<version>`, made in `target/sdk` too:
//!
//! ```text
//! README.md, LICENSE-MIT, LICENSE-APACHE
//! include/parfocal.h        all that a plugin in C needs
//! wit/                      all that a component in any language needs
//! schemas/                  plugin.toml for editors
//! rust/                     the crates, and a Cargo.lock with the versions they were tested with
//! python/                   the package for plugins in Python
//! examples/                 the smallest plugin in Rust, in C and in Python
//! ```
//!
//! It depends on the files of the checkout and on nothing else: same files, same bytes.

mod archive;
mod lock;
mod manifest;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use manifest::Workspace;

/// The crates that authors build with, by their folder below `sdk`. That each finds its siblings here is checked.
const CRATES: &[&str] =
    &["abi", "image", "operator", "physics", "plugin", "plugin/macros", "testkit", "types", "wit"];

/// The crate whose version is the SDK's.
const NAMESAKE: &str = "plugin";

/// Folders of a crate that its users do not compile; with them go the dependencies that only they need.
const LEFT_OUT: &[&str] = &["benches", "examples", "include", "tests", "target"];

/// Files and folders that go into the archive as they are: from the checkout, to the archive.
const COPIED: &[(&str, &str)] = &[
    ("sdk/README.md", "README.md"),
    ("LICENSE-MIT", "LICENSE-MIT"),
    ("LICENSE-APACHE", "LICENSE-APACHE"),
    ("sdk/abi/include/parfocal.h", "include/parfocal.h"),
    ("sdk/wit/wit", "wit"),
    ("manifests/schemas", "schemas"),
    ("plugins/c-examples/subtract-offset", "examples/subtract-offset-c"),
    ("sdk/python/parfocal", "python/parfocal"),
    ("sdk/python/pyproject.toml", "python/pyproject.toml"),
    ("sdk/python/README.md", "python/README.md"),
    ("LICENSE-MIT", "python/LICENSE-MIT"),
    ("LICENSE-APACHE", "python/LICENSE-APACHE"),
    ("plugins/python-examples/invert-contrast", "examples/invert-contrast-python"),
];

/// The templates of `parfocal new operator --lang rust`, which are the example too: from, to.
const TEMPLATES: &[(&str, &str)] = &[
    ("rust/Cargo.toml.in", "Cargo.toml"),
    ("plugin.toml.in", "plugin.toml"),
    ("rust/lib.rs.in", "src/lib.rs"),
    ("rust/behaviour.rs.in", "tests/behaviour.rs"),
    ("rust/README.md.in", "README.md"),
    ("rust/gitignore", ".gitignore"),
    ("license-mit.in", "LICENSE-MIT"),
    ("../../../../LICENSE-APACHE", "LICENSE-APACHE"),
];

/// What stands for the placeholders in the example: what `parfocal new` would write for that name.
const EXAMPLE: &[(&str, &str)] = &[
    ("{{name}}", "subtract-offset"),
    ("{{id}}", "org.example.subtract-offset"),
    ("{{struct}}", "SubtractOffset"),
    ("{{crate}}", "subtract_offset"),
    ("{{title}}", "Subtract offset"),
    ("{{sdk:plugin}}", "\"../../rust/plugin\""),
    ("{{sdk:image}}", "\"../../rust/image\""),
    ("{{sdk:operator}}", "\"../../rust/operator\""),
    ("{{schema}}", "#:schema ../../schemas/plugin.schema.json\n"),
];

/// Files by their path in the archive.
type Files = BTreeMap<String, Vec<u8>>;

/// The packed SDK.
#[derive(Debug)]
pub struct Packed {
    /// `parfocal-sdk-<version>`, the name of the folder in the archive.
    pub name: String,
    /// Every file, by its path in that folder.
    pub files: Files,
}

impl Packed {
    /// Gathers the files of a checkout.
    ///
    /// # Errors
    /// When one is missing, or when a crate needs another that is not packed.
    pub fn gather(root: &Path) -> Result<Self> {
        let workspace = Workspace::read(root, CRATES)?;
        let mut files = Files::new();
        for (from, to) in COPIED {
            copy(&root.join(from), to, &mut files)?;
        }
        let mut needed = Vec::new();
        for krate in CRATES {
            needed.push(crate_files(root, &workspace, krate, &mut files)?);
        }
        let lock = read(&root.join("Cargo.lock"))?;
        files.insert("rust/Cargo.lock".into(), lock::reduced(&lock, &needed)?.into_bytes());
        for (from, to) in TEMPLATES {
            let text = read(&root.join("host/cli/src/templates").join(from))?;
            let text =
                EXAMPLE.iter().fold(text, |text, (placeholder, value)| text.replace(placeholder, value));
            files.insert(format!("examples/subtract-offset-rust/{to}"), text.into_bytes());
        }
        let name = format!("parfocal-sdk-{}", workspace.version(NAMESAKE)?);
        Ok(Self { name, files })
    }

    /// The archive's bytes.
    ///
    /// # Errors
    /// When a path is too long for an archive.
    pub fn archive(&self) -> Result<Vec<u8>> {
        archive::bytes(&self.name, &self.files)
    }
}

/// Packs the SDK into `target/sdk/parfocal-sdk-<version>.tar.gz`.
///
/// # Errors
/// Those of [`Packed::gather`], and when the archive cannot be written.
pub fn command(root: &Path) -> Result<()> {
    let packed = Packed::gather(root)?;
    let folder = root.join("target").join("sdk");
    fs::create_dir_all(&folder).with_context(|| format!("could not make {}", folder.display()))?;
    let path = folder.join(format!("{}.tar.gz", packed.name));
    let bytes = packed.archive()?;
    // Written beside and moved into place: a reader never sees half an archive.
    let partial = folder.join(format!(".{}.{}", packed.name, std::process::id()));
    fs::write(&partial, &bytes).with_context(|| format!("could not write {}", partial.display()))?;
    fs::rename(&partial, &path).with_context(|| format!("could not write {}", path.display()))?;
    eprintln!("{} files, {} KiB packed", packed.files.len(), bytes.len().div_ceil(1024));
    println!("{}", path.display());
    Ok(())
}

/// Adds a crate's files, and gives the names of other people's packages that it is built with.
fn crate_files(root: &Path, workspace: &Workspace, krate: &str, files: &mut Files) -> Result<Vec<String>> {
    let folder = root.join("sdk").join(krate);
    for entry in sorted(&folder)? {
        let name = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // A crate within this one is packed by itself.
        let another = entry.join("Cargo.toml").is_file();
        if another || name.starts_with('.') || LEFT_OUT.contains(&name.as_str()) || name == "Cargo.toml" {
            continue;
        }
        copy(&entry, &format!("rust/{krate}/{name}"), files)?;
    }
    let manifest = workspace.packed(krate)?;
    files.insert(format!("rust/{krate}/Cargo.toml"), manifest.text.into_bytes());
    Ok(manifest.needed)
}

/// What tools leave behind in a checkout.
const LEFT_BEHIND: &[&str] = &["__pycache__", "target"];

/// Adds a file, or a folder with all that is in it.
fn copy(from: &Path, to: &str, files: &mut Files) -> Result<()> {
    if from.is_dir() {
        for entry in sorted(from)? {
            let name = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if LEFT_BEHIND.contains(&name.as_str()) {
                continue;
            }
            copy(&entry, &format!("{to}/{name}"), files)?;
        }
        return Ok(());
    }
    let bytes = fs::read(from).with_context(|| format!("could not read {}", from.display()))?;
    if files.insert(to.to_owned(), bytes).is_some() {
        bail!("two files would be {to} in the archive");
    }
    Ok(())
}

fn sorted(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("could not list {}", folder.display()))?;
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.with_context(|| format!("could not list {}", folder.display()))?.path());
    }
    paths.sort();
    Ok(paths)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("could not read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed() -> Packed {
        Packed::gather(&crate::workspace_root()).unwrap()
    }

    #[test]
    fn the_same_checkout_gives_the_same_bytes() {
        assert!(packed().archive().unwrap() == packed().archive().unwrap());
    }

    #[test]
    fn no_packed_manifest_needs_this_workspace() {
        let packed = packed();
        let manifests = packed.files.iter().filter(|(path, _)| path.ends_with("Cargo.toml"));
        let mut seen = 0;
        for (path, bytes) in manifests {
            let text = String::from_utf8(bytes.clone()).unwrap();
            assert!(!text.contains("workspace = true") && !text.contains(".workspace"), "{path}:\n{text}");
            let table: toml::Table = text.parse().unwrap();
            assert!(table["package"]["version"].is_str(), "{path}");
            for (_, dependency) in
                table.get("dependencies").and_then(toml::Value::as_table).into_iter().flatten()
            {
                let Some(way) = dependency.get("path").and_then(toml::Value::as_str) else { continue };
                let target = archive::resolved(Path::new(path).parent().unwrap(), way);
                assert!(packed.files.contains_key(&format!("{target}/Cargo.toml")), "{path}: {way}");
            }
            seen += 1;
        }
        assert_eq!(seen, CRATES.len() + 1, "the crates and the example");
    }

    #[test]
    fn no_placeholder_is_left_in_the_example() {
        for (path, bytes) in packed().files {
            if path.starts_with("examples/") {
                assert!(!String::from_utf8(bytes).unwrap().contains("{{"), "{path}");
            }
        }
    }
}
