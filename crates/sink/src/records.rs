//! How messages stand in a file one after the other, so that a torn one is told from a whole one.
//!
//! A crash may leave any beginning of the record that was being written. Whoever appends next ends it with
//! ` [torn]`, which no whole record has at the end of a line, and only then with the separator: wherever
//! that writing is cut in its turn, nothing torn ever looks whole, and nothing whole is lost.

use std::fs::File;
use std::io::{self, BufRead, Read, Seek, SeekFrom};
use std::path::Path;

use crate::error::DeliveryError;

/// How a file holds messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFormat {
    /// Signed notes (c2sp.org/signed-note) without empty lines in their texts, such as checkpoints, each
    /// followed by an empty line.
    Notes,
    /// A line for each message, such as JSON.
    Lines,
}

/// The most bytes of a message in a file.
pub const MAX_RECORD_BYTES: usize = 16 << 20;

/// How far [`read_last`] looks back.
const MAX_TAIL: u64 = 4 * MAX_RECORD_BYTES as u64;

/// What a line ends with that a crash has cut.
const TORN: &[u8] = b"[torn]";

/// What each line of a note's signatures begins with.
const SIGNATURE: &[u8] = "— ".as_bytes();

impl FileFormat {
    /// The bytes of `body` in a file.
    pub(crate) fn record(self, body: &[u8]) -> Result<Vec<u8>, DeliveryError> {
        let mut record = body.to_vec();
        if self == Self::Notes || body.last() != Some(&b'\n') {
            record.push(b'\n');
        }
        let mut parser = Parser::new(self);
        let mut lines = record.split_inclusive(|byte| *byte == b'\n');
        let last = lines.next_back().unwrap_or_default();
        // It must come back whole with the last of its lines, and not before.
        let early = lines.any(|line| parser.push(line).is_some());
        match parser.push(last) {
            Some(read) if !early && body.len() <= MAX_RECORD_BYTES && self.same(&read, body) => Ok(record),
            _ => Err(self.refuse()),
        }
    }

    fn same(self, read: &[u8], body: &[u8]) -> bool {
        read == body || self == Self::Lines && Some(read) == body.strip_suffix(b"\n")
    }

    fn refuse(self) -> DeliveryError {
        DeliveryError::permanent(match self {
            Self::Notes => {
                "the message is no signed note whose text has no empty line, or it has more than 16 MiB; for others \
                 take the format «lines»"
            }
            Self::Lines => "the message is not one line of at most 16 MiB without NUL",
        })
    }

    /// What ends a torn record.
    pub(crate) fn end_of_torn(self) -> &'static [u8] {
        match self {
            Self::Notes => b" [torn]\n\n",
            Self::Lines => b" [torn]\n",
        }
    }
}

/// Puts records together from lines.
struct Parser {
    format: FileFormat,
    /// The lines since the last empty one.
    paragraph: Vec<u8>,
    /// Whether something of the paragraph is torn or too long.
    torn: bool,
    /// The paragraph before, when it may be a note's text.
    text: Option<Vec<u8>>,
}

impl Parser {
    fn new(format: FileFormat) -> Self {
        Self {
            format,
            paragraph: Vec::new(),
            torn: false,
            text: None,
        }
    }

    /// Takes the next line with its newline, and gives the record that it completes.
    fn push(&mut self, line: &[u8]) -> Option<Vec<u8>> {
        let content = line.strip_suffix(b"\n").unwrap_or(line);
        let torn = content.ends_with(TORN) || self.paragraph.len() + line.len() > MAX_RECORD_BYTES + 1;
        if self.format == FileFormat::Lines {
            let whole = !torn && !content.is_empty() && !content.contains(&0);
            return whole.then(|| content.to_vec());
        }
        if !content.is_empty() {
            self.torn |= torn || content.iter().any(|byte| *byte < 0x20);
            if self.torn {
                self.paragraph.clear();
                self.paragraph.push(b'\n');
            } else {
                self.paragraph.extend_from_slice(line);
            }
            return None;
        }
        let paragraph = std::mem::take(&mut self.paragraph);
        let torn = std::mem::take(&mut self.torn);
        let text = self.text.take();
        if torn {
            return None;
        }
        if paragraph.is_empty() {
            // Another empty line: whatever stood before it is no text of a note of ours.
            return None;
        }
        let signatures = |paragraph: &[u8]| paragraph.starts_with(SIGNATURE);
        if !signatures(&paragraph) {
            self.text = Some(paragraph);
            return None;
        }
        let mut lines = paragraph.split_inclusive(|byte| *byte == b'\n');
        let note = [text?.as_slice(), b"\n", &paragraph].concat();
        lines.all(signatures).then_some(note)
    }

    /// Leaves out a line that is too long to be kept.
    fn skip_line(&mut self) {
        if self.format == FileFormat::Notes {
            self.torn = true;
            self.paragraph = vec![b'\n'];
        }
    }

    /// Whether a record may follow.
    fn is_between(&self) -> bool {
        self.paragraph.is_empty() && self.text.is_none()
    }
}

/// The whole messages in a file, in the order they were written; what is torn is left out.
pub struct Records<R> {
    from: R,
    parser: Parser,
}

impl<R: BufRead> Records<R> {
    /// Those that `from` holds.
    pub fn new(from: R, format: FileFormat) -> Self {
        Self {
            from,
            parser: Parser::new(format),
        }
    }

    fn step(&mut self) -> io::Result<Option<Option<Vec<u8>>>> {
        let mut line = Vec::new();
        let most = MAX_RECORD_BYTES as u64 + 1;
        (&mut self.from).take(most).read_until(b'\n', &mut line)?;
        if line.ends_with(b"\n") {
            return Ok(Some(self.parser.push(&line)));
        }
        if (line.len() as u64) < most {
            return Ok(None);
        }
        self.parser.skip_line();
        self.from.skip_until(b'\n')?;
        Ok(Some(None))
    }
}

impl<R: BufRead> Iterator for Records<R> {
    type Item = io::Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.step() {
                Ok(Some(Some(record))) => return Some(Ok(record)),
                Ok(Some(None)) => {}
                Ok(None) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// The whole messages in the file, in the order they were written; what is torn is left out.
///
/// # Errors
/// When the file can't be opened; the iterator, when it can't be read.
pub fn read_all(path: &Path, format: FileFormat) -> io::Result<Records<io::BufReader<File>>> {
    Ok(Records::new(io::BufReader::new(File::open(path)?), format))
}

/// The last whole message in the file, without reading all of it; `None` when it has none or does not exist.
///
/// # Errors
/// When the file can't be read, or the last 64 MiB of a larger one have no message.
pub fn read_last(path: &Path, format: FileFormat) -> io::Result<Option<Vec<u8>>> {
    match File::open(path) {
        Ok(mut file) => Ok(tail(&mut file, format)?.last),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The end of a file.
pub(crate) struct Tail {
    /// The last whole message.
    pub(crate) last: Option<Vec<u8>>,
    /// Whether something that is not whole follows it.
    pub(crate) torn: bool,
    /// Bytes of the file.
    pub(crate) size: u64,
}

/// Reads the end of a file, as much of it as it takes to find a message.
pub(crate) fn tail(file: &mut File, format: FileFormat) -> io::Result<Tail> {
    let size = file.seek(SeekFrom::End(0))?;
    let mut window = 64 << 10;
    loop {
        let start = size.saturating_sub(window);
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        file.take(size - start).read_to_end(&mut bytes)?;
        let tail = parse_tail(&bytes, start > 0, format, size);
        if tail.last.is_some() || start == 0 {
            return Ok(tail);
        }
        if window >= MAX_TAIL {
            let message = format!("the last {MAX_TAIL} bytes of the file have no message");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        window = (window * 8).min(MAX_TAIL);
    }
}

fn parse_tail(bytes: &[u8], partial: bool, format: FileFormat, size: u64) -> Tail {
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n');
    if partial {
        // Begins behind the first separator, within the window or at its edge.
        let _ = lines.next();
        if format == FileFormat::Notes {
            let _ = lines.by_ref().find(|line| *line == b"\n");
        }
    }
    let mut parser = Parser::new(format);
    let mut tail = Tail {
        last: None,
        torn: false,
        size,
    };
    for line in lines {
        if !line.ends_with(b"\n") {
            tail.torn = true;
        } else if let Some(record) = parser.push(line) {
            tail.last = Some(record);
        }
    }
    tail.torn |= !parser.is_between();
    tail
}
