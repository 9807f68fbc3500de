//! Text → [`Definition`].

use super::error::{DefinitionError, Fault};
use super::keys::{Keys, duration, each, field, fields, flag, name, names, nearest, text, whole};
use super::{
    Definition, Level, MAX_COUNT, MAX_GROUP_FIELDS, MAX_NAME_CHARS, MAX_QUERIES, MAX_WINDOW_SECONDS, Notification,
    Rule, Threshold, Unusual, queries,
};
use crate::alert::schedule::{self, Schedule};
use crate::duration::Duration;
use crate::yaml::{self, Node, Value};
use auditlog_core::event::Severity;
use auditlog_query::dates::Zone;
use auditlog_query::{CheckOptions, QueryError, check, parse};

const KEYS: [&str; 11] = [
    "name",
    "description",
    "enabled",
    "condition",
    "threshold",
    "unusual",
    "suppress",
    "resolve_after",
    "schedule",
    "labels",
    "notification",
];

/// Names of severities that others use, and what they mean here.
const SYNONYMS: [(&str, Severity); 3] = [
    ("low", Severity::Notice),
    ("medium", Severity::Warning),
    ("high", Severity::Error),
];

pub(super) fn definition(source: &str, options: &CheckOptions<'_>) -> Result<Definition, DefinitionError> {
    let root = yaml::read(source).map_err(|error| {
        let hint = "Write YAML or JSON with the keys name and condition; texts with a colon or # go in quotes.";
        Fault::new(error.message, hint).at(error.place)
    })?;
    let keys = Keys::new(&root, "an alert", &KEYS)?;
    let name_node = keys.need("name", "Give the alert a name, such as name: \"Failed logins\".")?;
    let hint = "Say which events it is about, such as condition: \"status:failed\".";
    let threshold_node = keys.get("threshold");
    let threshold = threshold_node
        .map(|node| threshold(node, source, options))
        .transpose()?;
    let condition = match (keys.get("condition"), &threshold) {
        (None, Some(threshold)) if !threshold.all_of.is_empty() => "*".to_owned(),
        _ => query(keys.need("condition", hint)?, "the condition", source, options)?,
    };
    let unusual = keys.get("unusual").map(unusual).transpose()?;
    let rule = match (threshold, unusual) {
        (Some(_), Some(_)) => {
            let place = keys.get("unusual").map_or(keys.place, |node| node.place);
            let hint = "Make two alerts of it: one counts, the other compares with what is usual.";
            return Err(Fault::new("an alert has either threshold or unusual", hint).at(place));
        }
        (None, Some(unusual)) => Rule::Unusual(unusual),
        (threshold, None) => Rule::Threshold(threshold.unwrap_or_default()),
    };
    if let (Rule::Threshold(threshold), Some(node)) = (&rule, threshold_node) {
        together(&condition, threshold, options).map_err(|error| {
            let message = format!("the queries of all_of together: {}", error.message);
            Fault::new(message, error.hint).at(node.get("all_of").unwrap_or(node).place)
        })?;
    }
    let long = Some(MAX_WINDOW_SECONDS);
    let found = Definition {
        name: name(name_node, "the name", MAX_NAME_CHARS)?,
        description: keys
            .get("description")
            .map(|node| text(node, "the description", true))
            .transpose()?,
        enabled: keys.get("enabled").map_or(Ok(true), |node| flag(node, "enabled"))?,
        condition,
        rule,
        suppress: keys
            .get("suppress")
            .map(|node| duration(node, "suppress", long))
            .transpose()?,
        resolve_after: keys
            .get("resolve_after")
            .map(|node| duration(node, "resolve_after", long))
            .transpose()?,
        schedule: keys.get("schedule").map(schedule).transpose()?,
        labels: keys.get("labels").map_or(Ok(Vec::new()), labels)?,
        notification: keys.get("notification").map(notification).transpose()?,
    };
    // aliases and escapes may stand for more than is written
    if found.to_json().to_string().len() > yaml::MAX_TEXT_BYTES {
        let message = format!(
            "the alert is longer than {} bytes, written as JSON",
            yaml::MAX_TEXT_BYTES
        );
        return Err(Fault::new(message, "Shorten its texts, or use fewer aliases.").at(keys.place));
    }
    Ok(found)
}

fn query(node: &Node, what: &str, source: &str, options: &CheckOptions<'_>) -> Result<String, DefinitionError> {
    // the query's own reader judges its characters
    let Some(text) = node.scalar() else {
        let message = format!("{what} is {}, not a query", node.kind());
        return Err(Fault::new(message, "Write a query in quotes, such as \"status:failed\".").at(node.place));
    };
    let checked = parse(text, &options.limits).and_then(|query| check(&query, options));
    checked.map_err(|error| {
        let place = node.place_of(error.position.saturating_sub(1), source);
        let message = format!("{what}, at character {}: {}", error.position, error.message);
        Fault::new(message, error.hint).at(place)
    })?;
    Ok(text.to_owned())
}

/// All queries of an alert must keep the limits of one.
fn together(condition: &str, threshold: &Threshold, options: &CheckOptions<'_>) -> Result<(), QueryError> {
    if !threshold.all_of.is_empty() {
        let whole = queries::text(condition, &threshold.all_of, &options.limits)?;
        check(&parse(&whole, &options.limits)?, options)?;
    }
    Ok(())
}

fn threshold(node: &Node, source: &str, options: &CheckOptions<'_>) -> Result<Threshold, DefinitionError> {
    let keys = Keys::new(
        node,
        "threshold",
        &["count", "window", "group_by", "distinct", "all_of"],
    )?;
    let all_of = keys
        .get("all_of")
        .map_or(Ok(Vec::new()), |node| all_of(node, &keys, source, options))?;
    let count = match keys.get("count") {
        Some(node) => whole(node, "count", MAX_COUNT)?,
        None => all_of.len().max(1) as u32,
    };
    let found = Threshold {
        count,
        window: keys
            .get("window")
            .map(|node| duration(node, "window", Some(MAX_WINDOW_SECONDS)))
            .transpose()?,
        group_by: keys
            .get("group_by")
            .map_or(Ok(Vec::new()), |node| fields(node, "group_by", MAX_GROUP_FIELDS))?,
        distinct: keys.get("distinct").map(|node| field(node, "distinct")).transpose()?,
        all_of,
    };
    if found.count > 1 && found.window.is_none() {
        let what = if found.all_of.is_empty() {
            "a count above 1"
        } else {
            "all_of"
        };
        let hint = "Say how near to each other in time the events must be, such as window: 5m.";
        return Err(Fault::new(format!("{what} needs a window"), hint).at(keys.place));
    }
    let doubled = found
        .distinct
        .as_ref()
        .filter(|one| found.group_by.iter().any(|field| field.same(one)));
    if let Some(field) = doubled {
        let message = format!(
            "every group has one value of {:?} only, so that it can't be counted",
            field.name()
        );
        return Err(Fault::new(message, "Take the field out of group_by, or out of distinct.").at(keys.place));
    }
    Ok(found)
}

/// Queries of which each must be matched.
fn all_of(
    node: &Node,
    beside: &Keys<'_>,
    source: &str,
    options: &CheckOptions<'_>,
) -> Result<Vec<String>, DefinitionError> {
    for key in ["count", "distinct"] {
        if let Some(node) = beside.get(key) {
            let hint = format!("Leave {key} out: with all_of, one event for each of its queries is enough.");
            return Err(Fault::new(format!("threshold has both all_of and {key}"), hint).at(node.place));
        }
    }
    let mut found: Vec<String> = Vec::new();
    each(node, |item| {
        let text = query(item, "a query of all_of", source, options)?;
        if found.iter().any(|other| other.trim() == text.trim()) {
            let message = format!("all_of has the query {:?} twice", text.trim());
            return Err(Fault::new(message, "Write it once.").at(item.place));
        }
        found.push(text);
        Ok(())
    })?;
    if !(2..=MAX_QUERIES).contains(&found.len()) {
        let message = match found.len() {
            1 => "all_of has a single query".to_owned(),
            count => format!("all_of has {count} queries"),
        };
        let hint = format!("Write a list of 2 to {MAX_QUERIES} queries; one alone would be the condition.");
        return Err(Fault::new(message, hint).at(node.place));
    }
    Ok(found)
}

fn unusual(node: &Node) -> Result<Unusual, DefinitionError> {
    let known = [
        "count_by",
        "every",
        "history",
        "sensitivity",
        "first_seen",
        "by",
        "after",
    ];
    let keys = Keys::new(node, "unusual", &known)?;
    let has = |names: &[&str]| {
        names
            .iter()
            .find_map(|name| keys.get(name).map(|node| (node.place, name.to_string())))
    };
    let counted = has(&["count_by", "every", "history", "sensitivity"]);
    let seen = has(&["first_seen", "by", "after"]);
    if let (Some((_, one)), Some((place, other))) = (&counted, &seen) {
        let message = format!("unusual has both {one:?} and {other:?}");
        let hint = "Write count_by, every, history, sensitivity, or first_seen, by, after.";
        return Err(Fault::new(message, hint).at(*place));
    }
    if seen.is_some() {
        return first_seen(&keys);
    }
    let every_node = keys.need("every", "Say how long a period is, such as every: 1h.")?;
    let every = duration(every_node, "every", Some(MAX_WINDOW_SECONDS))?;
    let history = match keys.get("history") {
        Some(node) => duration(node, "history", None)?,
        None => Duration::from_seconds(every.seconds() * 336).unwrap_or(every),
    };
    let periods = history.seconds() / every.seconds();
    if !(8..=2000).contains(&periods) {
        let place = keys.get("history").map_or(keys.place, |node| node.place);
        let message = format!("the history has {periods} periods");
        let hint = "It must have 8 to 2000: fewer say nothing of what is usual, more take too much memory.";
        return Err(Fault::new(message, hint).at(place));
    }
    Ok(Unusual::Count {
        count_by: keys
            .get("count_by")
            .map_or(Ok(Vec::new()), |node| fields(node, "count_by", MAX_GROUP_FIELDS))?,
        every,
        history,
        sensitivity: keys.get("sensitivity").map_or(Ok(3.5), sensitivity)?,
    })
}

fn sensitivity(node: &Node) -> Result<f64, DefinitionError> {
    let hint = "Write a number from 1 to 100; 3.5 is usual, more fires less often.";
    let number = match &node.value {
        Value::Number(text) => text.parse::<f64>().ok(),
        _ => None,
    };
    number
        .filter(|number| (1.0..=100.0).contains(number))
        .ok_or_else(|| Fault::new("the sensitivity is no such number", hint).at(node.place))
}

fn first_seen(keys: &Keys<'_>) -> Result<Unusual, DefinitionError> {
    let hint = "Name the field whose new values are unusual, such as first_seen: actor.ip_address.";
    let seen = field(keys.need("first_seen", hint)?, "first_seen")?;
    let by = keys
        .get("by")
        .map_or(Ok(Vec::new()), |node| fields(node, "by", MAX_GROUP_FIELDS))?;
    if by.iter().any(|other| other.same(&seen)) {
        let message = format!(
            "every group has one value of {:?} only, so that none is new",
            seen.name()
        );
        return Err(Fault::new(message, "Name another field in by, such as actor.id.").at(keys.place));
    }
    Ok(Unusual::FirstSeen {
        field: seen,
        by,
        after: match keys.get("after") {
            Some(node) => duration(node, "after", None)?,
            None => Duration::from_seconds(7 * 86_400).ok_or_else(|| Fault::new("no time", "").at(keys.place))?,
        },
    })
}

fn schedule(node: &Node) -> Result<Schedule, DefinitionError> {
    let keys = Keys::new(node, "schedule", &["days", "hours", "timezone", "outside"])?;
    let mut days = [keys.get("days").is_none(); 7];
    if let Some(node) = keys.get("days") {
        each(node, |item| {
            schedule::add_days(&mut days, item.scalar().unwrap_or_default()).map_err(|fault| fault.at(item.place))
        })?;
        if days == [false; 7] {
            return Err(Fault::new("days is empty", "Leave it out when every day is meant.").at(node.place));
        }
    }
    let hours = keys
        .get("hours")
        .map(|node| schedule::hours(node.scalar().unwrap_or_default()).map_err(|fault| fault.at(node.place)));
    let hours = hours.transpose()?;
    if hours.is_none() && keys.get("days").is_none() {
        return Err(Fault::new("schedule has neither days nor hours", "Write days, hours, or both.").at(keys.place));
    }
    let (timezone, zone) = match keys.get("timezone") {
        None => ("UTC".to_owned(), Zone::Utc),
        Some(node) => {
            let name = name(node, "timezone", 100)?;
            let zone = name.parse().map_err(|_| {
                let hint = "Write a name of the IANA database, such as Europe/Berlin, or an offset such as +02:00.";
                Fault::new(format!("there is no time zone {name:?}"), hint).at(node.place)
            })?;
            (name, zone)
        }
    };
    Ok(Schedule {
        days,
        hours,
        timezone,
        zone,
        outside: keys.get("outside").map_or(Ok(false), |node| flag(node, "outside"))?,
    })
}

fn labels(node: &Node) -> Result<Vec<(String, String)>, DefinitionError> {
    let Value::Map(entries) = &node.value else {
        let message = format!("labels is {}, not a mapping of names to texts", node.kind());
        return Err(Fault::new(message, "Write labels as {team: security, tier: \"1\"}.").at(node.place));
    };
    let label = |entry: &yaml::Entry| {
        if entry.key.is_empty() || entry.key.chars().count() > 100 || entry.key.contains(char::is_control) {
            let message = format!("{:?} can't be a label", entry.key);
            return Err(Fault::new(message, "Write 1 to 100 characters.").at(entry.place));
        }
        Ok((
            entry.key.clone(),
            text(&entry.node, &format!("the label {:?}", entry.key), true)?,
        ))
    };
    entries.iter().map(label).collect()
}

fn notification(node: &Node) -> Result<Notification, DefinitionError> {
    let keys = Keys::new(
        node,
        "notification",
        &["channels", "recipients", "severity", "template"],
    )?;
    Ok(Notification {
        channels: keys
            .get("channels")
            .map_or(Ok(Vec::new()), |node| names(node, "a channel"))?,
        recipients: keys
            .get("recipients")
            .map_or(Ok(Vec::new()), |node| names(node, "a recipient"))?,
        severity: keys.get("severity").map(level).transpose()?,
        template: keys
            .get("template")
            .map(|node| text(node, "the template", true))
            .transpose()?,
    })
}

fn level(node: &Node) -> Result<Level, DefinitionError> {
    let written = text(node, "the severity", false)?;
    let folded = written.to_lowercase();
    let synonym = SYNONYMS
        .iter()
        .find(|(name, _)| *name == folded)
        .map(|(_, severity)| *severity);
    match Severity::from_label(&folded).or(synonym) {
        Some(severity) => Ok(Level { written, severity }),
        None => {
            let ours = Severity::ALL.map(Severity::label);
            let known: Vec<&str> = ours.into_iter().chain(SYNONYMS.map(|(name, _)| name)).collect();
            let near = nearest(&written, &known)
                .map(|near| format!("Did you mean «{near}»? "))
                .unwrap_or_default();
            let hint = format!("{near}Severities are {}.", known.join(", "));
            Err(Fault::new(format!("there is no severity {written:?}"), hint).at(node.place))
        }
    }
}
