//! Reads the options of a format, each once, and refuses those that nobody read.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use crate::error::OptionError;
use crate::format::Format;

/// The options of a format.
pub(crate) struct Reader<'v> {
    format: Format,
    values: Option<&'v Map<String, Value>>,
    known: Vec<&'static str>,
}

impl<'v> Reader<'v> {
    /// `options` is an object or null, which means none.
    pub(crate) fn new(format: Format, options: &'v Value) -> Result<Self, OptionError> {
        let values = match options {
            Value::Null => None,
            Value::Object(values) => Some(values),
            _ => {
                return Err(OptionError::new(
                    "the options of a format must be a JSON object",
                    "Write them as {\"name\": \"value\"}.",
                ));
            }
        };
        Ok(Self {
            format,
            values,
            known: Vec::new(),
        })
    }

    /// Refuses what has not been asked for.
    pub(crate) fn finish(self) -> Result<(), OptionError> {
        let Some(values) = self.values else { return Ok(()) };
        let Some(unknown) = values.keys().find(|key| !self.known.contains(&key.as_str())) else {
            return Ok(());
        };
        let shown: String = unknown.chars().take(40).flat_map(char::escape_debug).collect();
        let message = format!("the format {} has no option \"{shown}\"", self.format);
        let hint = match nearest(unknown, self.known.iter().copied()) {
            _ if self.known.is_empty() => "This format has no options.".to_owned(),
            Some(near) => format!("Did you mean {near}? The options are {}.", self.known.join(", ")),
            None => format!("The options are {}.", self.known.join(", ")),
        };
        Err(OptionError::new(message, hint))
    }

    /// The error that an option must be something else than it is.
    pub(crate) fn wrong(&self, name: &str, what: &str) -> OptionError {
        OptionError::new(
            format!(
                "the option \"{name}\" of the format {} is not what it must be",
                self.format
            ),
            format!("It must be {what}."),
        )
    }

    fn value(&mut self, name: &'static str) -> Option<&'v Value> {
        self.known.push(name);
        self.values?.get(name).filter(|value| !value.is_null())
    }

    /// A text.
    pub(crate) fn text(&mut self, name: &'static str) -> Result<Option<&'v str>, OptionError> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.wrong(name, "a text")),
        }
    }

    /// A text of 1 to `most` characters without control characters and those in `without`.
    pub(crate) fn line(
        &mut self,
        name: &'static str,
        most: usize,
        without: &[char],
    ) -> Result<Option<&'v str>, OptionError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let fits = !text.is_empty()
            && text.chars().count() <= most
            && !text.chars().any(|c| c.is_control() || without.contains(&c));
        if fits {
            return Ok(Some(text));
        }
        let not: Vec<String> = without.iter().map(char::to_string).collect();
        let not = if not.is_empty() {
            String::new()
        } else {
            format!(" and {}", not.join(" "))
        };
        Err(self.wrong(
            name,
            &format!("a text of 1 to {most} characters without control characters{not}"),
        ))
    }

    /// A word of 1 to `most` printable ASCII characters.
    pub(crate) fn word(&mut self, name: &'static str, most: usize) -> Result<Option<&'v str>, OptionError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        if is_word(text, most) {
            return Ok(Some(text));
        }
        Err(self.wrong(name, &format!("a word of 1 to {most} printable ASCII characters")))
    }

    /// A list of texts that is not empty and has none twice.
    pub(crate) fn texts(&mut self, name: &'static str) -> Result<Option<Vec<String>>, OptionError> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let texts: Option<Vec<String>> = value.as_array().and_then(|items| items.iter().map(text).collect());
        let Some(texts) = texts.filter(|texts| !texts.is_empty()) else {
            return Err(self.wrong(name, "a list of names, such as [\"timestamp\", \"event_type\"]"));
        };
        for (at, text) in texts.iter().enumerate() {
            if texts[..at].contains(text) {
                let shown: String = text.chars().take(40).flat_map(char::escape_debug).collect();
                return Err(OptionError::new(
                    format!(
                        "the option \"{name}\" of the format {} has \"{shown}\" twice",
                        self.format
                    ),
                    "Name each once.",
                ));
            }
        }
        Ok(Some(texts))
    }

    /// A whole number in `range`.
    pub(crate) fn number(
        &mut self,
        name: &'static str,
        range: RangeInclusive<u64>,
    ) -> Result<Option<u64>, OptionError> {
        let Some(value) = self.value(name) else { return Ok(None) };
        match value.as_u64() {
            Some(number) if range.contains(&number) => Ok(Some(number)),
            _ => Err(self.wrong(
                name,
                &format!("a whole number from {} to {}", range.start(), range.end()),
            )),
        }
    }

    /// One of `choices`, or the first.
    pub(crate) fn choice<T: Copy>(&mut self, name: &'static str, choices: &[(&str, T)]) -> Result<T, OptionError> {
        let Some(value) = self.value(name) else {
            return Ok(choices[0].1);
        };
        let found = choices.iter().find(|(choice, _)| value.as_str() == Some(choice));
        found.map(|(_, choice)| *choice).ok_or_else(|| {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            self.wrong(name, &format!("one of {}", names.join(", ")))
        })
    }
}

/// Is the text a word of 1 to `most` printable ASCII characters?
pub(crate) fn is_word(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The name that somebody probably meant.
pub(crate) fn nearest<'n>(wanted: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    // a name cannot be that far from one of ours
    if wanted.len() > 80 {
        return None;
    }
    let nearness = |name: &'n str| (strsim::jaro_winkler(wanted, name), name);
    let best = names.map(nearness).max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 > 0.8).then_some(best.1)
}
