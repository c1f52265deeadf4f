//! What lies beyond the edge of an image, as `numpy.pad` fills it in.

use parfocal_image::{Axis, PixelsMut, Region};
use parfocal_operator::Padding;
use parfocal_types::Result;

use crate::image::Image;

/// Writes what `pixels`' region shows of the image; what lies beyond is filled in. With [`Padding::Clip`] the region must
/// lie inside.
///
/// # Errors
/// None in practice: the buffer was made for its region.
pub fn fill(image: &Image, padding: Padding, pixels: &mut PixelsMut<'_>) -> Result<()> {
    let region = *pixels.region();
    let size = image.spec.dtype.size();
    let full = image.spec.extent;
    let columns: Vec<Option<u64>> =
        (region.origin[4]..region.end(Axis::X)).map(|x| source(x, full[Axis::X], padding)).collect();
    let from = image.pixels.bytes();
    for_each_row(&region, |row| {
        let place: [Option<u64>; 4] = std::array::from_fn(|axis| source(row[axis], full.0[axis], padding));
        let start = (0..4).try_fold(0, |start, axis| Some((start + place[axis]?) * full.0[axis + 1]));
        let extent = parfocal_image::Extent([1, 1, 1, 1, region.extent.0[4]]);
        let mut part =
            pixels.part_mut(&Region::new([row[0], row[1], row[2], row[3], region.origin[4]], extent))?;
        let target = part.bytes_mut();
        for (pixel, column) in target.chunks_exact_mut(size).zip(&columns) {
            let found = start.zip(*column).and_then(|(start, column)| {
                let first = usize::try_from(start + column).ok()? * size;
                from.get(first..first + size)
            });
            match found {
                Some(value) => pixel.copy_from_slice(value),
                None => pixel.fill(0),
            }
        }
        Ok(())
    })
}

/// The position inside an axis whose pixel stands at `position`; `None` where nothing does.
fn source(position: i64, size: u64, padding: Padding) -> Option<u64> {
    let size = i64::try_from(size).ok().filter(|size| *size > 0)?;
    let place = match padding {
        _ if (0..size).contains(&position) => position,
        Padding::Clip | Padding::Zero => return None,
        Padding::Edge => position.clamp(0, size - 1),
        Padding::Symmetric => {
            let place = position.rem_euclid(2 * size);
            place.min(2 * size - 1 - place)
        }
        Padding::Reflect => {
            let period = (2 * (size - 1)).max(1);
            let place = position.rem_euclid(period);
            place.min(period - place).min(size - 1)
        }
    };
    u64::try_from(place).ok()
}

/// Visits the rows of a region: T, C, Z, Y.
pub(crate) fn for_each_row(region: &Region, mut visit: impl FnMut([i64; 4]) -> Result<()>) -> Result<()> {
    let range = |axis: Axis| region.origin[axis as usize]..region.end(axis);
    for t in range(Axis::T) {
        for c in range(Axis::C) {
            for z in range(Axis::Z) {
                for y in range(Axis::Y) {
                    visit([t, c, z, y])?;
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_padding_is_that_of_numpy() {
        // numpy.pad([0, 1, 2], 4, mode): symmetric, reflect, edge.
        let cases = [
            (Padding::Symmetric, [2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0]),
            (Padding::Reflect, [0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2]),
            (Padding::Edge, [0, 0, 0, 0, 0, 1, 2, 2, 2, 2, 2]),
        ];
        for (padding, expected) in cases {
            let found: Vec<_> = (-4..7).map(|position| source(position, 3, padding).unwrap()).collect();
            assert_eq!(found, expected, "{padding:?}");
        }
        assert_eq!(source(-1, 3, Padding::Zero), None);
        assert_eq!(source(5, 1, Padding::Reflect), Some(0), "a single pixel is its own mirror");
    }
}
