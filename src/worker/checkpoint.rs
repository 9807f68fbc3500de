//! Makes a checkpoint: what may be signed, under which origin, with which key.

use super::external_signer::{self, Question};
use super::signing::{self, KeyError};
use crate::api::own_event::{self, OwnEvent};
use crate::store::head::Head;
use crate::store::{certificates, checkpoints, head, tiles};
use auditlog_bundle::Certificate;
use auditlog_tlog::note::NoteSigner;
use auditlog_tlog::proof::root_at;
use auditlog_tlog::{Checkpoint, KeyName, SignedNote, SigningKey, VerifierKey};

/// Why no checkpoint can be made, as `auditlog.health()` shows it.
pub struct Trouble {
    /// A word for it.
    pub state: &'static str,
    /// What was found, without a full stop.
    pub detail: String,
}

impl Trouble {
    /// One of this kind.
    pub fn new(state: &'static str, detail: impl ToString) -> Trouble {
        Trouble {
            state,
            detail: detail.to_string(),
        }
    }
}

/// Makes a checkpoint when there is something new; or the question that an external signer is to answer.
pub fn make() -> Result<Option<Question>, Trouble> {
    let Some(head) = head::visible().filter(|head| head.size > 0) else {
        return Ok(None);
    };
    let origin = origin(&head)?;
    let last = checkpoints::newest(&origin, 0);
    if let Some((state, detail)) = checkpoints::blocked(&origin) {
        let state = if state == "forked" { "forked" } else { "rolled_back" };
        return Err(Trouble::new(state, detail));
    }
    if let Some(who) = checkpoints::requested_rotation() {
        let rotated = key(&origin, &head).and_then(|old| rotate(&origin, &head, &old, &who));
        // What can't be done is not asked for once more: it must not keep checkpoints from being made.
        checkpoints::forget_rotations();
        return rotated.map(|()| None);
    }
    if let Some(last) = &last {
        if last.size == head.size && last.root == head.root {
            return Ok(None);
        }
        let (size, root) = (last.size, last.root);
        if size > head.size {
            return Err(Trouble {
                state: "rolled_back",
                detail: format!(
                    "a checkpoint over {size} events was signed, the log has {} events",
                    head.size
                ),
            });
        }
        require_root(size as u64, &root)?;
    }
    require_root(head.size as u64, &head.root)?;
    if external_signer::is_set() {
        return external_signer::question(&origin, &head, last.map(|last| last.size)).map(Some);
    }
    let key = key(&origin, &head)?;
    let retired = retired(&origin, last.as_ref());
    let checkpoint = Checkpoint {
        origin: origin.clone(),
        size: head.size as u64,
        root: head.root,
        extensions: Vec::new(),
    };
    let mut note = checkpoint.sign(&key).map_err(|e| Trouble::new("not_signed", e))?;
    if let Some(retired) = retired {
        let signer = NoteSigner::new(name(&origin)?, retired);
        note.add(signer.sign(&note));
    }
    checkpoints::keep(&origin, &head, &note.to_string());
    Ok(None)
}

/// Who signs what this log says outside of checkpoints.
pub struct Signer {
    /// The log.
    pub origin: String,
    /// Its key; `None` where an external signer has it, which signs nothing but checkpoints.
    pub key: Option<SigningKey>,
}

/// The log's key, to sign with.
pub fn signer() -> Result<Signer, Trouble> {
    let head = head::visible().ok_or_else(|| Trouble::new("not_signed", "the log is empty"))?;
    let origin = origin(&head)?;
    let key = if external_signer::is_set() {
        None
    } else {
        Some(key(&origin, &head)?)
    };
    Ok(Signer { origin, key })
}

/// Signs the certificates of retention whose events a checkpoint covers. An external signer signs nothing but checkpoints: there
/// they wait.
pub fn sign_certificates() -> Result<(), Trouble> {
    let waiting = certificates::to_sign();
    if waiting.is_empty() || external_signer::is_set() {
        return Ok(());
    }
    let Some(head) = head::visible() else { return Ok(()) };
    let origin = origin(&head)?;
    let Some(last) = checkpoints::newest(&origin, 0) else {
        return Ok(());
    };
    let key = key(&origin, &head)?;
    for told in waiting {
        let Some(place) = certificates::place(&told.event_id).filter(|place| *place < last.size) else {
            continue;
        };
        let note = Certificate::parse(&told.text).and_then(|certificate| certificate.sign(&key));
        let note = note.map_err(|error| Trouble::new("not_signed", error))?;
        certificates::signed(&told.event_id, place, &note.to_string());
    }
    Ok(())
}

/// The tiles must give the root: what they don't give must never be signed.
fn require_root(size: u64, root: &auditlog_tlog::Hash) -> Result<(), Trouble> {
    let detail = match root_at(size, &tiles::Stored) {
        Ok(found) if found == *root => return Ok(()),
        Ok(_) => format!("the tiles of the Merkle tree give another root for {size} events than was recorded"),
        Err(e) => e.to_string(),
    };
    Err(Trouble {
        state: "forked",
        detail,
    })
}

/// The origin to sign under.
fn origin(head: &Head) -> Result<String, Trouble> {
    match checkpoints::incarnation() {
        Some(now) if now.is_ours => Ok(now.origin),
        Some(now) => Err(Trouble {
            state: "copied",
            detail: format!(
                "this database is a copy of the log {}; the original may be going on",
                now.origin
            ),
        }),
        None => {
            let origin = checkpoints::default_origin(1);
            checkpoints::begin(1, &origin, 0, "pg_auditlog", "first checkpoint");
            pgrx::log!(
                "pg_auditlog: checkpoints are signed as {origin}, from {} events on",
                head.size
            );
            Ok(origin)
        }
    }
}

/// The key to sign with: the one that signed before, or for a new origin whatever is there.
fn key(origin: &str, head: &Head) -> Result<SigningKey, Trouble> {
    let known = checkpoints::key(origin);
    let path = signing::path();
    let mut key = match signing::read(&path) {
        Err(KeyError::Missing(_)) if known.is_none() => signing::make(&path),
        other => other,
    };
    let Some(known) = known else {
        let key = key.map_err(|e| Trouble::new("key_lost", e))?;
        checkpoints::add_key(&vkey(&key, origin)?, origin, head.size);
        return Ok(key);
    };
    let is_known = |key: &SigningKey| vkey(key, origin).is_ok_and(|vkey| vkey == known);
    // A rotation is committed before the files are moved.
    if !key.as_ref().is_ok_and(is_known) && signing::read(&signing::next_path()).is_ok_and(|next| is_known(&next)) {
        signing::take_over().map_err(|e| Trouble::new("key_lost", e))?;
        key = signing::read(&path);
    }
    let key = key.map_err(|e| Trouble::new("key_lost", e))?;
    if !is_known(&key) {
        return Err(Trouble::new(
            "key_replaced",
            format!(
                "{} holds another key than {known}, which has signed so far",
                path.display()
            ),
        ));
    }
    Ok(key)
}

fn name(origin: &str) -> Result<KeyName, Trouble> {
    KeyName::new(origin).map_err(|e| Trouble::new("not_signed", e))
}

fn vkey(key: &SigningKey, origin: &str) -> Result<String, Trouble> {
    Ok(key.vkey(name(origin)?).to_string())
}

/// Replaces the key: the new one is in use once this transaction has committed. An event bears the
/// signatures of both, and the next checkpoint as well.
///
/// An external signer signs nothing but checkpoints: where it takes over, the old key alone signs the event.
fn rotate(origin: &str, head: &Head, old: &SigningKey, who: &str) -> Result<(), Trouble> {
    let new = if external_signer::is_set() {
        None
    } else {
        Some(next_key()?)
    };
    let old_vkey = vkey(old, origin)?;
    let new_vkey = match &new {
        Some(new) => vkey(new, origin)?,
        None => external_signer::key(origin)?.to_string(),
    };
    if old_vkey == new_vkey {
        return Err(Trouble::new("not_signed", "the signer has the key that is in use"));
    }
    let text = format!(
        "pg_auditlog/key-rotation/v1\n{origin}\n{}\n{old_vkey}\n{new_vkey}\n",
        head.size
    );
    let mut statement = SignedNote::new(&text).map_err(|e| Trouble::new("not_signed", e))?;
    for key in std::iter::once(old).chain(&new) {
        let signer = NoteSigner::new(name(origin)?, key.clone());
        statement.add(signer.sign(&statement));
    }
    own_event::record(&OwnEvent {
        event_type: "auditlog.key_rotate",
        severity: "notice",
        actor: ("database_role", who),
        operation: "rotate_key",
        metadata: &[
            ("origin", own_event::text(origin)),
            ("size", own_event::number(head.size)),
            ("old_key", own_event::text(&old_vkey)),
            ("new_key", own_event::text(&new_vkey)),
            ("statement", own_event::text(&statement.to_string())),
        ],
    });
    checkpoints::rotated(origin, &old_vkey, &new_vkey, head.size);
    pgrx::log!("pg_auditlog: {origin} is signed with the key {new_vkey} from now on");
    Ok(())
}

/// The key that is to take over, made when it is not there yet.
fn next_key() -> Result<SigningKey, Trouble> {
    let path = signing::next_path();
    match signing::read(&path) {
        Err(KeyError::Missing(_)) => signing::make(&path),
        other => other,
    }
    .map_err(|e| Trouble::new("key_lost", e))
}

/// The key that was replaced, while no checkpoint bears its signature beside the new one's.
fn retired(origin: &str, last: Option<&checkpoints::Stored>) -> Option<SigningKey> {
    let path = signing::retired_path();
    let key = signing::read(&path).ok()?;
    let vkey = key.vkey(KeyName::new(origin).ok()?);
    let current = checkpoints::key(origin)?;
    let signed_by = |note: &SignedNote, key: &str| {
        VerifierKey::parse(key).is_ok_and(|key| note.signatures().iter().any(|s| s.key_id == key.id()))
    };
    let done = last
        .and_then(|last| SignedNote::parse(&last.note).ok())
        .is_some_and(|note| signed_by(&note, &current) && signed_by(&note, &vkey.to_string()));
    if done {
        // Nothing is signed with it any more: it had better not lie about.
        let _ = std::fs::remove_file(path);
        return None;
    }
    checkpoints::keys(origin).contains(&vkey.to_string()).then_some(key)
}
