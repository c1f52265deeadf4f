//! What is to be thought of a folder, by where it lies and what is known of it.

use std::{
    fs,
    sync::atomic::{AtomicBool, Ordering},
};

use parfocal_trust::{Allowance, KeyPair, Limits, Verdict, sign};

use crate::support::{Lab, now, read, time};

#[test]
fn a_developers_own_folder_needs_no_signature_and_a_broken_one_is_refused_there_too() {
    let lab = Lab::new();
    let folder = lab.plugin("0.1.0");
    let verdict = lab.knowledge(now()).of(&folder);
    assert!(matches!(&verdict, Verdict::Unsigned { allowance: Allowance::Named, .. }), "{verdict}");
    assert!(verdict.may_load() && verdict.to_string().contains("a folder that the user named"), "{verdict}");
    let folder = lab.signed("0.1.0");
    assert!(lab.knowledge(now()).of(&folder).is_signed());
    fs::write(folder.join("LICENSE"), "mine").unwrap();
    assert!(!lab.knowledge(now()).of(&folder).may_load());
    // A signature by a stranger is no worse than none.
    let stranger = KeyPair::generate("Stranger", None).unwrap();
    sign(&folder, &stranger.secret(None).unwrap(), &Limits::default()).unwrap();
    assert!(lab.knowledge(now()).of(&folder).may_load());
}

#[test]
fn what_was_allowed_is_allowed_as_long_as_it_does_not_change() {
    let lab = Lab::new();
    let folder = lab.allow(&lab.plugin("0.1.0")).unwrap().folder;
    let verdict = lab.knowledge(now()).of(&folder);
    assert!(matches!(&verdict, Verdict::Unsigned { allowance: Allowance::Installed(_), .. }), "{verdict}");
    assert_eq!(
        verdict.to_string(),
        "unsigned, allowed by the user on 2026-11-22T22:30:00Z: it has no signature"
    );
    fs::write(folder.join("LICENSE"), "mine").unwrap();
    let verdict = lab.knowledge(now()).of(&folder);
    assert!(matches!(&verdict, Verdict::Broken { .. }), "{verdict}");
    assert!(verdict.to_string().contains("not what was installed"), "{verdict}");
}

#[test]
fn who_takes_the_signature_away_gets_no_unsigned_plugin() {
    let lab = Lab::new();
    let folder = lab.install(&lab.archive("0.1.0")).unwrap().folder;
    fs::remove_file(folder.join("plugin.minisig")).unwrap();
    assert!(!lab.knowledge(now()).of(&folder).may_load());
    fs::remove_file(folder.join("FILES.sha256")).unwrap();
    let verdict = lab.knowledge(now()).of(&folder);
    assert!(!verdict.may_load(), "{verdict}");
}

#[test]
fn a_key_that_is_trusted_no_more_ends_its_plugins_and_one_that_expired_does_not() {
    let lab = Lab::new();
    let guest = KeyPair::generate("Guest", None).unwrap();
    lab.trust("Guest", &guest, &["org.example.smooth"], Some(time("2026-12-01T00:00:00Z")));
    let folder = lab.plugin("0.1.0");
    sign(&folder, &guest.secret(None).unwrap(), &Limits::default()).unwrap();
    let installed = lab.install(&folder).unwrap().folder;
    let later = time("2027-01-01T00:00:00Z");
    assert!(lab.knowledge(later).of(&installed).is_signed(), "an experiment goes on");
    let request = parfocal_trust::Request::default();
    let error = lab.installation().install(&folder, &request, later).unwrap_err();
    assert!(error.message().contains("trusted until 2026-12-01"), "{error}");
    // The same files by hand, when the key does not count any more.
    let by_hand = lab.plugins().join("org.example.smooth-by-hand");
    fs::rename(&installed, &by_hand).unwrap();
    fs::remove_file(lab.state().join("installed.toml")).unwrap();
    assert!(!lab.knowledge(later).of(&by_hand).may_load());
    lab.store().remove("Guest").unwrap();
    assert!(!lab.knowledge(now()).of(&by_hand).may_load());
}

#[test]
fn a_verdict_is_on_the_manifest_that_was_read() {
    let lab = Lab::new();
    let folder = lab.signed("0.1.0");
    let manifest = fs::read(folder.join("plugin.toml")).unwrap();
    assert!(lab.knowledge(now()).of_read(&folder, &manifest).is_signed());
    let other = [&manifest[..], b"\n"].concat();
    assert!(!lab.knowledge(now()).of_read(&folder, &other).may_load(), "somebody swapped it in between");
}

#[test]
fn the_manifest_that_is_judged_is_the_one_that_was_hashed() {
    const READS: usize = 100;
    let lab = Lab::new();
    let folder = lab.plugin("0.1.0");
    // Read after the manifest: there is time to swap it in.
    fs::write(folder.join("z.bin"), vec![0; 1 << 20]).unwrap();
    let first = fs::read_to_string(folder.join("plugin.toml")).unwrap();
    let texts = [first.clone(), first.replace("0.1.0", "0.2.0")];
    let digests = texts.each_ref().map(|text| parfocal_core::Sha256::of(text.as_bytes()));
    let done = AtomicBool::new(false);
    let mismatches = std::thread::scope(|scope| {
        scope.spawn(|| {
            for text in texts.iter().cycle() {
                if done.load(Ordering::Relaxed) {
                    break;
                }
                // Outside of the folder, and renamed: whoever reads finds one or the other, and never half of one.
                let new = lab.path("next");
                fs::write(&new, text).unwrap();
                fs::rename(&new, folder.join("plugin.toml")).unwrap();
            }
        });
        let differs = |_: &usize| {
            let Ok(package) = read(&folder) else { return true };
            let second = package.manifest().plugin.version.to_string() == "0.2.0";
            package.files().get("plugin.toml") != Some(digests[usize::from(second)])
        };
        let mismatches = (0..READS).filter(differs).count();
        done.store(true, Ordering::Relaxed);
        mismatches
    });
    assert_eq!(mismatches, 0, "of {READS} manifests, so many were not the ones that were hashed");
}

#[cfg(unix)]
#[test]
fn a_link_among_the_installed_plugins_makes_nothing_a_developers_own() {
    let lab = Lab::new();
    fs::create_dir_all(lab.plugins()).unwrap();
    let link = lab.plugins().join("linked");
    std::os::unix::fs::symlink(lab.plugin("0.1.0"), &link).unwrap();
    assert!(!lab.knowledge(now()).of(&link).may_load());
}
