//! Medians of large windows by a histogram that moves with the window.
//!
//! After T. S. Huang et al., "A fast two-dimensional median filtering algorithm" (1979), with two coarser histograms
//! (so that the median moves by steps of 16 and 256 where it moves far) and a path in serpentines (so that nothing is counted
//! anew at the start of a row). A block of the image is worked on at a time; 32-bit pixels are replaced by their rank
//! within the block first, so that every type fits 65536 bins.

use parfocal_plugin::prelude::*;

use super::key;
use crate::pixels::ordered;

/// Pixels of a block at most, halo included: ranks fit 16 bits.
const BLOCK_PIXELS: usize = 1 << 16;

/// Side of a block, halo included.
const SIDE: usize = 256;

/// Memory for one block: keys, output keys, values sorted and not, twice the list that is sorted, histograms.
pub(super) const BYTES: u64 = (BLOCK_PIXELS * (2 + 2 + 4 + 4 + 16 + 2)) as u64 + (1 << 14);

type Plane = (usize, usize, usize);

/// Medians of windows of any radius up to 50.
pub(super) fn median<'a, T: Pixel>(
    row: impl Fn(usize) -> &'a [T],
    output: &mut ViewMut<T>,
    (t, c, z): Plane,
    radius: usize,
    cx: &Context,
) -> Result<()> {
    let [_, _, _, height, width] = output.extent().0.map(|size| size as usize);
    let side = SIDE - 2 * radius;
    let mut keys = Keys::<T>::new();
    let mut window = Window::new(radius);
    for top in (0..height).step_by(side) {
        for left in (0..width).step_by(side) {
            let (rows, columns) = (side.min(height - top), side.min(width - left));
            let wide = columns + 2 * radius;
            keys.fill((top..top + rows + 2 * radius).map(|y| &row(y)[left..left + wide]));
            window.slide(&keys.keys, wide, rows, columns, cx)?;
            for (y, medians) in window.medians.chunks_exact(columns).enumerate() {
                let target = &mut output.row_mut(t, c, z, top + y)[left..left + columns];
                rows::map(medians, target, |key| keys.value(key));
            }
        }
    }
    Ok(())
}

/// Pixels of a block as 16-bit numbers in the same order.
struct Keys<T> {
    keys: Vec<u16>,
    /// The values by rank; empty for types of 16 bits and less, whose key is the distance from the smallest value.
    values: Vec<T>,
    list: Vec<(u32, u32)>,
    spare: Vec<(u32, u32)>,
}

impl<T: Pixel> Keys<T> {
    const RANKED: bool = size_of::<T>() > 2;
    /// Distance of the smallest value from zero.
    const SHIFT: i32 = match T::DTYPE {
        DType::I8 => 1 << 7,
        DType::I16 => 1 << 15,
        _ => 0,
    };

    const fn new() -> Self {
        Self { keys: Vec::new(), values: Vec::new(), list: Vec::new(), spare: Vec::new() }
    }

    fn fill<'a>(&mut self, rows: impl Iterator<Item = &'a [T]>) {
        self.keys.clear();
        if !Self::RANKED {
            for row in rows {
                self.keys.extend(row.iter().map(|value| (value.to_f32() as i32 + Self::SHIFT) as u16));
            }
            return;
        }
        self.list.clear();
        self.values.clear();
        for row in rows {
            for value in row.iter().map(|pixel| ordered(*pixel)) {
                self.list.push((key(value), self.values.len() as u32));
                self.values.push(value);
            }
        }
        sort(&mut self.list, &mut self.spare);
        self.keys.resize(self.list.len(), 0);
        let unsorted = self.values.clone();
        for (rank, &(_, place)) in self.list.iter().enumerate() {
            self.keys[place as usize] = rank as u16;
            self.values[rank] = unsorted[place as usize];
        }
    }

    #[inline]
    fn value(&self, key: u16) -> T {
        if Self::RANKED {
            self.values[usize::from(key)]
        } else {
            T::from_f32((i32::from(key) - Self::SHIFT) as f32)
        }
    }
}

/// Sorts by the first number: four passes over one byte each.
fn sort(list: &mut Vec<(u32, u32)>, spare: &mut Vec<(u32, u32)>) {
    spare.resize(list.len(), (0, 0));
    for shift in [0, 8, 16, 24] {
        let digit = |key: u32| (key >> shift & 0xFF) as usize;
        let mut starts = [0_usize; 257];
        list.iter().for_each(|&(key, _)| starts[digit(key) + 1] += 1);
        (0..256).for_each(|bin| starts[bin + 1] += starts[bin]);
        for &entry in list.iter() {
            let slot = &mut starts[digit(entry.0)];
            spare[*slot] = entry;
            *slot += 1;
        }
        core::mem::swap(list, spare);
    }
}

/// A window's histogram, and the medians of a block.
struct Window {
    radius: usize,
    fine: Vec<u16>,
    /// Sums of 16 bins.
    medium: Vec<u16>,
    /// Sums of 256 bins.
    coarse: Vec<u16>,
    /// The key that was the median last.
    median: usize,
    /// Pixels of the window whose key is below.
    below: u32,
    medians: Vec<u16>,
}

impl Window {
    fn new(radius: usize) -> Self {
        let bins = |count: usize| vec![0; count];
        let (fine, medium, coarse) = (bins(1 << 16), bins(1 << 12), bins(1 << 8));
        Self { radius, fine, medium, coarse, median: 0, below: 0, medians: Vec::new() }
    }

    /// Medians of `rows` x `columns` windows over keys that are `wide` to a row.
    fn slide(&mut self, keys: &[u16], wide: usize, rows: usize, columns: usize, cx: &Context) -> Result<()> {
        let side = 2 * self.radius + 1;
        self.fine.fill(0);
        self.medium.fill(0);
        self.coarse.fill(0);
        (self.median, self.below) = (0, 0);
        self.medians.clear();
        self.medians.resize(rows * columns, 0);
        (0..side).for_each(|y| self.add(keys[y * wide..][..side].iter()));
        for y in 0..rows {
            // A pixel takes as long here as sixteen in a smoothing filter.
            cx.worked(16 * columns)?;
            // Even rows to the right, odd rows back.
            let backwards = y % 2 == 1;
            for step in 0..columns {
                let x = if backwards { columns - 1 - step } else { step };
                if step > 0 {
                    let (old, new) = if backwards { (x + side, x) } else { (x - 1, x + side - 1) };
                    let column = |x: usize| keys[y * wide + x..].iter().step_by(wide).take(side);
                    self.remove(column(old));
                    self.add(column(new));
                } else if y > 0 {
                    let line = |y: usize| keys[y * wide + x..][..side].iter();
                    self.remove(line(y - 1));
                    self.add(line(y + side - 1));
                }
                self.settle();
                self.medians[y * columns + x] = self.median as u16;
            }
        }
        Ok(())
    }

    #[inline]
    fn add<'a>(&mut self, keys: impl Iterator<Item = &'a u16>) {
        for &key in keys {
            self.fine[usize::from(key)] += 1;
            self.medium[usize::from(key >> 4)] += 1;
            self.coarse[usize::from(key >> 8)] += 1;
            self.below += u32::from(usize::from(key) < self.median);
        }
    }

    #[inline]
    fn remove<'a>(&mut self, keys: impl Iterator<Item = &'a u16>) {
        for &key in keys {
            self.fine[usize::from(key)] -= 1;
            self.medium[usize::from(key >> 4)] -= 1;
            self.coarse[usize::from(key >> 8)] -= 1;
            self.below -= u32::from(usize::from(key) < self.median);
        }
    }

    /// Moves to the median: at most half of the window lies below, and more than half not above.
    #[inline]
    fn settle(&mut self) {
        let side = 2 * self.radius + 1;
        let half = (side * side / 2) as u32;
        while self.below > half {
            let at = self.median;
            let few = |count: u16| self.below - u32::from(count) > half;
            let (count, step) = match () {
                () if at.is_multiple_of(256) && few(self.coarse[at / 256 - 1]) => {
                    (self.coarse[at / 256 - 1], 256)
                }
                () if at.is_multiple_of(16) && few(self.medium[at / 16 - 1]) => {
                    (self.medium[at / 16 - 1], 16)
                }
                () => (self.fine[at - 1], 1),
            };
            self.below -= u32::from(count);
            self.median -= step;
        }
        loop {
            let at = self.median;
            let few = |count: u16| self.below + u32::from(count) <= half;
            let (count, step) = match () {
                () if at.is_multiple_of(256) && few(self.coarse[at / 256]) => (self.coarse[at / 256], 256),
                () if at.is_multiple_of(16) && few(self.medium[at / 16]) => (self.medium[at / 16], 16),
                () if few(self.fine[at]) => (self.fine[at], 1),
                () => return,
            };
            self.below += u32::from(count);
            self.median += step;
        }
    }
}
