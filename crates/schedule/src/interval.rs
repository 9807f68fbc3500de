//! `30 seconds`.

use crate::error::{ErrorKind, ScheduleError, quoted};

/// `sscanf` counts it as a blank, Rust does not.
const VERTICAL_TAB: char = '\u{b}';

/// None: this is not an interval at all. pg_cron reads it with `" %u secon%c%c %c"`, so a blank may be
/// missing before the unit, and may follow the plural only.
pub(crate) fn parse(text: &str) -> Option<Result<u8, ScheduleError>> {
    let lower = text.to_ascii_lowercase();
    let body = lower.trim_start_matches(blank);
    let number = body.strip_prefix('+').unwrap_or(body);
    let digits = number.len() - number.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = number.split_at(digits);
    let unit = unit.trim_start_matches(blank);
    let units = ["sec", "min", "hour", "day", "week", "month"];
    if number.is_empty() || !units.iter().any(|known| unit.starts_with(known)) {
        return None;
    }
    let refuse = |byte: usize, message: String| {
        let hint = "Write a whole number from 1 to 59 and \"seconds\", such as \"30 seconds\"; for a minute and more use \
                    five fields, such as \"*/5 * * * *\".";
        Some(Err(ScheduleError::at(text, byte, ErrorKind::Syntax, message, hint)))
    };
    if unit != "second" && unit.trim_end_matches(blank) != "seconds" {
        let at = text.len() - unit.len();
        let shown = quoted(text[at..].trim_end());
        return match unit.starts_with("sec") {
            true => refuse(at, format!("{shown} is not \"seconds\"")),
            false => refuse(at, format!("an interval in {shown} is not possible")),
        };
    }
    match number.parse() {
        Ok(seconds @ 1..=59) => Some(Ok(seconds)),
        _ => refuse(
            text.len() - body.len(),
            format!("an interval of {number} seconds is not possible"),
        ),
    }
}

fn blank(c: char) -> bool {
    c.is_ascii_whitespace() || c == VERTICAL_TAB
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn what_sscanf_takes() {
        for (text, seconds) in [
            ("1 second", 1),
            ("1 seconds", 1),
            ("2 second", 2),
            ("30 seconds", 30),
            ("59 SECONDS", 59),
            ("\n 5seconds \t", 5),
            ("+7\u{b}seconds", 7),
            ("007 seconds", 7),
        ] {
            assert_eq!(parse(text), Some(Ok(seconds)), "{text:?}");
        }
    }

    #[test]
    fn what_sscanf_refuses() {
        for text in [
            "0 seconds",
            "60 seconds",
            "30 second ",
            "30 secondly",
            "30 secs",
            "30 seconds ago",
            "4294967326 seconds",
            "5 minutes",
            "1 hour ",
        ] {
            assert!(matches!(parse(text), Some(Err(_))), "{text:?}");
        }
        for text in ["30 m", "seconds", "-30 seconds", "1.5 seconds", "", "* * * * *"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_place_and_the_way_out_are_named() {
        let error = parse("  60 seconds").unwrap().unwrap_err();
        assert_eq!(error.position, 3);
        assert!(error.hint.contains("*/5 * * * *"), "{}", error.hint);
        assert_eq!(parse("30 secs").unwrap().unwrap_err().position, 4);
    }
}
