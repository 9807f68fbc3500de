//! Checkpoints and proofs in SQL, in the formats of c2sp.org.

use super::own_event;
use crate::error::Fault;
use crate::fmgr::Call;
use crate::hooks::access;
use crate::store::columns::text;
use crate::store::inbox::shared_slot;
use crate::store::tiles::{Damaged, Stored};
use crate::store::{checkpoints, head, view};
use auditlog_core::json::Json;
use auditlog_tlog::proof::{self, ProofError};
use auditlog_tlog::{SignedNote, TlogProof};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys;
use pgrx::pg_sys::Datum;
use std::sync::atomic::Ordering;

crate::sql_function!(auditlog_checkpoint, pg_finfo_auditlog_checkpoint, checkpoint);
crate::sql_function!(auditlog_rotate_key, pg_finfo_auditlog_rotate_key, rotate_key);
crate::sql_function!(auditlog_inclusion_proof, pg_finfo_auditlog_inclusion_proof, inclusion);
crate::sql_function!(
    auditlog_consistency_proof,
    pg_finfo_auditlog_consistency_proof,
    consistency
);

/// Milliseconds between two looks.
const STEP: i64 = 10;
/// Looks after which the publisher is asked again.
const STEPS_BETWEEN_QUESTIONS: u32 = 20;
/// Microseconds after which the publisher is taken for stuck.
const PATIENCE: i64 = 30_000_000;

/// `checkpoint()`: waits until the publisher has signed what is sealed now.
fn checkpoint(_call: &Call) -> Datum {
    // SAFETY: a state of this process.
    if unsafe { pg_sys::RecoveryInProgress() } {
        Fault::new(
            Code::ERRCODE_READ_ONLY_SQL_TRANSACTION,
            "a standby signs no checkpoints",
        )
        .hint("Call it on the primary, or read auditlog.checkpoints.")
        .raise();
    }
    let size = head::committed().map_or(0, |head| head.size);
    if size == 0 {
        Fault::broken("the log has no events yet")
            .hint("Record events; a checkpoint is made of what is sealed.")
            .raise();
    }
    let slot = shared_slot();
    let deadline = crate::shmem::unix_micros() + PATIENCE;
    let mut looks = 0u32;
    let attempts = slot.checkpoint_attempts.load(Ordering::Acquire);
    loop {
        let now = checkpoints::incarnation_committed().filter(|now| now.is_ours);
        // A checkpoint from before is no answer then.
        if let Some((state, detail)) = now.as_ref().and_then(|now| checkpoints::blocked(&now.origin)) {
            not_signed(&state, &detail);
        }
        if let Some(now) = now
            && let Some(found) = checkpoints::newest_committed(&now.origin, size)
        {
            return text(found.note.as_bytes());
        }
        // Of two attempts that ended since, one began after the question.
        if slot.checkpoint_attempts.load(Ordering::Acquire) >= attempts + 2
            && let Some((state, detail)) = checkpoints::trouble()
        {
            not_signed(&state, &detail);
        }
        if crate::shmem::unix_micros() >= deadline {
            Fault::new(Code::ERRCODE_QUERY_CANCELED, "no checkpoint was made in time")
                .detail(format!("The log has {size} events."))
                .hint("Look at auditlog.health(): is the publisher running, does it wait for a synchronous standby?")
                .raise();
        }
        // Once more now and then: the publisher may have been busy comparing what others have.
        if looks.is_multiple_of(STEPS_BETWEEN_QUESTIONS) {
            slot.checkpoint_wanted.store(true, Ordering::Release);
            slot.publisher.wake();
        }
        looks += 1;
        // SAFETY: waits on this process' latch, with interrupts served in between.
        unsafe {
            let events = pg_sys::WL_LATCH_SET | pg_sys::WL_TIMEOUT | pg_sys::WL_EXIT_ON_PM_DEATH;
            pg_sys::WaitLatch(pg_sys::MyLatch, events as i32, STEP as _, pg_sys::PG_WAIT_EXTENSION);
            pg_sys::ResetLatch(pg_sys::MyLatch);
        }
        pgrx::check_for_interrupts!();
    }
}

/// `rotate_key()`: the publisher does it once this transaction has committed.
fn rotate_key(call: &Call) -> Datum {
    if checkpoints::incarnation().is_none() {
        Fault::broken("no checkpoint was signed yet")
            .detail("There is no key that could be replaced.")
            .hint("Call auditlog.checkpoint() first.")
            .raise();
    }
    checkpoints::request_rotation(&crate::provenance::session_user());
    let slot = shared_slot();
    slot.checkpoint_wanted.store(true, Ordering::Release);
    call.null()
}

fn not_signed(state: &str, detail: &str) -> ! {
    Fault::broken("no checkpoint can be signed")
        .detail(format!("{state}: {detail}."))
        .hint(advice(state))
        .raise()
}

/// What to do about a state of the publisher.
fn advice(state: &str) -> &'static str {
    match state {
        "copied" => "When the original is gone for good, call auditlog.declare_incarnation(reason) here.",
        "rolled_back" | "forked" => {
            "Run auditlog.verify(). After a restore that was meant, call auditlog.declare_incarnation(reason)."
        }
        "key_lost" | "key_replaced" => {
            "Put the key file back. If it is gone, call auditlog.declare_incarnation(reason): the log goes on under a new origin and key."
        }
        _ => "Look into the server log.",
    }
}

/// `inclusion_proof(event_id)`, of an event that the caller may see.
fn inclusion(call: &Call) -> Datum {
    let Some(event_id) = call.text(0) else {
        return call.null();
    };
    let arguments = Json::Object(vec![("event_id".to_owned(), own_event::text(&event_id))]);
    access::note(access::Kind::View, "inclusion_proof", arguments);
    let Some(event) = view::find(&event_id) else {
        Fault::new(Code::ERRCODE_NO_DATA_FOUND, "there is no such event")
            .detail(format!("event_id is {event_id}."))
            .hint("auditlog.record() returns the event_id; auditlog.search() finds it.")
            .raise()
    };
    let Some(index) = event.log_index else {
        Fault::broken("the event is not sealed yet")
            .detail(format!("event_id is {event_id}."))
            .hint("Wait with auditlog.await_sealed(), then call auditlog.checkpoint().")
            .raise()
    };
    let origin = checkpoints::incarnation().map(|now| now.origin);
    let Some(newest) = origin.and_then(|origin| checkpoints::to_prove_with(&origin, index + 1)) else {
        Fault::broken("no checkpoint covers the event yet")
            .detail(format!("Event {event_id} has the log_index {index}."))
            .hint("Call auditlog.checkpoint() first, in a statement of its own.")
            .raise()
    };
    let note = SignedNote::parse(&newest.note).unwrap_or_else(|e| {
        Fault::broken("the newest checkpoint cannot be read")
            .detail(e.to_string())
            .hint("Run auditlog.verify().")
            .raise()
    });
    let leaf = proof::leaf_at(index as u64, newest.size as u64, &Stored).unwrap_or_else(|e| damaged(&e));
    if event.entry_hash != leaf {
        Fault::broken("the event is not the one in the Merkle tree")
            .detail(format!("log_index {index} was sealed with another entry_hash."))
            .hint("Somebody changed the log. Run auditlog.verify().")
            .raise();
    }
    match TlogProof::make(index as u64, note, &Stored) {
        Ok(proof) => text(proof.text().as_bytes()),
        Err(auditlog_tlog::tlog_proof::MakeError::Proof(e)) => damaged(&e),
        Err(e) => Fault::broken("the newest checkpoint cannot be read")
            .detail(e.to_string())
            .hint("Run auditlog.verify().")
            .raise(),
    }
}

/// `consistency_proof(old_size, new_size)`.
fn consistency(call: &Call) -> Datum {
    let size = head::visible().map_or(0, |head| head.size);
    let Some(old) = call.int(0) else { return call.null() };
    let new = call.int(1).unwrap_or(size);
    if old < 1 || new < old || new > size {
        Fault::new(Code::ERRCODE_INVALID_PARAMETER_VALUE, "no such sizes of the log")
            .detail(format!(
                "old_size is {old}, new_size is {new}, the log has {size} events."
            ))
            .hint("Sizes are numbers of events, as checkpoints state them: 1 ≤ old_size ≤ new_size.")
            .raise();
    }
    let sizes = [("old_size", old), ("new_size", new)].map(|(name, size)| (name.to_owned(), own_event::number(size)));
    access::note(access::Kind::View, "consistency_proof", Json::Object(sizes.into()));
    let hashes = proof::consistency(old as u64, new as u64, &Stored).unwrap_or_else(|e| damaged(&e));
    let mut lines = String::new();
    for hash in hashes {
        STANDARD.encode_string(hash, &mut lines);
        lines.push('\n');
    }
    text(lines.as_bytes())
}

fn damaged(error: &ProofError<Damaged>) -> ! {
    Fault::broken("the Merkle tree is damaged")
        .detail(format!("{error}."))
        .hint("Run auditlog.verify().")
        .raise()
}
