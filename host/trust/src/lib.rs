//! Who vouches for a plugin: archives, file lists, signatures, the trust store, the signed index.
//!
//! What is here, from the inside out:
//! - [`FileList`]: `FILES.sha256`, the digest of every file of a package, readable by `sha256sum -c`.
//! - [`KeyPair`], [`SecretKey`], [`PublicKey`]: minisign keys, exchangeable with the tool `minisign`.
//! - [`Package`]: a folder whose files, list and manifest were held against each other; [`sign`] signs it.
//! - [`pack`], [`unpack`]: the archive `<id>-<version>.pfp`, a plain ZIP, unpacked within [`Limits`].
//! - [`TrustStore`]: which keys the user trusts, each for plugins whose ids begin with certain words.
//! - [`Installation`]: installing and removing, and the record of who vouched for what was installed.
//! - [`Index`]: which packages can be had, signed, with an end date and a number that only grows.
//! - [`Trust`]: all that together; [`Trust::of`] gives the [`Verdict`] on a folder.
//!
//! What is not here: which plugins there are and which is picked (`parfocal-catalog`, which is *told* a verdict),
//! loading, and any question to the user.
//!
//! Who calls it: the program, when it lists and loads plugins and in `parfocal plugins pack | sign | verify | install |
//! remove | keys | trust | index`.
//!
//! # What a signature covers
//! `plugin.minisig` is a minisign signature over `FILES.sha256`; its trusted comment names the plugin and its version, so
//! that a signature cannot be moved to another one. The list covers every file of the package but itself and the
//! signature, and a file that is not in the list is an error. So one signature covers every byte:
//!
//! ```text
//! plugin.minisig -> FILES.sha256 -> plugin.toml -> sha256 of each artifact -> the file that a lane loads
//! ```
//!
//! A key counts only for the ids that the user bound it to: whoever may sign `org.example` can neither sign
//! `org.examples.x` nor `org.other.x`.
//!
//! ```
//! use parfocal_trust::{KeyPair, Limits, Package, sign};
//! # let folder = tempfile::tempdir()?;
//! # let folder = folder.path();
//! # std::fs::write(folder.join("a.wasm"), "abc")?;
//! # std::fs::write(folder.join("plugin.toml"), r#"
//! # manifest-version = 1
//! # [plugin]
//! # id = "org.example.smooth"
//! # name = "Smooth"
//! # version = "0.1.0"
//! # license = "MIT"
//! # description = "Smooths."
//! # [[artifact]]
//! # lane = "wasm"
//! # path = "a.wasm"
//! # sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
//! # interfaces = ["operator/1-draft.2"]
//! # "#)?;
//! let pair = KeyPair::generate("Example Lab", None)?;
//! sign(folder, &pair.secret(None)?, &Limits::default())?;
//! let package = Package::read(folder, &Limits::default())?;
//! assert_eq!(package.signature().unwrap().key(), pair.public().id());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod archive;
mod fetch;
mod files;
mod grants;
mod index;
mod install;
mod installed;
mod key;
mod limits;
mod package;
mod path;
mod place;
mod state;
mod store;
mod time;
mod verdict;
mod walk;

pub use archive::{ARCHIVE_ENDING, pack, unpack};
pub use files::{FileList, LIST_FILE};
pub use grants::{Grant, Grants};
pub use index::{FoundReport, INDEX_FILE, Index, IndexEntry, IndexReport, Offered, ReportOf};
pub use install::{Done, Installation, Request};
pub use installed::{Record, Vouched};
pub use key::{KeyId, KeyPair, PublicKey, SecretKey, Signature};
pub use limits::Limits;
pub use package::{Package, SIGNATURE_FILE, sign};
pub use place::Place;
pub use store::{IdPrefix, Standing, TrustStore, TrustedKey};
pub use time::Time;
pub use verdict::{Allowance, Trust, Verdict};
