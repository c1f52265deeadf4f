//! Medians of small windows by sorting networks.
//!
//! Columns are sorted once for all windows that they belong to. A network is a fixed list of "smaller of two, larger of
//! two"; what does not lead to the median is dropped by the compiler, and the loop over a block of pixels becomes SIMD
//! code in every lane.

use parfocal_plugin::prelude::*;

use super::{larger, smaller};
use crate::pixels::ordered;

type Plane = (usize, usize, usize);

/// Values that are compared together: several SIMD registers of 16 bytes full. With one register's worth the compiler
/// makes SIMD code across the blocks instead of within them, most of which is shuffling; how many registers are
/// best for a type was measured, natively and in WASM.
#[derive(Clone, Copy)]
struct Lanes<T, const L: usize>([T; L]);

impl<T: Pixel, const L: usize> Lanes<T, L> {
    #[inline(always)]
    fn load(row: &[T], x: usize) -> Self {
        match row.get(x..).and_then(|rest| rest.first_chunk()) {
            Some(values) => Self(*values),
            None => unreachable!("scratch rows are longer than the line by a window"),
        }
    }

    #[inline(always)]
    fn smaller(self, other: Self) -> Self {
        Self(core::array::from_fn(|i| smaller(self.0[i], other.0[i])))
    }

    #[inline(always)]
    fn larger(self, other: Self) -> Self {
        Self(core::array::from_fn(|i| larger(self.0[i], other.0[i])))
    }
}

/// Medians of windows of 3 x 3 or 5 x 5 pixels over one plane.
pub(super) fn median<'a, T: Pixel>(
    row: impl Fn(usize) -> &'a [T],
    output: &mut ViewMut<T>,
    plane: Plane,
    radius: u32,
    cx: &Context,
) -> Result<()> {
    let same = (ordered as fn(T) -> T, core::convert::identity as fn(T) -> T);
    match (size_of::<T>(), radius) {
        (1, 1) => filter::<T, T, 3, 64>(row, output, plane, cx, same, (sort3, median_of_3_columns)),
        // Long networks of bytes are not made SIMD code; of 16-bit numbers they are.
        (1, _) => {
            let conversions = (widened::<T>, narrowed::<T>);
            filter::<T, i16, 5, 32>(row, output, plane, cx, conversions, (sort5, median_of_5_columns))
        }
        (2, 1) => filter::<T, T, 3, 32>(row, output, plane, cx, same, (sort3, median_of_3_columns)),
        (2, _) => filter::<T, T, 5, 32>(row, output, plane, cx, same, (sort5, median_of_5_columns)),
        (_, 1) => filter::<T, T, 3, 64>(row, output, plane, cx, same, (sort3, median_of_3_columns)),
        (_, _) => filter::<T, T, 5, 32>(row, output, plane, cx, same, (sort5, median_of_5_columns)),
    }
}

/// A byte as a 16-bit number.
#[inline(always)]
fn widened<T: Pixel>(pixel: T) -> i16 {
    match (T::DTYPE, bytemuck::bytes_of(&pixel)) {
        (DType::I8, [byte, ..]) => i16::from(byte.cast_signed()),
        (_, [byte, ..]) => i16::from(*byte),
        (_, []) => 0,
    }
}

/// The byte that was widened.
#[inline(always)]
fn narrowed<T: Pixel>(value: i16) -> T {
    // The low byte of both kinds of bytes is the byte itself.
    bytemuck::try_pod_read_unaligned(&[value as u8]).unwrap_or_default()
}

/// The median of 3 x 3 values in sorted columns: the median of the largest small one, the median middle one and the
/// smallest large one (J. L. Smith, "Implementing median filters in XC4000E FPGAs", 1996).
#[inline(always)]
fn median_of_3_columns<T: Pixel, const L: usize>([a, b, c]: [[Lanes<T, L>; 3]; 3]) -> Lanes<T, L> {
    let low = a[0].larger(b[0]).larger(c[0]);
    let high = a[2].smaller(b[2]).smaller(c[2]);
    median3(low, median3(a[1], b[1], c[1]), high)
}

/// The median of 5 x 5 values in sorted columns. When the rows are sorted too, the value at rank `i` of its column and `j`
/// of its row (from 1) has `i j - 1` others below and `(6 - i)(6 - j) - 1` above; twelve of the 25 have too many on
/// one side, as many on each, and the median of the other thirteen is the median of all.
#[inline(always)]
fn median_of_5_columns<T: Pixel, const L: usize>(columns: [[Lanes<T, L>; 5]; 5]) -> Lanes<T, L> {
    let rank = |i: usize| sort5(columns.map(|column| column[i]));
    let [_, _, _, a3, a4] = rank(0);
    let [_, _, b2, b3, b4] = rank(1);
    let [_, c1, c2, c3, _] = rank(2);
    let [d0, d1, d2, _, _] = rank(3);
    let [e0, e1, _, _, _] = rank(4);
    median13([a3, a4, b2, b3, b4, c1, c2, c3, d0, d1, d2, e0, e1])
}

/// Runs over a plane: sorts the columns of `N` rows, then takes `N` neighbouring columns for each pixel. Pixels are
/// compared as `W`; `forth` and `back` are the way there.
#[inline(always)]
fn filter<'a, T: Pixel, W: Pixel, const N: usize, const L: usize>(
    row: impl Fn(usize) -> &'a [T],
    output: &mut ViewMut<T>,
    (t, c, z): Plane,
    cx: &Context,
    (forth, back): (impl Fn(T) -> W, impl Fn(W) -> T),
    (sort, select): (
        impl Fn([Lanes<W, L>; N]) -> [Lanes<W, L>; N],
        impl Fn([[Lanes<W, L>; N]; N]) -> Lanes<W, L>,
    ),
) -> Result<()> {
    let [_, _, _, height, width] = output.extent().0.map(|size| size as usize);
    // Whole registers; what lies beyond the row is worked on and thrown away.
    let line_pitch = width.next_multiple_of(L);
    let pitch = line_pitch + L;
    let mut ring: [Vec<W>; N] = core::array::from_fn(|_| vec![W::default(); pitch]);
    let mut sorted: [Vec<W>; N] = core::array::from_fn(|_| vec![W::default(); pitch]);
    let mut line = vec![W::default(); line_pitch];
    for y in 0..height + N - 1 {
        rows::map(row(y), &mut ring[y % N], &forth);
        let Some(y) = y.checked_sub(N - 1) else { continue };
        cx.worked(width)?;
        // Which of the rows is the first does not matter for sorting.
        for x in (0..pitch).step_by(L) {
            let column = sort(core::array::from_fn(|i| Lanes::load(&ring[i], x)));
            for (row, values) in sorted.iter_mut().zip(column) {
                row[x..x + L].copy_from_slice(&values.0);
            }
        }
        for (block, target) in line.as_chunks_mut::<L>().0.iter_mut().enumerate() {
            let x = block * L;
            *target =
                select(core::array::from_fn(|j| core::array::from_fn(|i| Lanes::load(&sorted[i], x + j)))).0;
        }
        rows::map(&line, output.row_mut(t, c, z, y), &back);
    }
    Ok(())
}

/// Compares and exchanges, so that the value at `i` is not above that at `j`.
#[inline(always)]
fn exchange<T: Pixel, const L: usize, const N: usize>(v: &mut [Lanes<T, L>; N], i: usize, j: usize) {
    (v[i], v[j]) = (v[i].smaller(v[j]), v[i].larger(v[j]));
}

#[inline(always)]
fn sort3<T: Pixel, const L: usize>(mut v: [Lanes<T, L>; 3]) -> [Lanes<T, L>; 3] {
    exchange(&mut v, 0, 2);
    exchange(&mut v, 0, 1);
    exchange(&mut v, 1, 2);
    v
}

#[inline(always)]
fn median3<T: Pixel, const L: usize>(a: Lanes<T, L>, b: Lanes<T, L>, c: Lanes<T, L>) -> Lanes<T, L> {
    a.smaller(b).larger(a.larger(b).smaller(c))
}

#[inline(always)]
fn sort5<T: Pixel, const L: usize>(mut v: [Lanes<T, L>; 5]) -> [Lanes<T, L>; 5] {
    exchange(&mut v, 0, 3);
    exchange(&mut v, 1, 4);
    exchange(&mut v, 0, 2);
    exchange(&mut v, 1, 3);
    exchange(&mut v, 0, 1);
    exchange(&mut v, 2, 4);
    exchange(&mut v, 1, 2);
    exchange(&mut v, 3, 4);
    exchange(&mut v, 2, 3);
    v
}

/// The best network known for thirteen values (B. Dobbelaere's list), of which the compiler keeps what reaches the middle.
const SORT_13: [(usize, usize); 45] = [
    (0, 12),
    (1, 10),
    (2, 9),
    (3, 7),
    (5, 11),
    (6, 8),
    (1, 6),
    (2, 3),
    (4, 11),
    (7, 9),
    (8, 10),
    (0, 4),
    (1, 2),
    (3, 6),
    (7, 8),
    (9, 10),
    (11, 12),
    (4, 6),
    (5, 9),
    (8, 11),
    (10, 12),
    (0, 5),
    (3, 8),
    (4, 7),
    (6, 11),
    (9, 10),
    (0, 1),
    (2, 5),
    (6, 9),
    (7, 8),
    (10, 11),
    (1, 3),
    (2, 4),
    (5, 6),
    (9, 10),
    (1, 2),
    (3, 4),
    (5, 7),
    (6, 8),
    (2, 3),
    (4, 5),
    (6, 7),
    (8, 9),
    (3, 4),
    (5, 6),
];

#[inline(always)]
fn median13<T: Pixel, const L: usize>(mut v: [Lanes<T, L>; 13]) -> Lanes<T, L> {
    for (i, j) in SORT_13 {
        exchange(&mut v, i, j);
    }
    v[6]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits<const N: usize>(word: u32) -> [Lanes<u8, 1>; N] {
        core::array::from_fn(|i| Lanes([(word >> i & 1) as u8]))
    }

    /// A network that sorts all zeros and ones sorts everything (Knuth, 5.3.4).
    #[test]
    fn networks_sort_zeros_and_ones() {
        let sorted = |v: &[Lanes<u8, 1>]| v.is_sorted_by_key(|lanes| lanes.0[0]);
        for word in 0..1 << 13 {
            let mut v = bits::<13>(word);
            assert_eq!(median13(v).0[0], u8::from(word.count_ones() > 6));
            SORT_13.iter().for_each(|&(i, j)| exchange(&mut v, i, j));
            assert!(sorted(&v), "{word:b}");
        }
        for word in 0..1 << 5 {
            assert!(sorted(&sort5(bits(word))), "{word:b}");
        }
        for word in 0..1 << 3 {
            assert!(sorted(&sort3(bits(word))), "{word:b}");
            let [a, b, c] = bits(word);
            assert_eq!(median3(a, b, c).0, sort3([a, b, c])[1].0);
        }
    }
}
