//! What an operator gives for an image, whole: pixels, tables, records.

use std::sync::Arc;

use parfocal_core::{ImageSource, Library, Sha256, image::MemoryImage};
use parfocal_image::{Buffer, DType, Extent, Finder, ImageSpec, LabelOrigin, PixelClass, Region};
use parfocal_operator::{Descriptor, InputPort, PortKind};
use parfocal_pipeline::{RunOptions, Scratch, Step, run};
use parfocal_types::{Parameters, Result, Scalar, Table, table::Record};

/// Everything that an operator gave.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) images: Vec<(ImageSpec, Vec<u8>)>,
    tables: Vec<(usize, Table)>,
    records: Vec<(usize, Record)>,
}

impl Outcome {
    /// Equal, where not-a-number equals itself.
    pub(crate) fn same(&self, other: &Self) -> bool {
        self.images == other.images
            && format!("{:?}{:?}", self.tables, self.records)
                == format!("{:?}{:?}", other.tables, other.records)
    }
}

impl Outcome {
    /// A digest of all that counts: pixels, and tables and records by names, units and values to the last bit.
    pub(crate) fn digest(&self) -> Sha256 {
        let mut bytes = Vec::new();
        for (spec, pixels) in &self.images {
            bytes.extend(format!("image {} {}\n", spec.dtype, spec.extent).into_bytes());
            bytes.extend_from_slice(pixels);
        }
        for (port, table) in &self.tables {
            bytes.extend(format!("table {port}\n").into_bytes());
            for column in table.columns() {
                bytes.extend(format!("{} {}\n", column.name, column.unit.name()).into_bytes());
            }
            table.rows().iter().flatten().for_each(|value| bytes.extend(exactly(value).into_bytes()));
        }
        for (port, record) in &self.records {
            bytes.extend(format!("record {port}\n").into_bytes());
            for field in record {
                bytes.extend(format!("{} {}", field.name, exactly(&field.value)).into_bytes());
            }
        }
        Sha256::of(&bytes)
    }
}

/// A value as a line that is the same for the same bits only.
fn exactly(value: &Scalar) -> String {
    match value {
        Scalar::Flag(flag) => format!("{flag}\n"),
        Scalar::Integer(number) => format!("{number}\n"),
        Scalar::Number(number) => format!("{:016x}\n", number.to_bits()),
        Scalar::Text(text) => format!("{text:?}\n"),
    }
}

/// The inputs of an operator for an image: the image itself where pixels are taken; for a port of labels its values as
/// labels.
pub(crate) fn inputs(descriptor: &Descriptor, image: &MemoryImage) -> Option<Vec<Arc<dyn ImageSource>>> {
    descriptor
        .inputs
        .iter()
        .map(|port| {
            let source: Option<Arc<dyn ImageSource>> = if port.kind == PortKind::Labels {
                Some(Arc::new(as_labels(image)?))
            } else if port.dtypes.contains(&image.spec().dtype) {
                Some(Arc::new(image.clone()))
            } else {
                foreground(port, image)
            };
            source
        })
        .collect()
}

/// Labels made from grey levels: everything above the mean, in vertical bands.
fn as_labels(image: &MemoryImage) -> Option<MemoryImage> {
    let mut spec = image.spec().clone();
    spec.dtype = DType::U32;
    spec.significant_bits = 32;
    for channel in &mut spec.channels {
        channel.class = PixelClass::Labels;
        channel.labels = Some(LabelOrigin { basis: PixelClass::Unknown, finder: Finder::Manual });
    }
    let values = values(image)?;
    #[allow(clippy::cast_precision_loss, reason = "a mean")]
    let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
    let width = spec.extent.0[4].max(1) as usize;
    let labels: Vec<u32> = values
        .iter()
        .enumerate()
        .map(|(index, value)| if *value > mean { 1 + (index % width / 16) as u32 } else { 0 })
        .collect();
    let buffer = Buffer::from_slice(&labels, Region::whole(spec.extent)).ok()?;
    MemoryImage::new(spec, buffer).ok()
}

/// A mask of an image, for ports that take a mask only.
fn foreground(port: &InputPort, image: &MemoryImage) -> Option<Arc<dyn ImageSource>> {
    if !port.dtypes.contains(&DType::Mask) {
        return None;
    }
    let mut spec = image.spec().clone();
    spec.dtype = DType::Mask;
    spec.significant_bits = 1;
    let values = values(image)?;
    #[allow(clippy::cast_precision_loss, reason = "a mean")]
    let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
    let mut buffer = Buffer::zeroed(DType::Mask, Region::whole(spec.extent)).ok()?;
    for (to, value) in buffer.bytes_mut().iter_mut().zip(values) {
        *to = u8::from(value > mean);
    }
    Some(Arc::new(MemoryImage::new(spec, buffer).ok()?))
}

fn values(image: &MemoryImage) -> Option<Vec<f64>> {
    use parfocal_image::Pixel;
    fn all<T: Pixel>(pixels: &Buffer) -> Option<Vec<f64>> {
        Some(pixels.as_slice::<T>().ok()?.iter().map(|pixel| pixel.to_f64()).collect())
    }
    let pixels = image.pixels();
    match pixels.dtype() {
        DType::U8 | DType::Mask => all::<u8>(pixels),
        DType::I8 => all::<i8>(pixels),
        DType::U16 => all::<u16>(pixels),
        DType::I16 => all::<i16>(pixels),
        DType::U32 => all::<u32>(pixels),
        DType::F32 => all::<f32>(pixels),
    }
}

/// Runs an operator with its defaults; tiles of this side, or chosen by the scheduler.
pub(crate) fn outcome(
    library: &Arc<dyn Library>,
    descriptor: &Descriptor,
    inputs: &[Arc<dyn ImageSource>],
    tile: Option<u64>,
) -> Result<Outcome> {
    let parameters = Parameters::complete(&descriptor.parameters, [])?;
    let step = Step { library: Arc::clone(library), operator: descriptor.id.clone(), parameters };
    // One tile may be the whole image here, whatever the operator declares for itself.
    let options = RunOptions {
        tile: tile.map(|side| Extent::plane(side, side)),
        memory: 8 << 30,
        ..RunOptions::default()
    };
    let mut stores: Vec<Scratch> = Vec::new();
    let mut sinks = |_port: usize, spec: &ImageSpec| {
        // A store whose pieces are the tiles, so that the scheduler cuts as it is told to.
        let grid = tile.map_or(Extent::plane(256, 256), |side| Extent::plane(side, side));
        let store = Scratch::with_grid(spec.clone(), grid, None)?;
        let sink = store.sink();
        stores.push(store);
        Ok(sink)
    };
    let inputs: Vec<_> = inputs.iter().cloned().enumerate().collect();
    let result = run(&step, &inputs, &mut sinks, &options)?;
    let images = stores
        .iter()
        .map(|store| {
            let image = MemoryImage::read(store)?;
            Ok((image.spec().clone(), image.pixels().bytes().to_vec()))
        })
        .collect::<Result<_>>()?;
    Ok(Outcome { images, tables: result.tables, records: result.records })
}
