//! The query language in SQL: `auditlog.matches`, `parse_query`, `format_query`, `fields`.

use super::query_document::{BinaryDocument, category};
use crate::error::Fault;
use crate::fmgr::{Call, Rows};
use crate::guc;
use crate::store::columns::{jsonb_from_text, text, text_list};
use crate::store::jsonb;
use auditlog_query::dates::Zone;
use auditlog_query::fields::{ALIASES, FIELDS};
use auditlog_query::json::{Spans, to_json};
use auditlog_query::node::Checked;
use auditlog_query::{CheckOptions, ErrorKind, Limits, Query, QueryError, check, matches, parse};
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys;
use pgrx::pg_sys::Datum;
use std::cell::RefCell;
use std::rc::Rc;

crate::sql_function!(auditlog_matches, pg_finfo_auditlog_matches, matches_event);
crate::sql_function!(auditlog_parse_query, pg_finfo_auditlog_parse_query, parse_query);
crate::sql_function!(auditlog_format_query, pg_finfo_auditlog_format_query, format_query);
crate::sql_function!(auditlog_fields, pg_finfo_auditlog_fields, fields);

/// Queries that a session keeps checked.
const KEPT: usize = 16;

/// A query's text, the zone it was checked for, and what came of it.
type Known = (String, String, Rc<Checked>);

thread_local! {
    // Newest first.
    static KNOWN: RefCell<Vec<Known>> = const { RefCell::new(Vec::new()) };
}

fn matches_event(call: &Call) -> Datum {
    let (Some(event), Some(query)) = (call.jsonb(0), call.text(1)) else {
        return call.null();
    };
    let query = checked(&query);
    let Ok(root) = jsonb::root(event) else {
        Fault::new(Code::ERRCODE_DATA_CORRUPTED, "the event's jsonb cannot be read").raise()
    };
    let category = category(root);
    // SAFETY: the transaction's own time, so that all rows of it are judged alike, as with now().
    let now = unsafe { pg_sys::GetCurrentTransactionStartTimestamp() } + crate::store::POSTGRES_EPOCH;
    matches(&query, BinaryDocument::new(root, category.as_deref()), now).into()
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
    let query = parse(source, &Limits::default()).unwrap_or_else(|e| raise(e));
    let (zone, _) = zone();
    let options = CheckOptions {
        zone,
        ..CheckOptions::default()
    };
    let checked = check(&query, &options).unwrap_or_else(|e| raise(e));
    for notice in checked.notices {
        Fault::new(Code::ERRCODE_SUCCESSFUL_COMPLETION, notice.message)
            .hint(notice.hint)
            .report(pgrx::PgLogLevel::NOTICE);
    }
    query
}

/// The query ready to be evaluated; looked up for all rows but the first.
fn checked(source: &str) -> Rc<Checked> {
    let setting = guc::QUERY_TIMEZONE.get();
    let setting = setting.as_deref().and_then(|z| z.to_str().ok()).unwrap_or_default();
    let found = KNOWN.with_borrow_mut(|known| {
        let at = known
            .iter()
            .position(|(text, zone, _)| text == source && zone == setting)?;
        known[..=at].rotate_right(1);
        Some(known[0].2.clone())
    });
    if let Some(found) = found {
        return found;
    }
    let (zone, setting) = zone();
    let options = CheckOptions {
        zone,
        ..CheckOptions::default()
    };
    let query = parse(source, &options.limits).unwrap_or_else(|e| raise(e));
    let checked = Rc::new(check(&query, &options).unwrap_or_else(|e| raise(e)));
    KNOWN.with_borrow_mut(|known| {
        known.truncate(KEPT - 1);
        known.insert(0, (source.to_owned(), setting, checked.clone()));
    });
    checked
}

fn zone() -> (Zone, String) {
    let setting = guc::QUERY_TIMEZONE.get();
    let name = setting.as_deref().and_then(|z| z.to_str().ok()).unwrap_or_default();
    match name.parse() {
        Ok(zone) => (zone, name.to_owned()),
        Err(_) => Fault::new(
            Code::ERRCODE_INVALID_PARAMETER_VALUE,
            "auditlog.query_timezone is no time zone",
        )
        .detail(format!("It is «{name}»."))
        .hint("Use UTC, an offset such as +02:00, or a name such as Europe/Berlin.")
        .raise(),
    }
}

fn raise(error: QueryError) -> ! {
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
