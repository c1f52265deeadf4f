//! The OME-TIFF sink.

use std::{
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use parfocal_core::image::ImageSink;
use parfocal_image::{Axis, DType, Extent, ImageSpec, PixelClass, PixelsRef, Region};
use parfocal_types::error::{Error, ErrorKind, Result};
use sha2::{Digest as _, Sha256};

use super::{
    chunks::{Chunk, Grid, TILE},
    codec,
    container::Container,
    directory::{self, Directory, Value},
    pyramid::{Halving, Nursery, Tile, halve},
};
use crate::ome::{self, Note};

/// From this size of uncompressed pixels on, pyramid included, a file is BigTIFF: 3.75 GiB. The rest up to the 4 GiB
/// of classic TIFF is left to directories, OME-XML and what deflate adds to noise.
const BIG_FROM: u64 = 15 << 28;

/// What a caller may ask of an OME-TIFF file.
#[derive(Debug, Clone, Default)]
pub struct OmeTiffOptions {
    /// Further annotations of the image, for example the run record.
    pub notes: Vec<Note>,
    /// BigTIFF always, or never; by default when the file could exceed 4 GiB.
    pub big_tiff: Option<bool>,
}

/// Writes OME-TIFF piece by piece.
///
/// - Compression: deflate; integers with the horizontal predictor.
/// - Planes of up to 2048 pixels a side lie in strips, larger ones in tiles of 512 x 512 with a pyramid in SubIFDs, down
///   to 512 pixels. A smaller level is the 2 x 2 mean, rounded half to even; labels (class `labels`, or `u32`) and masks
///   take the nearest pixel.
/// - A mask is 0 and 255 on disk; the annotation says what it is.
/// - The file depends on spec, notes and pixels only, not on the order or thread in which pieces come.
/// - Memory: the pieces in work, about one row of tiles for each level, and at most 32 MiB of compressed pieces that
///   came before their turn.
pub struct OmeTiffWriter {
    spec: ImageSpec,
    notes: Vec<Note>,
    grid: Grid,
    halving: Halving,
    taken: Mutex<Vec<u64>>,
    nursery: Mutex<Nursery>,
    container: Mutex<Container>,
}

impl OmeTiffWriter {
    /// Starts a file that will appear at `path`, in the place of what is there.
    ///
    /// # Errors
    /// `invalid-argument` for a spec that is not valid or has no pixels, `not-supported` for sizes that TIFF does not
    /// have, `not-found` for a folder that does not exist, `permission-denied` for one that cannot be written.
    pub fn create(
        path: impl AsRef<Path>,
        spec: &ImageSpec,
        options: &OmeTiffOptions,
    ) -> Result<Box<dyn ImageSink>> {
        let path = path.as_ref();
        let grid = Grid::new(spec.extent, spec.dtype)?;
        let length = ome::write(&ome::document(spec, &options.notes, None)?).len();
        if length > ome::MAX_XML_BYTES {
            return Err(Error::not_supported(format!("OME-XML of {} MiB", length >> 20))
                .with_remedy("write fewer planes into one file, or shorter notes"));
        }
        let tiles = &grid.levels[0];
        let tiles = grid.planes * tiles.rows * tiles.columns;
        let words = usize::try_from(tiles.div_ceil(64)).map_err(|_| Error::not_supported("so many tiles"))?;
        let big = options.big_tiff.unwrap_or(uncompressed(&grid, spec.dtype) >= BIG_FROM);
        let labels = spec.dtype == DType::Mask
            || spec.dtype == DType::U32
            || spec.channels.iter().any(|channel| channel.class == PixelClass::Labels);
        let container = Container::create(path, &grid, big)?;
        Ok(Box::new(Self {
            spec: spec.clone(),
            notes: options.notes.clone(),
            halving: if labels { Halving::Nearest } else { Halving::Mean },
            taken: Mutex::new(vec![0; words]),
            nursery: Mutex::default(),
            container: Mutex::new(container),
            grid,
        }))
    }

    /// Notes that the tile comes now.
    fn take(&self, chunk: Chunk) -> Result<()> {
        let level = &self.grid.levels[0];
        let number = (chunk.plane * level.rows + chunk.row) * level.columns + chunk.column;
        let (word, bit) = (usize::try_from(number / 64).unwrap_or(usize::MAX), 1_u64 << (number % 64));
        let mut taken = lock(&self.taken);
        match taken.get_mut(word) {
            Some(word) if *word & bit == 0 => {
                *word |= bit;
                Ok(())
            }
            _ => Err(Error::invalid_argument(format!("the piece {} was given twice", self.place(chunk)))),
        }
    }

    /// Where a chunk lies, for people.
    fn place(&self, chunk: Chunk) -> String {
        let [_, c, z, _, _] = self.spec.extent.0;
        let (t, rest) = (chunk.plane / (c * z), chunk.plane % (c * z));
        let (y, x) = (chunk.row * self.grid.chunk_height, chunk.column * self.grid.chunk_width);
        format!("T{t} C{} Z{} Y{y} X{x}", rest / z, rest % z)
    }

    /// The pixels of one tile of the full size, in the file's order.
    fn cut(&self, pixels: &PixelsRef<'_>, plane: [u64; 3], chunk: Chunk) -> Result<Tile> {
        let size = self.spec.dtype.size();
        let (width, height) = self.grid.shown(chunk);
        let mut bytes = Vec::with_capacity(width * height * size);
        let origin = pixels.region().origin;
        let strides = pixels.strides();
        let within = |position: u64, axis: usize| {
            usize::try_from(position.wrapping_sub(origin[axis].unsigned_abs())).unwrap_or(usize::MAX)
        };
        let mut start = within(chunk.column * self.grid.chunk_width, 4);
        for axis in 0..3 {
            start += within(plane[axis], axis) * strides[axis];
        }
        let top = within(chunk.row * self.grid.chunk_height, 3);
        for row in top..top + height {
            let from = (start + row * strides[3]) * size;
            let row = pixels.bytes().get(from..from + width * size);
            bytes
                .extend_from_slice(row.ok_or_else(|| Error::internal("a piece ends before its last pixel"))?);
        }
        if self.spec.dtype == DType::Mask {
            bytes.iter_mut().for_each(|value| *value = if *value == 0 { 0 } else { 255 });
        }
        if cfg!(target_endian = "big") {
            bytes.chunks_exact_mut(size).for_each(<[u8]>::reverse);
        }
        Ok(Tile { width, height, bytes })
    }

    /// Stores a chunk, and the ones of smaller levels that it completes.
    fn store(&self, chunk: Chunk, tile: Tile) -> Result<()> {
        let (mut chunk, mut tile) = (chunk, tile);
        loop {
            let parent = if self.grid.parent(chunk).is_some() {
                let halved = halve(&tile, self.spec.dtype, self.halving);
                lock(&self.nursery).adopt(&self.grid, chunk, &halved, self.spec.dtype)
            } else {
                None
            };
            let mut padded = self.padded(tile);
            let packed = codec::compress(&mut padded.bytes, padded.width, self.spec.dtype)?;
            drop(padded);
            lock(&self.container).append(&self.grid, chunk, packed)?;
            match parent {
                Some(next) => (chunk, tile) = next,
                None => return Ok(()),
            }
        }
    }

    /// A tile at the edge filled up with zeros to the full size of a tile; strips stay as they are.
    fn padded(&self, tile: Tile) -> Tile {
        let side = usize::try_from(TILE).unwrap_or(0);
        if !self.grid.tiled || (tile.width, tile.height) == (side, side) {
            return tile;
        }
        let size = self.spec.dtype.size();
        let mut bytes = vec![0; side * side * size];
        for (to, from) in
            bytes.chunks_exact_mut(side * size).zip(tile.bytes.chunks_exact((tile.width * size).max(1)))
        {
            to[..from.len()].copy_from_slice(from);
        }
        Tile { width: side, height: side, bytes }
    }

    fn check(&self, pixels: &PixelsRef<'_>) -> Result<()> {
        let region = pixels.region();
        if pixels.dtype() != self.spec.dtype {
            return Err(Error::invalid_argument(format!(
                "pixels of type {} for an image of {}",
                pixels.dtype(),
                self.spec.dtype
            )));
        }
        let whole = Region::whole(self.spec.extent);
        let tile = self.tile();
        let on_grid = Axis::ALL.iter().all(|&axis| {
            let step = tile[axis];
            let origin = region.origin[axis as usize];
            origin.unsigned_abs() % step == 0
                && (region.extent[axis] % step == 0 || region.end(axis) == whole.end(axis))
        });
        if !whole.contains(region) || region.extent.is_empty() || !on_grid {
            return Err(Error::invalid_argument(format!(
                "a piece at {region} is not on the grid of {tile} of an image of {}",
                self.spec.extent
            )));
        }
        Ok(())
    }

    /// The directories of one level of one plane.
    fn directory(&self, container: &Container, plane: u64, level: usize, xml: Option<&str>) -> Directory {
        let size = &self.grid.levels[level];
        let dtype = self.spec.dtype;
        let long = |number: u64| Value::Long(u32::try_from(number).unwrap_or(u32::MAX));
        let format = match dtype {
            DType::U8 | DType::U16 | DType::U32 | DType::Mask => 1,
            DType::I8 | DType::I16 => 2,
            DType::F32 => 3,
        };
        let mut tags = Directory::default();
        tags.set(254, Value::Long(u32::from(level > 0)));
        tags.set(256, long(size.width));
        tags.set(257, long(size.height));
        tags.set(258, Value::Short(u16::try_from(dtype.size() * 8).unwrap_or(0)));
        tags.set(259, Value::Short(8)); // deflate
        tags.set(262, Value::Short(1)); // 0 is black
        tags.set(277, Value::Short(1));
        tags.set(284, Value::Short(1));
        tags.set(317, Value::Short(codec::predictor(dtype)));
        tags.set(339, Value::Short(format));
        let places = container.places(self.grid.chunks_of(plane, level));
        let offsets = Value::Words(places.iter().map(|place| place.offset).collect());
        let lengths = Value::Words(places.iter().map(|place| place.length).collect());
        if self.grid.tiled {
            tags.set(322, long(self.grid.chunk_width));
            tags.set(323, long(self.grid.chunk_height));
            tags.set(324, offsets);
            tags.set(325, lengths);
        } else {
            tags.set(273, offsets);
            tags.set(278, long(self.grid.chunk_height));
            tags.set(279, lengths);
        }
        if level == 0 {
            self.set_resolution(&mut tags);
            tags.set(305, Value::Text(b"Parfocal".to_vec()));
        }
        if let Some(xml) = xml {
            tags.set(270, Value::Text(xml.as_bytes().to_vec()));
        }
        tags
    }

    /// Pixels per centimeter, for programs that do not read OME-XML. Left out where the number does not fit TIFF.
    fn set_resolution(&self, tags: &mut Directory) {
        const DENOMINATOR: u32 = 1000;
        let per_centimeter = |size: Option<parfocal_types::units::Micrometers>| {
            let scaled = (1e4 / size?.0 * f64::from(DENOMINATOR)).round_ties_even();
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "the range was checked"
            )]
            (1.0..=f64::from(u32::MAX))
                .contains(&scaled)
                .then_some(Value::Rational(scaled as u32, DENOMINATOR))
        };
        let size = self.spec.pixel_size;
        if let (Some(x), Some(y)) = (per_centimeter(size.x), per_centimeter(size.y)) {
            tags.set(282, x);
            tags.set(283, y);
            tags.set(296, Value::Short(3)); // centimeter
        }
    }

    /// The document, with an identity made of everything that is in the file: the same input gives the same file.
    fn xml(&self, fingerprint: [u8; 32]) -> Result<String> {
        let mut document = ome::document(&self.spec, &self.notes, None)?;
        let digest = Sha256::new().chain_update(ome::write(&document)).chain_update(fingerprint).finalize();
        let mut id = [0; 16];
        id.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        // RFC 9562, version 8: made by a rule of the program's own.
        id[6] = id[6] & 0x0f | 0x80;
        id[8] = id[8] & 0x3f | 0x80;
        let hex: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
        document.uuid = Some(format!(
            "urn:uuid:{}-{}-{}-{}-{}",
            &hex[..8],
            &hex[8..12],
            &hex[12..16],
            &hex[16..20],
            &hex[20..]
        ));
        Ok(ome::write(&document))
    }

    fn missing(&self, first: Chunk) -> Error {
        let taken: u64 = lock(&self.taken).iter().map(|word| u64::from(word.count_ones())).sum();
        let level = &self.grid.levels[0];
        let all = self.grid.planes * level.rows * level.columns;
        let missing = format!("{} of {all} pieces", all.saturating_sub(taken));
        let message = format!(
            "the image is not whole: {missing} were never written, the first at {}",
            self.place(first)
        );
        Error::new(ErrorKind::DataIncomplete { missing }, message)
    }
}

/// Bytes of all chunks before compression.
fn uncompressed(grid: &Grid, dtype: DType) -> u64 {
    let chunk = grid.chunk_width * grid.chunk_height * dtype.size() as u64;
    let chunks: u64 = grid.levels.iter().map(|level| level.rows * level.columns).sum();
    chunks.saturating_mul(chunk).saturating_mul(grid.planes)
}

/// A poisoned lock means that another thread panicked while it held it; the file is then never finished, because its
/// piece is missing.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ImageSink for OmeTiffWriter {
    fn spec(&self) -> &ImageSpec {
        &self.spec
    }

    fn tile(&self) -> Extent {
        Extent::plane(self.grid.chunk_height, self.grid.chunk_width)
    }

    fn write(&self, pixels: &PixelsRef<'_>) -> Result<()> {
        self.check(pixels)?;
        let region = pixels.region();
        let [_, c_count, z_count, _, _] = self.spec.extent.0;
        let span = |axis: Axis, step: u64| {
            let start = region.origin[axis as usize].unsigned_abs();
            start / step..(start + region.extent[axis]).div_ceil(step)
        };
        for t in span(Axis::T, 1) {
            for c in span(Axis::C, 1) {
                for z in span(Axis::Z, 1) {
                    for row in span(Axis::Y, self.grid.chunk_height) {
                        for column in span(Axis::X, self.grid.chunk_width) {
                            let plane = (t * c_count + c) * z_count + z;
                            let chunk = Chunk { plane, level: 0, row, column };
                            self.take(chunk)?;
                            self.store(chunk, self.cut(pixels, [t, c, z], chunk)?)?;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<()> {
        let mut container = lock(&self.container);
        container.usable()?;
        if let Some(chunk) = container.missing() {
            return Err(self.missing(chunk));
        }
        let xml = self.xml(container.fingerprint())?;
        let first = container.end();
        for plane in 0..self.grid.planes {
            let text = (plane == 0).then_some(xml.as_str());
            let main = self.directory(&container, plane, 0, text);
            let levels: Vec<_> = (1..self.grid.levels.len())
                .map(|level| self.directory(&container, plane, level, None))
                .collect();
            let follows = plane + 1 < self.grid.planes;
            let bytes = directory::encode(main, &levels, container.end(), follows, container.is_big())?;
            container.put_directories(&bytes)?;
        }
        drop(container);
        let container = self.container.into_inner().unwrap_or_else(PoisonError::into_inner);
        container.appear(first)
    }
}
