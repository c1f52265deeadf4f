//! Where the results of a run go, and that nothing goes onto what it is made from.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use parfocal_operator::PortKind;
use parfocal_types::{Error, Result};

use crate::{args::Run, names::Named, steps::Chain};

/// Where the results of a run go. Nothing is made before [`make_folder`](Self::make_folder).
pub(super) struct Targets {
    /// An image file, or `None`.
    image: Option<PathBuf>,
    pub(super) tables: Vec<PathBuf>,
    pub(super) records: Vec<PathBuf>,
    /// With several images: everything goes in here.
    pub(super) folder: Option<PathBuf>,
}

impl Targets {
    /// Sorts what the user named by its ending.
    pub(super) fn new(run: &Run, images: usize) -> Result<Self> {
        let mut targets = Self { image: None, tables: Vec::new(), records: Vec::new(), folder: None };
        for path in &run.output {
            let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
            let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
            let is_folder = path.is_dir() || path.as_os_str().to_string_lossy().ends_with(['/', '\\']);
            if !is_folder && ends(&[".csv", ".parquet"]) {
                targets.tables.push(path.clone());
            } else if !is_folder && ends(&[".json"]) {
                targets.records.push(path.clone());
            } else if !is_folder && ends(&[".tif", ".tiff", ".btf", ".png"]) && images == 1 {
                if targets.image.replace(path.clone()).is_some() {
                    return Err(Error::invalid_argument("two image files were named for one result")
                        .with_remedy("run the chain twice, or name one"));
                }
            } else if is_folder || path.extension().is_none() {
                if targets.folder.replace(path.clone()).is_some() {
                    return Err(Error::invalid_argument("two folders were named for the results")
                        .with_remedy("name one"));
                }
            } else if images > 1 {
                return Err(Error::invalid_argument(format!(
                    "{images} images cannot all be written to {}",
                    path.display()
                ))
                .with_remedy("name a folder"));
            } else {
                return Err(Error::invalid_argument(format!(
                    "{} does not say what to write",
                    path.display()
                ))
                .with_remedy("end it in .ome.tif, .tif, .png, .csv, .parquet or .json, or name a folder"));
            }
        }
        if run.output.is_empty() && !run.dry_run {
            return Err(Error::invalid_argument("nowhere to write the result")
                .with_remedy("add `-o result.ome.tif`, `-o objects.csv`, `-o record.json`, or a folder"));
        }
        Ok(targets)
    }

    /// Checks before any work that the chain gives what was asked for, and that no result would replace an image that
    /// the run reads.
    ///
    /// # Errors
    /// `invalid-argument`, with both names where a result would replace an image.
    pub(super) fn check(&self, chain: &Chain, images: &[Named]) -> Result<()> {
        let gives = |kind: fn(PortKind) -> bool| {
            chain.picked.iter().flat_map(|picked| &picked.descriptor.outputs).any(|port| kind(port.kind))
        };
        if !self.tables.is_empty() && !gives(|kind| kind == PortKind::Table) {
            return Err(Error::invalid_argument("the chain gives no table")
                .with_remedy("end it with an operator that does, such as measure-objects"));
        }
        let gives_image = gives(PortKind::is_image);
        if self.image.is_some() && !gives_image {
            return Err(Error::invalid_argument("the chain gives no image")
                .with_remedy("name a table (.csv, .parquet) or a record (.json) for its result"));
        }
        let read = Identities::of(images.iter().map(|image| image.path.as_path()).chain(chain.files()));
        let pictures = images.iter().filter(|_| gives_image).filter_map(|image| self.image_of(&image.name));
        let named = chain.tables().filter_map(|(_, _, name)| self.table_of(&name));
        let tables = self.tables.iter().cloned().chain(named);
        for target in pictures.chain(tables).chain(self.records.iter().cloned()) {
            let Some(image) = read.same(&target) else { continue };
            return Err(Error::invalid_argument(format!(
                "the result {} would replace the image {}",
                target.display(),
                image.display()
            ))
            .with_remedy("name another file or folder for the result: originals are never overwritten"));
        }
        Ok(())
    }

    /// Makes the folder that the user named.
    ///
    /// # Errors
    /// `not-found` when it cannot be made.
    pub(super) fn make_folder(&self) -> Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        std::fs::create_dir_all(folder).map_err(|error| {
            Error::not_found(format!("the folder {} cannot be made", folder.display())).with_source(error)
        })
    }

    /// The image file for the input of this name.
    pub(super) fn image_of(&self, name: &str) -> Option<PathBuf> {
        match (&self.image, &self.folder) {
            (Some(image), _) => Some(image.clone()),
            (None, Some(folder)) => Some(folder.join(format!("{name}.ome.tif"))),
            (None, None) => None,
        }
    }

    /// The file in the folder for the chain's table of this name, where tables were not named.
    pub(super) fn table_of(&self, name: &str) -> Option<PathBuf> {
        let folder = self.folder.as_ref().filter(|_| self.tables.is_empty())?;
        Some(folder.join(format!("{name}.csv")))
    }
}

/// Which files there are, whatever they are called: links and detours lead to the same one.
#[derive(Default)]
struct Identities<'a> {
    paths: BTreeMap<PathBuf, &'a Path>,
    numbers: BTreeMap<(u64, u64), &'a Path>,
}

impl<'a> Identities<'a> {
    fn of(paths: impl Iterator<Item = &'a Path>) -> Self {
        let mut all = Self::default();
        for path in paths {
            all.paths.extend(path.canonicalize().ok().map(|whole| (whole, path)));
            all.numbers.extend(number(path).map(|number| (number, path)));
        }
        all
    }

    /// The name under which this file is known.
    fn same(&self, path: &Path) -> Option<&'a Path> {
        let by_path = path.canonicalize().ok().and_then(|whole| self.paths.get(&whole));
        by_path.or_else(|| self.numbers.get(&number(path)?)).copied()
    }
}

/// Device and number of a file, which all its hard links share.
#[cfg(unix)]
fn number(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    let about = path.metadata().ok()?;
    Some((about.dev(), about.ino()))
}

#[cfg(not(unix))]
fn number(_: &Path) -> Option<(u64, u64)> {
    None
}
