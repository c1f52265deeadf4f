//! The licences of everything we build with.
//!
//! Each dependency's SPDX expression must be satisfiable with licences of the list: for `OR` one side is enough, for
//! `AND` both are needed, and a licence `WITH` an exception is accepted only as that pair.

use anyhow::{Result, bail};
use spdx::{Expression, LicenseReq, ParseMode};

use super::Outcome;
use super::metadata::{Metadata, Package};

/// Accepted: permissive licences that can be part of a program under MIT or Apache-2.0.
const ACCEPTED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unicode-DFS-2016",
    "Unlicense",
    "Zlib",
];

/// A licence outside the list that is accepted for one package, and why.
struct Exception {
    package: &'static str,
    licence: &'static str,
    why: &'static str,
}

const EXCEPTIONS: &[Exception] = &[
    Exception {
        package: "cbindgen",
        licence: "MPL-2.0",
        why: "writes the C header on the developer's machine; no line of it is shipped, its output is ours",
    },
    Exception { package: "option-ext", licence: "MPL-2.0", why: "used unchanged; the MPL asks for no more" },
];

/// What every package of this workspace is under.
const OURS: &str = "MIT OR Apache-2.0";

/// Checks all packages.
///
/// # Errors
/// When one has no licence, one that cannot be read, or one that is not accepted: each offender is named.
pub fn check(metadata: &Metadata) -> Result<Outcome> {
    let foreign = metadata.foreign();
    let mut offenders: Vec<String> = foreign.iter().filter_map(|package| offence(package)).collect();
    for member in metadata.members() {
        if member.license.as_deref() != Some(OURS) {
            offenders.push(format!(
                "{} of this workspace must say `license.workspace = true` ({OURS})",
                member.name
            ));
        }
    }
    if !offenders.is_empty() {
        bail!("{} of {} packages:\n  {}", offenders.len(), metadata.packages.len(), offenders.join("\n  "));
    }
    Ok(Outcome::Ok(format!("{} dependencies", foreign.len())))
}

/// What is wrong with a package's licence, if anything.
fn offence(package: &Package) -> Option<String> {
    let who = format!("{} {}", package.name, package.version);
    let Some(licence) = &package.license else {
        return Some(format!(
            "{who} names no SPDX licence; read its licence file, then replace it or list it here"
        ));
    };
    match Expression::parse_mode(licence, ParseMode::LAX) {
        Err(error) => Some(format!("{who}: {licence:?} is no SPDX expression: {}", error.reason)),
        Ok(expression) if expression.evaluate(|licence| is_accepted(&package.name, licence)) => None,
        Ok(_) => Some(format!("{who} is under {licence}, which is not accepted")),
    }
}

fn is_accepted(package: &str, licence: &LicenseReq) -> bool {
    let licence = licence.to_string();
    ACCEPTED.contains(&licence.as_str())
        || EXCEPTIONS.iter().any(|exception| {
            exception.package == package && exception.licence == licence && !exception.why.is_empty()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(name: &str, licence: &str) -> bool {
        let package = Package { name: name.into(), license: Some(licence.into()), ..Package::default() };
        offence(&package).is_none()
    }

    #[test]
    fn or_needs_one_side_and_and_needs_both() {
        assert!(accepts("a", "MIT OR GPL-3.0-only"));
        assert!(accepts("a", "(MIT OR Apache-2.0) AND Unicode-3.0"));
        assert!(!accepts("a", "MIT AND GPL-3.0-only"));
        assert!(!accepts("a", "(MIT OR Apache-2.0) AND GPL-2.0-or-later"));
    }

    #[test]
    fn an_exception_counts_with_its_licence_only() {
        assert!(accepts("a", "Apache-2.0 WITH LLVM-exception"));
        assert!(!accepts("a", "MIT WITH LLVM-exception"));
        assert!(!accepts("a", "GPL-2.0-only WITH Classpath-exception-2.0"));
    }

    #[test]
    fn the_old_slash_is_an_or() {
        assert!(accepts("a", "MIT/Apache-2.0"));
    }

    #[test]
    fn a_licence_accepted_for_one_package_is_refused_for_others() {
        assert!(accepts("cbindgen", "MPL-2.0"));
        assert!(!accepts("another", "MPL-2.0"));
    }

    #[test]
    fn no_licence_and_nonsense_are_refused_by_name() {
        let silent = Package { name: "silent".into(), version: "1.0.0".into(), ..Package::default() };
        assert!(offence(&silent).unwrap().starts_with("silent 1.0.0 names no SPDX licence"));
        assert!(!accepts("a", "do what you like"));
    }
}
