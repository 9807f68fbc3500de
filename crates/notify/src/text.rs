//! A notification in words, for every channel that people read.

use std::borrow::Cow;

use chrono::{DateTime, SecondsFormat};

use crate::notification::{EventRef, Kind, Notification};

/// The most characters of a fact, and of each value of a group.
const VALUE: usize = 1_000;

/// How many of a digest's members are told of one by one.
pub(crate) const MEMBERS: usize = 30;

/// At most `most` characters of a text, with «…» as the last where it was cut.
pub(crate) fn cut(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        None => Cow::Borrowed(text),
        Some(_) => {
            let end = text
                .char_indices()
                .nth(most.saturating_sub(1))
                .map_or(0, |(end, _)| end);
            Cow::Owned(format!("{}…", &text[..end]))
        }
    }
}

/// At most `most` characters of a text on one line: control characters become spaces.
pub(crate) fn line(text: &str, most: usize) -> String {
    let plain = |character: char| if character.is_control() { ' ' } else { character };
    let text: String = text.chars().map(plain).collect();
    cut(text.trim(), most).into_owned()
}

/// A time in RFC 3339, in UTC, to the second or to the microsecond.
pub(crate) fn time(micros: i64, precision: SecondsFormat) -> String {
    DateTime::from_timestamp_micros(micros).map_or_else(
        || format!("{micros} µs since 1970"),
        |time| time.to_rfc3339_opts(precision, true),
    )
}

/// A time for people.
fn moment(micros: i64) -> String {
    DateTime::from_timestamp_micros(micros).map_or_else(
        || time(micros, SecondsFormat::Secs),
        |time| time.format("%Y-%m-%d %H:%M:%S UTC").to_string(),
    )
}

/// The group's fields and values, such as `actor.email = a@b, actor.ip_address is missing`.
pub(crate) fn group(pairs: &[(String, Option<String>)]) -> String {
    let told = pairs.iter().map(|(field, value)| match value {
        Some(value) => format!("{} = {}", line(field, VALUE), line(value, VALUE)),
        None => format!("{} is missing", line(field, VALUE)),
    });
    told.collect::<Vec<_>>().join(", ")
}

/// The notification on one line.
pub(crate) fn title(n: &Notification) -> String {
    let mark = match n.kind {
        Kind::Fired => n.severity.label().to_uppercase(),
        Kind::Resolved => "RESOLVED".to_owned(),
        Kind::Report => "REPORT".to_owned(),
        Kind::Test => format!("TEST, {}", n.severity),
        Kind::Digest => {
            let what = format!("{} notifications of {}", n.members.len(), n.alert);
            return line(
                &format!("[{}] {what} in {}", n.severity.label().to_uppercase(), n.database),
                300,
            );
        }
    };
    let group = group(&n.group);
    let of = if group.is_empty() { "" } else { ": " };
    line(&format!("[{mark}] {}{of}{group}", n.alert), 300)
}

/// What has happened, in a sentence or a few.
pub(crate) fn sentences(n: &Notification) -> String {
    let events = |count: u64| {
        if count == 1 {
            "1 event".to_owned()
        } else {
            format!("{count} events")
        }
    };
    let within = n
        .window
        .as_deref()
        .map(|window| format!(" within {window}"))
        .unwrap_or_default();
    let group = group(&n.group);
    let of = if group.is_empty() {
        String::new()
    } else {
        format!(" for {group}")
    };
    let mut text = match n.kind {
        Kind::Fired => format!("{}{within}{of}.", events(n.count)),
        Kind::Resolved => format!("No more events{of}; {} had matched.", events(n.count)),
        Kind::Report => format!("The report «{}» is made; it has {} findings.", n.alert, n.count),
        Kind::Test => format!(
            "This is a test of the channel by the alert «{}»; nothing has happened.",
            n.alert
        ),
        Kind::Digest => format!(
            "{} notifications came so close together that they are told of here at once.",
            n.members.len()
        ),
    };
    for more in [&n.reason, &n.description].into_iter().flatten() {
        text.push('\n');
        text.push_str(more);
    }
    text
}

/// Everything else that is known, as names and values.
pub(crate) fn facts(n: &Notification) -> Vec<(String, String)> {
    let mut facts: Vec<(String, String)> = Vec::new();
    // On one line each, so that no value looks like another fact.
    let mut fact = |name: &str, value: String| facts.push((line(name, VALUE), line(&value, VALUE)));
    if n.kind != Kind::Digest {
        fact("Severity", n.severity.to_string());
        for (field, value) in &n.group {
            fact(field, value.clone().unwrap_or_else(|| "(missing)".to_owned()));
        }
        let counted = if n.kind == Kind::Report { "Findings" } else { "Events" };
        fact(counted, n.count.to_string());
        if let Some(window) = &n.window {
            fact("Window", window.clone());
        }
    }
    fact("Database", n.database.clone());
    if let Some(origin) = &n.origin {
        fact("Log", origin.clone());
    }
    let when = if n.kind == Kind::Resolved {
        "Resolved at"
    } else {
        "Fired at"
    };
    fact(when, moment(n.fired_at));
    for (name, event) in [("First event", &n.first), ("Last event", &n.last)] {
        if let Some(event) = event {
            fact(name, event_line(event));
        }
    }
    if !n.samples.is_empty() {
        fact("Some events", n.samples.join(", "));
    }
    for (name, value) in &n.labels {
        fact(name, value.clone());
    }
    facts
}

fn event_line(event: &EventRef) -> String {
    format!(
        "{}, {} (index {})",
        moment(event.timestamp),
        event.event_id,
        event.log_index
    )
}

/// A line for each member of a digest, and one for those that are too many.
pub(crate) fn members(n: &Notification) -> Vec<String> {
    let mut lines: Vec<String> = n
        .members
        .iter()
        .take(MEMBERS)
        .map(|member| {
            let mark = match member.kind {
                Kind::Fired => member.severity.label(),
                other => other.label(),
            };
            let group = group(&member.group);
            let of = if group.is_empty() { "" } else { ": " };
            line(
                &format!(
                    "{} {mark} {}{of}{group} ({})",
                    moment(member.fired_at),
                    member.alert,
                    member.count
                ),
                300,
            )
        })
        .collect();
    if n.members.len() > MEMBERS {
        lines.push(format!("and {} more", n.members.len() - MEMBERS));
    }
    lines
}

/// All of it as plain text, without the title.
pub(crate) fn plain(n: &Notification) -> String {
    let mut text = sentences(n);
    text.push_str("\n\n");
    for line in members(n) {
        text.push_str("- ");
        text.push_str(&line);
        text.push('\n');
    }
    for (name, value) in facts(n) {
        text.push_str(&format!("{name}: {value}\n"));
    }
    if let Some(url) = &n.url {
        text.push_str(&format!("\n{url}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn texts_are_cut_at_characters() {
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut("äöüß", 3), "äö…");
        assert_eq!(cut("äöüß", 1), "…");
        assert_eq!(cut("", 0), "");
        assert_eq!(cut("a", 0).chars().count(), 1);
    }
}
