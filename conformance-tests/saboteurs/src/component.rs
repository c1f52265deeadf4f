//! The component beside a library: a golden operator, with the fault `half-as-component`.

use parfocal_plugin::{
    Describe,
    prelude::{Descriptor, Operator, Parameters, Result},
    private::{
        abi::note::NoteBuilder,
        create,
        operator::{self, Registry, registry::unknown_operator},
        types::ParameterValue,
        wit,
    },
};

use crate::{PLUGIN, VERSION, goldens::Subtract};

/// What the component has.
#[derive(Debug)]
pub struct Component;

impl Registry for Component {
    const PLUGIN: &'static str = PLUGIN;
    const VERSION: &'static str = VERSION;

    fn descriptors() -> Vec<Descriptor> {
        vec![Subtract::descriptor()]
    }

    fn create(operator: &str, parameters: &Parameters) -> Result<Box<dyn Operator>> {
        let known = Subtract::descriptor();
        if operator != known.id {
            return Err(unknown_operator(PLUGIN, operator, &[known]));
        }
        // The fault: the library takes the parameters as they are.
        let half = |value: &ParameterValue| match value {
            // What is beyond its limits is refused as ever.
            ParameterValue::Number(number) if *number <= 1000.0 => ParameterValue::Number(number / 2.0),
            other => other.clone(),
        };
        let parameters = parameters.iter().map(|(name, value)| (name.to_owned(), half(value)));
        create::<Subtract>(&parameters.collect())
    }
}

#[used]
#[unsafe(link_section = "parfocal")]
static NOTE: [u8; NoteBuilder::SIZE] =
    NoteBuilder::new(PLUGIN, VERSION, "rust").interface(operator::INTERFACE, operator::VERSION_TEXT).bytes();

wit::export_component!(Component);
