//! One of the five fields: what it may hold, and what it says.

use crate::error::{ErrorKind, ScheduleError, quoted};
use std::fmt;

/// What a field may hold.
#[derive(Debug)]
pub(crate) struct Kind {
    /// For messages.
    pub name: &'static str,
    pub low: u8,
    pub high: u8,
    /// Names for the values from `low` on.
    pub names: &'static [&'static str],
}

pub(crate) const MINUTE: Kind = Kind::new("minute", 0, 59, &[]);
pub(crate) const HOUR: Kind = Kind::new("hour", 0, 23, &[]);
pub(crate) const DAY: Kind = Kind::new("day of the month", 1, 31, &[]);
pub(crate) const MONTH: Kind = Kind::new(
    "month",
    1,
    12,
    &[
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ],
);
/// 0 and 7 are Sunday.
pub(crate) const WEEKDAY: Kind = Kind::new(
    "day of the week",
    0,
    7,
    &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
);

/// Numbers above are cut to 32 bits by pg_cron and then mean something else.
const NUMBER_MAX: u64 = i32::MAX as u64;

impl Kind {
    const fn new(name: &'static str, low: u8, high: u8, names: &'static [&'static str]) -> Kind {
        Kind { name, low, high, names }
    }

    /// `0 to 59`, with the names where there are some.
    fn allowed(&self) -> String {
        match (self.names.first(), self.names.last()) {
            (Some(first), Some(last)) => format!("{} to {} or {first} to {last}", self.low, self.high),
            _ => format!("{} to {}", self.low, self.high),
        }
    }

    /// All values of a `*`.
    pub(crate) fn all(&self) -> u64 {
        self.steps(self.low, self.high, 1)
    }

    /// As bits.
    fn steps(&self, first: u8, last: u8, step: u8) -> u64 {
        (first..=last)
            .step_by(usize::from(step))
            .fold(0, |set, value| set | 1 << self.sunday(value))
    }

    /// Sunday is 0, whichever way it was written.
    fn sunday(&self, value: u8) -> u8 {
        if self.is_weekday() && value == 7 { 0 } else { value }
    }

    fn is_weekday(&self) -> bool {
        self.high == WEEKDAY.high
    }

    fn single(&self, value: u8) -> Item {
        let value = self.sunday(value);
        Item {
            star: false,
            first: value,
            last: value,
            step: 1,
        }
    }
}

/// `*`, `*/5`, `7`, `1-5`, `1-5/2`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Item {
    star: bool,
    first: u8,
    last: u8,
    step: u8,
}

/// The values of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    items: Vec<Item>,
    /// Bit n: the value n. Sunday is 0.
    pub set: u64,
}

impl Field {
    /// Does it begin with `*`? Whether both kinds of day count or one of them hangs on this, and not on
    /// the values: `*/2` counts as `*`, `1-31` does not.
    pub(crate) fn star(&self) -> bool {
        self.items[0].star
    }

    /// The step of a field that is `*` or `*/n`.
    pub(crate) fn only_step(&self) -> Option<u8> {
        match self.items[..] {
            [Item { star: true, step, .. }] => Some(step),
            _ => None,
        }
    }

    /// Reads `text[start..end]`, which has no blanks.
    pub(crate) fn parse(kind: &'static Kind, text: &str, start: usize, end: usize) -> Result<Field, ScheduleError> {
        let mut reader = Reader {
            kind,
            text,
            at: start,
            end,
        };
        let mut field = Field {
            items: Vec::new(),
            set: 0,
        };
        loop {
            let item = reader.item()?;
            field.set |= kind.steps(item.first, item.last, item.step);
            field.items.push(item);
            if !reader.eat(b',') {
                break;
            }
        }
        reader.finish()?;
        Ok(field)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, item) in self.items.iter().enumerate() {
            if index > 0 {
                out.write_str(",")?;
            }
            match item {
                Item { star: true, .. } => out.write_str("*")?,
                Item { first, last, .. } if first == last => write!(out, "{first}")?,
                Item { first, last, .. } => write!(out, "{first}-{last}")?,
            }
            if item.step > 1 {
                write!(out, "/{}", item.step)?;
            }
        }
        Ok(())
    }
}

struct Reader<'t> {
    kind: &'static Kind,
    text: &'t str,
    at: usize,
    end: usize,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..self.end]
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.rest().as_bytes().first() == Some(&byte);
        self.at += usize::from(found);
        found
    }

    #[cold]
    fn refuse(&self, at: usize, kind: ErrorKind, message: String, hint: impl Into<String>) -> ScheduleError {
        ScheduleError::at(self.text, at, kind, message, hint)
    }

    /// In pg_cron's order: what it refuses comes before what it takes and should not.
    fn item(&mut self) -> Result<Item, ScheduleError> {
        let (at, kind) = (self.at, self.kind);
        if self.eat(b'*') {
            // a step beyond the field is one that leaves the first value alone
            let step = self.step()?.min(u64::from(kind.high - kind.low) + 1) as u8;
            return Ok(Item {
                star: true,
                first: kind.low,
                last: kind.high,
                step,
            });
        }
        let first = self.value()?;
        if !self.eat(b'-') {
            if self.rest().starts_with('/') {
                let rest = self.rest();
                let hint = match u64::from(kind.low) <= first && first < u64::from(kind.high) {
                    true => format!(
                        "A step needs a range: write \"{first}-{}{rest}\", or \"*{rest}\" for all.",
                        kind.high
                    ),
                    false => format!("A step needs a range: write \"*{rest}\"."),
                };
                let message = format!("a step follows a single {}", kind.name);
                return Err(self.refuse(self.at, ErrorKind::Syntax, message, hint));
            }
            return Ok(kind.single(self.within(at, first)?));
        }
        let last_at = self.at;
        let last = self.value()?;
        let step = self.step()?;
        let (first, last) = (self.within(at, first)?, self.within(last_at, last)?);
        if first > last {
            return Err(self.backwards(at, first, last));
        }
        if step > u64::from(last - first) {
            return Ok(kind.single(first));
        }
        Ok(Item {
            star: false,
            first,
            last,
            step: step as u8,
        })
    }

    #[cold]
    fn backwards(&self, at: usize, first: u8, last: u8) -> ScheduleError {
        let kind = self.kind;
        let message = format!("the {} runs backwards from {first} to {last}", kind.name);
        let hint = if kind.is_weekday() && last == 0 {
            format!("Sunday is also 7: write \"{first}-7\".")
        } else {
            let top = if kind.is_weekday() { 6 } else { kind.high };
            format!("Write both parts, \"{first}-{top},{}-{last}\".", kind.low)
        };
        self.refuse(at, ErrorKind::Misread, message, hint)
    }

    /// 1 where there is none.
    fn step(&mut self) -> Result<u64, ScheduleError> {
        if !self.eat(b'/') {
            return Ok(1);
        }
        let at = self.at;
        let word = self.word();
        match word.parse::<u64>() {
            Ok(step @ 1..=NUMBER_MAX) => Ok(step),
            // digits alone, so it is 0 or too long
            _ if !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit()) => {
                let zero = word.bytes().all(|b| b == b'0');
                let kind = if zero { ErrorKind::Syntax } else { ErrorKind::Misread };
                let message = format!("a step of {} is not possible", quoted(word));
                Err(self.refuse(at, kind, message, "Write a step from 1 on, such as \"*/5\"."))
            }
            _ => {
                let message = format!("no number follows the \"/\" of the {}", self.kind.name);
                Err(self.refuse(at, ErrorKind::Syntax, message, "Write a step such as \"*/5\"."))
            }
        }
    }

    /// Letters and digits of ASCII.
    fn word(&mut self) -> &'t str {
        let rest = self.rest();
        let len = rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
        self.at += len;
        &rest[..len]
    }

    /// A number or name, not yet compared with the limits.
    fn value(&mut self) -> Result<u64, ScheduleError> {
        let (at, kind) = (self.at, self.kind);
        let word = self.word();
        if let Some(index) = kind.names.iter().position(|name| name.eq_ignore_ascii_case(word)) {
            return Ok(u64::from(kind.low) + index as u64);
        }
        if !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit()) {
            return match word.parse() {
                Ok(number @ 0..=NUMBER_MAX) => Ok(number),
                _ => Err(self.outside(at, ErrorKind::Misread, word)),
            };
        }
        Err(self.no_value(at, word))
    }

    #[cold]
    fn no_value(&self, at: usize, word: &str) -> ScheduleError {
        let kind = self.kind;
        let rest = &self.text[at..self.end];
        if rest.is_empty() {
            let message = format!("the {} is missing", kind.name);
            let hint = "Write five fields: minute, hour, day of the month, month, day of the week, such as \"30 3 * * 6\"; \
                        or an interval, such as \"30 seconds\".";
            return self.refuse(at, ErrorKind::Syntax, message, hint);
        }
        let shown = if word.is_empty() { rest } else { word };
        let hint = match rest.as_bytes()[0] {
            b'?' => "Write \"*\" for any.".to_owned(),
            b'l' | b'L' | b'$' => "The last day of the month is a \"$\" alone in the third field.".to_owned(),
            _ => match kind
                .names
                .iter()
                .find(|name| word.to_ascii_lowercase().starts_with(**name))
            {
                Some(name) => format!("Write \"{name}\"."),
                None => format!(
                    "Write {}, \"*\", a list such as \"{},{}\" or a range such as \"{}-{}\".",
                    kind.allowed(),
                    kind.low,
                    kind.low + 2,
                    kind.low,
                    kind.low + 2
                ),
            },
        };
        let message = format!("{} is not a valid {}", quoted(shown), kind.name);
        self.refuse(at, ErrorKind::Syntax, message, hint)
    }

    fn within(&self, at: usize, value: u64) -> Result<u8, ScheduleError> {
        match u8::try_from(value) {
            Ok(small) if (self.kind.low..=self.kind.high).contains(&small) => Ok(small),
            _ => Err(self.outside(at, ErrorKind::Syntax, &value.to_string())),
        }
    }

    #[cold]
    fn outside(&self, at: usize, kind: ErrorKind, value: &str) -> ScheduleError {
        let message = format!("there is no {} {value}", self.kind.name);
        self.refuse(at, kind, message, format!("Write {}.", self.kind.allowed()))
    }

    /// pg_cron skips what follows.
    fn finish(&self) -> Result<(), ScheduleError> {
        if self.rest().is_empty() {
            return Ok(());
        }
        let message = format!("{} follows the {}", quoted(self.rest()), self.kind.name);
        let hint = match self.rest().as_bytes()[0] {
            b'#' => "pg_cron has no n-th weekday: write the days of the month, and check the weekday in the command.",
            b';' | b'|' => "Separate values by a comma.",
            _ => "Remove it, or put a blank before the next field.",
        };
        Err(self.refuse(self.at, ErrorKind::Misread, message, hint))
    }
}
