//! Whom to believe: the logs, the witnesses, and how many of them must have cosigned a checkpoint,
//! c2sp.org/tlog-policy.

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::note::{NoteError, SignedNote, VerifierKey};

pub use crate::policy_text::{PolicyError, PolicyProblem};

/// A policy. Its text is a line for each log, witness and group, and one for the quorum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    pub(crate) logs: Vec<LogLine>,
    pub(crate) names: Vec<Named>,
    /// Which of `names` must have witnessed a checkpoint; `None` when nobody needs to.
    pub(crate) quorum: Option<usize>,
}

/// A log of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Its key, whose name is the log's origin.
    pub key: VerifierKey,
    /// Where it is found, for those who want to ask it.
    pub url: Option<String>,
}

/// A witness or a group, by the name it has in the policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) what: Voter,
}

/// Who can have witnessed a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Voter {
    Witness(Box<WitnessLine>),
    /// At least `threshold` of the members, which stand before it in the policy.
    Group {
        threshold: usize,
        members: Vec<usize>,
    },
}

/// A witness of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessLine {
    /// Its key.
    pub key: VerifierKey,
    /// Where it takes checkpoints.
    pub url: Option<String>,
}

/// A checkpoint to be believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trusted {
    /// What the log says.
    pub checkpoint: Checkpoint,
    /// The witnesses of the policy that have cosigned it, and when, in seconds since 1970.
    pub cosigners: Vec<(VerifierKey, u64)>,
}

/// Why a checkpoint is not to be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UntrustedError {
    /// The note is no checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A key or its signature.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// No log key is for this log.
    #[error("no known log has the origin «{0}»")]
    Origin(String),
    /// Too few witnesses.
    #[error("{cosigners} of the policy's {witnesses} witnesses have cosigned the checkpoint, which is no quorum")]
    Quorum {
        /// How many have cosigned.
        cosigners: usize,
        /// How many the policy has.
        witnesses: usize,
    },
}

impl Policy {
    /// The policy that asks for no witness and knows no log.
    pub fn none() -> Self {
        Self {
            logs: Vec::new(),
            names: Vec::new(),
            quorum: None,
        }
    }

    /// The logs.
    pub fn logs(&self) -> &[LogLine] {
        &self.logs
    }

    /// The keys of the logs.
    pub fn log_keys(&self) -> Vec<VerifierKey> {
        self.logs.iter().map(|log| log.key.clone()).collect()
    }

    /// The witnesses, with their names in the policy.
    pub fn witnesses(&self) -> impl Iterator<Item = (&str, &WitnessLine)> {
        self.names.iter().filter_map(|named| match &named.what {
            Voter::Witness(witness) => Some((named.name.as_str(), &**witness)),
            Voter::Group { .. } => None,
        })
    }

    /// The keys of the witnesses.
    pub fn witness_keys(&self) -> Vec<VerifierKey> {
        self.witnesses().map(|(_, witness)| witness.key.clone()).collect()
    }

    /// Whether these cosigners are enough. Keys that are no witness's don't count.
    pub fn satisfied<'a>(&self, cosigners: impl IntoIterator<Item = &'a VerifierKey>) -> bool {
        let Some(quorum) = self.quorum else { return true };
        let cosigners: Vec<&VerifierKey> = cosigners.into_iter().collect();
        let mut witnessed = Vec::with_capacity(self.names.len());
        for named in &self.names {
            witnessed.push(match &named.what {
                Voter::Witness(witness) => cosigners.contains(&&witness.key),
                Voter::Group { threshold, members } => {
                    members.iter().filter(|member| witnessed[**member]).count() >= *threshold
                }
            });
        }
        witnessed[quorum]
    }

    /// Checks a checkpoint: that one of `log_keys` whose name is the origin has signed it (give
    /// [`Policy::log_keys`] to believe the policy's logs), and that enough witnesses have cosigned it.
    ///
    /// # Errors
    /// When it is no checkpoint, a signature by a known key is wrong, or one that is needed is missing.
    pub fn check(&self, note: &SignedNote, log_keys: &[VerifierKey]) -> Result<Trusted, UntrustedError> {
        let checkpoint = Checkpoint::parse(note.text())?;
        check_log(note, &checkpoint.origin, log_keys)?;
        let witnesses = self.witness_keys();
        let verified = note.verify_known(&witnesses)?;
        if !self.satisfied(verified.iter().map(|verified| verified.key)) {
            return Err(UntrustedError::Quorum {
                cosigners: verified.len(),
                witnesses: witnesses.len(),
            });
        }
        let cosigners = verified
            .iter()
            .filter_map(|verified| Some((verified.key.clone(), verified.time?)))
            .collect();
        Ok(Trusted { checkpoint, cosigners })
    }
}

/// Checks that one of `log_keys` that is named like `origin` has signed.
fn check_log(note: &SignedNote, origin: &str, log_keys: &[VerifierKey]) -> Result<(), UntrustedError> {
    let keys = crate::witness::keys_of(origin, log_keys);
    if keys.is_empty() {
        return Err(UntrustedError::Origin(origin.to_owned()));
    }
    note.verify(&keys)?;
    Ok(())
}
