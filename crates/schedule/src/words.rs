//! A schedule in words.

use crate::field::{DAY, Field, HOUR, MINUTE, MONTH, WEEKDAY};
use crate::fields::{Day, Fields};

const WEEKDAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Times of the day that are listed one by one.
const LISTED: u32 = 6;

/// `at 03:30 on Saturday in January`
pub(crate) fn describe(fields: &Fields) -> String {
    let mut out = times(fields);
    let days = days(fields);
    // «every 5 minutes every day» says no more than «every 5 minutes»
    if days.is_empty() && fields.hour.set != HOUR.all() {
        out += " every day";
    }
    out += &days;
    if fields.month.set != MONTH.all() {
        out += " in ";
        out += &list(fields.month.set, |month| MONTHS[usize::from(month) - 1].to_owned());
    }
    out
}

fn times(fields: &Fields) -> String {
    let (minute, hour) = (&fields.minute, &fields.hour);
    let all_hours = hour.set == HOUR.all();
    if minute.set.count_ones() * hour.set.count_ones() <= LISTED {
        let times: Vec<String> = values(hour.set)
            .flat_map(|hour| values(minute.set).map(move |minute| format!("{hour:02}:{minute:02}")))
            .collect();
        return format!("at {}", joined(&times));
    }
    let minutes = minutes(minute);
    if all_hours {
        return match minutes {
            Minutes::Often(text) => text,
            Minutes::At(text) => format!("at {text} of every hour"),
        };
    }
    let hours = match hour.only_step() {
        Some(step) if 24 % step == 0 => format!("every {} hour", ordinal(step)),
        _ => format!("hour {}", list(hour.set, |hour| hour.to_string())),
    };
    match minutes {
        Minutes::Often(text) => format!("{text} of {hours}"),
        Minutes::At(text) => format!("at {text} of {hours}"),
    }
}

enum Minutes {
    /// `every 5 minutes`
    Often(String),
    /// `minute 5`
    At(String),
}

fn minutes(field: &Field) -> Minutes {
    if field.set == MINUTE.all() {
        return Minutes::Often("every minute".to_owned());
    }
    match field.only_step() {
        // 7 would leave a shorter last step
        Some(step) if 60 % step == 0 && step < 60 => Minutes::Often(format!("every {step} minutes")),
        _ => Minutes::At(format!("minute {}", list(field.set, |minute| minute.to_string()))),
    }
}

/// Empty: every day.
fn days(fields: &Fields) -> String {
    let number = match &fields.day {
        Day::Last => Some("the last day of the month".to_owned()),
        Day::Of(field) if field.set == DAY.all() => None,
        Day::Of(field) => Some(format!("day {} of the month", list(field.set, |day| day.to_string()))),
    };
    let weekday = (fields.weekday.set != WEEKDAY.all())
        .then(|| list(fields.weekday.set, |day| WEEKDAYS[usize::from(day)].to_owned()));
    match (number, weekday, fields.both_days()) {
        (Some(number), Some(weekday), true) => format!(" on {number} when it is {weekday}"),
        (Some(number), Some(weekday), false) => format!(" on {number} and on every {weekday}"),
        (Some(number), None, true) => format!(" on {number}"),
        (None, Some(weekday), true) => format!(" on {weekday}"),
        // one of them holds on each day
        (_, None, false) | (None, ..) => String::new(),
    }
}

fn ordinal(step: u8) -> String {
    match step {
        1 => "1st".to_owned(),
        2 => "2nd".to_owned(),
        3 => "3rd".to_owned(),
        _ => format!("{step}th"),
    }
}

fn values(set: u64) -> impl Iterator<Item = u8> {
    (0..64).filter(move |value| set >> value & 1 == 1)
}

/// `1, 3, 5 to 9 and 20`
fn list(set: u64, name: impl Fn(u8) -> String) -> String {
    let mut parts = Vec::new();
    let mut values = values(set).peekable();
    while let Some(first) = values.next() {
        let mut last = first;
        while values.next_if_eq(&(last + 1)).is_some() {
            last += 1;
        }
        match last - first {
            0 => parts.push(name(first)),
            1 => parts.extend([name(first), name(last)]),
            _ => parts.push(format!("{} to {}", name(first), name(last))),
        }
    }
    joined(&parts)
}

fn joined(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [many @ .., last] => format!("{} and {last}", many.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use crate::Schedule;

    #[test]
    fn words() {
        for (text, words) in [
            ("* * * * *", "every minute"),
            ("*/5 * * * *", "every 5 minutes"),
            (
                "*/7 * * * *",
                "at minute 0, 7, 14, 21, 28, 35, 42, 49 and 56 of every hour",
            ),
            ("@hourly", "at minute 0 of every hour"),
            ("@daily", "at 00:00 every day"),
            ("@weekly", "at 00:00 on Sunday"),
            ("@monthly", "at 00:00 on day 1 of the month"),
            ("@yearly", "at 00:00 on day 1 of the month in January"),
            ("30 3 * * 6", "at 03:30 on Saturday"),
            ("0 12 $ * *", "at 12:00 on the last day of the month"),
            (
                "0 12 $ * mon",
                "at 12:00 on the last day of the month and on every Monday",
            ),
            ("0 0 13 * 5", "at 00:00 on day 13 of the month and on every Friday"),
            (
                "0 0 */2 * 5",
                "at 00:00 on day 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29 and 31 of the month when it is Friday",
            ),
            ("0 0 1-31 * 5", "at 00:00 every day"),
            (
                "*/10 8-17 * * mon-fri",
                "every 10 minutes of hour 8 to 17 on Monday to Friday",
            ),
            ("0,30 */4 * * *", "at minute 0 and 30 of every 4th hour every day"),
            (
                "0,30 8,20 * jan,jul *",
                "at 08:00, 08:30, 20:00 and 20:30 every day in January and July",
            ),
            ("* 4 * * *", "every minute of hour 4 every day"),
            ("1 second", "every second, counted from the last start"),
            ("30 seconds", "every 30 seconds, counted from the last start"),
            ("@restart", "once whenever the server starts"),
        ] {
            assert_eq!(Schedule::parse(text).unwrap().describe(), words, "{text}");
        }
    }
}
