//! Files that are refused, each with its own sentence.

use parfocal_core::Lane;
use parfocal_types::{Error, InterfaceVersion};

use crate::{
    support::{LIMITS, lane, load, on_disk},
    text::Text,
};

fn refused(bytes: &[u8]) -> Error {
    load(bytes, LIMITS).err().unwrap()
}

fn component(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

#[test]
fn each_wrong_file_has_its_own_sentence() {
    let whole = Text::default().component();
    let version = parfocal_wit::package_version(parfocal_operator::VERSION);
    let cases: [(Vec<u8>, &str, &str); 12] = [
        (b"\x7fELF junk".to_vec(), "corrupt", "is not a WASM file"),
        (Vec::new(), "corrupt", "is not a WASM file"),
        (whole[..6].to_vec(), "corrupt", "cut off"),
        (whole[..whole.len() / 2].to_vec(), "corrupt", "is not a valid component: unexpected end"),
        (component("(module)"), "corrupt", "is a core WASM module, not a component"),
        (component("(component)"), "corrupt", "it holds no operators: it exports nothing"),
        (
            component(r#"(component (import "wasi:cli/environment@0.2.6" (instance)))"#),
            "not-supported",
            "it asks the host for `wasi:cli/environment@0.2.6`",
        ),
        (
            component(&format!(r#"(component (import "parfocal:operator/files@{version}" (instance)))"#)),
            "not-supported",
            "it asks the host for `parfocal:operator/files@",
        ),
        (
            component(r#"(component (import "parfocal:operator/services@1.0.0-draft.99" (instance)))"#),
            "incompatible",
            "it speaks interface operator/1-draft.99, this host speaks operator/1-draft.2",
        ),
        (
            component(
                r#"(component (instance $i) (export "parfocal:operator/operator@0.0.0-draft.7" (instance $i)))"#,
            ),
            "incompatible",
            "it speaks interface operator/0-draft.7, this host speaks operator/1-draft.2",
        ),
        (
            component(&format!(
                r#"(component (instance $i) (export "parfocal:operator/operator@{version}" (instance $i)))"#,
            )),
            "incompatible",
            "its functions are not those of this version",
        ),
        (
            component(&format!(
                r#"(component
                    (import "parfocal:operator/services@{version}" (instance (export "log" (func (param "x" u32)))))
                    (instance $i) (export "parfocal:operator/operator@{version}" (instance $i)))"#,
            )),
            "incompatible",
            "its functions are not those of this version",
        ),
    ];
    for (bytes, kind, sentence) in cases {
        let error = refused(&bytes);
        assert_eq!(error.kind().name(), kind, "{error}");
        assert!(error.to_string().contains(sentence), "expected `{sentence}`, got `{error}`");
        assert!(error.to_string().starts_with("org.example.fixture 1.2.3: "), "{error}");
        assert!(error.remedy().is_some(), "{error}");
    }
}

#[test]
fn what_to_do_depends_on_who_is_older() {
    let newer = refused(&component(r#"(component (import "parfocal:operator/types@3.0.0" (instance)))"#));
    assert!(newer.remedy().unwrap().starts_with("update Parfocal"), "{newer}");
    let older =
        refused(&component(r#"(component (import "parfocal:operator/types@0.0.0-draft.1" (instance)))"#));
    assert!(older.remedy().unwrap().starts_with("install a newer version of the plugin"), "{older}");
    let wasi = refused(&component(r#"(component (import "wasi:io/streams@0.2.6" (instance)))"#));
    assert!(wasi.remedy().unwrap().contains("--wasi-adapter=none"), "{wasi}");
}

#[test]
fn a_manifest_that_promises_another_interface_is_refused_before_the_file_is_read() {
    let mut file = on_disk(b"never read", LIMITS);
    file.artifact.interface = InterfaceVersion::draft(1, 99);
    let error = lane().load(&file.artifact).err().unwrap();
    assert_eq!(error.kind().name(), "incompatible", "{error}");
}

#[test]
fn a_file_that_is_not_the_one_of_the_manifest_is_refused() {
    let mut file = on_disk(&Text::default().component(), LIMITS);
    file.artifact.sha256 = parfocal_core::Sha256::of(b"another");
    let error = lane().load(&file.artifact).err().unwrap();
    assert_eq!(error.kind().name(), "corrupt", "{error}");
}

#[test]
fn a_component_cut_at_any_place_is_an_error_and_no_panic() {
    let whole = Text::default().component();
    let lane = lane();
    for length in (0..whole.len()).step_by(97) {
        let file = on_disk(&whole[..length], LIMITS);
        assert!(lane.load(&file.artifact).is_err(), "{length} of {} bytes were loaded", whole.len());
    }
}

#[test]
fn an_unknown_operator_lists_the_known_ones() {
    let library = load(&Text::default().component(), LIMITS).unwrap();
    let error = library.create("otsu", &parfocal_types::Parameters::default()).err().unwrap();
    assert_eq!(error.kind().name(), "not-found");
    assert_eq!(error.remedy(), Some("its operators are: text"));
}
