use parfocal_physics::phantom::{Phantom, PhantomSpec};
use parfocal_physics::{Grid, Shape, VoxelSize};
use parfocal_types::units::Micrometers;

fn spec(nuclei: u32, seed: u64) -> PhantomSpec {
    let voxel = VoxelSize::new(Micrometers(0.6), Micrometers(0.4));
    let grid = Grid::new(Shape { z: 18, y: 170, x: 210 }, voxel).unwrap();
    PhantomSpec { grid, nuclei, gap: Micrometers(1.5), seed }
}

/// Positions, in micrometers, of the voxels of each label that touch another value.
fn surfaces(phantom: &Phantom, grid: Grid) -> Vec<Vec<[f64; 3]>> {
    let (shape, voxel) = (grid.shape(), grid.voxel());
    let label = |z: usize, y: usize, x: usize| phantom.labels[(z * shape.y + y) * shape.x + x];
    let mut surfaces = vec![Vec::new(); phantom.truth.len()];
    for z in 1..shape.z - 1 {
        for y in 1..shape.y - 1 {
            for x in 1..shape.x - 1 {
                let here = label(z, y, x);
                let around = [label(z, y - 1, x), label(z, y + 1, x), label(z, y, x - 1), label(z, y, x + 1)];
                if here > 0 && around.iter().any(|other| *other != here) {
                    let place = [z as f64 * voxel.z.0, y as f64 * voxel.y.0, x as f64 * voxel.x.0];
                    surfaces[here as usize - 1].push(place);
                }
            }
        }
    }
    surfaces
}

#[test]
fn the_truth_counts_every_nucleus_once() {
    for seed in 0..4 {
        let spec = spec(12, seed);
        let phantom = spec.build().unwrap();
        assert_eq!(phantom.truth.len(), 12);
        let voxel = 0.6 * 0.4 * 0.4;
        for truth in &phantom.truth {
            let voxels = phantom.labels.iter().filter(|label| **label == truth.label).count();
            assert!((truth.volume.0 - voxels as f64 * voxel).abs() < 1e-9);
            // From a small flat nucleus to a large one after replication.
            assert!((150.0..1300.0).contains(&truth.volume.0), "{truth:?}");
            let (z, y, x) = (truth.centroid.z.0 / 0.6, truth.centroid.y.0 / 0.4, truth.centroid.x.0 / 0.4);
            let index = (z.round() as usize * 170 + y.round() as usize) * 210 + x.round() as usize;
            assert_eq!(phantom.labels[index], truth.label, "the centroid lies in its nucleus");
        }
        assert_eq!(phantom.labels.iter().copied().max(), Some(12));
    }
}

#[test]
fn nuclei_keep_their_distance_and_stay_inside() {
    for seed in 0..4 {
        let spec = spec(14, seed);
        let phantom = spec.build().unwrap();
        let surfaces = surfaces(&phantom, spec.grid);
        for (i, a) in surfaces.iter().enumerate() {
            for b in &surfaces[..i] {
                let nearest = a
                    .iter()
                    .flat_map(|p| b.iter().map(move |q| (0..3).map(|k| (p[k] - q[k]).powi(2)).sum::<f64>()))
                    .fold(f64::INFINITY, f64::min)
                    .sqrt();
                // Centres of voxels inside both surfaces are at least as far apart as the surfaces.
                assert!(nearest >= 1.5, "nuclei {nearest} µm apart");
            }
        }
        for (index, label) in phantom.labels.iter().enumerate() {
            let (y, x) = (index / 210 % 170, index % 210);
            let edge = y == 0 || x == 0 || y == 169 || x == 209;
            assert!(!(edge && *label > 0), "a nucleus touches the edge of the field");
        }
    }
}

#[test]
fn each_nucleus_is_one_piece_in_every_plane() {
    let spec = spec(10, 5);
    let phantom = spec.build().unwrap();
    for plane in phantom.labels.chunks_exact(170 * 210) {
        let mut seen = std::collections::BTreeSet::new();
        let mut visited = vec![false; plane.len()];
        for start in 0..plane.len() {
            if plane[start] == 0 || visited[start] {
                continue;
            }
            assert!(seen.insert(plane[start]), "nucleus {} has two pieces", plane[start]);
            let mut stack = vec![start];
            while let Some(index) = stack.pop() {
                if visited[index] || plane[index] != plane[start] {
                    continue;
                }
                visited[index] = true;
                stack.extend([index - 1, index + 1, index - 210, index + 210]);
            }
        }
    }
}

#[test]
fn channels_show_what_they_are_named_after() {
    let phantom = spec(10, 2).build().unwrap();
    let mean = |values: &[f32], inside: bool| {
        let chosen: Vec<f64> = values
            .iter()
            .zip(&phantom.labels)
            .filter(|(_, label)| (**label > 0) == inside)
            .map(|(value, _)| f64::from(*value))
            .collect();
        chosen.iter().sum::<f64>() / chosen.len() as f64
    };
    let nuclei = phantom.nuclei.values();
    assert!(mean(nuclei, true) > 50.0 * mean(nuclei, false), "DNA is in nuclei");
    let deepest = phantom.filaments.values().iter().zip(&phantom.labels).filter(|(_, label)| **label > 0);
    let filaments = phantom.filaments.sum();
    let crossing: f64 = deepest.map(|(value, _)| f64::from(*value)).filter(|value| *value > 0.2).sum();
    assert!(crossing < 0.02 * filaments, "filaments go around nuclei: {crossing} of {filaments}");
    for channel in [&phantom.nuclei, &phantom.filaments, &phantom.cytoplasm] {
        assert!(channel.values().iter().all(|value| value.is_finite() && *value >= 0.0));
        assert!(channel.values().iter().filter(|value| **value == 0.0).count() > channel.values().len() / 20);
    }
}

#[test]
fn the_world_follows_from_its_seed() {
    let (a, b, c) = (spec(6, 1).build().unwrap(), spec(6, 1).build().unwrap(), spec(6, 2).build().unwrap());
    assert_eq!(a.nuclei, b.nuclei);
    assert_eq!(a.filaments, b.filaments);
    assert_eq!(a.cytoplasm, b.cytoplasm);
    assert_eq!(a.truth, b.truth);
    assert_ne!(a.truth, c.truth);
}

#[test]
fn a_field_without_room_is_refused() {
    let error = spec(500, 1).build().unwrap_err();
    assert!(error.to_string().contains("ask for fewer"), "{error}");
    let voxel = VoxelSize::new(Micrometers(0.5), Micrometers(0.2));
    let flat = Grid::new(Shape { z: 1, y: 512, x: 512 }, voxel).unwrap();
    assert_eq!(PhantomSpec { grid: flat, ..spec(1, 1) }.build().unwrap_err().kind().name(), "out-of-range");
    assert!(spec(0, 1).build().unwrap().truth.is_empty());
}
