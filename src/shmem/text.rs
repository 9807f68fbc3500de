//! Short texts in shared memory, without a lock: a reader may see parts of two, never anything unsafe.

use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};

/// A text of less than `4 * WORDS` bytes. All zero is the empty one.
#[repr(C)]
pub struct Text<const WORDS: usize>([AtomicU32; WORDS]);

impl<const WORDS: usize> Text<WORDS> {
    /// Replaces it, cut at a character when it is too long.
    pub fn set(&self, text: &str) {
        let mut end = text.len().min(4 * WORDS - 1);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let mut bytes = text.as_bytes()[..end].iter().copied().chain(std::iter::repeat(0));
        for word in &self.0 {
            let four = [(); 4].map(|()| bytes.next().unwrap_or(0));
            word.store(u32::from_ne_bytes(four), Ordering::Relaxed);
        }
    }

    /// The text; `None` when there is none.
    pub fn get(&self) -> Option<String> {
        let bytes: Vec<u8> = self
            .0
            .iter()
            .flat_map(|word| word.load(Ordering::Relaxed).to_ne_bytes())
            .take_while(|byte| *byte != 0)
            .collect();
        (!bytes.is_empty()).then(|| String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// Failures of a worker: how many, and the last one.
#[repr(C)]
pub struct LastError {
    /// Failures.
    pub count: AtomicU64,
    /// Time of the last one, microseconds since the Unix epoch.
    pub at: AtomicI64,
    text: Text<60>,
}

impl LastError {
    /// Remembers a failure.
    pub fn set(&self, text: &str) {
        self.text.set(text);
        self.at.store(super::unix_micros(), Ordering::Release);
        self.count.fetch_add(1, Ordering::AcqRel);
    }

    /// What the last one said.
    pub fn text(&self) -> Option<String> {
        self.text.get()
    }
}
