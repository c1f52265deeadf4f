use parfocal_manifest::Manifest;

use crate::{FULL, SOURCE};

#[test]
fn what_is_written_is_read_again_as_the_same() {
    for text in [FULL, SOURCE] {
        let manifest = Manifest::parse(text).unwrap();
        let written = manifest.to_toml();
        let again = Manifest::parse(&written).unwrap_or_else(|error| panic!("{error}\n{written}"));
        assert_eq!(again, manifest, "{written}");
        assert_eq!(again.to_toml(), written, "the order is stable");
    }
}

#[test]
fn a_build_completes_the_authors_text_and_keeps_it() {
    let mut manifest = Manifest::parse(SOURCE).unwrap();
    let built = Manifest::parse(FULL).unwrap();
    manifest.artifacts = built.artifacts.clone();
    manifest.operators = built.operators.clone();

    let completed = manifest.update_toml(SOURCE).unwrap();
    for kept in ["# The part that an author writes.", "# shown in menus", "[x-example]", "ticket = 17"] {
        assert!(completed.contains(kept), "`{kept}` is gone:\n{completed}");
    }
    assert_eq!(Manifest::parse(&completed).unwrap(), manifest);
    assert_eq!(manifest.update_toml(&completed).unwrap(), completed, "a second build changes nothing");

    manifest.artifacts.pop();
    let smaller = Manifest::parse(&manifest.update_toml(&completed).unwrap()).unwrap();
    assert_eq!(smaller.artifacts, manifest.artifacts);
}

#[test]
fn a_text_that_would_not_be_a_manifest_is_not_written() {
    let manifest = Manifest::parse(FULL).unwrap();
    assert!(manifest.update_toml("not toml at all").is_err());
    assert!(manifest.update_toml("manifest-version = 1\n").is_err());
}
