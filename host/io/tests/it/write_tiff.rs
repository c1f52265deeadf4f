//! The OME-TIFF sink: the grid, whole files or none, the same bytes in any order, bounded memory.

use std::{
    path::Path,
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
};

use parfocal_core::image::ImageSink;
use parfocal_image::{Axis, Buffer, DType, Extent, ImageSpec, Region};
use parfocal_io::{
    ome::Note,
    write::{OmeTiffOptions, OmeTiffWriter},
};

use crate::write_support::{boxes, pattern};

fn create(path: &Path, spec: &ImageSpec) -> Box<dyn ImageSink> {
    OmeTiffWriter::create(path, spec, &OmeTiffOptions::default()).unwrap()
}

/// A fixed shuffle.
fn shuffled<T>(mut list: Vec<T>, mut seed: u64) -> Vec<T> {
    for index in (1..list.len()).rev() {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        list.swap(index, usize::try_from(seed >> 33).unwrap() % (index + 1));
    }
    list
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn the_file_does_not_depend_on_the_order_the_threads_or_the_name() {
    let folder = tempfile::tempdir().unwrap();
    let spec = ImageSpec::new(Extent::new(2, 2, 1, 2600, 3000), DType::U16);
    let write = |name: &str, list: Vec<Region>, threads: usize| {
        let path = folder.path().join(name);
        let sink = create(&path, &spec);
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    while let Some(region) = list.get(next.fetch_add(1, Ordering::Relaxed)) {
                        sink.write(&pattern(spec.dtype, *region).pixels().unwrap()).unwrap();
                    }
                });
            }
        });
        sink.finish().unwrap();
        std::fs::read(path).unwrap()
    };
    let sink = create(&folder.path().join("grid.ome.tif"), &spec);
    let (tiles, large) = (boxes(spec.extent, sink.tile(), 1), boxes(spec.extent, sink.tile(), 3));
    drop(sink);
    let straight = write("a.ome.tif", tiles.clone(), 1);
    assert!(straight.len() > 1 << 20);
    for (name, list, threads) in [
        ("b.ome.tif", shuffled(tiles.clone(), 1), 1),
        ("c.ome.tif", tiles.iter().rev().copied().collect(), 1),
        ("d.ome.tif", tiles, 4),
        ("e.ome.tif", large, 2),
    ] {
        assert!(write(name, list, threads) == straight, "{name} differs");
    }
}

#[test]
fn pieces_that_come_early_wait_on_disk_when_there_are_many() {
    // 2 x 40 MiB of noise, the second half first: more than may wait in memory.
    let spec = ImageSpec::new(Extent::new(2, 1, 20, 1024, 1024), DType::U16);
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, backwards: bool| {
        let path = folder.path().join(name);
        let sink = create(&path, &spec);
        let mut list = boxes(spec.extent, sink.tile(), 2);
        if backwards {
            list.reverse();
        }
        for region in list {
            let mut buffer = Buffer::zeroed(DType::U16, region).unwrap();
            let mut state =
                region.origin.iter().fold(1_u64, |hash, at| hash.wrapping_mul(1_000_003) ^ at.unsigned_abs());
            for byte in buffer.bytes_mut() {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(99);
                *byte = state.to_le_bytes()[6];
            }
            sink.write(&buffer.pixels().unwrap()).unwrap();
        }
        sink.finish().unwrap();
        std::fs::read(path).unwrap()
    };
    let straight = write("a.ome.tif", false);
    assert!(straight.len() > 79 << 20);
    assert!(write("b.ome.tif", true) == straight);
    assert_eq!(names(folder.path()), ["a.ome.tif", "b.ome.tif"]);
}

#[test]
fn the_pixels_and_the_notes_decide_the_identity() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.ome.tif");
    let spec = ImageSpec::new(Extent::plane(8, 8), DType::U8);
    let uuid = |value: u8, note: &str| {
        let notes = vec![Note { namespace: "n".to_owned(), text: note.to_owned() }];
        let options = OmeTiffOptions { notes, ..OmeTiffOptions::default() };
        let sink = OmeTiffWriter::create(&path, &spec, &options).unwrap();
        let buffer = Buffer::from_slice(&[value; 64], Region::whole(spec.extent)).unwrap();
        sink.write(&buffer.pixels().unwrap()).unwrap();
        sink.finish().unwrap();
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        text.split_once("UUID=\"urn:uuid:").unwrap().1[..36].to_owned()
    };
    assert_eq!(uuid(1, "x"), uuid(1, "x"));
    assert_ne!(uuid(1, "x"), uuid(2, "x"));
    assert_ne!(uuid(1, "x"), uuid(1, "y"));
    assert_eq!(&uuid(1, "x")[14..15], "8");
}

#[test]
fn pieces_off_the_grid_of_another_type_or_given_twice_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let spec = ImageSpec::new(Extent::plane(600, 2500), DType::U16);
    let sink = create(&folder.path().join("a.ome.tif"), &spec);
    assert_eq!(sink.tile(), Extent::plane(512, 512));
    let refused = |dtype, region| {
        let error = sink.write(&pattern(dtype, region).pixels().unwrap()).unwrap_err();
        assert_eq!(error.kind().name(), "invalid-argument", "{error}");
        error.to_string()
    };
    let piece = |y, x, height, width| Region::new([0, 0, 0, y, x], Extent::plane(height, width));
    assert!(refused(DType::U16, piece(1, 0, 512, 512)).contains("not on the grid"));
    assert!(refused(DType::U16, piece(0, 0, 100, 512)).contains("not on the grid"));
    assert!(refused(DType::U16, piece(512, 2048, 512, 452)).contains("not on the grid"));
    assert!(refused(DType::U8, piece(0, 0, 512, 512)).contains("pixels of type u8"));
    sink.write(&pattern(DType::U16, piece(512, 2048, 88, 452)).pixels().unwrap()).unwrap();
    assert!(refused(DType::U16, piece(512, 2048, 88, 452)).contains("given twice"));
}

#[test]
fn an_image_with_missing_pieces_is_never_seen() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.ome.tif");
    let spec = ImageSpec::new(Extent::new(1, 2, 1, 3000, 2500), DType::U8);
    let sink = create(&path, &spec);
    let list = boxes(spec.extent, sink.tile(), 1);
    for region in list.iter().filter(|region| region.origin != [0, 1, 0, 1024, 512]) {
        sink.write(&pattern(spec.dtype, *region).pixels().unwrap()).unwrap();
    }
    assert_eq!(names(folder.path()).len(), 1, "the part that was written");
    assert!(!path.exists());
    let error = sink.finish().unwrap_err();
    assert_eq!(error.kind().name(), "data-incomplete");
    assert_eq!(
        error.to_string(),
        "the image is not whole: 1 of 60 pieces were never written, the first at T0 C1 Z0 Y1024 X512"
    );
    assert!(names(folder.path()).is_empty());
}

#[test]
fn a_dropped_sink_leaves_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.ome.tif");
    std::fs::write(&path, "before").unwrap();
    drop(create(&path, &ImageSpec::new(Extent::plane(4, 4), DType::U8)));
    assert_eq!(names(folder.path()), ["a.ome.tif"]);
    assert_eq!(std::fs::read(&path).unwrap(), b"before");
}

#[test]
fn what_cannot_be_written_is_refused_before_any_work() {
    let folder = tempfile::tempdir().unwrap();
    let kind = |path: &str, extent: Extent| {
        let spec = ImageSpec::new(extent, DType::U8);
        let result = OmeTiffWriter::create(folder.path().join(path), &spec, &OmeTiffOptions::default());
        let error = result.err().unwrap();
        assert!(
            error.kind().name() == "invalid-argument" || error.remedy().is_some() || path == "a",
            "{error}"
        );
        error.kind().name()
    };
    assert_eq!(kind("missing/a.ome.tif", Extent::plane(4, 4)), "not-found");
    assert_eq!(kind("", Extent::plane(4, 4)), "invalid-argument");
    assert_eq!(kind("a", Extent::plane(0, 4)), "invalid-argument");
    assert_eq!(kind("a", Extent::plane(1 << 33, 1)), "not-supported");
    let mut wrong = ImageSpec::new(Extent::plane(4, 4), DType::U8);
    wrong.channels.clear();
    assert!(OmeTiffWriter::create(folder.path().join("a"), &wrong, &OmeTiffOptions::default()).is_err());
    assert!(names(folder.path()).is_empty());
}

const MEMORY_CHILD: &str = "PARFOCAL_IO_MEMORY_CHILD";

/// Runs itself again, because the peak of memory belongs to a process.
#[test]
fn a_plane_of_20000_columns_needs_little_memory() {
    if let Ok(path) = std::env::var(MEMORY_CHILD) {
        write_large(Path::new(&path));
        return;
    }
    if !Path::new("/proc/self/status").exists() {
        println!("skipped: this system does not tell a process's peak of memory");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "write_tiff::a_plane_of_20000_columns_needs_little_memory",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(MEMORY_CHILD, folder.path().join("large.ome.tif"))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}");
    let peak: u64 = text.split_once("VmHWM:").unwrap().1.split_whitespace().next().unwrap().parse().unwrap();
    println!("peak of memory: {} MiB", peak >> 10);
    assert!(peak >> 10 < 150, "{} MiB", peak >> 10);
}

/// 20000 x 5120 pixels, 195 MiB, in rows of tiles from two threads.
fn write_large(path: &Path) {
    let spec = ImageSpec::new(Extent::plane(5120, 20_000), DType::U16);
    let sink = create(path, &spec);
    let list = boxes(spec.extent, sink.tile(), 1);
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(region) = list.get(next.fetch_add(1, Ordering::Relaxed)) {
                    sink.write(&pattern(spec.dtype, *region).pixels().unwrap()).unwrap();
                }
            });
        }
    });
    assert_eq!(sink.spec().extent[Axis::X], 20_000);
    sink.finish().unwrap();
    print!("{}", std::fs::read_to_string("/proc/self/status").unwrap());
}
