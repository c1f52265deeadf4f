//! Why a plugin or a file of it is not used.

use std::{fmt, ops::Range, path::PathBuf};

use parfocal_types::{Error, ErrorKind};
use serde::Serialize;

/// What kind of refusal it is, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum RejectionCode {
    /// The manifest cannot be read from the disk.
    ManifestUnreadable,
    /// The manifest is wrong; the place tells where.
    ManifestInvalid,
    /// The manifest names no code, or no operator.
    NotBuilt,
    /// Native code for another system.
    WrongTarget,
    /// This host was built without the lane.
    LaneMissing,
    /// The plugin asks for a process of its own, which this host cannot give.
    NeedsOwnProcess,
    /// The file is not there or cannot be read.
    FileMissing,
    /// The path leads out of the package.
    OutsidePackage,
    /// The file is not the one that the manifest names.
    HashDiffers,
    /// The bytes are not of the format that the lane runs.
    WrongFormat,
    /// The bytes are damaged or cut off.
    Damaged,
    /// The code lacks what the host calls first.
    EntryMissing,
    /// The code has no note.
    NoteMissing,
    /// The code's note cannot be read.
    NoteDamaged,
    /// The note says something else than the manifest.
    NoteDisagrees,
    /// Built for an interface that comes after the host's.
    InterfaceTooNew,
    /// Built for an interface that the host no longer speaks.
    InterfaceTooOld,
    /// Built for versions between those that the host speaks, or for an interface that it does not know.
    InterfaceUnknown,
    /// The boundary structs differ.
    LayoutDiffers,
    /// Another plugin has the same id and version.
    Duplicate,
    /// Files differ from what was signed or installed.
    Tampered,
    /// Nobody whom the user trusts vouches for it, and the user did not allow it all the same.
    Untrusted,
}

/// A place in a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The manifest.
    pub path: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The bytes.
    pub span: Option<Range<usize>>,
}

/// Why a plugin or a file of it is not used: a sentence that names it, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rejection {
    /// The kind of refusal, for programs.
    pub code: RejectionCode,
    /// Which plugin or file, and why, with both sides where two disagree.
    pub message: String,
    /// What to do.
    pub remedy: String,
    /// Where, when it is the manifest's fault.
    pub place: Option<Box<Place>>,
}

impl Rejection {
    /// A refusal that has no place in a manifest.
    #[must_use]
    pub fn new(code: RejectionCode, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { code, message: message.into(), remedy: remedy.into(), place: None }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<&Rejection> for Error {
    fn from(rejection: &Rejection) -> Self {
        use RejectionCode as Code;
        let kind = match rejection.code {
            Code::FileMissing => ErrorKind::NotFound,
            Code::HashDiffers | Code::Damaged | Code::NoteDamaged | Code::Tampered => {
                ErrorKind::Corrupt { what: "the plugin's file".into() }
            }
            Code::ManifestUnreadable | Code::ManifestInvalid | Code::NotBuilt | Code::OutsidePackage => {
                ErrorKind::InvalidArgument
            }
            Code::Untrusted => ErrorKind::PermissionDenied { permission: "use the plugin".into() },
            _ => ErrorKind::Incompatible { have: "the plugin".into(), need: "this host".into() },
        };
        Self::new(kind, rejection.message.clone()).with_remedy(rejection.remedy.clone())
    }
}
