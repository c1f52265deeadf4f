//! `export_plugin!`.

use std::path::PathBuf;

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{Path, Token, punctuated::Punctuated};

pub(crate) fn expand(input: TokenStream) -> syn::Result<TokenStream> {
    let parser = Punctuated::<Path, Token![,]>::parse_terminated;
    let operators: Vec<Path> = syn::parse::Parser::parse2(parser, input)?.into_iter().collect();
    if operators.is_empty() {
        return Err(syn::Error::new(
            Span::call_site(),
            "name the operators: `export_plugin!(Gaussian, Median);`",
        ));
    }
    let Identity { id, version, path } =
        identity().map_err(|text| syn::Error::new(Span::call_site(), text))?;
    Ok(quote! {
        // A change of the manifest rebuilds the plugin.
        const _: &[u8] = include_bytes!(#path);

        #[doc(hidden)]
        #[derive(Debug)]
        pub struct ParfocalRegistry;

        impl ::parfocal_plugin::private::operator::Registry for ParfocalRegistry {
            const PLUGIN: &'static str = #id;
            const VERSION: &'static str = #version;

            fn descriptors() -> ::std::vec::Vec<::parfocal_plugin::private::operator::Descriptor> {
                ::std::vec![#(<#operators as ::parfocal_plugin::Describe>::descriptor()),*]
            }

            fn create(
                operator: &str,
                parameters: &::parfocal_plugin::private::types::Parameters,
            ) -> ::parfocal_plugin::private::types::Result<
                ::std::boxed::Box<dyn ::parfocal_plugin::private::operator::Operator>,
            > {
                #(
                    if operator == <#operators as ::parfocal_plugin::Describe>::descriptor().id {
                        return ::parfocal_plugin::private::create::<#operators>(parameters);
                    }
                )*
                ::std::result::Result::Err(::parfocal_plugin::private::operator::registry::unknown_operator(
                    #id,
                    operator,
                    &Self::descriptors(),
                ))
            }
        }

        #[cfg(not(target_family = "wasm"))]
        ::parfocal_plugin::private::abi::export_native!(ParfocalRegistry);
        #[cfg(target_family = "wasm")]
        const _: () = {
            use ::parfocal_plugin::private::{abi::note::NoteBuilder, operator};

            #[used]
            #[allow(unsafe_code, reason = "the note must lie in its own section")]
            #[unsafe(link_section = "parfocal")]
            static NOTE: [u8; NoteBuilder::SIZE] =
                NoteBuilder::new(#id, #version, "rust")
                    .interface(operator::INTERFACE, operator::VERSION_TEXT)
                    .bytes();
        };
        #[cfg(target_family = "wasm")]
        ::parfocal_plugin::private::wit::export_component!(ParfocalRegistry);
    })
}

struct Identity {
    id: String,
    version: String,
    path: String,
}

fn identity() -> Result<Identity, String> {
    let folder = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default();
    let path = folder.join("plugin.toml");
    let text = std::fs::read_to_string(&path)
        .map_err(|error| format!("{} cannot be read: {error}; every plugin has one", path.display()))?;
    let manifest: toml::Table = text.parse().map_err(|error| format!("{}: {error}", path.display()))?;
    let plugin = manifest.get("plugin").and_then(toml::Value::as_table);
    let field = |name: &str| {
        plugin
            .and_then(|plugin| plugin.get(name))
            .and_then(toml::Value::as_str)
            .map(str::to_owned)
            .ok_or_else(|| format!("{}: `{name}` is missing in [plugin]", path.display()))
    };
    Ok(Identity { id: field("id")?, version: field("version")?, path: path.display().to_string() })
}
