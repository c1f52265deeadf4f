//! Bytes that a compiler never wrote.

use std::{
    collections::BTreeMap,
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use parfocal_core::{Lane, Limits};
use parfocal_image::{DType, ImageSpec};
use parfocal_operator::InputSpec;
use parfocal_types::{Parameters, Result};

use crate::{
    boundary::Dice,
    support::{EXTENT, fixture, good, lane, on_disk, quiet, run},
    text::Text,
};

const LIMITS: Limits = Limits { memory: 16 << 20, call: Duration::from_millis(100) };

/// The sections of a component: identifier, length, content.
fn sections(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut sections = Vec::new();
    let mut at = 8;
    while at < bytes.len() {
        let (mut length, mut shift, mut next) = (0_usize, 0, at + 1);
        loop {
            let byte = bytes[next];
            length |= usize::from(byte & 0x7f) << shift;
            (shift, next) = (shift + 7, next + 1);
            if byte & 0x80 == 0 {
                break;
            }
        }
        sections.push(at..next + length);
        at = next + length;
    }
    sections
}

fn part(dice: &mut Dice, length: usize, most: u64) -> Range<usize> {
    let start = dice.below(length as u64) as usize;
    start..length.min(start + 1 + dice.below(most) as usize)
}

/// One of the ways in which files are damaged.
fn mutate(whole: &[u8], dice: &mut Dice) -> (&'static str, Vec<u8>) {
    let mut bytes = whole.to_vec();
    let name = match dice.below(7) {
        0 | 1 => {
            for _ in 0..=dice.below(4) {
                let at = dice.below(bytes.len() as u64) as usize;
                bytes[at] ^= 1 << dice.below(8);
            }
            "flipped bits"
        }
        2 => {
            bytes.truncate(dice.below(whole.len() as u64) as usize);
            "cut off"
        }
        3 => {
            let range = part(dice, bytes.len(), 64);
            bytes[range].fill(0);
            "zeroed range"
        }
        4 => {
            let from = part(dice, bytes.len(), 256);
            let to = dice.below(bytes.len() as u64) as usize;
            bytes.splice(to..to, whole[from].iter().copied());
            "spliced range"
        }
        5 => {
            let from = part(dice, bytes.len(), 64);
            let to = dice.below((bytes.len() - from.len()) as u64) as usize;
            bytes.copy_within(from, to);
            "overwritten range"
        }
        _ => {
            let mut order = sections(whole);
            let (one, other) =
                (dice.below(order.len() as u64) as usize, dice.below(order.len() as u64) as usize);
            match dice.below(3) {
                0 => order.swap(one, other),
                1 => order.insert(one, order[other].clone()),
                _ => drop(order.remove(one)),
            }
            bytes.truncate(8);
            order.iter().for_each(|section| bytes.extend(&whole[section.clone()]));
            "sections in another order"
        }
    };
    (name, bytes)
}

/// How far a component gets: the number of operators that were run.
fn tried(lane: &dyn Lane, bytes: &[u8]) -> Result<usize> {
    let library = lane.load(&on_disk(bytes, LIMITS).artifact)?;
    let mut ran = 0;
    for descriptor in library.operators() {
        let Ok(parameters) = Parameters::parse(&descriptor.parameters, []) else { continue };
        let Ok(mut operator) = library.create(&descriptor.id, &parameters) else { continue };
        let spec = ImageSpec::new(EXTENT, DType::U16);
        let planned = operator.plan(&[InputSpec { port: 0, spec: &spec }], &quiet());
        let run = run::<u16, u16>(&mut *operator, &good(), EXTENT, &quiet());
        ran += usize::from(planned.is_ok() && run.is_ok());
    }
    Ok(ran)
}

#[test]
fn two_hundred_mutated_components_are_errors_or_components() {
    let Some(real) = fixture() else { return };
    let small = Text { run: super::GIVES_ZEROS, ..Text::default() }.component();
    let lane = lane();
    assert_eq!(tried(&lane, &small).unwrap(), 1);
    assert!(tried(&lane, &real).unwrap() > 3);

    let mut dice = Dice(20_260_704);
    let (mut refused, mut loaded, mut ran) = (BTreeMap::<&str, usize>::new(), 0, 0);
    let mut ways = BTreeMap::<&str, usize>::new();
    for number in 0..200 {
        // The real one has more of everything; the small one is compiled quickly, and each of its bits matters.
        let whole = if number % 5 == 0 { &real } else { &small };
        let (way, bytes) = mutate(whole, &mut dice);
        *ways.entry(way).or_default() += 1;
        let outcome = catch_unwind(AssertUnwindSafe(|| tried(&lane, &bytes)));
        match outcome.unwrap_or_else(|_| panic!("mutant {number} ({way}) made the host panic")) {
            Ok(operators) => {
                loaded += 1;
                ran += operators;
            }
            Err(error) => {
                assert!(error.remedy().is_some() || error.kind().name() != "internal", "{number}: {error}");
                *refused.entry(error.kind().name()).or_default() += 1;
            }
        }
    }
    println!("{ways:?}: {loaded} loaded, {ran} of their operators gave an image; refused: {refused:?}");
    let refused: usize = refused.values().sum();
    assert_eq!(refused + loaded, 200);
    assert!(refused > 150 && loaded > 0, "{refused} refused, {loaded} loaded");
    // And the lane works as before.
    assert_eq!(tried(&lane, &small).unwrap(), 1);
}
