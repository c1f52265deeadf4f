//! Reads a manifest: TOML text in, a valid [`Manifest`] or the first thing that is wrong out.
//!
//! The document is walked by hand instead of through serde, because serde loses the place of what it flattens and
//! because each field has a sentence and a remedy of its own.

mod cursor;
mod operator;
mod permission;
mod word;

use parfocal_operator::descriptor::{declared_twice, is_kebab};
use semver::{Version, VersionReq};
use toml::de::DeTable;

use crate::{
    MANIFEST_VERSION, MAX_BYTES,
    error::ManifestError,
    manifest::{ArtifactEntry, Interpreter, Isolation, LaneKind, Limits, Manifest, ModelNeed, PluginInfo},
    words::{ByteSize, InterfaceRef, Target},
};
use cursor::{Field, Keys};

type Read<T> = Result<T, ManifestError>;

impl Manifest {
    /// Reads a manifest.
    ///
    /// `[[artifact]]` and `[[operator]]` may be absent: the source of a plugin has none until `parfocal build` writes
    /// them.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place and what to do.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        let document = document(text)?;
        let root = Keys::root(text, &document);
        let version = root.required("manifest-version")?;
        check_version(&version)?;
        root.closed(&[
            "manifest-version",
            "plugin",
            "artifact",
            "operator",
            "permission",
            "limits",
            "isolation",
            "model",
        ])?;
        let manifest = Self {
            manifest_version: MANIFEST_VERSION,
            plugin: plugin(&root.required("plugin")?.table()?)?,
            artifacts: each(&root, "artifact", artifact)?,
            operators: each(&root, "operator", operator::read)?,
            permissions: each(&root, "permission", permission::read)?,
            limits: root.optional("limits").map_or(Ok(Limits::default()), |field| limits(&field.table()?))?,
            isolation: root
                .optional("isolation")
                .map_or(Ok(Isolation::default()), |field| isolation(&field.table()?))?,
            models: each(&root, "model", model)?,
        };
        unique(&root, "artifact", |index| {
            let entry = &manifest.artifacts[index];
            match &entry.target {
                Some(target) => format!("{} code for {target}", entry.lane),
                None => format!("{} code", entry.lane),
            }
        })?;
        if let (Some(index), Some(field)) = (declared_twice(&manifest.operators), root.optional("operator")) {
            let name = format!("the operator `{}`", manifest.operators[index].id);
            return Err(listed_twice(&field.tables()?[index], &name));
        }
        unique(&root, "permission", |index| manifest.permissions[index].kind.phrase())?;
        unique(&root, "model", |index| format!("the model `{}`", manifest.models[index].id))?;
        Ok(manifest)
    }

    /// Reads a manifest from the bytes of a file.
    ///
    /// # Errors
    /// As [`parse`](Self::parse); and when the bytes are too many or not UTF-8.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ManifestError> {
        Self::parse(text_of(bytes)?)
    }
}

/// Who a manifest is about, as far as it can be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identity {
    /// The id that it gives, valid or not.
    pub id: Option<String>,
    /// The version that it gives, valid or not.
    pub version: Option<String>,
}

/// Reads id and version from a manifest that may be wrong elsewhere, so that a refusal can name the plugin.
#[must_use]
pub fn identity(text: &str) -> Identity {
    let (document, _) = DeTable::parse_recoverable(&text[..floor(text, MAX_BYTES)]);
    let plugin = document.get_ref().get("plugin").and_then(|value| value.get_ref().as_table());
    let word = |key: &str| {
        let value = plugin?.get(key)?.get_ref().as_str()?;
        let plain = value.len() <= 128 && !value.chars().any(char::is_control);
        plain.then(|| value.to_owned())
    };
    Identity { id: word("id"), version: word("version") }
}

fn floor(text: &str, most: usize) -> usize {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    end
}

pub(crate) fn text_of(bytes: &[u8]) -> Read<&str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text),
        Err(error) => {
            let good = std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default();
            Err(ManifestError::at(
                good,
                good.len()..good.len(),
                "the manifest is not UTF-8 from here on",
                "save the file as UTF-8; if it was UTF-8 once, it is damaged: install the plugin again",
            ))
        }
    }
}

fn document(text: &str) -> Read<toml::Spanned<DeTable<'_>>> {
    if text.len() > MAX_BYTES {
        return Err(ManifestError::whole(
            format!("the manifest has {} bytes; more than {MAX_BYTES} are not read", text.len()),
            "a manifest holds descriptions, no data: move them into files of the package",
        ));
    }
    DeTable::parse(text).map_err(|error| {
        let message = format!("this is not TOML: {}", error.message().replace('\n', ", "));
        ManifestError::at(text, error.span().unwrap_or(0..0), message, "see https://toml.io for the syntax")
    })
}

fn check_version(field: &Field<'_>) -> Read<()> {
    match field.integer()? {
        version if version == i64::from(MANIFEST_VERSION) => Ok(()),
        version if version > i64::from(MANIFEST_VERSION) => Err(field
            .wrong(
                format!(
                    "the manifest is of version {version}, this Parfocal reads version {MANIFEST_VERSION}"
                ),
                "update Parfocal, or install an older version of the plugin",
            )
            .of_version(version, MANIFEST_VERSION)),
        version => Err(field.wrong(
            format!("there is no manifest version {version}"),
            format!("write `manifest-version = {MANIFEST_VERSION}`"),
        )),
    }
}

fn plugin(keys: &Keys<'_>) -> Read<PluginInfo> {
    keys.closed(&["id", "name", "version", "license", "description", "authors", "homepage"])?;
    let authors = keys.optional("authors").map_or(Ok(Vec::new()), |field| field.list())?;
    Ok(PluginInfo {
        id: keys.required("id")?.parse()?,
        name: keys.required("name")?.line()?.to_owned(),
        version: version(&keys.required("version")?)?,
        license: keys.required("license")?.parse()?,
        description: keys.required("description")?.line()?.to_owned(),
        authors: authors.iter().map(|author| Ok(author.line()?.to_owned())).collect::<Read<_>>()?,
        homepage: keys.optional("homepage").map(|field| homepage(&field)).transpose()?,
    })
}

fn version(field: &Field<'_>) -> Read<Version> {
    let text = field.line()?;
    Version::parse(text).map_err(|error| {
        field.wrong(
            format!("{} is `{text}`, which is not a semver: {error}", field.name()),
            "write three numbers, for example `0.1.0`, or `1.0.0-beta.2` before a release",
        )
    })
}

fn homepage(field: &Field<'_>) -> Read<String> {
    let text = field.line()?;
    let address = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    match address {
        Some(rest) if !rest.is_empty() && !rest.contains(char::is_whitespace) => Ok(text.to_owned()),
        _ => Err(field.wrong(
            format!("{} is `{text}`, which is not a web address", field.name()),
            "write it with `https://`, or leave it away",
        )),
    }
}

fn artifact(keys: &Keys<'_>) -> Read<ArtifactEntry> {
    keys.closed(&["lane", "target", "interpreter", "path", "sha256", "interfaces"])?;
    let lane_field = keys.required("lane")?;
    let lane: LaneKind = lane_field.word()?;
    let target = target(lane, &lane_field, keys.optional("target"))?;
    let interpreter = interpreter(lane, &lane_field, keys.optional("interpreter"))?;
    let path = keys.required("path")?.parse()?;
    let sha256 = keys.required("sha256")?.parse()?;
    let offered = keys.required("interfaces")?;
    let mut interfaces: Vec<InterfaceRef> = Vec::new();
    for field in offered.list()? {
        let interface = field.parse()?;
        if interfaces.contains(&interface) {
            return Err(field.wrong(format!("`{interface}` stands here twice"), "remove one"));
        }
        interfaces.push(interface);
    }
    if interfaces.is_empty() {
        return Err(offered.wrong(
            "the artifact speaks no interface",
            "name what it was built for, for example `interfaces = [\"operator/1-draft.2\"]`",
        ));
    }
    Ok(ArtifactEntry { lane, target, interpreter, path, sha256, interfaces })
}

fn target(lane: LaneKind, lane_field: &Field<'_>, field: Option<Field<'_>>) -> Read<Option<Target>> {
    match (lane, field) {
        (LaneKind::Native, Some(field)) => Ok(Some(field.parse()?)),
        (LaneKind::Native, None) => Err(lane_field.wrong(
            "native code is built for one system, and this artifact does not say which",
            "add `target`, for example `target = \"x86_64-unknown-linux-gnu\"`",
        )),
        (LaneKind::Wasm | LaneKind::Program, None) => Ok(None),
        (LaneKind::Wasm, Some(field)) => {
            Err(field.wrong("WASM code runs on every system and has no target", "remove `target`"))
        }
        (LaneKind::Program, Some(field)) => {
            Err(field
                .wrong("a program runs wherever its interpreter does and has no target", "remove `target`"))
        }
    }
}

fn interpreter(
    lane: LaneKind,
    lane_field: &Field<'_>,
    field: Option<Field<'_>>,
) -> Read<Option<Interpreter>> {
    match (lane, field) {
        (LaneKind::Program, Some(field)) => Ok(Some(field.word()?)),
        (LaneKind::Program, None) => Err(lane_field.wrong(
            "a program is run by an interpreter, and this artifact does not say which",
            "add `interpreter = \"python3\"`, the only one so far",
        )),
        (LaneKind::Native | LaneKind::Wasm, None) => Ok(None),
        (LaneKind::Native | LaneKind::Wasm, Some(field)) => {
            Err(field.wrong(format!("{lane} code has no interpreter"), "remove `interpreter`"))
        }
    }
}

fn limits(keys: &Keys<'_>) -> Read<Limits> {
    keys.closed(&["memory", "call-seconds"])?;
    let memory = keys.optional("memory").map(|field| {
        let size: ByteSize = field.parse()?;
        if (1 << 20..=1 << 40).contains(&size.0) {
            return Ok(size);
        }
        Err(field.wrong(
            format!("{} is {size}; it must lie between 1 MiB and 1 TiB", field.name()),
            "write what one instance needs, for example `512 MiB`",
        ))
    });
    let call_seconds = keys.optional("call-seconds").map(|field| {
        let seconds = field.number()?;
        if seconds > 0.0 && seconds <= 86_400.0 {
            return Ok(seconds);
        }
        Err(field.wrong(
            format!("{} is {seconds}; it must be more than 0 and at most 86400, a day", field.name()),
            "write how long one call may take, for example `call-seconds = 30`",
        ))
    });
    Ok(Limits { memory: memory.transpose()?, call_seconds: call_seconds.transpose()? })
}

fn isolation(keys: &Keys<'_>) -> Read<Isolation> {
    keys.closed(&["own-process"])?;
    match keys.optional("own-process") {
        Some(field) if !field.flag()? => Err(field.wrong(
            "a plugin can ask for more isolation, never for less",
            "remove the line: the host and its user decide",
        )),
        Some(_) => Ok(Isolation { own_process: true }),
        None => Ok(Isolation::default()),
    }
}

fn model(keys: &Keys<'_>) -> Read<ModelNeed> {
    keys.closed(&["id", "version"])?;
    let id = keys.required("id")?;
    let text = id.line()?;
    let part =
        |part: &str| part.split('.').all(|word| is_kebab(word) || word.bytes().all(|b| b.is_ascii_digit()));
    if text.len() > 128 || text.split(['.', '/']).any(str::is_empty) || !text.split('/').all(part) {
        return Err(id.wrong(
            format!("`{text}` is not a model id"),
            "write it as `parfocal models list` shows it, in lower case",
        ));
    }
    let range = keys.required("version")?;
    let wanted = range.line()?;
    let version = VersionReq::parse(wanted).map_err(|error| {
        range.wrong(
            format!("{} is `{wanted}`, which is not a range of versions: {error}", range.name()),
            "write for example `^1` or `>=1.2, <3`",
        )
    })?;
    Ok(ModelNeed { id: text.to_owned(), version })
}

/// Reads every table of an array of tables.
fn each<T>(root: &Keys<'_>, key: &'static str, read: impl Fn(&Keys<'_>) -> Read<T>) -> Read<Vec<T>> {
    match root.optional(key) {
        Some(field) => field.tables()?.iter().map(read).collect(),
        None => Ok(Vec::new()),
    }
}

/// Refuses the second table of an array that is called the same as an earlier one.
fn unique(root: &Keys<'_>, key: &'static str, name: impl Fn(usize) -> String) -> Read<()> {
    let Some(field) = root.optional(key) else { return Ok(()) };
    let mut seen = std::collections::BTreeSet::new();
    for (index, table) in field.tables()?.iter().enumerate() {
        let name = name(index);
        if !seen.insert(name.clone()) {
            return Err(listed_twice(table, &name));
        }
    }
    Ok(())
}

fn listed_twice(table: &Keys<'_>, name: &str) -> ManifestError {
    table.wrong(format!("the manifest lists {name} twice"), "remove or rename one")
}
