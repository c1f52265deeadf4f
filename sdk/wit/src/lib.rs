//! The operator contract for WASM: the WIT package, and what Rust needs to speak it.
//!
//! # What is here
//! - [`OPERATOR_1_DRAFT`]: the files of the package `parfocal:operator`. They mirror `parfocal-operator` word for word: the same
//!   descriptor, plan, tiles, services and sink, with the same rules. A third party with any component toolchain
//!   needs these files and nothing else.
//! - [`Cross`] and [`conversions!`]: how the words of the SDK become those of generated bindings and back. The guest and
//!   the host expand the same macro over their own bindings, so the two sides cannot disagree.
//! - `guest` (feature `guest`): exports Rust operators as a component.
//!
//! # What is not here
//! The host's side (`parfocal-wasm`), the traits that authors write against (`parfocal-plugin`), any runtime.
//!
//! # How an operator crosses
//! Input tiles arrive as typed lists, one copy from the host's buffer into the guest's memory, aligned, and are worked
//! on where they lie. Output tiles are given to the host as bytes, which it copies from the guest's memory into its own
//! buffer: one copy again.
//!
//! # Versions
//! [`package_version`] says which package version belongs to an interface version. A draft's revision is the package's
//! pre-release part, because pre-releases never match each other when a component is linked: a changed draft is refused,
//! never called by accident. **Every change of the folder `wit/operator-1-draft` counts the revision up** in the files
//! and in `parfocal_operator::VERSION`; a test holds the two together.

extern crate self as parfocal_wit;

mod convert;
#[cfg(feature = "guest")]
pub mod guest;
mod pairs;

pub use convert::Cross;
use parfocal_types::InterfaceVersion;

/// The paths of the sdk crates as [`conversions!`] expands them in other crates.
#[doc(hidden)]
pub mod sdk {
    pub use parfocal_image as image;
    pub use parfocal_operator as operator;
    pub use parfocal_types as types;
}

/// The name of the package, without its version.
pub const PACKAGE: &str = "parfocal:operator";

/// The world that a component of this package is of.
pub const WORLD: &str = "plugin";

/// The files of the package: name and text.
pub const OPERATOR_1_DRAFT: [(&str, &str); 3] = [
    ("types.wit", include_str!("../wit/operator-1-draft/types.wit")),
    ("services.wit", include_str!("../wit/operator-1-draft/services.wit")),
    ("operator.wit", include_str!("../wit/operator-1-draft/operator.wit")),
];

/// The package version of an interface version: `1.0.0` for `1`, `1.0.0-draft.2` for `1-draft.2`.
#[must_use]
pub fn package_version(version: InterfaceVersion) -> String {
    let text = version.to_string();
    match text.split_once('-') {
        Some((number, draft)) => format!("{number}.0.0-{draft}"),
        None => format!("{text}.0.0"),
    }
}

/// The interface version of a package version, when it is one of ours.
///
/// ```
/// use parfocal_wit::{interface_version, package_version};
/// let draft = parfocal_operator::VERSION;
/// assert_eq!(interface_version(&package_version(draft)), Some(draft));
/// assert_eq!(interface_version("1.0.3"), None);
/// ```
#[must_use]
pub fn interface_version(package: &str) -> Option<InterfaceVersion> {
    let (number, draft) = match package.split_once('-') {
        Some((number, draft)) => (number, format!("-{draft}")),
        None => (package, String::new()),
    };
    format!("{}{draft}", number.strip_suffix(".0.0")?).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_carries_the_version_of_the_interface() {
        let package = format!("package {PACKAGE}@{};", package_version(parfocal_operator::VERSION));
        for (name, text) in OPERATOR_1_DRAFT {
            assert_eq!(text.lines().filter(|line| *line == package).count(), 1, "{name}");
        }
    }

    #[test]
    fn package_versions_are_read_back_and_others_are_not_ours() {
        for version in [
            InterfaceVersion::released(1),
            InterfaceVersion::released(20),
            InterfaceVersion::draft(1, 1),
            InterfaceVersion::draft(2, 13),
        ] {
            assert_eq!(interface_version(&package_version(version)), Some(version));
        }
        for other in ["", "1", "1.0.0-rc.1", "1.1.0", "1.0.0-draft", "x.0.0"] {
            assert_eq!(interface_version(other), None, "{other}");
        }
    }
}
