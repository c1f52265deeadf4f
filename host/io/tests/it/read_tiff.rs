//! Reading TIFF: boxes, threads, limits, and what damaged files are told.

use std::{
    fs::File,
    io::{Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use parfocal_core::{
    ImageSource,
    image::{MemoryImage, copy_pixels},
};
use parfocal_image::{Axis, Buffer, DType, Extent, PixelsMut, Region};
use parfocal_io::{read::ImageFile, source};
use parfocal_types::{Error, ErrorKind};

use crate::judge;

const LONG: u16 = 4;
const SHORT: u16 = 3;
const RATIONAL: u16 = 5;

/// A little-endian classic TIFF of one page: tags with their numbers, and what follows the directory.
struct Page {
    tags: Vec<(u16, u16, Vec<u32>)>,
    description: Option<String>,
    next: u32,
}

impl Page {
    /// A grey page of 8 or 16 bits whose single strip starts at offset 4096.
    fn grey(width: u32, height: u32, bits: u32) -> Self {
        Self {
            tags: vec![
                (256, LONG, vec![width]),
                (257, LONG, vec![height]),
                (258, SHORT, vec![bits]),
                (259, SHORT, vec![1]),
                (262, SHORT, vec![1]),
                (273, LONG, vec![4096]),
                (277, SHORT, vec![1]),
                (278, LONG, vec![height]),
                (279, LONG, vec![width * height * bits / 8]),
            ],
            description: None,
            next: 0,
        }
    }

    fn with(mut self, tag: u16, kind: u16, values: Vec<u32>) -> Self {
        self.tags.retain(|(known, ..)| *known != tag);
        self.tags.push((tag, kind, values));
        self.tags.sort_by_key(|(tag, ..)| *tag);
        self
    }

    /// The file up to offset 4096.
    fn bytes(&self) -> Vec<u8> {
        let mut text = self.description.clone().unwrap_or_default().into_bytes();
        text.push(0);
        let mut entries: Vec<_> =
            self.tags.iter().map(|(tag, kind, values)| (*tag, *kind, values.clone())).collect();
        if self.description.is_some() {
            entries.push((270, 2, vec![]));
            entries.sort_by_key(|(tag, ..)| *tag);
        }
        let mut file = b"II\x2a\0\x08\0\0\0".to_vec();
        let mut rest = Vec::new();
        let rest_at = 8 + 2 + 12 * entries.len() + 4;
        file.extend(u16::try_from(entries.len()).unwrap().to_le_bytes());
        for (tag, kind, values) in &entries {
            file.extend(tag.to_le_bytes());
            file.extend(kind.to_le_bytes());
            let data: Vec<u8> = match *kind {
                2 => text.clone(),
                SHORT => values.iter().flat_map(|value| (*value as u16).to_le_bytes()).collect(),
                _ => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
            };
            let count = match *kind {
                2 => text.len(),
                RATIONAL => values.len() / 2,
                _ => values.len(),
            };
            file.extend((count as u32).to_le_bytes());
            if data.len() <= 4 {
                file.extend(data.iter().copied().chain([0; 4]).take(4));
            } else {
                file.extend(((rest_at + rest.len()) as u32).to_le_bytes());
                rest.extend(data);
            }
        }
        file.extend(self.next.to_le_bytes());
        file.extend(rest);
        assert!(file.len() <= 4096);
        file.resize(4096, 0);
        file
    }

    fn write(&self, folder: &Path, pixels: &[u8]) -> PathBuf {
        let path = folder.join("page.tif");
        let mut bytes = self.bytes();
        bytes.extend_from_slice(pixels);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

fn read(path: &Path) -> Result<MemoryImage, Error> {
    MemoryImage::read(&*source::open_one(path)?)
}

fn kind(result: Result<MemoryImage, Error>) -> String {
    result.err().map_or_else(|| "read".to_owned(), |error| error.kind().name().to_owned())
}

#[test]
fn any_box_of_any_file_is_a_part_of_the_whole() {
    let Some(data) = judge::data() else {
        println!("skipped: the folder of real data is not there");
        return;
    };
    let mut boxes = 0;
    for path in judge::tiffs(&data.join("tiff_valid")) {
        let Ok(source) = source::open_one(&path) else { continue };
        let Ok(whole) = MemoryImage::read(&*source) else { continue };
        let extent = source.spec().extent;
        let (rows, columns) = (extent[Axis::Y], extent[Axis::X]);
        for (y, x, height, width) in [
            (0, 0, 1, 1),
            (rows / 3, columns / 4, rows.div_ceil(2), columns.div_ceil(2)),
            (rows - 1, 0, 1, columns),
        ] {
            let channels = extent[Axis::C];
            let region = Region::new(
                [0, channels as i64 / 2, 0, y as i64, x as i64],
                Extent::new(
                    1,
                    channels - channels / 2,
                    extent[Axis::Z],
                    height.min(rows - y),
                    width.min(columns - x),
                ),
            );
            let mut expected = Buffer::zeroed(source.spec().dtype, region).unwrap();
            copy_pixels(&whole.pixels().pixels().unwrap(), &mut expected.pixels_mut().unwrap()).unwrap();
            // Rows further apart than they are long, and a buffer that is no multiple of the pixel's alignment.
            let size = source.spec().dtype.size();
            let [_, c, z, height, width] = region.extent.0.map(|n| usize::try_from(n).unwrap());
            let row = width + 3;
            let strides = [c * z * height * row, z * height * row, height * row, row];
            let mut bytes = vec![0xAA; strides[0] * size];
            let mut out = PixelsMut::new(source.spec().dtype, &mut bytes, region, strides).unwrap();
            source.read(&mut out).unwrap();
            for (index, line) in expected.bytes().chunks(width * size).enumerate() {
                let at = index * row * size;
                assert!(&bytes[at..at + width * size] == line, "{} {region}", path.display());
                assert!(bytes[at + width * size..at + row * size].iter().all(|byte| *byte == 0xAA), "gap");
            }
            boxes += 1;
        }
    }
    assert!(boxes > 300, "{boxes}");
}

#[test]
fn threads_that_read_one_image_at_once_get_what_one_gets() {
    let folder = tempfile::tempdir().unwrap();
    // 64 strips of PackBits, so that tiles share strips and are decoded.
    let (width, height) = (256_u32, 256_u32);
    let line = |y: u32| -> Vec<u8> {
        let value = |x: u32| ((x * 7 + y * 13) % 251) as u8;
        (0..width).step_by(128).flat_map(|x| [127].into_iter().chain((x..x + 128).map(value))).collect()
    };
    let mut pixels = Vec::new();
    let (mut offsets, mut counts) = (vec![], vec![]);
    for strip in 0..height / 4 {
        let packed: Vec<u8> = (strip * 4..strip * 4 + 4).flat_map(line).collect();
        offsets.push(4096 + pixels.len() as u32);
        counts.push(packed.len() as u32);
        pixels.extend(packed);
    }
    let page = Page::grey(width, height, 8)
        .with(259, SHORT, vec![32_773])
        .with(273, LONG, offsets)
        .with(278, LONG, vec![4])
        .with(279, LONG, counts);
    let path = page.write(folder.path(), &pixels);
    let whole = read(&path).unwrap();
    assert_eq!(whole.pixels().as_slice::<u8>().unwrap()[3 * 256 + 5], 5 * 7 + 3 * 13);
    let source = source::open_one(&path).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8_i64 {
            let (source, whole) = (&source, &whole);
            scope.spawn(move || {
                for step in 0..16 {
                    let tile = (thread * 5 + step) % 16;
                    let region = Region::new([0, 0, 0, tile / 4 * 64, tile % 4 * 64], Extent::plane(64, 64));
                    let mut ours = Buffer::zeroed(DType::U8, region).unwrap();
                    source.read(&mut ours.pixels_mut().unwrap()).unwrap();
                    let mut expected = Buffer::zeroed(DType::U8, region).unwrap();
                    copy_pixels(&whole.pixels().pixels().unwrap(), &mut expected.pixels_mut().unwrap())
                        .unwrap();
                    assert!(ours.bytes() == expected.bytes(), "tile {tile}");
                }
            });
        }
    });
}

#[test]
fn an_imagej_stack_beyond_four_gibibytes_is_read_though_it_has_one_directory() {
    let folder = tempfile::tempdir().unwrap();
    let (side, planes) = (2048_u32, 600_u64);
    let plane = u64::from(side * side * 2);
    let mut page = Page::grey(side, side, 16);
    page.description =
        Some(format!("ImageJ=1.53t\nimages={planes}\nslices=200\nframes=3\nhyperstack=true\n"));
    let path = folder.path().join("big.tif");
    let mut file = File::create(&path).unwrap();
    file.write_all(&page.bytes()).unwrap();
    // A file with a hole: it takes no room on the disk.
    if file.set_len(4096 + planes * plane).is_err() {
        println!("skipped: the disk takes no file of 5 GiB");
        return;
    }
    file.seek(SeekFrom::Start(4096 + (planes - 1) * plane + 2 * (u64::from(side) + 3))).unwrap();
    file.write_all(&4711_u16.to_le_bytes()).unwrap();
    drop(file);
    let source = source::open_one(&path).unwrap();
    assert_eq!(source.spec().extent.0, [3, 1, 200, 2048, 2048]);
    let region = Region::new([2, 0, 199, 1, 3], Extent::plane(1, 2));
    let mut pixels = Buffer::zeroed(DType::U16, region).unwrap();
    source.read(&mut pixels.pixels_mut().unwrap()).unwrap();
    assert_eq!(pixels.as_slice::<u16>().unwrap(), [4711, 0]);
}

#[test]
fn a_metamorph_stack_has_the_planes_that_only_its_own_tag_counts() {
    let folder = tempfile::tempdir().unwrap();
    // UIC2 has six numbers for each plane; as fractions they count as one.
    let mut page = Page::grey(3, 2, 8).with(33_629, RATIONAL, vec![0; 2 * 4]);
    let pixels: Vec<u8> = (0..24).collect();
    let path = page.write(folder.path(), &pixels);
    let image = read(&path).unwrap();
    assert_eq!(image.spec().extent.0, [1, 1, 4, 2, 3]);
    assert_eq!(image.pixels().as_slice::<u8>().unwrap(), pixels);
    page = page.with(33_629, RATIONAL, vec![0; 2 * 9]);
    assert_eq!(kind(read(&page.write(folder.path(), &pixels))), "data-incomplete");
}

#[test]
fn a_ring_of_directories_is_corrupt() {
    let folder = tempfile::tempdir().unwrap();
    let mut page = Page::grey(4, 4, 8);
    page.next = 8;
    let error = read(&page.write(folder.path(), &[0; 16])).unwrap_err();
    assert_eq!(error.kind().name(), "corrupt");
    assert!(error.to_string().contains("ring"), "{error}");
}

#[test]
fn a_file_that_is_cut_short_is_incomplete_and_its_first_rows_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = Page::grey(1024, 1024, 8).write(folder.path(), &vec![7; 600 * 1024]);
    assert_eq!(kind(read(&path)), "data-incomplete");
    let source = source::open_one(&path).unwrap();
    let mut rows = Buffer::zeroed(DType::U8, Region::whole(Extent::plane(200, 1024))).unwrap();
    source.read(&mut rows.pixels_mut().unwrap()).unwrap();
    assert!(rows.bytes().iter().all(|pixel| *pixel == 7));
}

#[test]
fn a_tile_that_was_never_written_is_incomplete_not_black() {
    let folder = tempfile::tempdir().unwrap();
    let page = Page::grey(32, 16, 8)
        .with(322, LONG, vec![16])
        .with(323, LONG, vec![16])
        .with(324, LONG, vec![4096, 0])
        .with(325, LONG, vec![256, 0]);
    let path = page.write(folder.path(), &[9; 256]);
    assert_eq!(kind(read(&path)), "data-incomplete");
}

#[test]
fn labels_in_wide_types_are_read_while_they_fit() {
    let folder = tempfile::tempdir().unwrap();
    let wide = |format: u32, bits: u32, pixels: &[u8]| {
        let page = Page::grey(2, 1, bits).with(339, SHORT, vec![format]);
        read(&page.write(folder.path(), pixels))
    };
    let two = |a: i64, b: i64| [a.to_le_bytes(), b.to_le_bytes()].concat();
    let labels = wide(2, 64, &two(0, 4_294_967_295)).unwrap();
    assert_eq!(labels.pixels().as_slice::<u32>().unwrap(), [0, u32::MAX]);
    assert_eq!(labels.spec().dtype, DType::U32);
    for (format, pixels) in [(1, two(1, 1 << 32)), (2, two(1, -1))] {
        let error = wide(format, 64, &pixels).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::NotSupported { .. }), "{error}");
        assert!(error.remedy().is_some());
    }
}

#[test]
fn a_request_that_does_not_fit_the_image_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = Page::grey(8, 8, 8).write(folder.path(), &[0; 64]);
    let source = source::open_one(&path).unwrap();
    let mut beyond = Buffer::zeroed(DType::U8, Region::new([0, 0, 0, 4, 0], Extent::plane(8, 8))).unwrap();
    let mut wrong = Buffer::zeroed(DType::U16, Region::whole(Extent::plane(8, 8))).unwrap();
    for out in [&mut beyond, &mut wrong] {
        let error = source.read(&mut out.pixels_mut().unwrap()).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::InvalidArgument);
    }
    let file = ImageFile::open(&path).unwrap();
    assert!(matches!(file.source(1).err().unwrap().kind(), ErrorKind::NotFound));
}

#[test]
fn pages_of_other_sizes_are_images_of_their_own() {
    let Some(data) = judge::data() else {
        println!("skipped: the folder of real data is not there");
        return;
    };
    let file = ImageFile::open(data.join("tiff_valid/seq-1c-8b-multipage-adeefdcc.tiff")).unwrap();
    assert_eq!(file.series_count(), 1);
    assert_eq!(file.source(0).unwrap().spec().extent.0, [1, 1, 3, 16, 16]);
}
