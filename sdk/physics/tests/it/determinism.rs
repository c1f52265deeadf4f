//! One number for everything the crate computes. It is the same on every machine and target; where it changes
//! with the code, simulated pixels change, which the change log has to say.

use parfocal_physics::anscombe::Anscombe;
use parfocal_physics::convolve::{Boundaries, Convolver, gaussian};
use parfocal_physics::imaging::{Exposure, expected_photons};
use parfocal_physics::noise::{BitDepth, Camera, ExcessNoise, PointDetector};
use parfocal_physics::phantom::PhantomSpec;
use parfocal_physics::psf::{ConfocalPsf, Pinhole, Reach, Specimen, WidefieldPsf};
use parfocal_physics::{
    AiryUnits, GreyLevelsPerElectron, Grid, NumericalAperture, Objective, Photons, Random, RefractiveIndex,
    Shape, VoxelSize,
};
use parfocal_types::Result;
use parfocal_types::units::{Electrons, Fraction, GreyLevels, Micrometers, Nanometers};

/// FNV-1a over the bits of numbers.
struct Digest(u64);

impl Digest {
    fn add(&mut self, bits: u32) {
        for byte in bits.to_le_bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    fn floats(&mut self, values: &[f32]) {
        values.iter().for_each(|value| self.add(value.to_bits()));
    }

    fn levels(&mut self, values: &[u16]) {
        values.iter().for_each(|value| self.add(u32::from(*value)));
    }
}

/// Runs every model once.
pub(crate) fn digest() -> Result<u64> {
    let mut digest = Digest(0xcbf2_9ce4_8422_2325);
    let voxel = VoxelSize::new(Micrometers(0.8), Micrometers(0.4));
    let grid = Grid::new(Shape { z: 12, y: 80, x: 90 }, voxel)?;
    let phantom = PhantomSpec { grid, nuclei: 3, gap: Micrometers(1.0), seed: 99 }.build()?;
    phantom.labels.iter().for_each(|label| digest.add(*label));
    digest.floats(phantom.filaments.values());
    digest.floats(phantom.cytoplasm.values());

    let objective = Objective::new(NumericalAperture(1.2), RefractiveIndex(1.333))?;
    let reach = Reach { axial: Micrometers(4.0), lateral: Micrometers(3.0) };
    let specimen = Specimen::new(RefractiveIndex(1.38), Micrometers(5.0))?;
    let widefield =
        WidefieldPsf::new(objective, Nanometers(520.0))?.with_specimen(specimen).kernel(voxel, reach)?;
    let pinhole = Pinhole::Diameter(AiryUnits(1.0));
    let confocal =
        ConfocalPsf::new(objective, Nanometers(488.0), Nanometers(520.0), pinhole)?.kernel(voxel, reach)?;
    let exposure = Exposure { peak: Photons(60.0), background: Photons(2.0) };
    for (kernel, stream) in [(&widefield, 0), (&confocal, 1)] {
        digest.floats(kernel.volume().values());
        let optics = Convolver::new(grid, kernel, Boundaries::THIN_SAMPLE)?;
        let expected = expected_photons(&phantom.nuclei, &optics, exposure)?;
        digest.floats(expected.values());
        let levels = Camera::scmos().expose(expected.values(), &mut Random::new(7, stream))?;
        digest.levels(&levels);
        let detector = PointDetector {
            quantum_efficiency: Fraction(0.4),
            dark_counts: Electrons(0.01),
            gain: GreyLevelsPerElectron(30.0),
            excess_noise: ExcessNoise::PHOTOMULTIPLIER,
            offset: GreyLevels(50.0),
            analog_noise: GreyLevels(4.0),
            bit_depth: BitDepth::TWELVE,
        };
        digest.levels(&detector.detect(expected.values(), &mut Random::new(8, stream))?);
        let mut stable: Vec<f32> = levels.into_iter().map(f32::from).collect();
        let transform = Anscombe::new(Camera::scmos().noise_law())?;
        transform.forward_all(&mut stable);
        digest.floats(&stable);
        transform.inverse_all(&mut stable);
        digest.floats(&stable);
    }
    let blurred = gaussian(&phantom.nuclei, Micrometers(1.0), Micrometers(0.5), Boundaries::MIRROR)?;
    digest.floats(blurred.values());
    Ok(digest.0)
}

#[test]
fn every_machine_computes_the_same_bits() {
    assert_eq!(format!("{:016x}", digest().unwrap()), "080117d9b82e2384");
}
