//! Runs: the postings of a contiguous range of the log, and how one is built from events.

use crate::encode::ChunkWriter;

/// The most events of a run. With the usual 40 terms an event, its chunks still have their usual size.
pub const MAX_EVENTS: u64 = 1 << 28;

/// The most bits a run's terms are cut by.
pub const MAX_BITS: u8 = 20;

/// The most postings of a chunk on average. A posting takes 1.4 to 2 bytes, and a run has the fewest
/// chunks that keep to this, so that a chunk averages 8 to 16 KiB: small enough to read for one term,
/// large enough that the row around it costs little.
pub const POSTINGS_PER_CHUNK: u64 = 8_192;

/// What a run is, without its chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunHead {
    /// The first log index it covers.
    pub first: u64,
    /// The log index behind its last.
    pub end: u64,
    /// It has 2^bits chunks; at most [`MAX_BITS`].
    pub bits: u8,
    /// How many postings its chunks hold.
    pub postings: u64,
}

impl RunHead {
    /// How many events it covers, with or without postings.
    pub fn events(&self) -> u64 {
        self.end.saturating_sub(self.first)
    }

    /// How many chunks it has.
    pub fn chunks(&self) -> u32 {
        1 << self.bits.min(MAX_BITS)
    }

    /// The chunk where `term` is, if it is in the run.
    pub fn bucket(&self, term: u32) -> u32 {
        bucket(term, self.bits)
    }
}

/// The chunk of a term: its upper `bits` bits.
pub(crate) fn bucket(term: u32, bits: u8) -> u32 {
    (u64::from(term) << bits.min(MAX_BITS) >> 32) as u32
}

/// The bits for a run of so many postings.
pub fn bits_for(postings: u64) -> u8 {
    (0..MAX_BITS)
        .find(|bits| postings >> bits <= POSTINGS_PER_CHUNK)
        .unwrap_or(MAX_BITS)
}

/// A run in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The first log index it covers.
    pub first: u64,
    /// The log index behind its last.
    pub end: u64,
    /// It has 2^bits chunks.
    pub bits: u8,
    /// The chunks, by the upper bits of their terms. None is empty: a chunk without terms has a head,
    /// so that a reader can tell it from one that was lost.
    pub chunks: Vec<Vec<u8>>,
    /// How many postings its chunks hold.
    pub postings: u64,
}

impl Run {
    /// What the run is, without its chunks.
    pub fn head(&self) -> RunHead {
        RunHead {
            first: self.first,
            end: self.end,
            bits: self.bits,
            postings: self.postings,
        }
    }
}

/// A run that can't be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// An event before the run's first, or too far behind it.
    #[error("log index {log_index} does not belong into a run that begins at {first}")]
    Outside {
        /// The event's place.
        log_index: u64,
        /// The run's.
        first: u64,
    },
    /// The run would end before an event it has, or is longer than [`MAX_EVENTS`].
    #[error("a run that begins at {first} can't end at {end}")]
    End {
        /// The run's first log index.
        first: u64,
        /// The one behind its last.
        end: u64,
    },
}

/// Collects the postings of a run: 8 bytes of memory for each.
#[derive(Debug, Clone)]
pub struct Builder {
    first: u64,
    /// Term in the upper half, offset in the lower: sorting the numbers sorts the postings.
    keys: Vec<u64>,
    /// The largest offset, and one.
    length: u64,
}

impl Builder {
    /// A run that begins at `first`.
    pub fn new(first: u64) -> Self {
        Builder {
            first,
            keys: Vec::new(),
            length: 0,
        }
    }

    /// Notes that the event at `log_index` contains `term`. Any order, and any number of times.
    ///
    /// # Errors
    /// [`BuildError::Outside`] for an event before `first` or [`MAX_EVENTS`] behind it.
    #[inline]
    pub fn add(&mut self, log_index: u64, term: u32) -> Result<(), BuildError> {
        let offset = log_index.checked_sub(self.first).filter(|offset| *offset < MAX_EVENTS);
        let offset = offset.ok_or(BuildError::Outside {
            log_index,
            first: self.first,
        })?;
        self.length = self.length.max(offset + 1);
        self.keys.push(u64::from(term) << 32 | offset);
        Ok(())
    }

    /// How many postings were added, with repetitions: what memory it takes.
    pub fn added(&self) -> usize {
        self.keys.len()
    }

    /// The run, up to the event before `end`.
    ///
    /// # Errors
    /// [`BuildError::End`] when an event at or behind `end` was added, or the run is longer than [`MAX_EVENTS`].
    pub fn finish(mut self, end: u64) -> Result<Run, BuildError> {
        let first = self.first;
        let events = end
            .checked_sub(first)
            .filter(|events| (self.length..=MAX_EVENTS).contains(events));
        let events = events.ok_or(BuildError::End { first, end })?;
        self.keys.sort_unstable();
        self.keys.dedup();
        let postings = self.keys.len() as u64;
        let bits = bits_for(postings);
        let mut rest = self.keys.as_slice();
        let mut offsets = Vec::new();
        let chunks = (0..1u32 << bits).map(|number| {
            let here = rest.partition_point(|key| bucket((key >> 32) as u32, bits) <= number);
            let (keys, behind) = rest.split_at(here);
            rest = behind;
            chunk(keys, events, &mut offsets)
        });
        Ok(Run {
            first,
            end,
            bits,
            chunks: chunks.collect(),
            postings,
        })
    }
}

fn chunk(keys: &[u64], events: u64, offsets: &mut Vec<u32>) -> Vec<u8> {
    let mut writer = ChunkWriter::new(events);
    for same in keys.chunk_by(|a, b| a >> 32 == b >> 32) {
        let term = (same[0] >> 32) as u32;
        if let [only] = same {
            writer.single(term, *only as u32);
        } else {
            offsets.clear();
            offsets.extend(same.iter().map(|key| *key as u32));
            writer.list(term, offsets);
        }
    }
    writer.finish()
}
