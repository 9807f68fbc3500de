//! Lengths of time as people write them: `250ms`, `30s`, `15m`, `12h`.

use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

/// A length of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(pub Duration);

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Span, String> {
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let number: u64 = digits
            .parse()
            .map_err(|_| format!("«{text}» is no length of time: write 250ms, 30s, 15m or 12h"))?;
        let millis = match text.get(digits.len()..) {
            Some("ms") => Some(1),
            Some("s") => Some(1_000),
            Some("m") => Some(60_000),
            Some("h") => Some(3_600_000),
            _ => None,
        };
        millis
            .and_then(|unit: u64| number.checked_mul(unit))
            .map(|millis| Span(Duration::from_millis(millis)))
            .ok_or_else(|| format!("«{text}» is no length of time: write 250ms, 30s, 15m or 12h"))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Span, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units() {
        let millis = |text: &str| text.parse::<Span>().map(|span| span.0.as_millis());
        assert_eq!(millis("250ms"), Ok(250));
        assert_eq!(millis("30s"), Ok(30_000));
        assert_eq!(millis("15m"), Ok(900_000));
        assert_eq!(millis("12h"), Ok(43_200_000));
        for wrong in [
            "",
            "5",
            "s",
            "5 s",
            "-5s",
            "5d",
            "99999999999999999999h",
            "18446744073709551615h",
        ] {
            assert!(millis(wrong).is_err(), "{wrong}");
        }
    }
}
