//! The smallest host: finds a plugin in a folder, loads it, and runs its operator on an image in memory, tile by tile on
//! all processors. No WASM runtime and no file format is compiled for it.
//!
//! ```sh
//! cargo xtask plugins && cargo run --release -p parfocal-native --example embed -- target/plugins subtract-offset
//! ```

use std::{env, path::Path, sync::Arc};

use parfocal_catalog::{Catalog, HostSupport, LaneOrder, OperatorRef};
use parfocal_core::{Lane, image::MemoryImage};
use parfocal_image::{Buffer, DType, Extent, ImageSpec, Region};
use parfocal_manifest::LaneKind;
use parfocal_native::NativeLane;
use parfocal_pipeline::{RunOptions, Scratch, Step};
use parfocal_types::{Error, Parameters, Result};

/// Runs an operator with its default parameters and gives its first image.
///
/// # Errors
/// What the catalog, the lane and the operator say; each with what to do.
pub fn process(plugins: &Path, operator: &str, image: MemoryImage) -> Result<MemoryImage> {
    let host = HostSupport::this_computer().with_lanes([LaneKind::Native]);
    let catalog = Catalog::scan(&[plugins.to_owned()], &host, &env::temp_dir().join("parfocal-embed"));
    let picked = catalog.pick(&OperatorRef::parse(operator)?, &LaneOrder::default())?;
    let library = NativeLane::new().load(&picked.artifact)?;
    let parameters = Parameters::complete(&picked.descriptor.parameters, [])?;
    let step = Step { library, operator: picked.descriptor.id, parameters };
    let mut result = None;
    let mut sinks = |_port: usize, spec: &ImageSpec| {
        let scratch = Scratch::create(spec.clone(), None)?;
        Ok(result.get_or_insert(scratch).sink())
    };
    parfocal_pipeline::run(&step, &[(0, Arc::new(image))], &mut sinks, &RunOptions::default())?;
    MemoryImage::read(&result.ok_or_else(|| Error::invalid_argument("the operator gives no image"))?)
}

fn main() -> Result<()> {
    let words: Vec<String> = env::args().collect();
    let [_, plugins, operator] = words.as_slice() else {
        return Err(Error::invalid_argument("usage: embed <folder of plugins> <operator>"));
    };
    let extent = Extent::plane(2, 3);
    let pixels = Buffer::from_slice::<u16>(&[90, 100, 110, 0, 101, 65535], Region::whole(extent))?;
    let image = MemoryImage::new(ImageSpec::new(extent, DType::U16), pixels)?;
    println!("{:?}", process(Path::new(plugins), operator, image)?.pixels().as_slice::<u16>()?);
    Ok(())
}
