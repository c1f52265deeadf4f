//! The operators.

mod change;
mod erode;
mod measure;
mod number;
mod smooth;
mod stretch;
mod subtract;

pub use change::Change;
pub use erode::Erode;
pub use measure::Measure;
pub use number::Number;
pub use smooth::Smooth;
pub use stretch::Stretch;
pub use subtract::Subtract;

use parfocal_plugin::prelude::Extent;

/// The places of all rows along T C Z Y, the first axis slowest.
fn rows_of(extent: &Extent) -> impl Iterator<Item = [usize; 4]> + use<> {
    let [ts, cs, zs, ys, _] = extent.0.map(|size| usize::try_from(size).unwrap_or(usize::MAX));
    (0..ts).flat_map(move |t| {
        (0..cs).flat_map(move |c| (0..zs).flat_map(move |z| (0..ys).map(move |y| [t, c, z, y])))
    })
}
