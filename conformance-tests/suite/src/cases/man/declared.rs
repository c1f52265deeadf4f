//! What the manifest declares: MAN-07, MAN-08, MAN-10, MAN-11.

use parfocal_operator::{Descriptor, descriptor::validate_all};
use parfocal_types::Unit;

use super::{MAN, list, table};
use crate::{
    case::{Applies, Case, Run},
    finding::{Check, Finding},
    scene::Scene,
    status::Severity,
    subject::Subject,
};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "MAN-07",
        sentence: "Each operator says everything that a host must know before it runs.",
        demands: "Each `[[operator]]` has id, summary, kind, inputs with pixel types, outputs with class and supports; ids are \
                  unique; kinds, ports and classes agree with each other.",
        why: "Hosts plan memory, tiles and what may be concluded from a result without loading the plugin.",
        fix: "Let `parfocal build` write the operators from the code; it writes what the code declares.",
        run: Run::Written(man_07),
        ..MAN
    },
    Case {
        id: "MAN-08",
        sentence: "Permissions are listed one by one, each with a reason; no wildcards.",
        demands: "Each `[[permission]]` names one directory, one host and port, or one serial port, without wildcards, and a \
                  reason in a sentence.",
        why: "A user who grants something must see what, and why.",
        fix: "Name exactly what is needed, twice if two things are needed, and say what for.",
        run: Run::Written(man_08),
        ..MAN
    },
    Case {
        id: "MAN-10",
        sentence: "Each parameter has a known unit, and limits that hold its default.",
        demands: "`unit` is of the closed list; min <= default <= max, all finite; a choice's default is one of its options, which \
                  are unique; names are unique in the operator; each parameter has a sentence of documentation.",
        why: "User interfaces and recipes are made from this, and a default that is refused by its own limits fails in the \
              field.",
        fix: "Correct the limits, the default or the unit in the code, and package again.",
        run: Run::Written(man_10),
        ..MAN
    },
    Case {
        id: "MAN-11",
        severity: Severity::Should,
        sentence: "Each AI capability says what it was trained on and what it is not valid for.",
        demands: "An operator with an output made by a network carries a block of fitness for use: trained on, not valid for, \
                  whether its output is predicted.",
        why: "A network outside of its domain gives images that look right.",
        fix: "State the domain of the training data, and where the network is known to fail.",
        applies: made_by_a_network,
        ..MAN
    },
];

fn operators<'a>(scene: &Scene<'a>) -> Result<Vec<&'a toml::Table>, Finding> {
    let operators = list(table(scene)?, "operator");
    if operators.is_empty() {
        return Err(Finding::fail("the manifest declares no operator")
            .with("fix", "`parfocal build` writes `[[operator]]`"));
    }
    Ok(operators)
}

/// One operator's table as the contract's own type, unless the reader refuses it.
fn man_07(scene: &mut Scene<'_>) -> Check {
    const NEEDED: &[&str] = &["id", "summary", "kind", "max-halo", "output"];
    let operators = operators(scene)?;
    for (index, operator) in operators.iter().enumerate() {
        let id = operator
            .get("id")
            .and_then(toml::Value::as_str)
            .map_or_else(|| format!("number {}", index + 1), str::to_owned);
        for key in NEEDED {
            if !operator.contains_key(*key) {
                return Err(Finding::fail(format!("operator {id} does not say `{key}`")));
            }
        }
        for port in list(operator, "input") {
            let dtypes = port.get("dtypes").and_then(toml::Value::as_array);
            if !port.contains_key("name") || dtypes.is_none_or(Vec::is_empty) {
                return Err(Finding::fail(format!(
                    "an input of operator {id} has no name or no pixel types"
                )));
            }
        }
        for port in list(operator, "output") {
            if let Some(key) =
                ["name", "kind", "yields", "preserves"].iter().find(|key| !port.contains_key(**key))
            {
                return Err(Finding::fail(format!("an output of operator {id} does not say `{key}`")));
            }
        }
    }
    let declared = scene.subject().operators();
    if declared.is_empty() {
        return Err(Finding::skip("the operators cannot be read: see MAN-01"));
    }
    validate_all(declared).map_err(|error| Finding::fail(error.message()))?;
    Ok(Finding::pass(format!("{} operators say everything", declared.len())))
}

fn man_08(scene: &mut Scene<'_>) -> Check {
    let permissions = list(table(scene)?, "permission");
    for (index, permission) in permissions.iter().enumerate() {
        let number = index + 1;
        let reason = permission.get("reason").and_then(toml::Value::as_str).unwrap_or_default();
        if reason.trim().len() < 8 {
            return Err(Finding::fail(format!("permission {number} gives no reason")));
        }
        let wild = permission.iter().find(|(key, value)| {
            *key != "reason"
                && value
                    .as_str()
                    .is_some_and(|text| text.contains(['*', '?']) || matches!(text, "/" | "~/" | "0.0.0.0"))
        });
        if let Some((key, value)) = wild {
            return Err(Finding::fail(format!("permission {number} asks for everything"))
                .with(key, value.as_str().unwrap_or_default()));
        }
    }
    // The reader's rules are the host's: it refuses what is no directory, host or port.
    match scene.subject().manifest() {
        Err(why) if why.contains("permission") => {
            Err(Finding::fail("the host's reader refuses a permission").with("message", why))
        }
        _ => Ok(Finding::pass(match permissions.len() {
            0 => "it asks for nothing".to_owned(),
            count => format!("{count} permissions, each with a reason"),
        })),
    }
}

fn man_10(scene: &mut Scene<'_>) -> Check {
    let mut count = 0;
    for operator in operators(scene)? {
        let id = operator.get("id").and_then(toml::Value::as_str).unwrap_or("?");
        let mut names = Vec::new();
        for parameter in list(operator, "parameter") {
            let name = parameter.get("name").and_then(toml::Value::as_str).unwrap_or_default();
            let wrong = |what: String| Finding::fail(format!("parameter `{name}` of operator `{id}` {what}"));
            if names.contains(&name) {
                return Err(wrong("is declared twice".into()));
            }
            names.push(name);
            check_parameter(parameter).map_err(wrong)?;
            count += 1;
        }
    }
    Ok(Finding::pass(format!("{count} parameters have units and limits that agree")))
}

fn check_parameter(parameter: &toml::Table) -> Result<(), String> {
    let unit = parameter.get("unit").map_or(Some("none"), toml::Value::as_str).unwrap_or_default();
    if !Unit::ALL.iter().any(|known| known.name() == unit) {
        return Err(format!("has the unit `{unit}`, which is none of the contract's"));
    }
    if parameter.get("doc").and_then(toml::Value::as_str).is_none_or(|doc| doc.trim().is_empty()) {
        return Err("has no documentation".into());
    }
    let number = |key: &str| {
        let value = parameter.get(key)?;
        #[allow(clippy::cast_precision_loss, reason = "limits are compared, not computed with")]
        value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64))
    };
    match parameter.get("type").and_then(toml::Value::as_str) {
        Some("number" | "integer") => {
            let (Some(min), Some(default), Some(max)) = (number("min"), number("default"), number("max"))
            else {
                return Err("has no default, min and max".into());
            };
            if ![min, default, max].iter().all(|value| value.is_finite()) || min > default || default > max {
                return Err(format!("has the default {default}, which does not lie between {min} and {max}"));
            }
            Ok(())
        }
        Some("choice") => {
            let options = parameter.get("options").and_then(toml::Value::as_array);
            let mut options: Vec<_> = options.into_iter().flatten().filter_map(toml::Value::as_str).collect();
            let default = parameter.get("default").and_then(toml::Value::as_str).unwrap_or_default();
            if !options.contains(&default) {
                return Err(format!("has the default `{default}`, which is none of its options"));
            }
            let count = options.len();
            options.sort_unstable();
            options.dedup();
            if options.len() == count { Ok(()) } else { Err("lists an option twice".into()) }
        }
        Some("flag" | "text") => Ok(()),
        other => Err(format!("is of the type {other:?}, which the contract does not know")),
    }
}

fn made_by_a_network(subject: &Subject, _: Option<&Descriptor>) -> Applies {
    let network = subject.operators().iter().flat_map(|operator| &operator.outputs).any(|port| port.network);
    if network {
        Applies::NotYet("fitness for use in manifests (it comes with models)")
    } else {
        Applies::NotDeclared("no output is made by a network".into())
    }
}
