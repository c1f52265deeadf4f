//! What lies beyond the edge of an image: the modes of `numpy.pad`, on every axis, for halos of any size.

use std::ops::Range;

use parfocal_image::{Axis, Extent, PixelsMut, Region};
use parfocal_operator::Padding;

/// The position inside an axis of `size` pixels whose pixel stands at `position`; `None` where zero stands. A mirror
/// repeats as often as the halo asks for it, as `numpy.pad` does.
fn source_of(position: i64, size: i64, padding: Padding) -> Option<i64> {
    if (0..size).contains(&position) {
        return Some(position);
    }
    match padding {
        Padding::Clip | Padding::Zero => None,
        Padding::Edge => Some(position.clamp(0, size - 1)),
        Padding::Symmetric => {
            let place = position.rem_euclid(2 * size);
            Some(place.min(2 * size - 1 - place))
        }
        Padding::Reflect if size == 1 => Some(0),
        Padding::Reflect => {
            let period = 2 * (size - 1);
            let place = position.rem_euclid(period);
            Some(place.min(period - place))
        }
    }
}

/// Size along an axis as a position.
fn size_along(image: &Extent, axis: Axis) -> i64 {
    i64::try_from(image[axis]).unwrap_or(i64::MAX / 4)
}

/// The box of pixels of the image that stand somewhere in `region`. With a halo that is larger than the tile, a mirror
/// shows pixels outside the region. Empty when the region shows none.
pub(crate) fn needed(region: &Region, image: &Extent, padding: Padding) -> Region {
    let mut needed = Region::default();
    for axis in Axis::ALL {
        let (start, end, size) = (region.origin[axis as usize], region.end(axis), size_along(image, axis));
        let inside = start.clamp(0, size)..end.clamp(0, size);
        // After a whole period a mirror shows nothing new, and the other modes show one pixel or none.
        let enough = usize::try_from(2 * size).unwrap_or(usize::MAX);
        let beyond = (start..end.min(0)).take(enough).chain((start.max(size)..end).take(enough));
        let sources = beyond.filter_map(|position| source_of(position, size, padding));
        let span = sources.fold(inside, |span, source| {
            if span.is_empty() {
                source..source + 1
            } else {
                span.start.min(source)..span.end.max(source + 1)
            }
        });
        needed = needed.with(axis, span.start, span.end.saturating_sub(span.start).max(0).unsigned_abs());
    }
    needed
}

/// The smallest box that contains both.
pub(crate) fn hull(one: &Region, other: &Region) -> Region {
    let mut hull = Region::default();
    for axis in Axis::ALL {
        let start = one.origin[axis as usize].min(other.origin[axis as usize]);
        let end = one.end(axis).max(other.end(axis));
        hull = hull.with(axis, start, end.saturating_sub(start).max(0).unsigned_abs());
    }
    hull
}

/// Fills the pixels of `region` that lie beyond the image, from those of [`needed`], which are there already. `pixels`
/// shows at least both boxes.
pub(crate) fn fill(pixels: &mut PixelsMut<'_>, region: &Region, image: &Extent, padding: Padding) {
    let present = needed(region, image, padding);
    if Region::whole(*image).contains(region) {
        return;
    }
    if present.extent.is_empty() {
        pixels.bytes_mut().fill(0);
        return;
    }
    let mut canvas = Canvas::new(pixels);
    // From X to T: each axis copies what the axes inside it have completed.
    for axis in Axis::ALL.into_iter().rev() {
        let size = size_along(image, axis);
        let (start, end) = (region.origin[axis as usize], region.end(axis));
        for position in (start..end.min(0)).chain(start.max(size)..end) {
            let source = source_of(position, size, padding);
            let span = |other: Axis| {
                let of = if other < axis { &present } else { region };
                of.origin[other as usize]..of.end(other)
            };
            canvas.copy(axis, position, source, span);
        }
    }
}

/// Pixels as bytes, addressed by their position in the image.
struct Canvas<'a> {
    origin: [i64; 5],
    /// Bytes between neighbours along each axis.
    steps: [usize; 5],
    bytes: &'a mut [u8],
}

impl<'a> Canvas<'a> {
    fn new(pixels: &'a mut PixelsMut<'_>) -> Self {
        let size = pixels.dtype().size();
        let [t, c, z, y] = pixels.strides().map(|stride| stride * size);
        Self { origin: pixels.region().origin, steps: [t, c, z, y, size], bytes: pixels.bytes_mut() }
    }

    fn offset(&self, position: [i64; 5]) -> usize {
        (0..5)
            .map(|index| {
                usize::try_from(position[index] - self.origin[index]).unwrap_or(0) * self.steps[index]
            })
            .sum()
    }

    /// Sets the slice at `position` of an axis to that at `source`, or to zero; `span` says how far it goes along the
    /// other axes.
    fn copy(&mut self, axis: Axis, position: i64, source: Option<i64>, span: impl Fn(Axis) -> Range<i64>) {
        let row = if axis == Axis::X { position..position + 1 } else { span(Axis::X) };
        let length = usize::try_from(row.end - row.start).unwrap_or(0) * self.steps[4];
        let spans = [Axis::T, Axis::C, Axis::Z, Axis::Y]
            .map(|other| if other == axis { position..position + 1 } else { span(other) });
        let [ts, cs, zs, ys] = spans;
        for t in ts {
            for c in cs.clone() {
                for z in zs.clone() {
                    for y in ys.clone() {
                        let to = [t, c, z, y, row.start];
                        let start = self.offset(to);
                        match source {
                            None => self.bytes[start..start + length].fill(0),
                            Some(source) => {
                                let mut from = to;
                                from[axis as usize] = source;
                                let from = self.offset(from);
                                self.bytes.copy_within(from..from + length, start);
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use parfocal_image::{Buffer, DType};

    use super::*;

    /// What `numpy.pad(range(n), (before, after), mode)` gives, written down from numpy 2.
    #[test]
    fn rows_are_padded_as_numpy_pads_them() {
        let cases: [(Padding, i64, i64, i64, &[i64]); 7] = [
            (Padding::Symmetric, 3, 4, 4, &[2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0]),
            (Padding::Reflect, 3, 5, 4, &[1, 0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2]),
            (Padding::Reflect, 2, 3, 3, &[1, 0, 1, 0, 1, 0, 1, 0]),
            (Padding::Reflect, 1, 2, 2, &[0, 0, 0, 0, 0]),
            (Padding::Symmetric, 1, 2, 2, &[0, 0, 0, 0, 0]),
            (Padding::Edge, 3, 2, 3, &[0, 0, 0, 1, 2, 2, 2, 2]),
            (Padding::Zero, 3, 1, 2, &[-1, 0, 1, 2, -1, -1]),
        ];
        for (padding, size, before, after, expected) in cases {
            let got: Vec<i64> =
                (-before..size + after).map(|at| source_of(at, size, padding).unwrap_or(-1)).collect();
            assert_eq!(got, expected, "{padding:?} {size} {before} {after}");
        }
    }

    #[test]
    fn a_box_anywhere_around_a_small_image_is_filled_pixel_by_pixel_right() {
        let image = Extent::new(2, 2, 3, 2, 4);
        let value = |position: [i64; 5]| -> u16 {
            let sizes = image.0.map(|size| i64::try_from(size).unwrap());
            u16::try_from((0..5).fold(0, |sum, index| sum * sizes[index] + position[index]) + 1).unwrap()
        };
        let boxes = [
            Region::new([0, 0, 0, 0, 0], image),
            Region::new([-1, 0, -4, -3, -5], Extent::new(4, 2, 9, 7, 13)),
            Region::new([1, 1, 2, 1, 3], Extent::new(3, 2, 5, 5, 6)),
            Region::new([0, 0, 0, 0, -9], Extent::new(1, 1, 1, 1, 3)),
            Region::new([0, 0, 5, 7, 9], Extent::new(1, 1, 2, 3, 4)),
        ];
        for padding in [Padding::Symmetric, Padding::Reflect, Padding::Edge, Padding::Zero] {
            for region in boxes {
                let present = needed(&region, &image, padding);
                let shown = if present.extent.is_empty() { region } else { hull(&region, &present) };
                let mut buffer = Buffer::zeroed(DType::U16, shown).unwrap();
                buffer.bytes_mut().fill(0xab);
                for_each(&present, |position| set(&mut buffer, position, value(position)));
                fill(&mut buffer.pixels_mut().unwrap(), &region, &image, padding);
                for_each(&region, |position| {
                    let sources: Option<Vec<i64>> = Axis::ALL
                        .iter()
                        .map(|&axis| source_of(position[axis as usize], size_along(&image, axis), padding))
                        .collect();
                    let expected = sources.map_or(0, |source| value(source.try_into().unwrap()));
                    assert_eq!(get(&buffer, position), expected, "{padding:?} {region} at {position:?}");
                });
            }
        }
    }

    fn for_each(region: &Region, mut visit: impl FnMut([i64; 5])) {
        for number in 0..region.extent.count().unwrap() {
            let mut rest = number;
            let mut position = region.origin;
            for index in (0..5).rev() {
                position[index] += i64::try_from(rest % region.extent.0[index]).unwrap();
                rest /= region.extent.0[index];
            }
            visit(position);
        }
    }

    fn place(region: &Region, position: [i64; 5]) -> [usize; 5] {
        std::array::from_fn(|index| usize::try_from(position[index] - region.origin[index]).unwrap())
    }

    fn set(buffer: &mut Buffer, position: [i64; 5], value: u16) {
        let [t, c, z, y, x] = place(buffer.region(), position);
        buffer.view_mut::<u16>().unwrap().row_mut(t, c, z, y)[x] = value;
    }

    fn get(buffer: &Buffer, position: [i64; 5]) -> u16 {
        let [t, c, z, y, x] = place(buffer.region(), position);
        buffer.view::<u16>().unwrap().row(t, c, z, y)[x]
    }
}
