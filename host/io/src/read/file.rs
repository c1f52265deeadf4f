//! Any image file: its format by content, its images, their pyramids.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use parfocal_core::ImageSource;
use parfocal_types::error::{Error, Result};

use super::{bytes::FileBytes, png, tiff};

/// The format of a file, as far as it decides how the file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// TIFF or BigTIFF whose OME-XML describes the images.
    OmeTiff,
    /// TIFF whose first page has a description by ImageJ.
    ImageJ,
    /// TIFF or BigTIFF of which nothing more is known.
    Tiff,
    /// PNG.
    Png,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OmeTiff => "OME-TIFF",
            Self::ImageJ => "ImageJ TIFF",
            Self::Tiff => "TIFF",
            Self::Png => "PNG",
        })
    }
}

/// One image of a file and its pyramid.
#[derive(Clone)]
pub(crate) struct Series {
    /// The full image and its smaller versions, largest first; never empty.
    pub(crate) levels: Vec<Arc<dyn ImageSource>>,
}

/// What a format's reader found in a file.
pub(crate) struct Opened {
    pub(crate) format: Format,
    pub(crate) series: Vec<Series>,
    pub(crate) description: String,
    pub(crate) notes: Vec<String>,
}

impl Opened {
    pub(crate) fn new(format: Format, series: Vec<Series>) -> Self {
        Self { format, series, description: String::new(), notes: Vec::new() }
    }
}

/// An open image file. Pixels are read when somebody asks a source for them.
pub struct ImageFile {
    path: PathBuf,
    content: Opened,
}

impl ImageFile {
    /// Opens a file; its content decides the format, not its name.
    ///
    /// # Errors
    /// `not-found`, `permission-denied`; `not-supported` with the tool that converts the file, for formats that are
    /// known but not read; `corrupt` or `data-incomplete` for a damaged one.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let start = beginning(path)?;
        let content = match start.as_slice() {
            [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => tiff::open(path)?,
            [0x89, b'P', b'N', b'G', ..] => {
                let source: Arc<dyn ImageSource> = Arc::new(png::PngImage::open(path)?);
                Opened::new(Format::Png, vec![Series { levels: vec![source] }])
            }
            _ if is_companion(path) => tiff::open_companion(path)?,
            _ => return Err(not_read(path, &start)),
        };
        if content.series.is_empty() {
            return Err(Error::corrupt(format!("{} has no image", path.display())));
        }
        Ok(Self { path: path.to_owned(), content })
    }

    /// The path that was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The format of the file.
    #[must_use]
    pub fn format(&self) -> Format {
        self.content.format
    }

    /// The description that the file carries as it stands there (OME-XML, ImageJ's lines); empty without one.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.content.description
    }

    /// What the user should know about how the file was read, as sentences; usually none.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.content.notes
    }

    /// Number of images in the file.
    #[must_use]
    pub fn series_count(&self) -> usize {
        self.content.series.len()
    }

    /// One image in full size.
    ///
    /// # Errors
    /// `not-found` when the file has fewer images.
    pub fn source(&self, series: usize) -> Result<Arc<dyn ImageSource>> {
        self.level(series, 0)
    }

    /// Number of sizes in which an image is there; 1 without a pyramid, 0 when there is no such image.
    #[must_use]
    pub fn level_count(&self, series: usize) -> usize {
        self.content.series.get(series).map_or(0, |series| series.levels.len())
    }

    /// One image in one of its sizes; level 0 is the full one.
    ///
    /// # Errors
    /// `not-found` when there is no such image or level.
    pub fn level(&self, series: usize, level: usize) -> Result<Arc<dyn ImageSource>> {
        let name = self.path.display();
        let found = self.content.series.get(series).ok_or_else(|| {
            Error::not_found(format!(
                "{name} has {} images, number {series} was asked for",
                self.content.series.len()
            ))
            .with_remedy("images are counted from 0")
        })?;
        found.levels.get(level).cloned().ok_or_else(|| {
            let count = found.levels.len();
            Error::not_found(format!(
                "image {series} of {name} has {count} levels, level {level} was asked for"
            ))
        })
    }
}

/// The first bytes of a file, which say what it is.
fn beginning(path: &Path) -> Result<Vec<u8>> {
    if path.is_dir() {
        let zarr = ["zarr.json", ".zgroup", ".zarray"].iter().any(|name| path.join(name).exists());
        if zarr {
            return Err(Error::not_supported("reading OME-Zarr")
                .context(path.display())
                .with_remedy("convert it to OME-TIFF, for example with bioio or Bio-Formats"));
        }
        return Err(Error::invalid_argument(format!("{} is a folder", path.display()))
            .with_remedy("name a single image file"));
    }
    let bytes = FileBytes::open(path)?;
    if bytes.len() == 0 {
        return Err(Error::corrupt(format!("{} is empty", path.display())));
    }
    bytes.read(0, 16.min(bytes.len()))
}

fn is_companion(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "ome")
}

/// What to say about a file that is not read: its format by its first bytes, and what converts it.
fn not_read(path: &Path, start: &[u8]) -> Error {
    let extension = path.extension().map(|end| end.to_string_lossy().to_lowercase()).unwrap_or_default();
    const BIO_FORMATS: &str = "convert it to OME-TIFF with Bio-Formats: `bfconvert in out.ome.tif`";
    let (what, remedy) = match (start, extension.as_str()) {
        ([0xDA, 0xCE, 0xBE, 0x0A, ..], _) | (_, "nd2") => (
            "Nikon ND2",
            "convert it to OME-TIFF with the Python package nd2: `python -c \"import nd2; \
             nd2.ND2File('in.nd2').write_tiff('out.ome.tif')\"`, or with Bio-Formats: `bfconvert in.nd2 out.ome.tif`",
        ),
        ([b'Z', b'I', b'S', b'R', b'A', b'W', ..], _) | (_, "czi") => ("Zeiss CZI", BIO_FORMATS),
        (_, "lif") => ("Leica LIF", BIO_FORMATS),
        (_, "oib" | "oif" | "vsi") => ("Olympus OIB, OIF or VSI", BIO_FORMATS),
        (_, "ims") => ("Imaris IMS", BIO_FORMATS),
        (_, "dv" | "r3d") => ("DeltaVision", BIO_FORMATS),
        ([0xFF, 0xD8, 0xFF, ..], _) => {
            ("JPEG", "JPEG changes pixel values: use the original, or save it as TIFF or PNG")
        }
        ([b'G', b'I', b'F', ..] | [b'B', b'M', ..] | [b'R', b'I', b'F', b'F', ..], _) => {
            ("GIF, BMP and WebP", "save it as TIFF or PNG")
        }
        ([0x89, b'H', b'D', b'F', ..], _) => {
            ("HDF5", "convert it to OME-TIFF with the program that wrote it")
        }
        _ => {
            return Error::corrupt(format!("{} does not start like any image format", path.display()))
                .with_remedy("TIFF, OME-TIFF and PNG are read");
        }
    };
    Error::not_supported(format!("reading {what}")).context(path.display()).with_remedy(remedy)
}
