//! Faults of handshake and lifecycle.

use std::{
    cell::Cell,
    env, fs, hint, process, ptr,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use parfocal_plugin::{
    prelude::*,
    private::{
        abi::guest,
        operator::{InputPort, Kind, LogLevel, Operator as Behaviour, OutputPort, ThreadSafety},
    },
};

use crate::{
    export::ENTRY,
    fault::{Act, Fault, Foreign, Language, Make, Planning, Running, Sabotage, around, with},
};

/// The faults.
pub const FAULTS: &[Fault] = &[
    Fault {
        name: "another-entry",
        case: "ABI-01",
        also: &[],
        what: "answers negotiation with a new copy each time",
        operator: "subtract",
        act: Act::Entry(|_, _, honest| {
            // SAFETY: the entry of this library, a static.
            ptr::from_ref(Box::leak(Box::new(unsafe { *honest })))
        }),
    },
    Fault {
        name: "any-version",
        case: "ABI-02",
        also: &[],
        what: "says yes to every version of the entry",
        operator: "subtract",
        act: Act::Entry(|_, _, _| guest::negotiate(&ENTRY, 1, 1)),
    },
    Fault {
        name: "other-summary",
        case: "ABI-03",
        also: &[],
        what: "describes itself otherwise than its manifest does",
        operator: "subtract",
        act: Act::Describe(|descriptor| descriptor.summary.push('!')),
    },
    Fault {
        name: "trimmed-name",
        case: "ABI-04",
        also: &[],
        what: "passes over spaces behind an operator's name",
        operator: "subtract",
        act: Act::Create(|operator, parameters, make| make(operator.trim(), parameters)),
    },
    Fault {
        name: "two-doors",
        case: "ABI-05",
        also: &[],
        what: "exports a function of its own beside its entry",
        operator: "subtract",
        act: Act::Foreign(Foreign {
            language: Language::C,
            source: include_str!("../../foreign/two_doors.c"),
            declared: two_doors,
        }),
    },
    Fault {
        name: "other-layout",
        case: "ABI-06",
        also: &["MAN-05", "SEC-09"],
        what: "was built against other structs than the version that it names",
        operator: "subtract",
        act: Act::Package(|package| package.patch("layout InputTile ", "layout OutputTale")),
    },
    Fault {
        name: "kept-instances",
        case: "ABI-07",
        also: &[],
        what: "keeps four kibibytes for each instance that was made",
        operator: "subtract",
        act: Act::Create(|operator, parameters, make| {
            hint::black_box(vec![1_u8; 4096].leak());
            make(operator, parameters)
        }),
    },
    Fault {
        name: "unused-end",
        case: "ABI-08",
        also: &["ABI-12", "ROB-13"],
        what: "is wrong for good once an instance ended before its plan",
        operator: "subtract",
        act: Act::Wrap(with::<UnusedEnd>),
    },
    Fault {
        name: "shared-parameters",
        case: "ABI-09",
        also: &[],
        what: "keeps its parameters where all instances share them",
        operator: "subtract",
        act: Act::Create(shared_parameters),
    },
    Fault {
        name: "process-wide-name",
        case: "ABI-10",
        also: &["OPR-04", "ROB-11"],
        what: "is wrong when another copy of it was there first, which it sees in the environment",
        operator: "subtract",
        act: Act::Run(process_wide_name),
    },
    Fault {
        name: "curious",
        case: "ABI-11",
        also: &[],
        what: "reads a file of the computer when it is loaded",
        operator: "subtract",
        act: Act::Load(|| drop(hint::black_box(fs::read("/etc/hostname")))),
    },
    Fault {
        name: "slow-start",
        case: "ABI-11",
        also: &[],
        what: "waits for half a second when it is loaded",
        operator: "subtract",
        act: Act::Load(|| thread::sleep(Duration::from_millis(500))),
    },
    Fault {
        name: "aborts",
        case: "ABI-12",
        also: &["ROB-13"],
        what: "aborts when it is asked what it needs before it planned",
        operator: "subtract",
        act: Act::Wrap(with::<Aborts>),
    },
    Fault {
        name: "half-a-character",
        case: "ABI-13",
        also: &[],
        what: "writes half a character into the log",
        operator: "subtract",
        act: Act::Run(half_a_character),
    },
    Fault {
        name: "any-state",
        case: "ABI-15",
        also: &[],
        what: "takes any bytes for a state",
        operator: "change",
        act: Act::Wrap(with::<AnyState>),
    },
    Fault {
        name: "thread-local",
        case: "ABI-16",
        also: &["OPR-04", "OPR-07", "OPR-23"],
        what: "keeps what it planned in a variable of the thread",
        operator: "subtract",
        act: Act::Wrap(with::<ThreadLocal>),
    },
];

/// What the plugin in C says of its operator.
fn two_doors() -> Vec<Descriptor> {
    vec![Descriptor {
        id: "add-one".into(),
        summary: "Adds one grey level, and stays at the largest.".into(),
        kind: Kind::Map,
        threads: ThreadSafety::Instance,
        deterministic: false,
        temporal_window: [0, 0],
        max_halo: [0; 5],
        inputs: vec![InputPort::image("image", &[DType::U16])],
        outputs: vec![OutputPort::new("image", PortKind::Image, Supports::ALL)],
        parameters: Vec::new(),
    }]
}

/// Is wrong for good once an instance ended before its plan.
#[derive(Default)]
struct UnusedEnd {
    planned: bool,
}

/// Whether an instance ended before its plan.
static ENDED: AtomicBool = AtomicBool::new(false);

impl Sabotage for UnusedEnd {
    fn plan(&mut self, call: &mut Planning<'_>) -> Result<Plan> {
        self.planned = true;
        call.proceed()
    }

    fn run(&mut self, call: &mut Running<'_, '_>) -> Result<()> {
        call.repaint(|_, value| if ENDED.load(Ordering::Relaxed) { value + 1.0 } else { value })
    }
}

impl Drop for UnusedEnd {
    fn drop(&mut self) {
        ENDED.fetch_or(!self.planned, Ordering::Relaxed);
    }
}

/// Keeps its parameters where all instances share them.
struct SharedParameters {
    own: Parameters,
}

/// The parameters of all instances.
static SHARED: Mutex<Option<Parameters>> = Mutex::new(None);

fn shared_parameters(operator: &str, parameters: &Parameters, make: Make<'_>) -> Result<Box<dyn Behaviour>> {
    let inner = make(operator, parameters)?;
    *SHARED.lock().unwrap_or_else(PoisonError::into_inner) = Some(parameters.clone());
    Ok(around(inner, SharedParameters { own: parameters.clone() }))
}

impl Sabotage for SharedParameters {
    fn run(&mut self, call: &mut Running<'_, '_>) -> Result<()> {
        let others = SHARED.lock().unwrap_or_else(PoisonError::into_inner).as_ref() != Some(&self.own);
        call.repaint(|_, value| if others { value + 1.0 } else { value })
    }
}

fn process_wide_name(call: &mut Running<'_, '_>) -> Result<()> {
    const NAME: &str = "PARFOCAL_SABOTEUR";
    let own = format!("{:p}", &raw const ENDED);
    let first = env::var(NAME).unwrap_or_else(|_| {
        // SAFETY: none: other threads may read the environment. That it is changed is the fault.
        unsafe { env::set_var(NAME, &own) };
        own.clone()
    });
    call.repaint(|_, value| if first == own { value } else { value + 1.0 })
}

/// Aborts when it is asked what it needs before it planned.
#[derive(Default)]
struct Aborts {
    planned: bool,
}

impl Sabotage for Aborts {
    fn plan(&mut self, call: &mut Planning<'_>) -> Result<Plan> {
        self.planned = true;
        call.proceed()
    }

    fn required_input(&self, inner: &dyn Behaviour, core: &Region) -> Result<Vec<InputRegion>> {
        if !self.planned {
            process::abort();
        }
        inner.required_input(core)
    }
}

fn half_a_character(call: &mut Running<'_, '_>) -> Result<()> {
    // SAFETY: none: a text that is no UTF-8 is the fault. Nobody here looks at it.
    call.services.log(LogLevel::Info, unsafe { str::from_utf8_unchecked(hint::black_box(b"10 \xC2")) });
    call.proceed()
}

/// Takes any bytes for a state.
#[derive(Default)]
struct AnyState;

impl Sabotage for AnyState {
    fn load(&mut self, inner: &mut dyn Behaviour, state: &[u8], services: &dyn Services) -> Result<()> {
        inner.load(state, services).or(Ok(()))
    }
}

/// Keeps what it planned in a variable of the thread.
#[derive(Default)]
struct ThreadLocal;

thread_local! {
    /// Whether something was planned.
    static PLANNED: Cell<bool> = const { Cell::new(false) };
}

impl Sabotage for ThreadLocal {
    fn plan(&mut self, call: &mut Planning<'_>) -> Result<Plan> {
        PLANNED.set(true);
        call.proceed()
    }

    fn run(&mut self, call: &mut Running<'_, '_>) -> Result<()> {
        if PLANNED.get() { call.proceed() } else { Err(Error::internal("nothing was planned")) }
    }
}
