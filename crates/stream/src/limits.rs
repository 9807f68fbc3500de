//! The options that say how much goes into a batch.

use std::time::Duration;

use auditlog_sink::ConfigError;
use auditlog_sink::client::Options;

use crate::item::Limits;

/// What a kind takes unless it is told otherwise.
pub(crate) struct Usual {
    pub(crate) bytes: usize,
    /// The most bytes that may be asked for.
    pub(crate) most: usize,
    pub(crate) events: usize,
    pub(crate) seconds: u64,
}

/// Reads `batch_bytes`, `batch_events` and `batch_seconds`.
pub(crate) fn limits(options: &mut Options<'_>, usual: &Usual) -> Result<Limits, ConfigError> {
    let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let bytes = options.number("batch_bytes", 1_000..=usual.most as u64)?;
    let events = options.number("batch_events", 1..=1_000_000)?;
    let seconds = options.number("batch_seconds", 0..=86_400)?;
    Ok(Limits {
        max_bytes: bytes.map_or(usual.bytes, size),
        max_events: events.map_or(usual.events, size),
        max_age: Duration::from_secs(seconds.unwrap_or(usual.seconds)),
    })
}
