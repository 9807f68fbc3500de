//! Reading files while they are hashed and counted.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use auditlog_tlog::Hash;
use sha2::{Digest, Sha256};

use crate::line::hex;

/// A reader that hashes what passes.
pub(crate) struct Hashing<R> {
    inner: R,
    sha256: Sha256,
    bytes: u64,
}

impl<R> Hashing<R> {
    pub(crate) fn new(inner: R) -> Self {
        Self {
            inner,
            sha256: Sha256::new(),
            bytes: 0,
        }
    }

    pub(crate) fn end(self) -> (u64, String) {
        (self.bytes, hex(&self.sha256.finalize()))
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(out)?;
        self.sha256.update(&out[..read]);
        self.bytes += read as u64;
        Ok(read)
    }
}

/// The file of hashes.
pub(crate) struct Hashes {
    reader: BufReader<Hashing<File>>,
    /// All bytes of the file.
    pub(crate) bytes: u64,
}

impl Hashes {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let bytes = file.metadata()?.len();
        Ok(Self {
            reader: BufReader::new(Hashing::new(file)),
            bytes,
        })
    }

    pub(crate) fn next(&mut self) -> io::Result<Option<Hash>> {
        let mut hash = [0; 32];
        match self.reader.read_exact(&mut hash) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            read => read.map(|()| Some(hash)),
        }
    }

    /// Bytes that no gap has asked for, and the SHA-256 of all.
    pub(crate) fn rest(&mut self) -> io::Result<(u64, String)> {
        let left = io::copy(&mut self.reader, &mut io::sink())?;
        let hashing = self.reader.get_ref();
        Ok((left, hex(&hashing.sha256.clone().finalize())))
    }
}

pub(crate) fn count_lines(reader: &mut impl BufRead) -> io::Result<u64> {
    let mut lines = 0;
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(lines);
        }
        lines += buffer.iter().filter(|byte| **byte == b'\n').count() as u64;
        let length = buffer.len();
        reader.consume(length);
    }
}

/// Rows of CSV: line breaks between quotes are none.
pub(crate) fn csv_rows(reader: &mut impl BufRead) -> io::Result<u64> {
    let (mut rows, mut quoted) = (0, false);
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(rows);
        }
        for byte in buffer {
            match byte {
                b'"' => quoted = !quoted,
                b'\n' if !quoted => rows += 1,
                _ => {}
            }
        }
        let length = buffer.len();
        reader.consume(length);
    }
}
