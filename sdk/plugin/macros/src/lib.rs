//! The macros of `parfocal-plugin`; their documentation is there.

mod derive;
mod export;

use proc_macro::TokenStream;

/// Declares an operator; see `parfocal_plugin::Describe` for the attributes.
#[proc_macro_derive(Operator, attributes(operator, input, output, parameter))]
pub fn derive_operator(input: TokenStream) -> TokenStream {
    derive::expand(input.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Exports operators as a plugin, native and WASM: `export_plugin!(Gaussian, Median);`, once in a `cdylib`.
///
/// Id and version come from `plugin.toml` beside `Cargo.toml`, so that code and manifest cannot disagree.
#[proc_macro]
pub fn export_plugin(input: TokenStream) -> TokenStream {
    export::expand(input.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}
