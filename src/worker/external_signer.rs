//! The external signer: another process, perhaps another user's, that holds the key. It is asked over a
//! Unix socket, on a thread, and what it answers is kept only when its key has signed it.

use super::checkpoint::Trouble;
use crate::guc;
use crate::store::head::Head;
use crate::store::{checkpoints, tiles};
use auditlog_bundle::signer::{Answer, request, sign_with};
use auditlog_tlog::note::Signature;
use auditlog_tlog::proof::consistency;
use auditlog_tlog::{Checkpoint, SignedNote, VerifierKey};
use std::cell::Cell;
use std::path::PathBuf;
use std::time::Duration;

/// Time for one answer.
const TIMEOUT: Duration = Duration::from_secs(10);

thread_local! {
    // What the signer has on record, once it has told us.
    static SIZE: Cell<Option<i64>> = const { Cell::new(None) };
}

/// A checkpoint that waits for the signer.
#[derive(Debug, Clone)]
pub struct Question {
    socket: PathBuf,
    request: String,
    note: SignedNote,
    key: VerifierKey,
    origin: String,
    head: Head,
}

/// What the signer said.
pub struct Reply {
    question: Question,
    answer: Result<Answer, String>,
}

fn text(setting: Option<std::ffi::CString>) -> Option<String> {
    let text = setting?.into_string().ok()?;
    (!text.is_empty()).then_some(text)
}

/// Is there an external signer?
pub fn is_set() -> bool {
    text(guc::SIGNER_SOCKET.get()).is_some()
}

/// Its key.
///
/// # Errors
/// When the setting holds none, or that of another log.
pub fn key(origin: &str) -> Result<VerifierKey, Trouble> {
    let Some(setting) = text(guc::SIGNER_KEY.get()) else {
        return Err(Trouble::new(
            "not_signed",
            format!("auditlog.signer_key is empty; it needs the vkey of {origin} that the signer prints"),
        ));
    };
    let key =
        VerifierKey::parse(&setting).map_err(|e| Trouble::new("not_signed", format!("auditlog.signer_key: {e}")))?;
    if key.name().as_str() != origin {
        return Err(Trouble::new(
            "not_signed",
            format!(
                "auditlog.signer_key is a key of {}, this log is {origin}",
                key.name().as_str()
            ),
        ));
    }
    Ok(key)
}

/// Prepares the question for a checkpoint over `head`.
///
/// # Errors
/// When the settings or the tiles don't allow it.
pub fn question(origin: &str, head: &Head, last: Option<i64>) -> Result<Question, Trouble> {
    let key = key(origin)?;
    match checkpoints::key(origin) {
        Some(known) if known == key.to_string() => {}
        Some(known) => {
            return Err(Trouble::new(
                "key_replaced",
                format!("auditlog.signer_key is another key than {known}, which has signed so far"),
            ));
        }
        None => checkpoints::add_key(&key.to_string(), origin, head.size),
    }
    let text_of = Checkpoint {
        origin: origin.to_owned(),
        size: head.size as u64,
        root: head.root,
        extensions: Vec::new(),
    };
    let unsigned = |e: &dyn std::fmt::Display| Trouble::new("not_signed", e.to_string());
    let body = text_of.text().map_err(|e| unsigned(&e))?;
    let old = SIZE.get().or(last).unwrap_or(0);
    let proof = match old {
        0 => Vec::new(),
        old => consistency(old as u64, head.size as u64, &tiles::Stored).map_err(|e| unsigned(&e))?,
    };
    Ok(Question {
        socket: PathBuf::from(text(guc::SIGNER_SOCKET.get()).unwrap_or_default()),
        request: request(old as u64, &proof, &body),
        note: SignedNote::new(&body).map_err(|e| unsigned(&e))?,
        key,
        origin: origin.to_owned(),
        head: *head,
    })
}

/// Asks; on a thread.
pub fn ask(question: Question) -> Reply {
    let answer = sign_with(&question.socket, &question.request, TIMEOUT).map_err(|e| e.to_string());
    Reply { question, answer }
}

/// Keeps what was signed; within a transaction.
///
/// # Errors
/// When it was not signed.
pub fn keep(reply: Reply, now: &Head) -> Result<(), Trouble> {
    let Reply { question, answer } = reply;
    let signature = match answer {
        Ok(Answer::Signed(signature)) => signature,
        Ok(Answer::Conflict(size)) if size > now.size as u64 => {
            let detail = format!(
                "the signer has signed {size} events, the log has {}: it was rolled back",
                now.size
            );
            checkpoints::block(&question.origin, "rolled_back", &detail);
            return Err(Trouble::new("rolled_back", detail));
        }
        Ok(Answer::Conflict(size)) => {
            // Asked again with the proof from there.
            SIZE.set(Some(size as i64));
            return Ok(());
        }
        Ok(Answer::Refused(why)) => {
            let detail = format!("the signer has signed another log of this origin: {why}");
            checkpoints::block(&question.origin, "forked", &detail);
            return Err(Trouble::new("forked", detail));
        }
        Ok(Answer::BadRequest(why)) => {
            return Err(Trouble::new("not_signed", format!("the signer does not sign: {why}")));
        }
        Err(why) => return Err(Trouble::new("not_signed", why)),
    };
    let note = signed(&question, signature)?;
    SIZE.set(Some(question.head.size));
    if checkpoints::newest(&question.origin, question.head.size).is_none() {
        checkpoints::keep(&question.origin, &question.head, &note.to_string());
    }
    Ok(())
}

fn signed(question: &Question, signature: Signature) -> Result<SignedNote, Trouble> {
    let mut note = question.note.clone();
    note.add(signature);
    note.verify(std::slice::from_ref(&question.key))
        .map_err(|e| Trouble::new("not_signed", format!("what the signer gave back: {e}")))?;
    Ok(note)
}
