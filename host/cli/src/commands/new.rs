//! `parfocal new`.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use parfocal_operator::descriptor::is_kebab;
use parfocal_types::{Error, Result};
use serde::Serialize;

use crate::{
    archive,
    args::{Language, New},
    output::Output,
    package::cannot,
    sdk::{self, Sdk},
    templates::{self, Names},
};

/// A plugin that was written.
#[derive(Debug, Serialize)]
struct Written {
    operator: String,
    id: String,
    folder: PathBuf,
    files: Vec<String>,
    sdk: PathBuf,
    next: Vec<String>,
}

pub(crate) fn command(output: &Output, command: &New) -> Result<ExitCode> {
    let New::Operator { name, lang, folder, sdk } = command;
    check_name(name, *lang)?;
    let folder = folder.clone().unwrap_or_else(|| PathBuf::from(name));
    let names = Names::new(name);
    let absolute = std::path::absolute(&folder).map_err(|error| cannot("use", &folder, error))?;
    let parent = absolute.parent().unwrap_or(&absolute);
    let sdk = Sdk::find(sdk.as_deref(), parent)?;
    let files = write(&folder, *lang, &names, &sdk)?;
    let written = Written {
        operator: names.name.clone(),
        id: names.id.clone(),
        next: vec![
            format!("parfocal build {}", folder.display()),
            format!(
                "parfocal --plugins {} run {name} in.tif -o out.ome.tif",
                folder.join("target/parfocal").display()
            ),
        ],
        folder,
        files,
        sdk: sdk.folder().to_owned(),
    };
    show(output, &written);
    output.document(&written)?;
    Ok(ExitCode::SUCCESS)
}

fn show(output: &Output, written: &Written) {
    output.text(format!("{} is ready in {}", written.operator, written.folder.display()));
    output.text(format!("  {}", written.files.join(", ")));
    output.text(format!(
        "Its id is {}: change `org.example` to a domain of yours in plugin.toml before you give it away.",
        written.id
    ));
    output.text("Next:");
    for line in &written.next {
        output.text(format!("  {line}"));
    }
}

/// Words that Rust keeps for itself, and packages that every program has or that the new one depends on.
const RESERVED: &[&str] = &[
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "const",
    "continue",
    "core",
    "crate",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "proc-macro",
    "pub",
    "ref",
    "return",
    "self",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "where",
    "while",
    "yield",
];

fn check_name(name: &str, language: Language) -> Result<()> {
    if !is_kebab(name) {
        return Err(Error::invalid_argument(format!("`{name}` is not a name for an operator"))
            .with_remedy("write lower-case words joined by `-`, for example subtract-offset"));
    }
    if language == Language::Rust && (RESERVED.contains(&name) || name.starts_with("parfocal-")) {
        return Err(Error::invalid_argument(format!("a Rust package cannot be called `{name}`"))
            .with_remedy(format!("choose another name, for example {name}-image")));
    }
    Ok(())
}

/// Writes all files, or none.
fn write(folder: &Path, language: Language, names: &Names, sdk: &Sdk) -> Result<Vec<String>> {
    if let Some(parent) = folder.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs::create_dir_all(parent).map_err(|error| cannot("make", parent, error))?;
    }
    fs::create_dir(folder).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            Error::invalid_argument(format!("{} exists already", folder.display()))
                .with_remedy("name another folder with --folder, or remove it")
        }
        _ => cannot("make", folder, error),
    })?;
    fill(folder, language, names, sdk).inspect_err(|_| {
        // What is left behind after an error would only be in the way of the next try.
        let _ = fs::remove_dir_all(folder);
    })
}

fn fill(folder: &Path, language: Language, names: &Names, sdk: &Sdk) -> Result<Vec<String>> {
    let full = |path: &Path| path.canonicalize().map_err(|error| cannot("find", path, error));
    let (here, there) = (full(folder)?, full(sdk.folder())?);
    // A path that the user gave in full stays so, unless both lie together and will move together.
    let beside = there.parent().is_some_and(|parent| here.starts_with(parent));
    let in_full = sdk.folder().is_absolute() && !beside;
    let to = |path: &Path| {
        let path = there.join(path.strip_prefix(sdk.folder()).unwrap_or(path));
        if in_full { sdk::normal(&path) } else { sdk::relative(&here, &path) }
    };
    let mut files = templates::render(language, names, sdk, to)?;
    let copies = match language {
        Language::Rust => vec![(sdk.lock(), "Cargo.lock".to_owned())],
        Language::C => vec![(sdk.header(), "parfocal.h".to_owned())],
        Language::Python => archive::modules(&sdk.python(), "parfocal")?,
    };
    for (from, name) in copies {
        let text = fs::read_to_string(&from).map_err(|error| cannot("read", &from, error))?;
        files.push((name, text));
    }
    for (name, text) in &files {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(|error| cannot("make", parent, error))?;
        }
        fs::write(&path, text).map_err(|error| cannot("write", &path, error))?;
    }
    // The package is one thing to whoever reads the list.
    let shown = files.into_iter().map(|(name, _)| match name.split_once('/') {
        Some(("parfocal", _)) => "parfocal/".to_owned(),
        _ => name,
    });
    let mut shown: Vec<_> = shown.collect();
    shown.dedup();
    Ok(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_no_package_can_have_are_refused_with_advice() {
        for name in ["", "Top-Hat", "a_b", "fn", "parfocal-plugin", "test"] {
            let error = check_name(name, Language::Rust).unwrap_err();
            assert_eq!(error.kind().name(), "invalid-argument", "{name}");
            assert!(error.remedy().is_some(), "{name}");
        }
        check_name("subtract-offset", Language::Rust).unwrap();
        check_name("test", Language::C).unwrap();
    }
}
