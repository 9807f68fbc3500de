//! Date literals: `2026-11-21T10:00+02:00`, `now-1d/d`, `2026-11-21||+1M`.

use super::{Instant, Interval, Step, Unit, Zone, add, apply};
use chrono::{FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};

/// Why a text is not a date literal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DateError {
    /// It has not the form of one.
    #[error("not a date")]
    NotADate,
    /// It has the form, but there is no such day or time.
    #[error("no such date")]
    NoSuchDate,
}

/// The interval that a literal names.
pub fn parse_interval(text: &str, zone: &Zone) -> Result<Interval, DateError> {
    if let Some(math) = text.strip_prefix("now") {
        let steps = parse_steps(math).ok_or(DateError::NotADate)?;
        let high = upper(&steps).map(Instant::Now);
        return Ok(Interval {
            low: Instant::Now(steps),
            high,
        });
    }
    let (date, math) = text.split_once("||").unwrap_or((text, ""));
    let literal = Literal::parse(date)?;
    let steps = parse_steps(math).ok_or(DateError::NotADate)?;
    let zone = literal.zone.unwrap_or(*zone);
    let fixed = |local: NaiveDateTime, steps: &[Step]| {
        let us = zone.instant(local).and_then(|us| apply(us, steps, &zone, true));
        us.map(Instant::Fixed).ok_or(DateError::NoSuchDate)
    };
    let low = fixed(literal.local, &steps)?;
    let high = match (upper(&steps), literal.unit) {
        (Some(steps), _) => Some(fixed(literal.local, &steps)?),
        (None, Unit::Second) => None,
        (None, unit) => {
            let next = add(literal.local, 1, unit).ok_or(DateError::NoSuchDate)?;
            Some(fixed(next, &steps)?)
        }
    };
    Ok(Interval { low, high })
}

/// The steps to the upper end: only the last rounding goes up (Elasticsearch issue 22670).
fn upper(steps: &[Step]) -> Option<Vec<Step>> {
    let last = steps.iter().rposition(|step| matches!(step, Step::Floor(_)))?;
    let mut steps = steps.to_vec();
    if let Step::Floor(unit) = steps[last] {
        steps[last] = Step::Next(unit);
    }
    Some(steps)
}

/// The instant in a value of an event: RFC 3339, or without an offset (then UTC) down to a day.
pub fn parse_value(text: &str) -> Option<i64> {
    if !(10..=40).contains(&text.len()) || !text.as_bytes()[0].is_ascii_digit() {
        return None;
    }
    if let Some(us) = auditlog_core::document::parse_timestamp(text) {
        return Some(us);
    }
    let literal = Literal::parse(text).ok().filter(|literal| literal.unit <= Unit::Day)?;
    literal.zone.unwrap_or_default().instant(literal.local)
}

struct Literal {
    local: NaiveDateTime,
    /// The last part that was written.
    unit: Unit,
    zone: Option<Zone>,
}

impl Literal {
    fn parse(text: &str) -> Result<Literal, DateError> {
        let mut rest = text;
        let year = number(&mut rest, 4).ok_or(DateError::NotADate)?;
        let mut unit = Unit::Year;
        let (mut month, mut day) = (1, 1);
        if mark(&mut rest, &['-']) {
            month = number(&mut rest, 2).ok_or(DateError::NotADate)?;
            unit = Unit::Month;
            if mark(&mut rest, &['-']) {
                day = number(&mut rest, 2).ok_or(DateError::NotADate)?;
                unit = Unit::Day;
            }
        }
        let mut time = [0; 3];
        let mut micros = 0;
        if unit == Unit::Day && mark(&mut rest, &['T', 't', ' ']) {
            for (at, part) in [Unit::Hour, Unit::Minute, Unit::Second].into_iter().enumerate() {
                if at > 0 && !mark(&mut rest, &[':']) {
                    break;
                }
                time[at] = number(&mut rest, 2).ok_or(DateError::NotADate)?;
                unit = part;
            }
            if unit == Unit::Second && mark(&mut rest, &['.']) {
                micros = fraction(&mut rest).ok_or(DateError::NotADate)?;
            }
        }
        let zone = offset(rest)?;
        let year = i32::try_from(year).map_err(|_| DateError::NoSuchDate)?;
        let [hour, minute, second] = time;
        // a leap second is the second after it, as in timestamps of events
        let leap = second == 60;
        let time = NaiveTime::from_hms_micro_opt(hour, minute, if leap { 59 } else { second }, micros);
        let local = NaiveDate::from_ymd_opt(year, month, day)
            .zip(time)
            .map(|(date, time)| date.and_time(time))
            .and_then(|local| local.checked_add_signed(TimeDelta::seconds(i64::from(leap))))
            .ok_or(DateError::NoSuchDate)?;
        Ok(Literal { local, unit, zone })
    }
}

fn mark(rest: &mut &str, marks: &[char]) -> bool {
    match rest.strip_prefix(marks) {
        Some(after) => {
            *rest = after;
            true
        }
        None => false,
    }
}

fn number(rest: &mut &str, width: usize) -> Option<u32> {
    let digits = rest.get(..width).filter(|d| d.bytes().all(|b| b.is_ascii_digit()))?;
    *rest = &rest[width..];
    digits.parse().ok()
}

fn fraction(rest: &mut &str) -> Option<u32> {
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    // what is finer than a microsecond is cut, as in timestamps of events
    let micros = rest[..digits].get(..6).unwrap_or(&rest[..digits]);
    let micros = micros.parse::<u32>().ok()? * 10u32.pow(6 - micros.len() as u32);
    *rest = &rest[digits..];
    Some(micros)
}

fn offset(text: &str) -> Result<Option<Zone>, DateError> {
    match text {
        "" => return Ok(None),
        "Z" | "z" => return Ok(Some(Zone::Utc)),
        _ => {}
    }
    let mut rest = text;
    let sign = if mark(&mut rest, &['+']) {
        1
    } else if mark(&mut rest, &['-']) {
        -1
    } else {
        return Err(DateError::NotADate);
    };
    let hours = number(&mut rest, 2).ok_or(DateError::NotADate)?;
    mark(&mut rest, &[':']);
    let minutes = if rest.is_empty() {
        0
    } else {
        number(&mut rest, 2).ok_or(DateError::NotADate)?
    };
    if !rest.is_empty() || minutes > 59 {
        return Err(DateError::NotADate);
    }
    let seconds = i32::try_from(hours * 3600 + minutes * 60).map_err(|_| DateError::NoSuchDate)?;
    let offset = FixedOffset::east_opt(sign * seconds).ok_or(DateError::NoSuchDate)?;
    Ok(Some(Zone::Fixed(offset)))
}

fn parse_steps(text: &str) -> Option<Vec<Step>> {
    let mut rest = text;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if mark(&mut rest, &['/']) {
            steps.push(Step::Floor(unit(&mut rest)?));
            continue;
        }
        let sign = if mark(&mut rest, &['+']) {
            1
        } else if mark(&mut rest, &['-']) {
            -1
        } else {
            return None;
        };
        let width = rest.bytes().take_while(u8::is_ascii_digit).count();
        // nine digits of years lie outside of every calendar already
        if !(1..=9).contains(&width) {
            return None;
        }
        let n: i64 = number(&mut rest, width)?.into();
        steps.push(Step::Add(sign * n, unit(&mut rest)?));
    }
    Some(steps)
}

fn unit(rest: &mut &str) -> Option<Unit> {
    let unit = match rest.chars().next()? {
        'y' | 'Y' => Unit::Year,
        'M' => Unit::Month,
        'w' | 'W' => Unit::Week,
        'd' | 'D' => Unit::Day,
        'h' | 'H' => Unit::Hour,
        'm' => Unit::Minute,
        's' => Unit::Second,
        _ => return None,
    };
    *rest = &rest[1..];
    Some(unit)
}
