//! Which processes there are.

use std::{collections::BTreeMap, fs, process};

/// All processes that descend from this one, children of children included, and those whose parent is gone but which run a
/// program that only workers run; with their names.
#[must_use]
pub fn left() -> BTreeMap<u32, String> {
    let all = all();
    let is_mine = |mut id: u32| {
        // A chain of parents is short; a cycle cannot be, but nothing here should hang.
        for _ in 0..64 {
            match all.get(&id) {
                Some((parent, _)) if *parent == process::id() => return true,
                Some((parent, _)) => id = *parent,
                None => return false,
            }
        }
        false
    };
    let orphan = |parent: u32, name: &str| parent == 1 && name.starts_with("parfocal-worke");
    all.iter()
        .filter(|(id, (parent, name))| is_mine(**id) || orphan(*parent, name))
        .map(|(id, (_, name))| (*id, name.clone()))
        .collect()
}

/// Parent and name of every process.
fn all() -> BTreeMap<u32, (u32, String)> {
    let Ok(entries) = fs::read_dir("/proc") else { return BTreeMap::new() };
    let ids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    ids.filter_map(|id: u32| Some((id, parse(&fs::read_to_string(format!("/proc/{id}/stat")).ok()?)?)))
        .collect()
}

/// From `/proc/<id>/stat`: `id (name) state parent ...`; a name may have brackets and spaces.
fn parse(stat: &str) -> Option<(u32, String)> {
    let (from, to) = (stat.find('(')?, stat.rfind(')')?);
    let parent = stat.get(to + 1..)?.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some((parent, stat.get(from + 1..to)?.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_is_seen_until_it_is_gone() {
        let mut child = process::Command::new("sleep").arg("60").spawn().unwrap();
        assert_eq!(left().get(&child.id()).map(String::as_str), Some("sleep"));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!left().contains_key(&child.id()));
    }

    #[test]
    fn names_with_brackets_are_read() {
        assert_eq!(parse("7 (a) b (c) S 3 0"), Some((3, "a) b (c".into())));
        assert_eq!(parse("nonsense"), None);
    }
}
