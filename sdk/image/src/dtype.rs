//! Pixel types.

use core::fmt;

/// The type of the pixels of an image.
///
/// The numbers are the wire codes of the native interface and never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "lowercase"))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[repr(u32)]
pub enum DType {
    /// Unsigned, 8 bits.
    U8 = 1,
    /// Signed, 8 bits.
    I8 = 2,
    /// Unsigned, 16 bits.
    U16 = 3,
    /// Signed, 16 bits.
    I16 = 4,
    /// Unsigned, 32 bits: label images.
    U32 = 5,
    /// IEEE 754 single precision.
    F32 = 6,
    /// Foreground or not: one byte a pixel, 0 or 1.
    Mask = 7,
}

impl DType {
    /// All types, in the order of their codes.
    pub const ALL: [Self; 7] = [Self::U8, Self::I8, Self::U16, Self::I16, Self::U32, Self::F32, Self::Mask];

    /// Bytes a pixel in memory.
    #[must_use]
    pub const fn size(self) -> usize {
        match self {
            Self::U8 | Self::I8 | Self::Mask => 1,
            Self::U16 | Self::I16 => 2,
            Self::U32 | Self::F32 => 4,
        }
    }

    /// Bits that a value may use when nothing else is known: 1 for a mask.
    #[must_use]
    pub const fn bits(self) -> u32 {
        match self {
            Self::Mask => 1,
            _ => self.size() as u32 * 8,
        }
    }

    /// Whether values are whole numbers.
    #[must_use]
    pub const fn is_integer(self) -> bool {
        !matches!(self, Self::F32)
    }

    /// The name in manifests, for example `u16`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::U8 => "u8",
            Self::I8 => "i8",
            Self::U16 => "u16",
            Self::I16 => "i16",
            Self::U32 => "u32",
            Self::F32 => "f32",
            Self::Mask => "mask",
        }
    }

    /// The type with this wire code.
    #[must_use]
    pub const fn from_code(code: u32) -> Option<Self> {
        match code {
            1 => Some(Self::U8),
            2 => Some(Self::I8),
            3 => Some(Self::U16),
            4 => Some(Self::I16),
            5 => Some(Self::U32),
            6 => Some(Self::F32),
            7 => Some(Self::Mask),
            _ => None,
        }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

mod sealed {
    pub trait Sealed {}
}

/// A Rust type that pixels have. Sealed: the list is the contract's. A [`DType::Mask`] is seen as `u8`.
pub trait Pixel:
    bytemuck::Pod + PartialOrd + PartialEq + Default + fmt::Debug + Send + Sync + sealed::Sealed + 'static
{
    /// The type of an image of such pixels.
    const DTYPE: DType;

    /// Whether an image of this type can be seen through this Rust type.
    #[must_use]
    fn matches(dtype: DType) -> bool {
        dtype == Self::DTYPE || (dtype == DType::Mask && Self::DTYPE == DType::U8)
    }

    /// The value as a 32-bit float: exact up to 24 bits, rounded to nearest for larger `u32`.
    #[must_use]
    fn to_f32(self) -> f32;

    /// The value as a 64-bit float: always exact.
    #[must_use]
    fn to_f64(self) -> f64;

    /// The nearest value of this type: rounds half to even, clamps at the limits, and turns NaN into 0 for integers.
    #[must_use]
    fn from_f32(value: f32) -> Self;

    /// As [`from_f32`](Self::from_f32), from double precision.
    #[must_use]
    fn from_f64(value: f64) -> Self;
}

macro_rules! integer_pixels {
    ($($type:ty = $dtype:ident, $from_f32:expr;)*) => {$(
        impl sealed::Sealed for $type {}

        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            clippy::cast_lossless,
            reason = "`as` saturates and maps NaN to 0: the documented conversion"
        )]
        impl Pixel for $type {
            const DTYPE: DType = DType::$dtype;

            #[inline]
            fn to_f32(self) -> f32 {
                self as f32
            }

            #[inline]
            fn to_f64(self) -> f64 {
                self as f64
            }

            #[inline]
            fn from_f32(value: f32) -> Self {
                const FROM_F32: fn(f32) -> $type = $from_f32;
                FROM_F32(value)
            }

            #[inline]
            fn from_f64(value: f64) -> Self {
                value.round_ties_even() as Self
            }
        }
    )*};
}

integer_pixels! {
    u8 = U8, |value| nearest(value, 0.0, 255.0) as u8;
    i8 = I8, |value| nearest(value, -128.0, 127.0) as i8;
    u16 = U16, |value| nearest(value, 0.0, 65_535.0) as u16;
    i16 = I16, |value| nearest(value, -32_768.0, 32_767.0) as i16;
    u32 = U32, |value| round_f32(value) as u32;
}

/// The nearest whole number within limits of at most 22 bits, half to even; 0 for what is not a number. Comparisons, an
/// addition and a subtraction become SIMD code in every lane; a conversion that saturates does not in WASM.
#[inline]
fn nearest(value: f32, min: f32, max: f32) -> i32 {
    /// 1.5 * 2^23: added to a number of at most 22 bits, it leaves the rounded number in the low bits of the mantissa.
    const SHIFT: f32 = 12_582_912.0;
    let value = if value.is_nan() { 0.0 } else { value };
    let value = if value > min { value } else { min };
    let value = if value < max { value } else { max };
    (value + SHIFT).to_bits().wrapping_sub(SHIFT.to_bits()).cast_signed()
}

/// Rounds half to even. The standard library's function is a call for each pixel on processors of the baseline; an
/// addition that pushes the fraction out of the mantissa is not, and rounds the same way.
#[inline]
fn round_f32(value: f32) -> f32 {
    /// From here on a single has no fraction below a half, so that nothing is left to round above 2^23.
    const SHIFT: f32 = 8_388_608.0;
    let size = value.abs();
    let rounded = ((size + SHIFT) - SHIFT).copysign(value);
    if size < SHIFT { rounded } else { value }
}

impl sealed::Sealed for f32 {}

impl Pixel for f32 {
    const DTYPE: DType = DType::F32;

    #[inline]
    fn to_f32(self) -> f32 {
        self
    }

    #[inline]
    fn to_f64(self) -> f64 {
        f64::from(self)
    }

    #[inline]
    fn from_f32(value: f32) -> Self {
        value
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "rounds to nearest, the documented conversion")]
    fn from_f64(value: f64) -> Self {
        value as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_names_are_unique() {
        for dtype in DType::ALL {
            assert_eq!(DType::from_code(dtype as u32), Some(dtype));
        }
        assert_eq!(DType::from_code(0), None);
        assert_eq!(DType::from_code(8), None);
    }

    #[test]
    fn rounding_is_the_standard_librarys() {
        let halves = (0..200_000).map(|i| i as f32 * 0.5 - 50_000.0);
        let edges =
            [8_388_607.5, 8_388_608.0, 8_388_609.0, 4_194_303.5, 1.0e30, f32::INFINITY, 0.49999997, -0.0];
        let random = (0..100_000_u32).map(|i| f32::from_bits(i.wrapping_mul(2_654_435_761)));
        for value in halves.chain(edges).chain(edges.map(|edge| -edge)).chain(random) {
            let (got, expected) = (round_f32(value), value.round_ties_even());
            assert!(got.to_bits() == expected.to_bits() || value.is_nan(), "{value}: {got}, {expected}");
        }
        assert!(round_f32(f32::NAN).is_nan());
    }

    #[test]
    fn whole_pixels_are_rounded_and_clamped_as_the_standard_library_does() {
        fn same<T: Pixel>(values: impl Iterator<Item = f32>, cast: impl Fn(f32) -> T) {
            for value in values {
                let expected = cast(value.round_ties_even());
                assert_eq!(T::from_f32(value), expected, "{value} as {}", T::DTYPE);
            }
        }
        let values = || {
            let quarters = (-300_000..300_000).map(|i| i as f32 * 0.25);
            let random = (0..100_000_u32).map(|i| f32::from_bits(i.wrapping_mul(2_654_435_761)));
            let edges = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0, 0.49999997, 1e-45, 65_535.496];
            quarters.chain(random).chain(edges)
        };
        same(values(), |value| value as u8);
        same(values(), |value| value as i8);
        same(values(), |value| value as u16);
        same(values(), |value| value as i16);
        same(values(), |value| value as u32);
    }

    #[test]
    fn conversion_rounds_half_to_even_clamps_and_drops_nan() {
        assert_eq!(u8::from_f32(2.5), 2);
        assert_eq!(u8::from_f32(3.5), 4);
        assert_eq!(u8::from_f32(-1.0), 0);
        assert_eq!(u8::from_f32(300.0), 255);
        assert_eq!(i16::from_f64(-40_000.0), i16::MIN);
        assert_eq!(u16::from_f32(f32::NAN), 0);
        assert_eq!(u32::from_f64(4_294_967_295.0), u32::MAX);
    }
}
