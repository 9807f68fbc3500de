//! Reads the options of a target or a channel, each once, and refuses those that nobody read.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::error::ConfigError;

/// The options of a target of some kind.
pub struct Options<'a> {
    kind: &'static str,
    values: Option<&'a Map<String, Value>>,
    known: Vec<&'static str>,
}

/// Parts of names that say that somebody is about to write a secret into an option.
const SECRETS: [&str; 6] = ["token", "secret", "password", "passwd", "access_key", "authorization"];

impl<'a> Options<'a> {
    /// `options` is an object or null, which means none. `owner` is what has them, such as «a sink».
    ///
    /// # Errors
    /// When they are something else.
    pub fn new(owner: &str, kind: &'static str, options: &'a Value) -> Result<Self, ConfigError> {
        let values = match options {
            Value::Null => None,
            Value::Object(values) => Some(values),
            _ => {
                return Err(
                    ConfigError::new(format!("the options of {owner} must be a JSON object"))
                        .hint("Write them as {\"name\": \"value\"}."),
                );
            }
        };
        Ok(Self {
            kind,
            values,
            known: Vec::new(),
        })
    }

    /// The option's value; null means that it isn't set.
    pub fn value(&mut self, name: &'static str) -> Option<&'a Value> {
        self.known.push(name);
        self.values?.get(name).filter(|value| !value.is_null())
    }

    /// The error that the option must be something else than it is.
    pub fn wrong(&self, name: &str, what: &str) -> ConfigError {
        ConfigError::new(format!("the option «{name}» of the kind {} must be {what}", self.kind))
    }

    /// A text without control characters, not empty.
    ///
    /// # Errors
    /// When it is something else.
    pub fn text(&mut self, name: &'static str) -> Result<Option<&'a str>, ConfigError> {
        let Some(value) = self.value(name) else { return Ok(None) };
        match value.as_str() {
            Some(text) if !text.is_empty() && !text.chars().any(char::is_control) => Ok(Some(text)),
            _ => Err(self.wrong(name, "a text without control characters")),
        }
    }

    /// One of `choices`, or the first.
    ///
    /// # Errors
    /// When it is something else.
    pub fn choice<T: Copy>(&mut self, name: &'static str, choices: &[(&'static str, T)]) -> Result<T, ConfigError> {
        let Some(value) = self.value(name) else {
            return Ok(choices[0].1);
        };
        choices
            .iter()
            .find(|(choice, _)| value.as_str() == Some(choice))
            .map(|(_, choice)| *choice)
            .ok_or_else(|| {
                let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
                self.wrong(name, &format!("one of: {}", names.join(", ")))
            })
    }

    /// A whole number in `range`.
    ///
    /// # Errors
    /// When it is something else.
    pub fn number(&mut self, name: &'static str, range: RangeInclusive<u64>) -> Result<Option<u64>, ConfigError> {
        let Some(value) = self.value(name) else { return Ok(None) };
        match value.as_u64() {
            Some(number) if range.contains(&number) => Ok(Some(number)),
            _ => {
                let what = format!("a whole number from {} to {}", range.start(), range.end());
                Err(self.wrong(name, &what))
            }
        }
    }

    /// A truth value.
    ///
    /// # Errors
    /// When it is something else.
    pub fn flag(&mut self, name: &'static str) -> Result<Option<bool>, ConfigError> {
        let Some(value) = self.value(name) else { return Ok(None) };
        value
            .as_bool()
            .map(Some)
            .ok_or_else(|| self.wrong(name, "true or false"))
    }

    /// The absolute path of a file, which need not exist yet.
    ///
    /// # Errors
    /// When it is something else.
    pub fn file(&mut self, name: &'static str) -> Result<Option<PathBuf>, ConfigError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        if !Path::new(text).is_absolute() {
            return Err(self
                .wrong(name, "the absolute path of a file")
                .hint("A server process has no working directory to rely on: begin with a slash."));
        }
        Ok(Some(PathBuf::from(text)))
    }

    /// An object whose values are texts without control characters.
    ///
    /// # Errors
    /// When it is something else.
    pub fn texts(&mut self, name: &'static str) -> Result<Vec<(&'a str, &'a str)>, ConfigError> {
        let Some(value) = self.value(name) else {
            return Ok(Vec::new());
        };
        value
            .as_object()
            .and_then(text_pairs)
            .ok_or_else(|| self.wrong(name, "an object whose values are texts without control characters"))
    }

    /// Refuses what nobody has asked for, and names the nearest that there is.
    ///
    /// # Errors
    /// When there is such an option.
    pub fn finish(self) -> Result<(), ConfigError> {
        let unknown = self
            .values
            .into_iter()
            .flat_map(Map::keys)
            .find(|name| !self.known.contains(&name.as_str()));
        let Some(name) = unknown else { return Ok(()) };
        let message = format!("the kind {} has no option «{}»", self.kind, name.escape_debug());
        let lower = name.to_lowercase();
        let files: Vec<_> = self
            .known
            .iter()
            .copied()
            .filter(|known| matches!(*known, "token_file" | "credentials_file"))
            .collect();
        let hint = match files.first() {
            Some(file) if SECRETS.iter().any(|secret| lower.contains(secret)) => {
                format!("Secrets are not kept in options: write it into a file and name that in «{file}».")
            }
            _ => choices_hint(name, &self.known),
        };
        Err(ConfigError::new(message).hint(hint))
    }
}

/// What to write instead of `name`: the nearest of `known` when it may be meant, and all of them.
pub fn choices_hint(name: &str, known: &[&str]) -> String {
    let name = name.to_lowercase();
    let allowed = if name.chars().count() > 5 { 2 } else { 1 };
    let nearest = known
        .iter()
        .map(|known| (strsim::osa_distance(&name, known), known))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance);
    let all = known.join(", ");
    match nearest {
        Some((_, nearest)) => format!("Did you mean «{nearest}»? There are: {all}."),
        None => format!("There are: {all}."),
    }
}

/// The pairs of an object of texts.
pub(crate) fn text_pairs(object: &Map<String, Value>) -> Option<Vec<(&str, &str)>> {
    object
        .iter()
        .map(|(name, value)| {
            let value = value.as_str().filter(|text| !text.chars().any(char::is_control))?;
            Some((name.as_str(), value))
        })
        .collect()
}
