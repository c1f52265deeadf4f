//! `#[derive(Operator)]`.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::{
    Attribute, Data, DeriveInput, Expr, ExprArray, ExprLit, Field, Fields, Ident, Lit, LitStr, Meta, Token,
    meta::ParseNestedMeta, punctuated::Punctuated, spanned::Spanned,
};

type Result<T> = syn::Result<T>;

pub(crate) fn expand(input: TokenStream) -> Result<TokenStream> {
    let input: DeriveInput = syn::parse2(input)?;
    let fields = match &input.data {
        Data::Struct(data) => &data.fields,
        _ => return Err(syn::Error::new(input.span(), "an operator is a struct")),
    };
    let operator = OperatorAttributes::parse(&input)?;
    let ports = Ports::parse(&input.attrs, &operator.marks)?;
    let fields = parse_fields(fields)?;
    let descriptor = operator.descriptor(&ports, &fields, &summary(&input.attrs));
    let name = &input.ident;
    let construct = construct(&fields);
    let build = if operator.kind == "map" && !operator.direct {
        quote!(::parfocal_plugin::MapAdapter::new(<Self as ::parfocal_plugin::Describe>::from_parameters(
            parameters
        )?))
    } else {
        quote!(<Self as ::parfocal_plugin::Describe>::from_parameters(parameters)?)
    };
    Ok(quote! {
        impl ::parfocal_plugin::Describe for #name {
            fn descriptor() -> ::parfocal_plugin::private::operator::Descriptor {
                #descriptor
            }

            fn from_parameters(
                parameters: &::parfocal_plugin::private::types::Parameters,
            ) -> ::parfocal_plugin::private::types::Result<Self> {
                let _ = parameters;
                ::std::result::Result::Ok(Self #construct)
            }

            fn build(
                parameters: &::parfocal_plugin::private::types::Parameters,
            ) -> ::parfocal_plugin::private::types::Result<
                ::std::boxed::Box<dyn ::parfocal_plugin::private::operator::Operator>,
            > {
                ::std::result::Result::Ok(::std::boxed::Box::new(#build))
            }
        }
    })
}

/// The first paragraph of the documentation.
fn summary(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value().trim().to_owned()),
            _ => None,
        },
        _ => None,
    });
    let paragraph: Vec<String> =
        lines.skip_while(String::is_empty).take_while(|line| !line.is_empty()).collect();
    paragraph.join(" ")
}

struct OperatorAttributes {
    id: String,
    kind: String,
    /// Whether an operator of kind map implements `Operator` itself.
    direct: bool,
    /// Of the outputs that say nothing else.
    marks: Marks,
    deterministic: bool,
    single_threaded: bool,
    max_halo: Expr,
    temporal_window: Expr,
}

impl OperatorAttributes {
    fn parse(input: &DeriveInput) -> Result<Self> {
        let mut id = None;
        let mut kind = None;
        let mut result = Self {
            id: String::new(),
            kind: String::new(),
            direct: false,
            marks: Marks::default(),
            deterministic: false,
            single_threaded: false,
            max_halo: syn::parse_quote!([0; 5]),
            temporal_window: syn::parse_quote!([0; 2]),
        };
        for attribute in input.attrs.iter().filter(|attribute| attribute.path().is_ident("operator")) {
            attribute.parse_nested_meta(|meta| {
                let key = meta.path.require_ident()?.to_string();
                match key.as_str() {
                    _ if result.marks.read(&key, &meta)? => {}
                    "id" => id = Some(meta.value()?.parse::<LitStr>()?.value()),
                    "kind" => kind = Some(word(&meta, &["map", "reduce", "whole"])?),
                    "direct" => result.direct = true,
                    "deterministic" => result.deterministic = true,
                    "single_threaded" => result.single_threaded = true,
                    "max_halo" => result.max_halo = meta.value()?.parse()?,
                    "temporal_window" => result.temporal_window = meta.value()?.parse()?,
                    _ => {
                        return Err(meta.error(
                            "known keys: id, kind, direct, preserves, yields, network, deterministic, \
                             single_threaded, max_halo, temporal_window",
                        ));
                    }
                }
                Ok(())
            })?;
        }
        let missing = |key: &str| {
            syn::Error::new(input.ident.span(), format!("write `#[operator({key}, ...)]` on the struct"))
        };
        result.id = id.ok_or_else(|| missing("id = \"my-operator\""))?;
        result.kind = kind.ok_or_else(|| missing("kind = map"))?;
        Ok(result)
    }

    fn descriptor(&self, ports: &Ports, fields: &[FieldPlan], summary: &str) -> TokenStream {
        let Self { id, deterministic, max_halo, temporal_window, .. } = self;
        let kind = format_ident!("{}", capitalised(&self.kind));
        let threads = if self.single_threaded { quote!(Single) } else { quote!(Instance) };
        let (inputs, outputs) = (&ports.inputs, &ports.outputs);
        let parameters = fields.iter().filter_map(|field| field.spec.as_ref());
        quote! {
            ::parfocal_plugin::private::operator::Descriptor {
                id: ::std::string::String::from(#id),
                summary: ::std::string::String::from(#summary),
                kind: ::parfocal_plugin::private::operator::Kind::#kind,
                threads: ::parfocal_plugin::private::operator::ThreadSafety::#threads,
                deterministic: #deterministic,
                temporal_window: #temporal_window,
                max_halo: #max_halo,
                inputs: ::std::vec![#(#inputs),*],
                outputs: ::std::vec![#(#outputs),*],
                parameters: ::std::vec![#(#parameters),*],
            }
        }
    }
}

/// What an output says of its pixels, besides what they are.
#[derive(Clone)]
struct Marks {
    preserves: TokenStream,
    yields: Ident,
    network: bool,
}

impl Default for Marks {
    fn default() -> Self {
        Self {
            preserves: quote!(::parfocal_plugin::private::image::Supports::NONE),
            yields: format_ident!("Derived"),
            network: false,
        }
    }
}

impl Marks {
    /// Reads the value of a key, if it is one of these.
    fn read(&mut self, key: &str, meta: &ParseNestedMeta<'_>) -> Result<bool> {
        match key {
            "preserves" => self.preserves = supports(meta)?,
            "yields" => {
                let classes = ["derived", "restored", "predicted", "labels"];
                self.yields = format_ident!("{}", capitalised(&word(meta, &classes)?));
            }
            "network" => {
                self.network = !meta.input.peek(Token![=]) || meta.value()?.parse::<syn::LitBool>()?.value;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

struct Ports {
    inputs: Vec<TokenStream>,
    outputs: Vec<TokenStream>,
}

impl Ports {
    fn parse(attributes: &[Attribute], marks: &Marks) -> Result<Self> {
        let mut ports = Self { inputs: Vec::new(), outputs: Vec::new() };
        for attribute in attributes {
            if attribute.path().is_ident("input") {
                ports.inputs.push(input_port(attribute)?);
            } else if attribute.path().is_ident("output") {
                ports.outputs.push(output_port(attribute, marks.clone())?);
            }
        }
        if ports.inputs.is_empty() {
            ports.inputs.push(input_tokens("image", &all_dtypes(), false, false));
        }
        if ports.outputs.is_empty() {
            ports.outputs.push(output_tokens("image", "image", marks));
        }
        Ok(ports)
    }
}

const DTYPES: [&str; 7] = ["u8", "i8", "u16", "i16", "u32", "f32", "mask"];

fn all_dtypes() -> Vec<TokenStream> {
    DTYPES.iter().map(|name| dtype(name)).collect()
}

fn dtype(name: &str) -> TokenStream {
    let variant = format_ident!("{}", capitalised(name));
    quote!(::parfocal_plugin::private::image::DType::#variant)
}

fn input_tokens(name: &str, dtypes: &[TokenStream], labels: bool, optional: bool) -> TokenStream {
    let kind = if labels { quote!(Labels) } else { quote!(Image) };
    quote!(::parfocal_plugin::private::operator::InputPort {
        name: ::std::string::String::from(#name),
        kind: ::parfocal_plugin::private::operator::PortKind::#kind,
        dtypes: ::std::vec![#(#dtypes),*],
        optional: #optional,
    })
}

fn output_tokens(name: &str, kind: &str, Marks { preserves, yields, network }: &Marks) -> TokenStream {
    let kind = format_ident!("{}", capitalised(kind));
    quote!(::parfocal_plugin::private::operator::OutputPort {
        name: ::std::string::String::from(#name),
        kind: ::parfocal_plugin::private::operator::PortKind::#kind,
        yields: ::parfocal_plugin::private::image::PixelClass::#yields,
        preserves: #preserves,
        network: #network,
    })
}

fn input_port(attribute: &Attribute) -> Result<TokenStream> {
    let (mut name, mut dtypes, mut labels, mut optional) = ("image".to_owned(), all_dtypes(), false, false);
    attribute.parse_nested_meta(|meta| {
        match meta.path.require_ident()?.to_string().as_str() {
            "name" => name = meta.value()?.parse::<LitStr>()?.value(),
            "dtypes" => {
                let words = word_list(&meta, &DTYPES)?;
                dtypes = words.iter().map(|word| dtype(word)).collect();
            }
            "labels" => labels = true,
            "optional" => optional = true,
            _ => return Err(meta.error("known keys: name, dtypes, labels, optional")),
        }
        Ok(())
    })?;
    Ok(input_tokens(&name, &dtypes, labels, optional))
}

fn output_port(attribute: &Attribute, mut marks: Marks) -> Result<TokenStream> {
    let (mut name, mut kind) = ("image".to_owned(), "image".to_owned());
    attribute.parse_nested_meta(|meta| {
        let key = meta.path.require_ident()?.to_string();
        match key.as_str() {
            _ if marks.read(&key, &meta)? => {}
            "name" => name = meta.value()?.parse::<LitStr>()?.value(),
            "kind" => kind = word(&meta, &["image", "labels", "table", "record"])?,
            _ => return Err(meta.error("known keys: name, kind, preserves, yields, network")),
        }
        Ok(())
    })?;
    Ok(output_tokens(&name, &kind, &marks))
}

/// A field: how it is made, and its declaration if it is a parameter.
struct FieldPlan {
    ident: Ident,
    make: TokenStream,
    spec: Option<TokenStream>,
}

fn construct(fields: &[FieldPlan]) -> TokenStream {
    let pairs = fields.iter().map(|FieldPlan { ident, make, .. }| quote!(#ident: #make));
    quote!({ #(#pairs),* })
}

fn parse_fields(fields: &Fields) -> Result<Vec<FieldPlan>> {
    match fields {
        Fields::Named(named) => named.named.iter().map(parse_field).collect(),
        Fields::Unit => Ok(Vec::new()),
        Fields::Unnamed(unnamed) => {
            Err(syn::Error::new(unnamed.span(), "name the fields: a parameter is called like its field"))
        }
    }
}

fn parse_field(field: &Field) -> Result<FieldPlan> {
    let ident = field.ident.clone().unwrap_or_else(|| Ident::new("_", Span::call_site()));
    let Some(attribute) = field.attrs.iter().find(|attribute| attribute.path().is_ident("parameter")) else {
        return Ok(FieldPlan { ident, make: quote!(::std::default::Default::default()), spec: None });
    };
    let name = ident.to_string().replace('_', "-");
    let parameter = ParameterAttributes::parse(attribute)?;
    let spec = parameter.spec(field, &name)?;
    let make = quote!(::parfocal_plugin::parameters::get(parameters, #name)?);
    Ok(FieldPlan { ident, make, spec: Some(spec) })
}

#[derive(Default)]
struct ParameterAttributes {
    role: Option<String>,
    default: Option<Expr>,
    min: Option<Expr>,
    max: Option<Expr>,
    unit: Option<Ident>,
    options: Vec<String>,
}

impl ParameterAttributes {
    fn parse(attribute: &Attribute) -> Result<Self> {
        let mut result = Self::default();
        attribute.parse_nested_meta(|meta| {
            let key = meta.path.require_ident()?.to_string();
            match key.as_str() {
                "setting" | "tunable" => result.role = Some(capitalised(&key)),
                "default" => result.default = Some(meta.value()?.parse()?),
                "min" => result.min = Some(meta.value()?.parse()?),
                "max" => result.max = Some(meta.value()?.parse()?),
                "unit" => result.unit = Some(meta.value()?.parse()?),
                "options" => result.options = texts(&meta)?,
                _ => {
                    return Err(meta.error("known words: setting, tunable, default, min, max, unit, options"));
                }
            }
            Ok(())
        })?;
        Ok(result)
    }

    fn spec(&self, field: &Field, name: &str) -> Result<TokenStream> {
        let missing = |what: &str| syn::Error::new(field.span(), format!("parameter `{name}` needs {what}"));
        let role = self.role.as_ref().ok_or_else(|| {
            missing("`setting` (it describes the experiment) or `tunable` (it changes the result)")
        })?;
        let role = format_ident!("{role}");
        let default = self.default.as_ref().ok_or_else(|| missing("`default = ...`"))?;
        let unit = self.unit.clone().unwrap_or_else(|| format_ident!("None"));
        let limits = || -> Result<(&Expr, &Expr)> {
            let missing = || missing("`min = ..., max = ...`");
            Ok((self.min.as_ref().ok_or_else(missing)?, self.max.as_ref().ok_or_else(missing)?))
        };
        let ty = &field.ty;
        let kind = match quote!(#ty).to_string().as_str() {
            "bool" => quote!(Flag { default: #default }),
            "i64" | "i32" | "u64" | "u32" | "u8" | "usize" => {
                let (min, max) = limits()?;
                quote!(Integer { default: #default, min: #min, max: #max })
            }
            "f64" | "f32" => {
                let (min, max) = limits()?;
                quote!(Number { default: #default, min: #min, max: #max })
            }
            "String" if self.options.is_empty() => {
                quote!(Text { default: ::std::string::String::from(#default) })
            }
            "String" => {
                let options = &self.options;
                quote!(Choice {
                    default: ::std::string::String::from(#default),
                    options: ::std::vec![#(::std::string::String::from(#options)),*],
                })
            }
            // Any other type is a closed list of words; one that is not is the compiler's error at the field's type.
            _ => quote!(Choice {
                default: ::std::string::String::from(#default),
                options: <#ty as ::parfocal_plugin::choice::Choice>::OPTIONS
                    .iter()
                    .map(|word| ::std::string::String::from(*word))
                    .collect(),
            }),
        };
        let doc = summary(&field.attrs);
        Ok(quote!(::parfocal_plugin::private::types::ParameterSpec {
            name: ::std::string::String::from(#name),
            doc: ::std::string::String::from(#doc),
            role: ::parfocal_plugin::private::types::ParameterRole::#role,
            unit: ::parfocal_plugin::private::types::Unit::#unit,
            kind: ::parfocal_plugin::private::types::ParameterKind::#kind,
        }))
    }
}

/// One of a list of words, after `=`.
fn word(meta: &ParseNestedMeta<'_>, known: &[&str]) -> Result<String> {
    let found: Ident = meta.value()?.parse()?;
    check_word(&found, known)
}

fn check_word(found: &Ident, known: &[&str]) -> Result<String> {
    let text = found.to_string();
    if known.contains(&text.as_str()) {
        return Ok(text);
    }
    Err(syn::Error::new(found.span(), format!("write one of: {}", known.join(", "))))
}

/// A list of words in brackets, after `=`.
fn word_list(meta: &ParseNestedMeta<'_>, known: &[&str]) -> Result<Vec<String>> {
    let content;
    let value = meta.value()?;
    syn::bracketed!(content in value);
    let words = Punctuated::<Ident, Token![,]>::parse_terminated(&content)?;
    words.iter().map(|found| check_word(found, known)).collect()
}

fn texts(meta: &ParseNestedMeta<'_>) -> Result<Vec<String>> {
    let array: ExprArray = meta.value()?.parse()?;
    array
        .elems
        .iter()
        .map(|element| match element {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Ok(text.value()),
            other => Err(syn::Error::new(other.span(), "write a text in quotation marks")),
        })
        .collect()
}

const SUPPORTS: [&str; 7] = [
    "localisation",
    "counting",
    "gross_morphology",
    "fine_detail",
    "intensity",
    "rare_event_search",
    "rare_event_frequency",
];

/// `all`, `none`, or a list of supports.
fn supports(meta: &ParseNestedMeta<'_>) -> Result<TokenStream> {
    let value = meta.value()?;
    if value.peek(Ident) {
        return Ok(match check_word(&value.parse()?, &["all", "none"])?.as_str() {
            "all" => quote!(::parfocal_plugin::private::image::Supports::ALL),
            _ => quote!(::parfocal_plugin::private::image::Supports::NONE),
        });
    }
    let content;
    syn::bracketed!(content in value);
    let words = Punctuated::<Ident, Token![,]>::parse_terminated(&content)?;
    let mut variants = Vec::new();
    for found in &words {
        let name: String = check_word(found, &SUPPORTS)?.split('_').map(capitalised).collect();
        let variant = format_ident!("{name}");
        variants.push(quote!(::parfocal_plugin::private::image::Support::#variant));
    }
    Ok(quote!(::parfocal_plugin::private::image::Supports::of(&[#(#variants),*])))
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The compiler's message for an operator with these attributes.
    fn refusal(attributes: TokenStream) -> String {
        let struct_ = quote!(#attributes struct Subject { #[parameter(tunable, default = 1, min = 0, max = 9)] radius: u32 });
        expand(struct_).expect_err("it is refused").to_string()
    }

    #[test]
    fn what_an_attribute_does_not_know_is_answered_with_what_it_knows() {
        for (attributes, message) in [
            (quote!(#[operator(kind = map)]), "write `#[operator(id = \"my-operator\", ...)]` on the struct"),
            (quote!(#[operator(id = "a")]), "write `#[operator(kind = map, ...)]` on the struct"),
            (quote!(#[operator(id = "a", kind = maps)]), "write one of: map, reduce, whole"),
            (
                quote!(#[operator(id = "a", kind = map, yield = derived)]),
                "known keys: id, kind, direct, preserves, yields, network, deterministic, single_threaded, max_halo, \
                 temporal_window",
            ),
            (
                quote!(#[operator(id = "a", kind = map, yields = gold)]),
                "write one of: derived, restored, predicted, labels",
            ),
            (quote!(#[operator(id = "a", kind = map, network = 1)]), "expected boolean literal"),
            (
                quote!(#[operator(id = "a", kind = map)] #[output(name = "b", clas = derived)]),
                "known keys: name, kind, preserves, yields, network",
            ),
            (
                quote!(#[operator(id = "a", kind = map)] #[output(name = "b", preserves = [everything])]),
                "write one of: localisation, counting,",
            ),
            (
                quote!(#[operator(id = "a", kind = map)] #[input(name = "b", kind = labels)]),
                "known keys: name, dtypes, labels, optional",
            ),
        ] {
            let said = refusal(attributes.clone());
            assert!(said.contains(message), "{attributes}\n{said}");
        }
    }
}
