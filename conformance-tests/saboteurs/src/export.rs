//! The plugin: what `export_plugin!` writes, with a fault in the middle.

use std::sync::OnceLock;

use parfocal_plugin::{
    Describe,
    prelude::{Descriptor, Operator},
    private::{
        abi::{OPERATOR, OPERATOR_VERSION, Registry, entry::Entry, guest, note::NoteBuilder},
        create,
        operator::registry::unknown_operator,
        types::{Parameters, Result},
    },
};

use crate::{
    PLUGIN, VERSION,
    culprit::Culprit,
    fault::{Act, Fault},
    faults,
    goldens::{Change, Erode, Measure, Number, Smooth, Stretch, Subtract},
    switch,
};

/// The fault that is on.
fn fault() -> Option<&'static Fault> {
    static FAULT: OnceLock<Option<&'static Fault>> = OnceLock::new();
    *FAULT.get_or_init(|| {
        let name = switch::name();
        faults::all().find(|fault| fault.name == name)
    })
}

/// Makes an instance with complete, checked parameters.
type Create = fn(&Parameters) -> Result<Box<dyn Operator>>;

/// What a golden operator declares.
fn golden(operator: &str) -> Option<(Descriptor, Create)> {
    macro_rules! find {
        ($($golden:ty),*) => {
            $(if <$golden>::descriptor().id == operator { return Some((<$golden>::descriptor(), create::<$golden>)); })*
        };
    }
    find!(Change, Erode, Measure, Number, Smooth, Stretch, Subtract);
    None
}

/// What the manifest of a saboteur says that its operators are; what the code says may be another thing.
#[must_use]
pub fn declared(fault: Option<&Fault>) -> Vec<Descriptor> {
    let Some(fault) = fault else { return vec![Culprit::descriptor()] };
    if let Act::Foreign(plugin) = fault.act {
        return (plugin.declared)();
    }
    let mut operators: Vec<_> =
        golden(fault.operator).map(|(descriptor, _)| descriptor).into_iter().collect();
    if let Act::Declare(change) = fault.act {
        operators.iter_mut().for_each(change);
    }
    operators
}

/// What the code has.
struct Saboteurs;

impl Registry for Saboteurs {
    const PLUGIN: &'static str = PLUGIN;
    const VERSION: &'static str = VERSION;

    fn descriptors() -> Vec<Descriptor> {
        let mut operators = declared(fault());
        if let Some(Fault { act: Act::Describe(change), .. }) = fault() {
            operators.iter_mut().for_each(change);
        }
        operators
    }

    fn create(operator: &str, parameters: &Parameters) -> Result<Box<dyn Operator>> {
        let Some(fault) = fault() else {
            let known = Culprit::descriptor();
            return if operator == known.id {
                create::<Culprit>(parameters)
            } else {
                Err(unknown_operator(PLUGIN, operator, &[known]))
            };
        };
        let make = |operator: &str, parameters: &Parameters| match golden(operator) {
            Some((_, build)) if operator == fault.operator => build(parameters),
            _ => Err(unknown_operator(PLUGIN, operator, &Self::descriptors())),
        };
        match fault.act {
            Act::Create(create) => create(operator, parameters, &make),
            act => Ok(act.wrap(make(operator, parameters)?)),
        }
    }
}

#[used]
#[unsafe(link_section = ".parfocal")]
static NOTE: [u8; NoteBuilder::SIZE] = NoteBuilder::new(PLUGIN, VERSION, "rust")
    .interface(OPERATOR, OPERATOR_VERSION)
    .layouts(guest::layouts())
    .bytes();

/// What negotiation answers.
pub(crate) static ENTRY: Entry = guest::entry::<Saboteurs>();

/// The one symbol of the plugin.
#[unsafe(no_mangle)]
extern "C" fn parfocal_entry(host_min: u32, host_max: u32) -> *const Entry {
    let honest = guest::negotiate(&ENTRY, host_min, host_max);
    match fault() {
        Some(Fault { act: Act::Entry(answer), .. }) => answer(host_min, host_max, honest),
        _ => honest,
    }
}

/// Called when the library is mapped, before anything else.
#[used]
#[unsafe(link_section = ".init_array")]
static MAPPED: extern "C" fn() = mapped;

extern "C" fn mapped() {
    if let Some(Fault { act: Act::Load(load), .. }) = fault() {
        load();
    }
}
