//! Reading next to tifffile: what both say about the same files. Shared by the test and by the command that writes
//! the table of `docs/formats.md`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "part of tests; the command may stop as they do")]

use std::{
    collections::BTreeMap,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use parfocal_core::{ImageSource, image::MemoryImage};
use parfocal_image::DType;
use parfocal_io::read::ImageFile;
use parfocal_types::{Error, ErrorKind};
use sha2::{Digest as _, Sha256};

/// The workspace root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The folder of real data, if it is there.
pub(crate) fn data() -> Option<PathBuf> {
    let folder =
        std::env::var_os("PARFOCAL_DATA").map_or_else(|| root().join("../shared/data"), PathBuf::from);
    folder.is_dir().then_some(folder)
}

/// A Python that has tifffile, or why there is none.
pub(crate) fn python() -> Result<PathBuf, String> {
    let tools = root().join(".tools/tools.json");
    let named = std::env::var_os("PARFOCAL_JUDGE_PYTHON").map(PathBuf::from).or_else(|| {
        let text = std::fs::read_to_string(&tools).ok()?;
        let json: serde_json::Value = serde_json::from_str(&text).ok()?;
        json.get("python")?.as_str().map(PathBuf::from)
    });
    let python = named.ok_or("no Python with tifffile: `cargo xtask test` installs it".to_owned())?;
    let imports = Command::new(&python).args(["-c", "import tifffile, imagecodecs"]).output();
    match imports {
        Ok(output) if output.status.success() => Ok(python),
        _ => Err(format!("{} cannot import tifffile and imagecodecs", python.display())),
    }
}

/// One level of one image: its size along T C Z Y X, its type as numpy names it, the sha256 of its pixels.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub(crate) struct Level {
    #[serde(default)]
    pub(crate) shape: Vec<u64>,
    #[serde(default)]
    pub(crate) dtype: String,
    #[serde(default)]
    pub(crate) sha256: String,
    /// A value has no place in the widened type.
    #[serde(default)]
    pub(crate) unfit: bool,
}

/// What the judge sees in a file.
#[derive(Debug, Clone, serde::Deserialize)]
pub(crate) struct Answer {
    pub(crate) file: String,
    #[serde(default)]
    pub(crate) series: Vec<Vec<Level>>,
    pub(crate) error: Option<String>,
}

/// Asks the judge about files.
pub(crate) fn ask(python: &Path, files: &[PathBuf]) -> BTreeMap<PathBuf, Answer> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judges/tiff_pixels.py");
    let mut child = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python starts");
    let mut input = child.stdin.take().expect("a pipe");
    let list: String = files.iter().map(|file| format!("{}\n", file.display())).collect();
    let writer = std::thread::spawn(move || input.write_all(list.as_bytes()));
    let output = child.wait_with_output().expect("python ends");
    writer.join().expect("no panic").expect("the list is written");
    assert!(output.status.success(), "the judge failed");
    String::from_utf8(output.stdout)
        .expect("UTF-8")
        .lines()
        .map(|line| serde_json::from_str::<Answer>(line).expect("an answer"))
        .map(|answer| (PathBuf::from(&answer.file), answer))
        .collect()
}

/// What we see in a file: the same facts.
pub(crate) fn look(path: &Path) -> Result<Vec<Vec<Level>>, Error> {
    let file = ImageFile::open(path)?;
    (0..file.series_count())
        .map(|series| {
            (0..file.level_count(series)).map(|level| summary(&*file.level(series, level)?)).collect()
        })
        .collect()
}

fn summary(source: &dyn ImageSource) -> Result<Level, Error> {
    let spec = source.spec();
    let image = MemoryImage::read(source)?;
    let mut bytes = image.pixels().bytes().to_vec();
    if cfg!(target_endian = "big") {
        bytes.chunks_exact_mut(spec.dtype.size()).for_each(<[u8]>::reverse);
    }
    let digest = Sha256::digest(&bytes);
    let dtype = match spec.dtype {
        DType::U8 | DType::Mask => "uint8",
        DType::I8 => "int8",
        DType::U16 => "uint16",
        DType::I16 => "int16",
        DType::U32 => "uint32",
        DType::F32 => "float32",
    };
    Ok(Level {
        shape: spec.extent.0.to_vec(),
        dtype: dtype.to_owned(),
        sha256: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
        unfit: false,
    })
}

/// The comparison of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Every image and level has the same size, type and pixels.
    Equal,
    /// A typed refusal with the feature.
    NotSupported(String),
    /// Both refuse it as damaged.
    BothRefuse(String),
    /// Anything else is a defect, of one of the two.
    Different(String),
}

/// Compares what we see with what the judge saw.
pub(crate) fn verdict(path: &Path, answer: &Answer) -> Verdict {
    match (look(path), &answer.error) {
        (Err(error), judged) => match (error.kind(), judged) {
            (ErrorKind::NotSupported { what }, _) => Verdict::NotSupported(what.clone()),
            (_, Some(_)) => Verdict::BothRefuse(error.to_string()),
            (_, None) => Verdict::Different(format!("we refuse: {error}")),
        },
        (Ok(_), Some(judged)) => Verdict::Different(format!("the judge refuses: {judged}")),
        (Ok(ours), None) if ours == answer.series => Verdict::Equal,
        (Ok(ours), None) => Verdict::Different(format!("ours {ours:?}, the judge {:?}", answer.series)),
    }
}

/// The TIFF files of a set of the real data, sorted by name.
pub(crate) fn tiffs(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("a folder of data")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|end| end == "tif" || end == "tiff"))
        .collect();
    files.sort();
    files
}
