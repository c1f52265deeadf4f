//! OME-TIFF: images as the OME-XML describes them, in one file or a set.

use std::{
    collections::HashMap,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use parfocal_image::{DType, Extent, ImageSpec};
use parfocal_types::error::{Error, ErrorKind, Result};

use super::{
    file::TiffFile,
    image::{FileSet, Place, Planes, TiffImage},
    layout::Layout,
    stack::check_channels,
};
use crate::{
    ome::{self, Document, PixelType, Pixels, TiffData},
    read::bytes::FileBytes,
};

/// Planes of all images of a document; six hours of video. Bounds the list that a short document can claim.
const MAX_PLANES: u64 = 1 << 21;

/// Files of a folder that are looked at to find a renamed one of a set.
const MAX_CANDIDATES: usize = 1000;

/// Whether a description is OME-XML.
pub(crate) fn is_ome(description: &str) -> bool {
    let text = description.trim_end();
    text.contains("<OME") && text.ends_with("OME>") || text.contains(":OME ") && text.ends_with(":OME>")
}

/// What describes the images of a file: its own document or its companion's, and the identity of the file.
pub(crate) struct Description {
    document: Document,
    own: Option<String>,
}

/// The description of an OME-TIFF file; `None`, with a note for the user, when it lies in a companion that is missing.
///
/// # Errors
/// `corrupt` for OME-XML that cannot be read.
pub(crate) fn describe(file: &TiffFile) -> Result<core::result::Result<Description, String>> {
    let document = ome::parse(&file.description)?;
    let own = document.uuid.clone();
    let Some(link) = &document.binary_only else { return Ok(Ok(Description { document, own })) };
    let metadata = beside(&file.path, &link.metadata_file)?;
    if !metadata.is_file() {
        return Ok(Err(format!(
            "{} describes this file and is not there: the pages are read as they are, without channels and \
             calibration",
            metadata.display()
        )));
    }
    Ok(Ok(Description { document: companion(&metadata)?, own }))
}

/// The images that are described, each with its pyramid. Missing files are an error only when their planes are read.
///
/// # Errors
/// `corrupt` for a description that cannot be.
pub(crate) fn images(file: TiffFile, description: Description) -> Result<Vec<Vec<TiffImage>>> {
    build(file, &description.document, description.own)
}

/// The images that a document in a file of its own describes (`.companion.ome`).
///
/// # Errors
/// As [`images`], and `data-incomplete` when none of the pixel files is there.
pub(crate) fn companion_images(path: &Path) -> Result<Vec<Vec<TiffImage>>> {
    let document = ome::parse(&read_text(path)?)?;
    let named = document.images.iter().flat_map(|image| &image.pixels.tiff_data);
    let mut missing = String::new();
    for data in named {
        let Some(name) = &data.file_name else { continue };
        let sibling = beside(path, name)?;
        if sibling.is_file() {
            let own = data.uuid.clone();
            return build(TiffFile::open(&sibling)?, &document, own);
        }
        if missing.is_empty() {
            missing.clone_from(name);
        }
    }
    let message = format!("{} describes images, but none of its pixel files is there", path.display());
    Err(Error::new(ErrorKind::DataIncomplete { missing }, message)
        .with_remedy("put the files of the set into one folder under their own names"))
}

fn build(file: TiffFile, document: &Document, own: Option<String>) -> Result<Vec<Vec<TiffImage>>> {
    let mut files = Files::new(&file, own);
    let mut plans = Vec::new();
    // Images without TiffData follow each other.
    let mut next_page = 0;
    let mut total = 0;
    for (index, image) in document.images.iter().enumerate() {
        if image.pixels.metadata_only && document.images.len() > 1 {
            continue;
        }
        let plan = plan(&file, &mut files, &image.pixels, &mut next_page)
            .map_err(|error| error.context(format!("image {index} of the OME-XML")))?;
        total += plan.places.len() as u64;
        if total > MAX_PLANES {
            return Err(too_many_planes());
        }
        plans.push((index, plan));
    }
    let set = Arc::new(FileSet::new(file, files.siblings));
    plans.into_iter().map(|(index, plan)| image(&set, document, index, plan)).collect()
}

fn image(set: &Arc<FileSet>, document: &Document, index: usize, planes: Planes) -> Result<Vec<TiffImage>> {
    let pixels = document.images.get(index).map(|image| &image.pixels);
    let pixels = pixels.ok_or_else(|| Error::internal("an image left its document"))?;
    let Some(place) =
        planes.places.iter().min_by_key(|(number, place)| (place.file, **number)).map(|(_, p)| *p)
    else {
        let dtype = claimed_type(pixels.pixel_type)?;
        let spec = spec_of(document, index, &planes, (pixels.size_y, pixels.size_x), dtype, dtype.bits())?;
        return Ok(vec![TiffImage::without_sample(set, planes, spec)]);
    };
    let sample = set.with(place.file, |file| {
        let missing = || Error::corrupt(format!("page {} is described, but not there", place.page));
        file.pages.get(place.page as usize).cloned().ok_or_else(missing)
    });
    match sample {
        Ok(page) => {
            let layout = &page.layout;
            let dtype = layout.stored.dtype();
            let bits = layout.stored.significant_bits();
            let spec = spec_of(document, index, &planes, (layout.height, layout.width), dtype, bits)?;
            Ok(TiffImage::levels(set, planes, spec, &page))
        }
        Err(error) if place.file != 0 && matches!(error.kind(), ErrorKind::DataIncomplete { .. }) => {
            let dtype = claimed_type(pixels.pixel_type)?;
            let spec =
                spec_of(document, index, &planes, (pixels.size_y, pixels.size_x), dtype, dtype.bits())?;
            Ok(vec![TiffImage::without_sample(set, planes, spec)])
        }
        Err(error) => Err(error),
    }
}

fn spec_of(
    document: &Document,
    index: usize,
    planes: &Planes,
    (height, width): (u64, u64),
    dtype: DType,
    significant_bits: u32,
) -> Result<ImageSpec> {
    let [t, c, z] = planes.sizes;
    let extent = Extent::new(t, c.saturating_mul(planes.samples), z, height, width);
    check_channels(&extent)?;
    let mut spec = ome::image_spec(document, index, extent, dtype)?;
    if spec.dtype == dtype {
        // The depth of the samples in the file is a limit that no document can lift.
        spec.significant_bits = spec.significant_bits.min(significant_bits);
    }
    spec.validate()?;
    Ok(spec)
}

fn claimed_type(kind: PixelType) -> Result<DType> {
    Ok(match kind {
        PixelType::Int8 => DType::I8,
        PixelType::Int16 => DType::I16,
        PixelType::Uint8 => DType::U8,
        PixelType::Uint16 => DType::U16,
        PixelType::Int32 | PixelType::Uint32 => DType::U32,
        PixelType::Float | PixelType::Double => DType::F32,
        PixelType::Bit => DType::Mask,
        PixelType::Complex | PixelType::DoubleComplex => {
            return Err(Error::not_supported("complex samples in TIFF"));
        }
    })
}

/// Which plane lies where, as the `TiffData` of an image say.
fn plan(file: &TiffFile, files: &mut Files, pixels: &Pixels, next_page: &mut u64) -> Result<Planes> {
    let samples = samples_of(file, files, pixels);
    let channels = (pixels.size_c / samples).max(1);
    let sizes = [pixels.size_t, channels, pixels.size_z];
    let total = sizes.iter().try_fold(1_u64, |total, size| total.checked_mul(*size));
    let total = total.filter(|total| *total <= MAX_PLANES).ok_or_else(too_many_planes)?;
    let mut planes = Planes { sizes, samples, places: HashMap::new() };
    let ordered = [pixels.size_z, channels, pixels.size_t];
    let order = pixels.dimension_order;
    let default = TiffData { ifd: Some(*next_page), plane_count: Some(total), ..TiffData::default() };
    let listed = if pixels.tiff_data.is_empty() {
        *next_page = next_page.saturating_add(total);
        std::slice::from_ref(&default)
    } else {
        &pixels.tiff_data
    };
    for data in listed {
        let index = files.index(data)?;
        let first_page = data.ifd.unwrap_or(0);
        let available = if index == 0 {
            (file.pages.len() as u64).saturating_sub(first_page)
        } else if data.plane_count.is_none() && data.ifd.is_none() {
            files.page_count(index)
        } else {
            total
        };
        let count = data.plane_count.unwrap_or(if data.ifd.is_some() { 1 } else { total }).min(available);
        // Some writers count samples, not OME channels, here.
        let c = if data.first_c >= channels { data.first_c / samples } else { data.first_c };
        let Some(start) = order.number([data.first_z, c, data.first_t], ordered) else {
            return Err(Error::corrupt(format!(
                "a TiffData starts at Z{} C{} T{}, outside the image",
                data.first_z, data.first_c, data.first_t
            )));
        };
        for step in 0..count.min(total - start) {
            let Some([z, c, t]) = order.position(start + step, ordered) else { break };
            let Some(number) = planes.number([t, c, z]) else { break };
            let page =
                u32::try_from(first_page + step).map_err(|_| Error::corrupt("a TiffData of no page"))?;
            planes.places.insert(number, Place { file: index, page });
        }
    }
    Ok(planes)
}

fn too_many_planes() -> Error {
    Error::not_supported(format!("OME-TIFF of more than {MAX_PLANES} planes"))
}

/// Samples of a page: from the page itself where it is in this file, else as described.
fn samples_of(file: &TiffFile, files: &mut Files, pixels: &Pixels) -> u64 {
    let own = |layout: &Layout| layout.samples;
    let first = pixels.tiff_data.iter().find(|data| matches!(files.index(data), Ok(0)));
    let page = match first {
        Some(data) => file.pages.get(usize::try_from(data.ifd.unwrap_or(0)).unwrap_or(usize::MAX)),
        None if pixels.tiff_data.is_empty() => file.pages.first(),
        None => None,
    };
    let described = pixels.channels.first().map_or(1, |channel| channel.samples_per_pixel);
    page.map_or(described, |page| own(&page.layout)).clamp(1, pixels.size_c.max(1))
}

/// The files of a set by name; number 0 is the one that was opened.
struct Files {
    path: PathBuf,
    own: Option<String>,
    siblings: Vec<PathBuf>,
    /// Names of the set, and which file each is.
    known: HashMap<(Option<String>, Option<String>), u32>,
    /// Files of the folder by identity, looked up only when a name is not there.
    renamed: Option<HashMap<String, PathBuf>>,
}

impl Files {
    fn new(file: &TiffFile, own: Option<String>) -> Self {
        Self { path: file.path.clone(), own, siblings: Vec::new(), known: HashMap::new(), renamed: None }
    }

    /// The number of the file that a `TiffData` names.
    fn index(&mut self, data: &TiffData) -> Result<u32> {
        let Some(name) = &data.file_name else { return Ok(0) };
        let is_own = data.uuid.is_some() && data.uuid == self.own
            || self.path.file_name().is_some_and(|own| own == name.as_str());
        if is_own {
            return Ok(0);
        }
        let key = (data.uuid.clone(), data.file_name.clone());
        if let Some(index) = self.known.get(&key) {
            return Ok(*index);
        }
        let mut path = beside(&self.path, name)?;
        if !path.exists()
            && let Some(uuid) = &data.uuid
            && let Some(found) = self.find_renamed(uuid)
        {
            path = found;
        }
        let place = self.siblings.iter().position(|known| *known == path).unwrap_or_else(|| {
            self.siblings.push(path);
            self.siblings.len() - 1
        });
        let index = place as u32 + 1;
        self.known.insert(key, index);
        Ok(index)
    }

    /// Pages of a sibling; 1 when it cannot be opened now.
    fn page_count(&self, index: u32) -> u64 {
        let path = (index as usize).checked_sub(1).and_then(|place| self.siblings.get(place));
        path.and_then(|path| TiffFile::open(path).ok()).map_or(1, |file| file.pages.len() as u64)
    }

    /// Sets are renamed by people, but keep their identities.
    fn find_renamed(&mut self, uuid: &str) -> Option<PathBuf> {
        if self.renamed.is_none() {
            self.renamed = Some(identities(&self.path));
        }
        self.renamed.as_ref()?.get(uuid).cloned()
    }
}

/// The OME-TIFF files in the folder of `path`, by identity; of two with one identity the first by name.
fn identities(path: &Path) -> HashMap<String, PathBuf> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Ok(entries) = std::fs::read_dir(folder) else { return HashMap::new() };
    let is_ome = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
        [".ome.tif", ".ome.tiff", ".ome.btf", ".ome.tf2", ".ome.tf8"].iter().any(|end| name.ends_with(end))
    };
    let mut paths: Vec<PathBuf> =
        entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_ome).collect();
    paths.sort();
    paths.truncate(MAX_CANDIDATES);
    let mut known = HashMap::new();
    for path in paths {
        let uuid = TiffFile::open(&path).ok().and_then(|file| ome::parse(&file.description).ok()?.uuid);
        if let Some(uuid) = uuid {
            known.entry(uuid).or_insert(path);
        }
    }
    known
}

/// The path of a file of the same set. Names that lead out of the folder are refused: a document comes from anybody.
fn beside(path: &Path, name: &str) -> Result<PathBuf> {
    let relative = Path::new(name);
    if name.is_empty() || !relative.components().all(|part| matches!(part, Component::Normal(_))) {
        return Err(Error::corrupt(format!("the OME-XML names the file `{name}`, which is not beside it")));
    }
    Ok(path.parent().unwrap_or(Path::new("")).join(relative))
}

/// The document of a file that describes others.
fn companion(metadata: &Path) -> Result<Document> {
    let is_xml = metadata.extension().is_some_and(|end| end == "ome" || end == "xml");
    let text = if is_xml { read_text(metadata)? } else { TiffFile::open(metadata)?.description };
    let document =
        ome::parse(&text).map_err(|error| error.context(format!("reading {}", metadata.display())))?;
    if document.binary_only.is_some() {
        return Err(Error::corrupt(format!("{} has no document either", metadata.display())));
    }
    Ok(document)
}

fn read_text(path: &Path) -> Result<String> {
    let bytes = FileBytes::open(path)?;
    if bytes.len() > ome::MAX_XML_BYTES as u64 {
        return Err(Error::not_supported(format!("OME-XML of {} bytes", bytes.len())));
    }
    String::from_utf8(bytes.read(0, bytes.len())?)
        .map_err(|error| Error::corrupt(format!("{} is not UTF-8", path.display())).with_source(error))
}
