use parfocal_image::{PixelClass, Support, Supports};
use parfocal_manifest::{Interpreter, LaneKind, Manifest, PermissionKind, identity};
use parfocal_operator::{Kind, PortKind, ThreadSafety};
use parfocal_types::{InterfaceVersion, ParameterKind, ParameterValue, Unit};

use crate::{FULL, SOURCE};

#[test]
fn every_key_arrives_where_it_belongs() {
    let manifest = Manifest::parse(FULL).unwrap();
    assert_eq!(manifest.label(), "org.example.full 1.2.3-beta.1");
    assert_eq!(manifest.plugin.authors.len(), 2);
    assert_eq!(manifest.plugin.homepage.as_deref(), Some("https://example.org/full"));
    assert_eq!(manifest.limits.memory.map(|size| size.0), Some(512 << 20));
    assert_eq!(manifest.limits.call().map(|time| time.as_secs()), Some(30));
    assert!(manifest.isolation.own_process);
    assert_eq!(manifest.permissions[0].kind.phrase(), "read files in ~/calibration");
    assert!(matches!(manifest.permissions[1].kind, PermissionKind::Network { port: 443, .. }));
    assert!(manifest.models[0].version.matches(&"2.9.0".parse().unwrap()));

    let [native, wasm, program] = &manifest.artifacts[..] else { panic!("three artifacts") };
    assert_eq!((native.lane, wasm.lane, program.lane), (LaneKind::Native, LaneKind::Wasm, LaneKind::Program));
    assert_eq!((program.interpreter, &program.target), (Some(Interpreter::Python3), &None));
    assert_eq!(native.target.as_ref().map(|target| target.processor()), Some("x86_64"));
    assert_eq!(native.interfaces[1].version, InterfaceVersion::released(1));
    assert!(wasm.sha256.to_string().starts_with("e3b0c442"));

    let top_hat = manifest.operator("top-hat").unwrap();
    assert_eq!((top_hat.kind, top_hat.threads), (Kind::Map, ThreadSafety::Single));
    assert_eq!((top_hat.temporal_window, top_hat.max_halo), ([1, 2], [0, 0, 0, 65, 65]));
    let preserved = [Support::Localisation, Support::Counting, Support::RareEventSearch];
    let [image, cells] = &top_hat.outputs[..] else { panic!("two outputs") };
    assert_eq!((image.kind, image.yields, image.network), (PortKind::Image, PixelClass::Restored, true));
    assert_eq!(image.preserves, Supports::of(&preserved));
    assert_eq!((cells.kind, cells.yields, cells.network), (PortKind::Labels, PixelClass::Derived, false));
    assert_eq!(cells.preserves, Supports::NONE);
    let kinds: Vec<_> = top_hat.inputs.iter().map(|port| (port.kind, port.optional)).collect();
    assert_eq!(kinds, [(PortKind::Image, false), (PortKind::Labels, true)]);
    assert_eq!(top_hat.parameters[0].unit, Unit::Micrometer);
    assert_eq!(top_hat.parameters[0].default_value(), ParameterValue::Number(2.0));
    assert_eq!(top_hat.parameters[1].kind, ParameterKind::Integer { default: 1, min: -1, max: 9000 });
    assert_eq!(top_hat.parameters.len(), 5);
    let count = manifest.operator("count").unwrap();
    assert_eq!(
        (count.kind, count.threads, count.deterministic),
        (Kind::Reduce, ThreadSafety::Instance, false)
    );
    assert_eq!(count.inputs[0].kind, PortKind::Labels);
    let supports: Vec<_> = count.outputs.iter().map(|port| port.preserves).collect();
    assert_eq!(supports, [Supports::of(&[Support::Counting]), Supports::NONE], "each output has its own");
}

#[test]
fn the_source_of_a_plugin_needs_no_artifacts() {
    let manifest = Manifest::parse(SOURCE).unwrap();
    assert!(manifest.artifacts.is_empty() && manifest.operators.is_empty());
    assert_eq!(manifest.limits.memory, None);
}

#[test]
fn line_ends_and_a_byte_order_mark_of_other_systems_are_accepted() {
    let text = format!("\u{feff}{}", FULL.replace('\n', "\r\n"));
    assert_eq!(Manifest::from_bytes(text.as_bytes()).unwrap(), Manifest::parse(FULL).unwrap());
}

#[test]
fn a_broken_manifest_still_says_whose_it_is() {
    let broken = FULL.replace("lane = \"wasm\"", "lane = ");
    assert!(Manifest::parse(&broken).is_err());
    assert_eq!(identity(&broken).id.as_deref(), Some("org.example.full"));
    assert_eq!(identity(&broken).version.as_deref(), Some("1.2.3-beta.1"));
    assert_eq!(identity("[plugin]\nid = 7"), parfocal_manifest::Identity::default());
}
