//! The log indexes of one term, as they lie in a chunk: relative to the run's first.

use std::ops::Range;

use crate::chunk::Corrupt;
use crate::varint;

/// Where the postings of a term are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The term's only posting is this offset.
    Single(u32),
    /// The body of a list of several lies at these bytes of the chunk.
    Body(Range<usize>),
}

/// A list whose head has been read and found possible.
#[derive(Debug, Clone, Copy)]
pub enum List<'a> {
    /// One offset.
    Single(u32),
    /// `count` numbers: the first offset, then the distance from each to the next, less one.
    Deltas {
        /// How many.
        count: usize,
        /// The numbers.
        bytes: &'a [u8],
    },
    /// One bit for each event, the lowest of a byte first.
    Bitmap {
        /// How many bits are set.
        count: usize,
        /// The offset of the first bit: a multiple of 8.
        start: u64,
        /// The bits.
        bytes: &'a [u8],
    },
}

impl<'a> List<'a> {
    /// Reads the head of the list at `place` of `chunk`.
    ///
    /// # Errors
    /// When the list claims more postings than its bytes can hold.
    pub fn at(chunk: &'a [u8], place: &Place) -> Result<Self, Corrupt> {
        let body = match place {
            Place::Single(offset) => return Ok(List::Single(*offset)),
            Place::Body(range) => chunk.get(range.clone()).ok_or(Corrupt("a list is cut off"))?,
        };
        let mut at = 0;
        let head = varint::read(body, &mut at)?;
        let count = usize::try_from(head >> 1).map_err(|_| Corrupt("a list is too long"))?;
        let start = if head & 1 == 1 {
            8 * varint::read(body, &mut at)?
        } else {
            0
        };
        let bytes = &body[at..];
        let (list, room) = match head & 1 {
            0 => (List::Deltas { count, bytes }, bytes.len()),
            _ => (List::Bitmap { count, start, bytes }, bytes.len().saturating_mul(8)),
        };
        // So that nobody reserves more memory than a small multiple of the chunk.
        if count == 0 || count > room {
            return Err(Corrupt("a list has fewer postings than it says"));
        }
        Ok(list)
    }

    /// How many postings, by the list's head.
    pub fn count(&self) -> usize {
        match self {
            List::Single(_) => 1,
            List::Deltas { count, .. } | List::Bitmap { count, .. } => *count,
        }
    }

    /// Calls `each` with each offset, ascending.
    ///
    /// # Errors
    /// When the bytes are no list of `count` offsets; `each` may have seen some by then.
    #[inline]
    pub fn decode(&self, mut each: impl FnMut(u32)) -> Result<(), Corrupt> {
        match *self {
            List::Single(offset) => each(offset),
            List::Deltas { count, bytes } => {
                let mut at = 0;
                let mut next = 0u64;
                for _ in 0..count {
                    let offset = next + varint::read(bytes, &mut at)?;
                    each(u32::try_from(offset).map_err(|_| Corrupt("an offset is too large"))?);
                    next = offset + 1;
                }
                if at != bytes.len() {
                    return Err(Corrupt("a list has more postings than it says"));
                }
            }
            List::Bitmap { count, start, bytes } => decode_bits(count, start, bytes, each)?,
        }
        Ok(())
    }
}

#[inline]
fn decode_bits(count: usize, start: u64, bytes: &[u8], mut each: impl FnMut(u32)) -> Result<(), Corrupt> {
    let end = start + 8 * bytes.len() as u64;
    if end > 1 << 32 {
        return Err(Corrupt("an offset is too large"));
    }
    let mut found = 0;
    for (place, eight) in bytes.chunks(8).enumerate() {
        let mut word = [0; 8];
        word[..eight.len()].copy_from_slice(eight);
        let mut bits = u64::from_le_bytes(word);
        let base = start + 64 * place as u64;
        found += bits.count_ones() as usize;
        while bits != 0 {
            each((base + u64::from(bits.trailing_zeros())) as u32);
            bits &= bits - 1;
        }
    }
    if found == count {
        Ok(())
    } else {
        Err(Corrupt("a list has another length than it says"))
    }
}
