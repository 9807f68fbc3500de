//! Values of a field: `field_values(event, field)` for any name of the query language, and
//! `field_source(field)`, the SQL that takes them from columns where columns hold them; `field_expression(field)`, the SQL of
//! one text for each event, which reports group by.

use super::event_document::{EventDocument, RowValue};
use super::query::{checked, limits, with_options};
use crate::error::Fault;
use crate::fmgr::Call;
use crate::store::columns::{text, text_list};
use crate::store::spi;
use crate::store::view::EventRow;
use auditlog_core::document::{format_inet, format_timestamp};
use auditlog_query::ast::{ExprKind, ValueKind};
use auditlog_query::decimal::shortest;
use auditlog_query::error::Notice;
use auditlog_query::eval::{Document, Value, View};
use auditlog_query::fields::{Field, Kind};
use auditlog_query::node::{Checked, Node, Target};
use auditlog_query::{QueryError, check, parse};
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys::Datum;
use std::collections::BTreeSet;

crate::sql_function!(auditlog_field_values, pg_finfo_auditlog_field_values, field_values);
crate::sql_function!(auditlog_field_source, pg_finfo_auditlog_field_source, field_source);
crate::sql_function!(
    auditlog_field_expression,
    pg_finfo_auditlog_field_expression,
    field_expression
);

/// A name is what a condition may be about; this is the shortest one.
fn condition(field: &str) -> String {
    format!("_exists_:{field}")
}

fn field_values(call: &Call) -> Datum {
    let (Some(event), Some(field)) = (call.arg(0), call.str(1)) else {
        return call.null();
    };
    let query = checked(&condition(field));
    let Some(targets) = targets(&query) else {
        refuse(field, None)
    };
    // SAFETY: declared as auditlog.events.
    let row = unsafe { EventRow::of(event) };
    let mut found = BTreeSet::new();
    if row.get("entry_hash").is_some() {
        for target in targets {
            EventDocument::new(&row).any(target, &mut |value| {
                collect(value, target.is_text(), &mut found);
                false
            });
        }
    }
    text_list(found.iter().map(String::as_str))
}

/// Every scalar at or in the value: lists are walked through, objects are not. Spelled as `field:=`
/// compares it: numbers in their shortest form, unless a text column holds them.
fn collect(value: RowValue<'_>, as_text: bool, found: &mut BTreeSet<String>) {
    let scalar = match value.view() {
        View::Null | View::Object => return,
        View::Array => {
            value.any_element(&mut |item| {
                collect(item, as_text, found);
                false
            });
            return;
        }
        View::Bool(b) => b.to_string(),
        View::Number(number) if as_text => number.into_owned(),
        View::Number(number) => shortest(&number).to_owned(),
        View::Text(text) => text.into_owned(),
        View::Time(us) => format_timestamp(us),
        View::Address(inet) => format_inet(&inet),
    };
    found.insert(scalar);
}

fn field_source(call: &Call) -> Datum {
    let Some(field) = call.str(0) else { return call.null() };
    let resolved = resolve(field).unwrap_or_else(|error| refuse(field, error));
    for notice in resolved.notices {
        Fault::new(Code::ERRCODE_SUCCESSFUL_COMPLETION, notice.message)
            .hint(notice.hint)
            .report(pgrx::PgLogLevel::NOTICE);
    }
    text(source(&resolved.targets, "$5").as_bytes())
}

fn field_expression(call: &Call) -> Datum {
    let Some(field) = call.str(0) else { return call.null() };
    let resolved = resolve(field).unwrap_or_else(|error| refuse(field, error));
    text(expression(&resolved.targets).as_bytes())
}

/// SQL over `auditlog.events AS e`: a text. A list is one text, as JSON has it.
fn expression(targets: &[Target]) -> String {
    if let Some(columns) = text_columns(targets) {
        return coalesce(&columns);
    }
    let parts: Vec<String> = targets.iter().map(part).collect();
    coalesce(&parts)
}

fn coalesce(parts: &[String]) -> String {
    match parts {
        [one] => one.clone(),
        all => format!("COALESCE({})", all.join(", ")),
    }
}

fn part(target: &Target) -> String {
    let path = |names: &[String]| {
        let names: Vec<String> = names.iter().map(|name| spi::literal(name)).collect();
        format!("ARRAY[{}]", names.join(", "))
    };
    match (target.field, target.below()) {
        (None, _) => format!("(e.\"extra\" #>> {})", path(&target.path)),
        (Some(field), []) if field.kind == Kind::TextList => format!("array_to_string({}, ', ')", column(field)),
        (Some(field), []) if field.kind == Kind::Ip => {
            format!("CASE WHEN {0} IS NOT NULL THEN concat({0}) END", column(field))
        }
        (Some(field), []) => format!("{}::text", column(field)),
        (Some(field), below) => format!("({} #>> {})", column(field), path(below)),
    }
}

/// What a name means.
pub(super) struct Resolved {
    pub targets: Vec<Target>,
    pub notices: Vec<Notice>,
}

/// What the name means in an event; the error, when there is one, says why it is none.
pub(super) fn resolve(field: &str) -> Result<Resolved, Option<QueryError>> {
    let query = parse(&condition(field), &limits()).map_err(Some)?;
    // nothing but the one condition: a name with more behind it is no name
    match &query.expr.kind {
        ExprKind::Field(_, value) if matches!(value.kind, ValueKind::Exists) => {}
        _ => return Err(None),
    }
    let checked = with_options(|options| check(&query, options)).map_err(Some)?;
    let targets: Vec<Target> = targets(&checked).ok_or(None)?.cloned().collect();
    Ok(Resolved {
        targets,
        notices: checked.notices,
    })
}

fn targets(query: &Checked) -> Option<impl Iterator<Item = &Target>> {
    match &query.node {
        Node::Atom(atom) => Some(atom.targets.iter().filter(|target| !target.literal)),
        _ => None,
    }
}

fn refuse(field: &str, error: Option<QueryError>) -> ! {
    let shown: String = field.chars().take(60).flat_map(char::escape_debug).collect();
    Fault::new(Code::ERRCODE_INVALID_PARAMETER_VALUE, "not the name of a field")
        .detail(match error {
            Some(error) => format!("It is «{shown}»: {}.", error.message),
            None => format!("It is «{shown}»."),
        })
        .hint("auditlog.fields() lists the known ones; any path of a JSON document is one too.")
        .raise()
}

/// The columns, when all targets are columns of text.
fn text_columns(targets: &[Target]) -> Option<Vec<String>> {
    let text = |target: &Target| {
        let field = target.field.filter(|_| target.is_text())?;
        Some(if matches!(field.column, "hash" | "entry_hash") {
            format!("encode({}, 'hex')", column(field))
        } else {
            column(field)
        })
    };
    targets.iter().map(text).collect()
}

fn column(field: &Field) -> String {
    format!("e.\"{}\"", field.column)
}

/// SQL for the FROM clause, behind `auditlog.events AS e`: rows with a column `value`. Everything in
/// it is ours; the field is the parameter of this name.
///
/// Columns are named one by one where they hold all values: a mention of the whole row, even one that
/// is not reached, has it put together for each event, which costs ten times the rest.
/// (A text of more than 2 kB may be cut in its column: such a facet shows its beginning.)
pub(super) fn source(targets: &[Target], parameter: &str) -> String {
    match text_columns(targets).as_deref() {
        Some([one]) => return scalar(one),
        Some(all) => return list(&format!("ARRAY[{}]", all.join(", "))),
        None => {}
    }
    let field = match targets {
        [target] if target.below().is_empty() => target.field,
        _ => None,
    };
    match field {
        Some(field) if matches!(field.kind, Kind::Severity | Kind::Integer) => {
            scalar(&format!("{}::text", column(field)))
        }
        Some(field) if field.kind == Kind::TextList => {
            list(&format!("coalesce({}, {})", column(field), displaced(field)))
        }
        Some(field) if field.kind == Kind::Ip => {
            let column = column(field);
            // concat() writes an address as people do, without the length of a whole one
            if field.in_document {
                let rest = displaced(field);
                list(&format!(
                    "CASE WHEN {column} IS NOT NULL THEN ARRAY[concat({column})] ELSE {rest} END"
                ))
            } else {
                // a key of this name in the document is nobody's address
                scalar(&format!("CASE WHEN {column} IS NOT NULL THEN concat({column}) END"))
            }
        }
        _ => list(&format!("auditlog.field_values(e, {parameter})")),
    }
}

/// The scalars that stand in `extra` because the field's column cannot hold them.
fn displaced(field: &Field) -> String {
    let path: String = field.path.split('.').map(|name| format!(".\"{name}\"")).collect();
    format!(
        "ARRAY(SELECT CASE jsonb_typeof(j.item) WHEN 'number' THEN trim_scale((j.item #>> '{{}}')::numeric)::text \
        ELSE j.item #>> '{{}}' END FROM jsonb_path_query(e.\"extra\", '${path}[*]') AS j (item) \
        WHERE jsonb_typeof(j.item) NOT IN ('object', 'array', 'null'))"
    )
}

fn scalar(expression: &str) -> String {
    format!("LATERAL (SELECT {expression} AS value)")
}

/// Each value once: a facet counts events.
fn list(expression: &str) -> String {
    format!("LATERAL (SELECT DISTINCT u.item AS value FROM unnest({expression}) AS u (item))")
}
