//! Where the SDK lies: the packed one, or the folder `sdk` of a checkout of Parfocal.

use std::{
    env,
    path::{Component, Path, PathBuf},
};

use parfocal_types::{Error, Result};

/// The environment variable that names the SDK's folder.
const VARIABLE: &str = "PARFOCAL_SDK";

/// The SDK in a folder.
#[derive(Debug, Clone)]
pub(crate) struct Sdk {
    folder: PathBuf,
    packed: bool,
}

impl Sdk {
    /// The SDK in this folder, when one is there.
    fn open(folder: &Path) -> Option<Self> {
        let packed = Self { folder: folder.to_owned(), packed: true };
        let checkout = Self { folder: folder.to_owned(), packed: false };
        [packed, checkout].into_iter().find(|sdk| {
            sdk.header().is_file() && ["plugin", "image"].iter().all(|name| sdk.package(name).is_dir())
        })
    }

    /// The SDK that was named, else the one in `$PARFOCAL_SDK`, else the nearest one beside `near` or above it.
    ///
    /// # Errors
    /// `not-found` when there is none, and when there is none where it was said to be.
    pub(crate) fn find(named: Option<&Path>, near: &Path) -> Result<Self> {
        let variable = env::var_os(VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
        let given = match (named, &variable) {
            (Some(folder), _) => Some((folder, "--sdk")),
            (None, Some(folder)) => Some((folder.as_path(), VARIABLE)),
            (None, None) => None,
        };
        if let Some((folder, by)) = given {
            return Self::open(folder).ok_or_else(|| {
                Error::not_found(format!("{} ({by}) is not a Parfocal SDK", folder.display())).with_remedy(
                    "name the unpacked folder, the one with `include/parfocal.h`, or `sdk` of a checkout",
                )
            });
        }
        let unpacked = format!("parfocal-sdk-{}", env!("CARGO_PKG_VERSION"));
        let places = near.ancestors().flat_map(|folder| [folder.join("sdk"), folder.join(&unpacked)]);
        places.into_iter().find_map(|folder| Self::open(&folder)).ok_or_else(|| {
            Error::not_found(format!("no Parfocal SDK was found beside or above {}", near.display())).with_remedy(
                format!(
                    "unpack parfocal-sdk-{}.tar.gz and name its folder with --sdk or {VARIABLE}; in a checkout of \
                     Parfocal, `cargo xtask sdk` makes it",
                    env!("CARGO_PKG_VERSION")
                ),
            )
        })
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder of one of the Rust packages, by its name without `parfocal-`.
    pub(crate) fn package(&self, name: &str) -> PathBuf {
        if self.packed { self.folder.join("rust").join(name) } else { self.folder.join(name) }
    }

    /// `parfocal.h`.
    pub(crate) fn header(&self) -> PathBuf {
        self.folder.join(if self.packed { "include/parfocal.h" } else { "abi/include/parfocal.h" })
    }

    /// The Python package `parfocal`, a folder.
    pub(crate) fn python(&self) -> PathBuf {
        self.folder.join("python/parfocal")
    }

    /// The JSON Schema of `plugin.toml`.
    pub(crate) fn schema(&self) -> PathBuf {
        let below = if self.packed { "schemas" } else { "../manifests/schemas" };
        self.folder.join(below).join("plugin.schema.json")
    }

    /// The versions of other people's packages that the SDK was tested with.
    pub(crate) fn lock(&self) -> PathBuf {
        self.folder.join(if self.packed { "rust/Cargo.lock" } else { "../Cargo.lock" })
    }
}

/// The way from one folder to a path, both absolute; the path itself where they share nothing.
pub(crate) fn relative(from: &Path, to: &Path) -> PathBuf {
    let to = normal(to);
    let shared = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    if shared < 2 {
        return to;
    }
    let up = from.components().skip(shared).map(|_| Component::ParentDir);
    up.chain(to.components().skip(shared)).collect()
}

/// The path with its `..` taken back.
pub(crate) fn normal(path: &Path) -> PathBuf {
    let mut result = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                result.pop();
            }
            part => result.push(part),
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_a_folder_is_short_and_leads_there() {
        let way = |from: &str, to: &str| relative(Path::new(from), Path::new(to)).display().to_string();
        assert_eq!(way("/home/a/filter", "/home/a/sdk/plugin"), "../sdk/plugin");
        assert_eq!(way("/home/a/b/filter", "/home/a/sdk/../schemas"), "../../schemas");
        assert_eq!(way("/home/a/filter", "/opt/sdk"), "/opt/sdk");
    }
}
