//! Images named on the command line: files, folders, patterns; one series, one channel.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use parfocal_core::ImageSource;
use parfocal_image::{
    Axis, Channel, DType, Extent, ImageSpec, PixelClass, PixelSize, PixelsMut, Region, Supports,
};
use parfocal_io::read::ImageFile;
use parfocal_types::{Error, Result, units::Micrometers};

/// Endings of files that a folder is searched for.
const ENDINGS: [&str; 4] = ["tif", "tiff", "btf", "png"];

/// The image files that words of the command line mean, sorted, each once.
pub(crate) fn expand(words: &[String]) -> Result<Vec<PathBuf>> {
    let mut files = BTreeSet::new();
    for word in words {
        let path = Path::new(word);
        if path.is_dir() {
            files.extend(in_folder(path)?);
        } else if path.exists() || !word.contains(['*', '?', '[']) {
            files.insert(path.to_owned());
        } else {
            let matches = glob::glob(word)
                .map_err(|error| Error::invalid_argument(format!("`{word}` is no pattern: {error}")))?;
            let before = files.len();
            files.extend(matches.filter_map(std::result::Result::ok).filter(|path| path.is_file()));
            if files.len() == before {
                return Err(Error::not_found(format!("no file matches `{word}`")));
            }
        }
    }
    Ok(files.into_iter().collect())
}

fn in_folder(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).map_err(|error| {
        Error::not_found(format!("the folder {} cannot be read", folder.display())).with_source(error)
    })?;
    let files: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
            path.is_file() && ENDINGS.contains(&ending.to_ascii_lowercase().as_str())
        })
        .collect();
    if files.is_empty() {
        return Err(Error::not_found(format!("there is no image in the folder {}", folder.display()))
            .with_remedy(format!("images end in .{}", ENDINGS.join(", ."))));
    }
    Ok(files)
}

/// What the user says about an image that the file does not.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Declarations {
    pub(crate) pixel_size: Option<Micrometers>,
    pub(crate) measured: bool,
}

/// Opens one image of a file, restricted to a channel, with what the user declares.
pub(crate) fn open(
    path: &Path,
    series: usize,
    channel: Option<&str>,
    declared: Declarations,
) -> Result<Arc<dyn ImageSource>> {
    let source = ImageFile::open(path)?.source(series)?;
    let channel = channel.map(|name| find_channel(source.spec(), name, path)).transpose()?;
    if channel.is_none() && declared.pixel_size.is_none() && !declared.measured {
        return Ok(source);
    }
    Ok(Arc::new(Adapted::new(source, channel, declared)?))
}

fn find_channel(spec: &ImageSpec, wanted: &str, path: &Path) -> Result<u64> {
    let named: Vec<u64> = (0..)
        .zip(&spec.channels)
        .filter(|(_, channel)| channel.name == wanted)
        .map(|(index, _)| index)
        .collect();
    match (named.as_slice(), wanted.parse::<u64>()) {
        ([one], _) => Ok(*one),
        ([], Ok(number)) if number < spec.extent[Axis::C] => Ok(number),
        ([], _) => {
            let names: Vec<_> =
                (0..).zip(&spec.channels).map(|(index, channel)| shown(index, channel)).collect();
            Err(Error::not_found(format!("{} has no channel `{wanted}`", path.display()))
                .with_remedy(format!("its channels are: {}", names.join(", "))))
        }
        (several, _) => Err(Error::invalid_argument(format!(
            "{} has {} channels named `{wanted}`",
            path.display(),
            several.len()
        ))
        .with_remedy(format!("name it by its number: {several:?}"))),
    }
}

fn shown(index: u64, channel: &Channel) -> String {
    if channel.name.is_empty() { index.to_string() } else { format!("{index} `{}`", channel.name) }
}

/// An image with one channel picked and facts declared by the user.
struct Adapted {
    inner: Arc<dyn ImageSource>,
    spec: ImageSpec,
    channel: Option<u64>,
}

impl Adapted {
    fn new(inner: Arc<dyn ImageSource>, channel: Option<u64>, declared: Declarations) -> Result<Self> {
        let mut spec = inner.spec().clone();
        if let Some(index) = channel {
            spec.extent[Axis::C] = 1;
            let index = usize::try_from(index).unwrap_or(usize::MAX);
            spec.channels = spec.channels.get(index).cloned().into_iter().collect();
        }
        if let Some(size) = declared.pixel_size {
            let z = spec.pixel_size.z;
            spec.pixel_size = PixelSize { z, ..PixelSize::square(size) };
        }
        if declared.measured {
            for channel in spec.channels.iter_mut().filter(|channel| channel.class == PixelClass::Unknown) {
                channel.class = PixelClass::Measured;
                channel.supports = Supports::ALL;
            }
        }
        spec.validate()?;
        Ok(Self { inner, spec, channel })
    }
}

impl ImageSource for Adapted {
    fn spec(&self) -> &ImageSpec {
        &self.spec
    }

    fn chunk(&self) -> Extent {
        self.inner.chunk()
    }

    fn read(&self, out: &mut PixelsMut<'_>) -> Result<()> {
        let Some(channel) = self.channel else { return self.inner.read(out) };
        let region: Region = *out.region();
        if region.extent.is_empty() {
            return Ok(());
        }
        let moved = region.with(Axis::C, i64::try_from(channel).unwrap_or(i64::MAX), 1);
        let (dtype, strides): (DType, _) = (out.dtype(), *out.strides());
        self.inner.read(&mut PixelsMut::new(dtype, out.bytes_mut(), moved, strides)?)
    }
}

/// The name of a file without its image endings: `cells.ome.tif` is `cells`.
pub(crate) fn stem(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let lower = name.to_ascii_lowercase();
    for ending in [".ome.tif", ".ome.tiff", ".ome.btf", ".tif", ".tiff", ".btf", ".png"] {
        if lower.ends_with(ending) && name.len() > ending.len() {
            return name[..name.len() - ending.len()].to_owned();
        }
    }
    name
}
