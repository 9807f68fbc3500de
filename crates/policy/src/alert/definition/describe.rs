//! [`Definition`] → sentences.

use super::{Definition, Notification, Rule, Threshold, Unusual};
use crate::alert::field::Field;

pub(super) fn describe(definition: &Definition) -> Vec<String> {
    let mut out = Vec::new();
    if !definition.enabled {
        out.push("It is switched off.".to_owned());
    }
    let events = match definition.condition.trim() {
        "" | "*" => "any event".to_owned(),
        condition => format!("an event that matches «{condition}»"),
    };
    out.push(match &definition.rule {
        Rule::Threshold(found) => threshold(found, &definition.condition),
        Rule::Unusual(Unusual::Count { count_by, every, history, sensitivity }) => format!(
            "Fires when {} in {} are unusually many{}: more than {sensitivity} robust standard deviations above the median of the last {}.",
            matching(&definition.condition), every.words(), each(count_by), history.words()
        ),
        Rule::Unusual(Unusual::FirstSeen { field, by, after }) => format!(
            "Fires when {events} has a value of {} that was not there before{}; what is seen in the first {} is learnt.",
            field.name(), each(by), after.words()
        ),
    });
    let group = if definition.group_by().is_empty() {
        "it"
    } else {
        "the same group"
    };
    if let Some(quiet) = definition.quiet() {
        out.push(format!(
            "After a firing {group} is quiet for {}; what matches meanwhile is counted into the firing.",
            quiet.words()
        ));
    }
    if let Some(after) = definition.resolve_after {
        out.push(format!(
            "A firing is over when nothing has matched for {}.",
            after.words()
        ));
    }
    if let Some(schedule) = &definition.schedule {
        out.push(format!("Only events {} count.", schedule.words()));
    }
    out.push(definition.notification.as_ref().map_or_else(
        || "Nobody is told; its firings are listed.".to_owned(),
        |found| notification(found, definition.severity().label()),
    ));
    out
}

fn matching(condition: &str) -> String {
    match condition.trim() {
        "" | "*" => "events".to_owned(),
        condition => format!("events that match «{condition}»"),
    }
}

fn threshold(threshold: &Threshold, condition: &str) -> String {
    let within = threshold
        .window
        .map(|window| format!(" within {}", window.words()))
        .unwrap_or_default();
    let each = each(&threshold.group_by);
    if let [first @ .., last] = threshold.all_of.as_slice() {
        let first: Vec<String> = first.iter().map(|query| format!("«{}»", query.trim())).collect();
        return format!(
            "Fires when {} have matched each of {} and «{}»{within}, in any order{each}.",
            matching(condition),
            first.join(", "),
            last.trim()
        );
    }
    match (&threshold.distinct, threshold.count) {
        (None, 1) if condition.trim().is_empty() || condition.trim() == "*" => format!("Fires on every event{each}."),
        (None, 1) => format!("Fires on every event that matches «{}»{each}.", condition.trim()),
        (None, count) => {
            let events = matching(condition);
            // «5 events match … within 5 minutes»
            let events = events.replacen("events that match", "events match", 1);
            let verb = if events == "events" { " happen" } else { "" };
            format!("Fires when {count} {events}{verb}{within}{each}.")
        }
        (Some(field), count) => format!(
            "Fires when {} have {count} different values of {}{within}{each}.",
            matching(condition),
            field.name()
        ),
    }
}

fn each(fields: &[Field]) -> String {
    let names: Vec<&str> = fields.iter().map(Field::name).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => format!(", separately for each {one}"),
        [first @ .., last] => format!(", separately for each combination of {} and {last}", first.join(", ")),
    }
}

fn notification(notification: &Notification, severity: &str) -> String {
    let mut out = format!("A firing has the severity {severity}");
    if !notification.channels.is_empty() {
        out += &format!(" and is told to {}", notification.channels.join(", "));
    }
    if !notification.recipients.is_empty() {
        out += &format!(", for {}", notification.recipients.join(", "));
    }
    out + "."
}
