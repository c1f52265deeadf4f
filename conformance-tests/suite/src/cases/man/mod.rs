//! MAN: the manifest and the files. Nothing is executed.

mod declared;
mod document;
mod files;
mod whole;

use crate::{
    case::{Case, Group, Scope},
    finding::Finding,
    scene::Scene,
    status::Level,
};

/// What the cases of the group have in common.
const MAN: Case = Case { group: Group::Man, level: Level::L0, scope: Scope::Package, ..Case::USUAL };

/// The cases of the group.
pub(super) fn cases() -> Vec<Case> {
    [document::CASES, files::CASES, declared::CASES, whole::CASES].concat()
}

/// The manifest as TOML, or the end of the case: nothing can be said about parts of what is no TOML.
fn table<'a>(scene: &Scene<'a>) -> Result<&'a toml::Table, Finding> {
    let unread = |why: &str| Finding::skip("the manifest is no TOML: see MAN-01").with("message", why);
    scene.subject().table().map_err(unread)
}

/// A text at a path of keys.
fn text<'a>(table: &'a toml::Table, path: &[&str]) -> Option<&'a str> {
    let (last, tables) = path.split_last()?;
    let inner = tables.iter().try_fold(table, |table, key| table.get(*key)?.as_table())?;
    inner.get(*last)?.as_str()
}

/// The tables of a list, `[[name]]`.
fn list<'a>(table: &'a toml::Table, name: &str) -> Vec<&'a toml::Table> {
    let items = table.get(name).and_then(toml::Value::as_array);
    items.into_iter().flatten().filter_map(toml::Value::as_table).collect()
}
