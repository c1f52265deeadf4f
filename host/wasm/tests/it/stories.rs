//! The life of an instance: order of calls, state, and what a new one is told.

use parfocal_core::{CancelToken, RunServices};
use parfocal_image::{Buffer, DType, ImageSpec, Region};
use parfocal_operator::{Input, InputSpec, LogLevel, Operator, Services, Tiles};
use parfocal_types::{ErrorKind, Scalar};

use crate::{
    operators,
    support::{
        EXTENT, Kept, LIMITS, Watching, bad, create, fixture_library, good, plan, planned, quiet, run,
    },
};

fn accumulate(operator: &mut dyn Operator, data: &[u16], services: &dyn Services) -> Vec<u8> {
    let buffer = Buffer::from_slice(data, Region::whole(EXTENT)).unwrap();
    let inputs = [Input { port: 0, pixels: buffer.pixels().unwrap(), full: EXTENT, frames: &[] }];
    let tiles = Tiles { core: Region::whole(EXTENT), inputs: &inputs, outputs: &mut [] };
    operator.accumulate(&tiles, services).unwrap()
}

/// Both passes of a reduce operator over two tiles, on two instances.
fn reduce(one: &mut dyn Operator, two: &mut dyn Operator) -> (Vec<u8>, Kept, Vec<u8>) {
    let mut sink = Kept::default();
    let parts = [accumulate(one, &good(), &quiet()), accumulate(two, &[1; 24], &quiet())];
    let total = one.merge(parts[0].clone(), &parts[1], &quiet()).unwrap();
    let conclusion = one.finish(&total, &mut sink, &quiet()).unwrap();
    one.conclude(&conclusion, &quiet()).unwrap();
    two.conclude(&conclusion, &quiet()).unwrap();
    let mut mask = run::<u16, u8>(one, &good(), EXTENT, &quiet()).unwrap();
    mask.extend(run::<u16, u8>(two, &[1; 24], EXTENT, &quiet()).unwrap());
    (conclusion, sink, mask)
}

#[test]
fn a_reduce_operator_gives_the_same_natively_and_in_wasm() {
    let Some(library) = fixture_library(LIMITS) else { return };
    let mut wasm = [(); 2].map(|()| planned(create(&*library, "above-mean", &[])));
    let native = || operators::create("above-mean", &parfocal_types::Parameters::default()).unwrap();
    let mut native = [planned(native()), planned(native())];
    let [a, b] = &mut wasm;
    let [c, d] = &mut native;
    let found = reduce(&mut **a, &mut **b);
    assert_eq!(found, reduce(&mut **c, &mut **d));
    assert_eq!(found.1.rows[0].1[0][1], Scalar::Integer((100..124).sum::<i64>() + 24));
    assert_eq!(found.2.iter().filter(|value| **value == 1).count(), 24);
}

#[test]
fn floating_point_work_gives_the_same_bits_natively_and_in_wasm() {
    let Some(library) = fixture_library(LIMITS) else { return };
    let extent = parfocal_image::Extent::plane(61, 203);
    let data: Vec<u16> =
        (0..61 * 203_u32).map(|index| (index.wrapping_mul(2_654_435_761) >> 16) as u16).collect();
    let mut wasm = planned(create(&*library, "smooth", &[]));
    let mut native = planned(operators::create("smooth", &parfocal_types::Parameters::default()).unwrap());
    let found = run::<u16, u16>(&mut *wasm, &data, extent, &quiet()).unwrap();
    assert_eq!(found, run::<u16, u16>(&mut *native, &data, extent, &quiet()).unwrap());
    assert!(found.iter().max() > found.iter().min());
}

#[test]
fn a_new_instance_is_told_plan_and_conclusion() {
    let Some(library) = fixture_library(LIMITS) else { return };
    let mut operator = planned(create(&*library, "above-mean", &[]));
    let error = run::<u16, u8>(&mut *operator, &good(), EXTENT, &quiet()).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::BadState { need: "concluded".into(), is: "planned".into() });
    operator.conclude(&110.5_f64.to_le_bytes(), &quiet()).unwrap();
    let expected = run::<u16, u8>(&mut *operator, &good(), EXTENT, &quiet()).unwrap();
    assert!(run::<u16, u8>(&mut *operator, &bad(), EXTENT, &quiet()).is_err());
    assert_eq!(run::<u16, u8>(&mut *operator, &good(), EXTENT, &quiet()).unwrap(), expected);
}

#[test]
fn state_is_kept_saved_and_loaded() {
    let Some(library) = fixture_library(LIMITS) else { return };
    let mut operator = planned(create(&*library, "count", &[]));
    let count =
        |operator: &mut dyn Operator| run::<u16, u16>(operator, &good(), EXTENT, &quiet()).unwrap()[0];
    assert_eq!((count(&mut *operator), count(&mut *operator)), (1, 2));
    assert_eq!(operator.save(&quiet()).unwrap(), [2, 0]);
    operator.reset(&quiet()).unwrap();
    assert_eq!(count(&mut *operator), 1);
    operator.load(&[7, 0], &quiet()).unwrap();
    assert_eq!(count(&mut *operator), 8);
    // The instance dies, and with it what was counted since: that is never gone over in silence.
    assert!(run::<u16, u16>(&mut *operator, &bad(), EXTENT, &quiet()).is_err());
    let error = run::<u16, u16>(&mut *operator, &good(), EXTENT, &quiet()).unwrap_err();
    assert_eq!(error.kind().name(), "bad-state");
    operator.load(&[7, 0], &quiet()).unwrap();
    assert_eq!(count(&mut *operator), 8);
    let error = operator.load(&[1], &quiet()).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Corrupt { what: "the count".into() });
    // After a reset there is nothing to be lost.
    operator.reset(&quiet()).unwrap();
    assert!(run::<u16, u16>(&mut *operator, &bad(), EXTENT, &quiet()).is_err());
    assert_eq!(count(&mut *operator), 1);
}

#[test]
fn instances_do_not_know_each_other() {
    let Some(library) = fixture_library(LIMITS) else { return };
    let mut operators = [(); 3].map(|()| planned(create(&*library, "count", &[])));
    std::thread::scope(|scope| {
        for (index, operator) in operators.iter_mut().enumerate() {
            scope.spawn(move || {
                for expected in 1..=(10 * (index as u16 + 1)) {
                    let found = run::<u16, u16>(&mut **operator, &good(), EXTENT, &quiet()).unwrap();
                    assert_eq!(found[0], expected);
                }
            });
        }
    });
}

#[test]
fn a_sequence_whose_instance_was_lost_must_start_again() {
    let Some(library) = fixture_library(LIMITS) else { return };
    let mut operator = planned(create(&*library, "sequence", &[]));
    let next = |operator: &mut dyn Operator| run::<u16, u16>(operator, &good(), EXTENT, &quiet());
    let counted = |operator: &mut dyn Operator| next(operator).unwrap()[0];
    let lose = |operator: &mut dyn Operator| {
        let error = run::<u16, u16>(operator, &bad(), EXTENT, &quiet()).unwrap_err();
        assert_eq!(error.kind().name(), "plugin-died", "the error of the call itself");
    };
    let refused = |error: parfocal_types::Error| {
        assert!(matches!(error.kind(), ErrorKind::BadState { need, .. } if need == "reset"), "{error}");
        assert!(
            error.to_string().starts_with("org.example.fixture 1.2.3, operator `sequence`: a call failed"),
            "{error}"
        );
        assert!(error.remedy().is_some());
    };
    operator.reset(&quiet()).unwrap();
    assert_eq!((counted(&mut *operator), counted(&mut *operator)), (1, 2));
    lose(&mut *operator);
    // As often as it is asked, by whichever call.
    for _ in 0..2 {
        refused(next(&mut *operator).unwrap_err());
        refused(operator.save(&quiet()).unwrap_err());
        assert!(operator.required_input(&Region::whole(EXTENT)).is_ok(), "geometry needs no memory");
    }
    operator.reset(&quiet()).unwrap();
    assert_eq!((counted(&mut *operator), counted(&mut *operator)), (1, 2));

    // From a state, but not from bytes that are none.
    let state = operator.save(&quiet()).unwrap();
    assert_eq!(counted(&mut *operator), 3);
    lose(&mut *operator);
    assert_eq!(operator.load(&[1], &quiet()).unwrap_err().kind().name(), "corrupt");
    refused(next(&mut *operator).unwrap_err());
    operator.load(&state, &quiet()).unwrap();
    assert_eq!(counted(&mut *operator), 3);

    // For other inputs.
    lose(&mut *operator);
    let mut operator = planned(operator);
    assert_eq!(counted(&mut *operator), 1);
}

#[test]
fn log_progress_and_seed_reach_the_services_of_every_call() {
    let Some(library) = fixture_library(LIMITS) else { return };
    for seed in [0, 1, u64::MAX] {
        let mut operator = create(&*library, "services", &[]);
        let said = |call: &str, work: &mut dyn FnMut(&mut dyn Operator, &dyn Services)| {
            let services = Watching {
                inner: RunServices::new(CancelToken::default(), seed),
                progress: std::sync::Mutex::default(),
            };
            work(&mut *operator, &services);
            let lines = services.inner.lines();
            assert_eq!(lines.len(), 1, "{call}");
            let expected = (LogLevel::Warning, format!("{call}, seed {seed}"));
            assert_eq!((lines[0].level, lines[0].text.clone()), expected);
            assert_eq!(*services.progress.lock().unwrap(), [0.25, 1.0], "{call}");
        };
        each_call(said);
    }
}

/// Makes every call that has services.
fn each_call(mut call: impl FnMut(&str, &mut dyn FnMut(&mut dyn Operator, &dyn Services))) {
    let spec = ImageSpec::new(EXTENT, DType::U16);
    call("plan", &mut |o, s| drop(o.plan(&[InputSpec { port: 0, spec: &spec }], s).unwrap()));
    call("reset", &mut |o, s| o.reset(s).unwrap());
    call("accumulate", &mut |o, s| drop(accumulate(o, &good(), s)));
    call("merge", &mut |o, s| drop(o.merge(vec![1], &[2], s).unwrap()));
    call("finish", &mut |o, s| drop(o.finish(&[1], &mut Kept::default(), s).unwrap()));
    call("conclude", &mut |o, s| o.conclude(&[1], s).unwrap());
    call("run", &mut |o, s| drop(run::<u16, u16>(o, &good(), EXTENT, s).unwrap()));
    call("save", &mut |o, s| drop(o.save(s).unwrap()));
    call("load", &mut |o, s| o.load(&[1], s).unwrap());
}

#[test]
fn what_a_new_instance_is_told_again_is_the_same_and_is_not_heard_twice() {
    let Some(library) = fixture_library(LIMITS) else { return };
    let mut operator = create(&*library, "services", &[]);
    let spec = ImageSpec::new(EXTENT, DType::U16);
    let seeded = RunServices::new(CancelToken::default(), 5);
    operator.plan(&[InputSpec { port: 0, spec: &spec }], &seeded).unwrap();
    operator.conclude(&[1], &quiet()).unwrap();
    assert!(run::<u16, u16>(&mut *operator, &[14; 24], EXTENT, &quiet()).is_err());
    let services = quiet();
    run::<u16, u16>(&mut *operator, &good(), EXTENT, &services).unwrap();
    let lines: Vec<String> = services.lines().into_iter().map(|line| line.text).collect();
    assert_eq!(lines, ["run, seed 0"]);
    assert_eq!(operator.save(&quiet()).unwrap(), 5_u64.to_le_bytes(), "planned with the same seed");
}

#[test]
fn what_the_host_refused_to_take_stands_whatever_the_guest_makes_of_it() {
    struct Refusing;
    impl parfocal_operator::Sink for Refusing {
        fn columns(&mut self, _: u32, _: &[parfocal_types::Column]) -> parfocal_types::Result<()> {
            Ok(())
        }
        fn rows(&mut self, port: u32, _: Vec<Vec<Scalar>>) -> parfocal_types::Result<()> {
            Err(parfocal_types::Error::invalid_argument(format!("there is no table {port}")))
        }
        fn field(&mut self, _: u32, _: parfocal_types::Field) -> parfocal_types::Result<()> {
            Ok(())
        }
    }
    let Some(library) = fixture_library(LIMITS) else { return };
    for how in ["none", "ignore-errors"] {
        let mut operator = planned(create(&*library, "misbehave", &[("how", how)]));
        let error = operator.finish(&[], &mut Refusing, &quiet()).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::InvalidArgument);
        assert!(error.to_string().contains("there is no table 99"), "{how}: {error}");
    }
}

#[test]
fn a_guest_that_asks_stops_by_itself_and_lives_on() {
    let Some(library) = fixture_library(LIMITS) else { return };
    let mut operator = planned(create(&*library, "services", &[]));
    let mut cancelled =
        |work: &mut dyn FnMut(&mut dyn Operator, &dyn Services) -> parfocal_types::Result<()>| {
            let cancel = CancelToken::default();
            let services = RunServices::new(cancel.clone(), 0);
            let later = std::thread::spawn(move || {
                std::thread::sleep(std::time::Duration::from_millis(30));
                cancel.cancel();
            });
            let error = work(&mut *operator, &services).unwrap_err();
            later.join().unwrap();
            assert_eq!(error.kind(), &ErrorKind::Cancelled);
            assert_eq!(run::<u16, u16>(&mut *operator, &good(), EXTENT, &quiet()).unwrap(), good());
        };
    cancelled(&mut |operator, services| run::<u16, u16>(operator, &bad(), EXTENT, services).map(drop));
    cancelled(&mut |operator, services| operator.merge(vec![13], &[], services).map(drop));
}

#[test]
fn an_operator_that_refuses_its_input_says_so_in_plan() {
    let Some(library) = fixture_library(LIMITS) else { return };
    let mut operator = create(&*library, "above-mean", &[]);
    let error = plan(&mut *operator, &[ImageSpec::new(EXTENT, DType::F32)]).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::NotSupported { what: "pixels of type f32".into() });
}
