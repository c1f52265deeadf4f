//! A TIFF file: its pages, and the texts and numbers of the first one that say what the pages are.

use std::path::{Path, PathBuf};

use parfocal_types::error::{Error, ErrorKind, Result};

use super::{
    directory::{Directories, Directory, tag},
    page::{Layouts, Page},
};
use crate::read::bytes::FileBytes;

/// SubIFDs of one page; a pyramid of a whole slide has about ten.
const MAX_LEVELS: usize = 64;

/// An open TIFF file.
pub(crate) struct TiffFile {
    pub(crate) path: PathBuf,
    pub(crate) bytes: FileBytes,
    pub(crate) pages: Vec<Page>,
    /// `ImageDescription` of the first page.
    pub(crate) description: String,
    /// Descriptions that start a series: that of page 0, and those with a shape by tifffile.
    pub(crate) descriptions: Vec<(usize, String)>,
    /// Planes of a MetaMorph stack, of which only the first has a directory; 0 for other files.
    pub(crate) metamorph_planes: u64,
    /// Pixels per unit along X and Y, as the first page says.
    pub(crate) resolution: [Option<f64>; 2],
}

impl TiffFile {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let bytes = FileBytes::open(path)?;
        Self::read(path, bytes).map_err(|error| error.context(format!("reading {}", path.display())))
    }

    fn read(path: &Path, bytes: FileBytes) -> Result<Self> {
        let mut this = Self {
            path: path.to_owned(),
            bytes,
            pages: Vec::new(),
            description: String::new(),
            descriptions: Vec::new(),
            metamorph_planes: 0,
            resolution: [None; 2],
        };
        let (mut source, mut offset) = Directories::new(&this.bytes)?;
        let mut layouts = Layouts::default();
        let mut pages = Vec::new();
        let mut descriptions = Vec::new();
        while let Some(directory) = source.read(offset)? {
            let number = pages.len();
            if number == 0 {
                this.metamorph_planes = directory.count(tag::METAMORPH_PLANES);
                for (slot, tag) in this.resolution.iter_mut().zip([tag::X_RESOLUTION, tag::Y_RESOLUTION]) {
                    *slot = directory.fraction(&mut source, tag)?;
                }
            }
            if number == 0 || directory.has(tag::IMAGE_DESCRIPTION) {
                let text = directory.text(&mut source, tag::IMAGE_DESCRIPTION)?.unwrap_or_default();
                // Only tifffile marks later pages in a way that matters here.
                if number == 0 || text.starts_with("{\"shape\":") {
                    descriptions.push((number, text));
                }
            }
            let page = page(&directory, &mut source, &mut layouts);
            pages.push(page.map_err(|error| error.context(format!("page {number}")))?);
            offset = directory.next();
        }
        if pages.is_empty() {
            return Err(Error::corrupt("the file has no page"));
        }
        drop(source);
        this.pages = pages;
        this.description = descriptions.first().map(|(_, text)| text.clone()).unwrap_or_default();
        this.descriptions = descriptions;
        Ok(this)
    }

    /// The file's name, for messages.
    pub(crate) fn name(&self) -> String {
        self.path
            .file_name()
            .map_or_else(|| self.path.display().to_string(), |name| name.display().to_string())
    }
}

fn page(directory: &Directory, source: &mut Directories<'_>, layouts: &mut Layouts) -> Result<Page> {
    let mut page = Page::of(directory, source, layouts)?;
    let offsets = directory.numbers(source, tag::SUB_IFDS)?.unwrap_or_default();
    if offsets.len() > MAX_LEVELS {
        return Err(Error::corrupt(format!("a page claims {} SubIFDs", offsets.len())));
    }
    for offset in offsets {
        let Some(directory) = source.read(offset)? else { break };
        match Page::of(&directory, source, layouts) {
            // A smaller version of the same pixels; other SubIFDs (previews, masks) are not levels.
            Ok(level) if is_level(&level, page.levels.last().unwrap_or(&page)) => page.levels.push(level),
            Ok(_) => {}
            Err(error) if matches!(error.kind(), ErrorKind::NotSupported { .. }) => {}
            Err(error) => return Err(error.context("SubIFD")),
        }
    }
    Ok(page)
}

fn is_level(level: &Page, above: &Page) -> bool {
    let (small, large) = (&level.layout, &above.layout);
    small.width <= large.width
        && small.height <= large.height
        && (small.width, small.height) != (large.width, large.height)
        && small.samples == large.samples
        && small.stored.dtype() == large.stored.dtype()
}
