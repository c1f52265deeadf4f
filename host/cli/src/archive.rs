//! Packs a plugin in Python into one archive that Python runs: the plugin's modules and the package `parfocal`.
//!
//! Same files, same bytes: sorted, without compression, and with one date for all.

use std::{
    fs,
    io::{Cursor, Write},
    path::{Path, PathBuf},
};

use parfocal_types::{Error, ErrorKind, Result};
use zip::{CompressionMethod, DateTime, ZipWriter, result::ZipResult, write::SimpleFileOptions};

use crate::{package::cannot, sdk::Sdk};

/// The module that a plugin in Python begins with, in its folder.
pub(crate) const PLUGIN: &str = "plugin.py";

/// What Python runs.
const MAIN: &str = "from parfocal import start\n\nstart(\"plugin\")\n";

/// The package, in a plugin's folder and in the archive.
const PACKAGE: &str = "parfocal";

/// Folders of a plugin that its users do not run.
const LEFT_OUT: &[&str] = &["tests", "target", "dist", "build", "venv", "node_modules"];

/// A file and its path in the archive.
type Module = (PathBuf, String);

/// Packs the plugin of a folder. The package comes from the folder, where `parfocal new` puts it, or else from the SDK.
///
/// # Errors
/// `not-found` without the package; what the system says.
pub(crate) fn write(folder: &Path, sdk: Option<&Path>, to: &Path) -> Result<()> {
    let mut modules = modules(folder, "")?;
    let own = format!("{PACKAGE}/__init__.py");
    if sdk.is_some() || !modules.iter().any(|(_, name)| *name == own) {
        modules.retain(|(_, name)| !name.starts_with("parfocal/"));
        modules.extend(self::modules(&Sdk::find(sdk, folder)?.python(), PACKAGE)?);
    }
    if let Some((path, _)) = modules.iter().find(|(_, name)| name == "__main__.py") {
        return Err(Error::invalid_argument(format!(
            "{} would stand in the way of the program's own",
            path.display()
        ))
        .with_remedy(format!("begin with {PLUGIN}, and give that file another name")));
    }
    let mut files = vec![("__main__.py".to_owned(), MAIN.as_bytes().to_vec())];
    for (path, name) in modules {
        files.push((name, fs::read(&path).map_err(|error| cannot("read", &path, error))?));
    }
    files.sort();
    let bytes =
        archive(&files).map_err(|error| Error::internal(format!("the archive cannot be made: {error}")))?;
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent).map_err(|error| cannot("make", parent, error))?;
    }
    fs::write(to, bytes).map_err(|error| cannot("write", to, error))
}

/// The modules in a folder and in the packages below it, with their names in the archive, sorted. Hidden folders, tests and
/// results are left out.
///
/// # Errors
/// What the system says; `not-supported` for a name that is not Unicode.
pub(crate) fn modules(folder: &Path, below: &str) -> Result<Vec<Module>> {
    let entries = fs::read_dir(folder).map_err(|error| cannot("list", folder, error))?;
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.map_err(|error| cannot("list", folder, error))?.path());
    }
    paths.sort();
    let mut found = Vec::new();
    for path in paths {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            let kind = ErrorKind::NotSupported { what: "names that are not Unicode".into() };
            return Err(
                Error::new(kind, format!("{} cannot be packed", path.display())).with_remedy("rename it")
            );
        };
        let full = if below.is_empty() { name.to_owned() } else { format!("{below}/{name}") };
        if path.join("__init__.py").is_file() && !name.starts_with('.') && !LEFT_OUT.contains(&name) {
            found.extend(modules(&path, &full)?);
        } else if path.is_file() && path.extension().is_some_and(|end| end == "py") {
            found.push((path, full));
        }
    }
    Ok(found)
}

fn archive(files: &[(String, Vec<u8>)]) -> ZipResult<Vec<u8>> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        zip.start_file(name.as_str(), options)?;
        zip.write_all(bytes)?;
    }
    Ok(zip.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plugin() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let files = [
            "plugin.py",
            "filters/__init__.py",
            "filters/median.py",
            "tests/__init__.py",
            "parfocal/__init__.py",
        ];
        for name in
            files.into_iter().chain(["README.md", "data/x.py", ".venv/__init__.py", "parfocal/py.typed"])
        {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, format!("# {name}\n")).unwrap();
        }
        folder
    }

    fn packed(folder: &Path) -> Vec<u8> {
        let to = folder.join("target/python/a.pyz");
        write(folder, None, &to).unwrap();
        fs::read(to).unwrap()
    }

    #[test]
    fn an_archive_has_the_modules_and_the_package_and_nothing_else() {
        let folder = plugin();
        let archive = zip::ZipArchive::new(Cursor::new(packed(folder.path()))).unwrap();
        let names: Vec<_> = archive.file_names().map(Result::unwrap).collect();
        let wanted =
            ["__main__.py", "filters/__init__.py", "filters/median.py", "parfocal/__init__.py", "plugin.py"];
        assert_eq!(names, wanted);
    }

    #[test]
    fn the_same_files_give_the_same_bytes_whenever_they_were_written() {
        let (one, other) = (plugin(), plugin());
        let path = other.path().join("plugin.py");
        let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
        fs::File::options().append(true).open(path).unwrap().set_modified(old).unwrap();
        assert!(packed(one.path()) == packed(other.path()));
    }

    #[test]
    fn a_main_of_the_plugins_own_is_refused() {
        let folder = plugin();
        fs::write(folder.path().join("__main__.py"), "").unwrap();
        let error = write(folder.path(), None, &folder.path().join("a.pyz")).unwrap_err();
        assert!(error.message().contains("__main__.py"), "{error}");
    }
}
