use parfocal_physics::convolve::{Boundaries, Boundary, Convolver, gaussian};
use parfocal_physics::psf::Kernel;
use parfocal_physics::{Grid, Random, Shape, Volume, VoxelSize};
use parfocal_types::units::Micrometers;

use crate::assert_near;

fn grid(z: usize, y: usize, x: usize) -> Grid {
    Grid::new(Shape { z, y, x }, VoxelSize::new(Micrometers(0.5), Micrometers(0.2))).unwrap()
}

fn noise(grid: Grid, seed: u64) -> Volume {
    let mut random = Random::new(seed, 0);
    Volume::from_values(grid, (0..grid.len()).map(|_| random.uniform() as f32).collect()).unwrap()
}

/// The index that stands for one outside, or none.
fn fold(index: isize, len: usize, boundary: Boundary) -> Option<usize> {
    let mut index = index;
    let len = len as isize;
    if boundary == Boundary::Dark {
        return (0..len).contains(&index).then_some(index as usize);
    }
    while !(0..len).contains(&index) {
        index = if index < 0 { -1 - index } else { 2 * len - 1 - index };
    }
    Some(index as usize)
}

/// Convolution as it is defined.
fn direct(volume: &Volume, kernel: &Kernel, boundaries: Boundaries) -> Vec<f64> {
    let (shape, half) = (volume.shape(), kernel.half_shape());
    let size = kernel.volume().shape();
    let mut result = Vec::new();
    for index in 0..volume.values().len() {
        let (row, x) = (index / shape.x, index % shape.x);
        let (z, y) = (row / shape.y, row % shape.y);
        let mut sum = 0.0;
        for (i, weight) in kernel.volume().values().iter().enumerate() {
            let (krow, kx) = (i / size.x, i % size.x);
            let (kz, ky) = (krow / size.y, krow % size.y);
            let from = |at: usize, k: usize, half: usize| at as isize + half as isize - k as isize;
            let source = fold(from(z, kz, half.z), shape.z, boundaries.axial)
                .zip(fold(from(y, ky, half.y), shape.y, boundaries.lateral))
                .zip(fold(from(x, kx, half.x), shape.x, boundaries.lateral));
            if let Some(((z, y), x)) = source {
                sum += f64::from(*weight) * f64::from(volume.get(z, y, x).unwrap());
            }
        }
        result.push(sum);
    }
    result
}

#[test]
fn fourier_agrees_with_the_definition_for_every_boundary_and_shape() {
    let shapes =
        [((4, 9, 11), (3, 5, 3)), ((1, 40, 7), (1, 3, 9)), ((3, 5, 70), (9, 13, 5)), ((6, 6, 6), (1, 1, 1))];
    for ((z, y, x), (kz, ky, kx)) in shapes {
        let volume = noise(grid(z, y, x), 1);
        let kernel = Kernel::new(noise(grid(kz, ky, kx), 2)).unwrap();
        for boundaries in [Boundaries::DARK, Boundaries::MIRROR, Boundaries::THIN_SAMPLE] {
            let got = Convolver::new(volume.grid(), &kernel, boundaries).unwrap().convolve(&volume).unwrap();
            for (i, (got, want)) in got.values().iter().zip(direct(&volume, &kernel, boundaries)).enumerate()
            {
                assert!(
                    (f64::from(*got) - want).abs() < 2e-6,
                    "{z}x{y}x{x} with {kz}x{ky}x{kx}, {boundaries:?}, voxel {i}: {got} and {want}"
                );
            }
        }
    }
}

#[test]
fn a_point_becomes_the_kernel_the_right_way_round() {
    let mut point = Volume::zeros(grid(5, 9, 9));
    point.values_mut()[(2 * 9 + 4) * 9 + 4] = 1.0;
    let kernel = Kernel::new(noise(grid(3, 3, 5), 3)).unwrap();
    let image = Convolver::new(point.grid(), &kernel, Boundaries::DARK).unwrap().convolve(&point).unwrap();
    for (z, y, x) in [(0, 0, 0), (2, 1, 4), (1, 2, 0)] {
        let want = kernel.volume().get(z, y, x).unwrap();
        let got = image.get(1 + z, 3 + y, 2 + x).unwrap();
        assert!((got - want).abs() < 1e-6, "{got} and {want}");
    }
}

#[test]
fn a_point_becomes_a_gaussian_of_the_asked_width() {
    let grid = grid(41, 61, 61);
    let mut point = Volume::zeros(grid);
    point.values_mut()[(20 * 61 + 30) * 61 + 30] = 1.0;
    let image = gaussian(&point, Micrometers(1.5), Micrometers(0.8), Boundaries::DARK).unwrap();
    assert_near("sum", image.sum(), 1.0, 1e-4);
    let (mut axial, mut lateral) = (0.0, 0.0);
    for (i, value) in image.values().iter().enumerate() {
        let (z, y) = ((i / (61 * 61)) as f64 - 20.0, (i / 61 % 61) as f64 - 30.0);
        axial += f64::from(*value) * (z * 0.5).powi(2);
        lateral += f64::from(*value) * (y * 0.2).powi(2);
    }
    // Averaging over voxels adds size²/12; cutting at 4 σ takes 0.1 %.
    assert_near("axial variance", axial, 1.5 * 1.5 + 0.25 / 12.0, 0.003);
    assert_near("lateral variance", lateral, 0.8 * 0.8 + 0.04 / 12.0, 0.003);
}

#[test]
fn separable_and_fourier_agree() {
    let volume = noise(grid(8, 30, 37), 5);
    let mut point = Volume::zeros(grid(17, 41, 41));
    point.values_mut()[(8 * 41 + 20) * 41 + 20] = 1.0;
    let (axial, lateral) = (Micrometers(0.9), Micrometers(0.7));
    let kernel = Kernel::new(gaussian(&point, axial, lateral, Boundaries::DARK).unwrap()).unwrap();
    for boundaries in [Boundaries::DARK, Boundaries::MIRROR, Boundaries::THIN_SAMPLE] {
        let a = gaussian(&volume, axial, lateral, boundaries).unwrap();
        let b = Convolver::new(volume.grid(), &kernel, boundaries).unwrap().convolve(&volume).unwrap();
        for (a, b) in a.values().iter().zip(b.values()) {
            assert!((a - b).abs() < 5e-6, "{a} and {b}");
        }
    }
}

#[test]
fn mirrored_boundaries_keep_all_light_and_dark_ones_lose_it() {
    let flat = Volume::from_values(grid(4, 8, 8), vec![3.0; 256]).unwrap();
    let (axial, lateral) = (Micrometers(1.0), Micrometers(1.0));
    let mirrored = gaussian(&flat, axial, lateral, Boundaries::MIRROR).unwrap();
    assert!(mirrored.values().iter().all(|v| (v - 3.0).abs() < 1e-5));
    let dark = gaussian(&flat, axial, lateral, Boundaries::DARK).unwrap();
    assert!(dark.values()[0] < 1.0);
}

#[test]
fn zero_width_changes_nothing() {
    let volume = noise(grid(3, 5, 5), 9);
    assert_eq!(gaussian(&volume, Micrometers(0.0), Micrometers(0.0), Boundaries::MIRROR).unwrap(), volume);
}

#[test]
fn what_does_not_fit_is_refused() {
    let kernel = Kernel::new(noise(grid(1, 3, 3), 1)).unwrap();
    let coarse =
        Grid::new(Shape { z: 2, y: 8, x: 8 }, VoxelSize::new(Micrometers(0.5), Micrometers(0.4))).unwrap();
    let error = Convolver::new(coarse, &kernel, Boundaries::DARK).unwrap_err();
    assert!(error.to_string().contains("sample it with the volume's voxels"), "{error}");
    let convolver = Convolver::new(grid(2, 8, 8), &kernel, Boundaries::DARK).unwrap();
    assert!(convolver.convolve(&noise(grid(2, 8, 9), 1)).is_err());
    assert!(
        gaussian(&noise(grid(2, 4, 4), 1), Micrometers(-1.0), Micrometers(1.0), Boundaries::DARK).is_err()
    );
}
