//! The publisher: one for each database. It signs checkpoints of what is sealed.
//!
//! A checkpoint is kept in the database before anybody sees it: the commit of its row waits until the
//! WAL is flushed, and on the synchronous standbys, so that no failover can take back what was signed.

use super::presence::{database_is_being_dropped, extension_stays};
use super::{job, launcher, signing};
use crate::guc;
use crate::shmem::{self, Slot};
use crate::store::{catalog, checkpoints, head, tiles};
use auditlog_tlog::proof::root_at;
use auditlog_tlog::{Checkpoint, KeyName, SigningKey};
use pgrx::bgworkers::{BackgroundWorker, SignalWakeFlags};
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Longest sleep: somebody may want to drop the database.
const NAP: Duration = Duration::from_millis(500);
/// Seconds after which it is started again when the database could not be dropped after all.
const AFTER_DROP: i64 = 3;

#[doc(hidden)]
#[pg_guard]
#[unsafe(no_mangle)]
pub extern "C-unwind" fn auditlog_publisher_main(argument: pg_sys::Datum) {
    let database = pg_sys::Oid::from_u32(argument.value() as u32);
    BackgroundWorker::attach_signal_handlers(SignalWakeFlags::SIGHUP);
    crate::compat::terminate_like_a_backend();
    BackgroundWorker::connect_worker_to_spi_by_oid(Some(database), None);
    super::settle_settings();
    super::settle(&[(c"synchronous_commit", c"on")]);
    let Some(slot) = shmem::slot(database) else { return };
    if slot.publisher.is_taken() {
        return;
    }
    slot.publisher.register();
    super::take_up(super::Duty::Publisher);
    let pause = Publisher { slot, next: None }.run();
    slot.publisher.unregister(pause);
}

struct Publisher {
    slot: &'static Slot,
    /// When the next checkpoint is due.
    next: Option<Instant>,
}

/// What a round found.
enum Round {
    /// Nothing is left to do until the next checkpoint.
    Idle,
    /// Somebody wants to drop the database, or the extension is not here.
    Leave(i64),
}

/// Why no checkpoint can be made, as `auditlog.health()` shows it.
struct Trouble {
    state: &'static str,
    detail: String,
}

impl Publisher {
    /// Works until there is nothing to work for; returns the seconds after which to start again.
    fn run(mut self) -> i64 {
        loop {
            pgrx::check_for_interrupts!();
            launcher::reload();
            match self.round() {
                Round::Idle => {}
                Round::Leave(seconds) => return seconds,
            }
            if !BackgroundWorker::wait_latch(Some(NAP)) {
                return 1;
            }
        }
    }

    fn round(&mut self) -> Round {
        let interval = Duration::from_secs(guc::CHECKPOINT_INTERVAL.get() as u64);
        // Taken before the look: whoever asks from now on wakes us again.
        let wanted = self.slot.checkpoint_wanted.swap(false, Ordering::AcqRel);
        let due = self.next.is_none_or(|next| Instant::now() >= next);
        let result = job::transaction(|| {
            if database_is_being_dropped() {
                return Round::Leave(AFTER_DROP);
            }
            if catalog::find().is_none() {
                return Round::Leave(60);
            }
            if (wanted || due) && extension_stays() {
                match publish() {
                    Ok(()) => checkpoints::set_state("ok", ""),
                    Err(trouble) => checkpoints::set_state(trouble.state, &trouble.detail),
                }
            }
            Round::Idle
        });
        if due {
            self.next = Some(Instant::now() + interval);
        }
        result.unwrap_or(Round::Idle)
    }
}

/// Makes a checkpoint when there is something new.
fn publish() -> Result<(), Trouble> {
    let Some(head) = head::visible().filter(|head| head.size > 0) else {
        return Ok(());
    };
    let origin = origin(&head)?;
    let last = checkpoints::newest(&origin, 0);
    if let Some(last) = &last {
        if last.size == head.size && last.root == head.root {
            return Ok(());
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
    let key = key(&origin, &head)?;
    let checkpoint = Checkpoint {
        origin: origin.clone(),
        size: head.size as u64,
        root: head.root,
        extensions: Vec::new(),
    };
    let note = checkpoint.sign(&key).map_err(|e| Trouble {
        state: "not_signed",
        detail: e.to_string(),
    })?;
    checkpoints::keep(&origin, &head, &note.to_string());
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
fn origin(head: &head::Head) -> Result<String, Trouble> {
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
fn key(origin: &str, head: &head::Head) -> Result<SigningKey, Trouble> {
    let known = checkpoints::key(origin);
    let path = signing::path();
    let key = match signing::read(&path) {
        Err(signing::KeyError::Missing(_)) if known.is_none() => signing::make(&path),
        other => other,
    };
    let key = key.map_err(|e| Trouble {
        state: "key_lost",
        detail: e.to_string(),
    })?;
    let name = KeyName::new(origin).map_err(|e| Trouble {
        state: "not_signed",
        detail: e.to_string(),
    })?;
    let vkey = key.vkey(name).to_string();
    match known {
        Some(known) if known == vkey => {}
        Some(known) => {
            return Err(Trouble {
                state: "key_replaced",
                detail: format!(
                    "{} holds another key than {known}, which has signed so far",
                    path.display()
                ),
            });
        }
        None => checkpoints::add_key(&vkey, origin, head.size),
    }
    Ok(key)
}
