//! White top-hat with a square, as `scipy.ndimage.white_tophat` defines it.
//!
//! What is narrower than the square stays, what is wider (an uneven background) goes: the image minus its opening, that
//! is, the local maximum of the local minimum. Along rows minima are made by doubling (windows of 1, 2, 4, ... pixels,
//! then the length asked for from two overlapping ones), which is SIMD code; along columns by van Herk's and
//! Gil-Werman's blocks of rows, three comparisons a pixel whatever the radius.

use parfocal_plugin::prelude::*;

use crate::pixels::{computed, ordered, planes};

/// Removes the background: what is wider than the square.
///
/// The image is mirrored at its edges (`mode="reflect"` in scipy). Signed pixels saturate where scipy's wrap around. Pixels
/// that are not a number stay so and are passed over by their neighbours.
#[derive(Debug, Operator)]
#[operator(
    id = "top-hat",
    kind = map,
    preserves = [localisation, counting, gross_morphology, rare_event_search],
    deterministic,
    max_halo = [0, 0, 0, 200, 200]
)]
#[input(name = "image", dtypes = [u8, i8, u16, i16, u32, f32])]
pub struct TopHat {
    /// The square has 2 radius + 1 pixels along each side; choose it larger than the objects.
    #[parameter(tunable, unit = Pixel, default = 20, min = 1, max = 100)]
    radius: u32,
}

impl MapOperator for TopHat {
    fn halo(&self, _: &ImageSpec) -> Result<Halo> {
        Ok(Halo::in_plane(2 * u64::from(self.radius), 2 * u64::from(self.radius)))
    }

    fn bytes(&self) -> u64 {
        // Two runs over blocks of rows, each with a block, a block of results and two rows of a strip.
        let side = 2 * u64::from(self.radius) + 1;
        2 * 4 * (STRIP as u64 + 4 * u64::from(self.radius) + 64) * (2 * side + 3)
    }

    fn run<T: Pixel>(&mut self, input: &View<T>, output: &mut ViewMut<T>, cx: &Context) -> Result<()> {
        let [nt, nc, nz, _, nx] = output.extent().0.map(|size| size as usize);
        for (t, c, z) in planes(nt, nc, nz) {
            for start in (0..nx).step_by(STRIP) {
                let columns = (start, STRIP.min(nx - start));
                self.strip(|y| input.row(t, c, z, y), output, (t, c, z), columns, cx)?;
            }
        }
        Ok(())
    }
}

/// Columns that are worked on at a time.
const STRIP: usize = 1024;

#[inline]
fn smaller<T: Pixel>(a: T, b: T) -> T {
    if b < a { b } else { a }
}

#[inline]
fn larger<T: Pixel>(a: T, b: T) -> T {
    if a < b { b } else { a }
}

/// How far a pixel stands above its background, which is never brighter.
#[inline]
fn difference<T: Pixel>(pixel: T, background: T) -> T {
    macro_rules! whole {
        ($type:ty) => {{
            let (pixel, background): ($type, $type) = (bytemuck::cast(pixel), bytemuck::cast(background));
            bytemuck::cast(pixel.saturating_sub(background))
        }};
    }
    match T::DTYPE {
        DType::U8 | DType::Mask => whole!(u8),
        DType::I8 => whole!(i8),
        DType::U16 => whole!(u16),
        DType::I16 => whole!(i16),
        DType::U32 => whole!(u32),
        DType::F32 => computed(pixel.to_f32() - background.to_f32()),
    }
}

impl TopHat {
    /// Works on `width` columns from `start` on, of one plane.
    fn strip<'a, T: Pixel>(
        &self,
        row: impl Fn(usize) -> &'a [T],
        output: &mut ViewMut<T>,
        (t, c, z): (usize, usize, usize),
        (start, width): (usize, usize),
        cx: &Context,
    ) -> Result<()> {
        let radius = self.radius as usize;
        let height = output.extent()[Axis::Y] as usize;
        let (middle, wide) = (width + 2 * radius, width + 4 * radius);
        let mut minima = Along::new(2 * radius + 1, wide);
        let mut maxima = Along::new(2 * radius + 1, middle);
        let mut eroded = Running::new(2 * radius + 1, middle);
        let mut opened = Running::new(2 * radius + 1, width);
        for y in 0..height + 4 * radius {
            cx.worked(wide)?;
            let Some(row_of_minima) = eroded.push(minima.of(&row(y)[start..start + wide], smaller), smaller)
            else {
                continue;
            };
            let Some(background) = opened.push(maxima.of(row_of_minima, larger), larger) else { continue };
            let y = y - 4 * radius;
            let pixels = &row(y + 2 * radius)[start + 2 * radius..];
            rows::map2(pixels, background, &mut output.row_mut(t, c, z, y)[start..start + width], difference);
        }
        Ok(())
    }
}

/// Extremes over windows along a row.
struct Along<T> {
    window: usize,
    line: Vec<T>,
    other: Vec<T>,
}

impl<T: Pixel> Along<T> {
    fn new(window: usize, width: usize) -> Self {
        Self { window, line: vec![T::default(); width], other: vec![T::default(); width] }
    }

    /// The extreme of each window that lies inside the row.
    fn of(&mut self, row: &[T], pick: impl Fn(T, T) -> T + Copy) -> &[T] {
        rows::map(row, &mut self.line, ordered);
        let mut length = row.len();
        let mut step = 1;
        let mut shift = |by: usize| {
            length -= by;
            rows::map2(&self.line[..length], &self.line[by..], &mut self.other, pick);
            core::mem::swap(&mut self.line, &mut self.other);
            length
        };
        while 2 * step <= self.window {
            shift(step);
            step *= 2;
        }
        let length = shift(self.window - step);
        &self.line[..length]
    }
}

/// Extremes over windows of rows: of the last `window` rows that were pushed.
struct Running<T> {
    window: usize,
    width: usize,
    /// Rows pushed so far.
    count: usize,
    /// The rows of the block that is being filled.
    block: Vec<T>,
    /// Extremes of the rows from each on to the last, of the block before.
    suffixes: Vec<T>,
    /// Extremes of the rows from the first of the block to the last pushed.
    prefix: Vec<T>,
    result: Vec<T>,
}

impl<T: Pixel> Running<T> {
    fn new(window: usize, width: usize) -> Self {
        let rows = |count: usize| vec![T::default(); count * width];
        Self {
            window,
            width,
            count: 0,
            block: rows(window),
            suffixes: rows(window),
            prefix: rows(1),
            result: rows(1),
        }
    }

    /// Takes a row; gives the extremes when there are enough.
    fn push(&mut self, row: &[T], pick: impl Fn(T, T) -> T + Copy) -> Option<&[T]> {
        let (place, width) = (self.count % self.window, self.width);
        self.count += 1;
        self.block[place * width..][..width].copy_from_slice(row);
        if place == 0 {
            self.prefix.copy_from_slice(row);
        } else {
            core::mem::swap(&mut self.prefix, &mut self.result);
            rows::map2(row, &self.result, &mut self.prefix, pick);
        }
        if place + 1 < self.window {
            let suffix = &self.suffixes[(place + 1) * width..][..width];
            rows::map2(suffix, &self.prefix, &mut self.result, pick);
        } else {
            self.result.copy_from_slice(&self.prefix);
            self.finish_block(pick);
        }
        (self.count >= self.window).then_some(&self.result[..])
    }

    fn finish_block(&mut self, pick: impl Fn(T, T) -> T + Copy) {
        let width = self.width;
        self.suffixes.copy_from_slice(&self.block);
        for place in (0..self.window - 1).rev() {
            let (rows, after) = self.suffixes.split_at_mut((place + 1) * width);
            rows::map2(
                &self.block[place * width..][..width],
                &after[..width],
                &mut rows[place * width..],
                pick,
            );
        }
    }
}
