//! Rows of the log copied out of PostgreSQL's memory, so that another thread can hash them.

use super::columns::{ENTRY_HASH, HASHED, INBOX, LOG, REDACTED, RowBuf, SALT};
use super::row::{Hasher, bytes};
use auditlog_core::columns::{COLUMNS, Kind};
use pgrx::pg_sys::Datum;

/// Bytes of a chunk; a larger row has one of its own.
const CHUNK_BYTES: usize = 256 * 1024;

/// What is to be known of a row besides whether it fits its hash.
pub struct Known<T> {
    /// The caller's.
    pub about: T,
    values: [Datum; INBOX],
    nulls: [bool; INBOX],
}

/// Some rows with their values.
pub struct Chunk<T> {
    /// Holds what the rows' datums point to; never grows.
    memory: Vec<u64>,
    used: usize,
    rows: Vec<Known<T>>,
}

// SAFETY: every pointer inside leads into `memory`, which goes along.
unsafe impl<T: Send> Send for Chunk<T> {}

impl<T> Default for Chunk<T> {
    fn default() -> Chunk<T> {
        Chunk::with_room(CHUNK_BYTES)
    }
}

impl<T> Chunk<T> {
    fn with_room(room: usize) -> Chunk<T> {
        Chunk {
            memory: Vec::with_capacity(room.max(CHUNK_BYTES).div_ceil(size_of::<u64>())),
            used: 0,
            rows: Vec::new(),
        }
    }

    /// Copies a row. A chunk without room for it is returned, and this one begins anew.
    ///
    /// # Safety
    /// The row has the log's columns and types, and its values are valid.
    pub unsafe fn push(&mut self, row: &RowBuf<LOG>, about: T) -> Option<Chunk<T>> {
        // SAFETY: as the caller promises. Values that PostgreSQL must fetch or decompress are, here.
        let content = |i: usize| unsafe { bytes(row.values[i]) };
        let size: usize = (0..INBOX)
            .filter(|i| !row.nulls[*i] && is_varlena(*i))
            .map(|i| (content(i).len() + 4).next_multiple_of(4))
            .sum();
        let room = self.memory.capacity() * size_of::<u64>() - self.used;
        let full = (size > room).then(|| std::mem::replace(self, Chunk::with_room(size)));
        let mut known = Known {
            about,
            values: [Datum::null(); INBOX],
            nulls: [true; INBOX],
        };
        for i in 0..INBOX {
            known.nulls[i] = row.nulls[i];
            if row.nulls[i] {
                continue;
            }
            known.values[i] = if is_varlena(i) {
                self.keep(content(i))
            } else {
                row.values[i]
            };
        }
        self.rows.push(known);
        full
    }

    /// A varlena with a four byte header.
    fn keep(&mut self, content: &[u8]) -> Datum {
        let size = content.len() + 4;
        let header = if cfg!(target_endian = "little") {
            (size as u32) << 2
        } else {
            size as u32
        };
        // SAFETY: `push` has made sure of the room; places are multiples of four.
        unsafe {
            let place = self.memory.as_mut_ptr().cast::<u8>().add(self.used);
            place.cast::<u32>().write(header);
            std::ptr::copy_nonoverlapping(content.as_ptr(), place.add(4), content.len());
            self.used += size.next_multiple_of(4);
            Datum::from(place)
        }
    }

    /// Hashes each row; calls `f` with what is known of it and whether it fits its `entry_hash`.
    pub fn check(self, hasher: &mut Hasher, mut f: impl FnMut(T, bool)) {
        for row in self.rows {
            // SAFETY: the values were copied as they were, into memory that is still here.
            let fits = unsafe { hasher.matches(&row.values, &row.nulls) }.unwrap_or(false);
            f(row.about, fits);
        }
    }
}

const fn is_varlena(column: usize) -> bool {
    if column < HASHED {
        let kind = COLUMNS[column].kind;
        column != super::columns::at!("severity") && !matches!(kind, Kind::Time | Kind::Int)
    } else {
        column == SALT || column == REDACTED || column == ENTRY_HASH
    }
}
