//! The cache of compiled code: used when it is ours, never when it is not.

use std::{fs, path::Path};

use parfocal_core::Lane;
use parfocal_wasm::{WasmLane, WasmOptions};

use crate::{
    support::{LIMITS, on_disk},
    text::Text,
};

fn lane(folder: &Path) -> WasmLane {
    WasmLane::new(WasmOptions { cache_dir: Some(folder.to_owned()) }).unwrap()
}

fn compiled(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "compiled"))
        .collect();
    files.sort();
    files
}

#[test]
fn compiled_code_is_kept_and_used_again() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("made").join("by the lane");
    let file = on_disk(&Text::default().component(), LIMITS);
    lane(&folder).load(&file.artifact).unwrap();
    let [kept] = &compiled(&folder)[..] else { panic!("{:?}", compiled(&folder)) };
    let before = fs::read(kept).unwrap();

    // A second lane reads the file and does not write it again.
    let modified = fs::metadata(kept).unwrap().modified().unwrap();
    let library = lane(&folder).load(&file.artifact).unwrap();
    assert_eq!(library.operators()[0].id, "text");
    assert_eq!(fs::metadata(kept).unwrap().modified().unwrap(), modified);
    assert_eq!(fs::read(kept).unwrap(), before);
}

#[test]
fn code_that_this_host_did_not_write_is_compiled_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = on_disk(&Text::default().component(), LIMITS);
    lane(folder.path()).load(&file.artifact).unwrap();
    let kept = compiled(folder.path()).remove(0);
    let good = fs::read(&kept).unwrap();

    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 1;
    let mut no_mac = good.clone();
    no_mac.truncate(good.len() - 32);
    // Code that verifies, but is that of another component.
    let other = on_disk(&Text { run: "nop", ..Text::default() }.component(), LIMITS);
    lane(folder.path()).load(&other.artifact).unwrap();
    let others = compiled(folder.path()).into_iter().find(|path| *path != kept).unwrap();

    for spoiled in [flipped, no_mac, fs::read(others).unwrap(), Vec::new(), b"parfocal-wasm 1\n".to_vec()] {
        fs::write(&kept, &spoiled).unwrap();
        let library = lane(folder.path()).load(&file.artifact).unwrap();
        assert_eq!(library.operators()[0].id, "text");
        assert_eq!(fs::read(&kept).unwrap(), good, "what was there was written again");
    }

    // A folder copied to another user's machine without its key, or with another.
    fs::write(folder.path().join("key"), [7; 32]).unwrap();
    lane(folder.path()).load(&file.artifact).unwrap();
    assert_ne!(fs::read(&kept).unwrap(), good);
}

#[cfg(unix)]
#[test]
fn a_folder_that_others_may_write_to_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    for mode in [0o770, 0o702] {
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).unwrap();
        let error = WasmLane::new(WasmOptions { cache_dir: Some(folder.path().to_owned()) }).err().unwrap();
        assert_eq!(error.kind().name(), "permission-denied", "{error}");
        assert!(error.to_string().contains("can be written to by other users"), "{error}");
    }
}

/// A file of the cache after something was done to it: loaded again, is it what was there or newly compiled?
#[cfg(unix)]
fn is_used_after(spoil: impl FnOnce(&Path, &Path)) -> bool {
    use std::os::unix::fs::MetadataExt;
    let folder = tempfile::tempdir().unwrap();
    let file = on_disk(&Text::default().component(), LIMITS);
    lane(folder.path()).load(&file.artifact).unwrap();
    let kept = compiled(folder.path()).remove(0);
    spoil(&kept, &folder.path().join("key"));
    let before = fs::metadata(&kept).unwrap().ino();
    let library = lane(folder.path()).load(&file.artifact).unwrap();
    assert_eq!(library.operators()[0].id, "text");
    let facts = fs::metadata(&kept).unwrap();
    assert_eq!((facts.mode() & 0o777, facts.uid()), (0o600, fs::metadata(folder.path()).unwrap().uid()));
    facts.ino() == before
}

#[cfg(unix)]
#[test]
fn code_that_others_could_have_written_is_compiled_again() {
    use std::os::unix::fs::{PermissionsExt, chown};
    let with_mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    assert!(is_used_after(|_, _| {}));
    for mode in [0o620, 0o602, 0o666] {
        assert!(!is_used_after(|code, _| with_mode(code, mode)), "code of mode {mode:o}");
    }
    for mode in [0o620, 0o602, 0o640, 0o604] {
        assert!(!is_used_after(|_, key| with_mode(key, mode)), "a key of mode {mode:o}");
    }
    let folder = tempfile::tempdir().unwrap();
    if chown(folder.path(), Some(12_345), None).is_err() {
        println!("skipped: only the superuser can give files away");
        return;
    }
    assert!(!is_used_after(|code, _| chown(code, Some(12_345), None).unwrap()), "another user's code");
    assert!(!is_used_after(|_, key| chown(key, Some(12_345), None).unwrap()), "another user's key");
    let error = WasmLane::new(WasmOptions { cache_dir: Some(folder.path().to_owned()) }).err().unwrap();
    assert!(error.to_string().contains("belongs to another user"), "{error}");
}

#[cfg(unix)]
#[test]
fn key_and_code_are_readable_by_the_user_only() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let file = on_disk(&Text::default().component(), LIMITS);
    lane(folder.path()).load(&file.artifact).unwrap();
    for entry in fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.path());
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "a key and one component, no drafts");
}

#[test]
fn many_lanes_at_once_share_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let file = on_disk(&Text::default().component(), LIMITS);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| lane(folder.path()).load(&file.artifact).unwrap());
        }
    });
    assert_eq!(compiled(folder.path()).len(), 1);
    let fresh = lane(folder.path());
    fresh.load(&file.artifact).unwrap();
}
