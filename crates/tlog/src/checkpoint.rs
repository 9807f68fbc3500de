//! Checkpoints: what a log says about its tree, c2sp.org/tlog-checkpoint.

use crate::hash::Hash;
use crate::key::SigningKey;
use crate::note::{KeyName, KeyNameError, NoteError, NoteSigner, SignedNote};
use crate::text::{MAX_SIZE, base64, decimal, hash, quoted};

/// The size and the root of a log's tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log: one line, usually a name like that of a website.
    pub origin: String,
    /// Entries of the tree.
    pub size: u64,
    /// The root of the tree.
    pub root: Hash,
    /// More lines, none of them empty. Witnesses don't vouch for them.
    pub extensions: Vec<String>,
}

/// What is wrong with a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// Fewer than three lines, or no newline at the end.
    #[error("a checkpoint has at least three lines, each ending with a newline")]
    Lines,
    /// The origin is empty or has a control character.
    #[error("{0} is no origin: it must be one line and not empty")]
    Origin(String),
    /// The second line is no size.
    #[error("{0} is no size of a tree: it must be decimal without leading zeros, at most {MAX_SIZE}")]
    Size(String),
    /// The third line is no hash.
    #[error("{0} is no root: it must be the base64 of 32 bytes")]
    Root(String),
    /// A further line is empty or has a control character.
    #[error("{0} is no extension line: it must be one line and not empty")]
    Extension(String),
    /// The origin cannot be the name of a key.
    #[error("the log's key is named like its origin: {0}")]
    KeyName(#[from] KeyNameError),
    /// The text is too long for a note.
    #[error(transparent)]
    Note(#[from] NoteError),
}

impl Checkpoint {
    /// Reads the text of a note.
    ///
    /// # Errors
    /// When [`Checkpoint::text`] would not have written it.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let text = text.strip_suffix('\n').ok_or(CheckpointError::Lines)?;
        let mut lines = text.split('\n');
        let mut next = || lines.next().ok_or(CheckpointError::Lines);
        let (origin, size, root) = (next()?, next()?, next()?);
        let checkpoint = Self {
            origin: origin.to_owned(),
            size: decimal(size).ok_or_else(|| CheckpointError::Size(quoted(size)))?,
            root: hash(root).ok_or_else(|| CheckpointError::Root(quoted(root)))?,
            extensions: lines.map(str::to_owned).collect(),
        };
        checkpoint.check()?;
        Ok(checkpoint)
    }

    /// The text to be signed.
    ///
    /// # Errors
    /// When it would not be a checkpoint: an origin or extension that is not one line, or a size that no
    /// tree has.
    pub fn text(&self) -> Result<String, CheckpointError> {
        self.check()?;
        let mut text = format!("{}\n{}\n{}\n", self.origin, self.size, base64(&self.root));
        for line in &self.extensions {
            text.push_str(line);
            text.push('\n');
        }
        Ok(text)
    }

    /// The checkpoint signed by the log's `key`, under the origin as its name.
    ///
    /// Never sign two checkpoints of a log of which one is not the beginning of the other.
    ///
    /// # Errors
    /// When the checkpoint has no text, or its origin cannot be the name of a key.
    pub fn sign(&self, key: &SigningKey) -> Result<SignedNote, CheckpointError> {
        let signer = NoteSigner::new(KeyName::new(&self.origin)?, key.clone());
        let mut note = SignedNote::new(&self.text()?)?;
        note.add(signer.sign(&note));
        Ok(note)
    }

    fn check(&self) -> Result<(), CheckpointError> {
        let line = |text: &str| !text.is_empty() && !text.contains(|c: char| c < ' ');
        if !line(&self.origin) {
            return Err(CheckpointError::Origin(quoted(&self.origin)));
        }
        if self.size > MAX_SIZE {
            return Err(CheckpointError::Size(self.size.to_string()));
        }
        match self.extensions.iter().find(|text| !line(text)) {
            Some(text) => Err(CheckpointError::Extension(quoted(text))),
            None => Ok(()),
        }
    }
}
