//! The archive of a package: a plain ZIP.
//!
//! Equal folders give equal archives: sorted names, one time for all, one level of compression. Unpacking takes nothing on
//! trust: the directory of a ZIP says how many files there are and how large, and all of that is counted again.

use std::{
    fs::{self, File},
    io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write},
    path::Path,
};

use parfocal_manifest::PackagePath;
use parfocal_types::{Error, ErrorKind, Result};
use zip::{
    CompressionMethod, DateTime, ZipArchive, ZipWriter,
    read::{ArchiveOffset, Config, ZipFile},
    write::SimpleFileOptions,
};

use crate::{
    limits::{Limits, RATIO_FREE},
    package::tempfile_beside,
    path::{Names, portable},
    walk::{self, cannot},
};

/// The ending of an archive's name.
pub const ARCHIVE_ENDING: &str = "pfp";

/// The level of deflate: above it files get hardly smaller.
const LEVEL: i64 = 6;

/// Bits of a Unix mode that tell what kind of file it is, and the values of an ordinary file and a folder.
const KIND: u32 = 0o170_000;
const ORDINARY: u32 = 0o100_000;
const FOLDER: u32 = 0o040_000;

/// Puts every file of a folder into an archive, over one that is there. The archive appears whole or not at all.
///
/// # Errors
/// `corrupt` for a folder that cannot be a package, what the system says when a file cannot be read or written.
pub fn pack(folder: &Path, archive: &Path, limits: &Limits) -> Result<()> {
    let files = walk::files(folder, limits)?;
    let failed = |error: io::Error| cannot("write", archive, error);
    let mut new = tempfile_beside(archive).map_err(failed)?;
    let mut zip = ZipWriter::new(BufWriter::new(new.as_file_mut()));
    for name in files.keys() {
        let path = folder.join(name.as_str());
        let unreadable = |error| cannot("read", &path, error);
        let file = File::open(&path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(LEVEL))
            .last_modified_time(DateTime::default())
            .unix_permissions(if is_program(&metadata) { 0o755 } else { 0o644 })
            .large_file(metadata.len() >= u64::from(u32::MAX));
        zip.start_file(name.as_str(), options).map_err(|error| failed(error.into()))?;
        io::copy(&mut file.take(limits.file), &mut zip).map_err(failed)?;
    }
    zip.finish().map_err(|error| failed(error.into()))?.flush().map_err(failed)?;
    let size = new.as_file().metadata().map_err(failed)?.len();
    if size > limits.archive {
        return Err(refused(archive, format!("it would have {size} bytes, more than {}", limits.archive)));
    }
    new.as_file().sync_all().map_err(failed)?;
    new.persist(archive).map_err(|error| failed(error.error))?;
    Ok(())
}

#[cfg(unix)]
fn is_program(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o100 != 0
}

#[cfg(not(unix))]
fn is_program(_: &fs::Metadata) -> bool {
    false
}

/// Unpacks an archive into a folder that is empty. Where it fails, what was written so far is left: unpack into a temporary
/// folder.
///
/// # Errors
/// `corrupt` with what is wrong: no ZIP, more than the limits allow, a name that leads out of the folder or that not every
/// system has, two names that are one, a link, encryption, a checksum, directories that contradict each other; what the
/// system says when a file cannot be read or written.
pub fn unpack(archive: &Path, folder: &Path, limits: &Limits) -> Result<()> {
    let unreadable = |error| cannot("read", archive, error);
    let file = File::open(archive).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(refused(archive, "it is no file".to_owned()));
    }
    if metadata.len() > limits.archive {
        return Err(refused(
            archive,
            format!("it has {} bytes, more than {}", metadata.len(), limits.archive),
        ));
    }
    unpack_from(archive, BufReader::new(file), folder, limits)
}

/// The same for bytes that were read already; `archive` is what they are called.
///
/// # Errors
/// Those of [`unpack`].
pub(crate) fn unpack_from<R: Read + Seek>(
    archive: &Path,
    reader: R,
    folder: &Path,
    limits: &Limits,
) -> Result<()> {
    let mut zip = open(archive, reader, limits)?;
    let mut unpacking = Unpacking { archive, folder, limits, names: Names::default(), written: 0, files: 0 };
    for index in 0..zip.len() {
        let file = zip.by_index(index).map_err(|error| unpacking.zip_error(error))?;
        unpacking.entry(file)?;
    }
    Ok(())
}

fn open<R: Read + Seek>(archive: &Path, mut reader: R, limits: &Limits) -> Result<ZipArchive<R>> {
    let no_zip = |error: zip::result::ZipError| {
        refused(archive, format!("it is no ZIP archive, or only part of one: {error}"))
    };
    let count = end(archive, &mut reader, limits)?;
    let config = Config { archive_offset: ArchiveOffset::Known(0) };
    let mut zip = ZipArchive::with_config(config, reader).map_err(no_zip)?;
    if zip.has_duplicate_names() || zip.len() != usize::from(count) {
        return Err(refused(archive, "two files in it have the same name".to_owned()));
    }
    // What one program unpacks must be what another one sees.
    zip.validate_header_consistency().map_err(no_zip)?;
    Ok(zip)
}

/// Reads the record at the end of a ZIP, before anything is read into memory because a record says so. Gives the number of
/// entries.
///
/// Of all that a ZIP may be, only what a package needs is taken: nothing before the archive, no comment behind it, one
/// disk, sizes and numbers that need no 64 bits.
fn end<R: Read + Seek>(archive: &Path, reader: &mut R, limits: &Limits) -> Result<u16> {
    const RECORD: usize = 22;
    const LOCATOR: usize = 20;
    let unreadable = |error| cannot("read", archive, error);
    let no_zip = || refused(archive, "it is no ZIP archive, or only part of one".to_owned());
    let length = reader.seek(SeekFrom::End(0)).map_err(unreadable)?;
    let wanted = length.min((RECORD + LOCATOR) as u64);
    reader.seek(SeekFrom::Start(length - wanted)).map_err(unreadable)?;
    let mut tail = Vec::new();
    reader.take(wanted).read_to_end(&mut tail).map_err(unreadable)?;
    reader.rewind().map_err(unreadable)?;
    let (locator, record) = tail.split_at_checked(tail.len().saturating_sub(RECORD)).ok_or_else(no_zip)?;
    let record: &[u8; RECORD] = record.try_into().map_err(|_| no_zip())?;
    let short = |at: usize| record.get(at..at + 2).map_or(0, |b| u16::from_le_bytes([b[0], b[1]]));
    let long = |at: usize| u64::from(short(at)) | u64::from(short(at + 2)) << 16;
    let (disks, entries, all) = ([short(4), short(6)], short(8), short(10));
    if !record.starts_with(b"PK\x05\x06") || short(20) != 0 {
        return Err(no_zip());
    }
    if locator.starts_with(b"PK\x06\x07") || disks != [0, 0] || entries != all {
        return Err(refused(archive, "it is a ZIP of a kind that no package needs".to_owned()));
    }
    if usize::from(all) > limits.files.saturating_mul(2) {
        return Err(refused(archive, format!("it has {all} entries, more than {} files", limits.files)));
    }
    if long(12) + long(16) != length - RECORD as u64 {
        return Err(refused(
            archive,
            "something stands before the archive, or part of it is missing".to_owned(),
        ));
    }
    Ok(all)
}

struct Unpacking<'a> {
    archive: &'a Path,
    folder: &'a Path,
    limits: &'a Limits,
    names: Names,
    written: u64,
    files: usize,
}

impl Unpacking<'_> {
    fn refuse<T>(&self, why: impl Into<String>) -> Result<T> {
        Err(refused(self.archive, why.into()))
    }

    fn zip_error(&self, error: zip::result::ZipError) -> Error {
        refused(self.archive, error.to_string())
    }

    fn entry<R: Read>(&mut self, mut file: ZipFile<'_, R>) -> Result<()> {
        let Ok(name) = std::str::from_utf8(file.name_raw()).map(str::to_owned) else {
            return self.refuse("a file name in it is not UTF-8");
        };
        let in_archive = |error: Error| error.context(self.archive.display());
        if file.encrypted() {
            return self.refuse(format!("{name:?} is encrypted"));
        }
        if !matches!(file.compression(), CompressionMethod::Stored | CompressionMethod::Deflated) {
            return self.refuse(format!("{name:?} is compressed with something else than deflate"));
        }
        let kind = file.unix_mode().unwrap_or(0) & KIND;
        if let Some(folder) = name.strip_suffix('/') {
            portable(folder, self.limits.depth).map_err(in_archive)?;
            if !matches!(kind, 0 | FOLDER) || file.size() != 0 {
                return self.refuse(format!("{name:?} is called like a folder and is none"));
            }
            return Ok(());
        }
        if file.is_symlink() || !matches!(kind, 0 | ORDINARY) {
            return self.refuse(format!("{name:?} is a link, or no ordinary file"));
        }
        let name = portable(&name, self.limits.depth).map_err(in_archive)?;
        self.names.add(&name).map_err(in_archive)?;
        self.files += 1;
        if self.files > self.limits.files {
            return self.refuse(format!("it has more than {} files", self.limits.files));
        }
        self.announced(&name, file.size())?;
        self.write(&name, &mut file)
    }

    /// Refuses what the archive itself says is too much, before anything of it is written.
    fn announced(&self, name: &PackagePath, size: u64) -> Result<()> {
        if size > self.limits.file {
            return self.refuse(format!("{name} has {size} bytes, more than {}", self.limits.file));
        }
        if self.written.saturating_add(size) > self.limits.total {
            return self.refuse(format!("its files have more than {} bytes together", self.limits.total));
        }
        Ok(())
    }

    fn write<R: Read>(&mut self, name: &PackagePath, file: &mut ZipFile<'_, R>) -> Result<()> {
        let path = self.folder.join(name.as_str());
        let failed = |error| cannot("write", &path, error);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        let program = file.unix_mode().is_some_and(|mode| mode & 0o100 != 0);
        let mut to = options(program).open(&path).map_err(failed)?;
        let most = file.compressed_size().saturating_mul(self.limits.ratio).max(RATIO_FREE);
        let mut size = 0_u64;
        let mut buffer = vec![0; 1 << 16];
        loop {
            // What cannot be read is the archive's fault, what cannot be written the disk's.
            let count = match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) => return self.refuse(format!("{name} cannot be unpacked: {error}")),
            };
            size += count as u64;
            self.announced(name, size)?;
            if size > most {
                return self.refuse(format!(
                    "{name} gets more than {} times larger when it is unpacked",
                    self.limits.ratio
                ));
            }
            to.write_all(buffer.get(..count).unwrap_or_default()).map_err(failed)?;
        }
        if size != file.size() {
            return self.refuse(format!("{name} has {size} bytes, and the archive says {}", file.size()));
        }
        self.written += size;
        to.sync_all().map_err(failed)
    }
}

fn options(program: bool) -> fs::OpenOptions {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(if program { 0o777 } else { 0o666 });
    }
    #[cfg(not(unix))]
    let _ = program;
    options
}

/// Copies the files of a folder into an empty one.
pub(crate) fn copy(from: &Path, folder: &Path, limits: &Limits) -> Result<()> {
    for name in walk::files(from, limits)?.into_keys() {
        let (source, target) = (from.join(name.as_str()), folder.join(name.as_str()));
        let failed = |error| cannot("write", &target, error);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        let source_file = File::open(&source).map_err(|error| cannot("read", &source, error))?;
        let program = source_file.metadata().is_ok_and(|metadata| is_program(&metadata));
        let mut to = options(program).open(&target).map_err(failed)?;
        io::copy(&mut source_file.take(limits.file), &mut to).map_err(failed)?;
        to.sync_all().map_err(failed)?;
    }
    Ok(())
}

fn refused(archive: &Path, why: String) -> Error {
    let shown = archive.display();
    Error::new(ErrorKind::Corrupt { what: shown.to_string() }, format!("{shown} is not unpacked: {why}"))
        .with_remedy("get the archive again, from somebody you trust")
}
