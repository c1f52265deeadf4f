//! Tables and values of a TOML document with their place and their name, so that every refusal points at something.

use std::{ops::Range, str::FromStr};

use serde::de::DeserializeOwned;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    Read,
    word::{nearest, word},
};
use crate::error::ManifestError;

/// Longest line of text in a manifest, in characters: a sentence, no essay.
const LONGEST_LINE: usize = 1000;

/// A table of the document.
pub(super) struct Keys<'d> {
    text: &'d str,
    /// How messages call it, for example `[plugin]`.
    name: String,
    span: Range<usize>,
    table: &'d DeTable<'d>,
    level: Level,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Root,
    Inner,
}

/// A value of the document.
pub(super) struct Field<'d> {
    text: &'d str,
    /// How messages call it, for example `` `version` in [plugin] ``.
    name: String,
    /// How tables below it are called.
    inner: String,
    value: &'d Spanned<DeValue<'d>>,
}

impl<'d> Keys<'d> {
    pub(super) fn root(text: &'d str, document: &'d Spanned<DeTable<'d>>) -> Self {
        Self {
            text,
            name: "the top of the manifest".into(),
            span: 0..0,
            table: document.get_ref(),
            level: Level::Root,
        }
    }

    /// Refuses keys that are not `known` and are no vendor's, the first in the text first.
    pub(super) fn closed(&self, known: &[&'static str]) -> Read<()> {
        let unknown = self
            .table
            .keys()
            .filter(|key| !known.contains(&key.get_ref().as_ref()) && !key.get_ref().starts_with("x-"))
            .min_by_key(|key| key.span().start);
        let Some(key) = unknown else { return Ok(()) };
        let word = key.get_ref().escape_debug().to_string();
        let place = match self.level {
            Level::Root => "at the top of the manifest".to_owned(),
            Level::Inner => format!("in {}", self.name),
        };
        let remedy = match nearest(&word, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the keys are {}; keys of your own start with `x-`", known.join(", ")),
        };
        Err(ManifestError::at(self.text, key.span(), format!("there is no key `{word}` {place}"), remedy))
    }

    pub(super) fn optional(&self, key: &'static str) -> Option<Field<'d>> {
        let value = self.table.get(key)?;
        let (name, inner) = match self.level {
            Level::Root => (format!("`{key}`"), format!("[{key}]")),
            Level::Inner => (format!("`{key}` in {}", self.name), format!("{key} of {}", self.name)),
        };
        Some(Field { text: self.text, name, inner, value })
    }

    pub(super) fn required(&self, key: &'static str) -> Read<Field<'d>> {
        self.optional(key).ok_or_else(|| {
            let message = match self.level {
                Level::Root => format!("the manifest has no `{key}`"),
                Level::Inner => format!("{} has no `{key}`", self.name),
            };
            let remedy = match key {
                "manifest-version" => "begin with `manifest-version = 1`".to_owned(),
                "plugin" => {
                    "add the table [plugin] with id, name, version, license and description".to_owned()
                }
                _ => format!("add `{key}`"),
            };
            self.wrong(message, remedy)
        })
    }

    /// Whether the table has this key.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    pub(super) fn wrong(&self, message: impl Into<String>, remedy: impl Into<String>) -> ManifestError {
        ManifestError::at(self.text, self.span.clone(), message, remedy)
    }

    /// The same table, called `name` from now on.
    pub(super) fn called(mut self, name: String) -> Self {
        self.name = name;
        self
    }
}

impl<'d> Field<'d> {
    /// How messages call the field.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn wrong(&self, message: impl Into<String>, remedy: impl Into<String>) -> ManifestError {
        ManifestError::at(self.text, self.value.span(), message, remedy)
    }

    fn other_type(&self, wanted: &str) -> ManifestError {
        let is = match self.value.get_ref() {
            DeValue::String(_) => "text",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.wrong(format!("{} is {is}, where {wanted} belongs", self.name), format!("write {wanted}"))
    }

    fn text(&self) -> Read<&'d str> {
        match self.value.get_ref() {
            DeValue::String(text) => Ok(text),
            _ => Err(self.other_type("text in quotes")),
        }
    }

    /// Text for people: one line, not empty.
    pub(super) fn line(&self) -> Read<&'d str> {
        let text = self.text()?;
        if text.trim().is_empty() {
            return Err(self.wrong(format!("{} is empty", self.name), "write one line of text"));
        }
        if text.chars().any(char::is_control) {
            return Err(self.wrong(
                format!("{} has line breaks or control characters", self.name),
                "write one line of plain text",
            ));
        }
        if text.chars().count() > LONGEST_LINE {
            return Err(self.wrong(
                format!("{} has more than {LONGEST_LINE} characters", self.name),
                "write one sentence, and put the rest into a file of the package",
            ));
        }
        Ok(text)
    }

    /// Text for people that may be empty.
    pub(super) fn line_or_nothing(&self) -> Read<&'d str> {
        if self.text()?.is_empty() { Ok("") } else { self.line() }
    }

    /// A word that knows how to parse itself.
    pub(super) fn parse<T: FromStr<Err = parfocal_types::Error>>(&self) -> Read<T> {
        self.line()?.parse().map_err(|error: parfocal_types::Error| {
            self.wrong(format!("{}: {}", self.name, error.message()), error.remedy().unwrap_or_default())
        })
    }

    /// A word of a closed list.
    pub(super) fn word<T: DeserializeOwned>(&self) -> Read<T> {
        let text = self.line()?;
        word(text).map_err(|expected| {
            let remedy = match nearest(text, expected.0.iter().copied()) {
                Some(near) => format!("did you mean `{near}`? The words are {}", expected.0.join(", ")),
                None => format!("write {expected}"),
            };
            self.wrong(format!("{} does not know `{text}`", self.name), remedy)
        })
    }

    /// A name in kebab-case.
    pub(super) fn kebab(&self) -> Read<String> {
        let text = self.line()?;
        if parfocal_operator::descriptor::is_kebab(text) {
            return Ok(text.to_owned());
        }
        Err(self.wrong(
            format!("{} is `{text}`, which is not kebab-case", self.name),
            "write words in lower case joined by `-`, for example `top-hat`",
        ))
    }

    pub(super) fn flag(&self) -> Read<bool> {
        self.value.get_ref().as_bool().ok_or_else(|| self.other_type("true or false"))
    }

    pub(super) fn integer(&self) -> Read<i64> {
        let DeValue::Integer(number) = self.value.get_ref() else {
            return Err(self.other_type("a whole number"));
        };
        i64::from_str_radix(number.as_str(), number.radix()).map_err(|_| {
            self.wrong(format!("{} does not fit into 64 bits", self.name), "write a smaller number")
        })
    }

    pub(super) fn small(&self) -> Read<u32> {
        let number = self.integer()?;
        u32::try_from(number).map_err(|_| {
            self.wrong(
                format!("{} is {number}; it must lie between 0 and {}", self.name, u32::MAX),
                "write a number of pixels or frames",
            )
        })
    }

    /// A finite number; a whole one counts as one.
    pub(super) fn number(&self) -> Read<f64> {
        let number = match self.value.get_ref() {
            DeValue::Float(number) => number.as_str().parse().ok(),
            DeValue::Integer(_) => self.integer()?.to_string().parse().ok(),
            _ => return Err(self.other_type("a number")),
        };
        number.filter(|number: &f64| number.is_finite()).ok_or_else(|| {
            self.wrong(format!("{} is not a finite number", self.name), "write an ordinary number")
        })
    }

    pub(super) fn list(&self) -> Read<Vec<Self>> {
        let DeValue::Array(items) = self.value.get_ref() else {
            return Err(self.other_type("a list in [ ]"));
        };
        let item =
            |value| Self { text: self.text, name: self.name.clone(), inner: self.inner.clone(), value };
        Ok(items.iter().map(item).collect())
    }

    pub(super) fn table(&self) -> Read<Keys<'d>> {
        let DeValue::Table(table) = self.value.get_ref() else {
            return Err(self.other_type("a table"));
        };
        Ok(Keys {
            text: self.text,
            name: self.inner.clone(),
            span: self.value.span(),
            table,
            level: Level::Inner,
        })
    }

    /// The tables of an array of tables, each named after its `id` or `name` where it has one.
    pub(super) fn tables(&self) -> Read<Vec<Keys<'d>>> {
        let DeValue::Array(_) = self.value.get_ref() else {
            return Err(self.other_type("a list of tables, each under a [[double]] bracket,"));
        };
        let mut tables = Vec::new();
        for (index, item) in self.list()?.into_iter().enumerate() {
            let table = item.table()?;
            let own = ["id", "name", "lane", "kind"].iter().find_map(|key| {
                let word = table.table.get(*key)?.get_ref().as_str()?;
                (word.len() <= 64 && !word.contains(char::is_control)).then(|| format!("`{word}`"))
            });
            let own = own.unwrap_or_else(|| format!("number {}", index + 1));
            let name = match self.inner.strip_prefix('[') {
                Some(_) => format!("[{}] {own}", self.inner),
                None => match self.inner.split_once(" of ") {
                    Some((kind, rest)) => format!("{kind} {own} of {rest}"),
                    None => own,
                },
            };
            tables.push(table.called(name));
        }
        Ok(tables)
    }
}
