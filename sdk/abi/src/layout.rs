//! The layout proof: every boundary struct's fields, offsets and types, reduced to a number.
//!
//! A plugin that was compiled against changed sources would read the host's structs wrongly and crash, or worse. Each
//! Rust plugin carries the hash of every boundary struct in its [note](crate::note); the host compares them
//! before it maps the file, and refuses with the name of the struct that differs.
//!
//! A hash covers the name, size and alignment of the struct and the name, offset and shape of each field,
//! transitively through pointers, arrays and function signatures.

use core::ffi::c_void;

use crate::note::Note;

/// The shape of a type at the border, as a number. Implemented for the primitives that may cross, for pointers, arrays
/// and functions of them, and for the boundary structs.
pub trait Shape {
    /// Equal for equal shapes; different for different ones as far as 64 bits tell.
    const HASH: u64;
}

/// One field of a boundary struct.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldLayout {
    /// Name of the field.
    pub name: &'static str,
    /// Distance from the start of the struct, in bytes.
    pub offset: usize,
    /// Shape of its type.
    pub shape: u64,
}

/// One boundary struct.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TypeLayout {
    /// Name of the struct in Rust; in C it is `pf_` and the name in snake case.
    pub name: &'static str,
    /// Size in bytes.
    pub size: usize,
    /// Alignment in bytes.
    pub align: usize,
    /// Fields in order.
    pub fields: &'static [FieldLayout],
}

impl TypeLayout {
    /// The number that stands for the layout.
    #[must_use]
    pub const fn hash(&self) -> u64 {
        let mut hash = mix(text(SEED, self.name), self.size as u64);
        hash = mix(hash, self.align as u64);
        let mut index = 0;
        while index < self.fields.len() {
            let field = &self.fields[index];
            hash = mix(mix(text(hash, field.name), field.offset as u64), field.shape);
            index += 1;
        }
        hash
    }
}

/// Offset basis of FNV-1a, 64 bits (Fowler, Noll, Vo).
const SEED: u64 = 0xcbf2_9ce4_8422_2325;
/// Prime of FNV-1a, 64 bits.
const PRIME: u64 = 0x0000_0100_0000_01b3;

const fn byte(hash: u64, byte: u8) -> u64 {
    (hash ^ byte as u64).wrapping_mul(PRIME)
}

const fn text(mut hash: u64, text: &str) -> u64 {
    let text = text.as_bytes();
    let mut index = 0;
    while index < text.len() {
        hash = byte(hash, text[index]);
        index += 1;
    }
    byte(hash, 0)
}

const fn mix(mut hash: u64, value: u64) -> u64 {
    let bytes = value.to_le_bytes();
    let mut index = 0;
    while index < bytes.len() {
        hash = byte(hash, bytes[index]);
        index += 1;
    }
    hash
}

macro_rules! primitives {
    ($($type:ty),*) => {$(
        impl Shape for $type {
            const HASH: u64 = text(SEED, stringify!($type));
        }
    )*};
}
primitives!(u8, u32, i32, u64, i64, f32, f64, c_void, ());

impl<T: Shape> Shape for *const T {
    const HASH: u64 = mix(text(SEED, "const pointer"), T::HASH);
}

impl<T: Shape> Shape for *mut T {
    const HASH: u64 = mix(text(SEED, "mut pointer"), T::HASH);
}

impl<T: Shape, const N: usize> Shape for [T; N] {
    const HASH: u64 = mix(mix(text(SEED, "array"), N as u64), T::HASH);
}

macro_rules! functions {
    ($(($($argument:ident),*))*) => {$(
        impl<R: Shape, $($argument: Shape),*> Shape for Option<unsafe extern "C" fn($($argument),*) -> R> {
            const HASH: u64 = {
                #[allow(unused_mut, reason = "functions without arguments")]
                let mut hash = mix(text(SEED, "function"), R::HASH);
                $(hash = mix(hash, $argument::HASH);)*
                hash
            };
        }
    )*};
}
functions! { () (A) (A, B) (A, B, C) (A, B, C, D) (A, B, C, D, E) (A, B, C, D, E, F) }

/// The shape of the field that `_select` points to; inferred, so that a field's type is written once.
#[doc(hidden)]
#[must_use]
pub const fn shape_of<S, T: Shape>(_select: fn(&S) -> &T) -> u64 {
    T::HASH
}

/// Describes boundary structs; fails to compile when a field is not listed.
macro_rules! boundary {
    ($list:ident: $($type:ident { $($field:ident),* $(,)? })*) => {
        $(
            impl $crate::layout::Shape for $type {
                const HASH: u64 = <$type>::LAYOUT.hash();
            }

            impl $type {
                /// The layout of the struct in this build.
                pub const LAYOUT: $crate::layout::TypeLayout = $crate::layout::TypeLayout {
                    name: stringify!($type),
                    size: core::mem::size_of::<$type>(),
                    align: core::mem::align_of::<$type>(),
                    fields: &[$($crate::layout::FieldLayout {
                        name: stringify!($field),
                        offset: core::mem::offset_of!($type, $field),
                        shape: $crate::layout::shape_of(|whole: &$type| &whole.$field),
                    }),*],
                };

                #[allow(dead_code, reason = "only compiled: it fails when a field is missing from the list above")]
                fn lists_every_field(&self) {
                    let Self { $($field: _),* } = self;
                }
            }
        )*

        /// The layouts of the structs of this version, in the order of the header.
        pub const $list: &[$crate::layout::TypeLayout] = &[$(<$type>::LAYOUT),*];
    };
}
pub(crate) use boundary;

pub use crate::operator_1::LAYOUTS as OPERATOR_1;

/// What differs between a plugin's boundary structs and this build's, as phrases; empty when all agree.
#[must_use]
pub fn differences(note: &Note) -> Vec<String> {
    let mut found = Vec::new();
    for expected in OPERATOR_1 {
        match note.layouts.iter().find(|line| line.name == expected.name) {
            None => found.push(format!("it does not describe `{}`", expected.name)),
            Some(line) if line.size != expected.size as u64 => found.push(format!(
                "its `{}` has {} bytes, the interface's has {}",
                expected.name, line.size, expected.size
            )),
            Some(line) if line.hash != expected.hash() => {
                found
                    .push(format!("the fields of its `{}` lie elsewhere or have other types", expected.name));
            }
            Some(_) => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::note::LayoutLine;

    fn own_note() -> Note {
        let layouts = OPERATOR_1.iter().map(|layout| LayoutLine {
            name: layout.name.into(),
            size: layout.size as u64,
            hash: layout.hash(),
        });
        Note { layouts: layouts.collect(), ..Note::default() }
    }

    #[test]
    fn a_plugin_of_this_build_agrees() {
        assert_eq!(differences(&own_note()), Vec::<String>::new());
    }

    #[test]
    fn a_struct_that_differs_is_named() {
        let mut note = own_note();
        note.layouts[0].hash ^= 1;
        note.layouts[1].size += 8;
        note.layouts.remove(2);
        let found = differences(&note);
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[0].contains(OPERATOR_1[0].name) && found[1].contains("bytes"));
    }

    #[test]
    fn shapes_see_through_pointers_arrays_and_functions() {
        assert_ne!(<*const u32>::HASH, <*mut u32>::HASH);
        assert_ne!(<[u32; 4]>::HASH, <[u32; 5]>::HASH);
        type A = Option<unsafe extern "C" fn(*mut c_void, u32) -> i32>;
        type B = Option<unsafe extern "C" fn(*mut c_void, u64) -> i32>;
        assert_ne!(A::HASH, B::HASH);
    }
}
