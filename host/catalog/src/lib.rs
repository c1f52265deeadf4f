//! Which plugins there are, which of them this host can use, and why not the others.
//!
//! What is here: [`Catalog::scan`] finds plugins in folders **from files alone**. It reads `plugin.toml` and the bytes of
//! the code (format, machine, exported symbols, the embedded note, the digest) and never maps or runs any of it.
//! Several versions stand side by side; [`Catalog::pick`] chooses by name and semver range, newest first. Every refusal
//! is a sentence with what to do ([`Rejection`]); one bad plugin never hides another. [`Catalog::why`] tells everything
//! that was looked at, [`inspect`] what a single file is, even a broken one. [`Quarantine`] remembers plugins that
//! misbehaved, by the hash of the file, until the file changes or somebody releases them.
//!
//! What is not here: loading (`parfocal-native`, `parfocal-wasm`), and signatures: [`Catalog::scan_judged`] is told what
//! is to be thought of each plugin, and shows it.
//!
//! Who calls it: the host, once when it starts and again when folders change; the CLI's `plugins` and `inspect`.
//!
//! ```
//! use parfocal_catalog::{Catalog, HostSupport, LaneOrder, OperatorRef};
//! let state = std::env::temp_dir().join("parfocal-doc-state");
//! let catalog = Catalog::scan(&["no-such-folder".into()], &HostSupport::this_computer(), &state);
//! let wanted: OperatorRef = "gaussian@^1".parse()?;
//! let error = catalog.pick(&wanted, &LaneOrder::default()).unwrap_err();
//! assert_eq!(error.kind().name(), "not-found");
//! # Ok::<(), parfocal_types::Error>(())
//! ```

mod catalog;
mod check;
mod duplicates;
mod host;
mod inspect;
mod package;
mod pick;
mod quarantine;
mod rejection;
mod search;
mod vouch;
mod why;

pub use catalog::Catalog;
pub use host::HostSupport;
pub use inspect::{Format, Inspection, NoteSummary, inspect, inspect_bytes};
pub use package::{Candidate, Package, Status};
pub use pick::{LaneOrder, OperatorRef, Selection};
pub use quarantine::{Quarantine, Quarantined, warrants_quarantine};
pub use rejection::{Place, Rejection, RejectionCode};
pub use search::{FolderState, Searched};
pub use vouch::{Judge, Vouch};
pub use why::{ArtifactLine, Explanation, PackageLine, PickLine, Verdict};
