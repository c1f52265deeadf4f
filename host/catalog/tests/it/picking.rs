use std::fs;

use parfocal_catalog::{Catalog, LaneOrder, OperatorRef, Selection};
use parfocal_manifest::LaneKind;
use parfocal_types::Error;

use crate::support::{Bench, Plugin};

fn pick(catalog: &Catalog, wanted: &str) -> Result<Selection, Error> {
    catalog.pick(&OperatorRef::parse(wanted)?, &LaneOrder::default())
}

fn version(catalog: &Catalog, wanted: &str) -> String {
    pick(catalog, wanted).unwrap().artifact.version.to_string()
}

fn several_versions() -> Bench {
    let bench = Bench::new();
    for version in ["1.0.0", "1.2.0", "1.10.0", "2.0.0-beta.1"] {
        bench.put_wasm(version, &Plugin { version, ..Plugin::default() });
    }
    bench
}

#[test]
fn the_newest_version_in_the_range_is_picked() {
    let catalog = several_versions().scan();
    for (wanted, expected) in [
        ("smooth", "1.10.0"),
        ("smooth@^1", "1.10.0"),
        ("smooth@<1.10", "1.2.0"),
        ("smooth@=1.0.0", "1.0.0"),
        ("org.example.filters/smooth@~1.2", "1.2.0"),
        ("smooth@=2.0.0-beta.1", "2.0.0-beta.1"),
        ("smooth@>=1, <1.5", "1.2.0"),
    ] {
        assert_eq!(version(&catalog, wanted), expected, "{wanted}");
    }
}

#[test]
fn a_range_without_a_version_lists_what_is_there() {
    let bench = several_versions();
    let error = pick(&bench.scan(), "smooth@^3").unwrap_err();
    assert_eq!(error.kind().name(), "not-found");
    assert!(error.message().contains("there is 1.0.0, 1.2.0, 1.10.0, 2.0.0-beta.1"), "{error}");
    let error = pick(&bench.scan(), "smooth@^2").unwrap_err();
    assert!(error.remedy().unwrap().contains("smooth@=2.0.0-beta.1"), "{:?}", error.remedy());
}

#[test]
fn native_comes_before_wasm_unless_told_otherwise() {
    let bench = Bench::new();
    bench.put_both("a", &Plugin::default());
    let catalog = bench.scan();
    let wanted = OperatorRef::parse("smooth").unwrap();
    let selection = catalog.pick(&wanted, &LaneOrder::default()).unwrap();
    assert_eq!((selection.lane, selection.descriptor.id.as_str()), (LaneKind::Native, "smooth"));
    assert!(selection.passed_over.is_empty());
    let selection = catalog.pick(&wanted, &LaneOrder::only(LaneKind::Wasm)).unwrap();
    assert_eq!(selection.lane, LaneKind::Wasm);
    assert!(selection.artifact.path.ends_with("plugin.wasm"));
    assert!(selection.passed_over.is_empty());
}

#[test]
fn a_lane_that_a_plugin_does_not_have_is_named() {
    let bench = Bench::new();
    bench.put_wasm("a", &Plugin::default());
    let wanted = OperatorRef::parse("smooth").unwrap();
    let error = bench.scan().pick(&wanted, &LaneOrder::only(LaneKind::Native)).unwrap_err();
    assert!(error.message().contains("without native code: org.example.filters 1.0.0"), "{error}");
}

#[test]
fn a_newer_version_that_cannot_be_used_is_passed_over_and_told() {
    let bench = several_versions();
    fs::write(bench.plugins().join("1.10.0/plugin.wasm"), b"junk").unwrap();
    let selection = pick(&bench.scan(), "smooth").unwrap();
    assert_eq!(selection.artifact.version.to_string(), "1.2.0");
    let [passed] = &selection.passed_over[..] else { panic!("{:?}", selection.passed_over) };
    assert!(passed.contains("org.example.filters 1.10.0") && passed.contains("is not the file"), "{passed}");
}

#[test]
fn a_library_that_cannot_be_used_falls_back_to_wasm_and_is_told() {
    let bench = Bench::new();
    let folder = bench.put_both("a", &Plugin::default());
    fs::write(folder.join("libplugin.so"), b"junk").unwrap();
    let selection = pick(&bench.scan(), "smooth").unwrap();
    assert_eq!(selection.lane, LaneKind::Wasm);
    assert!(selection.passed_over[0].contains("libplugin.so is not the file"), "{:?}", selection.passed_over);
}

#[test]
fn when_nothing_can_be_used_every_reason_is_given() {
    let bench = several_versions();
    for version in ["1.0.0", "1.2.0", "1.10.0"] {
        fs::write(bench.plugins().join(version).join("plugin.wasm"), b"junk").unwrap();
    }
    let error = pick(&bench.scan(), "smooth").unwrap_err();
    assert_eq!(error.kind().name(), "incompatible");
    for version in ["1.0.0", "1.2.0", "1.10.0"] {
        assert!(error.message().contains(&format!("org.example.filters {version}")), "{error}");
    }
    assert!(error.remedy().unwrap().contains("install the plugin again"));
}

#[test]
fn one_name_in_two_plugins_asks_which() {
    let bench = Bench::new();
    bench.put_wasm("a", &Plugin::default());
    bench.put_wasm("b", &Plugin { id: "org.example.other", version: "3.0.0", ..Plugin::default() });
    let catalog = bench.scan();
    let error = pick(&catalog, "smooth").unwrap_err();
    assert_eq!(error.kind().name(), "invalid-argument");
    assert!(error.message().contains("org.example.filters/smooth, org.example.other/smooth"), "{error}");
    assert_eq!(version(&catalog, "org.example.other/smooth"), "3.0.0");
    assert_eq!(version(&catalog, "smooth@^1"), "1.0.0", "only one is in the range");
}

#[test]
fn a_broken_plugin_makes_no_name_ambiguous() {
    let bench = Bench::new();
    bench.put_wasm("a", &Plugin::default());
    let broken = bench.put_wasm("b", &Plugin { id: "org.example.other", ..Plugin::default() });
    fs::write(broken.join("plugin.wasm"), b"junk").unwrap();
    assert_eq!(pick(&bench.scan(), "smooth").unwrap().artifact.plugin, "org.example.filters");
}

#[test]
fn an_unknown_name_suggests_near_ones() {
    let bench = Bench::new();
    bench.put_wasm("a", &Plugin::default());
    let broken = bench.put_wasm("b", &Plugin { id: "org.example.broken", ..Plugin::default() });
    fs::write(broken.join("plugin.toml"), "[plugin]\nid = \"org.example.broken\"\n").unwrap();
    let catalog = bench.scan();
    let error = pick(&catalog, "smoth").unwrap_err();
    assert_eq!(error.to_string(), "no plugin has an operator `smoth`");
    let remedy = error.remedy().unwrap();
    assert!(remedy.contains("did you mean `org.example.filters/smooth` or `smooth`?"), "{remedy}");
    assert!(remedy.contains("org.example.broken cannot be read"), "{remedy}");
    assert!(pick(&catalog, "watershed").unwrap_err().remedy().unwrap().contains("plugins list"));
}

#[test]
fn names_that_are_no_names_are_refused() {
    for bad in
        ["", "Smooth", "a/b/c", "org.example.a/", "/smooth", "smooth@", "smooth@newest", "filters/smooth"]
    {
        let error = OperatorRef::parse(bad).expect_err(bad);
        assert!(error.remedy().unwrap().contains("gaussian@^1"));
    }
    for good in ["smooth", "smooth@^1", "org.example.a/smooth", "org.example.a/smooth@>=1, <2"] {
        assert_eq!(OperatorRef::parse(good).unwrap().to_string(), good);
    }
}
