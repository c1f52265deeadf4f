//! The WIT package as the host sees it.

use wasmtime::component::{ComponentType, Lower};

wasmtime::component::bindgen!({
    path: "../../sdk/wit/wit/operator-1-draft",
    world: "plugin",
    exports: { default: async },
    additional_derives: [PartialEq],
});

pub(crate) use exports::parfocal::operator::operator::GuestInstance;
pub(crate) use parfocal::operator::{services, types};

parfocal_wit::conversions!(crate::bindings::parfocal::operator::types);

/// `types.pixels`, borrowed: lowered from the host's buffers with one copy.
#[derive(Debug, Clone, ComponentType, Lower)]
#[component(variant)]
pub(crate) enum PixelsIn<'a> {
    #[component(name = "u8s")]
    U8s(&'a [u8]),
    #[component(name = "s8s")]
    S8s(&'a [i8]),
    #[component(name = "u16s")]
    U16s(&'a [u16]),
    #[component(name = "s16s")]
    S16s(&'a [i16]),
    #[component(name = "u32s")]
    U32s(&'a [u32]),
    #[component(name = "f32s")]
    F32s(&'a [f32]),
    #[component(name = "mask")]
    Mask(&'a [u8]),
}

/// `types.input-tile`, borrowed.
#[derive(Debug, Clone, ComponentType, Lower)]
#[component(record)]
pub(crate) struct InputTileIn<'a> {
    #[component(name = "port")]
    pub port: u32,
    #[component(name = "region")]
    pub region: types::Region,
    #[component(name = "full")]
    pub full: types::Extent,
    #[component(name = "pixels")]
    pub pixels: PixelsIn<'a>,
    #[component(name = "frames")]
    pub frames: Vec<types::FrameFacts>,
}
