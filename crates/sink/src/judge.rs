//! What an HTTP answer that is no success means for the message.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::error::{DeliveryError, FailureKind};
use crate::http::{Answer, End};

/// The most bytes that are kept of an answer's body.
pub const MAX_ANSWER_BYTES: usize = 64 << 10;

/// The most time that another side can make us wait.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(24 * 3_600);

/// The most characters of an answer in an error.
const EXCERPT: usize = 300;

/// The error that an answer without success is. `secrets` were sent and are not repeated.
pub fn refused(who: &str, answer: &Answer, secrets: &[&str]) -> DeliveryError {
    let mut message = format!("{who} answered {}", answer.status);
    if (300..400).contains(&answer.status) {
        let location = answer.header("location").unwrap_or("nowhere");
        message = format!(
            "{message}, a redirect to {}; redirects are not followed",
            excerpt(location.as_bytes(), secrets)
        );
    } else if !answer.body.is_empty() {
        message = format!("{message}: {}", excerpt(&answer.body, secrets));
    }
    DeliveryError {
        kind: kind(answer),
        message,
        status: Some(answer.status),
    }
}

fn kind(answer: &Answer) -> FailureKind {
    match answer.status {
        408 | 425 | 429 | 500 | 502..=599 => FailureKind::Retry {
            after: answer.header("retry-after").and_then(|value| retry_after(value, now())),
        },
        _ => FailureKind::Permanent,
    }
}

/// Nothing wrong, unless a success broke off: whether all of it had arrived there is not known then.
///
/// # Errors
/// That one, to be tried again.
pub fn whole(who: &str, answer: &Answer) -> Result<(), DeliveryError> {
    if answer.end == End::Cut {
        let message = format!("{who} answered {}, but the answer broke off", answer.status);
        return Err(DeliveryError::retry(message).status(answer.status));
    }
    Ok(())
}

/// The time by the system's clock.
pub(crate) fn now() -> DateTime<Utc> {
    DateTime::from(std::time::SystemTime::now())
}

/// The time in a Retry-After header: seconds, or until a date (RFC 9110 §10.2.3).
pub(crate) fn retry_after(value: &str, now: DateTime<Utc>) -> Option<Duration> {
    let value = value.trim();
    let wait = if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        Duration::from_secs(value.parse().unwrap_or(u64::MAX))
    } else {
        let date = DateTime::parse_from_rfc2822(value).ok()?;
        (date.to_utc() - now).to_std().unwrap_or_default()
    };
    Some(wait.min(MAX_RETRY_AFTER))
}

/// The beginning of a text from outside, on one line and without `secrets`.
pub fn excerpt(bytes: &[u8], secrets: &[&str]) -> String {
    let mut text = String::from_utf8_lossy(bytes).into_owned();
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        text = text.replace(secret, "[secret]");
    }
    let printable = |character: char| if character.is_control() { ' ' } else { character };
    let words: String = text.chars().map(printable).collect();
    let words: Vec<&str> = words.split_whitespace().collect();
    let words = words.join(" ");
    match words.char_indices().nth(EXCERPT) {
        Some((end, _)) => format!("«{}…»", &words[..end]),
        None => format!("«{words}»"),
    }
}
