//! Calls, handles and results without end.

use parfocal_core::{CancelToken, Limits, RunServices};
use parfocal_operator::LogLevel;
use parfocal_types::Parameters;

use super::{alone, library, made, peak, run_among_frames};
use crate::{
    support::{EXTENT, Kept, LIMITS, good, quiet, run},
    text::Text,
};

/// More memory of the host than this is not what a flood may take, in MiB: twice what the component may have itself.
const MOST: u64 = 128;

/// A function `$many` that does this so many times; a million when nothing else is said.
macro_rules! many {
    ($call:literal) => {
        many!("1000000", $call)
    };
    ($count:literal, $call:literal) => {
        concat!(
            "(func $many (local $left i32) (local.set $left (i32.const ",
            $count,
            ")) (loop $again ",
            $call,
            " (local.set $left (i32.sub (local.get $left) (i32.const 1))) (br_if $again (local.get $left))))"
        )
    };
}

#[cfg(target_os = "linux")]
#[test]
fn a_million_calls_of_the_host_in_one_call_end_and_leave_nothing_behind() {
    alone("probes::flood::a_million_calls_of_the_host_in_one_call_end_and_leave_nothing_behind", || {
        for (name, more) in [
            ("log", many!("(call $log (i32.const 2) (i32.const 300) (i32.const 10))")),
            ("log of errors", many!("(call $log (i32.const 0) (i32.const 300) (i32.const 10))")),
            ("long log", many!("20000", "(call $log (i32.const 2) (i32.const 4096) (i32.const 8192))")),
            ("progress", many!("(call $progress (f32.const nan))")),
            ("is-cancelled", many!("(drop (call $is-cancelled))")),
            ("seed", many!("(drop (call $seed))")),
            (
                "put-pixels",
                many!(
                    "(call $put-pixels (i32.const 7) (i32.const 0) (i32.const 0) (i32.const 600))
                (global.set $top (i32.const 65536))"
                ),
            ),
        ] {
            let text = Text {
                more,
                run: "(call $many)
                    (call $put-pixels (i32.const 0) (i32.const 4096) (i32.const 48) (i32.const 600))",
                ..Text::default()
            };
            let library = library(&text, Limits { call: std::time::Duration::from_secs(120), ..LIMITS });
            let mut operator = made(&*library).unwrap();
            let services = RunServices::new(CancelToken::default(), 7);
            let (ended, more) = peak(name, || run::<u16, u16>(&mut *operator, &good(), EXTENT, &services));
            assert!(more < MOST, "{name}: {more} MiB");
            if name == "put-pixels" {
                // The first refusal stands.
                assert!(ended.unwrap_err().to_string().contains("there is no output tile 7"));
                continue;
            }
            assert_eq!(ended.unwrap(), vec![0; 24], "{name}");
            let lines = services.lines();
            assert!(lines.len() <= 200 && lines.iter().all(|line| line.text.len() <= 3 * 4096), "{name}");
            if name == "log" {
                assert_eq!((lines[0].level, lines[0].text.as_str()), (LogLevel::Info, "last words"));
            }
        }
    });
}

#[test]
fn handles_without_end_are_refused() {
    let more = many!("(drop (call $new (i32.const 1)))");
    let error = run_among_frames(&Text { more, run: "(call $many)", ..Text::default() }, LIMITS);
    assert_eq!(error.kind().name(), "plugin-died", "{error}");
    assert!(error.to_string().contains("handle limit"), "{error}");
}

/// A row of one text: the first 48 KiB of memory.
const ROW: &str = "(i32.store (i32.const 700) (i32.const 720)) (i32.store (i32.const 704) (i32.const 1))
    (i32.store8 (i32.const 720) (i32.const 3))
    (i32.store (i32.const 728) (i32.const 8192)) (i32.store (i32.const 732) (i32.const 49152))";

/// A function `$flood` that gives the host this until it refuses.
macro_rules! until_refused {
    ($call:literal) => {
        concat!(
            "(func $flood (loop $again ",
            $call,
            " (global.set $top (i32.const 65536)) (br_if $again (i32.eqz (i32.load8_u (i32.const 600))))))"
        )
    };
}

#[cfg(target_os = "linux")]
#[test]
fn results_without_end_are_refused_at_the_limit_of_memory() {
    let floods = [
        (
            "rows",
            until_refused!("(call $add-rows (i32.const 0) (i32.const 700) (i32.const 1) (i32.const 600))"),
            ROW,
        ),
        // A thousand lists of no values, in memory that is zero.
        (
            "rows without values",
            until_refused!(
                "(call $add-rows (i32.const 0) (i32.const 8192) (i32.const 1000) (i32.const 600))"
            ),
            "",
        ),
        // A hundred columns without names.
        (
            "columns",
            until_refused!(
                "(call $declare-columns (i32.const 0) (i32.const 8192) (i32.const 100) (i32.const 600))"
            ),
            "",
        ),
    ];
    alone("probes::flood::results_without_end_are_refused_at_the_limit_of_memory", || {
        for (name, more, first) in floods {
            let finish = format!("{first} (call $flood)").leak();
            let library = library(&Text { more, finish, ..Text::default() }, LIMITS);
            let mut operator = library.create("text", &Parameters::default()).unwrap();
            let (ended, more) =
                peak(name, || operator.finish(&[], &mut Kept::default(), &quiet()).unwrap_err());
            assert_eq!(ended.kind().name(), "out-of-memory", "{name}: {ended}");
            assert!(ended.to_string().contains("64 MiB"), "{name}: {ended}");
            assert!(more < MOST, "{name}: {more} MiB");
        }
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_list_that_is_named_many_times_is_counted_as_often() {
    // 4096 rows, each the same list of 4096 texts, each the same 32 KiB: half a terabyte in 128 KiB of memory.
    const FINISH: &str = "
        (local $at i32)
        (local.set $at (i32.const 0))
        (loop $rows
          (i32.store (i32.add (i32.const 0x18000) (local.get $at)) (i32.const 0x8000))
          (i32.store (i32.add (i32.const 0x18004) (local.get $at)) (i32.const 4096))
          (local.set $at (i32.add (local.get $at) (i32.const 8)))
          (br_if $rows (i32.lt_u (local.get $at) (i32.const 0x8000))))
        (local.set $at (i32.const 0))
        (loop $texts
          (i32.store8 (i32.add (i32.const 0x8000) (local.get $at)) (i32.const 3))
          (i32.store (i32.add (i32.const 0x8008) (local.get $at)) (i32.const 0))
          (i32.store (i32.add (i32.const 0x800c) (local.get $at)) (i32.const 0x8000))
          (local.set $at (i32.add (local.get $at) (i32.const 16)))
          (br_if $texts (i32.lt_u (local.get $at) (i32.const 0x10000))))
        (memory.fill (i32.const 0) (i32.const 97) (i32.const 0x8000))
        (call $add-rows (i32.const 0) (i32.const 0x18000) (i32.const 4096) (i32.const 600))";
    alone("probes::flood::a_list_that_is_named_many_times_is_counted_as_often", || {
        let library = library(&Text { finish: FINISH, ..Text::default() }, LIMITS);
        let mut operator = library.create("text", &Parameters::default()).unwrap();
        let (error, more) =
            peak("lists named often", || operator.finish(&[], &mut Kept::default(), &quiet()).unwrap_err());
        assert_eq!(error.kind().name(), "plugin-died", "{error}");
        assert!(error.to_string().contains("too much data"), "{error}");
        assert!(more < 2 * MOST, "{more} MiB");
    });
}
