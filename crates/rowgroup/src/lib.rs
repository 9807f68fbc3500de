//! Rows that are compressed together: how many of them fit into a page, and the bytes of such a group.
//!
//! A row alone has little that repeats; sixty of the same application are mostly the same. A group is as many rows as fit
//! into one page once they are compressed (Zstandard, RFC 8878), so that a row is found by its page, and reading one row
//! costs the decompression of some tens of kilobytes, not of a file.
//!
//! | bytes | what |
//! | --- | --- |
//! | 1 | version of the format: 1 |
//! | 1 | 0: stored, 1: Zstandard |
//! | 2 | rows, little endian |
//! | 4 | bytes of the body, little endian |
//! | 4 | bytes of it as they are here, compressed; what comes after them does not matter |
//! | | the body, compressed: length of each row (4 bytes, little endian; 0: there is no such row), then the rows, each at a multiple of 8 |

use std::cell::RefCell;
use std::ops::Range;

/// Rows of a group, at most: their numbers must fit into what a row's address has for them.
pub const MAX_ROWS: usize = 64;
/// Rows begin at a multiple of this many bytes in the decompressed body.
pub const ALIGNMENT: usize = 8;
/// Version of the format.
const VERSION: u8 = 1;
const HEADER: usize = 12;
const STORED: u8 = 0;
const ZSTANDARD: u8 = 1;
/// Compression level: between fast and small. Other levels were not compared.
const LEVEL: i32 = 6;
/// A body is never longer: what says so is damaged.
const MAX_BODY: usize = 64 << 20;
/// Attempts to find how many rows fill a page.
const ATTEMPTS: usize = 4;

/// These bytes are no group, or a damaged one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Damaged {
    /// Too short for a header, or for what it says.
    #[error("{0} bytes are too few for a group of rows")]
    Short(usize),
    /// Of another version, or of nothing known.
    #[error("version {0} of the format is unknown")]
    Version(u8),
    /// Compressed in an unknown manner.
    #[error("compression {0} is unknown")]
    Compression(u8),
    /// Numbers that cannot be.
    #[error("{rows} rows in {body} bytes cannot be")]
    Sizes {
        /// Rows.
        rows: usize,
        /// Bytes of the body.
        body: usize,
    },
    /// Does not decompress to what the header says.
    #[error("the body cannot be decompressed")]
    Body,
    /// Lengths of rows do not add up.
    #[error("row {0} ends outside of the body")]
    Row(usize),
}

/// Not even the first row fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a row of {row} bytes takes {bytes} bytes, {limit} at most fit into a page")]
pub struct TooLarge {
    /// Bytes of the row.
    pub row: usize,
    /// Bytes of the group with it.
    pub bytes: usize,
    /// Bytes that fit.
    pub limit: usize,
}

/// Some rows as one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// How many of the rows are in it.
    pub rows: usize,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

thread_local! {
    static COMPRESSOR: RefCell<Option<zstd::bulk::Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<zstd::bulk::Decompressor<'static>>> = const { RefCell::new(None) };
}

/// The first of `rows` as a group of at most `limit` bytes: as many as fit, about. `hint` is how many fitted the last
/// time, and is kept up to date. A row of no bytes is the place of a row that is not there.
///
/// # Errors
/// [`TooLarge`]: not even one fits.
pub fn pack(rows: &[&[u8]], limit: usize, hint: &mut usize) -> Result<Packed, TooLarge> {
    let most = rows.len().min(MAX_ROWS);
    let (mut best, mut too_many): (Option<Packed>, usize) = (None, most + 1);
    let mut try_next = (*hint).clamp(1, most.max(1));
    for attempt in 0.. {
        let bytes = encode(&rows[..try_next.min(most)]);
        let (n, size) = (try_next, bytes.len().max(1));
        if size <= limit {
            let full = n >= most || size * 16 > limit * 15;
            best = Some(Packed {
                rows: n.min(most),
                bytes,
            });
            if full {
                break;
            }
        } else {
            too_many = n;
            if n == 1 {
                let row = rows.first().map_or(0, |row| row.len());
                return Err(TooLarge {
                    row,
                    bytes: size,
                    limit,
                });
            }
        }
        let fits = best.as_ref().map_or(0, |best| best.rows);
        if fits + 1 >= too_many || (attempt >= ATTEMPTS && fits > 0) {
            break;
        }
        // By the ratio so far; halves where that has not led to anything.
        let guess = if attempt < ATTEMPTS {
            n * limit * 63 / (size * 64)
        } else {
            n / 2
        };
        try_next = guess.clamp(fits + 1, too_many - 1);
    }
    let best = best.unwrap_or(Packed {
        rows: 0,
        bytes: encode(&[]),
    });
    if best.rows < most {
        *hint = best.rows.max(1);
    } else {
        *hint = (*hint).max(best.rows);
    }
    Ok(best)
}

/// The bytes of a group.
fn encode(rows: &[&[u8]]) -> Vec<u8> {
    let begin = (rows.len() * 4).next_multiple_of(ALIGNMENT);
    let mut body = Vec::with_capacity(
        begin
            + rows
                .iter()
                .map(|row| row.len().next_multiple_of(ALIGNMENT))
                .sum::<usize>(),
    );
    body.extend(rows.iter().flat_map(|row| (row.len() as u32).to_le_bytes()));
    body.resize(begin, 0);
    for row in rows {
        body.extend_from_slice(row);
        body.resize(body.len().next_multiple_of(ALIGNMENT), 0);
    }
    let compressed = COMPRESSOR.with_borrow_mut(|compressor| {
        if compressor.is_none() {
            *compressor = zstd::bulk::Compressor::new(LEVEL).ok();
        }
        compressor
            .as_mut()
            .and_then(|compressor| compressor.compress(&body).ok())
    });
    let (kind, content) = match &compressed {
        Some(compressed) if compressed.len() < body.len() => (ZSTANDARD, compressed),
        _ => (STORED, &body),
    };
    let mut bytes = Vec::with_capacity(HEADER + content.len());
    bytes.extend([VERSION, kind]);
    bytes.extend((rows.len() as u16).to_le_bytes());
    bytes.extend((body.len() as u32).to_le_bytes());
    bytes.extend((content.len() as u32).to_le_bytes());
    bytes.extend_from_slice(content);
    bytes
}

/// What the header of a group says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Rows, with those that are not there.
    pub rows: usize,
    /// Bytes of the body.
    pub body: usize,
    kind: u8,
    content: usize,
}

/// Reads the header.
///
/// # Errors
/// [`Damaged`].
pub fn header(bytes: &[u8]) -> Result<Header, Damaged> {
    let Some((head, _)) = bytes.split_first_chunk::<HEADER>() else {
        return Err(Damaged::Short(bytes.len()));
    };
    let [version, kind, r0, r1, b0, b1, b2, b3, c0, c1, c2, c3] = *head;
    if version != VERSION {
        return Err(Damaged::Version(version));
    }
    if kind > ZSTANDARD {
        return Err(Damaged::Compression(kind));
    }
    let rows = usize::from(u16::from_le_bytes([r0, r1]));
    let body = u32::from_le_bytes([b0, b1, b2, b3]) as usize;
    if rows > MAX_ROWS || body > MAX_BODY || body < (rows * 4).next_multiple_of(ALIGNMENT) {
        return Err(Damaged::Sizes { rows, body });
    }
    let content = u32::from_le_bytes([c0, c1, c2, c3]) as usize;
    if content > bytes.len() - HEADER {
        return Err(Damaged::Short(bytes.len()));
    }
    Ok(Header {
        rows,
        body,
        kind,
        content,
    })
}

/// Decompresses a group into `body`, which has the bytes that the header says, and tells where each row is. An empty
/// place: there is no such row.
///
/// # Errors
/// [`Damaged`].
pub fn unpack(
    bytes: &[u8],
    header: &Header,
    body: &mut [u8],
    mut row: impl FnMut(usize, Range<usize>),
) -> Result<(), Damaged> {
    let content = bytes.get(HEADER..HEADER + header.content).ok_or(Damaged::Body)?;
    if body.len() != header.body {
        return Err(Damaged::Body);
    }
    let read = if header.kind == STORED {
        body.copy_from_slice(content.get(..body.len()).ok_or(Damaged::Body)?);
        content.len()
    } else {
        DECOMPRESSOR
            .with_borrow_mut(|decompressor| {
                if decompressor.is_none() {
                    *decompressor = zstd::bulk::Decompressor::new().ok();
                }
                decompressor
                    .as_mut()
                    .and_then(|one| one.decompress_to_buffer(content, &mut *body).ok())
            })
            .ok_or(Damaged::Body)?
    };
    if read != header.body {
        return Err(Damaged::Body);
    }
    let mut at = (header.rows * 4).next_multiple_of(ALIGNMENT);
    for number in 0..header.rows {
        let length = body.get(number * 4..).and_then(|rest| rest.first_chunk::<4>());
        let length = length.map_or(0, |bytes| u32::from_le_bytes(*bytes)) as usize;
        let end = at.saturating_add(length);
        if end > body.len() {
            return Err(Damaged::Row(number));
        }
        row(number, at..end);
        at = end.next_multiple_of(ALIGNMENT);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
