//! TIFF and BigTIFF: directories, strips and tiles, decoded piece by piece.
//!
//! Why not the `tiff` crate: it reads neither odd bit depths nor the pixels of a SubIFD nor a strip in parts, and
//! limits come after its allocations (decision record 3). From the bytes of a strip to pixels there is one path:
//! [`codec`] decompresses, [`samples`] undoes the predictor and widens, [`page`] cuts out the box that was asked for.

mod codec;
mod directory;
mod file;
mod image;
mod layout;
mod ome;
mod page;
mod samples;
mod stack;

use std::{path::Path, sync::Arc};

use parfocal_types::error::{Error, Result};

use self::{
    file::TiffFile,
    image::{FileSet, TiffImage},
    stack::Stack,
};
use super::file::{Format, Opened, Series};

pub(crate) use image::check_request;

/// All images of a TIFF file, and how the file says what they are.
pub(crate) fn open(path: &Path) -> Result<Opened> {
    let file = TiffFile::open(path)?;
    let (name, description) = (file.name(), file.description.clone());
    let mut notes = Vec::new();
    let (format, images) =
        images(file, &mut notes).map_err(|error| error.context(format!("reading {name}")))?;
    Ok(Opened { format, series: images.into_iter().map(series).collect(), description, notes })
}

fn images(mut file: TiffFile, notes: &mut Vec<String>) -> Result<(Format, Vec<Vec<TiffImage>>)> {
    if ome::is_ome(&file.description) {
        match ome::describe(&file)? {
            Ok(description) => return Ok((Format::OmeTiff, ome::images(file, description)?)),
            Err(note) => notes.push(note),
        }
    } else if stack::is_imagej(&file.description) {
        let stacks = stack::imagej(&mut file)?;
        return Ok((Format::ImageJ, of_stacks(file, stacks)?));
    }
    let stacks = match stack::metamorph(&mut file)? {
        Some(stacks) => stacks,
        None => stack::shaped(&mut file).unwrap_or_else(|| stack::plain(&file)),
    };
    Ok((Format::Tiff, of_stacks(file, stacks)?))
}

/// All images that a `.companion.ome` file describes.
pub(crate) fn open_companion(path: &Path) -> Result<Opened> {
    let images = ome::companion_images(path);
    let images = images.map_err(|error| error.context(format!("reading {}", path.display())))?;
    Ok(Opened::new(Format::OmeTiff, images.into_iter().map(series).collect()))
}

fn of_stacks(file: TiffFile, stacks: Vec<Stack>) -> Result<Vec<Vec<TiffImage>>> {
    let set = Arc::new(FileSet::new(file, Vec::new()));
    stacks
        .into_iter()
        .map(|stack| {
            stack::check_channels(&stack.spec.extent)?;
            stack.spec.validate()?;
            let sample = set.main().pages.get(stack.sample as usize);
            let sample = sample.ok_or_else(|| Error::internal("a stack without a page"))?;
            Ok(TiffImage::levels(&set, stack.planes, stack.spec, sample))
        })
        .collect()
}

fn series(levels: Vec<TiffImage>) -> Series {
    Series { levels: levels.into_iter().map(|level| Arc::new(level) as _).collect() }
}
