//! Whatever is changed in a signed package is seen.

use std::fs;

use parfocal_trust::{KeyPair, LIST_FILE, Limits, SIGNATURE_FILE, Standing, sign};

use crate::support::{ID, Lab, corrupt, names, now, read, time, write_plugin};

#[test]
fn what_was_signed_is_good() {
    let lab = Lab::new();
    let package = read(&lab.signed("0.1.0")).unwrap();
    assert_eq!(package.files().len(), 3);
    let expected =
        Standing::Signed { name: "Example Lab".into(), key: lab.pair.public().id(), expired: None };
    assert_eq!(lab.store().judge(&package, now()).unwrap(), expected);
}

#[test]
fn one_byte_changed_in_any_file_is_seen() {
    let lab = Lab::new();
    for name in ["plugin.toml", "wasm/a.wasm", "LICENSE"] {
        let folder = lab.signed("0.1.0");
        let mut bytes = fs::read(folder.join(name)).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        fs::write(folder.join(name), bytes).unwrap();
        assert!(corrupt(read(&folder)).contains(name), "{name}");
    }
}

#[test]
fn each_byte_of_the_signature_counts() {
    let lab = Lab::new();
    let folder = lab.signed("0.1.0");
    let good = fs::read_to_string(folder.join(SIGNATURE_FILE)).unwrap();
    let first = good.find('\n').unwrap();
    let mut seen = 0;
    for at in first + 1..good.len() {
        let mut bytes = good.clone().into_bytes();
        bytes[at] ^= 1;
        let Ok(text) = String::from_utf8(bytes) else { continue };
        fs::write(folder.join(SIGNATURE_FILE), &text).unwrap();
        // Either it is no signature of this package any more, or nobody's whom the user trusts, or not by the key it names.
        let judged = read(&folder).and_then(|package| lab.store().judge(&package, now()));
        assert!(!matches!(judged, Ok(Standing::Signed { .. })), "byte {at} does not count: {text}");
        seen += 1;
    }
    assert!(seen > 200, "{seen}");
}

#[test]
fn files_added_and_removed_are_seen() {
    let lab = Lab::new();
    let folder = lab.signed("0.1.0");
    fs::write(folder.join("wasm/b.wasm"), "more").unwrap();
    assert!(corrupt(read(&folder)).contains("wasm/b.wasm is not in the list"));
    fs::remove_file(folder.join("wasm/b.wasm")).unwrap();
    fs::create_dir(folder.join("empty")).unwrap();
    read(&folder).expect("an empty folder is no file");
    fs::remove_file(folder.join("LICENSE")).unwrap();
    assert!(corrupt(read(&folder)).contains("LICENSE is in the list and not in the package"));
}

#[cfg(unix)]
#[test]
fn links_are_no_part_of_a_package() {
    let lab = Lab::new();
    let folder = lab.signed("0.1.0");
    let outside = lab.path("outside");
    fs::rename(folder.join("LICENSE"), &outside).unwrap();
    std::os::unix::fs::symlink(&outside, folder.join("LICENSE")).unwrap();
    assert!(corrupt(read(&folder)).contains("is a link"));
}

#[test]
fn a_list_that_was_changed_with_its_files_is_seen_by_the_signature() {
    let lab = Lab::new();
    let folder = lab.signed("0.1.0");
    let signature = fs::read(folder.join(SIGNATURE_FILE)).unwrap();
    fs::write(folder.join("LICENSE"), "mine\n").unwrap();
    // Somebody with another key makes a list that fits, and puts the old signature back.
    sign(&folder, &KeyPair::generate("x", None).unwrap().secret(None).unwrap(), &Limits::default()).unwrap();
    fs::write(folder.join(SIGNATURE_FILE), signature).unwrap();
    let package = read(&folder).unwrap();
    assert!(corrupt(lab.store().judge(&package, now())).contains("the signature is not by the key"));
}

#[test]
fn a_list_without_signature_and_a_signature_without_list_are_no_unsigned_packages() {
    let lab = Lab::new();
    for name in [LIST_FILE, SIGNATURE_FILE] {
        let folder = lab.signed("0.1.0");
        fs::remove_file(folder.join(name)).unwrap();
        corrupt(read(&folder));
        fs::remove_dir_all(&folder).unwrap();
    }
}

#[test]
fn a_signature_of_another_version_is_for_that_version() {
    let lab = Lab::new();
    let (old, new) = (lab.signed("0.1.0"), lab.signed("0.2.0"));
    fs::copy(old.join(SIGNATURE_FILE), new.join(SIGNATURE_FILE)).unwrap();
    assert!(
        corrupt(read(&new))
            .contains("is for something else: `parfocal-plugin id:org.example.smooth version:0.1.0`")
    );
}

#[test]
fn another_key_and_a_key_for_other_ids_do_not_count() {
    let lab = Lab::new();
    let folder = lab.plugin("0.1.0");
    let stranger = KeyPair::generate("Stranger", None).unwrap();
    sign(&folder, &stranger.secret(None).unwrap(), &Limits::default()).unwrap();
    let package = read(&folder).unwrap();
    let why = |lab: &Lab| match lab.store().judge(&package, now()).unwrap() {
        Standing::Unsigned { why, .. } => why,
        signed @ Standing::Signed { .. } => panic!("{signed:?}"),
    };
    assert!(why(&lab).contains("which you do not trust"));
    lab.trust("Stranger", &stranger, &["org.examples", "com.example"], None);
    assert!(why(&lab).contains("a key that you trust for org.examples, com.example only"));
    // The lab's own key, over a plugin of somebody else.
    let other = lab.path("other");
    write_plugin(&other, "org.examples.smooth", "0.1.0", b"code");
    sign(&other, &lab.secret(), &Limits::default()).unwrap();
    let standing = lab.store().judge(&read(&other).unwrap(), now()).unwrap();
    assert!(matches!(standing, Standing::Unsigned { .. }), "{standing:?}");
}

#[test]
fn a_key_counts_until_its_end() {
    let lab = Lab::new();
    let folder = lab.plugin("0.1.0");
    let guest = KeyPair::generate("Guest", None).unwrap();
    lab.trust("Guest", &guest, &[ID], Some(time("2026-12-01T00:00:00Z")));
    sign(&folder, &guest.secret(None).unwrap(), &Limits::default()).unwrap();
    let package = read(&folder).unwrap();
    let expired = |now: &str| match lab.store().judge(&package, time(now)).unwrap() {
        Standing::Signed { expired, .. } => expired.is_some(),
        unsigned @ Standing::Unsigned { .. } => panic!("{unsigned:?}"),
    };
    assert!(!expired("2026-11-30T23:59:59Z"));
    assert!(expired("2026-12-01T00:00:00Z"));
}

#[test]
fn a_manifest_whose_code_is_other_code_is_not_signed() {
    let lab = Lab::new();
    let folder = lab.plugin("0.1.0");
    fs::write(folder.join("wasm/a.wasm"), "other code").unwrap();
    assert!(corrupt(sign(&folder, &lab.secret(), &Limits::default())).contains("wasm/a.wasm"));
    assert!(!names(&folder).contains(&LIST_FILE.to_owned()), "nothing was written");
}
