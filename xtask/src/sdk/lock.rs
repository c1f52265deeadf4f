//! `Cargo.lock` of the packed crates: the versions that this checkout was tested with, and no others.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use anyhow::{Context, Result, anyhow};
use serde::Deserialize;

#[derive(Deserialize)]
struct Lock {
    version: u32,
    package: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    source: Option<String>,
    checksum: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
}

/// The part of a lock file that other people's packages of these names need.
///
/// Authors' own packages and ours are missing: cargo adds them without asking anybody, and keeps the versions that are
/// there, so that a new plugin builds with tested versions and, once those are in cargo's cache, without a network.
///
/// # Errors
/// When the text is no lock file, or lacks a package.
pub(super) fn reduced(text: &str, needed: &[Vec<String>]) -> Result<String> {
    let lock: Lock = toml::from_str(text).context("could not understand Cargo.lock")?;
    let mut names: BTreeMap<&str, Vec<&Package>> = BTreeMap::new();
    for package in &lock.package {
        names.entry(&package.name).or_default().push(package);
    }
    let mut open: Vec<&str> = needed.iter().flatten().map(String::as_str).collect();
    let mut kept: BTreeSet<(&str, &str)> = BTreeSet::new();
    while let Some(wanted) = open.pop() {
        // `name`, or `name version` where there are several.
        let (name, version) = wanted.split_once(' ').unwrap_or((wanted, ""));
        let packages = names.get(name).ok_or_else(|| anyhow!("Cargo.lock lacks {wanted}"))?;
        for package in
            packages.iter().filter(|package| version.is_empty() || version.starts_with(&package.version))
        {
            if kept.insert((&package.name, &package.version)) {
                open.extend(package.dependencies.iter().map(String::as_str));
            }
        }
    }
    let mut result = format!("# Versions that the SDK was tested with.\nversion = {}\n", lock.version);
    for package in lock.package.iter().filter(|package| kept.contains(&(&*package.name, &*package.version))) {
        write(package, &mut result)?;
    }
    Ok(result)
}

fn write(package: &Package, result: &mut String) -> Result<()> {
    write!(result, "\n[[package]]\nname = {:?}\nversion = {:?}\n", package.name, package.version)?;
    for (key, value) in [("source", &package.source), ("checksum", &package.checksum)] {
        if let Some(value) = value {
            writeln!(result, "{key} = {value:?}")?;
        }
    }
    if !package.dependencies.is_empty() {
        result.push_str("dependencies = [\n");
        for dependency in &package.dependencies {
            writeln!(result, " {dependency:?},")?;
        }
        result.push_str("]\n");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_needed_is_kept_with_its_versions_and_nothing_else() {
        let package = |name: &str, version: &str, dependencies: &str| {
            format!(
                "[[package]]\nname = \"{name}\"\nversion = \"{version}\"\nsource = \"r\"\ndependencies = [{dependencies}]\n"
            )
        };
        let text = [
            "version = 4\n".to_owned(),
            package("syn", "2.0.1", "\"quote\""),
            package("quote", "1.0.0", ""),
            package("old", "0.1.0", ""),
            package("old", "0.2.0", ""),
            package("user", "1.0.0", "\"old 0.2.0\""),
            package("wasmtime", "48.0.0", "\"syn\""),
        ]
        .concat();
        let kept = reduced(&text, &[vec!["syn".into()], vec!["user".into()]]).unwrap();
        let lock: Lock = toml::from_str(&kept).unwrap();
        let names: Vec<_> = lock.package.iter().map(|p| format!("{} {}", p.name, p.version)).collect();
        assert_eq!(names, ["syn 2.0.1", "quote 1.0.0", "old 0.2.0", "user 1.0.0"]);
        assert!(reduced(&text, &[vec!["absent".into()]]).is_err());
    }
}
