//! Joins adjacent runs into one, chunk by chunk.

use crate::chunk::{Corrupt, Cursor, Entry};
use crate::encode::ChunkWriter;
use crate::list::List;
use crate::run::{MAX_BITS, MAX_EVENTS, RunHead, bits_for, bucket};

/// Runs that can't be merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// There is none.
    #[error("there are no runs to merge")]
    Nothing,
    /// One does not begin where the one before it ends.
    #[error("the runs to merge are not adjacent: one ends at {end}, the next begins at {first}")]
    Gap {
        /// Where the earlier one ends.
        end: u64,
        /// Where the later one begins.
        first: u64,
    },
    /// One ends before it begins or has too many bits, or all together have too many events.
    #[error("the runs to merge are impossible or longer than a run may be")]
    Impossible,
}

/// A merge in progress. It holds at most one chunk of each input, and the one it writes.
///
/// A run's bits grow with its postings, so an input chunk covers one or more output chunks, and each
/// is read once when the output chunks are asked for in ascending order.
#[derive(Debug)]
pub struct Merge {
    out: RunHead,
    inputs: Vec<Input>,
    /// The output chunk asked for last.
    last: Option<u32>,
    offsets: Vec<u32>,
}

#[derive(Debug)]
struct Input {
    head: RunHead,
    /// The number of the chunk that was read last, and its bytes.
    number: Option<u32>,
    chunk: Vec<u8>,
    cursor: Option<Cursor>,
    entry: Option<Entry>,
}

impl Merge {
    /// Prepares to merge `runs`, in the order of the log.
    ///
    /// # Errors
    /// [`MergeError`] when they are not adjacent, or together have more than [`MAX_EVENTS`] events.
    pub fn new(runs: &[RunHead]) -> Result<Self, MergeError> {
        let ([first, ..], [.., last]) = (runs, runs) else {
            return Err(MergeError::Nothing);
        };
        if let Some([a, b]) = runs.array_windows().find(|[a, b]| a.end != b.first) {
            return Err(MergeError::Gap {
                end: a.end,
                first: b.first,
            });
        }
        let possible = runs.iter().all(|run| run.first <= run.end && run.bits <= MAX_BITS);
        let postings = runs.iter().try_fold(0u64, |sum, run| sum.checked_add(run.postings));
        let events = last.end.checked_sub(first.first).filter(|events| *events <= MAX_EVENTS);
        let (true, Some(postings), Some(_)) = (possible, postings, events) else {
            return Err(MergeError::Impossible);
        };
        // At least the bits of each input, so that no output chunk needs several chunks of one input.
        let bits = runs.iter().fold(bits_for(postings), |bits, run| bits.max(run.bits));
        let out = RunHead {
            first: first.first,
            end: last.end,
            bits,
            postings,
        };
        let inputs = runs.iter().map(|head| Input::new(*head)).collect();
        Ok(Merge {
            out,
            inputs,
            last: None,
            offsets: Vec::new(),
        })
    }

    /// What the merged run will be.
    pub fn out_head(&self) -> RunHead {
        self.out
    }

    /// The chunk `number` of the merged run, to be called for each from 0 on. `read` gives a chunk by
    /// the number of its run (in the order given to [`Merge::new`]) and its own; it is called once for
    /// each. Another order works too, but reads again.
    ///
    /// # Errors
    /// What `read` returns, and [`Corrupt`] for input bytes that are no chunk of that run.
    pub fn chunk<E: From<Corrupt>>(
        &mut self,
        number: u32,
        read: &mut dyn FnMut(usize, u32) -> Result<Vec<u8>, E>,
    ) -> Result<Vec<u8>, E> {
        let again = self.last.replace(number).is_some_and(|last| number <= last);
        for (place, input) in self.inputs.iter_mut().enumerate() {
            if again {
                input.forget();
            }
            input.seek(number, self.out.bits, &mut |bucket| read(place, bucket))?;
        }
        Ok(self.join(number)?)
    }

    fn join(&mut self, number: u32) -> Result<Vec<u8>, Corrupt> {
        let mut writer = ChunkWriter::new(self.out.events());
        // Most terms are in one input only, and finding it is most of their cost: so the inputs' terms
        // lie side by side. An input at its end has a number no term has.
        const NONE: u64 = u64::MAX;
        let term = |input: &Input| input.entry.as_ref().map_or(NONE, |entry| u64::from(entry.term));
        let mut terms: Vec<u64> = self.inputs.iter().map(term).collect();
        loop {
            let lowest = terms.iter().fold(NONE, |lowest, term| lowest.min(*term));
            if lowest == NONE || bucket(lowest as u32, self.out.bits) != number {
                return Ok(writer.finish());
            }
            self.offsets.clear();
            for (place, here) in terms.iter_mut().enumerate().filter(|(_, term)| **term == lowest) {
                let input = &mut self.inputs[place];
                input.take(self.out.first, &mut self.offsets)?;
                *here = term(input);
            }
            writer.list(lowest as u32, &self.offsets);
        }
    }
}

impl Input {
    fn new(head: RunHead) -> Self {
        Input {
            head,
            number: None,
            chunk: Vec::new(),
            cursor: None,
            entry: None,
        }
    }

    /// Stands at the first term that is not before the output chunk `number`, which is none before the last one.
    fn seek<E: From<Corrupt>>(
        &mut self,
        number: u32,
        bits: u8,
        read: &mut dyn FnMut(u32) -> Result<Vec<u8>, E>,
    ) -> Result<(), E> {
        let wanted = number >> (bits - self.head.bits);
        if self.number != Some(wanted) {
            self.forget();
            self.chunk = read(wanted)?;
            self.cursor = Some(Cursor::new(&self.chunk)?);
            self.number = Some(wanted);
            self.advance()?;
        }
        while self
            .entry
            .as_ref()
            .is_some_and(|entry| bucket(entry.term, bits) < number)
        {
            self.advance()?;
        }
        Ok(())
    }

    fn forget(&mut self) {
        (self.number, self.cursor, self.entry) = (None, None, None);
    }

    #[inline]
    fn advance(&mut self) -> Result<(), Corrupt> {
        self.entry = match &mut self.cursor {
            Some(cursor) => cursor.next(&self.chunk)?,
            None => None,
        };
        let strange = |entry: &Entry| Some(bucket(entry.term, self.head.bits)) != self.number;
        if self.entry.as_ref().is_some_and(strange) {
            return Err(Corrupt("a term belongs to another chunk"));
        }
        Ok(())
    }

    /// Appends the offsets of the term here, counted from `first`, and goes on to the next.
    #[inline]
    fn take(&mut self, first: u64, offsets: &mut Vec<u32>) -> Result<(), Corrupt> {
        let Some(entry) = &self.entry else {
            return Ok(());
        };
        // Both fit: all events of a merge are at most MAX_EVENTS.
        let base = (self.head.first - first) as u32;
        let events = self.head.events() as u32;
        let mut largest = 0;
        List::at(&self.chunk, &entry.place)?.decode(|offset| {
            largest = offset;
            offsets.push(base.wrapping_add(offset));
        })?;
        // The offsets ascend, so the last one stands for all.
        if largest >= events {
            return Err(Corrupt("an offset is not in the run"));
        }
        self.advance()
    }
}
