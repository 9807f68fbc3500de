//! The bytes of a chunk, and how one term is looked up in them.
//!
//! ```text
//! chunk  = version: 1 byte (1), width: 1 byte (1..=4), length of the chunk: 4 bytes little-endian,
//!          entries with ascending terms
//! entry  = number(gap << 1),     offset: width bytes little-endian        a term with one posting
//!        | number(gap << 1 | 1), number(length of body), body             a term with several
//! body   = number(count << 1),     count numbers                          distances
//!        | number(count << 1 | 1), number(start / 8), bits                bitmap from `start` on
//! ```
//!
//! *number* is LEB128 below 2^35. A gap is the term less the lowest term possible here: 0 for the first
//! entry, then the previous term + 1. Offsets count from the first log index of the run; the numbers of
//! a body are the first offset, then the distance to each next one less one. The writer takes the
//! bitmap when it is shorter. The length tells a chunk that was cut between two entries, which would
//! hide events; there is no checksum, because PostgreSQL's pages have theirs.

use crate::list::{List, Place};
use crate::varint;

/// The version this crate writes, and the only one it reads.
pub const VERSION: u8 = 1;

/// Bytes before the first entry.
pub(crate) const HEAD: usize = 6;

/// Bytes that are no chunk, or a chunk of a version this crate does not know; says what is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a chunk of the term index is corrupt: {0}")]
pub struct Corrupt(pub &'static str);

/// A place between two entries of a chunk. It borrows nothing, so that a merge can keep it beside the bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor {
    at: usize,
    width: usize,
    lowest: u64,
}

/// A term and where its postings are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub term: u32,
    pub place: Place,
}

impl Cursor {
    /// Before the first entry of `chunk`.
    pub fn new(chunk: &[u8]) -> Result<Self, Corrupt> {
        let [version, width, a, b, c, d, ..] = *chunk else {
            return Err(Corrupt("the head is cut off"));
        };
        if version != VERSION {
            return Err(Corrupt("the version is unknown"));
        }
        if !(1..=4).contains(&width) {
            return Err(Corrupt("the width of an offset is impossible"));
        }
        if u32::from_le_bytes([a, b, c, d]) as usize != chunk.len() {
            return Err(Corrupt("the length is another than it says"));
        }
        Ok(Cursor {
            at: HEAD,
            width: usize::from(width),
            lowest: 0,
        })
    }

    /// The next entry of `chunk`, which must be the one the cursor was made for. Skips over the list.
    #[inline]
    pub fn next(&mut self, chunk: &[u8]) -> Result<Option<Entry>, Corrupt> {
        if self.at >= chunk.len() {
            return Ok(None);
        }
        let head = varint::read(chunk, &mut self.at)?;
        let term = u32::try_from(self.lowest + (head >> 1)).map_err(|_| Corrupt("a term is too large"))?;
        self.lowest = u64::from(term) + 1;
        let place = if head & 1 == 0 {
            Place::Single(self.offset(chunk)?)
        } else {
            let length = varint::read(chunk, &mut self.at)?;
            let end = usize::try_from(length)
                .ok()
                .and_then(|length| self.at.checked_add(length));
            let end = end
                .filter(|end| *end <= chunk.len())
                .ok_or(Corrupt("a list is cut off"))?;
            let start = std::mem::replace(&mut self.at, end);
            Place::Body(start..end)
        };
        Ok(Some(Entry { term, place }))
    }

    #[inline]
    fn offset(&mut self, chunk: &[u8]) -> Result<u32, Corrupt> {
        let end = self.at + self.width;
        let bytes = chunk.get(self.at..end).ok_or(Corrupt("an offset is cut off"))?;
        self.at = end;
        Ok(bytes.iter().rev().fold(0, |value, byte| value << 8 | u32::from(*byte)))
    }
}

/// The postings of one term in one run, not decoded yet.
#[derive(Debug, Clone, Copy)]
pub struct Postings<'a> {
    first: u64,
    list: List<'a>,
}

impl Postings<'_> {
    /// How many events, at least 1; known without decoding them.
    pub fn count(&self) -> u64 {
        self.list.count() as u64
    }

    /// Appends the log indexes to `out`, ascending.
    ///
    /// # Errors
    /// [`Corrupt`] when the bytes are not [`count`](Self::count) log indexes. `out` is then as it was.
    pub fn collect_into(&self, out: &mut Vec<u64>) -> Result<(), Corrupt> {
        let before = out.len();
        out.reserve(self.list.count());
        let mut result = self
            .list
            .decode(|offset| out.push(self.first.saturating_add(u64::from(offset))));
        if out.last() == Some(&u64::MAX) {
            result = Err(Corrupt("a log index is too large"));
        }
        if result.is_err() {
            out.truncate(before);
        }
        result
    }
}

/// The postings of `term` in `chunk`, which belongs to a run that begins at `first`; none when the
/// term is not there. The lists of other terms are skipped, not read.
///
/// # Errors
/// [`Corrupt`] when the bytes up to the term are no chunk.
pub fn postings(chunk: &[u8], first: u64, term: u32) -> Result<Option<Postings<'_>>, Corrupt> {
    let mut cursor = Cursor::new(chunk)?;
    while let Some(entry) = cursor.next(chunk)? {
        if entry.term >= term {
            if entry.term > term {
                break;
            }
            let list = List::at(chunk, &entry.place)?;
            return Ok(Some(Postings { first, list }));
        }
    }
    Ok(None)
}
