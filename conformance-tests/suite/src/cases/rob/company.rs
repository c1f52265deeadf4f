//! In the company of others: ROB-14, ROB-15.

use std::{
    fs,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use parfocal_operator::{Kind, ThreadSafety};
use parfocal_testkit::{Loose, Moment, Quiet};

use super::ROB;
use crate::{
    case::{Case, Run, Scope},
    cases::{
        hand::{Hand, TILES, count_of, outcome, told, usual},
        sec::{copy, scan},
    },
    finding::{Check, Finding, OrFinding},
    scene::Scene,
};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "ROB-14",
        sentence: "One broken package hides no other.",
        demands: "The package is copied to another place, beside packages with an empty manifest, one that is no TOML, one \
                  without files, one whose library is cut off, and a folder where the manifest should be: it is found there \
                  with all files that can be used in its own place.",
        why: "One bad download must not cost all plugins.",
        fix: "Keep everything that the package needs in its own folder.",
        scope: Scope::Package,
        run: Run::Written(rob_14),
        ..ROB
    },
    Case {
        id: "ROB-15",
        sentence: "Nothing is taken away while a call is under way.",
        demands: "Other instances are made and ended between the calls of one and, on another thread, during them, as far as \
                  the operator allows several at once: results are those of before. The host lets go of the library while an \
                  instance lives on: it gives what it gave before.",
        why: "Users close a viewer while another one computes.",
        fix: "Share nothing between instances that the end of one frees.",
        run: Run::Written(rob_15),
        ..ROB
    },
];

fn rob_14(scene: &mut Scene<'_>) -> Check {
    let broken = |error: std::io::Error| Finding::suite_error(format!("packages cannot be written: {error}"));
    let package = scene.subject().package().ok_or_else(|| Finding::skip("there is no manifest"))?;
    if !package.is_usable() {
        return Err(Finding::skip(format!("it is refused as it is: {}", package.refusals().join("; "))));
    }
    let folder = scene.scratch().join("company");
    let write = |name: &str, manifest: &[u8]| -> std::io::Result<()> {
        fs::create_dir_all(folder.join(name))?;
        fs::write(folder.join(name).join("plugin.toml"), manifest)
    };
    let own = scene.subject().manifest_bytes().unwrap_or_default();
    write("a-empty", b"").map_err(broken)?;
    write("b-no-toml", b"\xff\xfe]]]").map_err(broken)?;
    write("c-no-files", &[own, b""].concat()).map_err(broken)?;
    fs::create_dir_all(folder.join("d-folder").join("plugin.toml")).map_err(broken)?;
    write("z-half", own.get(..own.len() / 2).unwrap_or_default()).map_err(broken)?;
    copy(scene.subject().folder(), &folder.join("m-own")).map_err(broken)?;
    // One with the same name and version, all of its code cut off.
    copy(scene.subject().folder(), &folder.join("x-cut-off")).map_err(broken)?;
    for candidate in &package.candidates {
        if let Ok(file) = candidate.path.strip_prefix(scene.subject().folder()) {
            let file =
                fs::File::options().write(true).open(folder.join("x-cut-off").join(file)).map_err(broken)?;
            file.set_len(100).map_err(broken)?;
        }
    }
    let found = scan(&folder);
    let own = found.iter().find(|package| package.folder.ends_with("m-own"));
    let own = own.ok_or_else(|| Finding::fail("beside broken packages it is not found"))?;
    let usable = |package: &parfocal_catalog::Package| {
        package.candidates.iter().filter(|one| one.artifact().is_some()).count()
    };
    let (alone, beside) = (usable(package), if own.rejected.is_some() { 0 } else { usable(own) });
    let _ = fs::remove_dir_all(&folder);
    if alone != beside {
        return Err(Finding::fail("in another place, beside broken packages, files of it cannot be used")
            .with("files alone", alone)
            .with("files there", beside)
            .with("why", own.refusals().join("; ")));
    }
    Ok(Finding::pass(format!("found with {alone} files beside {} broken packages", found.len() - 1)))
}

fn rob_15(scene: &mut Scene<'_>) -> Check {
    let library = scene.library()?;
    let sentence =
        format!("{} work on when the library is let go of, and others end", count_of(library.as_ref()));
    let mut benches = scene.benches(&library)?;
    let mut before = Vec::new();
    for bench in &benches {
        let (setting, feed) = usual(bench)?;
        let outcome = outcome(bench, &setting, &feed)?;
        before.push((setting, feed, outcome));
    }
    drop(library);
    for (bench, (setting, feed, before)) in benches.iter().zip(&before) {
        if bench.descriptor.threads == ThreadSafety::Single {
            continue;
        }
        let done = AtomicBool::new(false);
        let trouble = Mutex::new(None);
        // Whether another instance could be made, planned, used and ended.
        let live = || {
            let lived = Hand::new(bench, &setting.parameters, feed).and_then(|mut hand| {
                hand.plan(&Quiet)?;
                let _ = hand.operator.reset(&Quiet);
                let tiles = hand.tiles(TILES);
                if let Some(first) = tiles.first() {
                    match bench.descriptor.kind {
                        Kind::Reduce => drop(hand.accumulate(first, &Quiet)?),
                        _ => drop(hand.run(first, &Quiet)?),
                    }
                }
                Ok(())
            });
            let trouble = &mut *trouble.lock().unwrap_or_else(PoisonError::into_inner);
            lived.map_err(|error| *trouble = Some(error)).is_ok()
        };
        let watch = |moment| {
            if moment == Moment::Before {
                live();
            }
        };
        let after = thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    if !live() {
                        return;
                    }
                }
            });
            let after = bench.drive(&setting.parameters, &Quiet, &Loose::default(), |mut driver| {
                driver.watch = Some(&watch);
                driver.run(&feed.inputs(), TILES)
            });
            done.store(true, Ordering::Relaxed);
            after.map_err(|error| told("it accepted the input in `plan`, and then failed", bench, &error))
        })?;
        if let Some(error) = trouble.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(told("an instance cannot be made and ended while another works", bench, &error));
        }
        if let Some(difference) = before.difference(&after) {
            return Err(Finding::fail("the end of other instances changes a result")
                .with("operator", &bench.descriptor.id)
                .with("difference", difference));
        }
    }
    // The last one that holds the library is an instance.
    let Some(bench) = benches.pop() else { return Ok(Finding::pass(sentence)) };
    let Some((setting, feed, _)) = before.last() else { return Ok(Finding::pass(sentence)) };
    let kind = bench.descriptor.kind;
    let failed = |error: parfocal_types::Error| told("an instance cannot be made again", &bench, &error);
    let operator = bench.descriptor.id.clone();
    let mut hand = Hand::new(&bench, &setting.parameters, feed).map_err(failed)?;
    hand.plan(&Quiet).map_err(failed)?;
    let tiles = hand.tiles(TILES);
    let first = tiles.first().ok_or_else(|| Finding::skip("there is nothing to work on"))?;
    let once = |hand: &mut Hand<'_>| {
        hand.operator.reset(&Quiet)?;
        match kind {
            Kind::Reduce => Ok(vec![hand.accumulate(first, &Quiet)?]),
            _ => Ok(hand.run(first, &Quiet)?.iter().map(|buffer| buffer.bytes().to_vec()).collect()),
        }
    };
    let with_it = once(&mut hand).map_err(failed)?;
    benches.clear();
    let weak = Arc::downgrade(bench.library());
    drop(bench);
    let without = once(&mut hand).or_fail("an instance does not outlive the handle of its library")?;
    if with_it != without {
        return Err(Finding::fail(
            "when the handle of its library is gone, an instance gives another result",
        )
        .with("operator", operator));
    }
    drop(hand);
    Ok(Finding::pass(sentence).with("handles left", weak.strong_count()))
}
