//! Damaged files: a typed error or a clean read, within bounds of memory and time. Each file is read in a process of
//! its own, this test binary started again, so that a panic, a hang or an allocation is seen from outside.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use parfocal_core::ImageSource;
use parfocal_image::{Axis, Buffer, Extent, Region};
use parfocal_io::read::ImageFile;
use parfocal_types::Error;

use crate::judge;

const FILE: &str = "PARFOCAL_TEST_MALFORMED_FILE";
const MAX_SECONDS: u64 = 2;
const MAX_MEBIBYTES: u64 = 256;

/// Reads the image whole when it is small, else boxes at its corners in the first and last plane.
fn read_some(source: &dyn ImageSource) -> Result<(), Error> {
    let spec = source.spec();
    let whole = Region::whole(spec.extent);
    if spec.bytes().is_some_and(|bytes| bytes <= 32 << 20) {
        return source.read(&mut Buffer::zeroed(spec.dtype, whole)?.pixels_mut()?);
    }
    let size = Extent::plane(spec.extent[Axis::Y].min(256), spec.extent[Axis::X].min(256));
    for corner in 0..8 {
        let mut region = Region::new([0; 5], size);
        for (bit, axes) in [&[Axis::X][..], &[Axis::Y], &[Axis::T, Axis::C, Axis::Z]].into_iter().enumerate()
        {
            if corner >> bit & 1 == 1 {
                for axis in axes {
                    let last = spec.extent[*axis] - size[*axis];
                    region.origin[*axis as usize] = i64::try_from(last).unwrap();
                }
            }
        }
        source.read(&mut Buffer::zeroed(spec.dtype, region)?.pixels_mut()?)?;
    }
    Ok(())
}

pub(crate) fn read_file(path: &Path) -> Result<(), Error> {
    let file = ImageFile::open(path)?;
    for series in 0..file.series_count() {
        for level in 0..file.level_count(series) {
            read_some(&*file.level(series, level)?)?;
        }
    }
    Ok(())
}

/// Largest memory that this process ever had, in mebibytes.
pub(crate) fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? / 1024)
}

/// Does nothing unless it was started by the test below.
#[test]
fn child_that_reads_one_file() {
    let Some(path) = std::env::var_os(FILE) else { return };
    let outcome = match read_file(Path::new(&path)) {
        Ok(()) => "read".to_owned(),
        Err(error) => format!("{}: {error}", error.kind().name()),
    };
    let peak = peak_memory().map_or_else(String::new, |peak| peak.to_string());
    println!("\noutcome\t{peak}\t{outcome}");
}

/// What became of a file: the child's line, or what went wrong.
fn outcome(path: &Path) -> Result<String, String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "read_malformed::child_that_reads_one_file", "--nocapture", "--test-threads=1"])
        .env(FILE, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let start = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if start.elapsed() > Duration::from_secs(MAX_SECONDS) {
            child.kill().unwrap();
            child.wait().unwrap();
            return Err(format!("not done after {MAX_SECONDS} s"));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find_map(|line| line.strip_prefix("outcome\t"));
    let Some((peak, outcome)) = line.and_then(|line| line.split_once('\t')) else {
        return Err(format!("died: {}", String::from_utf8_lossy(&output.stderr)));
    };
    match peak.parse::<u64>() {
        Ok(peak) if peak > MAX_MEBIBYTES => Err(format!("{peak} MiB of memory")),
        _ if outcome.starts_with("internal") => Err(format!("a defect: {outcome}")),
        _ => Ok(format!("{peak}\t{outcome}")),
    }
}

#[test]
fn every_malformed_file_is_a_typed_error_or_a_clean_read() {
    let Some(data) = judge::data() else {
        println!("skipped: the folder of real data is not there");
        return;
    };
    let files = judge::tiffs(&data.join("tiff_malformed"));
    assert!(files.len() >= 119, "only {} malformed files", files.len());
    let mut failed = Vec::new();
    for path in &files {
        let name = path.file_name().unwrap().display();
        match outcome(path) {
            Ok(line) => println!("{name}\t{line}"),
            Err(why) => failed.push(format!("{name}: {why}")),
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}
