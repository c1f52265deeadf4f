//! Components that go wrong are stopped, and say why.

use std::{sync::Arc, time::Duration};

use parfocal_core::{CancelToken, Library, Limits, RunServices};
use parfocal_operator::Operator;
use parfocal_types::{Error, ErrorKind, Parameters, Result};

use crate::{
    support::{EXTENT, LIMITS, bad, create, fixture_library, good, load, plan, planned, quiet, run},
    text::Text,
};

const FOR_EVER: &str = "(loop $ever (br $ever))";
const WITHOUT_END: &str =
    "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable";
const SHORT: Limits = Limits { memory: 64 << 20, call: Duration::from_millis(200) };

fn library(text: Text, limits: Limits) -> Arc<dyn Library> {
    load(&text.component(), limits).unwrap()
}

/// The error of running the text operator.
fn run_error(text: Text, limits: Limits) -> Error {
    let library = library(text, limits);
    let mut operator = planned(library.create("text", &Parameters::default()).unwrap());
    run::<u16, u16>(&mut *operator, &good(), EXTENT, &quiet()).unwrap_err()
}

#[test]
fn a_component_written_as_text_is_loaded_planned_and_described() {
    let library = library(Text::default(), LIMITS);
    assert_eq!(library.operators().len(), 1);
    assert_eq!(library.operators()[0].id, "text");
    assert_eq!(library.operators()[0].outputs[0].name, "text");
    let mut operator = library.create("text", &Parameters::default()).unwrap();
    let plan = plan(&mut *operator, &[]).unwrap();
    assert_eq!((plan.outputs.len(), plan.bytes), (0, 0));
}

#[test]
fn a_loop_without_end_is_stopped_at_the_deadline() {
    let error = run_error(Text { run: FOR_EVER, ..Text::default() }, SHORT);
    assert_eq!(error.kind(), &ErrorKind::Timeout { ms: 200 });
    assert_eq!(
        error.to_string(),
        "org.example.fixture 1.2.3: operator `text`, in `run`: it did not end within 0.2 s and was stopped"
    );
    assert!(error.remedy().is_some());
}

#[test]
fn a_loop_before_the_first_call_is_stopped_too() {
    let start = Text { more: "(func $go (loop $ever (br $ever))) (start $go)", ..Text::default() };
    for text in [start, Text { describe: FOR_EVER, ..Text::default() }] {
        let error = load(&text.component(), SHORT).err().unwrap();
        assert_eq!(error.kind(), &ErrorKind::Timeout { ms: 200 }, "{error}");
    }
    let library = library(Text { create: FOR_EVER, ..Text::default() }, SHORT);
    let error = library.create("text", &Parameters::default()).err().unwrap();
    assert_eq!(error.kind(), &ErrorKind::Timeout { ms: 200 });
}

#[test]
fn a_guest_that_floods_the_log_is_stopped_at_the_deadline() {
    let flood = "(loop $ever (call $log (i32.const 2) (i32.const 300) (i32.const 10)) (br $ever))";
    let error = run_error(Text { run: flood, ..Text::default() }, SHORT);
    assert_eq!(error.kind().name(), "timeout");
}

/// The error of a call that is cancelled while it goes on for ever.
fn cancelled(text: Text, call: impl FnOnce(&mut dyn Operator, &RunServices) -> Result<()>) -> Error {
    let library = library(text, LIMITS);
    let mut operator = library.create("text", &Parameters::default()).unwrap();
    let cancel = CancelToken::default();
    let services = RunServices::new(cancel.clone(), 0);
    let later = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(30));
        cancel.cancel();
    });
    let error = call(&mut *operator, &services).unwrap_err();
    later.join().unwrap();
    error
}

#[test]
fn a_guest_that_ignores_a_cancel_is_stopped() {
    let run = cancelled(Text { run: FOR_EVER, ..Text::default() }, |operator, services| {
        plan(operator, &[])?;
        run::<u16, u16>(operator, &good(), EXTENT, services).map(drop)
    });
    let plan = cancelled(Text { plan: FOR_EVER, ..Text::default() }, |operator, services| {
        operator.plan(&[], services).map(drop)
    });
    let merge = cancelled(Text { merge: FOR_EVER, ..Text::default() }, |operator, services| {
        operator.merge(Vec::new(), &[], services).map(drop)
    });
    for error in [run, plan, merge] {
        assert_eq!(error.kind(), &ErrorKind::Cancelled);
    }
}

#[test]
fn memory_without_end_is_refused() {
    let error = run_error(Text { run: WITHOUT_END, ..Text::default() }, LIMITS);
    let ErrorKind::OutOfMemory { need, budget } = *error.kind() else { panic!("{error}") };
    assert_eq!(budget, LIMITS.memory);
    assert!(need > budget && need <= budget + (1 << 20), "{need}");
    assert!(error.to_string().contains("may use 64 MiB"), "{error}");
}

#[test]
fn memory_beyond_the_limit_from_the_start_is_refused_at_loading() {
    let error = load(&Text { pages: 2000, ..Text::default() }.component(), LIMITS).err().unwrap();
    assert_eq!(error.kind(), &ErrorKind::OutOfMemory { need: 2000 << 16, budget: LIMITS.memory });
}

#[test]
fn an_input_that_does_not_fit_the_guest_is_out_of_memory() {
    let library = library(Text::default(), Limits { memory: 1 << 20, ..LIMITS });
    let mut operator = planned(library.create("text", &Parameters::default()).unwrap());
    let extent = parfocal_image::Extent::plane(1024, 1024);
    let error = run::<u16, u16>(&mut *operator, &vec![0; 1 << 20], extent, &quiet()).unwrap_err();
    assert_eq!(error.kind().name(), "out-of-memory", "{error}");
}

#[test]
fn recursion_without_end_is_stopped() {
    let more = "(func $down (param i32) (result i32) (i32.add (i32.const 1) (call $down (local.get 0))))";
    let error = run_error(Text { more, run: "(drop (call $down (i32.const 0)))", ..Text::default() }, LIMITS);
    assert_eq!(error.kind().name(), "plugin-died");
    assert!(error.to_string().contains("called itself until the stack was full (in `down`)"), "{error}");
}

#[test]
fn a_trap_names_its_cause_and_the_last_words() {
    let cases = [
        ("unreachable", "unreachable"),
        ("(drop (i32.div_u (i32.const 1) (i32.const 0)))", "divide by zero"),
        ("(drop (i32.load (i32.const -4)))", "out of bounds"),
        ("(call $log (i32.const 0) (i32.const 300) (i32.const 10)) unreachable", "it said: last words"),
        // A list that lies outside the guest's memory, text that is not UTF-8, an enumeration without such a case.
        ("(call $put-pixels (i32.const 0) (i32.const -1) (i32.const 1) (i32.const 600))", "out of bounds"),
        (
            "(i32.store8 (i32.const 300) (i32.const 255)) (call $log (i32.const 0) (i32.const 300) (i32.const 4))",
            "utf-8",
        ),
        ("(call $log (i32.const 9) (i32.const 300) (i32.const 4))", "discriminant"),
    ];
    for (body, sentence) in cases {
        let error = run_error(Text { run: body, ..Text::default() }, LIMITS);
        assert_eq!(error.kind().name(), "plugin-died", "{error}");
        assert!(error.to_string().contains(sentence), "`{body}` gave: {error}");
    }
}

#[test]
fn a_tile_must_be_given_whole_and_not_more() {
    let missing = run_error(Text::default(), LIMITS);
    assert_eq!(missing.kind().name(), "data-incomplete", "{missing}");
    // The host's answer is an error record at 600; the guest returns it as its own.
    let pass_on = |call: &'static str| run_error(Text { run: call, ..Text::default() }, LIMITS);
    let too_many = pass_on(
        "(call $put-pixels (i32.const 0) (i32.const 0) (i32.const 49) (i32.const 600)) (return (i32.const 600))",
    );
    assert_eq!(too_many.kind(), &ErrorKind::InvalidArgument);
    assert!(too_many.to_string().contains("has 48 bytes, and 49 were given after the first 0"), "{too_many}");
    let no_such = pass_on(
        "(call $put-pixels (i32.const 3) (i32.const 0) (i32.const 1) (i32.const 600)) (return (i32.const 600))",
    );
    assert!(no_such.to_string().contains("there is no output tile 3"), "{no_such}");
    let rows = pass_on(
        "(call $add-rows (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 600)) (return (i32.const 600))",
    );
    assert_eq!(rows.kind().name(), "bad-state", "{rows}");
}

#[test]
fn the_host_goes_on_with_the_next_image() {
    let limits = Limits { memory: 64 << 20, call: Duration::from_millis(300) };
    let Some(library) = fixture_library(limits) else { return };
    for (how, kind) in
        [("panic", "plugin-died"), ("loop", "timeout"), ("hog", "out-of-memory"), ("recurse", "plugin-died")]
    {
        let mut operator = planned(create(&*library, "misbehave", &[("how", how)]));
        for _ in 0..2 {
            assert_eq!(run::<u16, u16>(&mut *operator, &good(), EXTENT, &quiet()).unwrap(), good(), "{how}");
            let error = run::<u16, u16>(&mut *operator, &bad(), EXTENT, &quiet()).unwrap_err();
            assert_eq!(error.kind().name(), kind, "{error}");
            assert_eq!(run::<u16, u16>(&mut *operator, &good(), EXTENT, &quiet()).unwrap(), good(), "{how}");
        }
    }
}

#[test]
fn a_panic_arrives_with_its_message_and_its_place() {
    let Some(library) = fixture_library(LIMITS) else { return };
    let mut operator = planned(create(&*library, "misbehave", &[("how", "panic")]));
    let services = quiet();
    let error = run::<u16, u16>(&mut *operator, &bad(), EXTENT, &services).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("the tile at T0..1 C0..1 Z0..1 Y0..4 X0..6 is cursed"), "{text}");
    assert!(text.contains("operators.rs") && text.contains("Misbehave"), "{text}");
    assert!(services.lines().iter().any(|line| line.text.contains("is cursed")), "it is in the log too");
}

/// Runs itself again in a process that may use less address space than one instance reserves.
#[cfg(target_os = "linux")]
#[test]
fn a_computer_that_is_short_of_memory_is_not_the_plugins_fault() {
    const SHORT: &str = "PARFOCAL_TEST_SHORT_OF_MEMORY";
    if std::env::var_os(SHORT).is_some() {
        let error = load(&Text::default().component(), LIMITS).err().expect("memory is short");
        assert_eq!(error.kind().name(), "out-of-memory", "{error}");
        assert!(error.to_string().contains("the system gives Parfocal no more memory"), "{error}");
        assert!(error.remedy().unwrap().contains("close other programs"));
        return;
    }
    let program = std::env::current_exe().unwrap();
    let name = "limits::a_computer_that_is_short_of_memory_is_not_the_plugins_fault";
    let output = std::process::Command::new("sh")
        .args(["-c", "ulimit -v 4000000 && exec \"$0\" --exact \"$1\""])
        .arg(program)
        .arg(name)
        .env(SHORT, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}{output:?}");
}
