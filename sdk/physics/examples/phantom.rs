//! Makes a three-channel widefield stack of the sample world and writes its maximum projections, its middle
//! plane and the label image as PNG: `cargo run --release -p parfocal-physics --example phantom <folder> [seed]`.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use parfocal_physics::convolve::{Boundaries, Convolver};
use parfocal_physics::imaging::{Exposure, expected_photons};
use parfocal_physics::noise::Camera;
use parfocal_physics::phantom::PhantomSpec;
use parfocal_physics::psf::{Reach, WidefieldPsf};
use parfocal_physics::{
    Grid, NumericalAperture, Objective, Photons, Random, RefractiveIndex, Shape, Volume, VoxelSize,
};
use parfocal_types::units::{Micrometers, Nanometers};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("usage: phantom <folder> [seed]")?;
    let seed = arguments.next().map_or(Ok(1), |text| text.parse())?;
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder)?;

    let voxel = VoxelSize::new(Micrometers(0.5), Micrometers(0.2));
    let grid = Grid::new(Shape { z: 24, y: 512, x: 512 }, voxel)?;
    let phantom = PhantomSpec { grid, nuclei: 24, gap: Micrometers(1.0), seed }.build()?;
    let channels = [
        ("nuclei", &phantom.nuclei, 460.0, 140.0, 8.0),
        ("filaments", &phantom.filaments, 525.0, 90.0, 6.0),
        ("cytoplasm", &phantom.cytoplasm, 610.0, 160.0, 8.0),
    ];
    for ((name, density, emission, peak, background), stream) in channels.into_iter().zip(0..) {
        let exposure = Exposure { peak: Photons(peak), background: Photons(background) };
        let expected = image(density, Nanometers(emission), exposure)?;
        let stack = Camera::scmos().expose(expected.values(), &mut Random::new(seed, stream))?;
        let plane = grid.shape().y * grid.shape().x;
        let mut projection = vec![0_u16; plane];
        for slice in stack.chunks_exact(plane) {
            for (most, value) in projection.iter_mut().zip(slice) {
                *most = (*most).max(*value);
            }
        }
        save(&folder.join(format!("{name}-max.png")), &projection, grid)?;
        save(&folder.join(format!("{name}-plane.png")), &stack[7 * plane..8 * plane], grid)?;
    }
    let plane = grid.shape().y * grid.shape().x;
    let labels: Vec<u16> =
        phantom.labels[7 * plane..8 * plane].iter().map(|l| (l * 37 % 251) as u16).collect();
    save(&folder.join("labels-plane.png"), &labels, grid)?;
    println!("{} nuclei, {:?}", phantom.truth.len(), phantom.truth.first());
    Ok(())
}

fn image(density: &Volume, emission: Nanometers, exposure: Exposure) -> Outcome<Volume> {
    let objective = Objective::new(NumericalAperture(1.2), RefractiveIndex(1.333))?;
    let reach = Reach { axial: Micrometers(11.5), lateral: Micrometers(6.0) };
    let kernel = WidefieldPsf::new(objective, emission)?.kernel(density.grid().voxel(), reach)?;
    let optics = Convolver::new(density.grid(), &kernel, Boundaries::THIN_SAMPLE)?;
    Ok(expected_photons(density, &optics, exposure)?)
}

/// Writes 8 bits from the darkest to the 99.9th percentile.
fn save(path: &Path, values: &[u16], grid: Grid) -> Outcome {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let (low, high) = (sorted[sorted.len() / 1000], sorted[sorted.len() - 1 - sorted.len() / 1000]);
    let range = f64::from(high.saturating_sub(low).max(1));
    let bytes: Vec<u8> =
        values.iter().map(|&v| (f64::from(v.saturating_sub(low)) / range * 255.0).min(255.0) as u8).collect();
    let mut encoder =
        png::Encoder::new(BufWriter::new(File::create(path)?), grid.shape().x as u32, grid.shape().y as u32);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.write_header()?.write_image_data(&bytes)?;
    Ok(())
}
