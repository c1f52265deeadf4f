//! Faults of those who reach for more than they were given.

use std::{env, fs, hint, process};

use parfocal_plugin::{
    Describe,
    prelude::*,
    private::operator::{LogLevel, Operator as Behaviour},
};

use crate::{
    fault::{Act, Fault, Foreign, Sabotage, with},
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
        act: Act::Wrap(with::<CannotDoWithout>),
    },
    Fault {
        name: "looks-around",
        case: "SEC-02",
        also: &[],
        what: "reads a file of the computer while it works",
        operator: "subtract",
        act: Act::Wrap(with::<LooksAround>),
    },
    Fault {
        name: "insists",
        case: "SEC-03",
        also: &[],
        what: "asks for a folder, is refused, and tries again and again",
        operator: "subtract",
        act: Act::Asking(with::<Insists>),
    },
    Fault {
        name: "window",
        case: "SEC-07",
        also: &[],
        what: "is a component that asks for the environment of the user",
        operator: "subtract",
        act: Act::Wat(Foreign {
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
        act: Act::Wrap(with::<TellsSecrets>),
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
        act: Act::Wrap(with::<ClearsTheScreen>),
    },
];

/// Reads a file of the computer while it works, and aborts when it is refused.
#[derive(Default)]
struct CannotDoWithout;

impl Sabotage for CannotDoWithout {
    fn run(
        &mut self,
        inner: &mut dyn Behaviour,
        tiles: &mut Tiles<'_>,
        services: &dyn Services,
    ) -> Result<()> {
        if fs::read("/etc/passwd").is_err() {
            process::abort();
        }
        inner.run(tiles, services)
    }
}

/// Reads a file of the computer while it works.
#[derive(Default)]
struct LooksAround;

impl Sabotage for LooksAround {
    fn run(
        &mut self,
        inner: &mut dyn Behaviour,
        tiles: &mut Tiles<'_>,
        services: &dyn Services,
    ) -> Result<()> {
        drop(hint::black_box(fs::read("/etc/hostname")));
        inner.run(tiles, services)
    }
}

/// Asks for a folder, is refused, and tries again and again.
#[derive(Default)]
struct Insists;

impl Sabotage for Insists {
    fn run(
        &mut self,
        inner: &mut dyn Behaviour,
        tiles: &mut Tiles<'_>,
        services: &dyn Services,
    ) -> Result<()> {
        let tries = (0..200).take_while(|_| fs::read("/data/background").is_err());
        hint::black_box(tries.count());
        inner.run(tiles, services)
    }
}

/// Writes the user's name into the log.
#[derive(Default)]
struct TellsSecrets;

impl Sabotage for TellsSecrets {
    fn run(
        &mut self,
        inner: &mut dyn Behaviour,
        tiles: &mut Tiles<'_>,
        services: &dyn Services,
    ) -> Result<()> {
        services.log(LogLevel::Info, &format!("at work for {}", env::var("USER").unwrap_or_default()));
        inner.run(tiles, services)
    }
}

/// Writes a sequence into the log that clears a terminal.
#[derive(Default)]
struct ClearsTheScreen;

impl Sabotage for ClearsTheScreen {
    fn run(
        &mut self,
        inner: &mut dyn Behaviour,
        tiles: &mut Tiles<'_>,
        services: &dyn Services,
    ) -> Result<()> {
        services.log(LogLevel::Info, "\u{1b}[2Jall is well");
        inner.run(tiles, services)
    }
}
