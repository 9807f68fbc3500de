//! What a line of the format `json` says of its place in the log.

use auditlog_tlog::Hash;
use serde::Deserialize;

/// The place of an event.
#[derive(Debug, Deserialize)]
pub(crate) struct Place {
    pub origin: String,
    pub log_index: u64,
    entry_hash: String,
}

#[derive(Deserialize)]
struct Line {
    auditlog: Place,
}

impl Place {
    /// Reads a line.
    pub fn of(line: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice::<Line>(line).map(|line| line.auditlog)
    }

    /// The leaf of the log's tree, when it is one.
    pub fn leaf(&self) -> Option<Hash> {
        unhex(&self.entry_hash)
    }
}

/// A hash as text.
pub(crate) fn hex(hash: &[u8]) -> String {
    use std::fmt::Write;
    hash.iter()
        .fold(String::with_capacity(2 * hash.len()), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// A text as a hash.
pub(crate) fn unhex(text: &str) -> Option<Hash> {
    let digit = |byte: u8| (byte as char).to_digit(16).map(|digit| digit as u8);
    let bytes = text.as_bytes();
    if bytes.len() != 64 {
        return None;
    }
    let mut hash = [0; 32];
    for (out, pair) in hash.iter_mut().zip(bytes.chunks_exact(2)) {
        *out = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(hash)
}
