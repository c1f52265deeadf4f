//! The TIFF file around the pieces: header, pieces in their order, directories.
//!
//! Pieces are appended in the order of [`Grid::next`], whatever order they come in: what comes early waits in memory
//! up to [`HELD_BYTES`], then in a nameless scratch file. So the bytes of the file depend on the pixels only.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufWriter, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use parfocal_types::error::{Error, ErrorKind, Result};
use sha2::{Digest as _, Sha256};

use super::{
    atomic::{PendingFile, store_error},
    chunks::{Chunk, Grid},
};

/// Compressed pieces that may wait for their turn in memory.
const HELD_BYTES: usize = 32 << 20;

/// Where a piece lies in the file.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Place {
    pub(crate) offset: u64,
    pub(crate) length: u64,
}

enum Held {
    Memory(Vec<u8>),
    Scratch(Place),
}

/// A TIFF file that grows.
pub(crate) struct Container {
    pending: PendingFile,
    out: BufWriter<File>,
    target: PathBuf,
    big: bool,
    end: u64,
    places: Vec<Place>,
    next: Option<Chunk>,
    held: HashMap<usize, Held>,
    held_bytes: usize,
    scratch: Option<File>,
    scratch_end: u64,
    failed: bool,
    fingerprint: Sha256,
}

impl Container {
    pub(crate) fn create(target: &Path, grid: &Grid, big: bool) -> Result<Self> {
        let pending = PendingFile::create(target)?;
        let file = pending.file().try_clone().map_err(|error| store_error(error, target))?;
        let count = grid.count()?;
        let mut places = Vec::new();
        places
            .try_reserve_exact(count)
            .map_err(|_| Error::not_supported(format!("a TIFF file of {count} pieces")))?;
        places.resize(count, Place::default());
        let mut container = Self {
            pending,
            out: BufWriter::with_capacity(1 << 20, file),
            target: target.to_owned(),
            big,
            end: 0,
            places,
            next: grid.first(),
            held: HashMap::new(),
            held_bytes: 0,
            scratch: None,
            scratch_end: 0,
            failed: false,
            fingerprint: Sha256::new(),
        };
        // The place of the first directory is filled in at the end.
        let header: &[u8] = if big { b"II+\0\x08\0\0\0\0\0\0\0\0\0\0\0" } else { b"II*\0\0\0\0\0" };
        container.put(header)?;
        Ok(container)
    }

    /// Takes a compressed piece.
    pub(crate) fn append(&mut self, grid: &Grid, chunk: Chunk, bytes: Vec<u8>) -> Result<()> {
        self.usable()?;
        let result = self.append_in_order(grid, chunk, bytes);
        self.failed |= result.is_err();
        result
    }

    /// Whether everything so far was written.
    pub(crate) fn usable(&self) -> Result<()> {
        if self.failed {
            let message = format!("{} cannot be written: an earlier piece failed", self.target.display());
            return Err(Error::new(ErrorKind::DataIncomplete { missing: "pixels".to_owned() }, message)
                .with_remedy("look at the first error; nothing was left behind"));
        }
        Ok(())
    }

    fn append_in_order(&mut self, grid: &Grid, chunk: Chunk, bytes: Vec<u8>) -> Result<()> {
        if self.next != Some(chunk) {
            return self.hold(grid.index(chunk), bytes);
        }
        self.store(grid.index(chunk), &bytes)?;
        self.next = grid.next(chunk);
        while let Some(waiting) = self.next {
            let index = grid.index(waiting);
            match self.held.remove(&index) {
                Some(Held::Memory(bytes)) => {
                    self.held_bytes -= bytes.len();
                    self.store(index, &bytes)?;
                }
                Some(Held::Scratch(place)) => {
                    let bytes = self.fetch(place)?;
                    self.store(index, &bytes)?;
                }
                None => break,
            }
            self.next = grid.next(waiting);
        }
        Ok(())
    }

    fn hold(&mut self, index: usize, bytes: Vec<u8>) -> Result<()> {
        let held = if self.held_bytes + bytes.len() <= HELD_BYTES {
            self.held_bytes += bytes.len();
            Held::Memory(bytes)
        } else {
            let place = Place { offset: self.scratch_end, length: bytes.len() as u64 };
            self.spill(&bytes).map_err(|error| store_error(error, &self.target))?;
            Held::Scratch(place)
        };
        self.held.insert(index, held);
        Ok(())
    }

    fn spill(&mut self, bytes: &[u8]) -> io::Result<()> {
        let scratch = match &mut self.scratch {
            Some(scratch) => scratch,
            // Beside the target, where there is room for the result.
            none => none.insert(tempfile::tempfile_in(match self.target.parent() {
                Some(folder) if !folder.as_os_str().is_empty() => folder,
                _ => Path::new("."),
            })?),
        };
        scratch.seek(SeekFrom::Start(self.scratch_end))?;
        scratch.write_all(bytes)?;
        self.scratch_end += bytes.len() as u64;
        Ok(())
    }

    fn fetch(&mut self, place: Place) -> Result<Vec<u8>> {
        let Some(scratch) = &mut self.scratch else { return Err(Error::internal("a scratch file is gone")) };
        let mut bytes = vec![0; usize::try_from(place.length).unwrap_or(0)];
        scratch
            .seek(SeekFrom::Start(place.offset))
            .and_then(|_| scratch.read_exact(&mut bytes))
            .map_err(|error| store_error(error, &self.target))?;
        Ok(bytes)
    }

    fn store(&mut self, index: usize, bytes: &[u8]) -> Result<()> {
        let place = Place { offset: self.end, length: bytes.len() as u64 };
        self.put(bytes)?;
        self.fingerprint.update(place.length.to_le_bytes());
        self.fingerprint.update(bytes.last_chunk::<4>().unwrap_or(&[0; 4]));
        if let Some(entry) = self.places.get_mut(index) {
            *entry = place;
        }
        Ok(())
    }

    /// Appends bytes, and what brings the end to an even offset: TIFF wants its parts on word boundaries.
    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        let padding = bytes.len() % 2;
        self.out
            .write_all(bytes)
            .and_then(|()| self.out.write_all(&[0][..padding]))
            .map_err(|error| store_error(error, &self.target))?;
        self.end += (bytes.len() + padding) as u64;
        if !self.big && self.end > u64::from(u32::MAX) {
            return Err(Error::not_supported(format!(
                "a classic TIFF file above 4 GiB: {}",
                self.target.display()
            ))
            .with_remedy("write it as BigTIFF"));
        }
        Ok(())
    }

    /// The first piece that is not stored yet, or `None` when all are.
    pub(crate) fn missing(&self) -> Option<Chunk> {
        self.next
    }

    pub(crate) fn places(&self, range: std::ops::Range<usize>) -> &[Place] {
        self.places.get(range).unwrap_or_default()
    }

    pub(crate) fn is_big(&self) -> bool {
        self.big
    }

    /// A digest of all pieces in their order: of their lengths and the checksums that end each zlib stream.
    pub(crate) fn fingerprint(&self) -> [u8; 32] {
        self.fingerprint.clone().finalize().into()
    }

    /// The offset of what is written next.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// Writes directories that were laid out for [`end`](Self::end).
    pub(crate) fn put_directories(&mut self, bytes: &[u8]) -> Result<()> {
        self.put(bytes)
    }

    /// Fills in the place of the first directory and gives the file its name.
    pub(crate) fn appear(mut self, first_directory: u64) -> Result<()> {
        let failed = |error| store_error(error, &self.target);
        let mut patch = || -> io::Result<()> {
            self.out.flush()?;
            let file = self.out.get_mut();
            if self.big {
                file.seek(SeekFrom::Start(8))?;
                file.write_all(&first_directory.to_le_bytes())
            } else {
                file.seek(SeekFrom::Start(4))?;
                // `put` has refused a classic file that is longer.
                file.write_all(&u32::try_from(first_directory).unwrap_or(0).to_le_bytes())
            }
        };
        patch().map_err(failed)?;
        let Self { pending, out, .. } = self;
        drop(out);
        pending.appear()
    }
}
