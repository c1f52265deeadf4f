//! An image in an unlinked temporary file: what one step of a chain leaves for the next.

use std::{
    fs::File,
    io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use parfocal_core::{ImageSink, ImageSource, image::copy_pixels};
use parfocal_image::{Axis, Buffer, Extent, ImageSpec, PixelsMut, PixelsRef, Region};
use parfocal_types::error::{Error, ErrorKind, Result};

use crate::write::is_aligned;

/// Height and width of the pieces, unless the caller wants others.
pub(crate) const PIECE: u64 = 512;

/// An image in an unlinked temporary file, uncompressed, in pieces. It is gone when the last handle is dropped, also
/// when the program is killed.
///
/// Written through [`sink`](Self::sink), then read through the handle, which is a source; clones are handles to the same
/// image. Reading before the sink is finished is refused.
#[derive(Debug, Clone)]
pub struct Scratch(Arc<Store>);

#[derive(Debug)]
struct Store {
    file: File,
    spec: ImageSpec,
    grid: Extent,
    /// Bytes from one piece to the next; those at the image's end do not fill theirs.
    slot: u64,
    progress: Mutex<Progress>,
}

#[derive(Debug)]
struct Progress {
    /// One bit a piece.
    written: Vec<u64>,
    missing: u64,
    finished: bool,
}

impl Scratch {
    /// An empty image like this, in the folder, or in the system's folder for temporary files.
    ///
    /// # Errors
    /// `invalid-argument` for a spec that is not valid; `data-incomplete` when there is no place for the file.
    pub fn create(spec: ImageSpec, folder: Option<&Path>) -> Result<Self> {
        Self::with_grid(spec, Extent::plane(PIECE, PIECE), folder)
    }

    /// As [`create`](Self::create), with pieces of the height and width of `grid`.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub fn with_grid(spec: ImageSpec, grid: Extent, folder: Option<&Path>) -> Result<Self> {
        spec.validate()?;
        let cut = |axis: Axis| grid[axis].clamp(1, spec.extent[axis].max(1));
        let grid = Extent::plane(cut(Axis::Y), cut(Axis::X));
        let layout = || {
            let slot = grid.count()?.checked_mul(spec.dtype.size() as u64)?;
            let [y, x] = [Axis::Y, Axis::X].map(|axis| spec.extent[axis].div_ceil(grid[axis]));
            let pieces = spec.extent.planes().checked_mul(y)?.checked_mul(x)?;
            let length = pieces.checked_mul(slot).filter(|&length| length <= i64::MAX as u64)?;
            Some((slot, pieces, length))
        };
        let (slot, pieces, length) = layout()
            .ok_or_else(|| Error::invalid_argument(format!("an image of {} fits no file", spec.extent)))?;
        let opened = folder.map_or_else(tempfile::tempfile, tempfile::tempfile_in);
        let file = opened.and_then(|file| file.set_len(length).map(|()| file)).map_err(failed)?;
        let words = usize::try_from(pieces.div_ceil(64)).map_err(|_| Error::internal("too many pieces"))?;
        let progress = Progress { written: vec![0; words], missing: pieces, finished: false };
        Ok(Self(Arc::new(Store { file, spec, grid, slot, progress: Mutex::new(progress) })))
    }

    /// Where the image is written, once.
    #[must_use]
    pub fn sink(&self) -> Box<dyn ImageSink> {
        Box::new(ScratchSink(Arc::clone(&self.0)))
    }
}

impl ImageSource for Scratch {
    fn spec(&self) -> &ImageSpec {
        &self.0.spec
    }

    fn chunk(&self) -> Extent {
        self.0.grid
    }

    fn read(&self, out: &mut PixelsMut<'_>) -> Result<()> {
        let store = &self.0;
        if !store.lock().finished {
            let state = |text: &str| text.to_owned();
            return Err(Error::new(
                ErrorKind::BadState { need: state("finished"), is: state("being written") },
                "an intermediate image was read before it was complete",
            ));
        }
        let region = *out.region();
        if !Region::whole(store.spec.extent).contains(&region) || out.dtype() != store.spec.dtype {
            return Err(Error::invalid_argument(format!(
                "{region} of {} asked of an image of {} of {}",
                out.dtype(),
                store.spec.extent,
                store.spec.dtype
            )));
        }
        store.pieces(&region).try_for_each(|piece| store.read_piece(&piece, out))
    }
}

struct ScratchSink(Arc<Store>);

impl ImageSink for ScratchSink {
    fn spec(&self) -> &ImageSpec {
        &self.0.spec
    }

    fn tile(&self) -> Extent {
        self.0.grid
    }

    fn write(&self, pixels: &PixelsRef<'_>) -> Result<()> {
        let (store, region) = (&self.0, pixels.region());
        let inside = Region::whole(store.spec.extent).contains(region);
        if !inside
            || !is_aligned(region, &store.grid, &store.spec.extent)
            || pixels.dtype() != store.spec.dtype
        {
            return Err(Error::invalid_argument(format!(
                "{region} of {} does not lie on the grid of {} of an image of {} of {}",
                pixels.dtype(),
                store.grid,
                store.spec.extent,
                store.spec.dtype
            )));
        }
        store.pieces(region).try_for_each(|piece| store.write_piece(&piece, pixels))
    }

    fn finish(self: Box<Self>) -> Result<()> {
        let mut progress = self.0.lock();
        if progress.missing > 0 {
            let missing = format!("{} pieces of an intermediate image", progress.missing);
            let message = format!("{missing} were not written");
            return Err(Error::new(ErrorKind::DataIncomplete { missing }, message));
        }
        progress.finished = true;
        Ok(())
    }
}

impl Store {
    fn lock(&self) -> std::sync::MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The pieces that a box inside the image touches, whole.
    fn pieces(&self, region: &Region) -> impl Iterator<Item = Region> + use<> {
        let (region, grid, image) = (*region, self.grid, Region::whole(self.spec.extent));
        let along = move |axis: Axis| {
            let (start, end) = (region.origin[axis as usize], region.end(axis));
            let step = if grid[axis] > 0 { grid[axis] as i64 } else { 1 };
            (start / step..(end + step - 1) / step).map(move |index| index * step)
        };
        let planes = along(Axis::T)
            .flat_map(move |t| along(Axis::C).flat_map(move |c| along(Axis::Z).map(move |z| [t, c, z])));
        planes.flat_map(move |[t, c, z]| {
            along(Axis::Y).flat_map(move |y| {
                along(Axis::X).map(move |x| Region::new([t, c, z, y, x], grid).intersection(&image))
            })
        })
    }

    /// The number of a piece.
    fn number(&self, piece: &Region) -> u64 {
        Axis::ALL.into_iter().fold(0, |number, axis| {
            let count = self.spec.extent[axis].div_ceil(self.grid[axis].max(1));
            number * count + piece.origin[axis as usize].unsigned_abs() / self.grid[axis].max(1)
        })
    }

    /// Reads the rows of a piece that `out` shows, and copies the columns that it shows.
    fn read_piece(&self, piece: &Region, out: &mut PixelsMut<'_>) -> Result<()> {
        let shown = piece.intersection(out.region());
        let rows = shown.with(Axis::X, piece.origin[4], piece.extent[Axis::X]);
        let mut buffer = Buffer::zeroed(self.spec.dtype, rows)?;
        let before = (rows.origin[3] - piece.origin[3]).unsigned_abs();
        let row = piece.extent[Axis::X] * self.spec.dtype.size() as u64;
        read_at(&self.file, buffer.bytes_mut(), self.number(piece) * self.slot + before * row)
            .map_err(failed)?;
        copy_pixels(&buffer.pixels()?, &mut out.part_mut(&shown)?)
    }

    fn write_piece(&self, piece: &Region, pixels: &PixelsRef<'_>) -> Result<()> {
        let mut buffer = Buffer::zeroed(self.spec.dtype, *piece)?;
        copy_pixels(pixels, &mut buffer.pixels_mut()?)?;
        let number = self.number(piece);
        write_at(&self.file, buffer.bytes(), number * self.slot).map_err(failed)?;
        let mut progress = self.lock();
        let (word, bit) = (usize::try_from(number / 64).unwrap_or(usize::MAX), 1 << (number % 64));
        if let Some(word) = progress.written.get_mut(word).filter(|word| **word & bit == 0) {
            *word |= bit;
            progress.missing -= 1;
        }
        Ok(())
    }
}

fn failed(error: io::Error) -> Error {
    Error::new(
        ErrorKind::DataIncomplete { missing: "an intermediate image".to_owned() },
        format!("an intermediate image cannot be kept on disk: {error}"),
    )
    .with_source(error)
    .with_remedy("free space in the folder for temporary files, or choose another one")
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(unix)]
fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

#[cfg(windows)]
fn read_at(file: &File, mut bytes: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let count = std::os::windows::fs::FileExt::seek_read(file, bytes, offset)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes = &mut bytes[count..];
        offset += count as u64;
    }
    Ok(())
}

#[cfg(windows)]
fn write_at(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let count = std::os::windows::fs::FileExt::seek_write(file, bytes, offset)?;
        if count == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        bytes = &bytes[count..];
        offset += count as u64;
    }
    Ok(())
}
