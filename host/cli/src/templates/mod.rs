//! What `parfocal new` writes: files of text with `{{placeholders}}`.
//!
//! The texts are files beside this one, so that they look like what they become. `cargo xtask sdk` renders the Rust ones
//! too, for the example in the packed SDK.

use std::path::Path;

use parfocal_types::{Error, Result};

use crate::{args::Language, sdk::Sdk};

/// A file of a new plugin: its path in the folder, with placeholders too, and its text.
type Template = (&'static str, &'static str);

const RUST: &[Template] = &[
    ("Cargo.toml", include_str!("rust/Cargo.toml.in")),
    ("plugin.toml", include_str!("plugin.toml.in")),
    ("src/lib.rs", include_str!("rust/lib.rs.in")),
    ("tests/behaviour.rs", include_str!("rust/behaviour.rs.in")),
    ("README.md", include_str!("rust/README.md.in")),
    (".gitignore", include_str!("rust/gitignore")),
    ("LICENSE-APACHE", include_str!("../../../../LICENSE-APACHE")),
    ("LICENSE-MIT", include_str!("license-mit.in")),
];

const C: &[Template] = &[
    ("{{name}}.c", include_str!("c/operator.c.in")),
    ("plugin.toml", include_str!("plugin.toml.in")),
    ("Makefile", include_str!("c/Makefile.in")),
    ("README.md", include_str!("c/README.md.in")),
    (".gitignore", include_str!("c/gitignore")),
    ("LICENSE-APACHE", include_str!("../../../../LICENSE-APACHE")),
    ("LICENSE-MIT", include_str!("license-mit.in")),
];

const PYTHON: &[Template] = &[
    ("plugin.py", include_str!("python/plugin.py.in")),
    ("plugin.toml", include_str!("plugin.toml.in")),
    ("tests/__init__.py", ""),
    ("tests/test_plugin.py", include_str!("python/test_plugin.py.in")),
    ("README.md", include_str!("python/README.md.in")),
    (".gitignore", include_str!("python/gitignore")),
    ("LICENSE-APACHE", include_str!("../../../../LICENSE-APACHE")),
    ("LICENSE-MIT", include_str!("license-mit.in")),
];

/// What the placeholders stand for.
#[derive(Debug)]
pub(crate) struct Names {
    /// The operator, in kebab-case; also the package's name and the end of the plugin's id.
    pub(crate) name: String,
    /// The plugin.
    pub(crate) id: String,
    /// The operator's struct.
    structure: String,
    /// The name with `_` for `-`, as compilers want it.
    krate: String,
    /// The name as people write it.
    title: String,
}

/// Names of the template's source that a struct of this name would hide.
const TAKEN: &[&str] = &[
    "Behaviour",
    "Context",
    "MapOperator",
    "Operator",
    "ParfocalRegistry",
    "Pixel",
    "Result",
    "Subject",
    "View",
    "ViewMut",
];

impl Names {
    /// All names that follow from the operator's.
    pub(crate) fn new(name: &str) -> Self {
        let mut structure: String = name.split('-').map(capitalised).collect();
        if TAKEN.contains(&structure.as_str()) {
            structure.push_str("Operator");
        }
        Self {
            name: name.to_owned(),
            id: format!("org.example.{name}"),
            structure,
            krate: name.replace('-', "_"),
            title: capitalised(&name.replace('-', " ")),
        }
    }
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
}

/// The files of a new plugin: path in its folder, and text. `to` turns a path of the SDK into the one to write.
///
/// # Errors
/// `not-supported` when the path of the SDK cannot be written into a file of text.
pub(crate) fn render(
    language: Language,
    names: &Names,
    sdk: &Sdk,
    to: impl Fn(&Path) -> std::path::PathBuf,
) -> Result<Vec<(String, String)>> {
    let templates = match language {
        Language::Rust => RUST,
        Language::C => C,
        Language::Python => PYTHON,
    };
    let mut pairs = vec![
        ("{{name}}", names.name.clone()),
        ("{{id}}", names.id.clone()),
        ("{{struct}}", names.structure.clone()),
        ("{{crate}}", names.krate.clone()),
        ("{{title}}", names.title.clone()),
    ];
    for (placeholder, name) in
        [("{{sdk:plugin}}", "plugin"), ("{{sdk:image}}", "image"), ("{{sdk:operator}}", "operator")]
    {
        pairs.push((placeholder, toml_string(&to(&sdk.package(name)))?));
    }
    let schema = format!("#:schema {}\n", plain(&to(&sdk.schema()))?);
    pairs.push(("{{schema}}", schema));
    let fill = |text: &str| pairs.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
    Ok(templates.iter().map(|(path, text)| (fill(path), fill(text))).collect())
}

/// A path as text without control characters, `/` between its parts.
fn plain(path: &Path) -> Result<String> {
    let text = path.to_str().filter(|text| !text.chars().any(char::is_control)).ok_or_else(|| {
        Error::not_supported(format!("the path {} in a file of text", path.display()))
            .with_remedy("move the SDK to a folder whose path is plain Unicode text")
    })?;
    Ok(if cfg!(windows) { text.replace('\\', "/") } else { text.to_owned() })
}

fn toml_string(path: &Path) -> Result<String> {
    Ok(format!("\"{}\"", plain(path)?.replace('\\', "\\\\").replace('"', "\\\"")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_from_the_operators() {
        let names = Names::new("top-hat-3d");
        assert_eq!(names.structure, "TopHat3d");
        assert_eq!((names.krate.as_str(), names.title.as_str()), ("top_hat_3d", "Top hat 3d"));
        assert_eq!(Names::new("result").structure, "ResultOperator");
    }

    #[test]
    fn a_path_with_quotes_stays_one_toml_string() {
        let text = toml_string(Path::new(r#"a "b" \c"#)).unwrap();
        assert_eq!(text, r#""a \"b\" \\c""#);
        assert!(toml_string(Path::new("a\nb")).is_err());
    }
}
