//! The query language in SQL: `auditlog.matches`, `parse_query`, `format_query`, `fields`.

use super::event_document::EventDocument;
use super::query_document::{BinaryDocument, category};
use crate::error::Fault;
use crate::fmgr::{Call, Rows};
use crate::guc;
use crate::store::columns::{jsonb_from_text, text, text_list};
use crate::store::view::EventRow;
use crate::store::{catalog, jsonb, saved_queries};
use auditlog_query::dates::Zone;
use auditlog_query::fields::{ALIASES, FIELDS};
use auditlog_query::json::{Spans, to_json};
use auditlog_query::node::Checked;
use auditlog_query::predicate::{predicate, to_sql};
use auditlog_query::{CheckOptions, ErrorKind, Limits, Query, QueryError, check, matches, parse};
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys::Datum;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

crate::sql_function!(auditlog_matches, pg_finfo_auditlog_matches, matches_document);
crate::sql_function!(auditlog_matches_text, pg_finfo_auditlog_matches_text, matches_text);
crate::sql_function!(auditlog_matches_event, pg_finfo_auditlog_matches_event, matches_event);
crate::sql_function!(auditlog_parse_query, pg_finfo_auditlog_parse_query, parse_query);
crate::sql_function!(auditlog_format_query, pg_finfo_auditlog_format_query, format_query);
crate::sql_function!(auditlog_explain_query, pg_finfo_auditlog_explain_query, explain_query);
crate::sql_function!(auditlog_fields, pg_finfo_auditlog_fields, fields);

/// Queries that a session keeps checked.
const KEPT: usize = 16;

/// A query's text, and what came of it.
type Known = (String, Rc<Checked>);

/// What queries are checked with besides their text: the number of changes of saved queries and of the
/// zone, and strictness.
type With = (u64, u64, bool);

thread_local! {
    // Newest first.
    static KNOWN: RefCell<Vec<Known>> = const { RefCell::new(Vec::new()) };
    static KNOWN_WITH: Cell<With> = const { Cell::new((0, 0, false)) };
}

/// `matches(jsonb, text)`: any JSON document.
fn matches_document(call: &Call) -> Datum {
    let (Some(event), Some(query)) = (call.jsonb(0), call.str(1)) else {
        return call.null();
    };
    let query = checked(query);
    let Ok(root) = jsonb::root(event) else {
        Fault::new(Code::ERRCODE_DATA_CORRUPTED, "the event's jsonb cannot be read").raise()
    };
    let category = category(root);
    matches(&query, BinaryDocument::new(root, category.as_deref()), now()).into()
}

/// `matches(text, text)`: what PostgreSQL chooses when the document is a literal without a type.
fn matches_text(call: &Call) -> Datum {
    let (Some(event), Some(query)) = (call.text(0), call.str(1)) else {
        return call.null();
    };
    // SAFETY: a jsonb datum that was just made.
    let data: &[u8] = unsafe { crate::store::row::bytes(jsonb_from_text(event)) };
    let Ok(root) = jsonb::root(data) else {
        return false.into();
    };
    let category = category(root);
    matches(&checked(query), BinaryDocument::new(root, category.as_deref()), now()).into()
}

/// `matches(auditlog.events, text)` and `@@@` where the planner could not turn them into conditions
/// on columns. No row is no event.
fn matches_event(call: &Call) -> Datum {
    let Some(query) = call.str(1) else { return call.null() };
    let Some(event) = call.arg(0) else { return false.into() };
    // SAFETY: declared as auditlog.events.
    let row = unsafe { EventRow::of(event) };
    (row.get("entry_hash").is_some() && matches(&checked(query), EventDocument::new(&row), now())).into()
}

/// The transaction's own time, so that all rows of it are judged alike, as with `now()`.
pub(super) fn now() -> i64 {
    crate::compat::transaction_start() + crate::store::POSTGRES_EPOCH
}

fn parse_query(call: &Call) -> Datum {
    let Some(query) = call.text(0) else { return call.null() };
    let query = parsed_and_checked(&query);
    jsonb_from_text(to_json(&query.expr, Spans::Shown).to_string())
}

fn format_query(call: &Call) -> Datum {
    let Some(query) = call.text(0) else { return call.null() };
    text(parsed_and_checked(&query).expr.to_string().as_bytes())
}

/// The text path: the same predicate that the planner gets, as SQL.
fn explain_query(call: &Call) -> Datum {
    let Some(query) = call.text(0) else { return call.null() };
    let statement = to_sql(&predicate(&checked(&query)), &query, &zone_name());
    let mut sql = format!("SELECT * FROM auditlog.events e\nWHERE {}", statement.condition);
    for (i, parameter) in statement.parameters.iter().enumerate() {
        let value = parameter.value.replace('\'', "''");
        // E'' is understood whatever standard_conforming_strings is, and keeps a value on one line
        let value = value.replace('\\', r"\\").replace('\n', r"\n").replace('\r', r"\r");
        sql.push_str(&format!("\n-- ${}: {} E'{value}'", i + 1, parameter.kind));
    }
    text(sql.as_bytes())
}

fn fields(call: &Call) -> Datum {
    let mut rows = Rows::new(call);
    for field in &FIELDS {
        let short = ALIASES.iter().filter(|a| a.targets.contains(&field.path));
        rows.push(&[
            Some(text(field.path.as_bytes())),
            Some(text(field.column.as_bytes())),
            Some(text(field.kind.label().as_bytes())),
            Some(text_list(short.map(|a| a.name))),
            Some(text(field.description.as_bytes())),
            Some(text(field.example.as_bytes())),
        ]);
    }
    call.null()
}

/// The query, with a NOTICE for what was probably not meant.
fn parsed_and_checked(source: &str) -> Query {
    let query = parse(source, &limits()).unwrap_or_else(|e| raise(e));
    let checked = with_options(|options| check(&query, options)).unwrap_or_else(|e| raise(e));
    for notice in checked.notices {
        Fault::new(Code::ERRCODE_SUCCESSFUL_COMPLETION, notice.message)
            .hint(notice.hint)
            .report(pgrx::PgLogLevel::NOTICE);
    }
    query
}

/// The query ready to be evaluated; looked up for all rows but the first.
pub fn checked(source: &str) -> Rc<Checked> {
    let with = (
        catalog::saved_queries_changes(),
        guc::query_timezone_changes(),
        guc::QUERY_STRICT.get(),
    );
    if KNOWN_WITH.replace(with) != with {
        KNOWN.with_borrow_mut(Vec::clear);
    }
    let found = KNOWN.with_borrow_mut(|known| {
        let at = known.iter().position(|(text, _)| text == source)?;
        known[..=at].rotate_right(1);
        Some(known[0].1.clone())
    });
    if let Some(found) = found {
        return found;
    }
    let query = parse(source, &limits()).unwrap_or_else(|e| raise(e));
    let checked = Rc::new(with_options(|options| check(&query, options)).unwrap_or_else(|e| raise(e)));
    KNOWN.with_borrow_mut(|known| {
        known.truncate(KEPT - 1);
        known.insert(0, (source.to_owned(), checked.clone()));
    });
    checked
}

/// The settings that bound a query.
pub(super) fn limits() -> Limits {
    let size = |setting: i32| usize::try_from(setting).unwrap_or(0);
    Limits {
        text_bytes: size(guc::QUERY_MAX_LENGTH.get()) * 1024,
        nesting: size(guc::QUERY_MAX_DEPTH.get()),
        terms: size(guc::QUERY_MAX_TERMS.get()),
        list_items: size(guc::QUERY_MAX_LIST_ITEMS.get()),
        regex_chars: size(guc::QUERY_MAX_REGEX_LENGTH.get()),
        ..Limits::default()
    }
}

/// Does `work` with what queries of this session are checked with: saved queries, limits, zone.
pub fn with_options<T>(work: impl FnOnce(&CheckOptions<'_>) -> T) -> T {
    let options = CheckOptions {
        saved: Some(&saved_queries::get),
        limits: limits(),
        zone: zone(&zone_name()),
        strict: guc::QUERY_STRICT.get(),
        ..CheckOptions::default()
    };
    work(&options)
}

/// The zone of queries as it was set.
pub fn zone_name() -> String {
    let setting = guc::QUERY_TIMEZONE.get();
    setting
        .as_deref()
        .and_then(|z| z.to_str().ok())
        .unwrap_or_default()
        .to_owned()
}

/// A zone by its name.
pub(super) fn zone(name: &str) -> Zone {
    name.parse().unwrap_or_else(|_| {
        Fault::new(Code::ERRCODE_INVALID_PARAMETER_VALUE, "not a time zone of queries")
            .detail(format!("It is «{name}»."))
            .hint("Use UTC, an offset such as +02:00, or a name such as Europe/Berlin.")
            .raise()
    })
}

pub(super) fn raise(error: QueryError) -> ! {
    let code = match error.kind {
        ErrorKind::Syntax => Code::ERRCODE_SYNTAX_ERROR,
        ErrorKind::BadValue => Code::ERRCODE_INVALID_TEXT_REPRESENTATION,
        ErrorKind::Limit => Code::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
    };
    Fault::new(code, error.message)
        .detail(format!(
            "At character {} of the query:\n{}",
            error.position, error.detail
        ))
        .hint(error.hint)
        .raise()
}
