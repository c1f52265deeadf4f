//! Closed lists of words as enums: the type of a parameter that is a choice.

/// A closed list of words. Made by [`choice!`](crate::choice!).
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the type of a parameter",
    note = "use bool, i64, u32, f64, f32, String, or an enum made by `choice!`"
)]
pub trait Choice: Sized {
    /// The words, in the order of declaration.
    const OPTIONS: &'static [&'static str];

    /// The value that a word stands for.
    fn from_word(word: &str) -> Option<Self>;
}

/// Declares an enum that is the type of a parameter with a closed list of words.
///
/// ```
/// # mod plugin {
/// use parfocal_plugin::prelude::*;
///
/// choice! {
///     /// Which neighbours count.
///     pub enum Neighbours { Faces = "faces", Corners = "corners" }
/// }
///
/// /// Finds components.
/// #[derive(Operator)]
/// #[operator(id = "components", kind = map)]
/// struct Components {
///     /// Which neighbours belong together.
///     #[parameter(tunable, default = "faces")]
///     neighbours: Neighbours,
/// }
/// # impl MapOperator for Components {
/// #     fn run<T: Pixel>(&mut self, _: &View<T>, _: &mut ViewMut<T>, _: &Context) -> Result<()> { Ok(()) }
/// # }
/// # pub fn options() -> Vec<String> {
/// #     match Components::descriptor().parameters.remove(0).kind {
/// #         parfocal_types::ParameterKind::Choice { options, .. } => options,
/// #         _ => Vec::new(),
/// #     }
/// # }
/// # }
/// # assert_eq!(plugin::options(), ["faces", "corners"]);
/// ```
#[macro_export]
macro_rules! choice {
    ($(#[$doc:meta])* $visibility:vis enum $name:ident {
        $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)?
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        $visibility enum $name { $($(#[$variant_doc])* $variant),+ }

        impl $crate::choice::Choice for $name {
            const OPTIONS: &'static [&'static str] = &[$($word),+];

            fn from_word(word: &str) -> ::std::option::Option<Self> {
                match word {
                    $($word => ::std::option::Option::Some(Self::$variant),)+
                    _ => ::std::option::Option::None,
                }
            }
        }

        impl $crate::parameters::FromParameter for $name {
            fn from_parameter(value: &$crate::private::types::ParameterValue) -> ::std::option::Option<Self> {
                match value {
                    $crate::private::types::ParameterValue::Text(word) => {
                        <Self as $crate::choice::Choice>::from_word(word)
                    }
                    _ => ::std::option::Option::None,
                }
            }
        }
    };
}
