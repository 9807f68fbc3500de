//! A ring of bytes with promised places. A place is promised before something happens that must be told of,
//! so that telling it can neither fail nor wait.

/// Bytes before each entry: its length, and the length once more in other bits.
const HEADER: usize = 8;

/// How far the ring is written and read. All zero is the empty ring, of any size.
#[repr(C)]
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Positions {
    /// Bytes ever freed.
    read: u64,
    /// Bytes ever written.
    written: u64,
    /// Bytes promised and not yet written.
    reserved: u64,
}

impl Positions {
    /// Bytes of entries that wait.
    pub fn used(&self) -> u64 {
        self.written - self.read
    }

    /// Bytes promised.
    pub fn reserved(&self) -> u64 {
        self.reserved
    }

    /// Where the oldest waiting entry begins.
    pub fn first(&self) -> u64 {
        self.read
    }
}

/// Bytes that an entry of `length` bytes takes in the ring.
pub const fn framed(length: usize) -> u64 {
    (length + HEADER) as u64
}

/// The ring, while its owner holds the lock.
#[derive(Debug)]
pub struct Ring<'a> {
    at: &'a mut Positions,
    bytes: &'a mut [u8],
}

/// What a look at the waiting entries gave.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// The entries, oldest first.
    pub entries: Vec<Vec<u8>>,
    /// Where the first entry begins that is not among them.
    pub next: u64,
    /// What follows cannot be read: somebody wrote over the ring.
    pub damaged: bool,
}

impl<'a> Ring<'a> {
    /// The ring in `bytes`.
    pub fn new(at: &'a mut Positions, bytes: &'a mut [u8]) -> Ring<'a> {
        Ring { at, bytes }
    }

    /// How far it is.
    pub fn positions(&self) -> Positions {
        *self.at
    }

    /// Empties it, promises included. Positions go on, so that nobody's old ones mean anything new.
    pub fn reset(&mut self) {
        self.at.read = self.at.written;
        self.at.reserved = 0;
    }

    /// Bytes that are neither used nor promised.
    pub fn free_bytes(&self) -> u64 {
        (self.bytes.len() as u64).saturating_sub(self.at.used() + self.at.reserved)
    }

    /// Promises `bytes` to the caller, who adds [`framed`] to an entry's length.
    pub fn reserve(&mut self, bytes: u64) -> bool {
        let fits = bytes <= self.free_bytes();
        if fits {
            self.at.reserved += bytes;
        }
        fits
    }

    /// Takes a promise back.
    pub fn release(&mut self, bytes: u64) {
        self.at.reserved = self.at.reserved.saturating_sub(bytes);
    }

    /// Writes an entry into a promised place, and gives back what it does not need of it. False, and nothing
    /// written, when the entry is larger than the promise and there is no room for the rest.
    pub fn push_reserved(&mut self, reserved: u64, entry: &[u8]) -> bool {
        self.release(reserved);
        self.push(entry)
    }

    /// Writes an entry when there is room for it.
    pub fn push(&mut self, entry: &[u8]) -> bool {
        if framed(entry.len()) > self.free_bytes() || u32::try_from(entry.len()).is_err() {
            return false;
        }
        let length = entry.len() as u32;
        self.write(&length.to_le_bytes());
        self.write(&(!length).to_le_bytes());
        self.write(entry);
        true
    }

    /// Copies entries from `from` on, at least one and then up to `limit` entries or `bytes` bytes.
    pub fn take(&self, from: u64, limit: usize, bytes: usize) -> Taken {
        let mut taken = Taken {
            next: from,
            ..Taken::default()
        };
        let mut size = 0;
        while taken.next < self.at.written && taken.entries.len() < limit && (size < bytes || size == 0) {
            let Some(length) = self.length_at(taken.next) else {
                taken.damaged = true;
                break;
            };
            let mut entry = vec![0; length];
            self.copy(taken.next + HEADER as u64, &mut entry);
            taken.next += framed(length);
            size += length;
            taken.entries.push(entry);
        }
        taken
    }

    /// Frees what lies before `until`.
    pub fn free(&mut self, until: u64) {
        self.at.read = until.clamp(self.at.read, self.at.written);
    }

    /// Throws away what cannot be read; returns how many bytes that were.
    pub fn clear(&mut self) -> u64 {
        let lost = self.at.used();
        self.at.read = self.at.written;
        lost
    }

    fn length_at(&self, position: u64) -> Option<usize> {
        let (mut length, mut check) = ([0; 4], [0; 4]);
        self.copy(position, &mut length);
        self.copy(position + 4, &mut check);
        let length = u32::from_le_bytes(length);
        let fits = position + framed(length as usize) <= self.at.written;
        (fits && !length == u32::from_le_bytes(check)).then_some(length as usize)
    }

    fn write(&mut self, data: &[u8]) {
        let size = self.bytes.len();
        let start = (self.at.written % size as u64) as usize;
        let first = data.len().min(size - start);
        self.bytes[start..start + first].copy_from_slice(&data[..first]);
        self.bytes[..data.len() - first].copy_from_slice(&data[first..]);
        self.at.written += data.len() as u64;
    }

    fn copy(&self, position: u64, out: &mut [u8]) {
        let size = self.bytes.len();
        let start = (position % size as u64) as usize;
        let first = out.len().min(size - start);
        let rest = out.len() - first;
        out[..first].copy_from_slice(&self.bytes[start..start + first]);
        out[first..].copy_from_slice(&self.bytes[..rest]);
    }
}
