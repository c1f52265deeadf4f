//! Texts as long as memory, and texts that are none.

use std::time::Duration;

use parfocal_core::Limits;
use parfocal_operator::LogLevel;
use parfocal_types::{Error, Parameters};

use super::{alone, library, made, peak};
use crate::{
    support::{EXTENT, Kept, LIMITS, good, load, quiet, run},
    text::Text,
};

/// Room for 64 MiB of text and little else.
const ROOM: Limits = Limits { memory: 72 << 20, call: Duration::from_secs(60) };
const PAGES: u32 = 1100;
/// More memory of the host than this, in MiB, is not what a text may take: the guest's own, the copy that crosses, and as
/// much again for what is made of it.
const MOST: u64 = 260;
/// Longest text of a plugin that a message, a log or a description holds, in bytes; pictures of control characters are
/// longer than these.
const LONGEST: usize = 3 * 4096;

/// `$fill`: 64 MiB of two-byte characters from 65536 on, and one byte more, so that no even length is their end.
const FILL: &str = "(func $fill (local $at i32)
    (i32.store8 (i32.const 65536) (i32.const 97))
    (local.set $at (i32.const 65537))
    (loop $again
      (i32.store16 (local.get $at) (i32.const 0xa4c3))
      (local.set $at (i32.add (local.get $at) (i32.const 2)))
      (br_if $again (i32.lt_u (local.get $at) (i32.const 67174401)))))";

/// Stores pointer and length of that text.
macro_rules! long_at {
    ($at:literal, $length:literal) => {
        concat!(
            "(call $fill) (i32.store (i32.const ",
            $at,
            ") (i32.const 65536)) (i32.store (i32.const ",
            $length,
            ") (i32.const 67108865))"
        )
    };
}

/// The operator answers `run` with an error whose text lies where the other stores say.
const FAILS: &str = "(i32.store8 (i32.const 512) (i32.const 1))";

fn large() -> Text {
    Text { pages: PAGES, more: FILL, ..Text::default() }
}

fn short(error: &Error, what: &str) {
    assert!(error.message().len() <= LONGEST, "{what}: {} bytes", error.message().len());
    assert!(error.remedy().is_none_or(|remedy| remedy.len() <= LONGEST), "{what}");
    assert!(error.kind().details().iter().all(|(_, text)| text.len() <= LONGEST), "{what}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_text_of_64_mebibytes_is_cut_or_refused_and_the_memory_stays_bounded() {
    alone("probes::texts::a_text_of_64_mebibytes_is_cut_or_refused_and_the_memory_stays_bounded", || {
        let run_it = |name: &str, body: &'static str| {
            let library = library(&Text { run: body, ..large() }, ROOM);
            let mut operator = made(&*library).unwrap();
            let services = quiet();
            let (error, more) =
                peak(name, || run::<u16, u16>(&mut *operator, &good(), EXTENT, &services).unwrap_err());
            assert!(more < MOST, "{name}: {more} MiB");
            short(&error, name);
            (error, services.lines())
        };
        let (_, lines) = run_it(
            "a line of log",
            "(call $fill) (call $log (i32.const 2) (i32.const 65536) (i32.const 67108865))",
        );
        assert_eq!(lines.len(), 1);
        assert!(lines[0].text.starts_with("aä") && lines[0].text.ends_with('ä'), "cut between characters");
        assert!(lines[0].text.len() <= LONGEST && lines[0].level == LogLevel::Info);

        let (error, _) = run_it(
            "last words",
            "(call $fill) (call $log (i32.const 0) (i32.const 65536) (i32.const 67108865)) unreachable",
        );
        assert_eq!(error.kind().name(), "plugin-died");
        assert!(error.message().contains("it said: aää"));

        let (error, _) = run_it(
            "an error",
            concat!(
                "(i32.store8 (i32.const 512) (i32.const 1)) (i32.store8 (i32.const 516) (i32.const 2))",
                long_at!(528, 532)
            ),
        );
        assert_eq!(error.kind().name(), "invalid-argument", "{}", error.message().len());
        assert!(error.message().starts_with("aää"));

        let (error, _) = run_it(
            "a remedy",
            concat!(
                "(i32.store8 (i32.const 512) (i32.const 1)) (i32.store8 (i32.const 536) (i32.const 1))",
                long_at!(540, 544)
            ),
        );
        assert!(error.remedy().unwrap().starts_with("aää"));

        // A detail named `what` of an error of kind `not-supported`.
        let (error, _) = run_it(
            "a detail of an error",
            concat!(
                "(i32.store8 (i32.const 512) (i32.const 1))
                 (i32.store (i32.const 520) (i32.const 700)) (i32.store (i32.const 524) (i32.const 1))
                 (i32.store (i32.const 700) (i32.const 720)) (i32.store (i32.const 704) (i32.const 4))
                 (i32.store (i32.const 720) (i32.const 0x74616877))",
                long_at!(708, 712)
            ),
        );
        let parfocal_types::ErrorKind::NotSupported { what } = error.kind() else {
            panic!("{:?}", error.kind())
        };
        assert!(what.starts_with("aää"));
    });
}

#[cfg(target_os = "linux")]
#[test]
fn an_operator_that_describes_itself_at_such_length_is_refused() {
    alone("probes::texts::an_operator_that_describes_itself_at_such_length_is_refused", || {
        let cases = [
            ("an id", long_at!(64, 68)),
            ("a summary", long_at!(72, 76)),
            ("the name of an output", long_at!(160, 164)),
        ];
        for (name, describe) in cases {
            let bytes = Text { describe, ..large() }.component();
            let (error, more) = peak(name, || load(&bytes, ROOM).err());
            let error = error.unwrap_or_else(|| panic!("{name} of 64 MiB was taken"));
            assert_eq!(error.kind().name(), "invalid-argument", "{name}");
            short(&error, name);
            assert!(more < MOST, "{name}: {more} MiB");
        }
    });
}

#[cfg(target_os = "linux")]
#[test]
fn names_and_values_of_results_are_bounded_by_the_memory_of_the_plugin() {
    alone("probes::texts::names_and_values_of_results_are_bounded_by_the_memory_of_the_plugin", || {
        let finish = concat!(
            long_at!(700, 704),
            "(call $declare-columns (i32.const 0) (i32.const 700) (i32.const 1) (i32.const 600))
             (call $declare-columns (i32.const 0) (i32.const 700) (i32.const 1) (i32.const 600))"
        );
        let library = library(&Text { finish, ..large() }, ROOM);
        let mut operator = library.create("text", &Parameters::default()).unwrap();
        let (error, more) =
            peak("names of columns", || operator.finish(&[], &mut Kept::default(), &quiet()).unwrap_err());
        assert_eq!(error.kind().name(), "out-of-memory", "{}", error.message().len());
        short(&error, "names of columns");
        assert!(more < MOST, "{more} MiB");
    });
}

#[test]
fn bytes_that_are_no_text_are_refused_wherever_text_is_expected() {
    // Three ways: a byte that never occurs, half a character, a surrogate.
    for bytes in ["\\ff", "\\c3", "\\ed\\a0\\80"] {
        let length = bytes.len() / 3;
        let data = format!("(data (i32.const 1000) \"{bytes}\")");
        let text = |at: u32| {
            let next = at + 4;
            format!(
                "(i32.store (i32.const {at}) (i32.const 1000)) (i32.store (i32.const {next}) (i32.const {length}))"
            )
        };
        let with = |set: &dyn Fn(&mut Text, &'static str), body: String| {
            let mut made = Text { more: data.clone().leak(), ..Text::default() };
            set(&mut made, body.leak());
            made
        };
        let mut errors = Vec::new();
        for body in [
            format!("(call $log (i32.const 2) (i32.const 1000) (i32.const {length}))"),
            format!("{FAILS} {}", text(528)),
            format!("{FAILS} (i32.store8 (i32.const 536) (i32.const 1)) {}", text(540)),
        ] {
            let library = library(&with(&|text, body| text.run = body, body), LIMITS);
            let mut operator = made(&*library).unwrap();
            errors.push(run::<u16, u16>(&mut *operator, &good(), EXTENT, &quiet()).unwrap_err());
        }
        for at in [64, 72, 160] {
            let component = with(&|text, body| text.describe = body, text(at)).component();
            errors.push(load(&component, LIMITS).err().unwrap());
        }
        let call = "(call $declare-columns (i32.const 0) (i32.const 700) (i32.const 1) (i32.const 600))";
        let library =
            library(&with(&|text, body| text.finish = body, format!("{} {call}", text(700))), LIMITS);
        let mut operator = library.create("text", &Parameters::default()).unwrap();
        errors.push(operator.finish(&[], &mut Kept::default(), &quiet()).unwrap_err());
        for error in errors {
            assert_eq!(error.kind().name(), "plugin-died", "{error}");
            assert!(error.to_string().contains("utf-8"), "{error}");
        }
    }
}
