//! `Cargo.toml` of a packed crate: the crate's own, with everything written out that it takes from this workspace.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use toml_edit::{DocumentMut, InlineTable, Item, Table, TableLike, Value};

/// This workspace, as far as packed crates take something from it.
pub(super) struct Workspace {
    root: Table,
    /// The packed crates: folder below `sdk`, and manifest.
    crates: BTreeMap<String, DocumentMut>,
}

/// A manifest that needs no workspace.
pub(super) struct Manifest {
    pub(super) text: String,
    /// Names of other people's packages.
    pub(super) needed: Vec<String>,
}

impl Workspace {
    /// Reads the root manifest and those of the crates.
    pub(super) fn read(root: &Path, crates: &[&str]) -> Result<Self> {
        let parse = |path: &Path| -> Result<DocumentMut> {
            let manifest = path.join("Cargo.toml");
            super::read(&manifest)?
                .parse()
                .with_context(|| format!("could not understand {}", manifest.display()))
        };
        let table = parse(root)?.get("workspace").and_then(Item::as_table).cloned();
        let mut read = BTreeMap::new();
        for krate in crates {
            read.insert((*krate).to_owned(), parse(&root.join("sdk").join(krate))?);
        }
        Ok(Self {
            root: table.ok_or_else(|| anyhow!("the root Cargo.toml has no [workspace]"))?,
            crates: read,
        })
    }

    /// The version of a packed crate.
    pub(super) fn version(&self, krate: &str) -> Result<String> {
        let manifest = self.crates.get(krate).ok_or_else(|| anyhow!("sdk/{krate} is not packed"))?;
        let version =
            manifest.get("package").and_then(|package| package.get("version")).and_then(Item::as_str);
        version.map(str::to_owned).ok_or_else(|| anyhow!("sdk/{krate} has no version of its own"))
    }

    /// The manifest of a crate as it goes into the archive.
    pub(super) fn packed(&self, krate: &str) -> Result<Manifest> {
        let mut manifest =
            self.crates.get(krate).cloned().ok_or_else(|| anyhow!("sdk/{krate} is not packed"))?;
        let mut needed = Vec::new();
        self.write_out_package(krate, &mut manifest)?;
        let table = manifest.as_table_mut();
        // Lints are for us: what a newer compiler finds in our code must neither fail nor clutter an author's build.
        table.remove("lints");
        self.write_out_tables(krate, table, &mut needed)?;
        if let Some(targets) = table.get_mut("target").and_then(Item::as_table_like_mut) {
            for (_, target) in targets.iter_mut() {
                if let Some(target) = target.as_table_like_mut() {
                    self.write_out_tables(krate, target, &mut needed)?;
                }
            }
        }
        let text =
            format!("# sdk/{krate} of the Parfocal repository, packed by `cargo xtask sdk`.\n{manifest}");
        Ok(Manifest { text, needed })
    }

    fn write_out_package(&self, krate: &str, manifest: &mut DocumentMut) -> Result<()> {
        let package = manifest.get_mut("package").and_then(Item::as_table_like_mut);
        let package = package.ok_or_else(|| anyhow!("sdk/{krate}/Cargo.toml has no [package]"))?;
        for (key, item) in package.iter_mut() {
            if is_inherited(item) {
                let value = self.root.get("package").and_then(|package| package.get(key.get()));
                let value = value.and_then(Item::as_value).cloned();
                *item =
                    Item::Value(value.ok_or_else(|| anyhow!("[workspace.package] has no {}", key.get()))?);
            }
        }
        Ok(())
    }

    /// The tables of dependencies: without those of tests, and with each dependency written out.
    fn write_out_tables(
        &self,
        krate: &str,
        holder: &mut dyn TableLike,
        needed: &mut Vec<String>,
    ) -> Result<()> {
        holder.remove("dev-dependencies");
        for kind in ["dependencies", "build-dependencies"] {
            let Some(table) = holder.get_mut(kind).and_then(Item::as_table_like_mut) else { continue };
            for (name, item) in table.iter_mut() {
                self.write_out(krate, name.get(), item)?;
                if item.get("path").is_none() {
                    let package = item.get("package").and_then(Item::as_str);
                    needed.push(package.unwrap_or(name.get()).to_owned());
                }
            }
        }
        Ok(())
    }

    fn write_out(&self, krate: &str, name: &str, item: &mut Item) -> Result<()> {
        if is_inherited(item) {
            let ours = self.root.get("dependencies").and_then(|table| table.get(name));
            let ours = ours.ok_or_else(|| anyhow!("[workspace.dependencies] has no {name}"))?;
            let mut merged = as_inline(ours)?;
            for (key, value) in as_inline(item)?.iter().filter(|(key, _)| *key != "workspace") {
                merged.insert(key, value.clone());
            }
            if let Some(path) = merged.get("path").and_then(Value::as_str) {
                let target = path.strip_prefix("sdk/").filter(|target| self.crates.contains_key(*target));
                let target = target
                    .ok_or_else(|| anyhow!("sdk/{krate} needs {name} in {path}, which is not packed"))?;
                let way = "../".repeat(krate.split('/').count()) + target;
                merged.insert("path", way.into());
            }
            merged.fmt();
            *item = Item::Value(Value::InlineTable(merged));
        } else if let Some(path) = item.get("path").and_then(Item::as_str) {
            // Within the crate's own folder, where the layout stays.
            if path.contains("..") || !self.crates.contains_key(&format!("{krate}/{path}")) {
                bail!("sdk/{krate} needs {name} in {path}, which is not packed");
            }
        }
        Ok(())
    }
}

/// `key.workspace = true` or `key = { workspace = true, ... }`.
fn is_inherited(item: &Item) -> bool {
    item.get("workspace").and_then(Item::as_bool) == Some(true)
}

fn as_inline(item: &Item) -> Result<InlineTable> {
    match item.clone().into_value() {
        Ok(Value::InlineTable(table)) => Ok(table),
        Ok(version @ Value::String(_)) => Ok(InlineTable::from_iter([("version", version)])),
        _ => bail!("a dependency is neither a version nor a table: {item}"),
    }
}
