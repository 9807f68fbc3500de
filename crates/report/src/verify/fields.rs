//! What a record says under the name that a sample's column has, and whether that is what the sample shows.

use auditlog_bundle::content::{ContentError, personal};
use auditlog_bundle::record::Record;
use auditlog_bundle::report::hex;
use auditlog_bundle::show::write_json;
use auditlog_core::columns::{COLUMNS, Kind};
use auditlog_core::decode::{decode_json, decode_plain, text_items};
use auditlog_core::document::{parse_inet, parse_timestamp};
use auditlog_core::encode::{Value, Values};
use auditlog_core::event::Inet;
use auditlog_core::json::Json;
use auditlog_core::personal::DEFAULT_PATHS;
use serde_json::Value as Shown;

/// The column of what has no column of its own.
const EXTRA: &str = "extra";

/// Columns that are no part of a record: what they show, no proof reaches.
const OUTSIDE: [&str; 2] = ["retention_class", "origin"];

/// An event's fields by their paths.
pub(super) struct Fields<'a> {
    record: &'a Record<'a>,
    values: Values<'a>,
    /// Paths of personal values, where the record has commitments in their place.
    hidden: Vec<String>,
}

/// A field.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Field {
    /// The event has none.
    Null,
    /// Records have none, or no more than a commitment to it.
    Outside,
    /// Microseconds since 1970.
    Time(i64),
    /// A whole number.
    Number(String),
    Text(String),
    Inet(Inet),
    Json(Json),
}

impl<'a> Fields<'a> {
    pub(super) fn of(record: &'a Record<'a>) -> Result<Self, ContentError> {
        let values = decode_plain(record.values)?;
        let hidden = match (record.salt, personal(&values)?) {
            (Some(_), _) => Vec::new(),
            (None, Some(paths)) => paths,
            (None, None) => DEFAULT_PATHS.iter().map(|path| (*path).to_owned()).collect(),
        };
        Ok(Self { record, values, hidden })
    }

    /// Has the record no more than a commitment to the value at this path?
    fn hides(&self, path: &str) -> bool {
        let at_or_above = |hidden: &String| {
            let rest = path.strip_prefix(hidden.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        // what has such a value in it cannot be compared either
        let below = |hidden: &String| hidden.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'));
        self.hidden.iter().any(|hidden| at_or_above(hidden) || below(hidden))
    }

    /// The field with this path of the document, or this name of a column.
    pub(super) fn get(&self, name: &str) -> Field {
        let record = self.record;
        match name {
            "log_index" => return Field::Number(record.log_index.to_string()),
            "sealed_at" => return Field::Time(record.sealed_at),
            "entry_hash" => return Field::Text(hex(&record.entry_hash)),
            "prev_hash" => return Field::Text(hex(&record.prev_hash)),
            "hash" => return Field::Text(hex(&record.hash)),
            name if OUTSIDE.contains(&name) => return Field::Outside,
            _ => {}
        }
        let by_path = COLUMNS.iter().position(|c| !c.path.is_empty() && c.path == name);
        let column = by_path.or_else(|| COLUMNS.iter().position(|c| c.name == name));
        if self.hides(column.map_or(name, |at| COLUMNS[at].path)) {
            return Field::Outside;
        }
        if let Some(at) = column {
            return self.column(at);
        }
        for (at, column) in COLUMNS.iter().enumerate() {
            let below = match column.path {
                "" if column.name == EXTRA => Some(name),
                "" => None,
                path => name.strip_prefix(path).and_then(|rest| rest.strip_prefix('.')),
            };
            if let (Some(below), Kind::Json) = (below, column.kind)
                && let Field::Json(json) = self.column(at)
                && let Some(found) = walk(&json, below)
            {
                return of_json(found.clone());
            }
        }
        Field::Null
    }

    fn column(&self, at: usize) -> Field {
        match self.values[at] {
            Value::Null => Field::Null,
            Value::Int(us) if COLUMNS[at].kind == Kind::Time => Field::Time(us),
            Value::Int(number) => Field::Number(number.to_string()),
            Value::Text(text) => Field::Text(lossy(text)),
            Value::Inet(bits, address) => match (<[u8; 4]>::try_from(address), <[u8; 16]>::try_from(address)) {
                (Ok(v4), _) => Field::Inet(Inet {
                    address: v4.into(),
                    bits,
                }),
                (_, Ok(v6)) => Field::Inet(Inet {
                    address: v6.into(),
                    bits,
                }),
                _ => Field::Null,
            },
            Value::TextArray(payload) => {
                let items = text_items(payload).unwrap_or_default();
                Field::Json(Json::Array(
                    items.into_iter().map(|item| Json::String(lossy(item))).collect(),
                ))
            }
            Value::Json(json) => decode_json(json).map_or(Field::Null, Field::Json),
        }
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn of_json(json: Json) -> Field {
    match json {
        Json::Null => Field::Null,
        Json::String(text) => Field::Text(text),
        json => Field::Json(json),
    }
}

/// The member with this path; a key may have dots itself, and may stand in quotes.
fn walk<'a>(json: &'a Json, path: &str) -> Option<&'a Json> {
    let get = |key: &str| {
        let quoted = key.strip_prefix('"').and_then(|key| key.strip_suffix('"'));
        json.get(key).or_else(|| json.get(quoted?))
    };
    get(path).or_else(|| {
        let dots = path.match_indices('.');
        dots.into_iter()
            .find_map(|(dot, _)| walk(get(&path[..dot])?, &path[dot + 1..]))
    })
}

impl Field {
    /// Is this what the report shows? Moments, addresses and JSON may be written in several ways.
    pub(super) fn is_shown_as(&self, shown: &Shown) -> bool {
        match (self, shown) {
            (Self::Outside, _) | (Self::Null, Shown::Null) => true,
            (Self::Null, _) => false,
            (Self::Time(us), Shown::String(text)) => parse_timestamp(text) == Some(*us),
            (Self::Number(number), Shown::String(text)) => number == text,
            (Self::Number(number), Shown::Number(shown)) => *number == shown.to_string(),
            (Self::Text(text), Shown::String(shown)) => text == shown,
            (Self::Inet(inet), Shown::String(text)) => parse_inet(text).as_ref() == Some(inet),
            (Self::Json(json), shown) => {
                let mut text = String::new();
                write_json(json, &mut text);
                let Ok(json) = serde_json::from_str::<Shown>(&text) else {
                    return false;
                };
                json == *shown
                    || shown
                        .as_str()
                        .is_some_and(|text| serde_json::from_str::<Shown>(text).is_ok_and(|shown| shown == json))
            }
            _ => false,
        }
    }
}
