//! Sets of parameters that are worth trying.

use parfocal_types::{ParameterKind, ParameterSpec, ParameterValue, Parameters, Result};

use crate::random::Random;

/// One set of parameters, with a name for messages: "default", "sigma=0".
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// What differs from the defaults.
    pub name: String,
    /// All parameters.
    pub parameters: Parameters,
}

/// Makes sets of parameters from what an operator declares.
#[derive(Debug, Clone, Copy)]
pub struct Settings<'a> {
    specs: &'a [ParameterSpec],
}

impl<'a> Settings<'a> {
    /// For these parameters.
    #[must_use]
    pub const fn new(specs: &'a [ParameterSpec]) -> Self {
        Self { specs }
    }

    /// The defaults, with some values given.
    ///
    /// # Errors
    /// As [`Parameters::complete`].
    pub fn with(&self, given: &[(&str, ParameterValue)]) -> Result<Setting> {
        let name = match given {
            [] => "default".to_owned(),
            given => {
                given.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
            }
        };
        let given = given.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        Ok(Setting { name, parameters: Parameters::complete(self.specs, given)? })
    }

    /// The defaults.
    ///
    /// # Errors
    /// When a default lies outside its own limits.
    pub fn defaults(&self) -> Result<Setting> {
        self.with(&[])
    }

    /// The defaults; then each parameter by itself at each of its limits and words.
    ///
    /// # Errors
    /// As [`defaults`](Self::defaults).
    pub fn edges(&self) -> Result<Vec<Setting>> {
        let mut settings = vec![self.defaults()?];
        for spec in self.specs {
            for value in edges_of(spec) {
                if value != spec.default_value() {
                    settings.push(self.with(&[(&spec.name, value)])?);
                }
            }
        }
        Ok(settings)
    }

    /// All words of choices and flags in all combinations (at most `most`), numbers at their defaults.
    ///
    /// # Errors
    /// As [`defaults`](Self::defaults).
    pub fn words(&self, most: usize) -> Result<Vec<Setting>> {
        let mut combinations: Vec<Vec<(&str, ParameterValue)>> = vec![Vec::new()];
        for spec in self.specs {
            let words = match &spec.kind {
                ParameterKind::Choice { .. } | ParameterKind::Flag { .. } => edges_of(spec),
                _ => continue,
            };
            let default = spec.default_value();
            combinations = combinations
                .into_iter()
                .flat_map(|given| {
                    words
                        .iter()
                        .map(move |word| {
                            let mut given = given.clone();
                            given.push((spec.name.as_str(), word.clone()));
                            given
                        })
                        .collect::<Vec<_>>()
                })
                .collect();
            // The defaults come first.
            combinations.sort_by_key(|given| {
                given.iter().filter(|(name, value)| *name == spec.name && *value != default).count()
            });
            combinations.truncate(most.max(1));
        }
        combinations.iter().map(|given| self.with(given)).collect()
    }

    /// A set of values drawn within their limits, numbers nearer to the default more often.
    ///
    /// # Errors
    /// As [`defaults`](Self::defaults).
    pub fn drawn(&self, random: &mut Random) -> Result<Setting> {
        let given: Vec<_> = self.specs.iter().map(|spec| (spec.name.as_str(), draw(spec, random))).collect();
        self.with(&given)
    }
}

/// The limits of a number, the words of a choice.
fn edges_of(spec: &ParameterSpec) -> Vec<ParameterValue> {
    match &spec.kind {
        ParameterKind::Flag { .. } => vec![ParameterValue::Flag(false), ParameterValue::Flag(true)],
        ParameterKind::Integer { min, max, .. } => {
            vec![ParameterValue::Integer(*min), ParameterValue::Integer(*max)]
        }
        ParameterKind::Number { min, max, .. } => {
            vec![ParameterValue::Number(*min), ParameterValue::Number(*max)]
        }
        ParameterKind::Choice { options, .. } => options.iter().cloned().map(ParameterValue::Text).collect(),
        ParameterKind::Text { default } => vec![ParameterValue::Text(default.clone())],
    }
}

fn draw(spec: &ParameterSpec, random: &mut Random) -> ParameterValue {
    // The square keeps most draws near the default, where an operator usually works; the limits are tried by themselves.
    let share = random.fraction().powi(2);
    let up = random.bits() & 1 == 0;
    match &spec.kind {
        ParameterKind::Flag { .. } => ParameterValue::Flag(up),
        ParameterKind::Integer { default, min, max } => {
            let reach = if up { max.saturating_sub(*default) } else { default.saturating_sub(*min) };
            let near = reach.min(16) as f64 * share;
            let step = near.round() as i64;
            ParameterValue::Integer((if up { default + step } else { default - step }).clamp(*min, *max))
        }
        ParameterKind::Number { default, min, max } => {
            let reach = if up { (max - default).min(default.abs().max(1.0) * 2.0) } else { min - default };
            ParameterValue::Number((default + reach * share).clamp(*min, *max))
        }
        ParameterKind::Choice { default, options } => {
            let index = usize::try_from(random.below(options.len() as u64)).unwrap_or(0);
            ParameterValue::Text(options.get(index).unwrap_or(default).clone())
        }
        ParameterKind::Text { default } => ParameterValue::Text(default.clone()),
    }
}

#[cfg(test)]
mod tests {
    use parfocal_types::{ParameterRole, Unit};

    use super::*;

    fn specs() -> Vec<ParameterSpec> {
        let spec = |name: &str, kind| ParameterSpec {
            name: name.into(),
            doc: String::new(),
            role: ParameterRole::Tunable,
            unit: Unit::None,
            kind,
        };
        let options = ["a", "b", "c"].map(String::from).to_vec();
        vec![
            spec("sigma", ParameterKind::Number { default: 1.0, min: 0.0, max: 9.0 }),
            spec("mode", ParameterKind::Choice { default: "b".into(), options: options.clone() }),
            spec("flag", ParameterKind::Flag { default: true }),
        ]
    }

    #[test]
    fn edges_are_the_defaults_and_each_limit_by_itself() {
        let specs = specs();
        let names: Vec<_> = Settings::new(&specs).edges().unwrap().into_iter().map(|one| one.name).collect();
        assert_eq!(names, ["default", "sigma=0", "sigma=9", "mode=a", "mode=c", "flag=false"]);
    }

    #[test]
    fn words_come_in_all_combinations_the_defaults_first() {
        let specs = specs();
        let words = Settings::new(&specs).words(100).unwrap();
        assert_eq!(words.len(), 6);
        assert_eq!(words[0].parameters, Settings::new(&specs).defaults().unwrap().parameters);
        assert_eq!(Settings::new(&specs).words(2).unwrap().len(), 2);
    }

    #[test]
    fn drawn_values_lie_within_their_limits() {
        let specs = specs();
        let mut random = Random::new(1);
        let drawn: Vec<_> = (0..50).map(|_| Settings::new(&specs).drawn(&mut random).unwrap().name).collect();
        assert!(drawn.iter().collect::<std::collections::BTreeSet<_>>().len() > 20, "{drawn:?}");
    }
}
