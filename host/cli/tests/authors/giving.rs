//! From a new plugin to one that somebody else installed: packed, signed, trusted, checked, run, removed.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::tool::{json, parfocal, root, succeed, tiff};

const ID: &str = "org.example.dim";
const ARCHIVE: &str = "org.example.dim-0.1.0.pfp";

/// An author's folder with a built plugin in C, and the folder of its package.
fn built(folder: &Path) -> PathBuf {
    let sdk = root().join("sdk");
    succeed(parfocal(folder).args(["new", "operator", "dim", "--lang", "c", "--sdk"]).arg(sdk));
    succeed(parfocal(folder).args(["build", "dim"]));
    folder.join("dim/target/parfocal/org.example.dim-0.1.0")
}

fn run(folder: &Path, arguments: &[&str]) -> (i32, Value) {
    json(parfocal(folder).args(arguments))
}

fn good(folder: &Path, arguments: &[&str]) -> Value {
    let (code, document) = run(folder, arguments);
    assert_eq!(code, 0, "{arguments:?}: {document}");
    document
}

/// The kind of the error that a command fails with.
fn kind(folder: &Path, arguments: &[&str]) -> String {
    let (code, document) = run(folder, arguments);
    assert_ne!(code, 0, "{arguments:?}: {document}");
    assert!(document["error"]["remedy"].is_string(), "{document}");
    document["error"]["kind"].as_str().unwrap().to_owned()
}

fn key(folder: &Path) {
    good(folder, &["plugins", "keys", "new", "--name", "Example Lab", "--no-password", "-o", "."]);
}

fn trust(folder: &Path) {
    good(
        folder,
        &[
            "plugins",
            "trust",
            "add",
            "example-lab.pub",
            "--for",
            "org.example",
            "--index",
            "org.example.plugins",
        ],
    );
}

/// Runs the operator on a small image; gives what the run says of each step.
fn dim(folder: &Path) -> Value {
    fs::write(folder.join("in.tif"), tiff(3, &[0, 99, 100, 101, 4095, 65535])).unwrap();
    fs::write(folder.join("expected.tif"), tiff(3, &[0, 0, 0, 1, 3995, 65435])).unwrap();
    let document = good(folder, &["run", "dim", "in.tif", "-o", "out.ome.tif"]);
    good(folder, &["image", "compare", "out.ome.tif", "expected.tif"]);
    document["steps"][0].clone()
}

#[test]
fn from_a_new_plugin_to_a_signed_and_installed_one() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let package = built(folder);
    let packed = good(folder, &["plugins", "pack", package.to_str().unwrap()]);
    assert_eq!(
        (packed["archive"].as_str(), packed["signed"].as_bool()),
        (Some(ARCHIVE), Some(false)),
        "{packed}"
    );
    assert_eq!(kind(folder, &["plugins", "install", ARCHIVE]), "permission-denied", "nobody vouches for it");

    key(folder);
    good(folder, &["plugins", "sign", ARCHIVE, "--key", "example-lab.key"]);
    assert_eq!(run(folder, &["plugins", "verify", ARCHIVE]).0, 1, "the key is not trusted yet");
    assert_eq!(kind(folder, &["plugins", "install", ARCHIVE]), "permission-denied");
    trust(folder);
    let found = good(folder, &["plugins", "verify", ARCHIVE]);
    assert_eq!(
        (found["verdict"].as_str(), found["by"].as_str()),
        (Some("signed"), Some("example-lab")),
        "{found}"
    );

    good(folder, &["plugins", "install", ARCHIVE]);
    let step = dim(folder);
    assert!(step["trust"].as_str().unwrap().starts_with("signed by example-lab"), "{step}");
    good(folder, &["plugins", "verify", ID]);
    let listed = good(folder, &["plugins", "list"]);
    assert!(listed[0]["trust"].as_str().unwrap().starts_with("signed by"), "{listed}");
    let why = good(folder, &["plugins", "why", "dim"]);
    assert!(why["plugins"][0]["trust"].as_str().unwrap().starts_with("signed by"), "{why}");
    let said =
        succeed(parfocal(folder).args(["--verbose", "run", "dim", "in.tif", "-o", "again.ome.tif"])).stderr;
    assert!(
        String::from_utf8_lossy(&said).contains("is signed by example-lab"),
        "{}",
        String::from_utf8_lossy(&said)
    );

    good(folder, &["plugins", "remove", ID]);
    assert_eq!(kind(folder, &["run", "dim", "in.tif", "-o", "gone.ome.tif"]), "not-found");
    assert_eq!(kind(folder, &["plugins", "remove", ID]), "not-found");
}

#[test]
fn a_changed_plugin_is_refused_wherever_it_lies_and_one_whose_key_is_trusted_no_more_too() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let package = built(folder);
    key(folder);
    trust(folder);
    let made = package.to_str().unwrap();
    good(folder, &["plugins", "sign", made, "-k", "example-lab.key"]);
    good(folder, &["plugins", "install", made]);
    let installed = folder.join("home/data/parfocal/plugins").join(package.file_name().unwrap());
    fs::write(installed.join("note.txt"), "I was here").unwrap();
    let (_, listed) = run(folder, &["plugins", "list"]);
    assert_eq!(listed[0]["usable"], false, "{listed}");
    assert!(listed[0]["refusals"][0].as_str().unwrap().contains("note.txt is not in the list"), "{listed}");
    let (code, document) = run(folder, &["run", "dim", "in.tif", "-o", "out.ome.tif"]);
    let message = document["error"]["message"].as_str().unwrap();
    assert!(code == 1 && message.contains("note.txt is not in the list"), "{document}");
    assert_eq!(run(folder, &["plugins", "verify", ID]).0, 1);

    // In a developer's folder it is refused as well: a signature that does not fit is no accident.
    fs::write(package.join("note.txt"), "I was here").unwrap();
    let plugins = package.parent().unwrap().to_str().unwrap();
    let (_, why) = run(folder, &["--plugins", plugins, "plugins", "why", ID]);
    let codes: Vec<_> =
        why["plugins"].as_array().unwrap().iter().map(|one| one["verdict"]["code"].as_str()).collect();
    assert_eq!(codes, [Some("tampered"), Some("tampered")], "{why}");

    fs::remove_file(installed.join("note.txt")).unwrap();
    dim(folder);
    good(folder, &["plugins", "trust", "remove", "example-lab"]);
    let (_, why) = run(folder, &["plugins", "why", ID]);
    assert_eq!(why["plugins"][0]["verdict"]["code"], "untrusted", "{why}");
}

#[test]
fn an_unsigned_plugin_is_used_with_a_word_that_results_keep() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let package = built(folder);
    let step = {
        let plugins = package.parent().unwrap().to_str().unwrap();
        fs::write(folder.join("in.tif"), tiff(1, &[1])).unwrap();
        let document = good(folder, &["--plugins", plugins, "run", "dim", "in.tif", "-o", "out.ome.tif"]);
        document["steps"][0].clone()
    };
    assert!(step["trust"].as_str().unwrap().contains("from a folder that the user named"), "{step}");
    let made = package.to_str().unwrap();
    assert_eq!(kind(folder, &["plugins", "install", made]), "permission-denied");
    good(folder, &["plugins", "install", made, "--allow-unsigned"]);
    let step = dim(folder);
    assert!(step["trust"].as_str().unwrap().starts_with("unsigned, allowed by the user on "), "{step}");
    let notes = fs::read(folder.join("out.ome.tif")).unwrap();
    assert!(
        String::from_utf8_lossy(&notes).contains("unsigned, allowed by the user on "),
        "the image keeps it"
    );
    // Copied there by hand, nobody allowed it.
    let installed = folder.join("home/data/parfocal/plugins").join(package.file_name().unwrap());
    fs::remove_file(folder.join("home/state/parfocal/installed.toml")).unwrap();
    assert!(installed.is_dir());
    let (code, document) = run(folder, &["run", "dim", "in.tif", "-o", "out.ome.tif"]);
    assert!(
        code == 1 && document["error"]["message"].as_str().unwrap().contains("nobody allowed it"),
        "{document}"
    );
}

#[test]
fn plugins_come_from_a_signed_index_by_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let package = built(folder);
    key(folder);
    good(folder, &["plugins", "sign", package.to_str().unwrap(), "-k", "example-lab.key"]);
    good(folder, &["plugins", "pack", package.to_str().unwrap(), "-o", "shelf"]);
    let index = [
        "plugins",
        "index",
        "shelf",
        "--name",
        "org.example.plugins",
        "--expires-in",
        "90d",
        "-k",
        "example-lab.key",
    ];
    let written = good(folder, &index);
    assert_eq!(written["package"][0]["report"], Value::Null, "nobody says that there is one: {written}");
    let install = ["plugins", "install", "org.example.dim@^0.1", "--from", "shelf"];
    assert_eq!(kind(folder, &install), "permission-denied", "the index's key is not trusted");
    trust(folder);
    assert_eq!(kind(folder, &["plugins", "install", "org.example.dim@^1", "--from", "shelf"]), "not-found");
    let installed = good(folder, &install);
    assert_eq!(installed["vouched"]["signed"]["by"], "example-lab", "{installed}");
    dim(folder);
    let record = fs::read_to_string(folder.join("home/state/parfocal/installed.toml")).unwrap();
    assert!(record.contains("org.example.plugins number 1 of "), "{record}");
}

#[test]
fn an_index_has_the_level_that_a_report_of_the_suite_proves_for_the_archive_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let package = built(folder);
    let package = package.to_str().unwrap();
    key(folder);
    good(folder, &["plugins", "sign", package, "-k", "example-lab.key"]);
    good(folder, &["plugins", "pack", package, "-o", "shelf"]);
    let path = folder.join("shelf/org.example.dim-0.1.0.report.json");
    let key = "example-lab.key";
    let index =
        ["plugins", "index", "shelf", "--name", "org.example.plugins", "--expires-in", "90d", "-k", key];

    // As the suite writes it.
    let (_, said) = run(folder, &["conform", package, "--report", path.to_str().unwrap()]);
    let report: Value =
        serde_json::from_slice(&fs::read(&path).unwrap()).unwrap_or_else(|error| panic!("{error}: {said}"));
    let level =
        report["summary"]["reached"].as_str().unwrap_or_else(|| panic!("no level: {}", report["summary"]));
    let written = good(folder, &index);
    assert_eq!(written["package"][0]["report"]["level"], level, "{written}");

    let refused = |why: &str, change: &dyn Fn(&mut Value)| {
        let mut report = report.clone();
        change(&mut report);
        fs::write(&path, report.to_string()).unwrap();
        assert_eq!(kind(folder, &index), "corrupt", "{why}");
    };
    refused("a level that its results do not carry", &|report| report["summary"]["reached"] = "L4".into());
    refused("a run of profile ci shows no level 3", &|report| report["summary"]["reached"] = "L3".into());
    refused("nothing but a level", &|report| *report = serde_json::json!({ "level": "L4" }));
    refused("a weakened run", &|report| {
        report["configuration"]["weakened"] = serde_json::json!(["MAN-01 is waived"]);
    });
    refused("another version", &|report| report["plugin"]["version"] = "0.2.0".into());
    refused("another manifest", &|report| report["plugin"]["manifest-sha256"] = "0".repeat(64).into());
    refused("other code", &|report| {
        for digest in report["plugin"]["files"].as_object_mut().unwrap().values_mut() {
            *digest = "0".repeat(64).into();
        }
    });
    fs::remove_file(&path).unwrap();
    assert_eq!(good(folder, &index)["package"][0]["report"], Value::Null);
}

#[test]
fn a_key_with_a_password_signs_with_it_only_and_secrets_are_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let package = built(folder);
    let with = |password: &str, arguments: &[&str]| {
        json(parfocal(folder).env("PARFOCAL_KEY_PASSWORD", password).args(arguments))
    };
    let (code, made) = with("word", &["plugins", "keys", "new", "--name", "Example Lab"]);
    assert_eq!(code, 0, "{made}");
    let secret = fs::read_to_string(made["secret"].as_str().unwrap()).unwrap();
    assert!(!made.to_string().contains(secret.lines().nth(1).unwrap()), "{made}");
    let sign = ["plugins", "sign", package.to_str().unwrap()];
    let (code, document) = with("wrong", &sign);
    assert_eq!((code, document["error"]["kind"].as_str()), (1, Some("permission-denied")), "{document}");
    assert!(!package.join("plugin.minisig").exists());
    let (code, document) = with("word", &sign);
    assert_eq!((code, &document["key"]), (0, &made["key"]), "the only key needs no name: {document}");
    for name in ["example-lab", "example-lab.key"] {
        let (code, document) = with("word", &["plugins", "sign", package.to_str().unwrap(), "--key", name]);
        assert_eq!((code, &document["key"]), (0, &made["key"]), "{name}: {document}");
    }
    assert_eq!(with("", &["plugins", "keys", "new", "--name", "Other"]).0, 2);
    assert_eq!(
        kind(folder, &["plugins", "keys", "new", "--name", "Example Lab", "--no-password"]),
        "invalid-argument"
    );
}

#[test]
fn what_cannot_be_meant_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("no.pfp"), "no archive").unwrap();
    for (arguments, expected) in [
        (&["plugins", "pack", "."][..], "not-found"),
        (&["plugins", "install", "missing.pfp"], "not-found"),
        (&["plugins", "install", "no.pfp"], "corrupt"),
        (&["plugins", "install", "org.example.dim", "--from", "nowhere"], "not-found"),
        (&["plugins", "sign", "no.pfp"], "not-found"),
        (&["plugins", "verify", "org.example.dim"], "not-found"),
        (&["plugins", "trust", "remove", "nobody"], "not-found"),
        (&["plugins", "trust", "add", "no.pfp", "--for", "org.example"], "corrupt"),
    ] {
        assert_eq!(kind(folder, arguments), expected, "{arguments:?}");
    }
    let code = |arguments: &[&str]| parfocal(folder).args(arguments).output().unwrap().status.code();
    assert_eq!(code(&["plugins", "verify", "no.pfp"]), Some(1));
    assert_eq!(code(&["plugins", "install", "a.b", "--from", "http://a.example"]), Some(2));
    assert_eq!(code(&["plugins", "trust", "add", "no.pfp", "--for", "org"]), Some(2));
}

#[test]
fn only_what_is_signed_and_proved_is_granted_the_programs_own_process() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let package = built(folder);
    let package = package.to_str().unwrap();
    fn beside<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
        [&["--plugins", "dim/target/parfocal"], arguments].concat()
    }
    let in_process = beside(&["run", "dim", "--in-process", "in.tif", "-o", "out.ome.tif"]);
    fs::write(folder.join("in.tif"), tiff(3, &[0, 99, 100, 101, 4095, 65535])).unwrap();
    assert_eq!(kind(folder, &in_process), "permission-denied", "not granted");

    let (_, said) = run(folder, &["conform", package, "--case", "MAN-01", "--report", "report.json"]);
    let mut report: Value = serde_json::from_slice(&fs::read(folder.join("report.json")).unwrap())
        .unwrap_or_else(|error| panic!("{error}: {said}"));
    let grant = beside(&["plugins", "grant", ID, "--report", "report.json"]);
    assert_eq!(kind(folder, &grant), "permission-denied", "nobody signed it");
    key(folder);
    trust(folder);
    good(folder, &["plugins", "sign", package, "--key", "example-lab.key"]);
    assert_eq!(kind(folder, &grant), "permission-denied", "the report is of one case");

    // What a whole run of half an hour would have written.
    report["configuration"]["profile"] = "full".into();
    report["configuration"]["weakened"] = Value::Array(Vec::new());
    let cases = good(folder, &["conform", "--list"]);
    let passed = cases.as_array().unwrap().iter().map(|case| {
        let (id, level, severity) = (&case["case"], &case["level"], &case["severity"]);
        serde_json::json!({ "case": id, "level": level, "severity": severity, "status": "pass", "sentence": "" })
    });
    report["results"] = passed.collect();
    report["summary"]["reached"] = "L2".into();
    let write = |report: &Value| fs::write(folder.join("report.json"), report.to_string()).unwrap();
    write(&report);
    assert_eq!(kind(folder, &grant), "permission-denied", "level 2 is not enough");
    report["summary"]["reached"] = "L3".into();
    let files = report["plugin"]["files"].as_object().unwrap().clone();
    report["plugin"]["files"] =
        files.keys().map(|path| (path.clone(), Value::from("0".repeat(64)))).collect();
    write(&report);
    assert_eq!(kind(folder, &grant), "permission-denied", "the report is about another build");
    report["plugin"]["files"] = Value::Object(files);
    report["results"][0]["status"] = "fail".into();
    write(&report);
    assert_eq!(kind(folder, &grant), "permission-denied", "its results do not carry the level");
    report["results"][0]["status"] = "pass".into();
    write(&report);
    good(folder, &grant);
    good(folder, &in_process);
    good(folder, &["plugins", "trust", "remove", "example-lab"]);
    good(folder, &beside(&["run", "dim", "in.tif", "-o", "worker.ome.tif"]));
    assert_eq!(kind(folder, &in_process), "permission-denied", "signed by a key that is trusted no more");
    trust(folder);
    good(folder, &in_process);
    good(folder, &beside(&["plugins", "revoke", ID]));
    assert_eq!(kind(folder, &in_process), "permission-denied", "taken back");
}
