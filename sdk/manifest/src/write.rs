//! Writes manifests: in a fixed order, for people to read.

use parfocal_operator::{Descriptor, InputPort, OutputPort};
use parfocal_types::{ParameterKind, ParameterSpec, Unit};
use serde::Serialize;
use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, value};

use crate::{
    error::ManifestError,
    manifest::{ArtifactEntry, Manifest},
    permission::{Permission, PermissionKind},
    read::text_of,
};

impl Manifest {
    /// The manifest as TOML. Reading it again gives an equal manifest.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let mut document = DocumentMut::new();
        document["manifest-version"] = value(i64::from(self.manifest_version));
        document["plugin"] = Item::Table(self.plugin_table());
        let mut limits = Table::new();
        if let Some(memory) = self.limits.memory {
            limits["memory"] = value(memory.to_string());
        }
        if let Some(seconds) = self.limits.call_seconds {
            limits["call-seconds"] = value(seconds);
        }
        insert(&mut document, "limits", limits);
        let mut isolation = Table::new();
        if self.isolation.own_process {
            isolation["own-process"] = value(true);
        }
        insert(&mut document, "isolation", isolation);
        insert_all(&mut document, "permission", &self.permissions, permission);
        insert_all(&mut document, "model", &self.models, |model| {
            let mut table = Table::new();
            table["id"] = value(&model.id);
            table["version"] = value(model.version.to_string());
            table
        });
        insert_all(&mut document, "artifact", &self.artifacts, artifact);
        insert_all(&mut document, "operator", &self.operators, operator);
        document.to_string()
    }

    /// Puts this manifest's artifacts and operators into the text of one that people wrote, and leaves everything else of
    /// that text as it is, with its comments and the keys of vendors.
    ///
    /// # Errors
    /// When `text` is not TOML, or when the result would not be a valid manifest.
    pub fn update_toml(&self, text: &str) -> Result<String, ManifestError> {
        let mut document: DocumentMut =
            text_of(text.as_bytes())?.parse().map_err(|error: toml_edit::TomlError| {
                let message = format!("this is not TOML: {}", error.message());
                ManifestError::at(
                    text,
                    error.span().unwrap_or(0..0),
                    message,
                    "see https://toml.io for the syntax",
                )
            })?;
        document.remove("artifact");
        document.remove("operator");
        insert_all(&mut document, "artifact", &self.artifacts, artifact);
        insert_all(&mut document, "operator", &self.operators, operator);
        let text = document.to_string();
        Self::parse(&text)?;
        Ok(text)
    }

    fn plugin_table(&self) -> Table {
        let plugin = &self.plugin;
        let mut table = Table::new();
        table["id"] = value(plugin.id.as_str());
        table["name"] = value(&plugin.name);
        table["version"] = value(plugin.version.to_string());
        table["license"] = value(plugin.license.as_str());
        table["description"] = value(&plugin.description);
        if !plugin.authors.is_empty() {
            table["authors"] = value(plugin.authors.iter().collect::<Array>());
        }
        if let Some(homepage) = &plugin.homepage {
            table["homepage"] = value(homepage);
        }
        table
    }
}

fn insert(document: &mut DocumentMut, key: &str, table: Table) {
    if !table.is_empty() {
        document[key] = Item::Table(table);
    }
}

fn insert_all<T>(document: &mut DocumentMut, key: &str, items: &[T], write: impl Fn(&T) -> Table) {
    if !items.is_empty() {
        document[key] = all(items, write);
    }
}

fn all<T>(items: &[T], write: impl Fn(&T) -> Table) -> Item {
    let mut tables = ArrayOfTables::new();
    items.iter().for_each(|item| tables.push(write(item)));
    Item::ArrayOfTables(tables)
}

fn permission(permission: &Permission) -> Table {
    let mut table = Table::new();
    match &permission.kind {
        PermissionKind::Files { path, access } => {
            table["kind"] = value("files");
            table["path"] = value(path);
            table["access"] = word(access);
        }
        PermissionKind::Network { host, port } => {
            table["kind"] = value("network");
            table["host"] = value(host);
            table["port"] = value(i64::from(*port));
        }
        PermissionKind::Serial { port } => {
            table["kind"] = value("serial");
            table["port"] = value(port);
        }
    }
    table["reason"] = value(&permission.reason);
    table
}

fn artifact(artifact: &ArtifactEntry) -> Table {
    let mut table = Table::new();
    table["lane"] = value(artifact.lane.name());
    if let Some(target) = &artifact.target {
        table["target"] = value(target.as_str());
    }
    if let Some(interpreter) = artifact.interpreter {
        table["interpreter"] = value(interpreter.name());
    }
    table["path"] = value(artifact.path.as_str());
    table["sha256"] = value(artifact.sha256.to_string());
    table["interfaces"] = value(artifact.interfaces.iter().map(ToString::to_string).collect::<Array>());
    table
}

fn operator(operator: &Descriptor) -> Table {
    let mut table = Table::new();
    table["id"] = value(&operator.id);
    table["summary"] = value(&operator.summary);
    table["kind"] = word(&operator.kind);
    table["threads"] = word(&operator.threads);
    table["deterministic"] = value(operator.deterministic);
    table["temporal-window"] = numbers(&operator.temporal_window);
    table["max-halo"] = numbers(&operator.max_halo);
    let lists = [
        ("input", all(&operator.inputs, input)),
        ("output", all(&operator.outputs, output)),
        ("parameter", all(&operator.parameters, parameter)),
    ];
    for (key, tables) in lists {
        if tables.as_array_of_tables().is_some_and(|tables| !tables.is_empty()) {
            table[key] = tables;
        }
    }
    table
}

fn input(port: &InputPort) -> Table {
    let mut table = Table::new();
    table["name"] = value(&port.name);
    table["kind"] = word(&port.kind);
    table["dtypes"] = value(port.dtypes.iter().map(|dtype| dtype.name()).collect::<Array>());
    if port.optional {
        table["optional"] = value(true);
    }
    table
}

fn output(port: &OutputPort) -> Table {
    let mut table = Table::new();
    table["name"] = value(&port.name);
    table["kind"] = word(&port.kind);
    table["yields"] = word(&port.yields);
    table["preserves"] = value(port.preserves.iter().map(|support| support.name()).collect::<Array>());
    if port.network {
        table["network"] = value(true);
    }
    table
}

fn parameter(spec: &ParameterSpec) -> Table {
    let mut table = Table::new();
    table["name"] = value(&spec.name);
    table["doc"] = value(&spec.doc);
    table["role"] = word(&spec.role);
    if spec.unit != Unit::None {
        table["unit"] = word(&spec.unit);
    }
    let kind = match &spec.kind {
        ParameterKind::Flag { default } => {
            table["default"] = value(*default);
            "flag"
        }
        ParameterKind::Integer { default, min, max } => {
            table["default"] = value(*default);
            table["min"] = value(*min);
            table["max"] = value(*max);
            "integer"
        }
        ParameterKind::Number { default, min, max } => {
            table["default"] = value(*default);
            table["min"] = value(*min);
            table["max"] = value(*max);
            "number"
        }
        ParameterKind::Choice { default, options } => {
            table["default"] = value(default);
            table["options"] = value(options.iter().collect::<Array>());
            "choice"
        }
        ParameterKind::Text { default } => {
            table["default"] = value(default);
            "text"
        }
    };
    table["type"] = value(kind);
    table
}

fn numbers(numbers: &[u32]) -> Item {
    value(numbers.iter().map(|number| i64::from(*number)).collect::<Array>())
}

/// A value of a closed list by the name that its own `Serialize` gives it.
fn word(of_list: &impl Serialize) -> Item {
    let name = serde_json::to_value(of_list).ok();
    value(name.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default())
}
