//! Reduce operators: the order of merging, groups, second passes and the order of calls.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use parfocal_image::{Extent, Region};
use parfocal_operator::{InputRegion, InputSpec, Kind, Operator, Plan, PortKind, Services, Sink, Tiles};
use parfocal_types::{Result, Scalar, Table};

use crate::{
    kit::{descriptor, image, options, run_into, source, step, tiled},
    operators::above_mean,
};

const PLANES: [bool; 5] = [false, false, false, true, true];
const ALL: [bool; 5] = [true; 5];

#[test]
fn the_number_of_threads_changes_neither_pixels_nor_tables_nor_records() {
    let input = image(Extent::new(3, 2, 1, 64, 48));
    for reduce_over in [PLANES, ALL, [false, false, true, true, true]] {
        for tile in [Extent::plane(64, 48), Extent::plane(16, 16), Extent::plane(7, 5)] {
            let runs: Vec<_> = [1, 2, 4, 7]
                .into_iter()
                .map(|threads| {
                    let step = above_mean(reduce_over, true);
                    let (result, written) =
                        run_into(&step, &[source(&input)], Extent::plane(16, 16), &tiled(threads, tile));
                    let result = result.unwrap();
                    (written[0].bytes(), result.tables, result.records)
                })
                .collect();
            assert!(runs.windows(2).all(|pair| pair[0] == pair[1]), "{reduce_over:?} {tile}");
        }
    }
}

#[test]
fn pixels_above_the_mean_of_their_group_are_marked() {
    let extent = Extent::new(2, 3, 2, 40, 30);
    let input = image(extent);
    let pixels = input.pixels().as_slice::<u16>().unwrap();
    let (result, written) =
        run_into(&above_mean(PLANES, true), &[source(&input)], Extent::plane(16, 16), &options(2));
    let marked = written[0].bytes();
    for (plane, marked) in pixels.chunks(1200).zip(marked.chunks(1200)) {
        let mean = plane.iter().map(|value| u64::from(*value)).sum::<u64>() / 1200;
        let expected: Vec<u8> = plane.iter().map(|value| u8::from(u64::from(*value) > mean)).collect();
        assert_eq!(marked, expected);
    }
    assert_eq!(result.unwrap().report.estimate.passes, 2);
}

fn integers(table: &Table) -> Vec<Vec<i64>> {
    let integer = |value: &Scalar| match value {
        Scalar::Integer(value) => *value,
        other => panic!("{other:?}"),
    };
    table.rows().iter().map(|row| row.iter().map(integer).collect()).collect()
}

#[test]
fn rows_come_in_the_order_of_groups_and_tiles_with_their_positions_in_front() {
    let input = image(Extent::new(2, 1, 2, 20, 10));
    let step = above_mean(PLANES, false);
    let (result, written) =
        run_into(&step, &[source(&input)], Extent::plane(8, 8), &tiled(4, Extent::plane(10, 10)));
    assert!(written.is_empty());
    let result = result.unwrap();
    let (port, table) = &result.tables[0];
    let names: Vec<_> = table.columns().iter().map(|column| column.name.as_str()).collect();
    assert_eq!((*port, names), (0, vec!["t", "z", "sum", "count"]), "there is one channel: no column for it");
    let pixels = input.pixels().as_slice::<u16>().unwrap();
    let expected: Vec<Vec<i64>> = pixels
        .chunks(100)
        .zip(0..)
        .map(|(tile, number)| {
            let sum = tile.iter().map(|value| i64::from(*value)).sum();
            vec![number / 4, number / 2 % 2, sum, 100]
        })
        .collect();
    assert_eq!(integers(table), expected);
    let groups: Vec<_> = result
        .records
        .iter()
        .map(|(port, fields)| {
            (*port, fields[0].value.clone(), fields[1].value.clone(), fields[2].name.clone())
        })
        .collect();
    let group = |t, z| (1, Scalar::Integer(t), Scalar::Integer(z), "mean".to_owned());
    assert_eq!(groups, [group(0, 0), group(0, 1), group(1, 0), group(1, 1)]);
}

#[test]
fn one_group_has_no_position_columns() {
    let input = image(Extent::new(2, 2, 2, 20, 10));
    let (result, _) = run_into(&above_mean(ALL, false), &[source(&input)], Extent::plane(8, 8), &options(2));
    let result = result.unwrap();
    assert_eq!(result.tables[0].1.columns().len(), 2);
    assert_eq!(result.records.len(), 1);
    assert_eq!(result.records[0].1[0].name, "mean");
}

/// Writes down every call that it gets.
struct Diary {
    lines: Arc<Mutex<Vec<Vec<String>>>>,
    number: usize,
}

impl Diary {
    fn note(&self, line: String) {
        self.lines.lock().unwrap()[self.number].push(line);
    }
}

impl Operator for Diary {
    fn plan(&mut self, inputs: &[InputSpec<'_>], _: &dyn Services) -> Result<Plan> {
        self.note("plan".into());
        let mut plan = Plan::like(inputs[0].spec);
        plan.reduce_over = PLANES;
        Ok(plan)
    }

    fn required_input(&self, core: &Region) -> Result<Vec<InputRegion>> {
        Ok(vec![InputRegion::new(0, *core)])
    }

    fn reset(&mut self, _: &dyn Services) -> Result<()> {
        self.note("reset".into());
        Ok(())
    }

    fn accumulate(&mut self, tiles: &Tiles<'_>, _: &dyn Services) -> Result<Vec<u8>> {
        self.note(format!("accumulate {}", tiles.core.origin[0]));
        Ok(vec![u8::try_from(tiles.core.origin[0]).unwrap()])
    }

    fn merge(&mut self, left: Vec<u8>, right: &[u8], _: &dyn Services) -> Result<Vec<u8>> {
        assert_eq!(left, right, "results of two groups are never joined");
        self.note(format!("merge {}", left[0]));
        Ok(left)
    }

    fn finish(&mut self, total: &[u8], _: &mut dyn Sink, _: &dyn Services) -> Result<Vec<u8>> {
        self.note(format!("finish {}", total[0]));
        Ok(total.to_vec())
    }

    fn conclude(&mut self, conclusion: &[u8], _: &dyn Services) -> Result<()> {
        self.note(format!("conclude {}", conclusion[0]));
        Ok(())
    }

    fn run(&mut self, tiles: &mut Tiles<'_>, services: &dyn Services) -> Result<()> {
        self.note(format!("run {}", tiles.core.origin[0]));
        crate::operators::copy(tiles, services)
    }
}

#[test]
fn an_instance_sees_the_calls_of_one_group_before_those_of_the_next_and_in_the_documented_order() {
    for (groups, tile, threads) in [(1, 4, 1), (2, 4, 2), (3, 4, 4), (20, 4, 2), (20, 16, 4), (3, 16, 2)] {
        let lines: Arc<Mutex<Vec<Vec<String>>>> = Arc::default();
        let shared = Arc::clone(&lines);
        let diary = step(descriptor("diary", Kind::Reduce, &[("image", PortKind::Image)]), move || {
            let mut lines = shared.lock().unwrap();
            lines.push(Vec::new());
            Box::new(Diary { number: lines.len() - 1, lines: Arc::clone(&shared) })
        });
        let input = image(Extent::new(groups, 1, 1, 16, 16));
        let tile = Extent::plane(tile, tile);
        let (result, _) = run_into(&diary, &[source(&input)], Extent::plane(4, 4), &tiled(threads, tile));
        result.unwrap();
        let mut finished = Vec::new();
        for calls in lines.lock().unwrap().iter() {
            assert_eq!(calls[0], "plan");
            assert_eq!(calls.iter().filter(|call| *call == "plan").count(), 1);
            let mut stage = 0;
            let mut group = String::new();
            let mut seen = BTreeSet::new();
            for call in &calls[1..] {
                let (name, of) = call.split_once(' ').unwrap_or((call, ""));
                if group != of {
                    assert!(seen.insert(of), "a group is taken up again: {calls:?}");
                    (stage, group) = (0, of.to_owned());
                }
                let next = match name {
                    "accumulate" | "merge" => 1,
                    "finish" => 2,
                    "conclude" => 3,
                    _ => 4,
                };
                assert!(next >= stage, "{call} too late in {calls:?}");
                assert!(name != "run" || stage >= 3, "run without a conclusion: {calls:?}");
                stage = next;
                if name == "finish" {
                    finished.push(of.parse::<u64>().unwrap());
                }
            }
        }
        finished.sort_unstable();
        assert_eq!(finished, (0..groups).collect::<Vec<_>>(), "each group is finished once");
    }
}
