//! What surrounds other programs, and is not there for a component.

use std::{collections::BTreeSet, time::Duration};

use parfocal_core::Limits;
use wit_parser::{Resolve, WorldItem};

use crate::support::load;

const LIMITS: Limits = Limits { memory: 64 << 20, call: Duration::from_millis(200) };

/// A component that asks for an interface, and would run for ever if it ever ran.
fn asking_for(import: &str) -> Vec<u8> {
    let text = format!(
        r#"(component
            (import "{import}" (instance))
            (core module $code (func $go (loop $ever (br $ever))) (start $go))
            (core instance (instantiate $code)))"#
    );
    wat::parse_str(text).unwrap()
}

#[test]
fn what_surrounds_other_programs_is_refused_by_name_before_anything_runs() {
    const INTERFACES: [&str; 24] = [
        "wasi:filesystem/types",
        "wasi:filesystem/preopens",
        "wasi:cli/environment",
        "wasi:cli/exit",
        "wasi:cli/run",
        "wasi:cli/stdin",
        "wasi:cli/stdout",
        "wasi:cli/stderr",
        "wasi:cli/terminal-output",
        "wasi:clocks/monotonic-clock",
        "wasi:clocks/wall-clock",
        "wasi:random/random",
        "wasi:random/insecure-seed",
        "wasi:sockets/network",
        "wasi:sockets/instance-network",
        "wasi:sockets/tcp",
        "wasi:sockets/tcp-create-socket",
        "wasi:sockets/udp",
        "wasi:sockets/ip-name-lookup",
        "wasi:http/types",
        "wasi:http/outgoing-handler",
        "wasi:io/streams",
        "wasi:io/poll",
        "wasi:keyvalue/store",
    ];
    for interface in INTERFACES {
        for version in ["0.2.0", "0.2.6", "0.3.0"] {
            let import = format!("{interface}@{version}");
            let error = load(&asking_for(&import), LIMITS).err().unwrap();
            assert_eq!(error.kind().name(), "not-supported", "{error}");
            assert!(error.to_string().contains(&format!("it asks the host for `{import}`")), "{error}");
            assert!(error.remedy().is_some(), "{error}");
        }
    }
}

#[test]
fn no_other_kind_of_import_is_taken_either() {
    let refused = |text: &str| {
        // A text that is no component at all is refused a step earlier.
        let bytes = wat::parse_str(text).unwrap();
        let error = load(&bytes, LIMITS).err().unwrap();
        assert!(["not-supported", "corrupt"].contains(&error.kind().name()), "{text}: {error}");
        error.to_string()
    };
    for name in ["system", "exec", "open", "socket", "ptrace", "kill", "mmap"] {
        let said = refused(&format!(r#"(component (import "{name}" (func (param "n" u32) (result u32))))"#));
        assert!(said.contains(&format!("it asks the host for `{name}`")), "{said}");
    }
    // Whole components and modules, from the network too.
    for name in [
        "url=<https://example.org/more.wasm>",
        "unlocked-dep=<example:more/code>",
        "locked-dep=<example:more/code@1.0.0>",
        "more",
    ] {
        refused(&format!(r#"(component (import "{name}" (component)))"#));
        refused(&format!(r#"(component (import "{name}" (core module)))"#));
    }
    // A core module that wants Linux: as a component it must be given its imports, and there is nobody to give them.
    let module = r#"(component
        (core module $code (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32))))
        (core instance (instantiate $code)))"#;
    let said = wat::parse_str(module).map(|bytes| load(&bytes, LIMITS).err().unwrap().to_string());
    assert!(said.unwrap_or_else(|error| error.to_string()).contains("wasi_snapshot_preview1"));
}

#[test]
fn these_functions_are_all_that_a_component_can_be_given() {
    let mut resolve = Resolve::default();
    let mut files = wit_parser::SourceMap::default();
    for (name, text) in parfocal_wit::OPERATOR_1_DRAFT {
        files.push_str(name, text);
    }
    let package = resolve.push_group(files.parse().map_err(|(_, error)| error).unwrap()).unwrap();
    let world = resolve.select_world(&[package], Some(parfocal_wit::WORLD)).unwrap();
    let mut functions = BTreeSet::new();
    for item in resolve.worlds[world].imports.values() {
        let WorldItem::Interface { id, .. } = item else { panic!("the world imports more than interfaces") };
        let interface = &resolve.interfaces[*id];
        let name = interface.name.as_deref().unwrap();
        functions.extend(interface.functions.keys().map(|function| format!("{name}.{function}")));
    }
    let known = [
        "services.is-cancelled",
        "services.log",
        "services.progress",
        "services.seed",
        "sink.add-field",
        "sink.add-rows",
        "sink.declare-columns",
        "sink.put-pixels",
    ];
    assert_eq!(
        functions,
        known.map(String::from).into(),
        "a new word of the contract needs a probe of its own"
    );
}

#[test]
fn a_word_that_the_contract_does_not_have_is_not_linked() {
    let version = parfocal_wit::package_version(parfocal_operator::VERSION);
    for (interface, function) in [("services", "open-file"), ("sink", "send"), ("types", "spawn")] {
        let text = format!(
            r#"(component
                (import "parfocal:operator/{interface}@{version}"
                    (instance (export "{function}" (func (param "name" string) (result u32)))))
                (instance $none) (export "parfocal:operator/operator@{version}" (instance $none)))"#
        );
        let error = load(&wat::parse_str(text).unwrap(), LIMITS).err().unwrap();
        assert_eq!(error.kind().name(), "incompatible", "{error}");
        assert!(error.to_string().contains(function), "{error}");
    }
}
