//! Where inputs of steps come from: steps, channels of the original, other files; what is declared, and what is recorded.

use std::path::Path;

use parfocal_image::{Channel, DType, Extent, ImageSpec};

use crate::{
    batches::{squares, write},
    program::{run, text},
};

/// Two channels: objects in `DAPI`, and 7 everywhere in `GFP`.
fn two_channels(path: &Path) {
    let mut spec = ImageSpec::new(Extent::new(1, 2, 1, 32, 32), DType::U16);
    spec.channels = vec![Channel::named("DAPI"), Channel::named("GFP")];
    let mut pixels = vec![7_u16; 2 * 32 * 32];
    for (index, pixel) in pixels.iter_mut().take(32 * 32).enumerate() {
        let (y, x) = (index / 32, index % 32);
        *pixel = if (4..10).contains(&y) && (4..10).contains(&x) { 900 } else { 10 };
    }
    write(path, &spec, &pixels);
}

/// The value of a column in the first row of a table.
fn value(path: &Path, column: &str) -> String {
    let table = std::fs::read_to_string(path).unwrap();
    let header: Vec<_> = table.lines().next().unwrap().split(',').collect();
    let place =
        header.iter().position(|name| name.starts_with(column)).unwrap_or_else(|| panic!("{header:?}"));
    table.lines().nth(1).unwrap().split(',').nth(place).unwrap().to_owned()
}

#[test]
fn objects_of_one_channel_are_measured_in_another() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    two_channels(&folder.join("a.ome.tif"));
    let chain = [
        "run",
        "otsu-threshold",
        "--channel",
        "DAPI",
        "a.ome.tif",
        "--then",
        "connected-components",
        "--then",
    ];
    for (source, mean) in [("image", "900"), ("image:GFP", "7"), ("image:1", "7"), ("image:DAPI", "900")] {
        let input = format!("intensity={source}");
        let words = ["measure-objects", "--input", &input, "-o", "objects.csv"];
        let Some(ran) = run(folder, &[&chain[..], &words].concat()) else { return };
        assert!(ran.status.success(), "{source}: {}", text(&ran.stderr));
        assert_eq!(value(&folder.join("objects.csv"), "mean_intensity"), mean, "{source}");
    }
    let words = ["measure-objects", "--input", "intensity=image:gfp", "-o", "objects.csv"];
    let ran = run(folder, &[&chain[..], &words].concat()).unwrap();
    assert_eq!(ran.status.code(), Some(1));
    assert!(text(&ran.stderr).contains("did you mean `GFP`?"), "{}", text(&ran.stderr));
}

#[test]
fn labels_of_another_program_are_measured_in_another_file() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut spec = squares(&folder.join("labels.ome.tif"), 1, Some(0.5));
    write(&folder.join("cells.ome.tif"), &spec, &[41; 32 * 32]);
    let step = ["run", "measure-objects", "labels.ome.tif", "-o", "objects.csv"];
    let Some(ran) = run(folder, &step) else { return };
    assert_eq!(ran.status.code(), Some(1));
    assert!(text(&ran.stderr).contains("--declare-labels"), "{}", text(&ran.stderr));

    let declared = [&step[..], &["--declare-labels"]].concat();
    let ran = run(folder, &declared).unwrap();
    assert!(ran.status.success(), "{}", text(&ran.stderr));
    assert_eq!(value(&folder.join("objects.csv"), "label"), "100");
    assert_eq!(value(&folder.join("objects.csv"), "pixels"), "36");
    let header = std::fs::read_to_string(folder.join("objects.csv")).unwrap();
    assert!(!header.contains("intensity"), "numbers of objects are no intensities: {header}");

    let ran = run(folder, &[&declared[..], &["--input", "intensity=file:cells.ome.tif"]].concat()).unwrap();
    assert!(ran.status.success(), "{}", text(&ran.stderr));
    assert_eq!(value(&folder.join("objects.csv"), "mean_intensity"), "41");

    // The other way round: the image is measured, the labels come from a file.
    let words = ["run", "measure-objects", "cells.ome.tif", "--declare-labels", "-o", "objects.csv"];
    let inputs = ["--input", "labels=file:labels.ome.tif", "--input", "intensity=image"];
    let ran = run(folder, &[&words[..], &inputs].concat()).unwrap();
    assert!(ran.status.success(), "{}", text(&ran.stderr));
    assert_eq!(value(&folder.join("objects.csv"), "mean_intensity"), "41");

    // Another size is refused, and so is one file for several images.
    spec.extent = Extent::new(1, 1, 1, 16, 16);
    write(&folder.join("small.ome.tif"), &spec, &[41; 16 * 16]);
    let ran = run(folder, &[&declared[..], &["--input", "intensity=file:small.ome.tif"]].concat()).unwrap();
    assert_ne!(ran.status.code(), Some(0));
    assert!(text(&ran.stderr).contains("differ along"), "{}", text(&ran.stderr));
    let words = [
        "run",
        "measure-objects",
        "labels.ome.tif",
        "cells.ome.tif",
        "--declare-labels",
        "-o",
        "objects.csv",
    ];
    let ran = run(folder, &[&words[..], &["--input", "intensity=file:cells.ome.tif"]].concat()).unwrap();
    assert_eq!(ran.status.code(), Some(2), "{}", text(&ran.stderr));
}

#[test]
fn the_word_that_pixels_are_labels_is_recorded_and_cannot_contradict_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    squares(&folder.join("a.ome.tif"), 1, None);
    let words = ["run", "identity", "a.ome.tif", "--declare-labels", "-o", "b.ome.tif"];
    let Some(ran) = run(folder, &words) else { return };
    assert!(ran.status.success(), "{}", text(&ran.stderr));
    let notes = text(&std::fs::read(folder.join("b.ome.tif")).unwrap());
    assert!(notes.contains("the user declared that the pixels are labels"), "{notes:.3000}");
    let words = ["run", "identity", "a.ome.tif", "--declare-measured", "-o", "measured.ome.tif"];
    assert!(run(folder, &words).unwrap().status.success());
    let ran =
        run(folder, &["run", "identity", "measured.ome.tif", "--declare-labels", "-o", "d.ome.tif"]).unwrap();
    assert_eq!(ran.status.code(), Some(1));
    assert!(text(&ran.stderr).contains("not labels"), "{}", text(&ran.stderr));
}

#[test]
fn a_name_that_two_steps_answer_to_is_ambiguous() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    squares(&folder.join("a.ome.tif"), 1, None);
    let smooth = |first: &str, second: &str, source: &str| {
        let input = format!("image={source}");
        let words = ["run", first, "a.ome.tif", "--then", second, "--then", "identity", "--input", &input];
        run(folder, &[&words[..], &["-o", "b.ome.tif"]].concat())
    };
    let Some(ran) = smooth("gaussian", "gaussian", "gaussian") else { return };
    assert_eq!(ran.status.code(), Some(2));
    assert!(text(&ran.stderr).contains("name the steps"), "{}", text(&ran.stderr));
    for (first, second, source) in
        [("fine=gaussian", "coarse=gaussian", "fine"), ("gaussian", "median", "gaussian")]
    {
        let ran = smooth(first, second, source).unwrap();
        assert!(ran.status.success(), "{}", text(&ran.stderr));
    }
    let ran = smooth("one=gaussian", "one=gaussian", "one").unwrap();
    assert_eq!(ran.status.code(), Some(2), "{}", text(&ran.stderr));
}

#[test]
fn results_say_how_their_steps_were_wired_and_from_which_file_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    two_channels(&folder.join("cells.ome.tif"));
    let chain =
        ["--json", "run", "fine=gaussian", "--channel", "DAPI", "cells.ome.tif", "--then", "otsu-threshold"];
    let more = ["--then", "connected-components", "--then", "gaussian", "--input", "image=image:GFP"];
    let output = ["--then", "identity", "--input", "image=fine", "-o", "out.ome.tif"];
    let Some(ran) = run(folder, &[&chain[..], &more, &output].concat()) else { return };
    assert!(ran.status.success(), "{}", text(&ran.stdout));
    let document: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
    let steps = document["steps"].as_array().unwrap();
    let wired: Vec<_> = steps
        .iter()
        .map(|step| {
            let inputs = step["inputs"].as_object().unwrap();
            (step["name"].as_str().unwrap(), inputs.values().next().unwrap().as_str().unwrap())
        })
        .collect();
    assert_eq!(
        wired,
        [
            ("fine", "image"),
            ("otsu-threshold", "fine"),
            ("connected-components", "otsu-threshold"),
            ("gaussian", "image:GFP"),
            ("identity", "fine")
        ]
    );
    let notes = text(&std::fs::read(folder.join("out.ome.tif")).unwrap()).replace("&quot;", "\"");
    for word in ["\"sources\":[{", "\"file\":\"cells.ome.tif\"", "\"channel\":\"DAPI\"", "image:GFP"] {
        assert!(notes.contains(word), "{word} is missing: {notes:.6000}");
    }
    assert!(!notes.contains(folder.to_str().unwrap()), "no folder of this computer is in the result");
}
