//! Parameters: numbers that a framework leaves to the organisation, or that change with the law.

use auditlog_policy::alert::definition::keys::nearest;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Largest value of a parameter.
pub const MAX_VALUE: u32 = 1_000_000_000;

/// A number with its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Lower case letters, digits and `_`, beginning with a letter.
    pub name: String,
    /// The default.
    pub value: u32,
    /// What it counts.
    pub unit: Unit,
    /// What it rests on: a citation, or «own default».
    pub basis: String,
    /// What it does.
    pub meaning: String,
}

/// What a parameter counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Unit {
    Microseconds,
    Milliseconds,
    Seconds,
    Minutes,
    Hours,
    Days,
    Events,
    Rows,
    Percent,
}

impl Unit {
    /// All of them.
    pub const ALL: [Unit; 9] = [
        Unit::Microseconds,
        Unit::Milliseconds,
        Unit::Seconds,
        Unit::Minutes,
        Unit::Hours,
        Unit::Days,
        Unit::Events,
        Unit::Rows,
        Unit::Percent,
    ];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Unit::Microseconds => "microseconds",
            Unit::Milliseconds => "milliseconds",
            Unit::Seconds => "seconds",
            Unit::Minutes => "minutes",
            Unit::Hours => "hours",
            Unit::Days => "days",
            Unit::Events => "events",
            Unit::Rows => "rows",
            Unit::Percent => "percent",
        }
    }

    /// Microseconds of one, for units of time.
    pub fn microseconds(self) -> Option<i64> {
        Some(match self {
            Unit::Microseconds => 1,
            Unit::Milliseconds => 1_000,
            Unit::Seconds => 1_000_000,
            Unit::Minutes => 60_000_000,
            Unit::Hours => 3_600_000_000,
            Unit::Days => 86_400_000_000,
            Unit::Events | Unit::Rows | Unit::Percent => return None,
        })
    }
}

/// Why a parameter can't be set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ParameterError {
    /// Lower case, no full stop.
    pub message: String,
    /// A sentence that says what to do.
    pub hint: String,
}

/// The values that a report is made with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parameters {
    values: BTreeMap<String, (u32, Unit)>,
}

impl Parameters {
    /// The defaults of a framework.
    pub fn of(parameters: &[Parameter]) -> Parameters {
        let value = |parameter: &Parameter| (parameter.name.clone(), (parameter.value, parameter.unit));
        Parameters {
            values: parameters.iter().map(value).collect(),
        }
    }

    /// Sets a value in place of the default.
    ///
    /// # Errors
    /// The framework has no such parameter, or the value is too large.
    pub fn set(&mut self, name: &str, value: u32) -> Result<(), ParameterError> {
        if value > MAX_VALUE {
            return Err(ParameterError {
                message: format!("the parameter {name:?} can't be {value}"),
                hint: format!("Give a whole number from 0 to {MAX_VALUE}."),
            });
        }
        match self.values.get_mut(name) {
            Some(found) => found.0 = value,
            None => return Err(self.unknown(name)),
        }
        Ok(())
    }

    /// The value, when there is such a parameter.
    pub fn get(&self, name: &str) -> Option<u32> {
        self.values.get(name).map(|(value, _)| *value)
    }

    /// What the parameter counts.
    pub fn unit(&self, name: &str) -> Option<Unit> {
        self.values.get(name).map(|(_, unit)| *unit)
    }

    /// The value in microseconds, of a parameter that is a length of time.
    pub fn microseconds(&self, name: &str) -> Option<i64> {
        let (value, unit) = self.values.get(name)?;
        Some(i64::from(*value) * unit.microseconds()?)
    }

    /// All values, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u32)> {
        self.values.iter().map(|(name, (value, _))| (name.as_str(), *value))
    }

    /// The text with values for `$name`, and `$` for `$$`; names that are unknown stay.
    pub fn expand(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        self.pieces(text, |piece| match piece {
            Ok(text) => out.push_str(text),
            Err(name) => {
                let _ = match self.get(name) {
                    Some(value) => write!(out, "{value}"),
                    None => write!(out, "${name}"),
                };
            }
        });
        out
    }

    /// The first name in the text that is no parameter, and the character of its `$` (from 0).
    pub(super) fn first_unknown<'a>(&self, text: &'a str) -> Option<(&'a str, usize)> {
        let mut at = 0;
        let mut found = None;
        self.pieces(text, |piece| match piece {
            // `$$` is written with two
            Ok("$") => at += 2,
            Ok(text) => at += text.chars().count(),
            Err(name) => {
                if found.is_none() && self.get(name).is_none() {
                    found = Some((name, at));
                }
                at += 1 + name.chars().count();
            }
        });
        found
    }

    pub(super) fn unknown(&self, name: &str) -> ParameterError {
        let known: Vec<&str> = self.values.keys().map(String::as_str).collect();
        let list = match known.as_slice() {
            [] => "The framework has no parameters.".to_owned(),
            known => format!("Parameters are {}.", known.join(", ")),
        };
        let near = nearest(name, &known).map(|near| format!("Did you mean «{near}»? "));
        ParameterError {
            message: format!("there is no parameter {name:?}"),
            hint: format!("{}{list}", near.unwrap_or_default()),
        }
    }

    /// Texts (Ok) and names of parameters (Err), in turn; a `$` alone is a text of its own.
    fn pieces<'a>(&self, text: &'a str, mut each: impl FnMut(Result<&'a str, &'a str>)) {
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            if at > 0 {
                each(Ok(&rest[..at]));
            }
            let after = &rest[at + 1..];
            let length = name_length(after);
            if length > 0 {
                each(Err(&after[..length]));
                rest = &after[length..];
            } else if let Some(after) = after.strip_prefix('$') {
                each(Ok(&rest[at..=at]));
                rest = after;
            } else {
                // such as the end of a regular expression; two pieces, as it counts one character
                each(Ok(&rest[at..at + 1 + after.chars().next().map_or(0, char::len_utf8)]));
                rest = &after[after.chars().next().map_or(0, char::len_utf8)..];
            }
        }
        if !rest.is_empty() {
            each(Ok(rest));
        }
    }
}

/// Bytes of a parameter's name at the beginning of the text.
pub(super) fn name_length(text: &str) -> usize {
    if !text.starts_with(|c: char| c.is_ascii_lowercase()) {
        return 0;
    }
    text.bytes()
        .take_while(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'_')
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters() -> Parameters {
        let one = |name: &str, value, unit| Parameter {
            name: name.to_owned(),
            value,
            unit,
            basis: "own default".to_owned(),
            meaning: "a test".to_owned(),
        };
        Parameters::of(&[one("rows", 10_000, Unit::Rows), one("removal_hours", 24, Unit::Hours)])
    }

    #[test]
    fn names_get_their_values() {
        let mut parameters = parameters();
        for (text, expected) in [
            ("metadata.row_count:>=$rows", "metadata.row_count:>=10000"),
            ("$rows$rows", "1000010000"),
            ("a:/x$/ AND b:$$rows", "a:/x$/ AND b:$rows"),
            ("a:$", "a:$"),
            ("a:$ü $other", "a:$ü $other"),
            ("", ""),
        ] {
            assert_eq!(parameters.expand(text), expected);
        }
        parameters.set("rows", 5).expect("known");
        assert_eq!(parameters.expand("$rows"), "5");
        assert_eq!(parameters.microseconds("removal_hours"), Some(86_400_000_000));
        assert_eq!(parameters.microseconds("rows"), None);
    }

    #[test]
    fn unknown_names_have_a_hint() {
        let mut parameters = parameters();
        assert_eq!(parameters.first_unknown("ü:$$x $rows $row"), Some(("row", 12)));
        assert_eq!(parameters.first_unknown("a:/x$/ $rows"), None);
        let error = parameters.set("removal_hour", 1).expect_err("unknown");
        assert_eq!(error.message, "there is no parameter \"removal_hour\"");
        assert_eq!(
            error.hint,
            "Did you mean «removal_hours»? Parameters are removal_hours, rows."
        );
        assert!(parameters.set("rows", MAX_VALUE + 1).is_err());
    }
}
