//! The catalog with what the user trusts.

use std::path::{Path, PathBuf};

use parfocal_catalog::{Catalog, HostSupport, Package, Rejection, RejectionCode, Vouch};
use parfocal_core::Artifact;
use parfocal_trust::{Installation, Limits, SecretKey, Time, Trust, Verdict};
use parfocal_types::{Error, ErrorKind, Result};

use crate::folders::Folders;

/// The password of a secret key, for programs that sign.
const PASSWORD: &str = "PARFOCAL_KEY_PASSWORD";

/// Searches the plugin folders, and refuses what was changed or what nobody vouches for.
///
/// # Errors
/// `corrupt` when the trust store cannot be read.
pub(crate) fn scan(folders: &Folders, support: &HostSupport) -> Result<Catalog> {
    let trust = open(folders)?;
    let judge = |package: &Package| vouch(&trust, package);
    Ok(Catalog::scan_judged(&folders.plugins, support, &folders.state, &judge))
}

pub(crate) fn open(folders: &Folders) -> Result<Trust> {
    Trust::open(&folders.state, folders.installed.as_deref(), Time::now())
}

/// Where the user's own plugins are installed.
pub(crate) fn installation(folders: &Folders) -> Result<Installation> {
    Ok(Installation::new(home(folders.installed.as_deref())?, &folders.state, Limits::default()))
}

fn home(folder: Option<&Path>) -> Result<&Path> {
    folder.ok_or_else(|| {
        Error::not_found("you have no home folder").with_remedy("set XDG_DATA_HOME to a folder of yours")
    })
}

/// The package that a file belongs to, and what is known now of who made it.
///
/// # Errors
/// `internal` when the file is of no plugin in the catalog.
pub(crate) fn verdict<'c>(
    trust: &Trust,
    catalog: &'c Catalog,
    artifact: &Artifact,
) -> Result<(&'c Package, Verdict)> {
    let package = catalog.plugins().iter().find(|package| artifact.path.starts_with(&package.folder));
    let package = package.ok_or_else(|| Error::internal("a plugin that was picked is nowhere"))?;
    Ok((package, trust.of_read(&package.folder, package.text.as_bytes())))
}

fn vouch(trust: &Trust, package: &Package) -> Vouch {
    let verdict = trust.of_read(&package.folder, package.text.as_bytes());
    if verdict.may_load() {
        return Vouch::Accepted(verdict.to_string());
    }
    let code = match verdict {
        Verdict::Broken { .. } => RejectionCode::Tampered,
        _ => RejectionCode::Untrusted,
    };
    let sentence = verdict.to_string();
    let label = package.label();
    let message = if sentence.contains(&label) { sentence } else { format!("{label}: {sentence}") };
    Vouch::Refused(Rejection::new(code, message, verdict.remedy().unwrap_or_default()))
}

/// The user's own keys: `<name>.key` and `<name>.pub`.
pub(crate) fn keys_folder(folders: &Folders) -> Result<PathBuf> {
    home(folders.keys.as_deref()).map(Path::to_owned)
}

/// Finds a secret key by file or name, or the only one there is, and opens it.
pub(crate) fn secret_key(folders: &Folders, named: Option<&Path>) -> Result<SecretKey> {
    let path = match named {
        Some(path) if path.is_file() => path.to_owned(),
        Some(name) => {
            // By the file's name, with or without its ending.
            let file = name.display().to_string();
            let own =
                keys_folder(folders)?.join(format!("{}.key", file.strip_suffix(".key").unwrap_or(&file)));
            if !own.is_file() {
                let message =
                    format!("there is no secret key {} and none in {}", name.display(), own.display());
                return Err(Error::not_found(message)
                    .with_remedy("`parfocal plugins keys list` shows yours, `keys new` makes one"));
            }
            own
        }
        None => only_key(folders)?,
    };
    let password = match SecretKey::is_encrypted(&path)? {
        true => Some(password(&format!("Password of {}: ", path.display()))?),
        false => None,
    };
    SecretKey::from_file(&path, password.as_deref())
}

/// The secret keys in the user's folder, sorted.
pub(crate) fn own_keys(folders: &Folders) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(keys_folder(folders)?).into_iter().flatten().flatten();
    let mut keys: Vec<_> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "key"))
        .collect();
    keys.sort();
    Ok(keys)
}

fn only_key(folders: &Folders) -> Result<PathBuf> {
    let mut keys = own_keys(folders)?;
    match (keys.pop(), keys.is_empty()) {
        (Some(key), true) => Ok(key),
        (None, _) => Err(Error::not_found("you have no key to sign with")
            .with_remedy("`parfocal plugins keys new --name \"Your Lab\"` makes one")),
        (Some(_), false) => Err(Error::invalid_argument("you have several keys to sign with")
            .with_remedy("name one with --key; `parfocal plugins keys list` shows them")),
    }
}

/// The password from the environment, or from the terminal.
pub(crate) fn password(prompt: &str) -> Result<String> {
    if let Ok(password) = std::env::var(PASSWORD) {
        return Ok(password);
    }
    rpassword::prompt_password(prompt).map_err(|error| {
        let kind = ErrorKind::PermissionDenied { permission: "use the key".into() };
        Error::new(kind, "there is no terminal to ask for the password")
            .with_source(error)
            .with_remedy(format!("put it into ${PASSWORD}"))
    })
}

/// A new password: from the environment, or twice from the terminal.
pub(crate) fn new_password() -> Result<String> {
    let first = password("Password for the new key: ")?;
    let wrong = |why: &str| Err(Error::invalid_argument(why).with_remedy("try again, or give --no-password"));
    if first.is_empty() {
        return wrong("an empty password protects nothing");
    }
    if std::env::var_os(PASSWORD).is_none() && password("The same again: ")? != first {
        return wrong("the two passwords differ");
    }
    Ok(first)
}
