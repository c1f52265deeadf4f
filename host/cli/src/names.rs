//! What images are called in results: files in a folder, the column `image` of joined tables.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Component, Path, PathBuf},
};

use parfocal_types::{Error, Result};

use crate::files::stem;

/// An image that was named on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    /// As the user wrote it.
    pub(crate) path: PathBuf,
    /// What its results are called; no two of a run are called the same, also where case does not count.
    pub(crate) name: String,
}

/// Gives each image a name: that of its file without the ending; where several share it, with their endings (`a.png`,
/// `a.tif`), or with as many of their folders in front as it takes (`x-a`, `y-a`).
///
/// # Errors
/// `invalid-argument` when even so two would be called the same.
pub(crate) fn named(paths: Vec<PathBuf>) -> Result<Vec<Named>> {
    let parts: Vec<_> = paths.iter().map(|path| parts(path)).collect();
    let mut names: Vec<String> = paths.iter().map(|path| stem(path)).collect();
    let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, name) in names.iter().enumerate() {
        groups.entry(name.to_lowercase()).or_default().push(index);
    }
    for group in groups.values().filter(|group| group.len() > 1) {
        let deepest = group.iter().map(|&index| parts[index].len()).max().unwrap_or(0);
        let told_apart = (0..deepest)
            .flat_map(|folders| [(folders, false), (folders, true)])
            .map(|(folders, ending)| {
                group.iter().map(|&index| longer(&parts[index], folders, ending)).collect()
            })
            .find(|longer: &Vec<String>| all_different(longer));
        for (&index, name) in group.iter().zip(told_apart.into_iter().flatten()) {
            names[index] = name;
        }
    }
    let mut seen: BTreeMap<String, &PathBuf> = BTreeMap::new();
    for (path, name) in paths.iter().zip(&names) {
        if let Some(other) = seen.insert(name.to_lowercase(), path) {
            return Err(Error::invalid_argument(format!(
                "the results of {} and of {} would both be called `{name}`",
                other.display(),
                path.display()
            ))
            .with_remedy("run the chain twice, with a folder for the results of each, or rename one"));
        }
    }
    Ok(paths.into_iter().zip(names).map(|(path, name)| Named { path, name }).collect())
}

/// The file's name and the folders above it, the nearest first.
fn parts(path: &Path) -> Vec<String> {
    let whole = place(path);
    let words = whole.components().rev().filter_map(|part| match part {
        Component::Normal(word) => Some(word.to_string_lossy().into_owned()),
        _ => None,
    });
    words.collect()
}

/// Where a file lies: its folder without links and detours, and its own name as it was written.
pub(crate) fn place(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (folder.canonicalize(), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}

/// A name with so many of its folders in front, and with or without its ending.
fn longer(parts: &[String], folders: usize, ending: bool) -> String {
    let file = parts.first().map(String::as_str).unwrap_or_default();
    let last = if ending { file.to_owned() } else { stem(Path::new(file)) };
    let above: Vec<&str> = parts.iter().skip(1).take(folders).rev().map(String::as_str).collect();
    above.into_iter().chain([last.as_str()]).collect::<Vec<_>>().join("-")
}

fn all_different(names: &[String]) -> bool {
    names.iter().map(|name| name.to_lowercase()).collect::<BTreeSet<_>>().len() == names.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(paths: &[&str]) -> Vec<String> {
        let paths = paths.iter().map(PathBuf::from).collect();
        named(paths).unwrap().into_iter().map(|named| named.name).collect()
    }

    #[test]
    fn a_name_is_as_long_as_it_takes_to_tell_it_apart() {
        assert_eq!(names(&["/none/x/a.ome.tif", "/none/x/b.tif"]), ["a", "b"]);
        assert_eq!(names(&["/none/x/a.png", "/none/x/a.tif", "/none/x/b.tif"]), ["a.png", "a.tif", "b"]);
        assert_eq!(names(&["/none/x/a.tif", "/none/y/a.tif"]), ["x-a", "y-a"]);
        assert_eq!(names(&["/none/x/raw/a.tif", "/none/y/raw/a.tif"]), ["x-raw-a", "y-raw-a"]);
        assert_eq!(
            names(&["/none/x/a.tif", "/none/y/a.tif", "/none/y/A.png"]),
            ["x-a.tif", "y-a.tif", "y-A.png"]
        );
    }

    #[test]
    fn two_that_stay_alike_are_refused() {
        let paths = ["/none/x/a.tif", "/none/y/a.tif", "/none/z/x-a.tif"];
        let error = named(paths.iter().map(PathBuf::from).collect()).unwrap_err();
        assert!(error.message().contains("x/a.tif") && error.message().contains("z/x-a.tif"), "{error}");
    }
}
