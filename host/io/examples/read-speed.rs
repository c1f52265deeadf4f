//! Reads a file whole, tile by tile, and prints the time: `cargo run --release -p parfocal-io --example read-speed --
//! FILE [THREADS]`.
#![allow(missing_docs)]

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use parfocal_image::{Axis, Buffer, Extent, Region};
use parfocal_types::Error;

fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or_else(|| Error::invalid_argument("name a file"))?;
    let threads = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(1);
    let start = Instant::now();
    let sources = parfocal_io::source::open(&path)?;
    let opened = start.elapsed();
    let mut bytes = 0;
    for source in &sources {
        let spec = source.spec();
        bytes += spec.bytes().unwrap_or(0);
        let [t, c, z, height, width] = spec.extent.0;
        let side = 512;
        let (rows, columns) = (height.div_ceil(side), width.div_ceil(side));
        let next = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    loop {
                        let n = next.fetch_add(1, Ordering::Relaxed);
                        if n >= t * c * z * rows * columns {
                            break;
                        }
                        let (x, y, plane) = (n % columns, n / columns % rows, n / columns / rows);
                        let region = Region::new(
                            [plane / (c * z), plane / z % c, plane % z, y * side, x * side].map(|n| n as i64),
                            Extent::plane(side.min(height - y * side), side.min(width - x * side)),
                        );
                        let done = Buffer::zeroed(spec.dtype, region)
                            .and_then(|mut tile| source.read(&mut tile.pixels_mut()?));
                        if let Err(error) = done {
                            eprintln!("{error}");
                        }
                    }
                });
            }
        });
        let _ = spec.extent[Axis::T];
    }
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "opened in {:.1} ms, {:.1} MiB/s",
        opened.as_secs_f64() * 1e3,
        bytes as f64 / seconds / f64::from(1 << 20)
    );
    Ok(())
}
