//! What somebody who checks signatures says of a plugin.

use serde::Serialize;

use crate::{package::Package, rejection::Rejection};

/// What somebody who checks signatures says of a plugin. The catalog checks none: it is told, so that a host without
/// signatures compiles nothing for them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Vouch {
    /// Nobody was asked.
    #[default]
    Unasked,
    /// It may be used; who vouches for it, or why that is not needed, for people and for the run record.
    Accepted(String),
    /// It may not be used.
    Refused(Rejection),
}

impl Vouch {
    /// What was said of a plugin that may be used.
    #[must_use]
    pub fn accepted(&self) -> Option<&str> {
        match self {
            Self::Accepted(sentence) => Some(sentence),
            _ => None,
        }
    }
}

/// Says what is to be thought of a plugin whose manifest is valid.
pub type Judge<'a> = &'a dyn Fn(&Package) -> Vouch;

/// Asks about every plugin that could be used, and refuses those that may not be.
pub(crate) fn ask(packages: &mut [Package], judge: Judge<'_>) {
    for package in
        packages.iter_mut().filter(|package| package.manifest.is_ok() && package.rejected.is_none())
    {
        package.vouch = judge(package);
        if let Vouch::Refused(rejection) = &package.vouch {
            package.rejected = Some(rejection.clone());
        }
    }
}
