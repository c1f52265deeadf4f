//! The operators next to scipy and scikit-image, on made and on real images.

use std::{fs, path::PathBuf};

use parfocal_image::{DType, Extent, Pixel};
use parfocal_plugin::with_pixel_type;
use serde_json::{Value, json};

use crate::{
    driver::{Cut, Image, run},
    images::{data, discs, noise, typed},
    measure::numbers,
    otsu::threshold,
    python,
};

/// A made-up or real image, and its name for messages.
type Named = (String, Image);

/// Cases for a judge, and the folder in which images travel.
struct Cases {
    folder: PathBuf,
    cases: Vec<Value>,
}

impl Cases {
    fn new(name: &str) -> Self {
        let folder =
            PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self { folder, cases: Vec::new() }
    }

    fn write(&self, image: &Image) -> String {
        let name = format!("image-{}-{}.raw", self.cases.len(), image.spec.dtype);
        fs::write(self.folder.join(&name), image.pixels.bytes()).unwrap();
        name
    }

    fn add(&mut self, judge: &str, image: &Image, more: Value) {
        let mut case = json!({
            "judge": judge,
            "image": self.write(image),
            "dtype": numpy(image.spec.dtype),
            "shape": image.spec.extent.0[2..],
        });
        for (key, value) in more.as_object().unwrap() {
            case[key] = value.clone();
        }
        self.cases.push(case);
    }

    /// The answers, or nothing when there is no judge.
    fn ask(&self, modules: &str) -> Option<Vec<Value>> {
        let text = json!({ "folder": self.folder, "cases": self.cases }).to_string();
        match python::judge("judge.py", modules, &text) {
            Ok(answers) => Some(answers.as_array().unwrap().clone()),
            Err(why) => {
                println!("skipped: {why}");
                None
            }
        }
    }

    fn pixels<T: Pixel>(&self, answer: &Value) -> Vec<u8> {
        assert_eq!(answer["dtype"], numpy(T::DTYPE), "{answer}");
        fs::read(self.folder.join(answer["file"].as_str().unwrap())).unwrap()
    }
}

impl Drop for Cases {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn numpy(dtype: DType) -> &'static str {
    match dtype {
        DType::U8 | DType::Mask => "uint8",
        DType::I8 => "int8",
        DType::U16 => "uint16",
        DType::I16 => "int16",
        DType::U32 => "uint32",
        DType::F32 => "float32",
    }
}

fn doubles(bytes: &[u8]) -> Vec<f64> {
    bytes.as_chunks().0.iter().map(|bytes| f64::from_ne_bytes(*bytes)).collect()
}

/// A PNG of the real data, as 8-bit grey (mean of the colours) or 16-bit labels.
fn png(path: &std::path::Path) -> (Extent, Vec<u32>) {
    let mut decoder = png::Decoder::new(std::io::BufReader::new(fs::File::open(path).unwrap()));
    decoder.set_transformations(png::Transformations::IDENTITY);
    let mut reader = decoder.read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    let extent = Extent::plane(info.height.into(), info.width.into());
    let values = match (info.color_type, info.bit_depth) {
        (png::ColorType::Grayscale, png::BitDepth::Sixteen) => {
            bytes.as_chunks().0.iter().map(|pair| u16::from_be_bytes(*pair).into()).collect()
        }
        (png::ColorType::Rgba, png::BitDepth::Eight) => bytes
            .as_chunks::<4>()
            .0
            .iter()
            .map(|[r, g, b, _]| (u32::from(*r) + u32::from(*g) + u32::from(*b)) / 3)
            .collect(),
        other => panic!("{}: {other:?}", path.display()),
    };
    (extent, values)
}

/// The microscope images of the real data, with their label images.
fn real() -> Vec<(String, Image, Image)> {
    let Some(folder) = data().map(|data| data.join("dsb2018")) else {
        println!("skipped: no real data; set PARFOCAL_DATA");
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "png"));
    paths.sort();
    let images = paths.iter().filter(|path| !path.to_str().unwrap().ends_with("_labels.png"));
    let images: Vec<_> = images
        .map(|path| {
            let stem = path.file_stem().unwrap().to_str().unwrap();
            let (extent, pixels) = png(path);
            let (labels_extent, labels) = png(&folder.join(format!("{stem}_labels.png")));
            assert_eq!(extent, labels_extent);
            let pixels: Vec<u8> = pixels.into_iter().map(|value| value as u8).collect();
            (stem.to_owned(), Image::new(extent, &pixels), Image::new(extent, &labels))
        })
        .collect();
    assert!(!images.is_empty());
    images
}

fn made() -> Vec<Named> {
    let mut images = Vec::new();
    for (seed, extent) in
        [(1, Extent::plane(97, 131)), (2, Extent::plane(1, 50)), (3, Extent::new(1, 1, 9, 40, 33))]
    {
        for dtype in [DType::U8, DType::I8, DType::U16, DType::I16, DType::U32, DType::F32] {
            images.push((format!("noise {dtype} {extent}"), noise(dtype, extent, seed)));
        }
        let values = discs(extent, seed);
        images.push((format!("discs u16 {extent}"), typed::<u16>(extent, &values)));
        images.push((format!("discs f32 {extent}"), typed::<f32>(extent, &values)));
    }
    images
}

fn all() -> Vec<Named> {
    made().into_iter().chain(real().into_iter().map(|(name, image, _)| (name, image))).collect()
}

#[test]
fn gaussian_is_scipys_within_single_precision() {
    let images = all();
    let mut cases = Cases::new("gaussian");
    let settings: Vec<(f64, &str)> =
        [0.0, 0.4, 1.0, 2.0, 7.5].into_iter().flat_map(|sigma| [(sigma, "2d"), (sigma, "3d")]).collect();
    for (_, image) in &images {
        for (sigma, dimensions) in &settings {
            cases.add("gaussian", image, json!({ "sigma": sigma, "dimensions": dimensions }));
        }
    }
    let Some(answers) = cases.ask("numpy, scipy") else { return };
    let mut answers = answers.iter();
    let mut near_halves = 0;
    for (name, image) in &images {
        for (sigma, dimensions) in &settings {
            let parameters = [("sigma", &*sigma.to_string()), ("dimensions", *dimensions)];
            let got = run("gaussian", &parameters, &[image], Cut::WHOLE).images.remove(0);
            let expected = doubles(&cases.pixels_of(answers.next().unwrap()));
            let largest = expected.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
            with_pixel_type!(image.spec.dtype, T => {
                // Each of the sums rounds to 24 bits a few times; what is added up is at most the largest pixel.
                let brightest = image.slice::<T>().iter().fold(largest, |most, value| most.max(value.to_f64().abs()));
                let tolerance = brightest * 6.0 * f64::from(f32::EPSILON);
                for (ours, theirs) in got.slice::<T>().iter().zip(&expected) {
                    let rounded = T::from_f64(*theirs).to_f64();
                    let far = (ours.to_f64() - rounded).abs();
                    if matches!(T::DTYPE, DType::F32 | DType::U32) {
                        // Whole numbers round once more.
                        let far = if T::DTYPE == DType::U32 { (far - 1.0).max(0.0) } else { far };
                        assert!(far <= tolerance, "{name} {parameters:?}: {ours:?} {theirs}");
                    } else if far != 0.0 {
                        // Only where scipy's value lies as near to a half as single precision can see.
                        let half = (theirs - theirs.floor() - 0.5).abs();
                        assert!(far == 1.0 && half <= tolerance, "{name} {parameters:?}: {ours:?} {theirs}");
                        near_halves += 1;
                    }
                }
            });
        }
    }
    println!("{near_halves} pixels lay so near to a half that single precision rounded them the other way");
}

impl Cases {
    fn pixels_of(&self, answer: &Value) -> Vec<u8> {
        assert_eq!(answer["dtype"], "float64");
        fs::read(self.folder.join(answer["file"].as_str().unwrap())).unwrap()
    }
}

#[test]
fn median_and_top_hat_are_scipys_exactly() {
    let images = all();
    let mut cases = Cases::new("exact");
    let settings: [(&str, &str, u32); 7] = [
        ("median", "median", 1),
        ("median", "median", 2),
        ("median", "median", 4),
        ("top_hat", "top-hat", 1),
        ("top_hat", "top-hat", 4),
        ("top_hat", "top-hat", 20),
        ("top_hat", "top-hat", 63),
    ];
    // scipy's top-hat of signed pixels wraps around; ours saturates.
    let differs =
        |id: &str, image: &Image| id == "top-hat" && matches!(image.spec.dtype, DType::I8 | DType::I16);
    for (_, image) in &images {
        for (judge, id, radius) in settings {
            if !differs(id, image) {
                cases.add(judge, image, json!({ "radius": radius }));
            }
        }
    }
    let Some(answers) = cases.ask("numpy, scipy") else { return };
    let mut answers = answers.iter();
    for (name, image) in &images {
        for (_, id, radius) in settings.into_iter().filter(|(_, id, _)| !differs(id, image)) {
            let got = run(id, &[("radius", &radius.to_string())], &[image], Cut::WHOLE).images.remove(0);
            let answer = answers.next().unwrap();
            let same =
                with_pixel_type!(image.spec.dtype, T => got.pixels.bytes() == cases.pixels::<T>(answer));
            assert!(same, "{id} {radius}: {name}");
        }
    }
}

#[test]
fn otsu_is_scikit_images_exactly_on_whole_numbers() {
    // scikit-image asks for a bin for every value of `u32` noise: more memory than there is.
    let images: Vec<Named> = all()
        .into_iter()
        .filter(|(name, image)| image.spec.dtype != DType::F32 && !name.starts_with("noise u32"))
        .collect();
    let mut cases = Cases::new("otsu");
    images.iter().for_each(|(_, image)| cases.add("otsu", image, json!({})));
    let Some(answers) = cases.ask("numpy, scipy, skimage") else { return };
    for ((name, image), answer) in images.iter().zip(&answers) {
        let got = threshold(&run("otsu-threshold", &[], &[image], Cut::WHOLE));
        let theirs = answer["threshold"].as_f64().unwrap();
        if got != theirs {
            // scikit-image keeps counts in single precision: with 65536 bins nearly equal thresholds may change places.
            let between =
                |level: f64| with_pixel_type!(image.spec.dtype, T => variance(image.slice::<T>(), level));
            assert!(between(got) >= between(theirs), "{name}: {got} {theirs}");
            assert!(image.spec.dtype.bits() > 8, "{name}: {got} {theirs}");
            println!("{name}: {got}, scikit-image {theirs}, which separates no better");
        }
    }
}

/// The variance between the classes on both sides of a level.
fn variance<T: Pixel>(pixels: &[T], level: f64) -> f64 {
    let (low, high): (Vec<f64>, Vec<f64>) =
        pixels.iter().map(|pixel| pixel.to_f64()).partition(|value| *value <= level);
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    low.len() as f64 * high.len() as f64 * (mean(&low) - mean(&high)).powi(2)
}

#[test]
fn otsu_of_floating_point_comes_close_to_scikit_image() {
    let images: Vec<Named> = made().into_iter().filter(|(name, _)| name.starts_with("discs f32")).collect();
    let mut cases = Cases::new("otsu-f32");
    images.iter().for_each(|(_, image)| cases.add("otsu", image, json!({})));
    let Some(answers) = cases.ask("numpy, scipy, skimage") else { return };
    for ((name, image), answer) in images.iter().zip(&answers) {
        let got = threshold(&run("otsu-threshold", &[], &[image], Cut::WHOLE));
        let theirs = answer["threshold"].as_f64().unwrap();
        let values = image.slice::<f32>();
        let span =
            values.iter().copied().fold(f32::MIN, f32::max) - values.iter().copied().fold(f32::MAX, f32::min);
        let bin = f64::from(span) / 256.0;
        let better = variance(values, got) >= variance(values, theirs) * (1.0 - 1e-9);
        assert!(better && (got - theirs).abs() <= 8.0 * bin, "{name}: {got}, {theirs} in bins of {bin}");
    }
}

#[test]
fn components_are_scikit_images_exactly() {
    let mut masks: Vec<Named> = Vec::new();
    for (name, image) in all() {
        masks.push((name, run("otsu-threshold", &[], &[&image], Cut::WHOLE).images.remove(0)));
    }
    for (name, _, labels) in real() {
        masks.push((format!("{name} labels"), labels));
    }
    let mut cases = Cases::new("components");
    let settings: Vec<(&str, &str)> =
        ["2d", "3d"].into_iter().flat_map(|d| ["faces", "edges", "corners"].map(|c| (d, c))).collect();
    for (_, mask) in &masks {
        for (dimensions, connectivity) in &settings {
            cases.add("label", mask, json!({ "dimensions": dimensions, "connectivity": connectivity }));
        }
    }
    let Some(answers) = cases.ask("numpy, scipy, skimage") else { return };
    let mut answers = answers.iter();
    for (name, mask) in &masks {
        for (dimensions, connectivity) in &settings {
            let parameters = [("dimensions", *dimensions), ("connectivity", *connectivity)];
            let expected = cases.pixels::<u32>(answers.next().unwrap());
            for cut in [Cut::WHOLE, Cut::in_stack(2, 50, 37)] {
                let got = run("connected-components", &parameters, &[mask], cut).images.remove(0);
                assert!(got.pixels.bytes() == expected, "{name} {parameters:?} {cut:?}");
            }
        }
    }
}

#[test]
fn measurements_are_scikit_images() {
    let mut pairs: Vec<(String, Image, Image, &str)> = Vec::new();
    for (name, image, labels) in real() {
        pairs.push((name, image, labels, "2d"));
    }
    for (name, image) in made() {
        let dimensions = if image.spec.extent.0[2] > 1 { "3d" } else { "2d" };
        let mask = run("otsu-threshold", &[], &[&image], Cut::WHOLE).images.remove(0);
        let labels =
            run("connected-components", &[("dimensions", dimensions)], &[&mask], Cut::WHOLE).images.remove(0);
        pairs.push((name, image, labels, dimensions));
    }
    let mut cases = Cases::new("measure");
    for (_, image, labels, dimensions) in &pairs {
        let intensity = format!("intensity-{}", cases.write(image));
        fs::write(cases.folder.join(&intensity), image.pixels.bytes()).unwrap();
        let intensity_dtype = numpy(image.spec.dtype);
        let more =
            json!({ "intensity": intensity, "intensity_dtype": intensity_dtype, "dimensions": dimensions });
        cases.add("regions", labels, more);
    }
    let Some(answers) = cases.ask("numpy, scipy, skimage") else { return };
    let mut objects = 0;
    for ((name, image, labels, dimensions), answer) in pairs.iter().zip(&answers) {
        let parameters = [("dimensions", *dimensions)];
        let table = run("measure-objects", &parameters, &[labels, image], Cut::WHOLE).tables.remove(0);
        objects += table.rows().len();
        for (column, theirs) in answer.as_object().unwrap() {
            let theirs: Vec<f64> =
                theirs.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect();
            let ours = numbers(&table, column);
            assert_eq!(ours.len(), theirs.len(), "{name} {column}");
            let exact =
                ["label", "pixels", "bbox", "min", "max"].iter().any(|start| column.starts_with(start));
            // scikit-image sums in another order, singles in single precision.
            let single = column.starts_with("mean") && image.spec.dtype == DType::F32;
            // JSON's digits may move the last bit of what is exact.
            let tolerance = match (exact, single) {
                (true, _) => 1e-15,
                (_, true) => 1e-4,
                _ => 1e-11,
            };
            for (ours, theirs) in ours.iter().zip(&theirs) {
                assert!(
                    (ours - theirs).abs() <= tolerance * theirs.abs().max(1.0),
                    "{name} {column}: {ours} {theirs}"
                );
            }
        }
    }
    println!("{objects} objects");
}
