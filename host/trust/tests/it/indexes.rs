//! The signed index: old ones, forged ones, wrong ones.

use std::{fs, path::PathBuf, time::Duration};

use parfocal_trust::{FoundReport, Index, KeyPair, Limits, Package, Place, Request, Time, TrustedKey};
use parfocal_types::Result;
use semver::VersionReq;

use crate::support::{ID, Lab, corrupt, now, refused, time};

const NAME: &str = "org.example.plugins";
const DAY: Duration = Duration::from_secs(86_400);

/// A folder with archives of these versions and their index.
pub(crate) fn shelf(lab: &Lab, versions: &[&str]) -> PathBuf {
    let folder = lab.path("shelf");
    fs::create_dir_all(&folder).unwrap();
    for version in versions {
        let archive = lab.archive(version);
        fs::rename(&archive, folder.join(archive.file_name().unwrap())).unwrap();
    }
    write(lab, &folder, now().plus(DAY * 90).unwrap());
    folder
}

fn write(lab: &Lab, folder: &std::path::Path, expires: Time) -> Index {
    let report = |archive: &std::path::Path, _: &Package| {
        let path = archive.with_extension("report.json");
        let found = |bytes| FoundReport { path: path.clone(), bytes, level: "L2".to_owned() };
        Ok(fs::read(&path).ok().map(found))
    };
    Index::write(folder, NAME, expires, &lab.secret(), &report, &Limits::default()).unwrap()
}

fn open(lab: &Lab, folder: &std::path::Path, now: Time) -> Result<Index> {
    Index::open(&Place::Folder(folder.to_owned()), &lab.store(), &lab.state(), now)
}

#[test]
fn the_newest_version_that_fits_is_found_fetched_and_installed() {
    let lab = Lab::new();
    let folder = shelf(&lab, &["0.1.0", "0.2.0"]);
    fs::write(folder.join("org.example.smooth-0.2.0.report.json"), "{}").unwrap();
    write(&lab, &folder, now().plus(DAY).unwrap());
    let index = open(&lab, &folder, now()).unwrap();
    assert_eq!((index.serial, index.packages.len()), (2, 2));
    assert_eq!(index.packages[1].report.as_ref().unwrap().level, "L2");
    let id = ID.parse().unwrap();
    let newest = |range: &str, speaks: bool| {
        index
            .newest(&id, &VersionReq::parse(range).unwrap(), &|_| speaks)
            .map(|entry| entry.version.to_string())
    };
    assert_eq!(newest("*", true).unwrap(), "0.2.0");
    assert_eq!(newest("=0.1.0", true).unwrap(), "0.1.0");
    assert!(refused(newest("^1", true), "not-found").contains("0.1.0, 0.2.0"));
    refused(newest("*", false), "incompatible");
    refused(index.newest(&"org.example.other".parse().unwrap(), &VersionReq::STAR, &|_| true), "not-found");
    let place = Place::Folder(folder);
    let offered = Index::fetch(&place, &index.packages[1], &Limits::default()).unwrap();
    let expected = Some((id.clone(), index.packages[1].version.clone()));
    let request = Request { expected, ..Request::default() };
    lab.installation().install(offered.archive.path(), &request, now()).unwrap();
    assert_eq!(lab.installed(), ["org.example.smooth-0.2.0"]);
    let wrong = Request { expected: Some((id, "0.1.0".parse().unwrap())), ..Request::default() };
    assert!(
        corrupt(lab.installation().install(offered.archive.path(), &wrong, now())).contains("was asked for")
    );
}

#[test]
fn an_index_that_expired_is_refused() {
    let lab = Lab::new();
    let folder = shelf(&lab, &["0.1.0"]);
    open(&lab, &folder, now()).unwrap();
    let end = now().plus(DAY * 90).unwrap();
    let said = refused(open(&lab, &folder, end), "bad-state");
    assert!(said.contains("expired on 2027-02-20T22:30:00Z"), "{said}");
}

#[test]
fn an_older_index_and_a_second_one_of_the_same_number_are_refused() {
    let lab = Lab::new();
    let folder = shelf(&lab, &["0.1.0"]);
    let keep = |name: &str| {
        let copy = lab.path(name);
        fs::create_dir_all(&copy).unwrap();
        for file in ["index.toml", "index.toml.minisig"] {
            fs::copy(folder.join(file), copy.join(file)).unwrap();
        }
        copy
    };
    let old = keep("old");
    open(&lab, &old, now()).unwrap();
    open(&lab, &old, now()).expect("the same one again is fine");
    write(&lab, &folder, now().plus(DAY * 10).unwrap());
    let new = keep("new");
    open(&lab, &new, now()).unwrap();
    assert!(corrupt(open(&lab, &old, now())).contains("number 2 was seen before"));
    // Written once more from the old one: number 2 again, with other content.
    let fork = lab.path("fork");
    fs::rename(&old, &fork).unwrap();
    write(&lab, &fork, now().plus(DAY * 11).unwrap());
    assert!(corrupt(open(&lab, &fork, now())).contains("two different indexes"));
    open(&lab, &new, now()).unwrap();
}

#[test]
fn an_index_that_was_changed_or_signed_by_somebody_else_is_refused() {
    let lab = Lab::new();
    let folder = shelf(&lab, &["0.1.0"]);
    let path = folder.join("index.toml");
    let good = fs::read_to_string(&path).unwrap();
    let later = good.replace("expires = \"2027", "expires = \"2037");
    assert_ne!(later, good);
    fs::write(&path, &later).unwrap();
    assert!(corrupt(open(&lab, &folder, now())).contains("not by the key"));
    fs::write(&path, &good).unwrap();
    let stranger = KeyPair::generate("Stranger", None).unwrap();
    let sign = |pair: &KeyPair, comment: &str| {
        let signature = pair.secret(None).unwrap().sign(good.as_bytes(), comment).unwrap();
        fs::write(folder.join("index.toml.minisig"), signature).unwrap();
    };
    sign(&stranger, "parfocal-index name:org.example.plugins serial:1");
    assert!(refused(open(&lab, &folder, now()), "permission-denied").contains("do not trust"));
    let key = |expires, indexes: &[&str], name: &str, pair: &KeyPair| TrustedKey {
        name: name.into(),
        public: pair.public().clone(),
        prefixes: vec!["org.example".parse().unwrap()],
        indexes: indexes.iter().map(|&index| index.into()).collect(),
        added: now(),
        expires,
    };
    // A key for plugins is none for indexes.
    lab.store().add(key(None, &["org.example.other"], "Stranger", &stranger)).unwrap();
    assert!(refused(open(&lab, &folder, now()), "permission-denied").contains("do not trust for it"));
    let guest = KeyPair::generate("Guest", None).unwrap();
    lab.store().add(key(Some(time("2026-11-01T00:00:00Z")), &[NAME], "Guest", &guest)).unwrap();
    sign(&guest, "parfocal-index name:org.example.plugins serial:1");
    assert!(refused(open(&lab, &folder, now()), "permission-denied").contains("trusted until"));
    // The right key, for another purpose.
    sign(&lab.pair, "parfocal-plugin id:org.example.smooth version:0.1.0");
    assert!(corrupt(open(&lab, &folder, now())).contains("something else"));
    sign(&lab.pair, "parfocal-index name:org.example.plugins serial:1");
    open(&lab, &folder, now()).unwrap();
    fs::remove_file(folder.join("index.toml.minisig")).unwrap();
    refused(open(&lab, &folder, now()), "not-found");
}

#[test]
fn an_archive_that_is_not_the_one_of_the_index_is_refused() {
    let lab = Lab::new();
    let folder = shelf(&lab, &["0.1.0"]);
    let index = open(&lab, &folder, now()).unwrap();
    let place = Place::Folder(folder.clone());
    let archive = folder.join(&index.packages[0].file);
    let good = fs::read(&archive).unwrap();
    let mut other = good.clone();
    other[20] ^= 1;
    for bytes in [&other[..], &good[..good.len() - 1], &[&good[..], b"x"].concat()] {
        fs::write(&archive, bytes).unwrap();
        corrupt(Index::fetch(&place, &index.packages[0], &Limits::default()));
    }
    fs::write(&archive, &good).unwrap();
    corrupt(Index::fetch(&place, &index.packages[0], &Limits { archive: 10, ..Limits::default() }));
    Index::fetch(&place, &index.packages[0], &Limits::default()).unwrap();
}

#[test]
fn indexes_that_make_no_sense_are_refused() {
    let lab = Lab::new();
    let folder = shelf(&lab, &["0.1.0"]);
    let good = fs::read_to_string(folder.join("index.toml")).unwrap();
    Index::parse(&good).unwrap();
    for (from, to) in [
        ("format = 1", "format = 2"),
        ("serial = 1", "serial = -1"),
        ("name = \"org.example.plugins\"", "name = \"../x\""),
        ("file = \"org", "file = \"../org"),
        ("file = \"org", "file = \"/org"),
        ("file = \"org", "file = \"http://a.example/org"),
        ("sha256 = \"", "sha256 = \"zz"),
        ("interfaces = [\"operator/1", "interfaces = [\"operator"),
        ("expires = \"2027", "expires = \"tomorrow"),
        ("size = ", "weight = "),
        ("id = \"org.example", "id = \"Org.Example"),
        ("version = \"0.1.0\"", "version = \"newest\""),
    ] {
        let text = good.replace(from, to);
        assert_ne!(text, good, "{from}");
        corrupt(Index::parse(&text));
    }
    let entry = &good[good.find("[[package]]").unwrap()..];
    assert!(corrupt(Index::parse(&format!("{good}\n{entry}"))).contains("twice"));
    // What is broken is not offered.
    let archive = folder.join("org.example.smooth-0.1.0.pfp");
    let bytes = fs::read(&archive).unwrap();
    fs::write(&archive, &bytes[..bytes.len() / 2]).unwrap();
    let nothing = |_: &std::path::Path, _: &Package| Ok(None);
    let end = now().plus(DAY).unwrap();
    corrupt(Index::write(&folder, NAME, end, &lab.secret(), &nothing, &Limits::default()));
    assert_eq!(fs::read_to_string(folder.join("index.toml")).unwrap(), good, "the old index is as it was");
}
