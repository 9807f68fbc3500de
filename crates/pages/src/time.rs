//! Times. The server writes UTC; where the viewer asks for local times, the script puts them in its place.

use chrono::{DateTime, TimeDelta, Utc};
use maud::{Markup, html};

/// A moment.
pub type Moment = DateTime<Utc>;

/// With milliseconds and a Z, as REST writes it.
pub fn iso(at: Moment) -> String {
    at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

fn element(at: Moment, form: &str, text: &str) -> Markup {
    html! { time.t datetime=(iso(at)) title=(format!("{} UTC", at.format("%Y-%m-%d %H:%M:%S%.3f"))) data-form=(form) { (text) } }
}

/// Date and time to the second.
pub fn full(at: Moment) -> Markup {
    element(at, "full", &at.format("%Y-%m-%d %H:%M:%SZ").to_string())
}

/// Date and time to the millisecond.
pub fn exact(at: Moment) -> Markup {
    element(at, "exact", &at.format("%Y-%m-%d %H:%M:%S%.3fZ").to_string())
}

/// Date and time to the minute.
pub fn minute(at: Moment) -> Markup {
    element(at, "minute", &at.format("%Y-%m-%d %H:%MZ").to_string())
}

/// The day.
pub fn day(at: Moment) -> Markup {
    element(at, "day", &at.format("%Y-%m-%d").to_string())
}

/// How long ago, in one unit: `3 min ago`, `in 2 days`.
pub fn relative(now: Moment, at: Moment) -> String {
    let delta = now - at;
    let (distance, past) = if delta < TimeDelta::zero() {
        (-delta, false)
    } else {
        (delta, true)
    };
    let seconds = distance.num_seconds();
    let text = match seconds {
        0..=4 => return "just now".to_owned(),
        5..=59 => format!("{seconds} s"),
        60..=3599 => format!("{} min", seconds / 60),
        3600..=86_399 => format!("{} h", seconds / 3600),
        86_400..=172_799 => "1 day".to_owned(),
        _ => format!("{} days", crate::format::count((seconds / 86_400) as u64)),
    };
    if past {
        format!("{text} ago")
    } else {
        format!("in {text}")
    }
}

/// How long ago, with the moment itself as its title.
pub fn ago(now: Moment, at: Moment) -> Markup {
    html! { time.t datetime=(iso(at)) title=(format!("{} UTC", at.format("%Y-%m-%d %H:%M:%S"))) { (relative(now, at)) } }
}

/// A moment, or a dash.
pub fn optional(at: Option<Moment>) -> Markup {
    html! { @match at { Some(at) => (full(at)), None => span.none { "never" } } }
}

/// The value of an input of the type `datetime-local`, in UTC.
pub fn input(at: Moment) -> String {
    at.format("%Y-%m-%dT%H:%M:%S").to_string()
}

/// A moment as people and forms write it: RFC 3339, or without a zone, then in UTC.
pub fn parse(text: &str) -> Option<Moment> {
    let text = text.trim();
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(at.to_utc());
    }
    [
        "%Y-%m-%dT%H:%M:%S%.f",
        "%Y-%m-%dT%H:%M",
        "%Y-%m-%d %H:%M:%S%.f",
        "%Y-%m-%d %H:%M",
    ]
    .iter()
    .find_map(|form| chrono::NaiveDateTime::parse_from_str(text, form).ok())
    .or_else(|| {
        chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d")
            .ok()?
            .and_hms_opt(0, 0, 0)
    })
    .map(|at| at.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_forms_send_is_read() {
        let at = parse("2026-03-10T14:30:45.123Z").unwrap();
        assert_eq!(iso(at), "2026-03-10T14:30:45.123Z");
        assert_eq!(parse("2026-03-10T15:30:45.123+01:00"), Some(at));
        assert_eq!(iso(parse("2026-03-10T14:30").unwrap()), "2026-03-10T14:30:00.000Z");
        assert_eq!(iso(parse("2026-03-10").unwrap()), "2026-03-10T00:00:00.000Z");
        assert_eq!(parse("yesterday"), None);
    }

    #[test]
    fn distances() {
        let now = parse("2026-03-10T12:00:00Z").unwrap();
        assert_eq!(relative(now, now - TimeDelta::seconds(90)), "1 min ago");
        assert_eq!(relative(now, now + TimeDelta::days(3)), "in 3 days");
        assert_eq!(relative(now, now), "just now");
    }
}
