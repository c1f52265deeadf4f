//! The command line of `parfocal plugins` where it is about who made a plugin.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand};
use parfocal_trust::{IdPrefix, Place};

/// Put a plugin's folder into one file to give away: `<id>-<version>.pfp`, a plain ZIP.
#[derive(Debug, Args)]
pub(crate) struct Pack {
    /// The folder that `parfocal build` or `parfocal package` made.
    pub(crate) folder: PathBuf,
    /// The archive, or the folder for it.
    #[arg(long, short, default_value = ".")]
    pub(crate) output: PathBuf,
}

/// Sign a plugin: write the digest of every file (`FILES.sha256`) and a minisign signature over it (`plugin.minisig`) into
/// its folder or archive.
#[derive(Debug, Args)]
pub(crate) struct Sign {
    /// The plugin's folder or archive.
    pub(crate) package: PathBuf,
    /// The secret key: a file, or the name of one that `keys list` shows; not needed when there is only one. A password is
    /// taken from $PARFOCAL_KEY_PASSWORD, or asked for.
    #[arg(long, short)]
    pub(crate) key: Option<PathBuf>,
}

/// Check a plugin: every file, the manifest, the signature, and whether you trust the key. Exit code 1 when it is not good.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// A folder, an archive, or the id of an installed plugin (`id` or `id@version`).
    pub(crate) package: String,
    /// A plugin that nobody vouches for is good too, if its files agree.
    #[arg(long)]
    pub(crate) allow_unsigned: bool,
}

/// Install a plugin into your own folder of plugins.
#[derive(Debug, Args)]
pub(crate) struct Install {
    /// An archive or a folder; with `--from`, a plugin's id, or `id@range`.
    pub(crate) package: String,
    /// A folder or an https address with an index of packages.
    #[arg(long, value_name = "FOLDER|ADDRESS")]
    pub(crate) from: Option<Place>,
    /// Install it though no key that you trust vouches for it. This is recorded, and every result says it.
    #[arg(long)]
    pub(crate) allow_unsigned: bool,
    /// Put it in the place of other files of the same version.
    #[arg(long)]
    pub(crate) replace: bool,
}

/// Remove an installed plugin.
#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// Its id; `id@version` where several versions are installed.
    pub(crate) package: String,
}

/// Write and sign the index of a folder of archives, for `install --from`.
///
/// A conformance report `<archive without .pfp>.report.json` beside an archive goes into the index with its level.
#[derive(Debug, Args)]
pub(crate) struct Index {
    /// The folder with the archives.
    pub(crate) folder: PathBuf,
    /// What the index is called: a domain name of yours backwards, for example org.example.plugins.
    #[arg(long)]
    pub(crate) name: String,
    /// How long it counts, for example 90d; sign it again before.
    #[arg(long, value_parser = duration)]
    pub(crate) expires_in: Duration,
    /// The secret key, as for `sign`.
    #[arg(long, short)]
    pub(crate) key: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Make a pair of keys: a secret one that signs, and a public one to give away.
    New {
        /// Whose they are, for example "Example Lab".
        #[arg(long)]
        name: String,
        /// The folder for both; your own folder of keys by default.
        #[arg(long, short)]
        output: Option<PathBuf>,
        /// Leave the secret key without a password: whoever has its file can sign.
        #[arg(long)]
        no_password: bool,
    },
    /// List your own keys.
    List,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Trust {
    /// Trust a public key, for plugins whose ids begin with certain words, or for an index.
    Add {
        /// The file with the public key.
        key: PathBuf,
        /// The beginning of ids that it may sign: `org.example` is for org.example.smooth, not for org.examples. Repeatable.
        #[arg(long = "for", value_name = "ID")]
        prefixes: Vec<IdPrefix>,
        /// The name of an index that it may sign. Repeatable.
        #[arg(long = "index", value_name = "NAME")]
        indexes: Vec<String>,
        /// What you call it; the file's name by default.
        #[arg(long)]
        name: Option<String>,
        /// How long it counts for what is installed, for example 365d.
        #[arg(long, value_parser = duration)]
        expires_in: Option<Duration>,
    },
    /// List the keys that you trust, and for what.
    List,
    /// Trust a key no more. Plugins that it signed are not loaded from then on.
    Remove {
        /// Its name or number.
        key: String,
    },
}

fn duration(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text).ok().filter(|duration| !duration.is_zero());
    duration.ok_or_else(|| "write a time, for example 90d or 12h".to_owned())
}

/// Allow a plugin's native code to run in the program's own process (`parfocal run --in-process`). It must be signed by a key that
/// you trust, and a report of the conformance suite must show level 3 for exactly this file.
#[derive(Debug, Args)]
pub(crate) struct Grant {
    /// The plugin's id, or `id@range`.
    pub(crate) plugin: String,
    /// The report: what `parfocal conform --profile full --report` wrote.
    #[arg(long)]
    pub(crate) report: PathBuf,
}

/// Take back every such allowance of a plugin.
#[derive(Debug, Args)]
pub(crate) struct Revoke {
    /// The plugin's id.
    pub(crate) plugin: String,
}
