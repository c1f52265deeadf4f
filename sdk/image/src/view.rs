//! Views of pixels without copying: typed ([`View`], [`ViewMut`]) and of a type known at run time ([`PixelsRef`],
//! [`PixelsMut`]).
//!
//! A view knows the [`Region`] of the image that it shows. Rows are dense; the strides of the other axes are
//! free, in pixels, not negative. The rows of a mutable view never overlap: each stride is at least the span of
//! the axes inside it.

use bytemuck::{try_cast_slice, try_cast_slice_mut};
use parfocal_types::error::{Error, Result};

use crate::{
    dtype::{DType, Pixel},
    region::{Axis, Extent, Region},
};

/// Distance between neighbours along T C Z Y, in pixels. Along X it is always 1.
pub type Strides = [usize; 4];

/// Strides of pixels that lie one after the other.
///
/// # Errors
/// `out-of-memory` when the number of pixels does not fit the address space.
pub fn dense_strides(extent: &Extent) -> Result<Strides> {
    let too_large = || Error::invalid_argument(format!("an image of {extent} does not fit memory"));
    let mut strides = [0; 4];
    let mut span = 1_usize;
    for index in (0..4).rev() {
        let size = usize::try_from(extent.0[index + 1]).map_err(|_| too_large())?;
        span = span.checked_mul(size).ok_or_else(too_large)?;
        strides[index] = span;
    }
    Ok(strides)
}

/// Number of pixels from the first to the last, both included; 0 for an empty extent.
fn span(extent: &Extent, strides: &Strides) -> Option<usize> {
    if extent.is_empty() {
        return Some(0);
    }
    let mut last = usize::try_from(extent.0[4]).ok()?;
    for (size, stride) in extent.0.iter().zip(strides) {
        last = last.checked_add(usize::try_from(size - 1).ok()?.checked_mul(*stride)?)?;
    }
    Some(last)
}

fn check(available: usize, extent: &Extent, strides: &Strides) -> Result<()> {
    match span(extent, strides) {
        Some(needed) if needed <= available => Ok(()),
        Some(needed) => Err(Error::invalid_argument(format!(
            "a view of {extent} needs {needed} pixels, the buffer has {available}"
        ))),
        None => Err(Error::invalid_argument(format!("a view of {extent} does not fit memory"))),
    }
}

fn check_nested(extent: &Extent, strides: &Strides) -> Result<()> {
    let mut inner = usize::try_from(extent.0[4]).unwrap_or(usize::MAX);
    for index in (0..4).rev() {
        if extent.0[index] > 1 && strides[index] < inner {
            return Err(Error::invalid_argument("the rows of an output view overlap"));
        }
        let size = usize::try_from(extent.0[index]).unwrap_or(usize::MAX);
        inner = inner.max(size.saturating_mul(strides[index]));
    }
    Ok(())
}

fn offset(strides: &Strides, position: [usize; 4]) -> usize {
    strides.iter().zip(position).map(|(stride, index)| stride * index).sum()
}

fn sizes(extent: &Extent) -> [usize; 5] {
    // A view was checked against a buffer in memory, so every size fits.
    extent.0.map(|size| usize::try_from(size).unwrap_or(0))
}

/// Read-only pixels of one type.
#[derive(Debug, Clone, Copy)]
pub struct View<'a, T> {
    data: &'a [T],
    region: Region,
    strides: Strides,
}

impl<'a, T: Pixel> View<'a, T> {
    /// A view of `region` over `data`, whose first element is the region's first pixel.
    ///
    /// # Errors
    /// `invalid-argument` when the region with these strides reaches beyond `data`.
    pub fn new(data: &'a [T], region: Region, strides: Strides) -> Result<Self> {
        check(data.len(), &region.extent, &strides)?;
        Ok(Self { data, region, strides })
    }

    /// A view of pixels that lie one after the other.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn dense(data: &'a [T], region: Region) -> Result<Self> {
        Self::new(data, region, dense_strides(&region.extent)?)
    }

    /// Where the view lies in its image.
    #[must_use]
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// Size along T C Z Y X.
    #[must_use]
    pub fn extent(&self) -> &Extent {
        &self.region.extent
    }

    /// Pixels in a row.
    #[must_use]
    pub fn width(&self) -> usize {
        sizes(&self.region.extent)[4]
    }

    /// Rows in a plane.
    #[must_use]
    pub fn height(&self) -> usize {
        sizes(&self.region.extent)[3]
    }

    /// Planes in a stack.
    #[must_use]
    pub fn depth(&self) -> usize {
        sizes(&self.region.extent)[2]
    }

    /// One row, by its place in the view (not in the image).
    ///
    /// # Panics
    /// When the place lies outside the view, as indexing a slice does.
    #[must_use]
    pub fn row(&self, t: usize, c: usize, z: usize, y: usize) -> &'a [T] {
        let [nt, nc, nz, ny, width] = sizes(&self.region.extent);
        assert!(
            t < nt && c < nc && z < nz && y < ny,
            "row T{t} C{c} Z{z} Y{y} of a view of {}",
            self.extent()
        );
        let start = offset(&self.strides, [t, c, z, y]);
        &self.data[start..start + width]
    }

    /// All rows, T slowest, Y fastest.
    #[must_use]
    pub fn rows(&self) -> Rows<'a, T> {
        Rows { view: *self, next: 0, end: row_count(&self.region.extent) }
    }

    /// All planes, T slowest, Z fastest; each a view of one plane.
    pub fn planes(&self) -> impl Iterator<Item = View<'a, T>> + use<'a, T> {
        let view = *self;
        (0..view.region.extent.planes()).filter_map(move |plane| {
            let [_, nc, nz, _, _] = sizes(&view.region.extent);
            let index = usize::try_from(plane).ok()?;
            let position = [index / (nz * nc), index / nz % nc, index % nz];
            view.plane(position[0], position[1], position[2])
        })
    }

    /// One plane of the view, by its place in the view; `None` outside.
    #[must_use]
    pub fn plane(&self, t: usize, c: usize, z: usize) -> Option<Self> {
        let mut region = self.region;
        for (axis, index) in [(Axis::T, t), (Axis::C, c), (Axis::Z, z)] {
            if index as u64 >= region.extent[axis] {
                return None;
            }
            region = region.with(axis, region.origin[axis as usize] + i64::try_from(index).ok()?, 1);
        }
        let start = offset(&self.strides, [t, c, z, 0]).min(self.data.len());
        Some(Self { data: &self.data[start..], region, strides: self.strides })
    }

    /// The part of the view that shows `region` of the image.
    ///
    /// # Errors
    /// `invalid-argument` when the view does not contain it.
    pub fn part(&self, region: &Region) -> Result<Self> {
        if !self.region.contains(region) {
            return Err(Error::invalid_argument(format!("{region} is not inside {}", self.region)));
        }
        let start = start_of(&self.region, region, &self.strides).min(self.data.len());
        Self::new(&self.data[start..], *region, self.strides)
    }
}

/// Offset of the first pixel of `inner` in a buffer that shows `outer`.
fn start_of(outer: &Region, inner: &Region, strides: &Strides) -> usize {
    let delta = |index: usize| usize::try_from(inner.origin[index] - outer.origin[index]).unwrap_or(0);
    offset(strides, [delta(0), delta(1), delta(2), delta(3)]) + delta(4)
}

fn row_count(extent: &Extent) -> usize {
    let [t, c, z, y, x] = sizes(extent);
    if x == 0 { 0 } else { t * c * z * y }
}

fn row_position(extent: &Extent, index: usize) -> [usize; 4] {
    let [_, c, z, y, _] = sizes(extent);
    [index / (y * z * c), index / (y * z) % c, index / y % z, index % y]
}

/// Rows of a [`View`], in raster order.
#[derive(Debug, Clone)]
pub struct Rows<'a, T> {
    view: View<'a, T>,
    next: usize,
    end: usize,
}

impl<'a, T: Pixel> Iterator for Rows<'a, T> {
    type Item = &'a [T];

    #[inline]
    fn next(&mut self) -> Option<&'a [T]> {
        if self.next == self.end {
            return None;
        }
        let start = offset(&self.view.strides, row_position(&self.view.region.extent, self.next));
        self.next += 1;
        Some(&self.view.data[start..start + self.view.width()])
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.end - self.next, Some(self.end - self.next))
    }
}

impl<T: Pixel> ExactSizeIterator for Rows<'_, T> {}

/// Writable pixels of one type.
#[derive(Debug)]
pub struct ViewMut<'a, T> {
    data: &'a mut [T],
    region: Region,
    strides: Strides,
}

impl<'a, T: Pixel> ViewMut<'a, T> {
    /// A writable view of `region` over `data`, whose first element is the region's first pixel.
    ///
    /// # Errors
    /// `invalid-argument` when the region with these strides reaches beyond `data`, or when rows overlap.
    pub fn new(data: &'a mut [T], region: Region, strides: Strides) -> Result<Self> {
        check(data.len(), &region.extent, &strides)?;
        check_nested(&region.extent, &strides)?;
        Ok(Self { data, region, strides })
    }

    /// A writable view of pixels that lie one after the other.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn dense(data: &'a mut [T], region: Region) -> Result<Self> {
        let strides = dense_strides(&region.extent)?;
        Self::new(data, region, strides)
    }

    /// The same pixels, read-only.
    #[must_use]
    pub fn as_view(&self) -> View<'_, T> {
        View { data: self.data, region: self.region, strides: self.strides }
    }

    /// Where the view lies in its image.
    #[must_use]
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// Size along T C Z Y X.
    #[must_use]
    pub fn extent(&self) -> &Extent {
        &self.region.extent
    }

    /// One row, by its place in the view (not in the image).
    ///
    /// # Panics
    /// When the place lies outside the view, as indexing a slice does.
    pub fn row_mut(&mut self, t: usize, c: usize, z: usize, y: usize) -> &mut [T] {
        let [nt, nc, nz, ny, width] = sizes(&self.region.extent);
        assert!(
            t < nt && c < nc && z < nz && y < ny,
            "row T{t} C{c} Z{z} Y{y} of a view of {}",
            self.extent()
        );
        let start = offset(&self.strides, [t, c, z, y]);
        &mut self.data[start..start + width]
    }

    /// All rows, T slowest, Y fastest.
    pub fn rows_mut(&mut self) -> RowsMut<'_, T> {
        let end = row_count(&self.region.extent);
        RowsMut {
            rest: self.data,
            consumed: 0,
            extent: self.region.extent,
            strides: self.strides,
            next: 0,
            end,
        }
    }

    /// The part of the view that shows `region` of the image.
    ///
    /// # Errors
    /// `invalid-argument` when the view does not contain it.
    pub fn part_mut(&mut self, region: &Region) -> Result<ViewMut<'_, T>> {
        if !self.region.contains(region) {
            return Err(Error::invalid_argument(format!("{region} is not inside {}", self.region)));
        }
        let start = start_of(&self.region, region, &self.strides).min(self.data.len());
        ViewMut::new(&mut self.data[start..], *region, self.strides)
    }

    /// Copies the pixels of a view of the same extent.
    ///
    /// # Errors
    /// `invalid-argument` when the extents differ.
    pub fn copy_from(&mut self, source: &View<'_, T>) -> Result<()> {
        if self.extent() != source.extent() {
            return Err(Error::invalid_argument(format!(
                "pixels of {} cannot be copied to {}",
                source.extent(),
                self.extent()
            )));
        }
        for (to, from) in self.rows_mut().zip(source.rows()) {
            to.copy_from_slice(from);
        }
        Ok(())
    }
}

/// Rows of a [`ViewMut`], in raster order.
#[derive(Debug)]
pub struct RowsMut<'a, T> {
    rest: &'a mut [T],
    consumed: usize,
    extent: Extent,
    strides: Strides,
    next: usize,
    end: usize,
}

impl<'a, T: Pixel> Iterator for RowsMut<'a, T> {
    type Item = &'a mut [T];

    #[inline]
    fn next(&mut self) -> Option<&'a mut [T]> {
        if self.next == self.end {
            return None;
        }
        let start = offset(&self.strides, row_position(&self.extent, self.next));
        let width = sizes(&self.extent)[4];
        self.next += 1;
        let (_, rest) = core::mem::take(&mut self.rest).split_at_mut(start - self.consumed);
        let (row, rest) = rest.split_at_mut(width);
        self.rest = rest;
        self.consumed = start + width;
        Some(row)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.end - self.next, Some(self.end - self.next))
    }
}

impl<T: Pixel> ExactSizeIterator for RowsMut<'_, T> {}

/// Read-only pixels of a type known at run time, as bytes in the machine's order.
#[derive(Debug, Clone, Copy)]
pub struct PixelsRef<'a> {
    dtype: DType,
    data: &'a [u8],
    region: Region,
    strides: Strides,
}

impl<'a> PixelsRef<'a> {
    /// Pixels of `dtype` over `data`; strides in pixels.
    ///
    /// # Errors
    /// `invalid-argument` when the region with these strides reaches beyond `data`.
    pub fn new(dtype: DType, data: &'a [u8], region: Region, strides: Strides) -> Result<Self> {
        check(data.len() / dtype.size(), &region.extent, &strides)?;
        Ok(Self { dtype, data, region, strides })
    }

    /// The type of the pixels.
    #[must_use]
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Where the pixels lie in their image.
    #[must_use]
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// Distance between neighbours along T C Z Y, in pixels.
    #[must_use]
    pub fn strides(&self) -> &Strides {
        &self.strides
    }

    /// The bytes, from the first pixel of the region on.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.data
    }

    /// The part of the pixels that shows `region` of the image.
    ///
    /// # Errors
    /// `invalid-argument` when the view does not contain it.
    pub fn part(&self, region: &Region) -> Result<Self> {
        if !self.region.contains(region) {
            return Err(Error::invalid_argument(format!("{region} is not inside {}", self.region)));
        }
        let start = start_of(&self.region, region, &self.strides) * self.dtype.size();
        PixelsRef::new(self.dtype, &self.data[start.min(self.data.len())..], *region, self.strides)
    }

    /// The pixels as `T`. A mask is seen as `u8`.
    ///
    /// # Errors
    /// `invalid-argument` when the pixels are of another type, or not aligned for it.
    pub fn view<T: Pixel>(&self) -> Result<View<'a, T>> {
        check_type::<T>(self.dtype)?;
        let usable = self.data.len() / self.dtype.size() * self.dtype.size();
        let data = try_cast_slice(&self.data[..usable]).map_err(misaligned)?;
        View::new(data, self.region, self.strides)
    }
}

/// Writable pixels of a type known at run time, as bytes in the machine's order.
#[derive(Debug)]
pub struct PixelsMut<'a> {
    dtype: DType,
    data: &'a mut [u8],
    region: Region,
    strides: Strides,
}

impl<'a> PixelsMut<'a> {
    /// Pixels of `dtype` over `data`; strides in pixels.
    ///
    /// # Errors
    /// `invalid-argument` when the region with these strides reaches beyond `data`, or when rows overlap.
    pub fn new(dtype: DType, data: &'a mut [u8], region: Region, strides: Strides) -> Result<Self> {
        check(data.len() / dtype.size(), &region.extent, &strides)?;
        check_nested(&region.extent, &strides)?;
        Ok(Self { dtype, data, region, strides })
    }

    /// The type of the pixels.
    #[must_use]
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Where the pixels lie in their image.
    #[must_use]
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// Distance between neighbours along T C Z Y, in pixels.
    #[must_use]
    pub fn strides(&self) -> &Strides {
        &self.strides
    }

    /// The bytes, from the first pixel of the region on.
    #[must_use]
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        self.data
    }

    /// The same pixels, read-only.
    #[must_use]
    pub fn as_ref(&self) -> PixelsRef<'_> {
        PixelsRef { dtype: self.dtype, data: self.data, region: self.region, strides: self.strides }
    }

    /// The same pixels for a shorter time.
    #[must_use]
    pub fn reborrow(&mut self) -> PixelsMut<'_> {
        PixelsMut { dtype: self.dtype, data: self.data, region: self.region, strides: self.strides }
    }

    /// The pixels as `T`. A mask is seen as `u8`.
    ///
    /// # Errors
    /// `invalid-argument` when the pixels are of another type, or not aligned for it.
    pub fn view_mut<T: Pixel>(&mut self) -> Result<ViewMut<'_, T>> {
        check_type::<T>(self.dtype)?;
        let usable = self.data.len() / self.dtype.size() * self.dtype.size();
        let data = try_cast_slice_mut(&mut self.data[..usable]).map_err(misaligned)?;
        ViewMut::new(data, self.region, self.strides)
    }

    /// The part of the pixels that shows `region` of the image.
    ///
    /// # Errors
    /// `invalid-argument` when the view does not contain it.
    pub fn part_mut(&mut self, region: &Region) -> Result<PixelsMut<'_>> {
        if !self.region.contains(region) {
            return Err(Error::invalid_argument(format!("{region} is not inside {}", self.region)));
        }
        let start = start_of(&self.region, region, &self.strides) * self.dtype.size();
        let start = start.min(self.data.len());
        PixelsMut::new(self.dtype, &mut self.data[start..], *region, self.strides)
    }
}

fn check_type<T: Pixel>(dtype: DType) -> Result<()> {
    if T::matches(dtype) {
        return Ok(());
    }
    Err(Error::invalid_argument(format!("pixels of type {dtype} were asked for as {}", T::DTYPE)))
}

fn misaligned(error: bytemuck::PodCastError) -> Error {
    Error::invalid_argument(format!("a pixel buffer cannot be seen in its type: {error}"))
}
