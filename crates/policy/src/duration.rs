//! Lengths of time as people write them: `30s`, `5m`, `2h`, `1d`, `1w`, `1h30m`.

use std::fmt;
use std::str::FromStr;

/// A length of time of whole seconds, more than nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration {
    seconds: i64,
}

/// Why a text is no length of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// No numbers with units.
    #[error("is not a length of time")]
    Form,
    /// `1m1h`, `1m1m`
    #[error("has its units in the wrong order")]
    Order,
    /// `0s`
    #[error("is no time at all")]
    Zero,
    /// More than a hundred years.
    #[error("is too long")]
    Long,
}

/// Largest unit first.
const UNITS: [(char, i64, &str); 5] = [
    ('w', 604_800, "week"),
    ('d', 86_400, "day"),
    ('h', 3_600, "hour"),
    ('m', 60, "minute"),
    ('s', 1, "second"),
];

/// Longest length, so that sums with times never overflow.
const MOST_SECONDS: i64 = 100 * 366 * 86_400;

impl Duration {
    /// What is to be written, for hints.
    pub const HINT: &'static str =
        "Write whole numbers with the units s, m, h, d or w, the largest first: 30s, 5m, 2h, 1d, 1h30m.";

    /// This many seconds; none when they are not more than nothing, or too many.
    pub fn from_seconds(seconds: i64) -> Option<Duration> {
        (1..=MOST_SECONDS).contains(&seconds).then_some(Duration { seconds })
    }

    /// Whole seconds.
    pub fn seconds(self) -> i64 {
        self.seconds
    }

    /// Microseconds, as times are counted.
    pub fn us(self) -> i64 {
        self.seconds * 1_000_000
    }

    /// In words: «5 minutes», «1 hour and 30 minutes».
    pub fn words(self) -> String {
        let parts: Vec<String> = self
            .parts()
            .map(|(n, unit)| format!("{n} {unit}{}", plural(n)))
            .collect();
        match parts.as_slice() {
            [] => String::new(),
            [one] => one.clone(),
            [first @ .., last] => format!("{} and {last}", first.join(", ")),
        }
    }

    /// Numbers and units; weeks only where nothing is left of them, because «10 days» is easier than «1w3d».
    fn parts(self) -> impl Iterator<Item = (i64, &'static str)> {
        let mut rest = self.seconds;
        let units = UNITS.iter().filter_map(move |(_, length, unit)| {
            if *unit == "week" && rest % length != 0 {
                return None;
            }
            let n = rest / length;
            rest %= length;
            (n > 0).then_some((n, *unit))
        });
        units.collect::<Vec<_>>().into_iter()
    }
}

fn plural(n: i64) -> &'static str {
    if n == 1 { "" } else { "s" }
}

impl fmt::Display for Duration {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts().try_for_each(|(n, unit)| write!(out, "{n}{}", &unit[..1]))
    }
}

impl FromStr for Duration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Duration, DurationError> {
        let mut seconds: i64 = 0;
        let mut rest = text.trim();
        let mut smallest = i64::MAX;
        if rest.is_empty() {
            return Err(DurationError::Form);
        }
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let unit = rest[digits..].chars().next().ok_or(DurationError::Form)?;
            let length = UNITS
                .iter()
                .find(|(name, ..)| *name == unit)
                .ok_or(DurationError::Form)?
                .1;
            if digits == 0 {
                return Err(DurationError::Form);
            }
            if length >= smallest {
                return Err(DurationError::Order);
            }
            smallest = length;
            let n: i64 = rest[..digits].parse().map_err(|_| DurationError::Long)?;
            let more = n.checked_mul(length).ok_or(DurationError::Long)?;
            seconds = seconds.checked_add(more).ok_or(DurationError::Long)?;
            rest = &rest[digits + unit.len_utf8()..];
        }
        match seconds {
            0 => Err(DurationError::Zero),
            seconds => Duration::from_seconds(seconds).ok_or(DurationError::Long),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_are_lengths() {
        for (text, seconds, shown, words) in [
            ("30s", 30, "30s", "30 seconds"),
            ("5m", 300, "5m", "5 minutes"),
            ("1h30m", 5_400, "1h30m", "1 hour and 30 minutes"),
            ("90m", 5_400, "1h30m", "1 hour and 30 minutes"),
            ("1w", 604_800, "1w", "1 week"),
            ("10d", 864_000, "10d", "10 days"),
            (
                "1w1d1h1m1s",
                694_861,
                "8d1h1m1s",
                "8 days, 1 hour, 1 minute and 1 second",
            ),
        ] {
            let duration: Duration = text.parse().expect(text);
            assert_eq!((duration.seconds(), duration.to_string().as_str()), (seconds, shown));
            assert_eq!(duration.words(), words);
            assert_eq!(duration.us(), seconds * 1_000_000);
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for (text, error) in [
            ("", DurationError::Form),
            ("5", DurationError::Form),
            ("m", DurationError::Form),
            ("1.5h", DurationError::Form),
            ("5 m", DurationError::Form),
            ("-5m", DurationError::Form),
            ("5M", DurationError::Form),
            ("5ü", DurationError::Form),
            ("1m1h", DurationError::Order),
            ("1m1m", DurationError::Order),
            ("0s", DurationError::Zero),
            ("0h0m", DurationError::Zero),
            ("99999999999999999999s", DurationError::Long),
            ("9999999999999999w", DurationError::Long),
            ("5301w", DurationError::Long),
        ] {
            assert_eq!(text.parse::<Duration>(), Err(error), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_again(seconds in 1..=MOST_SECONDS) {
            let duration = Duration::from_seconds(seconds).expect("in range");
            prop_assert_eq!(duration.to_string().parse::<Duration>(), Ok(duration));
        }

        #[test]
        fn no_text_is_too_odd(text in "[0-9wdhmsü.]{0,12}") {
            let _ = text.parse::<Duration>();
        }
    }
}
