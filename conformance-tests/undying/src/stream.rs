//! Images that stream through a plugin that works.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use parfocal_core::{
    ImageSink, ImageSource, Library,
    image::{MemoryImage, copy_pixels},
};
use parfocal_image::{Buffer, Channel, DType, Extent, ImageSpec, PixelsRef, Region};
use parfocal_pipeline::{RunOptions, Step, run};
use parfocal_types::{Error, Parameters, Result};

/// Counts of a stream.
#[derive(Debug, Default)]
pub struct Stream {
    stop: AtomicBool,
    images: AtomicU64,
    wrong: AtomicU64,
    failures: Mutex<Vec<String>>,
}

impl Stream {
    /// Smooths one image after the other until [`stop`](Self::stop), and holds each result against the first.
    ///
    /// # Errors
    /// When not even the first image, which is smoothed before anything fails, comes out.
    pub fn flow(&self, library: &Arc<dyn Library>) -> Result<()> {
        let step = smoothing(library)?;
        let image: Arc<dyn ImageSource> = Arc::new(made_up()?);
        let expected = smooth(&step, &image)?;
        while !self.stop.load(Ordering::Relaxed) {
            match smooth(&step, &image) {
                Ok(pixels) => {
                    self.images.fetch_add(1, Ordering::Relaxed);
                    self.wrong.fetch_add(u64::from(pixels != expected), Ordering::Relaxed);
                }
                Err(error) => {
                    self.failures.lock().unwrap_or_else(PoisonError::into_inner).push(error.to_string());
                }
            }
        }
        Ok(())
    }

    /// Ends the stream after the image that is under way.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Images that were finished.
    #[must_use]
    pub fn images(&self) -> u64 {
        self.images.load(Ordering::Relaxed)
    }

    /// Images that were finished and were not what they had to be.
    #[must_use]
    pub fn wrong(&self) -> u64 {
        self.wrong.load(Ordering::Relaxed)
    }

    /// Images that could not be finished, and why.
    #[must_use]
    pub fn failures(&self) -> Vec<String> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn smoothing(library: &Arc<dyn Library>) -> Result<Step> {
    let operator = "gaussian".to_owned();
    let descriptor = library.operators().iter().find(|descriptor| descriptor.id == operator);
    let descriptor = descriptor.ok_or_else(|| Error::not_found("the plugin has no operator `gaussian`"))?;
    let parameters = Parameters::complete(&descriptor.parameters, [])?;
    Ok(Step { library: Arc::clone(library), operator, parameters })
}

/// A plane with structure at every scale.
fn made_up() -> Result<MemoryImage> {
    let extent = Extent::plane(512, 512);
    let noise = |index: u64| (index.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 52) as u16;
    let pixels: Vec<u16> = (0..512 * 512).map(|index| noise(index / 3) + noise(index / 700)).collect();
    let mut spec = ImageSpec::new(extent, DType::U16);
    spec.channels = vec![Channel::measured(Channel::default())];
    MemoryImage::new(spec, Buffer::from_slice(&pixels, Region::whole(extent))?)
}

fn smooth(step: &Step, image: &Arc<dyn ImageSource>) -> Result<Vec<u8>> {
    let written = Arc::new(Mutex::new(None));
    let mut sinks = |_: usize, spec: &ImageSpec| {
        let pixels = Mutex::new(Buffer::zeroed(spec.dtype, Region::whole(spec.extent))?);
        Ok(Box::new(Memory { spec: spec.clone(), pixels, written: Arc::clone(&written) })
            as Box<dyn ImageSink>)
    };
    let options = RunOptions { threads: 1, tile: Some(Extent::plane(128, 128)), ..RunOptions::default() };
    run(step, &[(0, Arc::clone(image))], &mut sinks, &options)?;
    let pixels = written.lock().unwrap_or_else(PoisonError::into_inner).take();
    pixels.ok_or_else(|| Error::internal("the run ended without an image"))
}

/// Keeps the pixels, and shows them when the image is complete.
struct Memory {
    spec: ImageSpec,
    pixels: Mutex<Buffer>,
    written: Arc<Mutex<Option<Vec<u8>>>>,
}

impl ImageSink for Memory {
    fn spec(&self) -> &ImageSpec {
        &self.spec
    }

    fn tile(&self) -> Extent {
        Extent::plane(128, 128)
    }

    fn write(&self, pixels: &PixelsRef<'_>) -> Result<()> {
        let mut all = self.pixels.lock().unwrap_or_else(PoisonError::into_inner);
        copy_pixels(pixels, &mut all.pixels_mut()?.part_mut(pixels.region())?)
    }

    fn finish(self: Box<Self>) -> Result<()> {
        let pixels = self.pixels.into_inner().unwrap_or_else(PoisonError::into_inner);
        *self.written.lock().unwrap_or_else(PoisonError::into_inner) = Some(pixels.bytes().to_vec());
        Ok(())
    }
}
