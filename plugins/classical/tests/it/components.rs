//! Components next to a flood fill, on shapes that are hard to stitch.

use parfocal_image::{Extent, Region};

use crate::{
    driver::{Cut, Image, run, run_with},
    images::Random,
};

/// Labels by flood fill, in the order of first pixels.
fn flood(extent: Extent, mask: &[u8], stack: bool, steps: u32) -> Vec<u32> {
    let [_, _, nz, ny, nx] = extent.0.map(|size| size as i64);
    let mut labels = vec![0; mask.len()];
    let at = |z: i64, y: i64, x: i64| ((z * ny + y) * nx + x) as usize;
    let mut last = 0;
    for z in 0..nz {
        if !stack {
            last = 0;
        }
        for y in 0..ny {
            for x in 0..nx {
                if mask[at(z, y, x)] == 0 || labels[at(z, y, x)] != 0 {
                    continue;
                }
                last += 1;
                labels[at(z, y, x)] = last;
                let mut front = vec![(z, y, x)];
                while let Some((z, y, x)) = front.pop() {
                    for step in 0..27 {
                        let d = [step / 9 - 1, step / 3 % 3 - 1, step % 3 - 1];
                        let (z, y, x) = (z + d[0], y + d[1], x + d[2]);
                        let inside = (0..nz).contains(&z) && (0..ny).contains(&y) && (0..nx).contains(&x);
                        let count = d.iter().filter(|d| **d != 0).count() as u32;
                        if inside
                            && count <= steps
                            && (stack || d[0] == 0)
                            && mask[at(z, y, x)] != 0
                            && labels[at(z, y, x)] == 0
                        {
                            labels[at(z, y, x)] = last;
                            front.push((z, y, x));
                        }
                    }
                }
            }
        }
    }
    labels
}

fn drawing(rows: &[&str]) -> (Extent, Vec<u8>) {
    let extent = Extent::plane(rows.len() as u64, rows[0].len() as u64);
    (extent, rows.concat().bytes().map(|letter| u8::from(letter == b'#')).collect())
}

/// A rectangular spiral of one pixel's width, with one pixel between its arms.
fn spiral(size: i64) -> (Extent, Vec<u8>) {
    let mut mask = vec![0; (size * size) as usize];
    let (mut y, mut x, mut dy, mut dx) = (0, 0, 0, 1);
    let mut length = size - 1;
    mask[0] = 1;
    for turn in 0.. {
        if length <= 0 {
            break;
        }
        for _ in 0..length {
            (y, x) = (y + dy, x + dx);
            mask[(y * size + x) as usize] = 1;
        }
        (dy, dx) = (dx, -dy);
        if turn >= 2 && turn % 2 == 0 {
            length -= 2;
        }
    }
    (Extent::plane(size as u64, size as u64), mask)
}

const CONNECTIVITIES: [(&str, u32); 3] = [("faces", 1), ("edges", 2), ("corners", 3)];

fn check(name: &str, extent: Extent, mask: &[u8], cuts: &[Cut]) {
    let image = Image::mask(extent, mask);
    for (dimensions, stack) in [("2d", false), ("3d", true)] {
        for (connectivity, steps) in CONNECTIVITIES {
            let expected = flood(extent, mask, stack, steps);
            for cut in cuts {
                let parameters = [("dimensions", dimensions), ("connectivity", connectivity)];
                let got = run("connected-components", &parameters, &[&image], *cut);
                assert_eq!(got.images[0].slice::<u32>(), expected, "{name} {parameters:?} {cut:?}");
                let count: i64 = got.records.iter().map(|record| count(record)).sum();
                let planes = expected.chunks((extent.0[3] * extent.0[4]) as usize);
                let largest = |labels: &[u32]| i64::from(labels.iter().copied().max().unwrap_or(0));
                let total: i64 = if stack { largest(&expected) } else { planes.map(largest).sum() };
                assert_eq!(count, total, "{name} {parameters:?} {cut:?}");
            }
        }
    }
}

fn count(record: &[parfocal_types::Field]) -> i64 {
    match record {
        [field] if field.name == "count" => match field.value {
            parfocal_types::Scalar::Integer(count) => count,
            _ => panic!("{record:?}"),
        },
        _ => panic!("{record:?}"),
    }
}

fn plane_cuts() -> Vec<Cut> {
    vec![
        Cut::WHOLE,
        Cut::in_plane(1, 1),
        Cut::in_plane(1, 1000),
        Cut::in_plane(1000, 1),
        Cut::in_plane(2, 3),
        Cut::in_plane(3, 2).shifted(0, 1, 1),
        Cut::in_plane(5, 5),
        Cut::in_plane(7, 4).shifted(0, 3, 2),
    ]
}

#[test]
fn shapes_that_only_meet_far_away_are_one() {
    let drawings: [(&str, &[&str]); 7] = [
        ("U", &["#.....#", "#.....#", "#.....#", "#.....#", "#######"]),
        ("U upside down", &["#######", "#.....#", "#.....#", "#.....#", "#.....#"]),
        ("comb", &["#.#.#.#.#", "#.#.#.#.#", "#.#.#.#.#", "#########"]),
        (
            "two combs",
            &["#.#.#.#.#", "#.#.#.#.#", "#########", ".........", "#########", ".#.#.#.#.", ".#.#.#.#."],
        ),
        ("chess board", &["#.#.#.#", ".#.#.#.", "#.#.#.#", ".#.#.#.", "#.#.#.#"]),
        ("corner to corner", &["##....", "##....", "..##..", "..##..", "....##", "....##"]),
        ("frame in frame", &["#######", "#.....#", "#.###.#", "#.#.#.#", "#.###.#", "#.....#", "#######"]),
    ];
    for (name, rows) in drawings {
        let (extent, mask) = drawing(rows);
        check(name, extent, &mask, &plane_cuts());
    }
    for size in [2, 5, 9, 20, 41] {
        let (extent, mask) = spiral(size);
        check("spiral", extent, &mask, &plane_cuts());
    }
    check("nothing", Extent::plane(6, 5), &[0; 30], &plane_cuts());
    check("everything", Extent::plane(6, 5), &[1; 30], &plane_cuts());
}

#[test]
fn noise_of_every_density_is_labelled_like_a_flood_fill() {
    let mut random = Random(3);
    for density in [0.05, 0.3, 0.41, 0.5, 0.6, 0.9] {
        let extent = Extent::plane(23, 31);
        let mask: Vec<u8> = (0..23 * 31).map(|_| u8::from(random.share() < density)).collect();
        check("noise", extent, &mask, &plane_cuts());
        let extent = Extent::new(1, 1, 7, 9, 11);
        let mask: Vec<u8> = (0..7 * 9 * 11).map(|_| u8::from(random.share() < density / 2.0)).collect();
        let cuts = [
            Cut::WHOLE,
            Cut::in_stack(1, 1, 1),
            Cut::in_stack(1, 100, 100),
            Cut::in_stack(2, 3, 4),
            Cut::in_stack(3, 2, 5).shifted(1, 1, 3),
            Cut::in_stack(100, 4, 100),
            Cut::in_stack(100, 100, 1),
        ];
        check("noise in a stack", extent, &mask, &cuts);
    }
}

/// Boxes that do not lie on a grid, in an order that is no raster.
fn random_boxes(region: Region, random: &mut Random) -> Vec<Region> {
    let (height, width) = (region.extent.0[3], region.extent.0[4]);
    if height * width <= 1 || (height < 9 && width < 9 && random.below(3) == 0) {
        return vec![region];
    }
    let axis = if height > 1 && (width == 1 || random.below(2) == 0) { 3 } else { 4 };
    let first = 1 + random.below(region.extent.0[axis] - 1);
    let (mut one, mut other) = (region, region);
    one.extent.0[axis] = first;
    other.origin[axis] += first as i64;
    other.extent.0[axis] -= first;
    let (mut boxes, more) = (random_boxes(one, random), random_boxes(other, random));
    if random.below(2) == 0 {
        boxes.extend(more)
    } else {
        boxes = [more, boxes].concat()
    }
    boxes
}

#[test]
fn boxes_off_any_grid_and_in_any_order_give_the_same_labels() {
    let mut random = Random(8);
    for round in 0..60 {
        let (height, width) = (1 + random.below(30), 1 + random.below(30));
        let extent = Extent::plane(height, width);
        let mask: Vec<u8> = (0..height * width).map(|_| u8::from(random.share() < 0.5)).collect();
        let boxes = random_boxes(Region::whole(extent), &mut random);
        for (connectivity, steps) in CONNECTIVITIES {
            let expected = flood(extent, &mask, false, steps);
            let image = Image::mask(extent, &mask);
            let parameters = [("connectivity", connectivity)];
            let got =
                run_with("connected-components", &parameters, &[&image], &|_, _| boxes.clone()).unwrap();
            assert_eq!(got.images[0].slice::<u32>(), expected, "round {round} {connectivity}");
        }
    }
}

#[test]
fn small_components_are_left_out_before_the_rest_is_numbered() {
    let (extent, mask) = drawing(&["#..##..#", "#......#", "...#....", "##...###"]);
    let image = Image::mask(extent, &mask);
    for cut in plane_cuts() {
        let parameters = [("min-size", "2"), ("connectivity", "faces")];
        let got = run("connected-components", &parameters, &[&image], cut);
        let expected = [
            1, 0, 0, 2, 2, 0, 0, 3, //
            1, 0, 0, 0, 0, 0, 0, 3, //
            0, 0, 0, 0, 0, 0, 0, 0, //
            4, 4, 0, 0, 0, 5, 5, 5,
        ];
        assert_eq!(got.images[0].slice::<u32>(), expected, "{cut:?}");
        assert_eq!(count(&got.records[0]), 5);
    }
}

#[test]
fn a_partial_result_grows_with_the_front_and_the_components_not_with_the_pixels() {
    // One component that fills 1000 x 1000 pixels, in 100 tiles.
    let extent = Extent::plane(1000, 1000);
    let image = Image::mask(extent, &vec![1; 1_000_000]);
    let got = run("connected-components", &[], &[&image], Cut::in_plane(100, 100));
    assert_eq!(count(&got.records[0]), 1);
    assert!(got.largest_partial < 40_000, "{} bytes", got.largest_partial);
}
