//! The guest's side: exports Rust operators as a component.
//!
//! Called by the export macro of `parfocal-plugin`; a plugin's author does not meet it. A plugin crate (a `cdylib` for
//! `wasm32-unknown-unknown`) says which operators it has with a [`Registry`], and [`export_component!`](crate::export_component) does the
//! rest:
//!
//! ```ignore
//! struct Plugin;
//! impl parfocal_wit::guest::Registry for Plugin { /* descriptors, create */ }
//! parfocal_wit::export_component!(Plugin);
//! ```
//!
//! # What the glue does
//! - Input tiles are used where the host put them: no copy.
//! - Output tiles are computed in memory that stays with the instance, so that a warm instance does not ask for it
//!   again, and copied by the host from there.
//! - Services are the imports, in every call that has them.
//! - A panic writes its message to the host's log before the instance traps; without that it would be lost, because
//!   there is nothing to unwind to.

#[allow(
    unsafe_code,
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    clippy::undocumented_unsafe_blocks,
    clippy::missing_safety_doc,
    reason = "generated from the WIT package: the canonical ABI's lifting and lowering"
)]
#[doc(hidden)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "wit/operator-1-draft",
        world: "plugin",
        pub_export_macro: true,
        export_macro_name: "__export_plugin",
        default_bindings_module: "::parfocal_wit::guest::bindings",
        additional_derives: [PartialEq],
    });
}

mod component;
mod services;
mod tiles;

pub use component::Component;
pub use parfocal_operator::Registry;

crate::conversions!(crate::guest::bindings::parfocal::operator::types);

/// Exports the operators of a [`Registry`] as a component. Once in a crate.
#[macro_export]
macro_rules! export_component {
    ($registry:ty) => {
        #[doc(hidden)]
        pub type ParfocalComponent = $crate::guest::Component<$registry>;
        $crate::guest::bindings::__export_plugin!(ParfocalComponent with_types_in $crate::guest::bindings);
    };
}
