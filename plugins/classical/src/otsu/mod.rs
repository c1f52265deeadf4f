//! Otsu's threshold: the grey level that separates two classes best.
//!
//! N. Otsu, "A threshold selection method from gray-level histograms" (1979). The first pass counts a histogram
//! (`histogram`), which is joined over all tiles; the second compares every pixel with the threshold.

mod histogram;

use parfocal_plugin::prelude::*;

use histogram::Histogram;

choice! {
    /// Which pixels share a threshold.
    pub enum Scope {
        /// All planes of a stack.
        Stack = "stack",
        /// Each plane has its own.
        Plane = "plane",
    }
}

/// Separates foreground from background at Otsu's threshold.
///
/// Each channel and time point has a threshold of its own; the mask holds the pixels above it. For whole-number pixels of
/// up to 16 bits the histogram has a bin for every value, as `skimage.filters.threshold_otsu` has for such images. Other
/// pixels fall into at most 65536 bins whose width is the smallest power of two that spans the image (scikit-image: 256
/// bins), and the threshold is a bin's middle. Of equally good thresholds the lowest is taken. Pixels that are infinite or
/// not a number are not counted.
#[derive(Debug, Operator)]
#[operator(
    id = "otsu-threshold",
    kind = reduce,
    deterministic
)]
#[input(name = "image", dtypes = [u8, i8, u16, i16, u32, f32])]
#[output(name = "mask", preserves = [localisation, counting, gross_morphology, rare_event_search])]
#[output(name = "threshold", kind = record, preserves = [intensity])]
pub struct OtsuThreshold {
    /// One threshold for the whole stack, or one for each plane.
    #[parameter(tunable, default = "stack")]
    scope: Scope,
    /// The threshold, after the first pass; not a number when there was nothing to count.
    threshold: Option<f64>,
}

/// Port of the record.
const THRESHOLD: u32 = 1;

impl Operator for OtsuThreshold {
    fn plan(&mut self, inputs: &[InputSpec<'_>], _: &dyn Services) -> Result<Plan> {
        let [InputSpec { spec: input, .. }] = *inputs else {
            return Err(Error::invalid_argument("Otsu's threshold takes one image"));
        };
        let mut plan = Plan::like(input);
        plan.outputs = vec![ImageSpec { dtype: DType::Mask, significant_bits: 1, ..input.clone() }];
        plan.reduce_over[Axis::Z as usize] = self.scope == Scope::Stack;
        plan.bytes = histogram::BYTES;
        Ok(plan)
    }

    fn required_input(&self, core: &Region) -> Result<Vec<InputRegion>> {
        Ok(vec![InputRegion::new(0, *core)])
    }

    fn accumulate(&mut self, tiles: &Tiles<'_>, services: &dyn Services) -> Result<Vec<u8>> {
        let [input] = tiles.inputs else { return Err(Error::invalid_argument("there is no input tile")) };
        let cx = Context::new(services);
        let histogram = with_pixel_type!(input.pixels.dtype(), T => {
            Histogram::of(&input.pixels.view::<T>()?, &cx)?
        });
        Ok(histogram.to_bytes())
    }

    fn merge(&mut self, left: Vec<u8>, right: &[u8], _: &dyn Services) -> Result<Vec<u8>> {
        let mut total = Histogram::from_bytes(&left)?;
        total.add(Histogram::from_bytes(right)?);
        Ok(total.to_bytes())
    }

    fn finish(&mut self, total: &[u8], sink: &mut dyn Sink, services: &dyn Services) -> Result<Vec<u8>> {
        let threshold = Histogram::from_bytes(total)?.otsu();
        if threshold.is_none() {
            Context::new(services)
                .warn("no pixel has a finite value: there is no threshold, and the mask is empty");
        }
        let threshold = threshold.unwrap_or(f64::NAN);
        let name = "threshold".to_owned();
        sink.field(THRESHOLD, Field { name, unit: Unit::GreyLevel, value: Scalar::Number(threshold) })?;
        let mut conclusion = bytes::Writer::default();
        conclusion.float(threshold);
        Ok(conclusion.into_bytes())
    }

    fn conclude(&mut self, conclusion: &[u8], _: &dyn Services) -> Result<()> {
        let mut reader = bytes::Reader::new(conclusion);
        self.threshold = Some(reader.float()?);
        reader.end()
    }

    fn run(&mut self, tiles: &mut Tiles<'_>, services: &dyn Services) -> Result<()> {
        let threshold = self.threshold.ok_or_else(crate::pixels::not_concluded)?;
        let ([input], [output]) = (tiles.inputs, &mut *tiles.outputs) else {
            return Err(Error::invalid_argument("Otsu's threshold takes one image and gives one"));
        };
        let cx = Context::new(services);
        let mut mask = output.pixels.view_mut::<u8>()?;
        with_pixel_type!(input.pixels.dtype(), T => {
            for (row, target) in input.pixels.view::<T>()?.rows().zip(mask.rows_mut()) {
                cx.worked(row.len())?;
                rows::map(row, target, |pixel| u8::from(pixel.to_f64() > threshold));
            }
        });
        Ok(())
    }
}
