//! What is delivered, and what is known when it was.

use crate::error::DeliveryError;

/// The most bytes of a message's name: an S3 key has no more.
pub const MAX_NAME_BYTES: usize = 1_024;

/// Something to deliver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// Its identity, such as `example.com/db/12345` for a checkpoint: the idempotency key, the object's key
    /// and, where a URL asks for it, a path. The same name with other bytes is another message only for
    /// files, syslog and witnesses. From 1 to [`MAX_NAME_BYTES`] bytes without control characters; no part
    /// between slashes is empty, `.` or `..`.
    pub name: &'a str,
    /// The media type of the body, such as `text/plain; charset=utf-8`.
    pub content_type: &'a str,
    /// The bytes.
    pub body: &'a [u8],
    /// When it was made, in microseconds since 1970 UTC. Only syslog sends it.
    pub time: i64,
}

impl Message<'_> {
    /// Refuses a name or content type that would not arrive as it is, or as a part of something else.
    pub(crate) fn check(&self) -> Result<(), DeliveryError> {
        if self.name.is_empty() || self.name.len() > MAX_NAME_BYTES {
            return Err(DeliveryError::permanent(format!(
                "the name of a message has from 1 to {MAX_NAME_BYTES} bytes, this one {}",
                self.name.len()
            )));
        }
        if self.name.chars().any(char::is_control) {
            return Err(DeliveryError::permanent(
                "the name of the message has a control character",
            ));
        }
        if self.name.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(DeliveryError::permanent(format!(
                "the name of the message, «{}», has an empty part, «.» or «..» between its slashes",
                self.name
            )));
        }
        let printable = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
        if self.content_type.trim().is_empty() || !self.content_type.bytes().all(printable) {
            return Err(DeliveryError::permanent(
                "the content type of the message is empty or not printable ASCII",
            ));
        }
        Ok(())
    }
}

/// How much is known about the fate of a message that was delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Assurance {
    /// It has left; nobody says whether it arrived (datagrams).
    Sent,
    /// The other side's kernel has all of it; nobody says whether its program has (syslog over a stream).
    Received,
    /// The other side has said so, or it is on disk.
    Confirmed,
}

/// A message that was delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// How much is known.
    pub assurance: Assurance,
    /// The HTTP status of the answer, if there was one.
    pub status: Option<u16>,
    /// The body of the answer: a witness's cosignature lines, whole; of others at most
    /// [`crate::MAX_ANSWER_BYTES`].
    pub body: Vec<u8>,
    /// Whether the very same bytes were there before, so that nothing was written.
    pub already_there: bool,
}

impl Receipt {
    pub(crate) fn new(assurance: Assurance) -> Self {
        Self {
            assurance,
            status: None,
            body: Vec::new(),
            already_there: false,
        }
    }
}
