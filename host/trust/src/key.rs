//! minisign keys and signatures.
//!
//! Signing and verifying are the crates of minisign's own author; files are exchangeable with the tool: `minisign -V -m
//! FILES.sha256 -x plugin.minisig -p lab.pub`.

use std::{fmt, fs, io::Write as _, path::Path};

use ct_codecs::{Base64, Decoder as _};
use parfocal_types::{Error, ErrorKind, Result};

use crate::walk::cannot;

/// Longest key or signature file that is read, in bytes: they have two or four lines.
const LONGEST: u64 = 4096;

/// What minisign writes before its first line's comment.
const COMMENT: &str = "untrusted comment: ";

/// The number that minisign gives a key, to tell which key a signature needs. It is no proof: two keys can have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(u64);

impl KeyId {
    fn new(bytes: &[u8]) -> Self {
        Self(bytes.iter().rev().fold(0, |id, byte| id << 8 | u64::from(*byte)))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016X}", self.0)
    }
}

impl std::str::FromStr for KeyId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let digits =
            Some(text).filter(|text| text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit()));
        digits.and_then(|digits| u64::from_str_radix(digits, 16).ok()).map(Self).ok_or_else(|| {
            Error::invalid_argument(format!("`{text}` is not the number of a key"))
                .with_remedy("write its 16 hexadecimal digits")
        })
    }
}

impl serde::Serialize for KeyId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for KeyId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <String as serde::Deserialize>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A key that signatures are held against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    key: minisign_verify::PublicKey,
    id: KeyId,
    text: String,
}

impl PublicKey {
    /// Reads a key from its 56 characters, as they stand in the second line of a key file.
    ///
    /// # Errors
    /// `corrupt` when it is none.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        let wrong = || {
            Error::new(ErrorKind::Corrupt { what: "a public key".into() }, "this is no minisign public key")
                .with_remedy(
                    "name the file with the public key (`<name>.pub`): two lines, the second begins with RW",
                )
        };
        let key = minisign_verify::PublicKey::from_base64(text).map_err(|_| wrong())?;
        let id = minisign::PublicKey::from_base64(text).map_err(|_| wrong())?;
        Ok(Self { key, id: KeyId::new(id.keynum()), text: text.to_owned() })
    }

    /// Reads a key file: a comment, then the key.
    ///
    /// # Errors
    /// As [`parse`](Self::parse), and what the system says when the file cannot be read.
    pub fn from_file(path: &Path) -> Result<Self> {
        let text = small(path)?;
        let line = text.lines().find(|line| !line.is_empty() && !line.starts_with(COMMENT));
        Self::parse(line.unwrap_or_default()).map_err(|error| error.context(path.display()))
    }

    /// The key's number.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The key in its 56 characters.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the signature is by this key and over these bytes, its trusted comment too.
    #[must_use]
    pub fn signed(&self, bytes: &[u8], signature: &Signature) -> bool {
        self.key.verify(bytes, &signature.signature, false).is_ok()
    }
}

/// A signature, not yet held against any key.
#[derive(Clone)]
pub struct Signature {
    signature: minisign_verify::Signature,
    key: KeyId,
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature(by {}, {:?})", self.key, self.comment())
    }
}

impl Signature {
    /// Reads the four lines of a signature.
    ///
    /// # Errors
    /// `corrupt` when they are none.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = || {
            Error::new(ErrorKind::Corrupt { what: "a signature".into() }, "this is no minisign signature")
                .with_remedy("get the package again; if it is your own, sign it again")
        };
        if text.len() as u64 > LONGEST {
            return Err(wrong());
        }
        let signature = minisign_verify::Signature::decode(text).map_err(|_| wrong())?;
        let boxed = minisign::SignatureBox::from_string(text).map_err(|_| wrong())?;
        Ok(Self { signature, key: KeyId::new(boxed.keynum()) })
    }

    /// Reads a signature file.
    ///
    /// # Errors
    /// As [`parse`](Self::parse), and what the system says when the file cannot be read.
    pub fn from_file(path: &Path) -> Result<Self> {
        Self::parse(&small(path)?).map_err(|error| error.context(path.display()))
    }

    /// The number of the key that it says it is by.
    #[must_use]
    pub fn key(&self) -> KeyId {
        self.key
    }

    /// The comment that the signature covers.
    #[must_use]
    pub fn comment(&self) -> &str {
        self.signature.trusted_comment()
    }
}

/// A key that signs. It is shown nowhere.
pub struct SecretKey(minisign::SecretKey);

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({})", self.id())
    }
}

impl SecretKey {
    /// Whether the key in a file is encrypted with a password.
    ///
    /// # Errors
    /// `corrupt` when it is no key, what the system says when the file cannot be read.
    pub fn is_encrypted(path: &Path) -> Result<bool> {
        let text = small(path)?;
        let bytes = decoded(&text).unwrap_or_default();
        // Two bytes of each for the algorithms of signature, encryption and checksum.
        match bytes.get(..6) {
            Some([b'E', b'd', 0, 0, ..]) => Ok(false),
            Some([b'E', b'd', b'S', b'c', ..]) => Ok(true),
            _ => Err(no_key(path)),
        }
    }

    /// Reads a key file.
    ///
    /// # Errors
    /// `permission-denied` for a wrong password, `corrupt` when it is no key, what the system says when the file cannot be
    /// read.
    pub fn from_file(path: &Path, password: Option<&str>) -> Result<Self> {
        let text = small(path)?;
        match open(&text, password) {
            Ok(key) => Ok(Self(key)),
            Err(_) if password.is_none() && Self::is_encrypted(path)? => Err(Error::new(
                ErrorKind::PermissionDenied { permission: format!("use {}", path.display()) },
                format!("the key {} needs its password", path.display()),
            )
            .with_remedy("give the password of the key")),
            Err(error) if is_wrong_password(&error) => Err(Error::new(
                ErrorKind::PermissionDenied { permission: format!("use {}", path.display()) },
                format!("this is not the password of the key {}", path.display()),
            )
            .with_remedy("try again; without its password a key is lost, make another one")),
            Err(_) => Err(no_key(path)),
        }
    }

    /// The key's number.
    #[must_use]
    pub fn id(&self) -> KeyId {
        KeyId::new(self.0.keynum())
    }

    /// The public key that belongs to it.
    ///
    /// # Errors
    /// `corrupt` when the key is damaged.
    pub fn public(&self) -> Result<PublicKey> {
        let key =
            minisign::PublicKey::from_secret_key(&self.0).map_err(|_| Error::corrupt("the secret key"))?;
        PublicKey::parse(&key.to_base64())
    }

    /// Signs bytes, with a comment that the signature covers. Gives the four lines of a signature.
    ///
    /// # Errors
    /// `corrupt` when the key is damaged, `internal` when the system has no random numbers.
    pub fn sign(&self, bytes: &[u8], comment: &str) -> Result<String> {
        let untrusted = format!("signature from minisign secret key {}", self.id());
        let text = minisign::sign(None, &self.0, bytes, Some(comment), Some(&untrusted))
            .map(minisign::SignatureBox::into_string)
            .map_err(|error| Error::internal(format!("cannot sign: {error}")))?;
        // The halves of a damaged key do not belong together: what it signs is worth nothing.
        if self.public()?.signed(bytes, &Signature::parse(&text)?) {
            return Ok(text);
        }
        Err(Error::corrupt("the secret key").with_remedy("use a copy of it that is whole"))
    }
}

/// Reads a secret key without asking anybody for a password: no password means a key that has none.
fn open(text: &str, password: Option<&str>) -> Result<minisign::SecretKey, minisign::PError> {
    let key = minisign::SecretKeyBox::from_string(text)?;
    match password {
        Some(password) => key.into_secret_key(Some(password.to_owned())),
        None => key.into_unencrypted_secret_key().or_else(|error| without_checksum(text).ok_or(error)),
    }
}

/// Reads a key without a password as the tool `minisign` writes it: it leaves the checksum at zero, which the crate takes
/// for damage. Each signature by such a key is verified, so that a damaged one signs nothing.
fn without_checksum(text: &str) -> Option<minisign::SecretKey> {
    const CHECKSUM: usize = 32;
    let bytes = decoded(text)?;
    let start = bytes.len().checked_sub(CHECKSUM)?;
    let bare = bytes.get(2..4)? == [0, 0] && bytes.get(start..)?.iter().all(|byte| *byte == 0);
    minisign::SecretKey::from_bytes(&bytes).ok().filter(|_| bare)
}

/// The bytes of the key in the second line.
fn decoded(text: &str) -> Option<Vec<u8>> {
    Base64::decode_to_vec(text.lines().nth(1)?.trim(), None).ok()
}

fn is_wrong_password(error: &minisign::PError) -> bool {
    matches!(error.kind(), minisign::ErrorKind::Verify)
}

fn no_key(path: &Path) -> Error {
    Error::new(
        ErrorKind::Corrupt { what: path.display().to_string() },
        format!("{} is no minisign secret key", path.display()),
    )
    .with_remedy("name the file with the secret key (`<name>.key`); `parfocal plugins keys new` makes one")
}

/// Two keys that belong together, as text for files.
pub struct KeyPair {
    public: PublicKey,
    public_text: String,
    secret_text: String,
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyPair({})", self.public.id)
    }
}

impl KeyPair {
    /// Makes keys, with a name in their comments. With a password the secret key is encrypted, so that its file alone is
    /// worth nothing.
    ///
    /// # Errors
    /// `internal` when the system has no random numbers.
    pub fn generate(name: &str, password: Option<&str>) -> Result<Self> {
        let failed = |error: minisign::PError| Error::internal(format!("cannot make a key: {error}"));
        let name = name.replace(char::is_control, " ");
        let pair = match password {
            Some(password) => minisign::KeyPair::generate_encrypted_keypair(Some(password.to_owned())),
            None => minisign::KeyPair::generate_unencrypted_keypair(),
        }
        .map_err(failed)?;
        let public = PublicKey::parse(&pair.pk.to_base64())?;
        let secret = pair.sk.to_box(Some(&format!("{name}, minisign secret key"))).map_err(failed)?;
        Ok(Self {
            public_text: format!("{COMMENT}{name}, minisign public key {}\n{}\n", public.id, public.text),
            secret_text: secret.into_string(),
            public,
        })
    }

    /// The public key.
    #[must_use]
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The secret key, opened with its password.
    ///
    /// # Errors
    /// `permission-denied` for another password.
    pub fn secret(&self, password: Option<&str>) -> Result<SecretKey> {
        open(&self.secret_text, password).map(SecretKey).map_err(|_| {
            let kind = ErrorKind::PermissionDenied { permission: "use the key".into() };
            Error::new(kind, "this is not the password of the key")
                .with_remedy("give the one it was made with")
        })
    }

    /// Writes the public and the secret key into files that do not exist yet; the secret one only its owner can read.
    ///
    /// # Errors
    /// `invalid-argument` when a file is there already: a key is never overwritten; what the system says when one cannot
    /// be written.
    pub fn write(&self, public: &Path, secret: &Path) -> Result<()> {
        create(secret, &self.secret_text, true)?;
        create(public, &self.public_text, false).inspect_err(|_| {
            // A secret key whose public half was lost is of no use to anybody.
            let _ = fs::remove_file(secret);
        })
    }
}

fn create(path: &Path, text: &str, secret: bool) -> Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if secret {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    #[cfg(not(unix))]
    let _ = secret;
    let mut file = options.open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Error::invalid_argument(format!("there is a key {} already", path.display())).with_remedy(
                "choose another name, or move the old key away; without it nothing can be signed as before",
            )
        }
        _ => cannot("write", path, error),
    })?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(|error| cannot("write", path, error))
}

/// Reads a small text file.
fn small(path: &Path) -> Result<String> {
    let size = fs::metadata(path).map_err(|error| cannot("read", path, error))?.len();
    if size > LONGEST {
        let message = format!("{} is no file of minisign: it has {size} bytes", path.display());
        return Err(Error::new(ErrorKind::Corrupt { what: path.display().to_string() }, message)
            .with_remedy("name a key or a signature"));
    }
    fs::read_to_string(path).map_err(|error| cannot("read", path, error))
}
