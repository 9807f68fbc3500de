//! `suggest(query, cursor)`: what may be written next. Never fails because of the query, which is
//! broken for as long as somebody types.

use super::field::{resolve, source};
use crate::error::Fault;
use crate::fmgr::{Call, Rows};
use crate::hooks::access;
use crate::store::columns::text;
use crate::store::suggestions::{self, Described};
use auditlog_core::event::Severity;
use auditlog_core::json::Json;
use auditlog_query::fields::Kind;
use auditlog_query::fold::fold;
use auditlog_query::suggest::{DATES, Expected, OPERATORS, literal, names, place};
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys::Datum;

crate::sql_function!(auditlog_suggest, pg_finfo_auditlog_suggest, suggest);

const MOST: i32 = 1000;

fn suggest(call: &Call) -> Datum {
    let query = call.text(0).unwrap_or_default();
    let cursor = call.arg(1).map(|datum| datum.value() as i32);
    let limit = call.arg(2).map_or(0, |datum| datum.value() as i32);
    if !(1..=MOST).contains(&limit) {
        Fault::new(
            Code::ERRCODE_INVALID_PARAMETER_VALUE,
            "limit of suggestions is out of range",
        )
        .detail(format!("\"limit\" is {limit}; it may be 1 to {MOST}."))
        .hint("Ask for as many as are shown.")
        .raise();
    }
    let arguments = Json::Object(vec![("query".to_owned(), Json::String(query.clone()))]);
    access::note(access::Kind::Search, "suggest", arguments);
    let cursor = cursor.map(|character| usize::try_from(i64::from(character) - 1).unwrap_or(0));
    let place = place(&query, cursor.unwrap_or(usize::MAX));
    let mut found: Vec<(String, &str, Option<String>)> = Vec::new();
    let operators = |found: &mut Vec<(String, &str, Option<String>)>| {
        for (operator, description) in OPERATORS {
            if operator.starts_with(&place.prefix.to_uppercase()) {
                found.push((operator.to_owned(), "operator", Some(description.to_owned())));
            }
        }
    };
    let fields = |found: &mut Vec<(String, &'static str, Option<String>)>, behind: &str| {
        for (name, description) in names(&place.prefix) {
            found.push((format!("{name}{behind}"), "field", Some(description)));
        }
    };
    match &place.expected {
        Expected::Nothing => {}
        Expected::Condition => fields(&mut found, ":"),
        Expected::FieldName => fields(&mut found, ""),
        Expected::Operator => operators(&mut found),
        Expected::OperatorOrCondition => {
            operators(&mut found);
            fields(&mut found, ":");
        }
        Expected::Saved => {
            for (name, description) in beginning(suggestions::saved_queries(), &place.prefix) {
                found.push((name, "saved query", description));
            }
        }
        Expected::Value(field) => {
            let compared = place.from > 0 && matches!(query.chars().nth(place.from - 1), Some('<' | '>' | '='));
            for (value, description) in beginning(values(field, compared), &place.prefix) {
                found.push((literal(&value), "value", description));
            }
        }
    }
    let mut rows = Rows::new(call);
    let number = |at: usize| Some(Datum::from(i32::try_from(at + 1).unwrap_or(i32::MAX)));
    for (suggestion, kind, description) in found.into_iter().take(limit as usize) {
        rows.push(&[
            Some(text(suggestion.as_bytes())),
            Some(text(kind.as_bytes())),
            description.map(|d| text(d.as_bytes())),
            number(place.from),
            number(place.to),
        ]);
    }
    call.null()
}

/// Those that begin with the prefix, whatever its case.
fn beginning(all: Vec<Described>, prefix: &str) -> impl Iterator<Item = Described> {
    let prefix = fold(prefix).into_owned();
    all.into_iter()
        .filter(move |(value, _)| fold(value).starts_with(prefix.as_str()))
}

/// Values of a field: all of them where a list of them exists, otherwise those that were seen.
/// Is a comparison written before it already?
fn values(field: &str, compared: bool) -> Vec<Described> {
    let Ok(resolved) = resolve(field) else {
        return Vec::new();
    };
    if let [target] = resolved.targets.as_slice()
        && let Some(field) = target.field
        && target.below().is_empty()
    {
        let date = |(date, description): &(&str, &str)| {
            let date = if compared { date.trim_start_matches('>') } else { date };
            (date.to_owned(), (!compared).then(|| (*description).to_owned()))
        };
        match (field.path, field.kind) {
            ("event_type", _) => return suggestions::event_types(),
            ("category", _) => return suggestions::categories(),
            (_, Kind::Severity) => return Severity::ALL.iter().map(|s| (s.label().to_owned(), None)).collect(),
            (_, Kind::Time) => return DATES.iter().map(date).collect(),
            _ => {}
        }
    }
    suggestions::values(field, &source(&resolved.targets, "$1"))
}
