use parfocal_physics::convolve::{Boundaries, Convolver};
use parfocal_physics::imaging::{Exposure, expected_photons};
use parfocal_physics::psf::{Reach, WidefieldPsf};
use parfocal_physics::{Grid, Photons, Shape, Volume, VoxelSize};
use parfocal_types::units::{Micrometers, Nanometers};

use crate::objective;

fn optics(grid: Grid) -> Convolver {
    let reach = Reach { axial: Micrometers(2.0), lateral: Micrometers(2.0) };
    let psf = WidefieldPsf::new(objective(0.8, 1.0), Nanometers(600.0)).unwrap();
    Convolver::new(grid, &psf.kernel(grid.voxel(), reach).unwrap(), Boundaries::THIN_SAMPLE).unwrap()
}

#[test]
fn the_brightest_voxel_gets_the_peak_and_the_darkest_the_background() {
    let voxel = VoxelSize::new(Micrometers(0.5), Micrometers(0.2));
    let grid = Grid::new(Shape { z: 6, y: 64, x: 64 }, voxel).unwrap();
    let mut density = Volume::zeros(grid);
    density.values_mut()[(3 * 64 + 10) * 64 + 12] = 7.0;
    let exposure = Exposure { peak: Photons(80.0), background: Photons(5.0) };
    let image = expected_photons(&density, &optics(grid), exposure).unwrap();
    assert!((image.max() - 85.0).abs() < 1e-3);
    assert_eq!(image.get(3, 10, 12).unwrap(), image.max());
    assert!(image.values().iter().all(|v| *v >= 5.0));
    assert!((image.get(0, 60, 60).unwrap() - 5.0).abs() < 1e-3);
}

#[test]
fn a_dark_sample_and_negative_light_are_refused() {
    let voxel = VoxelSize::new(Micrometers(0.5), Micrometers(0.2));
    let grid = Grid::new(Shape { z: 2, y: 8, x: 8 }, voxel).unwrap();
    let exposure = Exposure { peak: Photons(80.0), background: Photons(5.0) };
    let dark = Volume::zeros(grid);
    assert!(expected_photons(&dark, &optics(grid), exposure).is_err());
    let negative = Exposure { background: Photons(-1.0), ..exposure };
    let flat = Volume::from_values(grid, vec![1.0; 128]).unwrap();
    assert!(expected_photons(&flat, &optics(grid), negative).is_err());
}
