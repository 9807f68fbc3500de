//! The external signer's protocol, and the client: one request for each connection to a Unix socket.
//!
//! The request is the body of a witness's add-checkpoint request, whose checkpoint need not be signed:
//! `old <size>`, the lines of the consistency proof, an empty line, the checkpoint. The client then shuts
//! its writing half down. The answer ends with the connection:
//!
//! ```text
//! 200\n— <name> <signature>\n    signed, and the tree is on record
//! 409 <size>\n                   another size is on record
//! 422 <why>\n                    the tree is not proven to extend the one on record
//! 400 <why>\n                    no request
//! ```
//!
//! Nothing but the standard library and the log's formats is needed here.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use auditlog_tlog::Hash;
use auditlog_tlog::note::{NoteError, Signature};
use auditlog_tlog::witness::{AddCheckpoint, MAX_BODY_BYTES, RequestError};

/// The most bytes of an answer.
pub const MAX_ANSWER_BYTES: u64 = 64 * 1024;

/// A signature line of nobody, for a checkpoint without any.
const NOBODY: &str = "\n— nobody AAAAAAA=\n";

/// What the signer answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The signature of the checkpoint.
    Signed(Signature),
    /// The size on record is another than the request's old size.
    Conflict(u64),
    /// The signer does not sign this.
    Refused(String),
    /// The signer does not understand this.
    BadRequest(String),
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum SignerError {
    /// The socket.
    #[error("the signer at {socket} does not answer: {error}")]
    Io {
        /// Its path.
        socket: String,
        /// Why.
        error: io::Error,
    },
    /// The answer has another form.
    #[error("the signer's answer is none: «{0}»")]
    Form(String),
    /// The signature line is none.
    #[error("the signer's signature: {0}")]
    Signature(#[from] NoteError),
}

/// The request to sign the checkpoint `text` ([`auditlog_tlog::Checkpoint::text`]), with the proof that
/// its tree begins with the one of `old_size`.
pub fn request(old_size: u64, proof: &[Hash], text: &str) -> String {
    // a note's empty line belongs to its signatures, of which there are none
    let with_signature = AddCheckpoint {
        old_size,
        proof: proof.to_vec(),
        checkpoint: match auditlog_tlog::SignedNote::parse(&format!("{text}{NOBODY}")) {
            Ok(note) => note,
            // the signer says what is wrong with it
            Err(_) => return format!("old {old_size}\n\n{text}"),
        },
    };
    let body = with_signature.body();
    body.strip_suffix(NOBODY).map_or(body.clone(), str::to_owned)
}

/// Reads a request, whether its checkpoint is signed or not.
///
/// # Errors
/// When it is none.
pub fn parse_request(body: &[u8]) -> Result<AddCheckpoint, RequestError> {
    let unsigned = || {
        let text = std::str::from_utf8(body).ok()?;
        // behind the first empty line, which ends the proof
        let (head, checkpoint) = text.split_at(text.find("\n\n")? + 2);
        // without signatures, a note prints an empty line at its end
        let checkpoint = match checkpoint.strip_suffix("\n\n") {
            Some(rest) => &checkpoint[..=rest.len()],
            None => checkpoint,
        };
        (!checkpoint.contains("\n\n")).then(|| format!("{head}{checkpoint}{NOBODY}"))
    };
    match unsigned() {
        Some(text) if body.len() < MAX_BODY_BYTES => AddCheckpoint::parse(text.as_bytes()),
        _ => AddCheckpoint::parse(body),
    }
}

/// Asks the signer at `socket` and waits for its answer for at most `timeout`.
///
/// The signature is not checked here: [add](auditlog_tlog::SignedNote::add) it to the note and verify
/// that with the log's key.
///
/// # Errors
/// [`SignerError`].
pub fn sign_with(socket: &Path, request: &str, timeout: Duration) -> Result<Answer, SignerError> {
    let failed = |error| SignerError::Io {
        socket: socket.display().to_string(),
        error,
    };
    let answer = exchange(socket, request.as_bytes(), timeout).map_err(failed)?;
    Answer::parse(&answer)
}

fn exchange(socket: &Path, request: &[u8], timeout: Duration) -> io::Result<Vec<u8>> {
    let until = Instant::now() + timeout;
    let left = || {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            Err(io::Error::from(io::ErrorKind::TimedOut))
        } else {
            Ok(Some(left))
        }
    };
    let mut stream = UnixStream::connect(socket)?;
    stream.set_write_timeout(left()?)?;
    stream.write_all(request)?;
    stream.shutdown(Shutdown::Write)?;
    let mut answer = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        stream.set_read_timeout(left()?)?;
        match stream.read(&mut chunk) {
            Ok(0) => return Ok(answer),
            Ok(count) => answer.extend(&chunk[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if answer.len() as u64 > MAX_ANSWER_BYTES {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the answer is too long"));
        }
    }
}

impl Answer {
    /// Reads an answer.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(answer: &[u8]) -> Result<Self, SignerError> {
        let text = String::from_utf8_lossy(answer);
        let form = || SignerError::Form(text.chars().take(80).collect::<String>().escape_debug().to_string());
        let (first, rest) = text.split_once('\n').ok_or_else(form)?;
        match first.split_once(' ') {
            None if first == "200" => {
                let line = rest.strip_suffix('\n').ok_or_else(form)?;
                Ok(Answer::Signed(Signature::parse(line)?))
            }
            Some(("409", size)) if rest.is_empty() => Ok(Answer::Conflict(size.parse().map_err(|_| form())?)),
            Some(("422", why)) if rest.is_empty() => Ok(Answer::Refused(why.to_owned())),
            Some(("400", why)) if rest.is_empty() => Ok(Answer::BadRequest(why.to_owned())),
            _ => Err(form()),
        }
    }
}

/// The answer's bytes.
impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Answer::Signed(signature) => write!(f, "200\n{signature}\n"),
            Answer::Conflict(size) => writeln!(f, "409 {size}"),
            Answer::Refused(why) => writeln!(f, "422 {}", one_line(why)),
            Answer::BadRequest(why) => writeln!(f, "400 {}", one_line(why)),
        }
    }
}

fn one_line(text: &str) -> String {
    text.replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "example.org/log\n3\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";

    #[test]
    fn requests_are_read_signed_or_not() {
        let unsigned = request(2, &[[1; 32], [2; 32]], TEXT);
        assert!(unsigned.ends_with(&format!("\n\n{TEXT}")), "{unsigned}");
        let read = parse_request(unsigned.as_bytes()).expect("a request");
        assert_eq!((read.old_size, read.proof.len()), (2, 2));
        assert_eq!(read.checkpoint.text(), TEXT);
        // a note that prints its empty line, and one that is signed
        for end in ["\n", NOBODY] {
            let read = parse_request(format!("{unsigned}{end}").as_bytes()).expect("a request");
            assert_eq!(read.checkpoint.text(), TEXT);
            assert_eq!(read.proof.len(), 2);
        }
        let without_proof = request(0, &[], TEXT);
        assert_eq!(
            parse_request(without_proof.as_bytes()).expect("a request").proof.len(),
            0
        );
        for bad in ["", "old", "old 1\n", "old x\n\na\n", "old 1\nAA\n\na\n1\n"] {
            assert!(parse_request(bad.as_bytes()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn answers_are_read_as_they_are_written() {
        let signature = Signature::parse("— example.org/log AAAAAAA=").expect("a signature");
        for answer in [
            Answer::Signed(signature),
            Answer::Conflict(7),
            Answer::Refused("no".to_owned()),
            Answer::BadRequest("what?".to_owned()),
        ] {
            assert_eq!(Answer::parse(answer.to_string().as_bytes()).expect("an answer"), answer);
        }
        for bad in ["", "200", "200\n", "409\n", "409 x\n", "500 oh\n", "409 1\nmore"] {
            assert!(Answer::parse(bad.as_bytes()).is_err(), "{bad:?}");
        }
    }
}
