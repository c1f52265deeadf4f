//! A package's folder, held against its own list and manifest.

use std::{
    fs, io,
    io::{Read as _, Write as _},
    path::Path,
};

use parfocal_core::Sha256;
use parfocal_manifest::{FILE_NAME, Manifest};
use parfocal_types::{Error, ErrorKind, Result};

use crate::{
    files::{FileList, LIST_FILE},
    key::{SecretKey, Signature},
    limits::Limits,
    walk::cannot,
};

/// The file name of the signature over the list, at the top of a package.
pub const SIGNATURE_FILE: &str = "plugin.minisig";

/// Most differences that one sentence names.
const SHOWN: usize = 4;

/// Longest list that is read, in bytes: ten thousand files have a tenth of it.
const LONGEST_LIST: u64 = 16 << 20;

/// What is in a package's folder. It exists only when the folder agrees with itself: every file has the digest of the list,
/// no file is missing or added, the manifest is valid and names artifacts that are there with their digests, and the
/// signature is for this plugin and version.
///
/// Whether the signature is right and by whom is for [`TrustStore::judge`](crate::TrustStore::judge) to say.
#[derive(Debug, Clone)]
pub struct Package {
    manifest: Manifest,
    files: FileList,
    signature: Option<Signature>,
}

impl Package {
    /// Reads a folder.
    ///
    /// # Errors
    /// `corrupt` with what does not agree; `not-found` when there is no manifest; those of a manifest that is wrong.
    pub fn read(folder: &Path, limits: &Limits) -> Result<Self> {
        let (files, manifest) = FileList::with_manifest(folder, limits)?;
        let stated = optional(&folder.join(LIST_FILE))?;
        let signature = optional(&folder.join(SIGNATURE_FILE))?;
        // What is wrong with a manifest that was changed is not for its author to hear.
        let manifest = parse(folder, manifest);
        let label = manifest.as_ref().map_or_else(|_| folder.display().to_string(), Manifest::label);
        let signature = match (stated, signature) {
            (None, None) => None,
            (Some(_), None) => {
                return Err(broken(&label, format!("its list {LIST_FILE} is there, the signature is not")));
            }
            (None, Some(_)) => {
                return Err(broken(&label, format!("its signature is there, the list {LIST_FILE} is not")));
            }
            (Some(stated), Some(signature)) => {
                let stated = FileList::parse(&stated, limits)?;
                let differences = stated.differences(&files);
                if !differences.is_empty() {
                    return Err(broken(&label, some(&differences)));
                }
                Some(Signature::parse(&signature)?)
            }
        };
        let manifest = manifest?;
        if let Some(signature) = &signature
            && signature.comment() != comment(&manifest)
        {
            let why = format!("the signature in it is for something else: `{}`", signature.comment());
            return Err(broken(&label, why));
        }
        let package = Self { manifest, files, signature };
        package.artifacts()?;
        Ok(package)
    }

    /// The manifest.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The digest of every file.
    #[must_use]
    pub fn files(&self) -> &FileList {
        &self.files
    }

    /// The signature, which is over the text of [`files`](Self::files).
    #[must_use]
    pub fn signature(&self) -> Option<&Signature> {
        self.signature.as_ref()
    }

    /// Whether every artifact of the manifest is there with its digest.
    fn artifacts(&self) -> Result<()> {
        let label = self.manifest.label();
        if self.manifest.artifacts.is_empty() {
            return Err(Error::invalid_argument(format!("{label} has no code yet"))
                .with_remedy("run `parfocal build` in its folder, and take the folder that it makes"));
        }
        for artifact in &self.manifest.artifacts {
            let expected = Sha256(artifact.sha256.0);
            match self.files.get(artifact.path.as_str()) {
                Some(found) if found == expected => {}
                Some(found) => {
                    let why = format!(
                        "the manifest says that {} has sha256 {expected}, it has {found}",
                        artifact.path
                    );
                    return Err(broken(&label, why));
                }
                None => {
                    return Err(broken(&label, format!("{} of the manifest is not there", artifact.path)));
                }
            }
        }
        Ok(())
    }
}

/// Writes the list and its signature into a package's folder, over those that are there.
///
/// # Errors
/// Those of [`Package::read`] but for the old list and signature, and what the system says when a file cannot be written.
pub fn sign(folder: &Path, key: &SecretKey, limits: &Limits) -> Result<Package> {
    let (files, manifest) = FileList::with_manifest(folder, limits)?;
    let manifest = parse(folder, manifest)?;
    let package = Package { manifest, files, signature: None };
    package.artifacts()?;
    let text = package.files.to_text();
    let signature = key.sign(text.as_bytes(), &comment(&package.manifest))?;
    // Between the two the package is broken, not unsigned: whoever looks now refuses it.
    replace(&folder.join(LIST_FILE), &text)?;
    replace(&folder.join(SIGNATURE_FILE), &signature)?;
    Package::read(folder, limits)
}

/// The comment that a signature covers: it ties the signature to one plugin and version, and to plugins.
fn comment(manifest: &Manifest) -> String {
    format!("parfocal-plugin id:{} version:{}", manifest.plugin.id, manifest.plugin.version)
}

/// The manifest in the bytes that were hashed.
fn parse(folder: &Path, bytes: Option<Vec<u8>>) -> Result<Manifest> {
    let path = folder.join(FILE_NAME);
    let bytes = bytes.ok_or_else(|| {
        Error::not_found(format!("there is no {FILE_NAME} in {}", folder.display()))
            .with_remedy("name the folder of a package; `parfocal build` tells where it made one")
    })?;
    if bytes.len() > parfocal_manifest::MAX_BYTES {
        let why = format!("it has more than {} bytes, too many for a manifest", parfocal_manifest::MAX_BYTES);
        return Err(broken(&path.display().to_string(), why));
    }
    Manifest::from_bytes(&bytes).map_err(|error| Error::from(error).context(path.display()))
}

fn optional(path: &Path) -> Result<Option<String>> {
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(cannot("read", path, error)),
    };
    let mut bytes = Vec::new();
    file.take(LONGEST_LIST + 1).read_to_end(&mut bytes).map_err(|error| cannot("read", path, error))?;
    let wrong = |why: &str| broken(&path.display().to_string(), why.to_owned());
    if bytes.len() as u64 > LONGEST_LIST {
        return Err(wrong("it is too long"));
    }
    String::from_utf8(bytes).map(Some).map_err(|_| wrong("it is no text"))
}

fn replace(path: &Path, text: &str) -> Result<()> {
    let failed = |error| cannot("write", path, error);
    let mut file = tempfile_beside(path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// A temporary file in the folder of `path`, as readable as any that the user makes.
pub(crate) fn tempfile_beside(path: &Path) -> io::Result<tempfile::NamedTempFile> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".parfocal-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

fn some(differences: &[String]) -> String {
    let shown = differences.iter().take(SHOWN).cloned().collect::<Vec<_>>().join("; ");
    match differences.len() {
        0..=SHOWN => shown,
        all => format!("{shown}; and {} more", all - SHOWN),
    }
}

pub(crate) fn broken(label: &str, why: String) -> Error {
    Error::new(
        ErrorKind::Corrupt { what: label.to_owned() },
        format!("{label} was changed or is damaged: {why}"),
    )
    .with_remedy("get the package again; if it is your own, sign it again")
}
