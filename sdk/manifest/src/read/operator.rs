//! Reads one operator.

use parfocal_image::{DType, Support, Supports};
use parfocal_operator::{Descriptor, InputPort, OutputPort, PortKind, ThreadSafety};
use parfocal_types::{ParameterKind, ParameterSpec, Unit};

use super::{
    Read,
    cursor::{Field, Keys},
};

pub(super) fn read(keys: &Keys<'_>) -> Read<Descriptor> {
    keys.closed(&[
        "id",
        "summary",
        "kind",
        "threads",
        "deterministic",
        "temporal-window",
        "max-halo",
        "input",
        "output",
        "parameter",
    ])?;
    let descriptor = Descriptor {
        id: keys.required("id")?.kebab()?,
        summary: keys.required("summary")?.line()?.to_owned(),
        kind: keys.required("kind")?.word()?,
        threads: keys.optional("threads").map_or(Ok(ThreadSafety::default()), |field| field.word())?,
        deterministic: keys.optional("deterministic").map_or(Ok(false), |field| field.flag())?,
        temporal_window: numbers(keys, "temporal-window", "frames before and after")?,
        max_halo: numbers(keys, "max-halo", "pixels along T, C, Z, Y and X")?,
        inputs: ports(keys, "input", input)?,
        outputs: ports(keys, "output", output)?,
        parameters: ports(keys, "parameter", parameter)?,
    };
    // What the parts say about each other; the parts themselves were checked where they stand.
    descriptor.validate().map_err(|error| {
        keys.wrong(error.message().to_owned(), "change the operator and run `parfocal build` again")
    })?;
    Ok(descriptor)
}

fn numbers<const N: usize>(keys: &Keys<'_>, key: &'static str, what: &str) -> Read<[u32; N]> {
    let Some(field) = keys.optional(key) else { return Ok([0; N]) };
    let items = field.list()?.iter().map(Field::small).collect::<Read<Vec<_>>>()?;
    items.try_into().map_err(|items: Vec<u32>| {
        let message = format!("{} has {} numbers, where {N} belong", field.name(), items.len());
        field.wrong(message, format!("write {N} numbers: {what}"))
    })
}

fn supports(field: &Field<'_>) -> Read<Supports> {
    field.list()?.iter().map(Field::word::<Support>).collect()
}

fn ports<T>(keys: &Keys<'_>, key: &'static str, read: fn(&Keys<'_>) -> Read<(String, T)>) -> Read<Vec<T>> {
    let Some(field) = keys.optional(key) else { return Ok(Vec::new()) };
    let mut names: Vec<String> = Vec::new();
    let mut items = Vec::new();
    for table in field.tables()? {
        let (name, item) = read(&table)?;
        if names.contains(&name) {
            return Err(table.wrong(format!("the operator lists the {key} `{name}` twice"), "rename one"));
        }
        names.push(name);
        items.push(item);
    }
    Ok(items)
}

fn input(keys: &Keys<'_>) -> Read<(String, InputPort)> {
    keys.closed(&["name", "kind", "dtypes", "optional"])?;
    let name = keys.required("name")?.kebab()?;
    let kind = keys.optional("kind").map_or(Ok(InputPort::usual_kind()), |field| input_kind(&field))?;
    let accepted = keys.required("dtypes")?;
    let mut dtypes: Vec<DType> = Vec::new();
    for field in accepted.list()? {
        let dtype = field.word()?;
        if dtypes.contains(&dtype) {
            return Err(
                field.wrong(format!("the pixel type `{}` stands here twice", dtype.name()), "remove one")
            );
        }
        dtypes.push(dtype);
    }
    if dtypes.is_empty() {
        let remedy = "name the pixel types that it takes, for example `dtypes = [\"u8\", \"u16\", \"f32\"]`";
        return Err(accepted.wrong(format!("the input `{name}` accepts no pixel type"), remedy));
    }
    let optional = keys.optional("optional").map_or(Ok(false), |field| field.flag())?;
    Ok((name.clone(), InputPort { name, kind, dtypes, optional }))
}

fn input_kind(field: &Field<'_>) -> Read<PortKind> {
    let kind: PortKind = field.word()?;
    if kind.is_image() {
        return Ok(kind);
    }
    Err(field.wrong("tables and records do not go into operators yet", "write `image` or `labels`"))
}

fn output(keys: &Keys<'_>) -> Read<(String, OutputPort)> {
    keys.closed(&["name", "kind", "yields", "preserves", "network"])?;
    let name = keys.required("name")?.kebab()?;
    let port = OutputPort {
        name: name.clone(),
        kind: keys.required("kind")?.word()?,
        yields: keys.optional("yields").map_or(Ok(OutputPort::usual_class()), |field| field.word())?,
        preserves: supports(&keys.required("preserves")?)?,
        network: keys.optional("network").map_or(Ok(false), |field| field.flag())?,
    };
    Ok((name, port))
}

fn parameter(keys: &Keys<'_>) -> Read<(String, ParameterSpec)> {
    let of_type = keys.required("type")?;
    let kind = match of_type.line()? {
        "flag" => {
            closed(keys, &[])?;
            ParameterKind::Flag { default: keys.required("default")?.flag()? }
        }
        "integer" => {
            closed(keys, &["min", "max"])?;
            let [default, min, max] = limited(keys, Field::integer)?;
            ParameterKind::Integer { default, min, max }
        }
        "number" => {
            closed(keys, &["min", "max"])?;
            let [default, min, max] = limited(keys, Field::number)?;
            ParameterKind::Number { default, min, max }
        }
        "choice" => {
            closed(keys, &["options"])?;
            choice(keys)?
        }
        "text" => {
            closed(keys, &[])?;
            ParameterKind::Text { default: keys.required("default")?.line_or_nothing()?.to_owned() }
        }
        other => {
            let remedy = "write one of flag, integer, number, choice, text";
            return Err(of_type.wrong(format!("there is no parameter of type `{other}`"), remedy));
        }
    };
    let unit = keys.optional("unit");
    let numeric = matches!(kind, ParameterKind::Integer { .. } | ParameterKind::Number { .. });
    if let Some(field) = unit.as_ref().filter(|_| !numeric)
        && field.word::<Unit>()? != Unit::None
    {
        return Err(field.wrong("only numbers have a unit", "remove `unit`"));
    }
    let spec = ParameterSpec {
        name: keys.required("name")?.kebab()?,
        doc: keys.required("doc")?.line_or_nothing()?.to_owned(),
        role: keys.required("role")?.word()?,
        unit: unit.map_or(Ok(Unit::None), |field| field.word())?,
        kind,
    };
    Ok((spec.name.clone(), spec))
}

fn closed(keys: &Keys<'_>, more: &[&'static str]) -> Read<()> {
    keys.closed(&[&["name", "doc", "role", "unit", "type", "default"], more].concat())
}

/// Default, smallest and largest value, in order.
fn limited<'d, T: PartialOrd + ToString + Copy>(
    keys: &Keys<'d>,
    read: impl Fn(&Field<'d>) -> Read<T>,
) -> Read<[T; 3]> {
    let field = keys.required("default")?;
    let (default, min, max) = (read(&field)?, read(&keys.required("min")?)?, read(&keys.required("max")?)?);
    let (low, high) = (min.to_string(), max.to_string());
    if min > max {
        return Err(keys
            .required("min")?
            .wrong(format!("`min` is {low}, more than `max`, {high}"), "exchange them"));
    }
    if default < min || default > max {
        return Err(field.wrong(
            format!("`default` is {}; it must lie between {low} and {high}", default.to_string()),
            "change the default or the limits",
        ));
    }
    Ok([default, min, max])
}

fn choice(keys: &Keys<'_>) -> Read<ParameterKind> {
    let options = keys.required("options")?;
    let mut words: Vec<String> = Vec::new();
    for field in options.list()? {
        let word = field.line()?;
        if words.iter().any(|known| known == word) {
            return Err(field.wrong(format!("the option `{word}` stands here twice"), "remove one"));
        }
        words.push(word.to_owned());
    }
    let field = keys.required("default")?;
    let default = field.line()?.to_owned();
    if !words.contains(&default) {
        let remedy =
            if words.is_empty() { "add it".to_owned() } else { format!("write one of {}", words.join(", ")) };
        return Err(field.wrong(format!("the default `{default}` is not among the options"), remedy));
    }
    Ok(ParameterKind::Choice { default, options: words })
}
