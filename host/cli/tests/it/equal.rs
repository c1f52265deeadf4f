//! The same operator gives the same bits: native and WASM, tiled and whole.

use std::{path::PathBuf, sync::Arc};

use parfocal_core::{ImageSource, image::MemoryImage};
use parfocal_image::{Axis, Buffer, DType, Extent, ImageSpec, Pixel, PixelSize, Region};
use parfocal_io::read::ImageFile;
use parfocal_types::units::Micrometers;

use crate::{
    outcome::{inputs, outcome},
    place::{data, lanes},
};

/// The image files of a folder; ND2 is not read, and says so elsewhere.
fn files(folder: &str) -> Option<Vec<PathBuf>> {
    let is_image = |path: &PathBuf| {
        path.extension().is_some_and(|ending| ["png", "tif", "tiff"].iter().any(|known| ending == *known))
    };
    let entries = std::fs::read_dir(data(folder)?).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).filter(is_image).collect();
    files.sort();
    Some(files)
}

#[test]
fn every_operator_gives_the_same_bits_native_and_wasm_on_real_images() {
    let Some(lanes) = lanes() else { return };
    let (mut images, mut compared) = (0, 0);
    for folder in ["dsb2018", "vendor_ome"] {
        let Some(files) = files(folder) else { return };
        for path in files {
            let name = path.display();
            let file = ImageFile::open(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
            for series in 0..file.series_count() {
                let image = MemoryImage::read(&*file.source(series).unwrap())
                    .unwrap_or_else(|error| panic!("{name}: {error}"));
                images += 1;
                for descriptor in &lanes.operators {
                    let inputs = inputs(descriptor, &image)
                        .unwrap_or_else(|| panic!("{} takes no image like {name}", descriptor.id));
                    let give = |library| {
                        outcome(library, descriptor, &inputs, None)
                            .unwrap_or_else(|error| panic!("{} on {name}: {error}", descriptor.id))
                    };
                    assert!(give(&lanes.native).same(&give(&lanes.wasm)), "{} on {name}", descriptor.id);
                    compared += 1;
                }
            }
        }
    }
    println!("{images} images, {compared} results bit-identical");
    assert!(images > 0 && compared == images * lanes.operators.len());
}

/// Spots and noise, as `T`.
fn spots<T: Pixel>(extent: Extent) -> MemoryImage {
    let mut state = 7_u64;
    let [_, _, _, height, width] = extent.0;
    let values: Vec<T> = (0..extent.count().unwrap())
        .map(|index| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (y, x) = (index / width % height, index % width);
            let (dy, dx) = ((y % 61) as i64 - 30, (x % 47) as i64 - 23);
            let spot = if dx * dx + dy * dy < 190 + (y / 61 % 5) as i64 * 40 { 120.0 } else { 20.0 };
            T::from_f64(spot + (state >> 59) as f64)
        })
        .collect();
    let mut spec = ImageSpec::new(extent, T::DTYPE);
    spec.pixel_size = PixelSize::voxel(Micrometers(0.25), Micrometers(1.0));
    MemoryImage::new(spec, Buffer::from_slice(&values, Region::whole(extent)).unwrap()).unwrap()
}

fn tiled_equals_whole(image: &MemoryImage, sides: &[u64]) {
    let Some(lanes) = lanes() else { return };
    let whole = image.spec().extent[Axis::X].max(image.spec().extent[Axis::Y]);
    for descriptor in &lanes.operators {
        let Some(inputs): Option<Vec<Arc<dyn ImageSource>>> = inputs(descriptor, image) else { continue };
        let expected = outcome(&lanes.native, descriptor, &inputs, Some(whole)).unwrap();
        for side in sides {
            let tiled = outcome(&lanes.native, descriptor, &inputs, Some(*side)).unwrap();
            assert!(tiled.same(&expected), "{} in tiles of {side}", descriptor.id);
        }
        println!("{}: tiles of {sides:?} equal the whole", descriptor.id);
    }
}

#[test]
fn tiles_equal_the_whole_at_2048_for_every_operator() {
    tiled_equals_whole(&spots::<u16>(Extent::plane(2048, 2048)), &[256, 509]);
}

#[test]
fn tiles_equal_the_whole_for_other_types_and_stacks() {
    tiled_equals_whole(&spots::<f32>(Extent::plane(301, 257)), &[64, 37]);
    tiled_equals_whole(&spots::<u8>(Extent::new(2, 2, 5, 90, 110)), &[32, 41]);
    assert_eq!(spots::<u8>(Extent::plane(1, 1)).spec().dtype, DType::U8);
}
