//! A file of records: each with its length before it. What is damaged is passed over up to the next
//! record, so that one flipped bit does not hide the rest of the file.

use std::io::{self, Read, Write};

use crate::record::{MAGIC, MIN_BYTES};

/// The longest record. PostgreSQL holds at most 1 GiB in a value, and the extension 256 MiB in an event.
pub const MAX_BYTES: u32 = 1 << 30;

/// What is read at once.
const CHUNK: usize = 256 * 1024;

/// What stands in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame<'a> {
    /// The bytes of a record: as long as one and with the magic of one.
    Record(&'a [u8]),
    /// Bytes that are no record.
    Damage(Damage),
}

/// A stretch of bytes that are no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Damage {
    /// Where it begins in the file.
    pub offset: u64,
    /// How long it is.
    pub bytes: u64,
    /// Whether it reaches to the end of the file.
    pub to_the_end: bool,
}

/// Reads the records of a file one after the other.
pub struct Frames<R> {
    source: R,
    buffer: Vec<u8>,
    /// What has not been handed out: `buffer[start..end]`.
    start: usize,
    end: usize,
    /// Where `start` is in the file.
    offset: u64,
    at_end: bool,
}

impl<R: Read> Frames<R> {
    /// The records of `source`.
    pub fn new(source: R) -> Self {
        Self {
            source,
            buffer: Vec::new(),
            start: 0,
            end: 0,
            offset: 0,
            at_end: false,
        }
    }

    /// The next record, or the next stretch without one. `None` at the end of the file.
    ///
    /// # Errors
    /// When the file cannot be read.
    #[allow(clippy::should_implement_trait)] // what it gives borrows from the reader
    pub fn next(&mut self) -> io::Result<Option<Frame<'_>>> {
        if self.fill(4)? == 0 {
            return Ok(None);
        }
        let Some(length) = self.record_at(0)? else {
            return self.damage().map(Some);
        };
        let start = self.start + 4;
        self.skip(4 + length);
        Ok(Some(Frame::Record(&self.buffer[start..start + length])))
    }

    /// The length of the record that begins with its length at `at` in what is left, if one does.
    fn record_at(&mut self, at: usize) -> io::Result<Option<usize>> {
        if self.fill(at + 4 + MAGIC.len())? < at + 4 + MAGIC.len() {
            return Ok(None);
        }
        let left = &self.buffer[self.start + at..self.end];
        let (length, rest) = left.split_first_chunk::<4>().expect("has been filled");
        let length = u32::from_be_bytes(*length);
        if !rest.starts_with(&MAGIC) || length > MAX_BYTES || (length as usize) < MIN_BYTES {
            return Ok(None);
        }
        let length = length as usize;
        Ok((self.fill(at + 4 + length)? >= at + 4 + length).then_some(length))
    }

    /// Passes over what is no record.
    fn damage(&mut self) -> io::Result<Frame<'_>> {
        let offset = self.offset;
        let mut bytes = 0;
        self.pass(1, &mut bytes);
        loop {
            let left = self.fill(CHUNK)?;
            let window = &self.buffer[self.start..self.end];
            // a record's magic has its length before it
            match window.windows(MAGIC.len()).position(|bytes| bytes == MAGIC) {
                Some(at) if at >= 4 => {
                    if self.record_at(at - 4)?.is_some() {
                        self.pass(at - 4, &mut bytes);
                        return Ok(frame(offset, bytes, false));
                    }
                    self.pass(at - 3, &mut bytes);
                }
                Some(_) => self.pass(1, &mut bytes),
                None if self.at_end => {
                    self.pass(left, &mut bytes);
                    return Ok(frame(offset, bytes, true));
                }
                // the magic may be cut by the end of the window, and the length before it is needed
                None => self.pass(left - (MAGIC.len() + 4).min(left), &mut bytes),
            }
        }
    }

    fn pass(&mut self, count: usize, bytes: &mut u64) {
        let count = count.min(self.end - self.start);
        self.skip(count);
        *bytes += count as u64;
    }

    fn skip(&mut self, count: usize) {
        self.start += count;
        self.offset += count as u64;
    }

    /// Reads until `wanted` bytes are left to hand out or the file ends; says how many there are.
    fn fill(&mut self, wanted: usize) -> io::Result<usize> {
        while self.end - self.start < wanted && !self.at_end {
            if self.start > 0 {
                self.buffer.copy_within(self.start..self.end, 0);
                self.end -= self.start;
                self.start = 0;
            }
            // only as far as there is something to read: a length is not believed
            if self.buffer.len() < self.end + CHUNK {
                self.buffer.resize(self.end + CHUNK, 0);
            }
            let free = &mut self.buffer[self.end..];
            match self.source.read(free) {
                Ok(0) => self.at_end = true,
                Ok(count) => self.end += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(self.end - self.start)
    }
}

fn frame(offset: u64, bytes: u64, to_the_end: bool) -> Frame<'static> {
    Frame::Damage(Damage {
        offset,
        bytes,
        to_the_end,
    })
}

/// Writes a record with its length.
///
/// # Errors
/// When the file cannot be written, or the record is longer than [`MAX_BYTES`].
pub fn write_frame(record: &[u8], out: &mut impl Write) -> io::Result<()> {
    let length = u32::try_from(record.len()).ok().filter(|length| *length <= MAX_BYTES);
    let length = length.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "a record is longer than 1 GiB"))?;
    out.write_all(&length.to_be_bytes())?;
    out.write_all(record)
}
