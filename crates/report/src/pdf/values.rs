//! Values as text.

use std::borrow::Cow;

use serde_json::Value;

/// A value of a table: null as «–», a time with a space before the hour (a line may end there), an empty text as «(empty)», other JSON as its text.
pub(crate) fn cell(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null => "–".into(),
        Value::String(text) if text.is_empty() => "(empty)".into(),
        Value::String(text) if is_time(text) => text.replacen('T', " ", 1).into(),
        Value::String(text) => text.into(),
        Value::Bool(value) => if *value { "true" } else { "false" }.into(),
        Value::Number(number) => number.to_string().into(),
        Value::Array(values) if !values.is_empty() && values.iter().all(|value| !is_nested(value)) => {
            let texts: Vec<Cow<'_, str>> = values.iter().map(cell).collect();
            texts.join(", ").into()
        }
        Value::Array(_) | Value::Object(_) => value.to_string().into(),
    }
}

/// `2026-01-01T10:00:00.123456Z`
fn is_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    (20..=30).contains(&bytes.len())
        && bytes.ends_with(b"Z")
        && bytes[..bytes.len() - 1].iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b'-',
            10 => *byte == b'T',
            13 | 16 => *byte == b':',
            19 => *byte == b'.',
            _ => byte.is_ascii_digit(),
        })
}

fn is_nested(value: &Value) -> bool {
    matches!(value, Value::Array(_) | Value::Object(_))
}

/// The value of a metric: whole numbers with separators.
pub(crate) fn figure(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Number(number) => match number.as_i64() {
            Some(whole) => signed(whole).into(),
            None => number.to_string().into(),
        },
        _ => cell(value),
    }
}

fn signed(value: i64) -> String {
    let text = whole(value.unsigned_abs());
    if value < 0 { format!("−{text}") } else { text }
}

/// A whole number with separators: `12,345`.
pub(crate) fn whole(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number of a chart: at most two places, whole numbers with separators.
pub(crate) fn number(value: f64) -> String {
    if !value.is_finite() {
        return "–".into();
    }
    // Up to 2⁵³ whole numbers are exact.
    if value.fract() == 0.0 && value.abs() < 9e15 {
        return signed(value as i64);
    }
    let text = if value.abs() < 9e15 {
        format!("{value:.2}")
    } else {
        format!("{value:e}")
    };
    text.replace('-', "−")
}

/// A size in bytes.
pub(crate) fn bytes(size: usize) -> String {
    match size {
        0..1_000 => format!("{size} B"),
        1_000..1_000_000 => format!("{:.1} kB", size as f64 / 1e3),
        _ => format!("{:.1} MB", size as f64 / 1e6),
    }
}

/// A time in the way that people read it: `2026-01-01 00:00:00 UTC`; other text as it is.
pub(crate) fn time(text: &str) -> Cow<'_, str> {
    let zone = ["Z", "+00:00"].iter().find_map(|zone| text.strip_suffix(zone));
    match zone.and_then(|rest| rest.split_once('T')) {
        Some((date, time)) if date.len() == 10 && time.len() >= 8 => {
            let time = time
                .strip_suffix(".000000")
                .or(time.strip_suffix(".000"))
                .unwrap_or(time);
            format!("{date} {time} UTC").into()
        }
        _ => text.into(),
    }
}

/// The day of a time, when it is at midnight UTC.
pub(crate) fn day_or_time(text: &str) -> Cow<'_, str> {
    match time(text).strip_suffix(" 00:00:00 UTC") {
        Some(day) => day.to_owned().into(),
        None => time(text),
    }
}

/// «1 event», «2 events».
pub(crate) fn counted(count: u64, one: &str, more: &str) -> String {
    format!("{} {}", whole(count), if count == 1 { one } else { more })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_read_easily() {
        assert_eq!(cell(&json!(["a", 1, null])), "a, 1, –");
        assert_eq!(cell(&json!({"a": [1]})), r#"{"a":[1]}"#);
        assert_eq!(cell(&json!("")), "(empty)");
        assert_eq!(cell(&json!("2026-01-01T10:00:00Z")), "2026-01-01 10:00:00Z");
        assert_eq!(
            cell(&json!("2026-01-01T10:00:00.123456Z")),
            "2026-01-01 10:00:00.123456Z"
        );
        assert_eq!(cell(&json!("2026-01-01T10:00:00+02Z")), "2026-01-01T10:00:00+02Z");
        assert_eq!(figure(&json!(-1234567)), "−1,234,567");
        assert_eq!(figure(&json!(0.5)), "0.5");
        assert_eq!(whole(1_000), "1,000");
        assert_eq!(number(1234.5), "1,234.50".replace(',', ""));
        assert_eq!(number(f64::NAN), "–");
        assert_eq!(bytes(12_345), "12.3 kB");
    }

    #[test]
    fn times_are_read_easily() {
        assert_eq!(time("2026-01-01T10:00:00Z"), "2026-01-01 10:00:00 UTC");
        assert_eq!(time("2026-01-01T10:00:00.000000+00:00"), "2026-01-01 10:00:00 UTC");
        assert_eq!(time("later"), "later");
        assert_eq!(day_or_time("2026-01-01T00:00:00Z"), "2026-01-01");
        assert_eq!(day_or_time("2026-01-01T00:00:01Z"), "2026-01-01 00:00:01 UTC");
    }
}
