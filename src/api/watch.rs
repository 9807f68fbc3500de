//! What an alert does and would have done: `explain_alert`; and the workers' state.

use super::alerts::unknown;
use super::event_document::EventDocument;
use super::own_event::{number, text as json_text};
use super::query::with_options;
use crate::error::Fault;
use crate::fmgr::{Call, Rows};
use crate::guc;
use crate::hooks::access::{self, Kind};
use crate::shmem::{self, my_slot, unix_micros};
use crate::store::alerts::{self, AlertRow};
use crate::store::columns::text;
use crate::store::{POSTGRES_EPOCH, head, stream};
use auditlog_core::document::format_timestamp;
use auditlog_core::json::Json;
use auditlog_policy::alert::definition::Definition;
use auditlog_policy::alert::engine::{Engine, Firing, Limits, Seen};
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys::Datum;
use std::collections::BTreeSet;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

crate::sql_function!(auditlog_explain_alert, pg_finfo_auditlog_explain_alert, explain);
crate::sql_function!(auditlog_watch_state, pg_finfo_auditlog_watch_state, state);

/// Events that are looked at in one piece.
const PIECE: i64 = 2_000;
/// Firings that are told of one by one.
const SHOWN: usize = 10;
/// Longest time to look back.
const MAX_DAYS: i64 = 366;
const DAY_US: i64 = 86_400_000_000;

pub(super) fn definition_of(row: &AlertRow) -> Result<Definition, String> {
    with_options(|options| Definition::parse_with(&row.definition, options)).map_err(|error| error.to_string())
}

pub(super) fn engine_for(definition: &Definition) -> Result<Engine, String> {
    let mut engine = Engine::new(Limits {
        max_groups: guc::ALERT_MAX_GROUPS.get() as usize,
        lateness_us: i64::from(guc::ALERT_LATENESS.get()) * 1_000_000,
        ..Limits::default()
    });
    let mut enabled = definition.clone();
    enabled.enabled = true;
    with_options(|options| engine.set_alert(1, &enabled, options, 0)).map_err(|error| error.to_string())?;
    Ok(engine)
}

/// `explain_alert(name, days)`
fn explain(call: &Call) -> Datum {
    let name = call.text(0).unwrap_or_default();
    let days = call.arg(1).map_or(7, |days| i64::from(days.value() as i32));
    if !(0..=MAX_DAYS).contains(&days) {
        Fault::new(
            Code::ERRCODE_INVALID_PARAMETER_VALUE,
            "days of explain_alert() are out of range",
        )
        .detail(format!("days is {days}; it may be 0 to {MAX_DAYS}."))
        .hint("Give 0 for the words alone.")
        .raise();
    }
    let row = alerts::get(&name).unwrap_or_else(|| unknown(&name));
    access::note(
        Kind::Search,
        "explain_alert",
        Json::Object(vec![
            ("name".to_owned(), json_text(&name)),
            ("days".to_owned(), number(days)),
        ]),
    );
    let mut rows = Rows::new(call);
    let mut said = 0i32;
    let mut say = |line: &str| {
        said += 1;
        rows.push(&[Some(Datum::from(said)), Some(text(line.as_bytes()))]);
    };
    let result = definition_of(&row).and_then(|definition| {
        definition.describe().iter().for_each(|line| say(line));
        let mut engine = engine_for(&definition)?;
        if days > 0 {
            simulate(&mut engine, days).iter().for_each(|line| say(line));
        }
        Ok(())
    });
    if let Err(why) = result {
        say(&format!("It cannot be evaluated: {why}."));
    }
    call.null()
}

/// What the alert would have done over the events that were sealed in the last days.
fn simulate(engine: &mut Engine, days: i64) -> Vec<String> {
    let size = head::committed().map_or(0, |head| head.size);
    let first = stream::first_since(unix_micros() - days * DAY_US, size);
    let (mut from, mut fired) = (first, Vec::new());
    while from < size {
        let to = size.min(from + PIECE);
        stream::read(from, to, |event| {
            let seen = Seen {
                log_index: event.log_index,
                timestamp_us: event.timestamp,
                arrived_us: event.sealed_at,
                replay: false,
            };
            engine.observe(seen, EventDocument::new(event.row), &mut fired);
        });
        from = to;
        pgrx::check_for_interrupts!();
    }
    let matched = engine.stats(1).map_or(0, |stats| stats.matched);
    let groups: BTreeSet<&str> = fired.iter().map(|firing| firing.key.as_str()).collect();
    let mut lines = vec![format!(
        "Of the {} events that were sealed in the last {days} days, {matched} match; it would have fired {}, for {}.",
        size - first,
        counted(fired.len(), "time"),
        counted(groups.len(), "group")
    )];
    lines.extend(fired.iter().rev().take(SHOWN).map(|firing| {
        format!(
            "At {}{}: {}.",
            format_timestamp(firing.completed.at_us),
            group_of(firing),
            firing.reason
        )
    }));
    lines
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

pub(super) fn group_of(firing: &Firing) -> String {
    let values: Vec<String> = firing
        .group
        .iter()
        .map(|(field, value)| format!("{field} {}", value.as_deref().unwrap_or("(none)")))
        .collect();
    if values.is_empty() {
        String::new()
    } else {
        format!(" for {}", values.join(", "))
    }
}

/// `watch_state()`
fn state(call: &Call) -> Datum {
    let mut rows = Rows::new(call);
    if let Some(slot) = my_slot() {
        let count = |counter: &AtomicU64| Some(Datum::from(counter.load(Relaxed) as i64));
        let pid = |worker: &shmem::Worker| {
            let pid = worker.pid.load(Relaxed);
            (pid > 0).then(|| Datum::from(pid))
        };
        let time = |us: i64| (us != 0).then(|| Datum::from(us - POSTGRES_EPOCH));
        let mut values = vec![
            pid(&slot.evaluator),
            pid(&slot.deliverer),
            count(&slot.evaluated),
            count(&slot.alert_groups),
            count(&slot.alert_lost_groups),
            count(&slot.alert_dropped_entries),
        ];
        for errors in [&slot.evaluator_errors, &slot.deliverer_errors] {
            values.extend([
                count(&errors.count),
                time(errors.at.load(Relaxed)),
                errors.text().map(|error| text(error.as_bytes())),
            ]);
        }
        rows.push(&values);
    }
    call.null()
}
