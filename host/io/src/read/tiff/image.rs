//! An image made of pages: which page holds which plane, in which file of a set.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use parfocal_core::ImageSource;
use parfocal_image::{Axis, DType, Extent, ImageSpec, PixelsMut, Region};
use parfocal_types::{
    error::{Error, ErrorKind, Result},
    units::Micrometers,
};

use super::{
    file::TiffFile,
    page::{Page, PieceKey},
};
use crate::read::cache::{CACHE_BYTES, Cache};

/// Files of a set that are open at once, besides the one that was named.
const OPEN_SIBLINGS: usize = 32;

/// The files of a set and the decoded pieces that they share.
pub(crate) struct FileSet {
    main: TiffFile,
    siblings: Vec<PathBuf>,
    /// Open siblings, the one used last at the end.
    open: Mutex<Vec<(u32, Arc<TiffFile>)>>,
    cache: Cache<PieceKey>,
}

impl FileSet {
    /// A set of this file and those beside it.
    pub(crate) fn new(main: TiffFile, siblings: Vec<PathBuf>) -> Self {
        Self { main, siblings, open: Mutex::new(Vec::new()), cache: Cache::new(CACHE_BYTES) }
    }

    pub(crate) fn main(&self) -> &TiffFile {
        &self.main
    }

    /// Calls `job` with file `index` of the set: 0 is the main one.
    pub(crate) fn with<T>(&self, index: u32, job: impl FnOnce(&TiffFile) -> Result<T>) -> Result<T> {
        if index == 0 { job(&self.main) } else { job(&*self.sibling(index)?) }
    }

    fn sibling(&self, index: u32) -> Result<Arc<TiffFile>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = open.iter().position(|(known, _)| *known == index) {
            let entry = open.remove(place);
            let file = Arc::clone(&entry.1);
            open.push(entry);
            return Ok(file);
        }
        let path = self
            .siblings
            .get(index as usize - 1)
            .ok_or_else(|| Error::internal(format!("file {index} of a set that has it not")))?;
        let file = Arc::new(TiffFile::open(path).map_err(|error| missing_sibling(path, error))?);
        if open.len() == OPEN_SIBLINGS {
            open.remove(0);
        }
        open.push((index, Arc::clone(&file)));
        Ok(file)
    }
}

/// A file of the set that is not there makes its planes incomplete, not the request wrong.
fn missing_sibling(path: &std::path::Path, error: Error) -> Error {
    if *error.kind() != ErrorKind::NotFound {
        return error;
    }
    let message = format!("planes of this image lie in {}, which is not there", path.display());
    Error::new(ErrorKind::DataIncomplete { missing: path.display().to_string() }, message)
        .with_remedy("put the files of the set into one folder under their own names")
        .with_source(error)
}

/// Where a plane (all samples of a pixel) lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: u32,
    pub(crate) page: u32,
}

/// Which page holds which plane.
pub(crate) struct Planes {
    /// Planes along T, C and Z; a plane of several samples counts as one along C.
    pub(crate) sizes: [u64; 3],
    /// Samples of a page, each a channel.
    pub(crate) samples: u64,
    /// By running number, Z fastest, then C, then T. A plane that no file has is absent.
    pub(crate) places: HashMap<u64, Place>,
}

impl Planes {
    /// The running number of a plane; `None` outside.
    pub(crate) fn number(&self, [t, c, z]: [u64; 3]) -> Option<u64> {
        let [nt, nc, nz] = self.sizes;
        if t >= nt || c >= nc || z >= nz {
            return None;
        }
        t.checked_mul(nc)?.checked_add(c)?.checked_mul(nz)?.checked_add(z)
    }

    /// Planes one after the other, Z fastest, then C, then T, from page `first` of the main file on.
    pub(crate) fn in_order(sizes: [u64; 3], samples: u64, pages: impl Iterator<Item = u32>) -> Self {
        let places = (0..).zip(pages).map(|(number, page)| (number, Place { file: 0, page })).collect();
        Self { sizes, samples, places }
    }
}

/// One image of a TIFF file, or one level of its pyramid.
pub(crate) struct TiffImage {
    set: Arc<FileSet>,
    planes: Arc<Planes>,
    spec: ImageSpec,
    chunk: Extent,
    /// 0 is the full image.
    level: u32,
}

impl TiffImage {
    /// The image and the levels of its pyramid, the full one first.
    pub(crate) fn levels(set: &Arc<FileSet>, planes: Planes, spec: ImageSpec, sample: &Page) -> Vec<Self> {
        let planes = Arc::new(planes);
        let sizes = std::iter::once(sample).chain(&sample.levels).enumerate();
        sizes
            .map(|(level, page)| {
                let (height, width) = page.piece_size();
                Self {
                    set: Arc::clone(set),
                    planes: Arc::clone(&planes),
                    spec: level_spec(&spec, page),
                    chunk: Extent::plane(height.min(page.layout.height), width.min(page.layout.width)),
                    level: level as u32,
                }
            })
            .collect()
    }

    /// An image none of whose pages can be seen yet: its first file is missing.
    pub(crate) fn without_sample(set: &Arc<FileSet>, planes: Planes, spec: ImageSpec) -> Self {
        let chunk = Extent::plane(spec.extent[Axis::Y].min(512), spec.extent[Axis::X].min(512));
        Self { set: Arc::clone(set), planes: Arc::new(planes), spec, chunk, level: 0 }
    }

    fn read_plane(&self, [t, c, z]: [u64; 3], out: &mut PixelsMut<'_>) -> Result<()> {
        let position = [t, c / self.planes.samples, z];
        let place = self.planes.number(position).and_then(|number| self.planes.places.get(&number));
        let Some(place) = place else {
            let missing = format!("plane T{t} C{c} Z{z}");
            let message = format!("{missing} is described, but the file does not have it");
            return Err(Error::new(ErrorKind::DataIncomplete { missing }, message));
        };
        self.set
            .with(place.file, |file| {
                let page = self.page_of(file, place.page).map_err(|error| error.context(file.name()))?;
                let key = PieceKey { file: place.file, page: place.page, level: self.level, piece: 0 };
                page.read(&file.bytes, &self.set.cache, key, c % self.planes.samples, out)
                    .map_err(|error| error.context(format!("{}: page {}", file.name(), place.page)))?;
                if self.spec.dtype == DType::Mask && page.layout.stored.dtype() != DType::Mask {
                    make_mask(out)?;
                }
                Ok(())
            })
            .map_err(|error| error.context(format!("plane T{t} C{c} Z{z}")))
    }

    /// The page, which must be like the others.
    fn page_of<'a>(&self, file: &'a TiffFile, number: u32) -> Result<&'a Page> {
        let missing = || {
            let missing = format!("page {number}");
            let message = format!("page {number} is described, but the file has {}", file.pages.len());
            Error::new(ErrorKind::DataIncomplete { missing }, message)
        };
        let page = file.pages.get(number as usize).ok_or_else(missing)?;
        let page = match self.level.checked_sub(1) {
            None => page,
            Some(level) => page.levels.get(level as usize).ok_or_else(|| {
                Error::corrupt(format!("page {number} lacks level {} of the pyramid", self.level))
            })?,
        };
        let (layout, spec) = (&page.layout, &self.spec);
        let dtype = layout.stored.dtype();
        let same_type = dtype == spec.dtype || (spec.dtype, dtype) == (DType::Mask, DType::U8);
        if (layout.width, layout.height) != (spec.extent[Axis::X], spec.extent[Axis::Y])
            || layout.samples != self.planes.samples
            || !same_type
        {
            return Err(Error::corrupt(format!(
                "page {number} has {} x {} pixels of {} x {dtype}, its image {} x {} of {} x {}",
                layout.width,
                layout.height,
                layout.samples,
                spec.extent[Axis::X],
                spec.extent[Axis::Y],
                self.planes.samples,
                spec.dtype
            )));
        }
        Ok(page)
    }
}

/// The description of a level: smaller, with larger pixels.
fn level_spec(full: &ImageSpec, page: &Page) -> ImageSpec {
    let mut spec = full.clone();
    let scaled = |size: Option<Micrometers>, full: u64, small: u64| {
        size.map(|size| if full == small { size } else { Micrometers(size.0 * full as f64 / small as f64) })
    };
    let (width, height) = (page.layout.width, page.layout.height);
    spec.pixel_size.x = scaled(full.pixel_size.x, full.extent[Axis::X], width);
    spec.pixel_size.y = scaled(full.pixel_size.y, full.extent[Axis::Y], height);
    spec.extent[Axis::X] = width;
    spec.extent[Axis::Y] = height;
    spec
}

/// Anything but 0 is foreground: bytes of 255 are how other programs store masks.
fn make_mask(out: &mut PixelsMut<'_>) -> Result<()> {
    for row in out.view_mut::<u8>()?.rows_mut() {
        row.iter_mut().for_each(|pixel| *pixel = u8::from(*pixel != 0));
    }
    Ok(())
}

impl ImageSource for TiffImage {
    fn spec(&self) -> &ImageSpec {
        &self.spec
    }

    fn chunk(&self) -> Extent {
        self.chunk
    }

    fn read(&self, out: &mut PixelsMut<'_>) -> Result<()> {
        check_request(&self.spec, out)?;
        let region = *out.region();
        if region.extent.is_empty() {
            return Ok(());
        }
        let range = |axis: Axis| {
            let start = region.origin[axis as usize].unsigned_abs();
            start..start + region.extent[axis]
        };
        for t in range(Axis::T) {
            for c in range(Axis::C) {
                for z in range(Axis::Z) {
                    let position = [t, c, z];
                    let mut plane = region;
                    for (axis, index) in [Axis::T, Axis::C, Axis::Z].into_iter().zip(position) {
                        plane = plane.with(axis, index as i64, 1);
                    }
                    let mut part = out.part_mut(&plane)?;
                    let done = self.read_plane(position, &mut part);
                    done.map_err(|error| error.context(format!("reading {}", self.set.main.name())))?;
                }
            }
        }
        Ok(())
    }
}

/// Refuses a request that does not fit the image.
pub(crate) fn check_request(spec: &ImageSpec, out: &PixelsMut<'_>) -> Result<()> {
    if out.dtype() != spec.dtype {
        return Err(Error::invalid_argument(format!(
            "pixels of {} asked for as {}",
            spec.dtype,
            out.dtype()
        )));
    }
    if !Region::whole(spec.extent).contains(out.region()) {
        return Err(Error::invalid_argument(format!(
            "{} is not inside the image of {}",
            out.region(),
            spec.extent
        )));
    }
    Ok(())
}
