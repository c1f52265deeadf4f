//! The bytes of a file, read by position from several threads at once.

use std::{fs::File, path::Path};

use parfocal_types::error::{Error, ErrorKind, Result};

/// An open file and its length when it was opened.
#[derive(Debug)]
pub(crate) struct FileBytes {
    file: File,
    len: u64,
}

impl FileBytes {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|error| cannot_open(path, &error))?;
        let metadata = file.metadata().map_err(|error| cannot_open(path, &error))?;
        if !metadata.is_file() {
            return Err(Error::invalid_argument(format!("{} is not a file", path.display()))
                .with_remedy("name a single image file"));
        }
        Ok(Self { file, len: metadata.len() })
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Fills `out` from `offset` on.
    pub(crate) fn read_into(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        let end = offset.checked_add(out.len() as u64);
        if end.is_none_or(|end| end > self.len) {
            return Err(beyond_end(offset, out.len() as u64, self.len));
        }
        read_exact_at(&self.file, out, offset).map_err(|error| {
            Error::new(ErrorKind::Lost, format!("cannot read {} bytes at {offset}: {error}", out.len()))
                .with_source(error)
        })
    }

    /// `count` bytes from `offset` on; nothing is allocated for bytes that the file has not.
    pub(crate) fn read(&self, offset: u64, count: u64) -> Result<Vec<u8>> {
        let end = offset.checked_add(count);
        let size = usize::try_from(count).ok().filter(|_| end.is_some_and(|end| end <= self.len));
        let size = size.ok_or_else(|| beyond_end(offset, count, self.len))?;
        let mut bytes = vec![0; size];
        self.read_into(offset, &mut bytes)?;
        Ok(bytes)
    }
}

fn beyond_end(offset: u64, count: u64, len: u64) -> Error {
    let missing = format!("{count} bytes at {offset}");
    Error::new(
        ErrorKind::DataIncomplete { missing },
        format!("{count} bytes at offset {offset} are needed, but the file ends at {len}"),
    )
    .with_remedy("copy the file again from its source: it is cut short or damaged")
}

fn cannot_open(path: &Path, error: &std::io::Error) -> Error {
    let kind = match error.kind() {
        std::io::ErrorKind::NotFound => ErrorKind::NotFound,
        std::io::ErrorKind::PermissionDenied => {
            ErrorKind::PermissionDenied { permission: format!("read {}", path.display()) }
        }
        _ => ErrorKind::Lost,
    };
    Error::new(kind, format!("cannot open {}: {error}", path.display()))
}

#[cfg(unix)]
fn read_exact_at(file: &File, out: &mut [u8], offset: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, out, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut out: &mut [u8], mut offset: u64) -> std::io::Result<()> {
    while !out.is_empty() {
        let count = std::os::windows::fs::FileExt::seek_read(file, out, offset)?;
        if count == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        out = &mut out[count..];
        offset += count as u64;
    }
    Ok(())
}
