//! What a report is confined to: the argument `filters` of `generate_report`.

use crate::api::query::with_options;
use auditlog_query::{filters, parse};
use auditlog_report::framework::Control;
use serde_json::{Map, Value};

/// Filters, read.
#[derive(Debug, Clone, Default)]
pub struct Filters {
    /// The events: a query; empty for all.
    pub scope: String,
    /// Values in place of a framework's parameters.
    pub parameters: Vec<(String, u32)>,
    /// Numbers of the controls that are wanted; all of them when there is none.
    pub controls: Vec<String>,
    /// The baseline or class whose controls are wanted.
    pub applies_to: Option<String>,
    /// Rows that a section shows at most.
    pub max_rows: Option<i64>,
}

/// Why filters are refused.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct ScopeError {
    /// Lower case, no full stop.
    pub message: String,
    /// A sentence that says what to do.
    pub hint: String,
}

/// Words of the form of the seed, and what they are to the query language.
const ALIASES: [(&str, &str); 5] = [
    ("accounts", "account_id"),
    ("users", "user"),
    ("resources", "resource.id"),
    ("event_types", "event_type"),
    ("tenants", "tenant"),
];

/// Most rows of a section.
const MOST_ROWS: i64 = 5_000;

impl Filters {
    /// Reads them.
    ///
    /// # Errors
    /// [`ScopeError`].
    pub fn read(text: &str) -> Result<Filters, ScopeError> {
        let wrong = |message: String, hint: &str| ScopeError {
            message,
            hint: hint.to_owned(),
        };
        let hint = "Give an object such as {\"users\": [\"ana\"], \"controls\": [\"CC6.1\"], \"parameters\": {\"ack_minutes\": 60}, \"query\": \"region:eu-*\"}.";
        let given: Value =
            serde_json::from_str(text).map_err(|error| wrong(format!("filters are no JSON: {error}"), hint))?;
        let Value::Object(given) = given else {
            return Err(wrong("filters must be an object".to_owned(), hint));
        };
        let mut found = Filters::default();
        let (mut rest, mut query) = (Map::new(), String::new());
        for (key, value) in given {
            match (key.as_str(), &value) {
                ("query", Value::String(text)) => query = text.trim().to_owned(),
                ("parameters", Value::Object(values)) => {
                    for (name, value) in values {
                        let value = value.as_u64().and_then(|value| u32::try_from(value).ok());
                        let value =
                            value.ok_or_else(|| wrong(format!("the parameter {name:?} is no whole number"), hint))?;
                        found.parameters.push((name.clone(), value));
                    }
                }
                ("controls", Value::Array(items)) if items.iter().all(Value::is_string) => {
                    found.controls = items
                        .iter()
                        .filter_map(|item| Some(item.as_str()?.to_owned()))
                        .collect();
                }
                ("applies_to" | "baseline", Value::String(text)) => found.applies_to = Some(text.clone()),
                ("max_rows", Value::Number(number)) => {
                    let rows = number.as_i64().filter(|rows| (0..=MOST_ROWS).contains(rows));
                    found.max_rows =
                        Some(rows.ok_or_else(|| wrong(format!("max_rows may be 0 to {MOST_ROWS}"), hint))?);
                }
                ("query" | "parameters" | "controls" | "applies_to" | "baseline" | "max_rows", _) => {
                    return Err(wrong(format!("the filter {key:?} has a value of another type"), hint));
                }
                (name, _) => {
                    let name = ALIASES
                        .iter()
                        .find(|(alias, _)| *alias == name)
                        .map_or(name, |(_, field)| field);
                    rest.insert(name.to_owned(), value);
                }
            }
        }
        found.scope = scope(&Value::Object(rest), &query)?;
        Ok(found)
    }

    /// Is a section of this control wanted?
    pub fn wants(&self, control: &Control) -> bool {
        let listed = self.controls.is_empty() || self.controls.contains(&control.control);
        let applies = self.applies_to.as_ref().is_none_or(|baseline| {
            control.applies_to.is_empty() || control.applies_to.iter().any(|one| one.eq_ignore_ascii_case(baseline))
        });
        listed && applies
    }
}

/// The query that the filters and a query mean together.
fn scope(filters: &Value, query: &str) -> Result<String, ScopeError> {
    let limits = with_options(|options| options.limits);
    let json = crate::store::jsonb::from_text(filters.to_string());
    let compiled = filters::compile(&json, &limits).map_err(|error| ScopeError {
        message: format!("{} at {}", error.message, error.path),
        hint: error.hint,
    })?;
    let both = match (compiled.source.trim(), query) {
        ("" | "*", query) => query.to_owned(),
        (compiled, "") => compiled.to_owned(),
        (compiled, query) => format!("({compiled}) AND ({query})"),
    };
    let wrong = with_options(|options| {
        parse(&both, &options.limits)
            .and_then(|parsed| auditlog_query::check(&parsed, options))
            .err()
    });
    match wrong {
        None => Ok(both),
        Some(error) => Err(ScopeError {
            message: format!("the query of the filters is wrong: {error}"),
            hint: error.hint,
        }),
    }
}
