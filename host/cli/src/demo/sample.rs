//! The sample of the demo: a three-channel stack from a physically plausible generator, with its truth.

use parfocal_core::image::MemoryImage;
use parfocal_image::{
    Axis, Buffer, Channel, Conditions, DType, Extent, ImageSpec, Modality, Objective as ObjectiveLens,
    PixelSize, Region, ScanMode,
};
use parfocal_physics::{
    Grid, NumericalAperture, Objective, Photons, Random, RefractiveIndex, Shape, Volume, VoxelSize,
    convolve::{Boundaries, Convolver},
    imaging::{Exposure, expected_photons},
    noise::Camera,
    phantom::{Phantom, PhantomSpec},
    psf::{Reach, WidefieldPsf},
};
use parfocal_types::{
    Result,
    units::{Electrons, Micrometers, Nanometers, Seconds},
};

/// Planes, rows and columns of the stack.
const SHAPE: Shape = Shape { z: 24, y: 512, x: 512 };
/// Distance of planes and of pixels: Nyquist for a water objective of NA 1.2 within a factor of two.
const VOXEL: VoxelSize = VoxelSize::new(Micrometers(0.5), Micrometers(0.2));
/// Nuclei in the field.
const NUCLEI: u32 = 24;
const NA: f64 = 1.2;
const WATER: f64 = 1.333;
const MAGNIFICATION: f64 = 60.0;
const EXPOSURE: Seconds = Seconds(0.1);

/// A channel: its name, display colour, excitation and emission, and light.
struct Stain {
    name: &'static str,
    color: [u8; 3],
    excitation: f64,
    emission: f64,
    peak: f64,
    background: f64,
}

const STAINS: [Stain; 3] = [
    Stain {
        name: "DAPI",
        color: [70, 130, 255],
        excitation: 385.0,
        emission: 460.0,
        peak: 140.0,
        background: 8.0,
    },
    Stain {
        name: "Tubulin",
        color: [60, 220, 90],
        excitation: 488.0,
        emission: 525.0,
        peak: 90.0,
        background: 6.0,
    },
    Stain {
        name: "Cytoplasm",
        color: [255, 120, 60],
        excitation: 561.0,
        emission: 610.0,
        peak: 160.0,
        background: 8.0,
    },
];

/// The stack as a microscope would give it, and what is true of it.
pub(crate) struct Sample {
    pub(crate) image: MemoryImage,
    pub(crate) phantom: Phantom,
}

/// Makes the sample; equal seeds give equal bytes.
pub(crate) fn make(seed: u64) -> Result<Sample> {
    let grid = Grid::new(SHAPE, VOXEL)?;
    let phantom = PhantomSpec { grid, nuclei: NUCLEI, gap: Micrometers(1.0), seed }.build()?;
    let densities = [&phantom.nuclei, &phantom.filaments, &phantom.cytoplasm];
    let camera = Camera::scmos();
    let mut pixels = Vec::with_capacity(3 * grid.len());
    for ((stain, density), stream) in STAINS.iter().zip(densities).zip(0..) {
        let expected = image(density, stain)?;
        pixels.extend(camera.expose(expected.values(), &mut Random::new(seed, stream))?);
    }
    let spec = spec(&camera);
    let buffer = Buffer::from_slice(&pixels, Region::whole(spec.extent))?;
    Ok(Sample { image: MemoryImage::new(spec, buffer)?, phantom })
}

/// Blurs a channel as a widefield microscope does, and gives it light.
fn image(density: &Volume, stain: &Stain) -> Result<Volume> {
    let objective = Objective::new(NumericalAperture(NA), RefractiveIndex(WATER))?;
    let reach = Reach { axial: Micrometers(11.5), lateral: Micrometers(6.0) };
    let psf = WidefieldPsf::new(objective, Nanometers(stain.emission))?;
    let kernel = psf.kernel(density.grid().voxel(), reach)?;
    let optics = Convolver::new(density.grid(), &kernel, Boundaries::THIN_SAMPLE)?;
    let exposure = Exposure { peak: Photons(stain.peak), background: Photons(stain.background) };
    expected_photons(density, &optics, exposure)
}

fn spec(camera: &Camera) -> ImageSpec {
    let (z, y, x) = (SHAPE.z as u64, SHAPE.y as u64, SHAPE.x as u64);
    let mut spec = ImageSpec::new(Extent::new(1, STAINS.len() as u64, z, y, x), DType::U16);
    spec.name = "simulated cells".into();
    spec.pixel_size = PixelSize::voxel(VOXEL.x, VOXEL.z);
    spec.channels = STAINS.iter().map(|stain| channel(stain, camera)).collect();
    debug_assert_eq!(spec.extent[Axis::C] as usize, spec.channels.len());
    spec
}

fn channel(stain: &Stain, camera: &Camera) -> Channel {
    Channel {
        excitation: Some(Nanometers(stain.excitation)),
        emission: Some(Nanometers(stain.emission)),
        modality: Some(Modality::WidefieldFluorescence),
        color: Some(stain.color),
        conditions: Conditions {
            objective: Some(ObjectiveLens {
                magnification: Some(MAGNIFICATION),
                numerical_aperture: Some(NA),
                immersion_index: Some(WATER),
            }),
            scan_mode: Some(ScanMode::Widefield),
            exposure: Some(EXPOSURE),
            camera_gain: Some(camera.gain),
            camera_offset: Some(camera.offset),
            read_noise: Some(Electrons(camera.read_noise.0)),
            binning: Some([1, 1]),
            bit_depth: Some(16),
            ..Conditions::default()
        },
        ..Channel::named(stain.name).measured()
    }
}
