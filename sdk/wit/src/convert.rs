//! The trait of the crossing, and what is the same for all bindings.

use parfocal_types::units::{
    Electrons, ElectronsPerGreyLevel, Fraction, GreyLevels, JoulesPerSquareCentimeter, Micrometers,
    Milliwatts, Nanometers, Seconds, Volts,
};

/// Turns a word of the SDK into that of generated bindings, or back. Loses nothing in either direction.
///
/// A trait of our own instead of `Into`, because it also reaches into options and lists.
pub trait Cross<T> {
    /// The same value on the other side.
    fn cross(self) -> T;
}

impl<A: Cross<B>, B> Cross<Option<B>> for Option<A> {
    fn cross(self) -> Option<B> {
        self.map(Cross::cross)
    }
}

impl<A: Cross<B>, B> Cross<Vec<B>> for Vec<A> {
    fn cross(self) -> Vec<B> {
        self.into_iter().map(Cross::cross).collect()
    }
}

macro_rules! same {
    ($($type:ty)*) => {$(
        impl Cross<$type> for $type {
            fn cross(self) -> $type {
                self
            }
        }
    )*};
}

same! { bool u8 u32 u64 i64 f64 String }

macro_rules! quantities {
    ($($type:ident)*) => {$(
        impl Cross<f64> for $type {
            fn cross(self) -> f64 {
                self.0
            }
        }

        impl Cross<$type> for f64 {
            fn cross(self) -> $type {
                $type(self)
            }
        }
    )*};
}

quantities! {
    Electrons ElectronsPerGreyLevel Fraction GreyLevels JoulesPerSquareCentimeter Micrometers Milliwatts Nanometers
    Seconds Volts
}
