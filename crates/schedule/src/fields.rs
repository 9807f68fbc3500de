//! The five fields, and the `@` names that stand for some.

use crate::When;
use crate::error::{ErrorKind, ScheduleError, quoted};
use crate::field::{self, Field, Kind};
use std::fmt;

/// pg_cron's buffer: a longer text is refused.
const MAX_BYTES: usize = 999;

/// `minute hour day-of-month month day-of-week`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fields {
    pub minute: Field,
    pub hour: Field,
    pub day: Day,
    pub month: Field,
    pub weekday: Field,
}

/// The third field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Day {
    /// `$`: the last one of the month.
    Last,
    Of(Field),
}

impl Fields {
    /// Must a day have both its number and its weekday? So it is as soon as one of the two fields begins
    /// with `*`; otherwise one of them is enough.
    pub(crate) fn both_days(&self) -> bool {
        self.weekday.star() || matches!(&self.day, Day::Of(field) if field.star())
    }

    /// Is the minute or the hour left open? Such jobs run often, so pg_cron does not make up for them.
    pub(crate) fn wild(&self) -> bool {
        self.minute.star() || self.hour.star()
    }
}

impl fmt::Display for Fields {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {} ", self.minute, self.hour)?;
        match &self.day {
            Day::Last => out.write_str("$")?,
            Day::Of(field) => field.fmt(out)?,
        }
        write!(out, " {} {}", self.month, self.weekday)
    }
}

/// Where words are in the text.
struct Words<'t> {
    text: &'t str,
    at: usize,
}

impl Words<'_> {
    fn skip(&mut self, skipped: impl Fn(u8) -> bool) {
        let bytes = self.text.as_bytes()[self.at..].iter();
        self.at += bytes.take_while(|b| skipped(**b)).count();
    }

    /// The next word, which may be empty, and the blanks after it.
    fn next(&mut self) -> (usize, usize) {
        let start = self.at;
        self.skip(|b| !matches!(b, b' ' | b'\t' | b'\n'));
        let end = self.at;
        self.skip(|b| matches!(b, b' ' | b'\t'));
        (start, end)
    }

    /// Empty lines and comments before the schedule.
    fn skip_comments(&mut self) {
        loop {
            self.skip(|b| matches!(b, b' ' | b'\t'));
            match self.text.as_bytes().get(self.at) {
                Some(b'\n') => self.at += 1,
                Some(b'#') => self.skip(|b| b != b'\n'),
                _ => return,
            }
        }
    }

    /// Nothing but blanks and ends of lines may follow.
    fn end(&self) -> Result<(), ScheduleError> {
        let rest = self.text[self.at..].trim_end();
        if rest.trim_start().is_empty() {
            return Ok(());
        }
        let hint = "A schedule has five fields, and its smallest part is the minute: remove the first field if it stands for \
                    seconds, the last one if it stands for years or belongs to the command.";
        let message = format!("{} follows the schedule", quoted(rest.trim_start()));
        Err(ScheduleError::at(self.text, self.at, ErrorKind::Misread, message, hint))
    }
}

/// Reads everything but `n seconds`.
pub(crate) fn parse(text: &str) -> Result<When, ScheduleError> {
    if text.len() > MAX_BYTES {
        let message = format!("a schedule of {} bytes is too long", text.len());
        let hint = format!("Write at most {MAX_BYTES} bytes.");
        return Err(ScheduleError::at(text, MAX_BYTES, ErrorKind::Syntax, message, hint));
    }
    let mut words = Words { text, at: 0 };
    words.skip_comments();
    if text[words.at..].starts_with('@') {
        return named(words);
    }
    // Ends of lines of other systems are no part of the last field.
    words.text = text.trim_end();
    words.at = words.at.min(words.text.len());
    let mut field = |kind: &'static Kind| {
        let (start, end) = words.next();
        Field::parse(kind, words.text, start, end)
    };
    let minute = field(&field::MINUTE)?;
    let hour = field(&field::HOUR)?;
    let day = match words.text[words.at..].strip_prefix('$') {
        Some(rest) if rest.starts_with([' ', '\t']) => {
            words.next();
            Day::Last
        }
        _ => {
            let (start, end) = words.next();
            Day::Of(Field::parse(&field::DAY, words.text, start, end)?)
        }
    };
    let mut field = |kind: &'static Kind| {
        let (start, end) = words.next();
        Field::parse(kind, words.text, start, end)
    };
    let month = field(&field::MONTH)?;
    let weekday = field(&field::WEEKDAY)?;
    words.end()?;
    Ok(When::Fields(Fields {
        minute,
        hour,
        day,
        month,
        weekday,
    }))
}

/// `@daily` and others; pg_cron compares them by case.
fn named(mut words: Words<'_>) -> Result<When, ScheduleError> {
    let (start, end) = words.next();
    let name = &words.text[start..end];
    let stands_for = match name {
        "@hourly" => "0 * * * *",
        "@daily" | "@midnight" => "0 0 * * *",
        "@weekly" => "0 0 * * 0",
        "@monthly" => "0 0 1 * *",
        "@yearly" | "@annually" => "0 0 1 1 *",
        "@reboot" | "@restart" => {
            words.end()?;
            return Ok(When::Start);
        }
        _ => {
            let hint = "Write @hourly, @daily, @weekly, @monthly, @yearly or @reboot, in lower case; for an interval write \
                        \"30 seconds\" or \"*/5 * * * *\".";
            let message = format!("there is no schedule {}", quoted(name));
            return Err(ScheduleError::at(words.text, start, ErrorKind::Syntax, message, hint));
        }
    };
    words.end()?;
    parse(stands_for)
}
