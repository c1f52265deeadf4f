//! An instance in which code stopped halfway is never called again; its successor was told the same.

use parfocal_core::{CancelToken, RunServices};
use parfocal_image::{DType, Extent, ImageSpec, Region};
use parfocal_operator::{InputSpec, Operator, Services, Tiles};
use parfocal_types::{ErrorKind, Result};

use crate::rust::{instance, lines};

fn run(operator: &mut dyn Operator, t: i64, services: &dyn Services) -> Result<()> {
    let core = Region::new([t, 0, 0, 0, 0], Extent::plane(1, 1));
    operator.run(&mut Tiles { core, inputs: &[], outputs: &mut [] }, services)
}

fn plan(operator: &mut dyn Operator, name: &str, times: u64, services: &dyn Services) -> Result<()> {
    let mut spec = ImageSpec::new(Extent::new(times, 1, 1, 1, 1), DType::U8);
    spec.name = name.into();
    operator.plan(&[InputSpec { port: 1, spec: &spec }], services).map(drop)
}

fn panicked(result: Result<()>) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Internal);
    assert!(error.to_string().contains("the plugin panicked: the filter met a comet"), "{error}");
    assert!(error.to_string().contains("org.example.odd 0.1.0"), "{error}");
}

#[test]
fn a_panic_is_an_error_and_the_next_call_goes_to_a_new_instance_that_was_told_the_same() {
    let mut operator = instance("fragile");
    let services = RunServices::new(CancelToken::default(), 77);
    plan(&mut *operator, "cells", 1, &services).unwrap();
    operator.conclude(&[1], &services).unwrap();
    operator.conclude(&[2, 3], &services).unwrap();
    for _ in 0..2 {
        panicked(run(&mut *operator, 13, &services));
        let services = RunServices::new(CancelToken::default(), 77);
        run(&mut *operator, 0, &services).unwrap();
        let story = r#"["plan 1 cells seed 77", "conclude [2, 3]"] of 1"#;
        assert_eq!(lines(&services), [story], "the lost one was ended");
    }
}

#[test]
fn a_question_without_services_makes_a_new_instance_too_with_the_seed_of_the_plan() {
    let mut operator = instance("fragile");
    let services = RunServices::new(CancelToken::default(), 5);
    plan(&mut *operator, "cells", 1, &services).unwrap();
    let at = |t: i64| Region::new([t, 0, 0, 0, 0], Extent::plane(1, 1));
    panicked(operator.required_input(&at(13)).map(drop));
    assert_eq!(operator.required_input(&at(0)).unwrap()[0].port, 1, "it was told one thing");
    let services = RunServices::new(CancelToken::default(), 5);
    run(&mut *operator, 0, &services).unwrap();
    assert_eq!(lines(&services), [r#"["plan 1 cells seed 5"] of 1"#]);
}

#[test]
fn a_plan_that_panics_is_not_told_again_and_a_new_sequence_knows_no_state() {
    let mut operator = instance("fragile");
    let services = RunServices::default();
    panicked(plan(&mut *operator, "comet", 13, &services));
    assert_eq!(operator.required_input(&Region::whole(Extent::plane(1, 1))).unwrap()[0].port, 0);
    plan(&mut *operator, "cells", 1, &services).unwrap();
    operator.load(&[8], &services).unwrap();
    operator.reset(&services).unwrap();
    panicked(run(&mut *operator, 13, &services));
    let services = RunServices::default();
    run(&mut *operator, 0, &services).unwrap();
    assert_eq!(lines(&services), [r#"["plan 1 cells seed 0"] of 1"#]);
}

#[test]
fn an_error_that_is_no_panic_keeps_the_instance() {
    let mut operator = instance("fragile");
    let services = RunServices::default();
    plan(&mut *operator, "cells", 1, &services).unwrap();
    assert_eq!(operator.merge(Vec::new(), &[], &services).unwrap_err().kind().name(), "not-supported");
    plan(&mut *operator, "more", 1, &services).unwrap();
    run(&mut *operator, 0, &services).unwrap();
    assert_eq!(lines(&services), [r#"["plan 1 cells seed 0", "plan 1 more seed 0"] of 1"#]);
}

#[test]
fn a_sequence_whose_instance_was_lost_must_start_again() {
    let mut operator = instance("fragile");
    let services = RunServices::default();
    plan(&mut *operator, "sequence", 1, &services).unwrap();
    run(&mut *operator, 0, &services).unwrap();
    panicked(run(&mut *operator, 13, &services));
    for _ in 0..2 {
        let error = run(&mut *operator, 1, &services).unwrap_err();
        assert_eq!(error.kind().name(), "bad-state", "{error}");
        assert!(error.remedy().unwrap().contains("`reset`"), "{error:?}");
    }
    operator.reset(&services).unwrap();
    run(&mut *operator, 0, &services).unwrap();
    panicked(run(&mut *operator, 13, &services));
    operator.load(&[4], &services).unwrap();
    let services = RunServices::default();
    run(&mut *operator, 2, &services).unwrap();
    assert_eq!(lines(&services), [r#"["plan 1 sequence seed 0", "load [4]"] of 1"#]);
}
