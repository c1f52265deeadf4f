//! `parfocal plugins keys` and `parfocal plugins trust`.

use std::{fs, path::PathBuf, process::ExitCode};

use parfocal_trust::{KeyPair, PublicKey, Time, TrustStore, TrustedKey};
use parfocal_types::Result;
use serde::Serialize;

use crate::{
    args::trust::{Keys, Trust},
    folders::Folders,
    output::Output,
    package::cannot,
    trust,
};

#[derive(Debug, Serialize)]
struct OwnKey {
    name: String,
    key: String,
    secret: PathBuf,
    public: PathBuf,
}

pub(super) fn keys(output: &Output, folders: &Folders, command: &Keys) -> Result<ExitCode> {
    match command {
        Keys::New { name, output: folder, no_password } => {
            new(output, folders, name, folder.as_ref(), *no_password)
        }
        Keys::List => list_own(output, folders),
    }
}

fn new(
    output: &Output,
    folders: &Folders,
    name: &str,
    folder: Option<&PathBuf>,
    bare: bool,
) -> Result<ExitCode> {
    let folder = match folder {
        Some(folder) => folder.clone(),
        None => trust::keys_folder(folders)?,
    };
    fs::create_dir_all(&folder).map_err(|error| cannot("make", &folder, error))?;
    let stem = stem(name);
    let (secret, public) = (folder.join(format!("{stem}.key")), folder.join(format!("{stem}.pub")));
    let password = if bare { None } else { Some(trust::new_password()?) };
    let pair = KeyPair::generate(name, password.as_deref())?;
    pair.write(&public, &secret)?;
    output.text(format!("the key {} of {name} is ready", pair.public().id()));
    output.text(format!("  secret  {}  (keep it to yourself, and a copy in a safe place)", secret.display()));
    output.text(format!("  public  {}  (give it to whoever uses your plugins)", public.display()));
    let key = pair.public().id().to_string();
    output.document(&OwnKey { name: stem, key, secret, public })?;
    Ok(ExitCode::SUCCESS)
}

/// A file's name for a person or a lab: lower-case words joined by `-`.
fn stem(name: &str) -> String {
    let words: Vec<_> = name
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    if words.is_empty() { "key".to_owned() } else { words.join("-") }
}

fn list_own(output: &Output, folders: &Folders) -> Result<ExitCode> {
    let mut keys = Vec::new();
    for secret in trust::own_keys(folders)? {
        let public = secret.with_extension("pub");
        let key = PublicKey::from_file(&public)
            .map_or_else(|_| "its public half is missing".to_owned(), |key| key.id().to_string());
        let name = secret.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        output.text(format!("{name:20} {key:16}  {}", secret.display()));
        keys.push(OwnKey { name, key, secret, public });
    }
    if keys.is_empty() {
        output.text("you have no keys; `parfocal plugins keys new --name \"Your Lab\"` makes a pair");
    }
    output.document(&keys)?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn trust(output: &Output, folders: &Folders, command: &Trust) -> Result<ExitCode> {
    let mut store = TrustStore::open(&folders.state)?;
    match command {
        Trust::Add { key, prefixes, indexes, name, expires_in } => {
            let public = PublicKey::from_file(key)?;
            let stem = || key.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let now = Time::now();
            let key = TrustedKey {
                name: name.clone().unwrap_or_else(stem),
                public,
                prefixes: prefixes.clone(),
                indexes: indexes.clone(),
                added: now,
                expires: expires_in.map(|while_| now.plus(while_)).transpose()?,
            };
            store.add(key.clone())?;
            output.text(format!("trusted: {}", line(&key)));
            output.document(&key)?;
        }
        Trust::List => {
            for key in store.keys() {
                output.text(line(key));
            }
            if store.keys().is_empty() {
                output.text(
                    "you trust no key; `parfocal plugins trust add <file> --for <beginning of ids>` adds one",
                );
            }
            output.document(&store.keys())?;
        }
        Trust::Remove { key } => {
            let removed = store.remove(key)?;
            for key in &removed {
                output.text(format!("no longer trusted: {}", line(key)));
            }
            output.document(&removed)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn line(key: &TrustedKey) -> String {
    let mut what: Vec<_> = key.prefixes.iter().map(|prefix| format!("{prefix} and {prefix}.*")).collect();
    what.extend(key.indexes.iter().map(|index| format!("the index {index}")));
    let end = key.expires.map(|end| format!(", until {end}")).unwrap_or_default();
    format!("{} ({}), for {}{end}", key.name, key.public.id(), what.join(", "))
}
