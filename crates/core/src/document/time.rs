//! Timestamps as text: read in any offset, written in UTC.

use chrono::{DateTime, Datelike, NaiveDate, Timelike};

const SECOND: i64 = 1_000_000;

/// The canonical text: UTC with «Z»; no fraction when it is 0, three digits when it is whole
/// milliseconds, else six.
pub fn format_timestamp(us: i64) -> String {
    let mut out = String::with_capacity(27);
    let Some(time) = DateTime::from_timestamp_micros(us) else {
        // only infinity, which no event is accepted with but a touched row may hold, lies out there
        return if us > 0 {
            "infinity".to_owned()
        } else {
            "-infinity".to_owned()
        };
    };
    let year = time.year();
    if (0..=9999).contains(&year) {
        digits(&mut out, year.unsigned_abs(), 4);
    } else {
        out.push(if year < 0 { '-' } else { '+' });
        digits(&mut out, year.unsigned_abs(), 6);
    }
    for (mark, value) in [
        ('-', time.month()),
        ('-', time.day()),
        ('T', time.hour()),
        (':', time.minute()),
        (':', time.second()),
    ] {
        out.push(mark);
        digits(&mut out, value, 2);
    }
    let micros = time.nanosecond() / 1000;
    if micros != 0 {
        out.push('.');
        if micros.is_multiple_of(1000) {
            digits(&mut out, micros / 1000, 3);
        } else {
            digits(&mut out, micros, 6);
        }
    }
    out.push('Z');
    out
}

fn digits(out: &mut String, value: u32, width: u32) {
    for position in (0..width).rev() {
        let digit = value / 10u32.pow(position) % 10;
        out.push(char::from(b'0' + digit as u8));
    }
}

/// Is `text` what [`format_timestamp`] writes for `us`?
pub(super) fn renders_as(us: i64, text: &str) -> bool {
    // the commonest other spelling (an offset) is told apart without formatting
    text.ends_with('Z') && format_timestamp(us) == text
}

/// Is this a moment of the years 0000 to 9999, which RFC 3339 can write?
pub(super) fn is_representable(us: i64) -> bool {
    const FIRST: i64 = -62_167_219_200 * SECOND;
    const END: i64 = 253_402_300_800 * SECOND;
    (FIRST..END).contains(&us)
}

/// Microseconds since the Unix epoch of an RFC 3339 text. Also taken: a space or `t` for `T`, `z`,
/// no seconds, offsets like `+02` and `+0200` (PostgreSQL writes the former). Digits after the
/// sixth of the fraction are cut, so that no event moves into the next second; a leap second
/// counts as the second after it.
pub fn parse_timestamp(text: &str) -> Option<i64> {
    let mut rest = text.as_bytes();
    let year = number(&mut rest, 4)?;
    mark(&mut rest, b"-")?;
    let month = number(&mut rest, 2)?;
    mark(&mut rest, b"-")?;
    let day = number(&mut rest, 2)?;
    mark(&mut rest, b"Tt ")?;
    let hour = number(&mut rest, 2).filter(|h| *h < 24)?;
    mark(&mut rest, b":")?;
    let minute = number(&mut rest, 2).filter(|m| *m < 60)?;
    let mut second = 0;
    let mut micros = 0;
    if mark(&mut rest, b":").is_some() {
        second = number(&mut rest, 2).filter(|s| *s <= 60)?;
        if mark(&mut rest, b".").is_some() {
            micros = fraction(&mut rest)?;
        }
    }
    let offset = offset_minutes(&mut rest)?;
    if !rest.is_empty() {
        return None;
    }
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
    let days = i64::from(date.num_days_from_ce()) - 719_163;
    let minutes = days * 1440 + i64::from(hour * 60 + minute) - offset;
    let us = (minutes * 60 + i64::from(second)) * SECOND + i64::from(micros);
    is_representable(us).then_some(us)
}

fn mark(rest: &mut &[u8], marks: &[u8]) -> Option<u8> {
    let (first, after) = rest.split_first()?;
    if !marks.contains(first) {
        return None;
    }
    *rest = after;
    Some(*first)
}

fn number(rest: &mut &[u8], width: usize) -> Option<u32> {
    let (digits, after) = rest.split_at_checked(width)?;
    let mut value = 0;
    for digit in digits {
        value = value * 10 + u32::from(digit.is_ascii_digit().then(|| digit - b'0')?);
    }
    *rest = after;
    Some(value)
}

fn fraction(rest: &mut &[u8]) -> Option<u32> {
    let length = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    if !(1..=9).contains(&length) {
        return None;
    }
    let mut micros = 0;
    for position in 0..6 {
        let digit = if position < length {
            u32::from(rest[position] - b'0')
        } else {
            0
        };
        micros = micros * 10 + digit;
    }
    *rest = &rest[length..];
    Some(micros)
}

fn offset_minutes(rest: &mut &[u8]) -> Option<i64> {
    let sign = match mark(rest, b"Zz+-")? {
        b'+' => 1,
        b'-' => -1,
        _ => return Some(0),
    };
    let hours = number(rest, 2).filter(|h| *h < 24)?;
    let minutes = if rest.is_empty() {
        0
    } else {
        mark(rest, b":");
        number(rest, 2).filter(|m| *m < 60)?
    };
    Some(sign * i64::from(hours * 60 + minutes))
}
