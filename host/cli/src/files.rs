//! Images named on the command line: files, folders, patterns; one series, one channel.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use parfocal_core::ImageSource;
use parfocal_image::{
    Axis, Channel, DType, Extent, Finder, ImageSpec, LabelOrigin, PixelClass, PixelSize, PixelsMut, Region,
    Supports,
};
use parfocal_io::read::ImageFile;
use parfocal_types::{Error, Result, units::Micrometers};

use crate::{names::place, near};

/// Endings of files that a folder is searched for.
const ENDINGS: [&str; 4] = ["tif", "tiff", "btf", "png"];

/// The image files that words of the command line mean, in their order, those of folders and patterns sorted; each once.
pub(crate) fn expand(words: &[String]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for word in words {
        let path = Path::new(word);
        if path.is_dir() {
            files.extend(in_folder(path)?);
        } else if path.exists() || !word.contains(['*', '?', '[']) {
            files.push(path.to_owned());
        } else {
            let matches = glob::glob(word)
                .map_err(|error| Error::invalid_argument(format!("`{word}` is no pattern: {error}")))?;
            let matches: BTreeSet<_> =
                matches.filter_map(std::result::Result::ok).filter(|path| path.is_file()).collect();
            if matches.is_empty() {
                return Err(Error::not_found(format!("no file matches `{word}`")));
            }
            files.extend(matches);
        }
    }
    let mut seen = BTreeSet::new();
    files.retain(|path| seen.insert(place(path)));
    Ok(files)
}

fn in_folder(folder: &Path) -> Result<BTreeSet<PathBuf>> {
    let entries = std::fs::read_dir(folder).map_err(|error| {
        Error::not_found(format!("the folder {} cannot be read", folder.display())).with_source(error)
    })?;
    let files: BTreeSet<_> = entries
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
    pub(crate) labels: bool,
}

/// One image of a file, as the file describes it.
pub(crate) struct Opened {
    path: PathBuf,
    source: Arc<dyn ImageSource>,
    /// What is said where the file has more images and none was picked.
    others: Option<String>,
}

/// An image as steps get it.
pub(crate) struct View {
    pub(crate) source: Arc<dyn ImageSource>,
    /// What the user declared that the file left open.
    pub(crate) declared: Vec<String>,
    /// What the user declared in vain, and images of the file that are not used.
    pub(crate) warnings: Vec<String>,
}

/// Opens one image of a file.
pub(crate) fn open(path: &Path, series: usize) -> Result<Opened> {
    let file = ImageFile::open(path)?;
    let count = file.series_count();
    let others = (count > 1 && series == 0)
        .then(|| format!("1 of {count} images is used, the first; `--series N` picks another"));
    Ok(Opened { path: path.to_owned(), source: file.source(series)?, others })
}

impl Opened {
    /// The image, restricted to a channel, with what the user declares.
    ///
    /// # Errors
    /// `not-found` for a channel that it does not have; `invalid-argument` for declarations that cannot be true.
    pub(crate) fn view(&self, channel: Option<&str>, declared: Declarations) -> Result<View> {
        let inner = Arc::clone(&self.source);
        let channel = channel.map(|name| find_channel(inner.spec(), name, &self.path)).transpose()?;
        let mut spec = inner.spec().clone();
        if let Some(index) = channel {
            spec.extent[Axis::C] = 1;
            let index = usize::try_from(index).unwrap_or(usize::MAX);
            spec.channels = spec.channels.get(index).cloned().into_iter().collect();
        }
        let (said, mut warnings) =
            declare(&mut spec, declared).map_err(|error| error.context(self.path.display()))?;
        warnings.extend(self.others.clone());
        if spec == *inner.spec() {
            return Ok(View { source: inner, declared: said, warnings });
        }
        spec.validate()?;
        Ok(View { source: Arc::new(Adapted { inner, spec, channel }), declared: said, warnings })
    }
}

/// Fills in what the file does not say; gives what was filled in, and what was not.
fn declare(spec: &mut ImageSpec, declared: Declarations) -> Result<(Vec<String>, Vec<String>)> {
    let (mut said, mut warnings) = (Vec::new(), Vec::new());
    if let Some(size) = declared.pixel_size {
        let known = spec.pixel_size;
        // Sizes that differ by rounding are the same.
        let differs = |known: &Micrometers| (known.0 - size.0).abs() > 1e-6 * size.0;
        if let Some(other) = [known.x, known.y].into_iter().flatten().find(differs) {
            warnings.push(format!(
                "the file says that a pixel is {} µm, not {} µm: the file's word counts",
                other.0, size.0
            ));
        } else if known.x.is_none() || known.y.is_none() {
            spec.pixel_size = PixelSize { x: known.x.or(Some(size)), y: known.y.or(Some(size)), z: known.z };
            said.push(format!("the user gave the pixel size: {} µm", size.0));
        }
    }
    if declared.labels {
        if matches!(spec.dtype, DType::F32 | DType::Mask) {
            return Err(Error::invalid_argument(format!(
                "pixels of type {} are no numbers of objects, which are whole",
                spec.dtype
            ))
            .with_remedy("leave out `--declare-labels`, and find the objects with `connected-components`"));
        }
        if let Some(other) = spec.channels.iter().find(|one| !is_one_of(one, PixelClass::Labels)) {
            return Err(Error::invalid_argument(format!(
                "the file says that its pixels are {}, not labels",
                other.class
            ))
            .with_remedy("leave out `--declare-labels`, or pick the labels with `--channel`"));
        }
        for channel in spec.channels.iter_mut().filter(|channel| channel.class == PixelClass::Unknown) {
            channel.class = PixelClass::Labels;
            channel.labels = Some(LabelOrigin { basis: PixelClass::Unknown, finder: Finder::Manual });
            said.push("the user declared that the pixels are labels".to_owned());
        }
    } else if declared.measured {
        for channel in spec.channels.iter_mut().filter(|channel| channel.class == PixelClass::Unknown) {
            channel.class = PixelClass::Measured;
            channel.supports = Supports::ALL;
            said.push("the user declared the images measured".to_owned());
        }
    }
    said.dedup();
    Ok((said, warnings))
}

fn is_one_of(channel: &Channel, class: PixelClass) -> bool {
    channel.class == PixelClass::Unknown || channel.class == class
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
            let list: Vec<_> =
                (0..).zip(&spec.channels).map(|(index, channel)| shown(index, channel)).collect();
            let known = spec.channels.iter().map(|channel| channel.name.as_str());
            let meant = near::near(wanted, known).map(|name| format!("did you mean `{name}`? "));
            Err(Error::not_found(format!("{} has no channel `{wanted}`", path.display()))
                .with_remedy(format!("{}its channels are: {}", meant.unwrap_or_default(), list.join(", "))))
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
