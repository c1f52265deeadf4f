//! Archives: the same each time, and nothing bad comes out of one.

use std::{
    fs,
    io::{Cursor, Write as _},
    path::Path,
};

use parfocal_trust::{Limits, pack, unpack};
use parfocal_types::Result;
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use crate::support::{Lab, corrupt, names, patch, read, zip_of};

/// Unpacks bytes; gives what came out when that was allowed.
fn try_unpack(bytes: &[u8], limits: &Limits) -> Result<Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("a.pfp");
    fs::write(&archive, bytes).unwrap();
    let (outer, inner) = (folder.path().join("outer"), folder.path().join("outer/inner"));
    fs::create_dir_all(&inner).unwrap();
    let result = unpack(&archive, &inner, limits);
    assert_eq!(names(&outer), ["inner"], "something came out beside the folder");
    assert_eq!(names(folder.path()), ["a.pfp", "outer"], "something came out beside the folder");
    result.map(|()| names(&inner))
}

fn unpacked(bytes: &[u8]) -> Result<Vec<String>> {
    try_unpack(bytes, &Limits::default())
}

#[test]
fn equal_folders_give_equal_archives_that_give_equal_folders() {
    let lab = Lab::new();
    let folder = lab.signed("0.1.0");
    let (first, second) = (lab.path("1.pfp"), lab.path("2.pfp"));
    pack(&folder, &first, &Limits::default()).unwrap();
    let later = fs::File::options().write(true).open(folder.join("LICENSE")).unwrap();
    later.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    pack(&folder, &second, &Limits::default()).unwrap();
    assert_eq!(fs::read(&first).unwrap(), fs::read(&second).unwrap());
    let again = lab.path("again");
    fs::create_dir(&again).unwrap();
    unpack(&first, &again, &Limits::default()).unwrap();
    assert_eq!(read(&again).unwrap().files(), read(&folder).unwrap().files());
    assert_eq!(names(&again), names(&folder));
}

#[test]
fn names_that_lead_out_or_cannot_be_are_refused() {
    assert_eq!(unpacked(&zip_of(&[("a", b"x"), ("b/c", b"y")])).unwrap(), ["a", "b"]);
    for name in [
        "../x",
        "a/../../x",
        "/x",
        "//x",
        "a/./b",
        "c:x",
        "a\\..\\..\\x",
        "con",
        "b/NUL.txt",
        "x.",
        "a\u{1}b",
        "a//b",
    ] {
        // A name of the same length goes in first: the writer refuses some of these itself.
        let plain = "q".repeat(name.len());
        let mut bytes = zip_of(&[("ok", b"x"), (&plain, b"y")]);
        assert_eq!(patch(&mut bytes, plain.as_bytes(), name.as_bytes()), 2, "{name:?}");
        assert!(corrupt(unpacked(&bytes)).contains("file name"), "{name:?}");
    }
}

#[test]
fn two_names_that_are_one_are_refused() {
    for (second, third) in [("aaaa", "aaaa"), ("aaaa", "AAAA"), ("aa/b", "AA/c"), ("aaaa", "aaaa/b")] {
        let (one, two) = ("x".repeat(second.len()), "y".repeat(third.len()));
        let mut bytes = zip_of(&[(&one, b"1"), (&two, b"2")]);
        patch(&mut bytes, one.as_bytes(), second.as_bytes());
        patch(&mut bytes, two.as_bytes(), third.as_bytes());
        corrupt(unpacked(&bytes));
    }
}

#[test]
fn links_and_devices_are_refused() {
    let options = SimpleFileOptions::default();
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.add_symlink("link", "/etc/passwd", options).unwrap();
    let bytes = zip.finish().unwrap().into_inner();
    assert!(corrupt(unpacked(&bytes)).contains("is a link"));
    // The kind of the file stands in the upper 16 bits of the external attributes: a pipe, a device, a socket.
    let ordinary = zip_of(&[("pipe", b"x")]);
    let at = ordinary.windows(4).position(|four| four == b"PK\x01\x02").unwrap() + 40;
    for kind in [0o010_000_u16, 0o020_000, 0o060_000, 0o140_000] {
        let mut bytes = ordinary.clone();
        bytes[at..at + 2].copy_from_slice(&(kind | 0o644).to_le_bytes());
        assert!(corrupt(unpacked(&bytes)).contains("no ordinary file"), "{kind:o}");
    }
}

#[test]
fn bombs_are_refused_before_they_fill_the_disk() {
    let zeros = vec![0; 8 << 20];
    assert!(corrupt(unpacked(&zip_of(&[("a", &zeros)]))).contains("times larger"));
    assert!(unpacked(&zip_of(&[("a", &zeros[..1 << 20])])).is_ok(), "a mebibyte of zeros is harmless");
    let files: Vec<_> = (0..8).map(|number| (format!("f{number}"), vec![number; 1000])).collect();
    let files: Vec<_> = files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    let bytes = zip_of(&files);
    let limits = Limits::default();
    assert_eq!(try_unpack(&bytes, &limits).unwrap().len(), 8);
    for (limits, said) in [
        (Limits { files: 7, ..limits }, "more than 7 files"),
        (Limits { files: 3, ..limits }, "8 entries"),
        (Limits { file: 999, ..limits }, "more than 999"),
        (Limits { total: 7999, ..limits }, "more than 7999 bytes together"),
        (Limits { archive: 100, ..limits }, "more than 100"),
    ] {
        assert!(corrupt(try_unpack(&bytes, &limits)).contains(said), "{said}");
    }
    corrupt(try_unpack(&zip_of(&[("a/b/c", b"x")]), &Limits { depth: 2, ..limits }));
}

#[test]
fn what_an_archive_says_of_its_sizes_is_counted_again() {
    let content = vec![7; 5000];
    let good = zip_of(&[("a", &content)]);
    let said = 5000_u32.to_le_bytes();
    for size in [u32::MAX - 1, 1 << 31, 5001, 4999, 0] {
        let mut bytes = good.clone();
        // In the local header and in the directory, so that they agree.
        assert_eq!(patch(&mut bytes, &said, &size.to_le_bytes()), 2);
        corrupt(unpacked(&bytes));
        let mut bytes = good.clone();
        let at = bytes.windows(4).rposition(|four| four == said).unwrap();
        bytes[at..at + 4].copy_from_slice(&size.to_le_bytes());
        corrupt(unpacked(&bytes));
    }
}

#[test]
fn what_is_cut_off_prepended_or_no_zip_is_refused() {
    let good = zip_of(&[("a", b"some text that is a little longer"), ("b", b"other")]);
    for length in 0..good.len() {
        corrupt(unpacked(&good[..length]));
    }
    corrupt(unpacked(&[b"#!/bin/sh\n".as_slice(), &good].concat()));
    corrupt(unpacked(&[good.as_slice(), b"\n"].concat()));
    corrupt(unpacked(&vec![0x50; 100_000]));
    assert!(unpack(Path::new("no/such.pfp"), Path::new("."), &Limits::default()).is_err());
}

#[test]
fn other_compressions_and_encryption_are_refused() {
    let mut bytes = zip_of(&[("a", b"text")]);
    for (record, at) in [(b"PK\x03\x04", 8), (b"PK\x01\x02", 10)] {
        let start = bytes.windows(4).position(|four| four == record).unwrap();
        bytes[start + at..start + at + 2].copy_from_slice(&12_u16.to_le_bytes());
    }
    corrupt(unpacked(&bytes));
    let mut bytes = zip_of(&[("a", b"text")]);
    for (record, at) in [(b"PK\x03\x04", 6), (b"PK\x01\x02", 8)] {
        let start = bytes.windows(4).position(|four| four == record).unwrap();
        bytes[start + at] |= 1;
    }
    corrupt(unpacked(&bytes));
}

#[test]
fn archives_of_other_programs_with_folders_in_them_are_taken() {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.add_directory("wasm/", SimpleFileOptions::default()).unwrap();
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    zip.start_file("wasm/a.wasm", stored).unwrap();
    zip.write_all(b"code").unwrap();
    assert_eq!(unpacked(&zip.finish().unwrap().into_inner()).unwrap(), ["wasm"]);
}

#[cfg(unix)]
#[test]
fn programs_stay_programs_and_nothing_else_of_the_mode_stays() {
    use std::os::unix::fs::PermissionsExt as _;
    let lab = Lab::new();
    let folder = lab.plugin("0.1.0");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    fs::set_permissions(folder.join("LICENSE"), fs::Permissions::from_mode(0o4777)).unwrap();
    let (archive, out) = (lab.path("a.pfp"), lab.path("out"));
    fs::create_dir(&out).unwrap();
    pack(&folder, &archive, &Limits::default()).unwrap();
    unpack(&archive, &out, &Limits::default()).unwrap();
    assert_eq!(mode(&out.join("LICENSE")) & 0o7100, 0o100);
    assert_eq!(mode(&out.join("plugin.toml")) & 0o7111, 0);
}
