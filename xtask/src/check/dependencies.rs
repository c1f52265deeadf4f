//! Who may know whom: the directions of the house, and the homes of the heavy libraries.
//!
//! The rules are data, here and nowhere else. The directions count for every kind of dependency, tests included: an
//! operator that needs the host to test itself is no proof that a third party needs nothing but the SDK.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};

use super::Outcome;
use super::metadata::{Metadata, Node, Package};

/// What the crates of one top-level folder may depend on.
struct Direction {
    from: &'static str,
    to: &'static [&'static str],
    why: &'static str,
}

const DIRECTIONS: &[Direction] = &[
    Direction { from: "sdk", to: &["sdk"], why: "contracts have no host inside" },
    Direction { from: "plugins", to: &["sdk"], why: "a third party has nothing but the SDK either" },
    Direction {
        from: "hardware-adapters",
        to: &["sdk"],
        why: "a third party has nothing but the SDK either",
    },
    Direction { from: "host", to: &["sdk", "host"], why: "plugins are loaded by manifest, never linked" },
    Direction {
        from: "conformance-tests",
        to: &["sdk", "host", "conformance-tests"],
        why: "the suite loads plugins as everybody does",
    },
    Direction { from: "xtask", to: &[], why: "everything waits for it to compile" },
];

/// A dependency that the directions forbid, and that is wanted all the same.
struct Exception {
    from: &'static str,
    to: &'static str,
    #[allow(dead_code, reason = "read by whoever wonders why")]
    why: &'static str,
}

const EXCEPTIONS: &[Exception] = &[Exception {
    from: "host/cli",
    to: "conformance-tests/suite",
    why: "the program assembles the rooms: `parfocal conform` gives its lanes to the suite, which knows none of them",
}];

/// The doors to plugin code: each implements the traits of `host/core` and knows none of the others.
const LANES: &[&str] = &["host/native", "host/worker", "host/wasm", "host/models"];

/// A heavy library and the rooms that may use it.
struct Heavy {
    /// The package; a `*` at the end stands for any rest.
    library: &'static str,
    homes: &'static [&'static str],
    /// Packages that bring it along and are accepted everywhere.
    brought_by: &'static [&'static str],
}

const HEAVY: &[Heavy] = &[
    Heavy { library: "wasmtime*", homes: &["host/wasm"], brought_by: &[] },
    // The guest's macros assemble the component's type section with it, at compile time only.
    Heavy { library: "wit-component", homes: &["host/wasm"], brought_by: &["wit-bindgen*"] },
    Heavy { library: "libloading", homes: &["host/native"], brought_by: &["abi_stable"] },
    Heavy { library: "ort", homes: &["host/models"], brought_by: &[] },
    Heavy { library: "tract-*", homes: &["host/models"], brought_by: &[] },
    Heavy { library: "tiff", homes: &["host/io"], brought_by: &[] },
    Heavy { library: "zarrs*", homes: &["host/io"], brought_by: &[] },
    Heavy { library: "parquet", homes: &["host/io"], brought_by: &[] },
    Heavy { library: "burn*", homes: &["plugins/trainer"], brought_by: &[] },
];

/// Folders whose crates compile no heavy library at all, not even through others.
const LIGHT: &[&str] = &["sdk", "plugins", "hardware-adapters"];

/// Checks the workspace.
///
/// # Errors
/// When a rule is broken: each crate, what it depends on, and why it may not.
pub fn check(metadata: &Metadata) -> Result<Outcome> {
    let broken = violations(metadata);
    if !broken.is_empty() {
        bail!("{} against the house's directions:\n  {}", broken.len(), broken.join("\n  "));
    }
    Ok(Outcome::Ok(format!("{} crates", metadata.members().len())))
}

/// Every broken rule as a sentence, sorted by crate.
pub fn violations(metadata: &Metadata) -> Vec<String> {
    let mut broken = Vec::new();
    for member in metadata.members() {
        let Some(room) = metadata.room(member) else { continue };
        broken.extend(wrong_directions(metadata, member, &room));
        broken.extend(heavy_guests(member, &room));
        broken.extend(heavy_luggage(metadata, member, &room));
    }
    broken.extend(versions_of_the_host(metadata));
    broken
}

fn top(room: &str) -> &str {
    room.split('/').next().unwrap_or(room)
}

fn wrong_directions(metadata: &Metadata, member: &Package, room: &str) -> Vec<String> {
    let Some(direction) = DIRECTIONS.iter().find(|direction| direction.from == top(room)) else {
        return vec![format!("{} lies in {room}, which is no room of the house", member.name)];
    };
    let inside = member
        .dependencies
        .iter()
        .filter_map(|dependency| Some((dependency, metadata.folder_in_house(dependency.path.as_deref()?)?)));
    let mut broken = Vec::new();
    for (dependency, other) in inside {
        let who = format!("{} ({room}) depends on {} ({other})", member.name, dependency.name);
        let wanted = EXCEPTIONS.iter().any(|exception| exception.from == room && exception.to == other);
        if !direction.to.contains(&top(&other)) && other != room && !wanted {
            broken.push(format!("{who}: {}", direction.why));
        } else if LANES.contains(&room) && LANES.contains(&other.as_str()) && room != other {
            broken.push(format!("{who}: lanes do not know each other, they meet in host/core"));
        }
    }
    broken
}

fn heavy_guests(member: &Package, room: &str) -> Vec<String> {
    let mut broken = Vec::new();
    for dependency in &member.dependencies {
        let stranger =
            HEAVY.iter().find(|heavy| matches(heavy.library, &dependency.name) && !at_home(heavy, room));
        if let Some(heavy) = stranger {
            let homes = heavy.homes.join(", ");
            broken.push(format!(
                "{} ({room}) depends on {}, whose home is {homes}",
                member.name, dependency.name
            ));
        }
    }
    broken
}

/// Heavy libraries that a light crate compiles through others, with the one that brings each.
fn heavy_luggage(metadata: &Metadata, member: &Package, room: &str) -> Vec<String> {
    if !LIGHT.contains(&top(room)) {
        return Vec::new();
    }
    let packages = metadata.by_id();
    let nodes: BTreeMap<&str, &Node> =
        metadata.resolve.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
    let mut broken = BTreeSet::new();
    let mut seen = BTreeSet::from([member.id.as_str()]);
    let mut open = vec![member.id.as_str()];
    while let Some(id) = open.pop() {
        let (Some(node), Some(parent)) = (nodes.get(id), packages.get(id)) else { continue };
        for edge in node.deps.iter().filter(|edge| edge.is_built()) {
            let Some(package) = packages.get(edge.pkg.as_str()) else { continue };
            let heavy =
                HEAVY.iter().find(|heavy| matches(heavy.library, &package.name) && !at_home(heavy, room));
            let brought =
                |heavy: &Heavy| heavy.brought_by.iter().any(|pattern| matches(pattern, &parent.name));
            if heavy.is_some_and(|heavy| id != member.id && !brought(heavy)) {
                broken.insert(format!(
                    "{} ({room}) compiles {} through {}",
                    member.name, package.name, parent.name
                ));
            }
            if seen.insert(edge.pkg.as_str()) {
                open.push(edge.pkg.as_str());
            }
        }
    }
    broken.into_iter().collect()
}

/// Host crates share one version; contract crates carry their own.
fn versions_of_the_host(metadata: &Metadata) -> Option<String> {
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for member in metadata.members() {
        if metadata.room(member).is_some_and(|room| top(&room) == "host") {
            versions.entry(&member.version).or_default().push(&member.name);
        }
    }
    (versions.len() > 1).then(|| format!("host crates share one version, and these do not: {versions:?}"))
}

fn at_home(heavy: &Heavy, room: &str) -> bool {
    heavy.homes.iter().any(|home| room == *home || room.starts_with(&format!("{home}/")))
}

fn matches(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == name, |start| name.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::metadata::{Dependency, Edge, Kind};

    /// A graph from lines `room: dependency dependency`; a dependency with a `/` is a room, the others are foreign.
    /// Foreign packages get their own dependencies from lines that begin with `+`.
    fn graph(lines: &[&str]) -> Metadata {
        let mut metadata = Metadata { workspace_root: "/house".into(), ..Metadata::default() };
        for line in lines {
            let (name, dependencies) = line.split_once(':').unwrap();
            let foreign = name.strip_prefix('+');
            let id = foreign.unwrap_or(name);
            let dependencies: Vec<&str> = dependencies.split_whitespace().collect();
            let manifest = if foreign.is_some() { format!("/registry/{id}") } else { format!("/house/{id}") };
            if foreign.is_none() {
                metadata.workspace_members.insert(id.into());
            }
            metadata.packages.push(Package {
                id: id.into(),
                name: id.replace('/', "-"),
                version: "0.1.0".into(),
                manifest_path: format!("{manifest}/Cargo.toml").into(),
                dependencies: dependencies.iter().map(|name| dependency(name)).collect(),
                ..Package::default()
            });
            let deps = dependencies.iter().map(|name| edge(name)).collect();
            metadata.resolve.nodes.push(Node { id: id.into(), deps });
        }
        metadata
    }

    fn dependency(name: &str) -> Dependency {
        let path = name.contains('/').then(|| format!("/house/{name}").into());
        Dependency { name: name.replace('/', "-"), path }
    }

    fn edge(name: &str) -> Edge {
        Edge { pkg: name.into(), dep_kinds: vec![Kind::default()] }
    }

    #[test]
    fn a_house_in_order_is_accepted() {
        let house = graph(&[
            "sdk/types:",
            "sdk/plugin: sdk/types abi_stable wit-bindgen",
            "plugins/classical: sdk/plugin",
            "host/core: sdk/types",
            "host/wasm: host/core wasmtime",
            "host/native: host/core libloading",
            "host/cli: host/wasm host/native conformance-tests/suite",
            "conformance-tests/suite: host/core sdk/types",
            "xtask: clap",
            "+abi_stable: libloading",
            "+wit-bindgen: wit-bindgen-rust",
            "+wit-bindgen-rust: wit-component",
            "+wit-component:",
            "+libloading:",
            "+wasmtime:",
            "+clap:",
        ]);
        assert_eq!(violations(&house), Vec::<String>::new());
    }

    #[test]
    fn every_direction_against_the_house_is_refused() {
        for line in [
            "sdk/types: host/core",
            "sdk/types: plugins/classical",
            "plugins/classical: host/core",
            "plugins/classical: plugins/denoise",
            "hardware-adapters/asi-stage: host/acquisition",
            "host/cli: plugins/classical",
            "host/cli: conformance-tests/saboteurs",
            "host/core: conformance-tests/suite",
            "host/cli: hardware-adapters/asi-stage",
            "host/wasm: host/native",
            "host/models: host/wasm",
            "conformance-tests/suite: plugins/classical",
            "xtask: host/core",
            "attic/old: sdk/types",
        ] {
            let found = violations(&graph(&[line]));
            assert_eq!(found.len(), 1, "{line}: {found:?}");
        }
    }

    #[test]
    fn a_heavy_library_outside_its_home_is_refused() {
        for line in ["host/core: wasmtime", "host/cli: tiff", "host/wasm: ort", "plugins/denoise: burn-core"]
        {
            let found = violations(&graph(&[line]));
            assert_eq!(found.len(), 1, "{line}: {found:?}");
            assert!(found[0].contains("whose home is"), "{found:?}");
        }
        assert_eq!(violations(&graph(&["plugins/trainer: burn"])), Vec::<String>::new());
    }

    #[test]
    fn a_heavy_library_that_a_plugin_compiles_through_others_is_refused() {
        let found = violations(&graph(&["plugins/classical: handy", "+handy: tiff", "+tiff:"]));
        assert_eq!(found, ["plugins-classical (plugins/classical) compiles tiff through handy"]);
        assert_eq!(violations(&graph(&["host/cli: handy", "+handy: tiff", "+tiff:"])), Vec::<String>::new());
    }

    #[test]
    fn host_crates_with_two_versions_are_refused() {
        let mut house = graph(&["host/core:", "host/cli:", "sdk/types:"]);
        house.packages[1].version = "0.2.0".into();
        assert_eq!(violations(&house).len(), 1);
    }
}
