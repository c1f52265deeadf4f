//! What several operators do with pixels.

use parfocal_plugin::prelude::*;

/// Places of planes along T C Z, in raster order.
pub(crate) fn planes(nt: usize, nc: usize, nz: usize) -> impl Iterator<Item = (usize, usize, usize)> {
    (0..nt).flat_map(move |t| (0..nc).flat_map(move |c| (0..nz).map(move |z| (t, c, z))))
}

/// The pixel with a place in one order, so that smallest and largest do not depend on the order of comparisons: positive
/// infinity for what is not a number, zero for negative zero. Whole numbers stay.
#[inline]
pub(crate) fn ordered<T: Pixel>(pixel: T) -> T {
    if T::DTYPE != DType::F32 {
        return pixel;
    }
    let value = pixel.to_f32();
    T::from_f32(if value.is_nan() { f32::INFINITY } else { value + 0.0 })
}

/// The error of a second pass that came before the first was finished.
pub(crate) fn not_concluded() -> Error {
    let kind = ErrorKind::BadState { need: "concluded".into(), is: "planned".into() };
    Error::new(kind, "the second pass came before the first was finished")
}

/// A computed value as a pixel. Which of the many bit patterns of "not a number" comes out of a sum is the processor's
/// choice; here it is always the same one.
#[inline]
pub(crate) fn computed<T: Pixel>(value: f32) -> T {
    T::from_f32(if value.is_nan() { f32::NAN } else { value })
}
