//! Keys and signatures, ours and those of the tool `minisign`.

use std::{fs, path::PathBuf};

use parfocal_trust::{KeyPair, PublicKey, SecretKey, Signature, TrustStore, TrustedKey};

use crate::support::{Lab, corrupt, now, refused};

fn data(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/minisign").join(name)
}

#[test]
fn signatures_of_the_tool_are_verified() {
    let message = fs::read(data("message.txt")).unwrap();
    for (key, signature) in [("tool.pub", "message.txt.minisig"), ("bare.pub", "bare.minisig")] {
        let (key, signature) =
            (PublicKey::from_file(&data(key)).unwrap(), Signature::from_file(&data(signature)).unwrap());
        assert_eq!((key.id(), signature.comment()), (signature.key(), "a trusted comment"));
        assert!(key.signed(&message, &signature));
        assert!(!key.signed(b"something else", &signature));
    }
    assert_eq!(PublicKey::from_file(&data("tool.pub")).unwrap().id().to_string(), "4728C2DE49957085");
    let bare = PublicKey::from_file(&data("bare.pub")).unwrap();
    assert!(
        !bare.signed(&message, &Signature::from_file(&data("message.txt.minisig")).unwrap()),
        "another key's"
    );
    let legacy = Signature::from_file(&data("legacy.minisig")).unwrap();
    assert!(!bare.signed(&message, &legacy), "the old form, which does not hash first, is not taken");
}

/// The example of minisign's own documentation, and of its author's crates.
#[test]
fn the_published_example_is_verified() {
    let key = PublicKey::parse("RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3").unwrap();
    let text = "untrusted comment: signature from minisign secret key
RUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=
trusted comment: timestamp:1556193335\tfile:test
y/rUw2y8/hOUYjZU71eHp/Wo1KZ40fGy2VJEDl34XMJM+TX48Ss/17u3IvIfbVR1FkZZSNCisQbuQY+bHwhEBg==
";
    let signature = Signature::parse(text).unwrap();
    assert!(key.signed(b"test", &signature));
    assert!(!key.signed(b"Test", &signature));
}

#[test]
fn secret_keys_of_the_tool_sign_with_and_without_a_password() {
    for (name, password) in [("tool", Some("secret")), ("bare", None)] {
        let path = data(&format!("{name}.key"));
        assert_eq!(SecretKey::is_encrypted(&path).unwrap(), password.is_some(), "{name}");
        let key = SecretKey::from_file(&path, password).unwrap();
        let public = PublicKey::from_file(&data(&format!("{name}.pub"))).unwrap();
        assert_eq!(key.public().unwrap(), public, "{name}");
        let signature = Signature::parse(&key.sign(b"bytes", "why").unwrap()).unwrap();
        assert!(public.signed(b"bytes", &signature) && signature.comment() == "why");
    }
    refused(SecretKey::from_file(&data("tool.key"), Some("wrong")), "permission-denied");
    refused(SecretKey::from_file(&data("tool.key"), None), "permission-denied");
    corrupt(SecretKey::from_file(&data("tool.pub"), None));
}

#[test]
fn a_damaged_key_without_checksum_signs_nothing() {
    let text = fs::read_to_string(data("bare.key")).unwrap();
    let lab = Lab::new();
    let path = lab.path("damaged.key");
    // The 100th character of the second line lies in the secret half, whatever the key.
    let at = text.find('\n').unwrap() + 100;
    let other = if text[at..].starts_with('A') { "B" } else { "A" };
    fs::write(&path, [&text[..at], other, &text[at + 1..]].concat()).unwrap();
    corrupt(SecretKey::from_file(&path, None).and_then(|key| key.sign(b"bytes", "why")));
}

#[test]
fn keys_are_written_for_their_owner_only_and_never_overwritten() {
    let lab = Lab::new();
    let (public, secret) = (lab.path("a.pub"), lab.path("a.key"));
    let pair = KeyPair::generate("A\nLab", Some("word")).unwrap();
    pair.write(&public, &secret).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&secret).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(&PublicKey::from_file(&public).unwrap(), pair.public());
    assert_eq!(SecretKey::from_file(&secret, Some("word")).unwrap().id(), pair.public().id());
    let before = fs::read(&secret).unwrap();
    refused(KeyPair::generate("B", None).unwrap().write(&public, &secret), "invalid-argument");
    assert_eq!(fs::read(&secret).unwrap(), before);
    let shown = format!("{pair:?} {:?}", pair.secret(Some("word")).unwrap());
    assert!(!shown.contains(&String::from_utf8_lossy(&before).lines().nth(1).unwrap()[..20]), "{shown}");
    assert!(shown.len() < 80, "{shown}");
}

#[test]
fn what_is_no_key_and_no_signature_is_refused() {
    for wrong in ["", "RWQ", "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO", &"A".repeat(56), "ü"]
    {
        corrupt(PublicKey::parse(wrong));
        corrupt(Signature::parse(wrong));
    }
    let good = fs::read_to_string(data("bare.minisig")).unwrap();
    for cut in 0..good.trim_end().len() - 1 {
        if let Some(text) = good.get(..cut) {
            corrupt(Signature::parse(text));
        }
    }
}

#[test]
fn the_store_keeps_what_was_said_and_refuses_what_makes_no_sense() {
    let lab = Lab::new();
    let key = |name: &str, pair: &KeyPair| TrustedKey {
        name: name.into(),
        public: pair.public().clone(),
        prefixes: vec!["org.example".parse().unwrap()],
        indexes: Vec::new(),
        added: now(),
        expires: None,
    };
    let other = KeyPair::generate("Other", None).unwrap();
    let mut store = lab.store();
    refused(store.add(key("Again", &lab.pair)), "invalid-argument");
    refused(store.add(key("Example Lab", &other)), "invalid-argument");
    for name in ["", " a", "a\nb", &"a".repeat(65)] {
        refused(store.add(key(name, &other)), "invalid-argument");
    }
    refused(store.add(TrustedKey { prefixes: Vec::new(), ..key("Other", &other) }), "invalid-argument");
    refused(store.remove("nobody"), "not-found");
    store.add(key("Other", &other)).unwrap();
    assert_eq!(lab.store().keys(), store.keys());
    assert_eq!(store.remove(&other.public().id().to_string().to_lowercase()).unwrap().len(), 1);
    assert_eq!(lab.store().keys().len(), 1);
    fs::write(lab.state().join("trust.toml"), "format = 2\n").unwrap();
    assert!(corrupt(TrustStore::open(&lab.state())).contains("format 2"));
}
