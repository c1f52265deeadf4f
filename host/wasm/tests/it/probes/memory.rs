//! Addresses beyond the guest's own memory, given to its own instructions and to the host's functions.

use std::time::Duration;

use parfocal_core::Limits;
use parfocal_types::Parameters;

use super::{library, made, run_among_frames};
use crate::{
    support::{Kept, LIMITS, load, quiet},
    text::Text,
};

/// Ends with `plugin-died` and this in its sentence.
fn dies(text: &Text, sentence: &str) {
    let error = run_among_frames(text, LIMITS);
    assert_eq!(error.kind().name(), "plugin-died", "`{}` `{}` gave: {error}", text.more, text.run);
    let said = error.to_string().to_lowercase();
    assert!(said.contains(sentence), "`{}` `{}` gave: {error}", text.more, text.run);
}

#[test]
fn an_address_beyond_the_memory_is_a_trap_whatever_is_added_to_it() {
    for run in [
        "(i32.store (i32.const 0xfffffff0) (i32.const 1))",
        "(i32.store offset=4 (i32.const 0xfffffffc) (i32.const 1))",
        "(i64.store offset=0xffffffff (i32.const 0xfffffff0) (i64.const -1))",
        "(i32.store8 offset=0xfffffff0 (i32.const 16) (i32.const 1))",
        "(i32.store16 (i32.const 131071) (i32.const 1))",
        "(v128.store offset=0x7fffffff (i32.const 0x7fffffff) (v128.const i64x2 -1 -1))",
        "(drop (i64.load offset=0xfffffff0 (i32.const 0xfffffff0)))",
        "(drop (i32.load8_u (i32.const 131072)))",
        "(drop (v128.load (i32.const 0x80000000)))",
        "(memory.fill (i32.const 65536) (i32.const 7) (i32.const 0xfffffff0))",
        "(memory.fill (i32.const 0xfffffff0) (i32.const 7) (i32.const 32))",
        "(memory.copy (i32.const 0) (i32.const 0xffff0000) (i32.const 65536))",
        "(memory.copy (i32.const 0x7fffffff) (i32.const 0) (i32.const 0x7fffffff))",
    ] {
        dies(&Text { run, ..Text::default() }, "out of bounds memory access");
    }
}

#[test]
fn an_address_of_64_bits_is_checked_as_one() {
    let more = "(memory $far i64 1 1)";
    for run in [
        "(i64.store $far (i64.const 0x7ffffffffffffff0) (i64.const 1))",
        "(i64.store $far offset=0x10 (i64.const -16) (i64.const 1))",
        "(i64.store $far offset=0xfffffffffffffff0 (i64.const 65536) (i64.const 1))",
        "(drop (i64.load $far (i64.const 0x100000000)))",
        "(memory.fill $far (i64.const 8) (i32.const 1) (i64.const -1))",
    ] {
        dies(&Text { more, run, ..Text::default() }, "out of bounds memory access");
    }
}

#[test]
fn a_function_that_is_not_in_the_table_is_not_called() {
    let more = "(type $plain (func)) (table $calls 2 funcref) (elem (table $calls) (i32.const 0) func $other)
        (func $other (param i64))";
    let cases = [
        (
            "(call_indirect $calls (type $plain) (i32.const 2))",
            "undefined element: out of bounds table access",
        ),
        ("(call_indirect $calls (type $plain) (i32.const 0xfffffff0))", "out of bounds table access"),
        ("(call_indirect $calls (type $plain) (i32.const 1))", "uninitialized element"),
        ("(call_indirect $calls (type $plain) (i32.const 0))", "indirect call type mismatch"),
        ("(drop (table.get $calls (i32.const -1)))", "out of bounds table access"),
        ("(table.set $calls (i32.const 2) (ref.null func))", "out of bounds table access"),
        ("(table.fill $calls (i32.const 1) (ref.null func) (i32.const -1))", "out of bounds table access"),
        (
            "(table.copy $calls $calls (i32.const 0) (i32.const 1) (i32.const 2))",
            "out of bounds table access",
        ),
    ];
    for (run, sentence) in cases {
        dies(&Text { more, run, ..Text::default() }, sentence);
    }
}

#[test]
fn memory_and_tables_do_not_grow_beyond_their_limits() {
    // Refused growth is an answer to the guest: it goes on, and ends without having written its tile.
    for (more, grow) in [
        ("", "(memory.grow (i32.const 1024))"),
        ("", "(memory.grow (i32.const 0xffff))"),
        ("", "(memory.grow (i32.const -1))"),
        ("(table $t 1 funcref)", "(table.grow $t (ref.null func) (i32.const 0x100000))"),
        ("(table $t 1 funcref)", "(table.grow $t (ref.null func) (i32.const -1))"),
        (
            "(table $a 500000 funcref) (table $b 500000 funcref)",
            "(table.grow $b (ref.null func) (i32.const 500000))",
        ),
    ] {
        let run = format!("(if (i32.ne {grow} (i32.const -1)) (then unreachable))").leak();
        let error = run_among_frames(&Text { more, run, ..Text::default() }, LIMITS);
        assert_eq!(error.kind().name(), "data-incomplete", "`{grow}` gave: {error}");
    }
    // What a component wants from the start is refused at loading.
    let many = "(table 500000 funcref)".repeat(3).leak();
    for more in ["(table 0x200000 funcref)", "(table i64 0x100000000000 funcref)", many] {
        let error = load(&Text { more, ..Text::default() }.component(), LIMITS).err().unwrap();
        assert!(["plugin-died", "corrupt", "out-of-memory"].contains(&error.kind().name()), "{error}");
    }
}

#[test]
fn the_host_reads_and_writes_nothing_beyond_the_guests_memory() {
    let more = "(func $pixels (param $at i32) (param $bytes i32)
            (call $put-pixels (i32.const 0) (local.get $at) (local.get $bytes) (i32.const 600)))
        (func $say (param $at i32) (param $bytes i32) (call $log (i32.const 2) (local.get $at) (local.get $bytes)))";
    let cases = [
        // Beyond the end, around the end of 32 bits, and as long as 32 bits can say.
        ("(call $pixels (i32.const 131071) (i32.const 2))", "out of bounds"),
        ("(call $pixels (i32.const 0xfffffff0) (i32.const 32))", "out of bounds"),
        ("(call $pixels (i32.const 0) (i32.const -1))", "out of bounds"),
        ("(call $pixels (i32.const -1) (i32.const -1))", "out of bounds"),
        ("(call $say (i32.const 131071) (i32.const 2))", "out of bounds"),
        ("(call $say (i32.const 0xfffffff0) (i32.const 32))", "out of bounds"),
        ("(call $say (i32.const 0) (i32.const -1))", "out of bounds"),
        // Lists of records: their number times their size is more than 32 bits hold.
        (
            "(call $add-rows (i32.const 0) (i32.const 0) (i32.const 0xffffffff) (i32.const 600))",
            "out of bounds",
        ),
        (
            "(call $add-rows (i32.const 0) (i32.const 0) (i32.const 0x20000000) (i32.const 600))",
            "out of bounds",
        ),
        ("(call $add-rows (i32.const 0) (i32.const 131064) (i32.const 2) (i32.const 600))", "out of bounds"),
        (
            "(call $declare-columns (i32.const 0) (i32.const 0) (i32.const 0x15555556) (i32.const 600))",
            "out of bounds",
        ),
        // A list within that leads out.
        (
            "(i32.store (i32.const 704) (i32.const -1))
             (call $add-rows (i32.const 0) (i32.const 700) (i32.const 1) (i32.const 600))",
            "out of bounds",
        ),
        // Pointers that are not where their type may lie.
        ("(call $add-rows (i32.const 0) (i32.const 701) (i32.const 1) (i32.const 600))", "not aligned"),
        ("(call $declare-columns (i32.const 0) (i32.const 2) (i32.const 1) (i32.const 600))", "not aligned"),
        // A place for the answer that is none.
        ("(call $put-pixels (i32.const 9) (i32.const 0) (i32.const 0) (i32.const -4))", "out of bounds"),
        ("(call $put-pixels (i32.const 9) (i32.const 0) (i32.const 0) (i32.const 131068))", "out of bounds"),
        ("(call $put-pixels (i32.const 9) (i32.const 0) (i32.const 0) (i32.const 601))", "not aligned"),
        // Answers of the guest's own that lie elsewhere, or are none.
        ("(return (i32.const -4))", "out of bounds"),
        ("(return (i32.const 513))", "not aligned"),
        ("(i32.store8 (i32.const 512) (i32.const 2))", "discriminant"),
        (
            "(i32.store8 (i32.const 512) (i32.const 1)) (i32.store8 (i32.const 516) (i32.const 200))",
            "discriminant",
        ),
        (
            "(i32.store8 (i32.const 512) (i32.const 1)) (i32.store (i32.const 532) (i32.const 0x7fffffff))",
            "out of bounds",
        ),
        (
            "(i32.store8 (i32.const 512) (i32.const 1)) (i32.store (i32.const 524) (i32.const 0xffffffff))",
            "out of bounds",
        ),
    ];
    for (run, sentence) in cases {
        dies(&Text { more, run, ..Text::default() }, sentence);
    }
}

#[test]
fn lists_that_lead_out_of_memory_are_refused_in_every_answer() {
    let out = "(i32.store (i32.const 520) (i32.const -16)) (i32.store (i32.const 524) (i32.const -1))
        (i32.store (i32.const 516) (i32.const -16))";
    let died = |error: parfocal_types::Error| {
        assert_eq!(error.kind().name(), "plugin-died", "{error}");
        assert!(error.to_string().contains("out of bounds"), "{error}");
    };
    let describe = "(i32.store (i32.const 204) (i32.const 0xffffffff))";
    died(load(&Text { describe, ..Text::default() }.component(), LIMITS).err().unwrap());
    let describe = "(i32.store (i32.const 64) (i32.const 0xfffffff0))";
    died(load(&Text { describe, ..Text::default() }.component(), LIMITS).err().unwrap());
    let library = library(&Text { plan: out, merge: out, finish: out, ..Text::default() }, LIMITS);
    let create = || library.create("text", &Parameters::default()).unwrap();
    died(create().plan(&[], &quiet()).unwrap_err());
    died(create().merge(vec![1], &[2], &quiet()).unwrap_err());
    died(create().finish(&[], &mut Kept::default(), &quiet()).unwrap_err());
}

#[test]
fn memory_that_the_guest_gives_the_host_must_be_its_own() {
    let limits = Limits { call: Duration::from_millis(300), ..LIMITS };
    let cases = [
        ("(return (i32.const -16))", "plugin-died"),
        ("(return (i32.const 0x7fffffff))", "plugin-died"),
        ("(return (i32.const 131071))", "plugin-died"),
        ("unreachable", "plugin-died"),
        // Calls the host while the host calls it.
        ("(call $log (i32.const 2) (i32.const 300) (i32.const 4))", "plugin-died"),
        ("(loop $ever (br $ever))", "timeout"),
    ];
    for (realloc, kind) in cases {
        // The operator's name is what the host brings first.
        let error = made(&*library(&Text { realloc, ..Text::default() }, limits)).err().unwrap();
        assert_eq!(error.kind().name(), kind, "`{realloc}` gave: {error}");
    }
    // Memory where its name was lies is the guest's own: that is its own affair.
    made(&*library(&Text { realloc: "(return (i32.const 16))", ..Text::default() }, limits)).unwrap();
}

#[test]
fn a_handle_that_the_guest_made_up_is_none() {
    let create = "(i32.store (i32.const 404) (i32.const 77)) (return (i32.const 400))";
    let error = made(&*library(&Text { create, ..Text::default() }, LIMITS)).err().unwrap();
    assert_eq!(error.kind().name(), "plugin-died", "{error}");
    assert!(error.to_string().contains("handle"), "{error}");
}
