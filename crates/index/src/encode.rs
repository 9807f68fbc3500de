//! Writes a chunk, entry by entry; the format is described in [`crate::chunk`].

use crate::chunk::{HEAD, VERSION};
use crate::varint;

/// A chunk that grows.
pub struct ChunkWriter {
    out: Vec<u8>,
    width: usize,
    lowest: u64,
    deltas: Vec<u8>,
}

impl ChunkWriter {
    /// A chunk without entries, of a run of `events` events.
    pub fn new(events: u64) -> Self {
        let last = events.saturating_sub(1);
        let width = (64 - last.leading_zeros()).div_ceil(8).clamp(1, 4) as usize;
        let mut out = Vec::with_capacity(16 << 10);
        out.extend([VERSION, width as u8, 0, 0, 0, 0]);
        ChunkWriter {
            out,
            width,
            lowest: 0,
            deltas: Vec::new(),
        }
    }

    /// Appends a term, larger than those before, that occurs in one event.
    #[inline]
    pub fn single(&mut self, term: u32, offset: u32) {
        self.head(term, 0);
        self.out.extend_from_slice(&offset.to_le_bytes()[..self.width]);
    }

    /// Appends a term, larger than those before, with its ascending offsets, none of them twice.
    pub fn list(&mut self, term: u32, offsets: &[u32]) {
        let ([first, ..], [.., last]) = (offsets, offsets) else {
            return;
        };
        if offsets.len() == 1 {
            return self.single(term, *first);
        }
        let start = first >> 3;
        let bitmap = (last >> 3) as usize - start as usize + 1;
        let as_bitmap = varint::length(start.into()) + bitmap;
        // A distance takes at least a byte, so that often there is nothing to compare.
        let use_bitmap = as_bitmap < offsets.len() || {
            self.encode_deltas(offsets);
            as_bitmap < self.deltas.len()
        };
        self.head(term, 1);
        let count = (offsets.len() as u64) << 1;
        if use_bitmap {
            let count = count | 1;
            varint::write(&mut self.out, (varint::length(count) + as_bitmap) as u64);
            varint::write(&mut self.out, count);
            varint::write(&mut self.out, start.into());
            let from = self.out.len();
            self.out.resize(from + bitmap, 0);
            let bits = &mut self.out[from..];
            for offset in offsets {
                bits[((offset >> 3) - start) as usize] |= 1 << (offset & 7);
            }
        } else {
            varint::write(&mut self.out, (varint::length(count) + self.deltas.len()) as u64);
            varint::write(&mut self.out, count);
            self.out.extend_from_slice(&self.deltas);
        }
    }

    /// The bytes.
    pub fn finish(mut self) -> Vec<u8> {
        // PostgreSQL's bytea ends at 1 GiB, long before 32 bits do.
        let length = self.out.len() as u32;
        self.out[2..HEAD].copy_from_slice(&length.to_le_bytes());
        self.out
    }

    #[inline]
    fn head(&mut self, term: u32, several: u64) {
        let gap = u64::from(term).saturating_sub(self.lowest);
        varint::write(&mut self.out, gap << 1 | several);
        self.lowest = u64::from(term) + 1;
    }

    fn encode_deltas(&mut self, offsets: &[u32]) {
        self.deltas.clear();
        let mut next = 0;
        for offset in offsets {
            varint::write(&mut self.deltas, u64::from(*offset) - next);
            next = u64::from(*offset) + 1;
        }
    }
}
