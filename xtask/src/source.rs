//! What a plugin of this repository is made from, as one digest: as the compiler reads it, so that a comment, a new line or a
//! test changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::check::metadata::Metadata;
use crate::plugins::{Kind, Plugin};
use crate::tools::digest::hex;

/// Folders of a crate that are no part of what it is when it is built for use.
const BESIDE: &[&str] = &["tests", "benches", "examples", "target", "__pycache__"];

/// Digests of plugins' sources.
pub struct Sources<'a> {
    root: &'a Path,
    metadata: Metadata,
    locked: BTreeMap<(String, String), String>,
}

#[derive(Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
    checksum: Option<String>,
}

impl<'a> Sources<'a> {
    /// Reads what cargo knows.
    ///
    /// # Errors
    /// When cargo cannot tell, or its lock file cannot be read.
    pub fn read(root: &'a Path) -> Result<Self> {
        let path = root.join("Cargo.lock");
        let text = fs::read_to_string(&path).with_context(|| format!("could not read {}", path.display()))?;
        let lock: Lock = toml::from_str(&text).context("could not understand Cargo.lock")?;
        let entry = |locked: Locked| ((locked.name, locked.version), locked.checksum.unwrap_or_default());
        Ok(Self {
            root,
            metadata: Metadata::read(root)?,
            locked: lock.package.into_iter().map(entry).collect(),
        })
    }

    /// The digest of everything that a plugin's code is made from: its folder, the SDK's crates, header or package that it uses,
    /// and the other people's packages, as the lock file names them.
    ///
    /// # Errors
    /// When a file cannot be read, or is no source.
    pub fn digest(&self, plugin: &Plugin) -> Result<String> {
        let mut folders = vec![self.root.join(plugin.folder)];
        let mut digest = Sha256::new();
        match plugin.kind {
            Kind::Rust { package } => {
                let (own, foreign) = self.parts(package)?;
                folders.extend(own);
                for line in foreign {
                    digest.update(line);
                }
            }
            Kind::C { .. } => folders.push(self.root.join("sdk/abi/include")),
            Kind::Python => folders.push(self.root.join("sdk/python/parfocal")),
        }
        folders.sort();
        folders.dedup();
        for folder in folders {
            for file in files(&folder)? {
                let name = file.strip_prefix(self.root).unwrap_or(&file).to_string_lossy().into_owned();
                let bytes = fs::read(&file).with_context(|| format!("could not read {}", file.display()))?;
                let bytes = match name.rsplit_once('.').map(|(_, ending)| ending) {
                    Some("rs") => rust(&name, &bytes)?.into_bytes(),
                    Some("c" | "h") => c(&String::from_utf8_lossy(&bytes)).into_bytes(),
                    _ => bytes,
                };
                digest.update(format!("{name} {}\n", bytes.len()));
                digest.update(bytes);
            }
        }
        Ok(hex(&digest.finalize()))
    }

    /// The folders of this repository that a package is built from, and a line for each package of other people.
    fn parts(&self, package: &str) -> Result<(Vec<PathBuf>, BTreeSet<String>)> {
        let packages = self.metadata.by_id();
        let nodes: BTreeMap<_, _> =
            self.metadata.resolve.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
        let start = self.metadata.members().into_iter().find(|member| member.name == package);
        let Some(start) = start else { bail!("there is no package {package} in this repository") };
        let (mut folders, mut lines) = (Vec::new(), BTreeSet::new());
        let (mut seen, mut open) = (BTreeSet::new(), vec![start.id.as_str()]);
        while let Some(id) = open.pop() {
            if !seen.insert(id) {
                continue;
            }
            let Some(package) = packages.get(id) else { continue };
            if package.source.is_none() {
                folders.extend(package.manifest_path.parent().map(Path::to_owned));
            } else {
                let key = (package.name.clone(), package.version.clone());
                let checksum = self.locked.get(&key).map_or("", String::as_str);
                lines.insert(format!("{} {} {checksum}\n", package.name, package.version));
            }
            let edges = nodes.get(id).map_or(&[][..], |node| node.deps.as_slice());
            open.extend(edges.iter().filter(|edge| edge.is_built()).map(|edge| edge.pkg.as_str()));
        }
        Ok((folders, lines))
    }
}

/// The files below a folder that belong to what is built, sorted.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries =
            fs::read_dir(&folder).with_context(|| format!("could not read {}", folder.display()))?;
        for entry in entries {
            let entry = entry?;
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            if path.is_dir() {
                if !BESIDE.contains(&name.as_str()) {
                    folders.push(path);
                }
            } else if !name.starts_with('.') && !name.starts_with("LICENSE") && !name.ends_with(".md") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Rust as the compiler reads it: without comments, documentation, layout and tests.
fn rust(name: &str, bytes: &[u8]) -> Result<String> {
    let text = std::str::from_utf8(bytes).with_context(|| format!("{name} is no text"))?;
    let stream: TokenStream = text.parse().map_err(|error| anyhow::anyhow!("{name} is no Rust: {error}"))?;
    let mut out = String::with_capacity(bytes.len());
    write(stream, &mut out);
    Ok(out)
}

/// C as the compiler reads it: without comments and layout; lines stay, which the preprocessor needs.
fn c(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let length = match next {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            '"' | '\'' => {
                let length = quoted(rest, next);
                code.push_str(&rest[..length]);
                rest = &rest[length..];
                continue;
            }
            other => {
                code.push(other);
                rest = &rest[other.len_utf8()..];
                continue;
            }
        };
        code.push(' ');
        rest = &rest[length..];
    }
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    code.lines().map(words).filter(|line| !line.is_empty()).map(|line| line + "\n").collect()
}

/// The length of a text in quotes at the beginning.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (place, next) in text.char_indices().skip(1) {
        match next {
            '\\' if !escaped => escaped = true,
            _ if next == quote && !escaped => return place + 1,
            _ => escaped = false,
        }
    }
    text.len()
}

fn write(stream: TokenStream, out: &mut String) {
    let mut tokens = stream.into_iter().peekable();
    while let Some(token) = tokens.next() {
        if matches!(&token, TokenTree::Punct(mark) if mark.as_char() == '#') {
            let inner =
                tokens.next_if(|next| matches!(next, TokenTree::Punct(mark) if mark.as_char() == '!'));
            if let Some(TokenTree::Group(attribute)) = tokens.peek() {
                let words = attribute.stream().to_string();
                if words.starts_with("doc ") || words.starts_with("doc=") {
                    tokens.next();
                    continue;
                }
                if words.replace(' ', "") == "cfg(test)" && inner.is_none() {
                    // The item that it is about.
                    tokens.by_ref().skip(1).find(ends_item);
                    continue;
                }
            }
            out.push('#');
            continue;
        }
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                out.push_str(open);
                write(group.stream(), out);
                out.push_str(close);
            }
            other => {
                let _ = write!(out, "{other} ");
            }
        }
    }
}

fn ends_item(token: &TokenTree) -> bool {
    match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Punct(mark) => mark.as_char() == ';',
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &str =
        "//! Crate.\n#![forbid(unsafe_code)]\n/// Adds.\npub fn add(a: u8, b: u8) -> u8 { a + b }\n";

    fn read(code: &str) -> String {
        rust("a.rs", code.as_bytes()).unwrap()
    }

    #[test]
    fn comments_documentation_layout_and_tests_change_nothing() {
        let same = "#![forbid(unsafe_code)]\n\n/* old */\npub fn add(a: u8, b: u8) -> u8 {\n  // why\n  a + b\n}\n\
                    #[cfg(test)]\nuse std::fs;\n#[cfg(test)]\nmod tests {\n  #[test]\n  fn adds() {}\n}\n";
        assert_eq!(read(CODE), read(same));
    }

    #[test]
    fn code_attributes_and_texts_change_it() {
        let others = [
            CODE.replace("a + b", "a - b"),
            CODE.replace("#![forbid(unsafe_code)]", ""),
            CODE.replace("pub fn", "#[inline] pub fn"),
            CODE.replace("a + b", "{ a + b }"),
            CODE.replace("a + b", "a + b + \"//\".len() as u8"),
            format!("{CODE} #[cfg(test)] mod tests {{}} fn more() {{}}"),
        ];
        for other in others {
            assert_ne!(read(CODE), read(&other), "{other}");
        }
    }

    #[test]
    fn comments_and_layout_of_c_change_nothing_and_texts_do() {
        let code = "#define A 1\n/* why\n */ int f(void) { return A; } // ever\nconst char *t = \"/* \\\" */\", q = '\"';\n";
        let same =
            "#define  A 1 /* one */\n\nint f(void) {\treturn A; }\nconst char *t = \"/* \\\" */\", q = '\"';";
        assert_eq!(c(code), c(same));
        assert_eq!(c(code).lines().count(), 3);
        for (from, to) in [("A 1", "A 2"), ("/* \\\"", "/* \\\"x"), ("return A;", "return A\n;")] {
            assert_ne!(c(code), c(&code.replace(from, to)), "{from}");
        }
    }

    #[test]
    fn files_beside_the_code_do_not_count() {
        let folder = std::env::temp_dir().join(format!("parfocal-source-{}", std::process::id()));
        for path in
            ["src/a.rs", "plugin.toml", "tests/it.rs", "README.md", "LICENSE-MIT", "wit/a.wit", ".gitignore"]
        {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let found: Vec<_> = files(&folder).unwrap();
        let names: Vec<_> =
            found.iter().map(|path| path.strip_prefix(&folder).unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["plugin.toml", "src/a.rs", "wit/a.wit"]);
        fs::remove_dir_all(folder).unwrap();
    }
}
