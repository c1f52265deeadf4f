//! Installing and removing: whole or not at all.

use std::fs;

use parfocal_trust::{KeyPair, Limits, Request, Verdict, Vouched, pack, sign};

use crate::support::{ID, Lab, corrupt, now, read, refused, write_plugin};

#[test]
fn a_signed_archive_is_installed_once_and_is_found_again() {
    let lab = Lab::new();
    let archive = lab.archive("0.1.0");
    let done = lab.install(&archive).unwrap();
    assert_eq!(done.vouched, Vouched::Signed { by: "Example Lab".into(), key: lab.pair.public().id() });
    assert!(!done.was_there && !done.replaced);
    assert_eq!(lab.installed(), ["org.example.smooth-0.1.0"]);
    assert!(lab.install(&archive).unwrap().was_there);
    assert!(lab.install(&lab.signed("0.1.0")).unwrap().was_there, "the folder is the same package");
    lab.install(&lab.archive("0.2.0")).unwrap();
    let versions = lab.installation().versions(&ID.parse().unwrap()).unwrap();
    assert_eq!(
        versions.iter().map(|(version, _)| version.to_string()).collect::<Vec<_>>(),
        ["0.1.0", "0.2.0"]
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |folder: &std::path::Path| fs::metadata(folder).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&done.folder), mode(&done.folder.join("wasm")), "as open as any folder");
    }
}

#[test]
fn what_nobody_vouches_for_needs_a_word_and_the_word_is_recorded() {
    let lab = Lab::new();
    let folder = lab.plugin("0.1.0");
    let said = refused(lab.install(&folder), "permission-denied");
    assert!(said.contains("it has no signature"), "{said}");
    assert!(lab.installed().is_empty());
    let done = lab.allow(&folder).unwrap();
    assert_eq!(done.vouched, Vouched::Unsigned { because: "it has no signature".into() });
    let record = fs::read_to_string(lab.state().join("installed.toml")).unwrap();
    assert!(record.contains("unsigned") && record.contains("it has no signature"), "{record}");
    // The author signs the same files later.
    let done = lab.install(&lab.signed("0.1.0")).unwrap();
    assert!(done.was_there && matches!(done.vouched, Vouched::Signed { .. }));
    assert!(lab.knowledge(now()).of(&done.folder).is_signed());
}

#[test]
fn another_key_does_not_install_and_a_broken_package_never_does() {
    let lab = Lab::new();
    let folder = lab.plugin("0.1.0");
    let stranger = KeyPair::generate("Stranger", None).unwrap();
    sign(&folder, &stranger.secret(None).unwrap(), &Limits::default()).unwrap();
    refused(lab.install(&folder), "permission-denied");
    let folder = lab.signed("0.1.0");
    fs::write(folder.join("LICENSE"), "mine").unwrap();
    let said = corrupt(lab.allow(&folder));
    assert!(!said.contains("installing"), "the hidden folder is nobody's business: {said}");
    assert!(lab.installed().is_empty());
}

#[test]
fn other_files_of_the_same_version_replace_only_when_told() {
    let lab = Lab::new();
    lab.install(&lab.archive("0.1.0")).unwrap();
    let other = lab.path("other");
    write_plugin(&other, ID, "0.1.0", b"other code");
    sign(&other, &lab.secret(), &Limits::default()).unwrap();
    let place = lab.installation().place(&ID.parse().unwrap(), &"0.1.0".parse().unwrap());
    let before = read(&place).unwrap();
    refused(lab.install(&other), "invalid-argument");
    assert_eq!(read(&place).unwrap().files(), before.files());
    let replace = Request { replace: true, ..Request::default() };
    let done = lab.installation().install(&other, &replace, now()).unwrap();
    assert!(done.replaced);
    assert_eq!(read(&place).unwrap().files(), read(&other).unwrap().files());
    assert_eq!(lab.installed().len(), 1, "nothing of the old one is left: {:?}", lab.installed());
    // One that was damaged since is replaced too, and only when told.
    fs::write(place.join("LICENSE"), "damaged").unwrap();
    refused(lab.install(&other), "invalid-argument");
    assert!(lab.installation().install(&other, &replace, now()).unwrap().replaced);
    assert!(lab.knowledge(now()).of(&place).is_signed());
}

#[test]
fn an_installation_that_fails_leaves_everything_as_it_was() {
    let lab = Lab::new();
    lab.install(&lab.archive("0.1.0")).unwrap();
    let state = fs::read_to_string(lab.state().join("installed.toml")).unwrap();
    // Part of an archive, then a place that is taken by a file, then one below a file.
    let archive = lab.archive("0.2.0");
    let bytes = fs::read(&archive).unwrap();
    fs::write(&archive, &bytes[..bytes.len() / 2]).unwrap();
    corrupt(lab.install(&archive));
    fs::write(&archive, &bytes).unwrap();
    fs::write(lab.plugins().join("org.example.smooth-0.2.0"), "a file").unwrap();
    refused(lab.install(&archive), "invalid-argument");
    assert_eq!(fs::read_to_string(lab.plugins().join("org.example.smooth-0.2.0")).unwrap(), "a file");
    assert_eq!(lab.installed(), ["org.example.smooth-0.1.0", "org.example.smooth-0.2.0"]);
    assert_eq!(fs::read_to_string(lab.state().join("installed.toml")).unwrap(), state);
    let nowhere = parfocal_trust::Installation::new(&archive.join("below"), &lab.state(), Limits::default());
    assert!(nowhere.install(&archive, &Request::default(), now()).is_err());
    assert_eq!(fs::read(&archive).unwrap(), bytes);
}

#[test]
fn what_a_killed_installation_left_is_cleared_by_the_next_and_never_found() {
    let lab = Lab::new();
    let left = lab.plugins().join(".parfocal-installing-abc");
    fs::create_dir_all(left.join("wasm")).unwrap();
    fs::write(left.join("wasm/a.wasm"), "half").unwrap();
    lab.install(&lab.archive("0.1.0")).unwrap();
    assert_eq!(lab.installed(), ["org.example.smooth-0.1.0"]);
    // Killed after the files and before the record: what was signed is good, what was not is not loaded.
    fs::remove_file(lab.state().join("installed.toml")).unwrap();
    let place = lab.plugins().join("org.example.smooth-0.1.0");
    assert!(lab.knowledge(now()).of(&place).is_signed());
    lab.allow(&lab.plugin("0.3.0")).unwrap();
    fs::remove_file(lab.state().join("installed.toml")).unwrap();
    let place = lab.plugins().join("org.example.smooth-0.3.0");
    assert!(!lab.knowledge(now()).of(&place).may_load());
    lab.allow(&lab.plugin("0.3.0")).unwrap();
    assert!(lab.knowledge(now()).of(&place).may_load());
}

#[test]
fn several_at_once_install_one() {
    let lab = Lab::new();
    let archive = lab.archive("0.1.0");
    let done: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| lab.install(&archive).unwrap())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(done.iter().filter(|done| !done.was_there).count(), 1);
    assert_eq!(lab.installed().len(), 1);
}

#[test]
fn removing_takes_the_files_and_the_word() {
    let lab = Lab::new();
    let id = ID.parse().unwrap();
    refused(lab.installation().remove(&id, None), "not-found");
    lab.allow(&lab.plugin("0.1.0")).unwrap();
    lab.install(&lab.archive("0.2.0")).unwrap();
    assert!(refused(lab.installation().remove(&id, None), "invalid-argument").contains("0.1.0, 0.2.0"));
    refused(lab.installation().remove(&id, Some(&"0.3.0".parse().unwrap())), "not-found");
    assert_eq!(lab.installation().remove(&id, Some(&"0.1.0".parse().unwrap())).unwrap().to_string(), "0.1.0");
    assert_eq!(lab.installed(), ["org.example.smooth-0.2.0"]);
    assert!(!fs::read_to_string(lab.state().join("installed.toml")).unwrap().contains("0.1.0"));
    lab.installation().remove(&id, None).unwrap();
    assert!(lab.installed().is_empty());
    // The same files by hand, without the word.
    let by_hand = lab.plugins().join("by-hand");
    fs::rename(lab.plugin("0.1.0"), &by_hand).unwrap();
    assert!(matches!(lab.knowledge(now()).of(&by_hand), Verdict::Unsigned { .. }));
    assert!(!lab.knowledge(now()).of(&by_hand).may_load());
}

#[test]
fn packages_without_code_are_neither_packed_for_others_nor_installed() {
    let lab = Lab::new();
    let folder = lab.plugin("0.1.0");
    let manifest = fs::read_to_string(folder.join("plugin.toml")).unwrap();
    fs::write(folder.join("plugin.toml"), manifest.split("[[artifact]]").next().unwrap()).unwrap();
    assert!(refused(lab.allow(&folder), "invalid-argument").contains("has no code yet"));
    let archive = lab.path("a.pfp");
    pack(&folder, &archive, &Limits::default()).unwrap();
    refused(lab.allow(&archive), "invalid-argument");
}

/// A state folder in which a name is taken by a folder: no rights help there.
fn taken(lab: &Lab, name: &str) -> std::path::PathBuf {
    let path = lab.state().join(name);
    let _ = fs::remove_file(&path);
    fs::create_dir(&path).unwrap();
    path
}

#[test]
fn a_record_that_cannot_be_written_leaves_the_files_as_they_were() {
    let lab = Lab::new();
    lab.install(&lab.archive("0.1.0")).unwrap();
    let place = lab.installation().place(&ID.parse().unwrap(), &"0.1.0".parse().unwrap());
    let before = read(&place).unwrap();
    let record = lab.state().join("installed.toml");
    let text = fs::read_to_string(&record).unwrap();
    let other = lab.path("other");
    write_plugin(&other, ID, "0.1.0", b"other code");
    sign(&other, &lab.secret(), &Limits::default()).unwrap();
    let replace = Request { replace: true, ..Request::default() };
    for name in ["installed.toml", "installed.toml.lock"] {
        let in_the_way = taken(&lab, name);
        lab.installation().install(&other, &replace, now()).unwrap_err();
        assert_eq!(read(&place).unwrap().files(), before.files(), "{name}: the old version is there");
        lab.install(&lab.archive("0.2.0")).unwrap_err();
        assert_eq!(lab.installed(), ["org.example.smooth-0.1.0"], "{name}: nothing new is there");
        lab.installation().remove(&ID.parse().unwrap(), None).unwrap_err();
        assert_eq!(read(&place).unwrap().files(), before.files(), "{name}: not removed");
        fs::remove_dir(&in_the_way).unwrap();
        fs::write(&record, &text).unwrap();
    }
    assert!(lab.knowledge(now()).of(&place).is_signed());
    assert!(lab.installation().install(&other, &replace, now()).unwrap().replaced);
    assert_eq!(lab.installed().len(), 1, "nothing of the old one is left: {:?}", lab.installed());
}
