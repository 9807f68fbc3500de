//! What a witness decides, c2sp.org/tlog-witness: it cosigns a log's checkpoint only when that extends
//! the largest one it has cosigned before.

use crate::checkpoint::Checkpoint;
use crate::hash::{Hash, empty_root};
use crate::note::{SignedNote, VerifierKey};
use crate::proof::verify_consistency;

pub use crate::witness_text::{
    AddCheckpoint, MAX_BODY_BYTES, MAX_PROOF_LINES, RequestError, ResponseError, SIZE_CONTENT_TYPE, conflict_body,
    cosignature_body, parse_conflict, parse_cosignatures,
};

/// The largest tree of a log that a witness has cosigned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TreeHead {
    /// Entries of the tree.
    pub size: u64,
    /// The root of the tree.
    pub root: Hash,
}

/// What a witness answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// 200: put the size and root on record and then [cosign](crate::cosignature::Cosigner) the note.
    Cosign {
        /// Which log.
        origin: String,
        /// Entries of the tree.
        size: u64,
        /// The root of the tree.
        root: Hash,
        /// The checkpoint, as it is to be cosigned.
        note: SignedNote,
    },
    /// 409: the log does not know the size on record, which the answer tells it.
    Conflict {
        /// Entries of the tree on record.
        size: u64,
    },
    /// 409: the log shows another tree of the size on record. This proves that it has forked.
    Fork {
        /// Entries of both trees.
        size: u64,
    },
    /// 400: no request, or one that no log would make.
    BadRequest(String),
    /// 404: a log that the witness does not know.
    UnknownLog(String),
    /// 403: no key of the log has signed, or a signature by one is wrong.
    Unauthorized(String),
    /// 422: the tree is not proven to extend the one on record.
    Unprocessable(String),
}

impl Decision {
    /// The status of the HTTP response.
    pub fn status(&self) -> u16 {
        match self {
            Decision::Cosign { .. } => 200,
            Decision::BadRequest(_) => 400,
            Decision::Unauthorized(_) => 403,
            Decision::UnknownLog(_) => 404,
            Decision::Conflict { .. } | Decision::Fork { .. } => 409,
            Decision::Unprocessable(_) => 422,
        }
    }

    /// The content type and the body of the response; `None` for [`Decision::Cosign`], whose body is
    /// [`cosignature_body`].
    pub fn refusal(&self) -> Option<(&'static str, String)> {
        const TEXT: &str = "text/plain; charset=utf-8";
        match self {
            Decision::Cosign { .. } => None,
            Decision::Conflict { size } => Some((SIZE_CONTENT_TYPE, conflict_body(*size))),
            Decision::Fork { size } => Some((TEXT, format!("another tree of size {size} is on record\n"))),
            Decision::BadRequest(why)
            | Decision::UnknownLog(why)
            | Decision::Unauthorized(why)
            | Decision::Unprocessable(why) => Some((TEXT, format!("{why}\n"))),
        }
    }
}

/// Which logs a witness knows.
#[derive(Debug, Clone)]
pub struct Witness {
    logs: Vec<VerifierKey>,
}

impl Witness {
    /// A witness of the logs with these keys. A key is for the log whose origin it has as its name;
    /// there may be several for one.
    pub fn new(logs: Vec<VerifierKey>) -> Self {
        Self { logs }
    }

    /// Decides on the body of an add-checkpoint request. `stored` gives what is on record for an origin.
    ///
    /// From that look-up until the new head is on record nobody else may decide on the same origin: two
    /// answers at once could otherwise put a smaller tree on record than one has cosigned.
    ///
    /// # Errors
    /// When `stored` fails.
    pub fn decide<E>(
        &self,
        body: &[u8],
        stored: impl FnOnce(&str) -> Result<Option<TreeHead>, E>,
    ) -> Result<Decision, E> {
        let request = match AddCheckpoint::parse(body) {
            Ok(request) => request,
            Err(error) => return Ok(Decision::BadRequest(error.to_string())),
        };
        let checkpoint = match Checkpoint::parse(request.checkpoint.text()) {
            Ok(checkpoint) => checkpoint,
            Err(error) => return Ok(Decision::BadRequest(error.to_string())),
        };
        let keys = keys_of(&checkpoint.origin, &self.logs);
        if keys.is_empty() {
            return Ok(Decision::UnknownLog(format!("no log «{}» is known", checkpoint.origin)));
        }
        if let Err(error) = request.checkpoint.verify(&keys) {
            return Ok(Decision::Unauthorized(error.to_string()));
        }
        if request.old_size > checkpoint.size {
            return Ok(Decision::BadRequest(format!(
                "the old size {} is above the checkpoint's, {}",
                request.old_size, checkpoint.size
            )));
        }
        let stored = stored(&checkpoint.origin)?;
        Ok(compare(request, checkpoint, stored))
    }
}

/// The rest of the decision, on a request that the log has signed.
fn compare(request: AddCheckpoint, checkpoint: Checkpoint, stored: Option<TreeHead>) -> Decision {
    let Checkpoint { origin, size, root, .. } = checkpoint;
    let old = stored.unwrap_or_else(|| TreeHead {
        size: 0,
        root: empty_root(),
    });
    if request.old_size != old.size {
        return Decision::Conflict { size: old.size };
    }
    // Of the empty tree there is one root, so another is no fork but no tree.
    if old.size == size && size > 0 && request.proof.is_empty() && root != old.root {
        return Decision::Fork { size };
    }
    if let Err(error) = verify_consistency(old.size, &old.root, size, &root, &request.proof) {
        return Decision::Unprocessable(error.to_string());
    }
    Decision::Cosign {
        origin,
        size,
        root,
        note: request.checkpoint,
    }
}

/// The keys among `keys` of the log with the origin `origin`.
pub(crate) fn keys_of(origin: &str, keys: &[VerifierKey]) -> Vec<VerifierKey> {
    keys.iter()
        .filter(|key| key.name().as_str() == origin)
        .cloned()
        .collect()
}
