//! Faults of those who reach for more than they were given.

use std::{env, fs, hint, process, sync::Once};

use parfocal_plugin::{Describe, prelude::*, private::operator::LogLevel};

use crate::{
    fault::{Act, Fault, Foreign, Language, Running},
    goldens::Subtract,
};

/// The faults.
pub const FAULTS: &[Fault] = &[
    Fault {
        name: "cannot-do-without",
        case: "SEC-01",
        also: &["SEC-02"],
        what: "reads a file of the computer while it works, and aborts when it is refused",
        operator: "subtract",
        act: Act::Run(cannot_do_without),
    },
    Fault {
        name: "looks-around",
        case: "SEC-02",
        also: &[],
        what: "reads a file of the computer while it works",
        operator: "subtract",
        act: Act::Run(looks_around),
    },
    Fault {
        name: "reads-settings",
        case: "SEC-02",
        also: &[],
        what: "reads a file of the computer once, when its first instance is made",
        operator: "subtract",
        act: Act::Create(|operator, parameters, make| {
            static ONCE: Once = Once::new();
            ONCE.call_once(|| drop(hint::black_box(fs::read("/etc/hostname"))));
            make(operator, parameters)
        }),
    },
    Fault {
        name: "insists",
        case: "SEC-03",
        also: &[],
        what: "asks for a folder, is refused, and tries again and again",
        operator: "subtract",
        act: Act::Asking(insists),
    },
    Fault {
        name: "window",
        case: "SEC-07",
        also: &[],
        what: "is a component that asks for the environment of the user",
        operator: "subtract",
        act: Act::Foreign(Foreign {
            language: Language::Wat,
            source: include_str!("../../foreign/window.wat"),
            declared: || vec![Subtract::descriptor()],
        }),
    },
    Fault {
        name: "tells-secrets",
        case: "SEC-08",
        also: &[],
        what: "writes the user's name into the log",
        operator: "subtract",
        act: Act::Run(tells_secrets),
    },
    Fault {
        name: "prints-secrets",
        case: "SEC-08",
        also: &[],
        what: "prints the user's name",
        operator: "subtract",
        act: Act::Run(prints_secrets),
    },
    Fault {
        name: "altered",
        case: "SEC-09",
        also: &["MAN-04"],
        what: "was altered after it was packaged",
        operator: "subtract",
        act: Act::Package(|package| {
            package.replace("{sha256}", &"f".repeat(64));
        }),
    },
    Fault {
        name: "clears-the-screen",
        case: "SEC-10",
        also: &[],
        what: "writes a sequence into the log that clears a terminal",
        operator: "subtract",
        act: Act::Run(clears_the_screen),
    },
];

fn cannot_do_without(call: &mut Running<'_, '_>) -> Result<()> {
    if fs::read("/etc/passwd").is_err() {
        process::abort();
    }
    call.proceed()
}

fn looks_around(call: &mut Running<'_, '_>) -> Result<()> {
    drop(hint::black_box(fs::read("/etc/hostname")));
    call.proceed()
}

fn insists(call: &mut Running<'_, '_>) -> Result<()> {
    let tries = (0..200).take_while(|_| fs::read("/data/background").is_err());
    hint::black_box(tries.count());
    call.proceed()
}

fn tells_secrets(call: &mut Running<'_, '_>) -> Result<()> {
    call.services.log(LogLevel::Info, &format!("at work for {}", env::var("USER").unwrap_or_default()));
    call.proceed()
}

fn prints_secrets(call: &mut Running<'_, '_>) -> Result<()> {
    println!("at work for {}", env::var("USER").unwrap_or_default());
    call.proceed()
}

fn clears_the_screen(call: &mut Running<'_, '_>) -> Result<()> {
    call.services.log(LogLevel::Info, "\u{1b}[2Jall is well");
    call.proceed()
}
