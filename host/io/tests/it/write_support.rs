//! Pixels with a known value at each place, and the pieces of an image.

use std::path::{Path, PathBuf};

use parfocal_image::{Axis, Buffer, DType, Extent, Region};

/// The value at a place: structure at several scales and something like noise, from the place alone.
fn value(at: [u64; 5]) -> u64 {
    let [t, c, z, y, x] = at;
    let mut noise = x ^ (y << 20) ^ (z << 40) ^ (c << 48) ^ (t << 56);
    noise = (noise ^ (noise >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    noise = (noise ^ (noise >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let block = (x / 37 + y / 23) % 5 * 311;
    x + 3 * y + 1000 * c + 500 * z + 200 * t + block + (noise >> 58)
}

/// Pixels of `region` in any type: wrapped, signed, or with a fraction.
#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "patterns wrap on purpose")]
pub(crate) fn pattern(dtype: DType, region: Region) -> Buffer {
    let mut buffer = Buffer::zeroed(dtype, region).unwrap();
    let [nt, nc, nz, ny, nx] = region.extent.0;
    let origin = region.origin.map(i64::unsigned_abs);
    let mut bytes = buffer.bytes_mut().chunks_exact_mut(dtype.size());
    for t in 0..nt {
        for c in 0..nc {
            for z in 0..nz {
                for y in 0..ny {
                    for x in 0..nx {
                        let at = [t + origin[0], c + origin[1], z + origin[2], y + origin[3], x + origin[4]];
                        let v = value(at);
                        let pixel = bytes.next().unwrap();
                        match dtype {
                            DType::U8 => pixel.copy_from_slice(&(v as u8).to_ne_bytes()),
                            DType::I8 => pixel.copy_from_slice(&(v as i8).to_ne_bytes()),
                            DType::U16 => pixel.copy_from_slice(&(v as u16).to_ne_bytes()),
                            DType::I16 => pixel.copy_from_slice(&((v as i16).wrapping_mul(7)).to_ne_bytes()),
                            DType::U32 => pixel.copy_from_slice(&((v / 40 * 70_001) as u32).to_ne_bytes()),
                            DType::F32 => pixel.copy_from_slice(&(v as f32 / 7.0 - 100.0).to_ne_bytes()),
                            DType::Mask => pixel[0] = u8::from(v % 100 < 50),
                        }
                    }
                }
            }
        }
    }
    buffer
}

/// The boxes that cover an image, each of `times` by `times` pieces of its grid.
pub(crate) fn boxes(extent: Extent, tile: Extent, times: u64) -> Vec<Region> {
    let steps = |axis: Axis| {
        let step = if matches!(axis, Axis::Y | Axis::X) { tile[axis] * times } else { 1 };
        (0..extent[axis].div_ceil(step))
            .map(move |index| (index * step, step.min(extent[axis] - index * step)))
    };
    let mut list = Vec::new();
    for (t, _) in steps(Axis::T) {
        for (c, _) in steps(Axis::C) {
            for (z, _) in steps(Axis::Z) {
                for (y, height) in steps(Axis::Y) {
                    for (x, width) in steps(Axis::X) {
                        let origin = [t, c, z, y, x].map(|at| i64::try_from(at).unwrap());
                        list.push(Region::new(origin, Extent::plane(height, width)));
                    }
                }
            }
        }
    }
    list
}

/// The programs that judge our files, as far as they are installed.
#[derive(Debug, Default)]
pub(crate) struct Judges {
    /// Python with numpy, pandas, pyarrow, tifffile, imagecodecs and ome-types.
    pub(crate) python: Option<PathBuf>,
    /// Java and the Bio-Formats package.
    pub(crate) bio_formats: Option<(PathBuf, PathBuf)>,
}

/// What `cargo xtask tools` has installed; `PARFOCAL_JUDGE_PYTHON` names another Python.
pub(crate) fn judges() -> Judges {
    let named = std::env::var_os("PARFOCAL_JUDGE_PYTHON").map(PathBuf::from);
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools/tools.json");
    let Ok(text) = std::fs::read_to_string(list) else { return Judges { python: named, bio_formats: None } };
    let tools: serde_json::Value = serde_json::from_str(&text).unwrap();
    let path = |value: &serde_json::Value| value.as_str().map(PathBuf::from).filter(|path| path.exists());
    let bio_formats = path(&tools["bioformats"]["java"]).zip(path(&tools["bioformats"]["jar"]));
    Judges { python: named.or_else(|| path(&tools["python"])), bio_formats }
}
