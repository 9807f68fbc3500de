//! Numbers for people.

/// With commas between thousands.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// Bytes in the unit that fits: `512 B`, `1.4 MB`.
pub fn bytes(n: u64) -> String {
    let mut value = n as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        if value < 1000.0 {
            return if unit == "B" {
                format!("{n} B")
            } else {
                format!("{value:.1} {unit}")
            };
        }
        value /= 1000.0;
    }
    format!("{value:.1} TB")
}

/// A duration in its two greatest units: `2 h 5 min`.
pub fn seconds(n: f64) -> String {
    if n < 1.0 {
        return format!("{} ms", (n.max(0.0) * 1000.0).round());
    }
    let n = n.round() as u64;
    let (d, h, m, s) = (n / 86_400, n / 3600 % 24, n / 60 % 60, n % 60);
    match (d, h, m) {
        (0, 0, 0) => format!("{s} s"),
        (0, 0, _) if s == 0 => format!("{m} min"),
        (0, 0, _) => format!("{m} min {s} s"),
        (0, _, 0) => format!("{h} h"),
        (0, ..) => format!("{h} h {m} min"),
        (_, 0, _) => format!("{d} d"),
        _ => format!("{d} d {h} h"),
    }
}

/// A figure with two decimals at most, without those that are 0.
pub fn figure(n: f64) -> String {
    let text = format!("{n:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    match text.split_once('.') {
        _ if text.starts_with('-') => text.to_owned(),
        Some((whole, rest)) => format!("{}.{rest}", whole.parse().map_or_else(|_| whole.to_owned(), count)),
        None => text.parse().map_or_else(|_| text.to_owned(), count),
    }
}

/// `1 event`, `2 events`.
pub fn plural(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

/// The change from `before` to `now` in percent, when there is something to compare with.
pub fn change(now: u64, before: u64) -> Option<i64> {
    (before > 0).then(|| ((now as f64 - before as f64) / before as f64 * 100.0).round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([12, 1400, 2_500_000].map(bytes), ["12 B", "1.4 kB", "2.5 MB"]);
        assert_eq!(
            [0.02, 59.0, 60.0, 3_725.0, 90_000.0].map(seconds),
            ["20 ms", "59 s", "1 min", "1 h 2 min", "1 d 1 h"]
        );
        assert_eq!(
            [100.0, 99.95, 12_345.5, -3.0].map(figure),
            ["100", "99.95", "12,345.5", "-3"]
        );
        assert_eq!(change(150, 100), Some(50));
        assert_eq!(change(1, 0), None);
    }
}
