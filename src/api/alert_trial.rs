//! `test_alert`: what an alert does with sample events, step by step.

use super::alerts::unknown;
use super::event_document::EventDocument;
use super::query::with_options;
use super::query_document::{BinaryDocument, category};
use super::watch::{definition_of, engine_for, group_of};
use crate::error::Fault;
use crate::fmgr::{Call, Rows};
use crate::shmem::unix_micros;
use crate::store::alerts::{self, AlertRow};
use crate::store::columns::{jsonb, text};
use crate::store::inbox::shared_slot;
use crate::store::spi::{self, Arg};
use crate::store::{jsonb as binary, notifications, row, stream};
use auditlog_core::document::{format_timestamp, parse_timestamp};
use auditlog_core::event::Severity;
use auditlog_core::json::Json;
use auditlog_notify::{Kind as Told, Notification};
use auditlog_policy::alert::definition::{Definition, Rule};
use auditlog_policy::alert::engine::{Engine, Firing, Seen};
use auditlog_policy::alert::sample;
use auditlog_query::eval::JsonDocument;
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys::Datum;
use std::sync::atomic::Ordering::Relaxed;

crate::sql_function!(auditlog_test_alert, pg_finfo_auditlog_test_alert, test);

/// `test_alert(name, sample, notify)`
fn test(call: &Call) -> Datum {
    let name = call.text(0).unwrap_or_default();
    let row = alerts::get(&name).unwrap_or_else(|| unknown(&name));
    let notify = call.arg(2).is_some_and(|notify| notify.value() != 0);
    let mut rows = Rows::new(call);
    let mut say = |step: &str, result: &str| rows.push(&[Some(text(step.as_bytes())), Some(text(result.as_bytes()))]);
    let definition = match definition_of(&row) {
        Ok(definition) => definition,
        Err(why) => {
            say("definition", &format!("wrong: {why}"));
            return call.null();
        }
    };
    say("definition", &definition.describe().join(" "));
    say("state", &state_of(&row));
    let mut engine = match engine_for(&definition) {
        Ok(engine) => engine,
        Err(why) => {
            say("condition", &format!("wrong: {why}"));
            return call.null();
        }
    };
    let mut fired = Vec::new();
    let given = match call.jsonb(1) {
        Some(sample) => given_events(&mut engine, sample, &mut fired),
        None => made_events(&mut engine, &definition, &mut fired),
    };
    say("events", &given);
    let matched = engine.stats(1).map_or(0, |stats| stats.matched);
    say("condition", &format!("{matched} of them match: {}", definition.query()));
    match fired.last() {
        Some(firing) => say("firing", &format!("it fires{}: {}", group_of(firing), firing.reason)),
        None => say(
            "firing",
            &format!("it does not fire: {}", why_not(&definition, matched)),
        ),
    }
    for (channel, how) in channels_of(&definition) {
        say(&format!("channel {channel}"), &how);
    }
    if notify {
        let told = tell(&row, &definition, fired.last());
        say("notification", &told);
    }
    call.null()
}

fn state_of(row: &AlertRow) -> String {
    if !row.enabled {
        return "disabled: it is not evaluated until auditlog.enable_alert()".to_owned();
    }
    if let Some(until) = row.muted_until.filter(|until| *until > unix_micros()) {
        return format!("muted: nobody is told until {}", format_timestamp(until));
    }
    let slot = shared_slot();
    if slot.evaluator.pid.load(Relaxed) <= 0 {
        return "enabled, but the evaluator does not run; look at auditlog.health()".to_owned();
    }
    "enabled".to_owned()
}

/// Events that somebody gives: an object or an array of them. Those without a time happen a second after the other.
fn given_events(engine: &mut Engine, sample: &[u8], fired: &mut Vec<Firing>) -> String {
    let events = match binary::tree(sample) {
        Ok(Json::Array(events)) => events,
        Ok(event @ Json::Object(_)) => vec![event],
        _ => Fault::new(
            Code::ERRCODE_INVALID_PARAMETER_VALUE,
            "sample events must be an object or an array of them",
        )
        .detail("At $.")
        .hint("Give them as auditlog.record() takes them.")
        .raise(),
    };
    let now = unix_micros();
    for (i, event) in events.iter().enumerate() {
        let arrived_us = now + i as i64 * 1_000_000;
        let own = event.get("timestamp").and_then(Json::as_str).and_then(parse_timestamp);
        // SAFETY: a jsonb datum that was just made.
        let data: &[u8] = unsafe { row::bytes(jsonb(event)) };
        let Ok(root) = binary::root(data) else { continue };
        let category = category(root);
        let seen = Seen {
            log_index: i as i64,
            timestamp_us: own.unwrap_or(arrived_us),
            arrived_us,
            replay: false,
        };
        engine.observe(seen, BinaryDocument::new(root, category.as_deref()), fired);
    }
    format!("{} given", events.len())
}

/// As many events as are needed, inside of the window, like the newest ones of the log that match.
fn made_events(engine: &mut Engine, definition: &Definition, fired: &mut Vec<Firing>) -> String {
    let (needed, window_us, distinct) = match &definition.rule {
        Rule::Threshold(rule) if !rule.all_of.is_empty() => return generated_events(engine, definition, fired),
        Rule::Threshold(rule) => (
            i64::from(rule.count),
            rule.window.map_or(0, |window| window.us()),
            rule.distinct.is_some(),
        ),
        Rule::Unusual(_) => (1, 0, false),
    };
    let sql = "SELECT e.log_index FROM auditlog.events AS e WHERE e.log_index IS NOT NULL AND auditlog.matches(e, $1) \
        ORDER BY e.\"timestamp\" DESC LIMIT $2";
    let wanted = if distinct { needed } else { 1 };
    let found = spi::read(sql, &[Arg::text(Some(&definition.condition)), Arg::int(wanted)]);
    let found: Vec<i64> = found.iter().filter_map(|row| row[0].int()).collect();
    let Some(newest) = found.first() else {
        return generated_events(engine, definition, fired);
    };
    let now = unix_micros();
    for i in 0..needed {
        let at = found[(i as usize).min(found.len() - 1)];
        // One after the other, so that all of them are in the window.
        let time = now - window_us / 2 + window_us / 2 * (i + 1) / needed;
        stream::read(at, at + 1, |event| {
            let seen = Seen {
                log_index: i,
                timestamp_us: time,
                arrived_us: time,
                replay: false,
            };
            engine.observe(seen, EventDocument::new(event.row), fired);
        });
    }
    format!("{needed} made like the newest that match in the log, up to log_index {newest}, as if they happened now")
}

/// Where the log has none: events that are made of the condition.
fn generated_events(engine: &mut Engine, definition: &Definition, fired: &mut Vec<Firing>) -> String {
    let now = unix_micros();
    let made = with_options(|options| sample::firing(definition, options, now));
    let why = if definition.all_of().is_empty() {
        "as no event of the log matches"
    } else {
        "one for each query"
    };
    let Ok(Some(events)) = made else {
        return format!("none: {why}, and none could be made of the condition; give some as \"sample\"");
    };
    for (i, (time, event)) in events.iter().enumerate() {
        let seen = Seen {
            log_index: i as i64,
            timestamp_us: *time,
            arrived_us: *time,
            replay: false,
        };
        engine.observe(seen, JsonDocument::new(event), fired);
    }
    format!("{} made of the condition, {why}", events.len())
}

fn why_not(definition: &Definition, matched: u64) -> String {
    match &definition.rule {
        _ if matched == 0 => "no event satisfies the condition (and is inside of the schedule)".to_owned(),
        Rule::Threshold(rule) => {
            let what = rule.counted();
            let within = rule
                .window
                .map_or_else(String::new, |window| format!(" within {}", window.words()));
            let group = if rule.group_by.is_empty() { "" } else { " of one group" };
            format!("{} {what}{within}{group} are needed", rule.count)
        }
        Rule::Unusual(_) => "it compares with a history, which a test does not have".to_owned(),
    }
}

/// For each channel that the alert names, how it stands.
fn channels_of(definition: &Definition) -> Vec<(String, String)> {
    let Some(wanted) = &definition.notification else {
        return vec![(
            "(none)".to_owned(),
            "the alert names no channel: firings are listed, nobody is told".to_owned(),
        )];
    };
    let known = notifications::channels();
    let how = |name: &String| match known.iter().find(|channel| channel.name == *name) {
        None => "there is none of this name: auditlog.create_channel()".to_owned(),
        Some(channel) if !channel.enabled => "disabled".to_owned(),
        Some(channel) => match Severity::from_label(&channel.min_severity) {
            Some(least) if definition.severity() < least => {
                format!("is told of {} and graver only", least.label())
            }
            _ => format!("is told ({})", channel.kind),
        },
    };
    wanted.channels.iter().map(|name| (name.clone(), how(name))).collect()
}

/// Has the channels told, with a notification that says that it is a test.
fn tell(alert: &AlertRow, definition: &Definition, firing: Option<&Firing>) -> String {
    let Some(wanted) = &definition.notification else {
        return "nobody to tell".to_owned();
    };
    let now = unix_micros();
    let mut told = 0;
    for channel in notifications::channels() {
        if !channel.enabled || !wanted.channels.contains(&channel.name) {
            continue;
        }
        let id = crate::random::event_id(now).replace("evt_", "test-");
        let body = Notification {
            id: id.clone(),
            kind: Told::Test,
            alert: definition.name.clone(),
            description: definition.description.clone(),
            severity: auditlog_notify::Severity::from_label(definition.severity().label())
                .unwrap_or(auditlog_notify::Severity::Warning),
            group: firing.map_or_else(Vec::new, |firing| firing.group.clone()),
            count: firing.map_or(0, |firing| firing.count),
            window: None,
            reason: Some("somebody has called auditlog.test_alert()".to_owned()),
            first: None,
            last: None,
            samples: Vec::new(),
            labels: definition.labels.iter().cloned().collect(),
            database: crate::provenance::database(),
            origin: None,
            fired_at: now,
            url: None,
            dedup_key: format!("{id}-{}", alert.id),
            recipients: wanted.recipients.clone(),
            template: wanted.template.clone(),
            members: Vec::new(),
        };
        let text = serde_json::to_string(&body).unwrap_or_default();
        notifications::add_trusted(&channel.name, body.kind.label(), &body.id, &text);
        told += 1;
    }
    shared_slot().deliverer.start_soon();
    format!("{told} put into the outbox; auditlog.notifications says what becomes of them")
}
