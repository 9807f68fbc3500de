//! What is sent, and how much of it at once.

use std::time::Duration;

/// One event in the format of the sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item<'a> {
    /// Its place in the log.
    pub log_index: u64,
    /// The hash of its entry. Together with the log's origin and `log_index` it is the key by which a receiver knows
    /// a repetition; two hashes at one place prove that the log was forked.
    pub entry_hash: [u8; 32],
    /// The time of the event, in microseconds since 1970 UTC.
    pub timestamp_us: i64,
    /// The class of OCSF (`class_uid`), 0 for the base event or another format.
    pub class: u32,
    /// The event, without a newline at its end.
    pub body: &'a [u8],
}

impl Item<'_> {
    /// The hash in hexadecimal.
    pub(crate) fn hash(&self) -> String {
        hex(&self.entry_hash)
    }

    /// The part of the key that is the event's own: place and hash.
    pub(crate) fn key(&self) -> String {
        format!("{}-{}", self.log_index, self.hash())
    }
}

/// How much goes into a batch. A single event that is larger goes alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes, as [`crate::Stream::weight`] counts them.
    pub max_bytes: usize,
    /// The most events.
    pub max_events: usize,
    /// The longest that an event waits for others.
    pub max_age: Duration,
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}
