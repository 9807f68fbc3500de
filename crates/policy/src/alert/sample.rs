//! Events that satisfy a condition, made of the condition itself: for trying an alert out before something happens.

mod all_of;
#[cfg(test)]
mod tests;
mod text;

use crate::alert::definition::{Definition, Rule, Threshold};
use crate::alert::field::Field;
use auditlog_core::document::format_timestamp;
use auditlog_core::json::Json;
use auditlog_query::eval::{JsonDocument, matches};
use auditlog_query::fields::Kind;
use auditlog_query::node::{Checked, Node, Target};
use auditlog_query::{CheckOptions, QueryError};
use text::Choices;

/// Ways that are tried to satisfy a condition.
const MAX_TRIES: u64 = 512;

/// An event that satisfies the definition's condition when it is now `now_us`; none when no way was found, such as for a condition that
/// contradicts itself, or one that is about something missing and something there at once.
///
/// # Errors
/// The condition is wrong under these options.
pub fn matching(definition: &Definition, options: &CheckOptions<'_>, now_us: i64) -> Result<Option<Json>, QueryError> {
    Ok(find(&definition.check(options)?, now_us))
}

/// Events, in order, that make an alert with a threshold fire at the last of them; each with its time, microseconds since the epoch, of
/// which the last is `now_us`. None when no way was found, or the alert compares with the past.
///
/// # Errors
/// The condition is wrong under these options.
pub fn firing(
    definition: &Definition,
    options: &CheckOptions<'_>,
    now_us: i64,
) -> Result<Option<Vec<(i64, Json)>>, QueryError> {
    let queries = definition.queries(options)?;
    let Rule::Threshold(threshold) = &definition.rule else {
        return Ok(None);
    };
    let made = if threshold.all_of.is_empty() {
        repeated(&queries.condition, threshold, now_us)
    } else {
        all_of::events(&queries, threshold, now_us)
    };
    let Some(events) = made else {
        return Ok(None);
    };
    let count = events.len() as i64;
    // they lie close together, so that a schedule that has the last has them all
    let apart_us = threshold
        .window
        .map_or(0, |window| (window.us() / (count + 1)).min(1_000_000));
    let at_us = (0..count).map(|number| now_us - (count - 1 - number) * apart_us);
    Ok(Some(at_us.zip(events).collect()))
}

/// The same event as often as it is needed, with different values where those are counted.
fn repeated(checked: &Checked, threshold: &Threshold, now_us: i64) -> Option<Vec<Json>> {
    let event = find(checked, now_us)?;
    let one = |number: u32| {
        let mut event = event.clone();
        if let Some(field) = &threshold.distinct {
            let value = Json::String(different(field, i64::from(number)));
            put(&mut event, field.target(), value, true);
            if !holds(checked, &event, now_us) {
                return None;
            }
        }
        Some(event)
    };
    (0..threshold.count).map(one).collect()
}

/// A value of the field that no other number has.
fn different(field: &Field, number: i64) -> String {
    match field.target().field.map(|field| field.kind) {
        // 2001:db8::/32 is for documentation
        Some(Kind::Ip) => format!("2001:db8::{:x}:{:x}", number >> 16 & 0xffff, number & 0xffff),
        _ => format!("sample-{number}"),
    }
}

fn find(checked: &Checked, now_us: i64) -> Option<Json> {
    let made = |seed: u64| {
        let mut choices = Choices::new(seed, now_us, &checked.zone);
        let mut event = Json::Object(Vec::new());
        add(&checked.node, &mut event, &mut choices, false);
        for (key, value) in [
            ("event_type", "sample.event".to_owned()),
            ("timestamp", format_timestamp(now_us)),
        ] {
            if event.get(key).is_none() {
                put_path(&mut event, &[key.to_owned()], Json::String(value), false);
            }
        }
        event
    };
    (0..MAX_TRIES).map(made).find(|event| holds(checked, event, now_us))
}

fn holds(checked: &Checked, event: &Json, now_us: i64) -> bool {
    matches(checked, JsonDocument::new(event), now_us)
}

/// Puts values into the event that the condition asks for. What must not be there is left to the check at the end, but for negations
/// of negations.
fn add(node: &Node, event: &mut Json, choices: &mut Choices<'_>, negated: bool) {
    match node {
        Node::All | Node::None => {}
        Node::Not(inner) => add(inner, event, choices, !negated),
        Node::And(items) | Node::Or(items) => {
            let every = matches!(node, Node::And(_)) != negated;
            let chosen = if every { None } else { choices.one(items.len()) };
            for (number, item) in items.iter().enumerate() {
                if every || chosen == Some(number) {
                    add(item, event, choices, negated);
                }
            }
        }
        _ if negated => {}
        Node::Atom(atom) => {
            if let Some(target) = choose(&atom.targets, choices)
                && let Some(value) = choices.value(&atom.test)
            {
                put(event, target, value, false);
            }
        }
        Node::Text(words) => {
            let text = choices.words(words);
            put_path(
                event,
                &["metadata".to_owned(), "message".to_owned()],
                Json::String(text),
                false,
            );
        }
        Node::Nested(targets, inner) => {
            if let Some(target) = choose(targets, choices) {
                let mut element = Json::Object(Vec::new());
                add(inner, &mut element, choices, false);
                put(event, target, Json::Array(vec![element]), false);
            }
        }
    }
}

/// A target that means something in an event.
fn choose<'t>(targets: &'t [Target], choices: &mut Choices<'_>) -> Option<&'t Target> {
    let live: Vec<&Target> = targets.iter().filter(|target| !target.literal).collect();
    choices.one(live.len()).and_then(|number| live.get(number).copied())
}

/// A field with a column of its own has one value: the first that it was given.
fn put(event: &mut Json, target: &Target, value: Json, replace: bool) {
    let kind = target
        .field
        .filter(|_| target.below().is_empty())
        .map(|field| field.kind);
    let single = !matches!(kind, None | Some(Kind::Json | Kind::TextList));
    if single
        && !replace
        && target
            .path
            .iter()
            .try_fold(&*event, |place, key| place.get(key))
            .is_some()
    {
        return;
    }
    put_path(event, &target.path, value, replace);
}

/// Puts the value at the path. A second value at a place makes a list of both, unless it replaces the first.
fn put_path(place: &mut Json, path: &[String], value: Json, replace: bool) {
    let Some((key, rest)) = path.split_first() else {
        return match place {
            Json::Array(items) if !replace => items.push(value),
            Json::Object(pairs) if pairs.is_empty() || replace => *place = value,
            _ if replace => *place = value,
            // the same value twice is one; an object that has something below it keeps it
            Json::Object(_) => {}
            first if *first == value => {}
            first => *first = Json::Array(vec![std::mem::replace(first, Json::Null), value]),
        };
    };
    if !matches!(place, Json::Object(_)) {
        *place = Json::Object(Vec::new());
    }
    if let Json::Object(pairs) = place {
        let at = pairs.iter().position(|(known, _)| known == key).unwrap_or_else(|| {
            pairs.push((key.clone(), Json::Object(Vec::new())));
            pairs.len() - 1
        });
        put_path(&mut pairs[at].1, rest, value, replace);
    }
}
