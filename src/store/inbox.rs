//! The inbox: a few unindexed tables that applications append to, without any lock between them,
//! and that the sealer drains. Rows go in through PostgreSQL's heap functions, not through SQL: an
//! event costs a tuple and its WAL, nothing else.

use super::catalog::objects;
use super::columns::{ENTRY_HASH, INBOX, REDACTED, RowBuf, at};
use super::row::Hasher;
use super::{head, personal};
use crate::error::Fault;
use crate::random::DATABASE_EVENT;
use crate::shmem::{self, INBOXES, Slot};
use auditlog_queue::Provenance;
use pgrx::pg_sys;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::atomic::Ordering;

thread_local! {
    static HASHER: RefCell<Hasher> = RefCell::new(Hasher::default());
    // Lowest block that this transaction wrote, for each inbox; MAX means none.
    static WRITTEN: Cell<[u32; INBOXES]> = const { Cell::new([u32::MAX; INBOXES]) };
    static CALLBACK: Cell<bool> = const { Cell::new(false) };
}

/// Event types that only the audit log itself records: what it says of erasures, of what retention
/// removed and of its own protection must not come from anybody else.
const OWN_TYPES: [&[u8]; 31] = [
    b"auditlog.access_denied",
    b"auditlog.access_snapshot",
    b"auditlog.alert",
    b"auditlog.alert_change",
    b"auditlog.delivery_failed",
    b"auditlog.erasure",
    b"auditlog.export",
    b"auditlog.incarnation",
    b"auditlog.job_change",
    b"auditlog.key_rotate",
    b"auditlog.legal_hold",
    b"auditlog.policy_change",
    b"auditlog.principal_change",
    b"auditlog.query_change",
    b"auditlog.report",
    b"auditlog.report_change",
    b"auditlog.restore",
    b"auditlog.retention",
    b"auditlog.retention_change",
    b"auditlog.review",
    b"auditlog.role_grant",
    b"auditlog.role_revoke",
    b"auditlog.search",
    b"auditlog.setting_change",
    b"auditlog.sink_change",
    b"auditlog.tamper_attempt",
    b"auditlog.type_change",
    b"auditlog.verify_failed",
    b"auditlog.verify_ok",
    b"auditlog.view",
    b"auditlog.write_failed",
];

/// Completes a row whose caller's columns are set: provenance, salt, hash. Refuses what only the audit
/// log says of itself.
pub fn complete(row: &mut RowBuf<INBOX>, recorded_at: i64) {
    let place = at!("event_type");
    let value = (!row.nulls[place]).then_some(row.values[place]);
    // SAFETY: a text column.
    let event_type = value.map_or(&[][..], |value| unsafe { super::row::bytes(value) });
    if event_type.starts_with(b"auditlog.") && OWN_TYPES.contains(&event_type) {
        Fault::refused("only the audit log itself records events of this type")
            .detail(format!("event_type is {}.", String::from_utf8_lossy(event_type)))
            .hint("Take a type of your own.")
            .raise();
    }
    let place = at!("event_id");
    // SAFETY: a text column.
    if !row.nulls[place] && unsafe { super::row::bytes(row.values[place]) }.starts_with(DATABASE_EVENT.as_bytes()) {
        Fault::refused("only the database itself records events with such an event_id")
            .detail(format!("event_id begins with {DATABASE_EVENT}."))
            .hint("Take another one, or none: then one is made.")
            .raise();
    }
    complete_own(row, recorded_at);
}

/// The same for an event of the audit log about itself.
pub fn complete_own(row: &mut RowBuf<INBOX>, recorded_at: i64) {
    crate::provenance::fill(row);
    seal(row, recorded_at);
}

/// The same for what the recorder records on behalf of a session.
pub fn complete_for(row: &mut RowBuf<INBOX>, recorded_at: i64, who: &Provenance) {
    crate::provenance::fill_from(row, who);
    seal(row, recorded_at);
}

fn seal(row: &mut RowBuf<INBOX>, recorded_at: i64) {
    row.time(at!("recorded_at"), recorded_at);
    personal::hide(row);
    row.clear(REDACTED);
    // SAFETY: the row has the inbox's columns and types.
    let hash = HASHER.with_borrow_mut(|h| unsafe { h.entry_hash(&row.values, &row.nulls) });
    match hash {
        Ok(hash) => row.bytes(ENTRY_HASH, &hash),
        Err(super::row::RowError::Encode(e)) => Fault::from(e).raise(),
        Err(e) => Fault::new(pgrx::PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, e.to_string())
            .hint("tags and personal must be one-dimensional arrays without NULLs.")
            .raise(),
    }
}

/// Does the row's own entry hash fit it? For rows that come complete, out of a dump.
pub fn is_consistent(row: &RowBuf<INBOX>) -> bool {
    // SAFETY: as above.
    HASHER
        .with_borrow_mut(|h| unsafe { h.matches(&row.values, &row.nulls) })
        .unwrap_or(false)
}

/// Appends a completed row to the inbox that is active now.
pub fn append(row: &RowBuf<INBOX>) {
    let slot = shared_slot();
    let inbox = slot.active_inbox.load(Ordering::Acquire) as usize % INBOXES;
    // SAFETY: a heap table of ours, locked while written; the tuple is formed by its descriptor.
    unsafe {
        let relation = pg_sys::table_open(objects().inboxes[inbox], pg_sys::RowExclusiveLock as i32);
        let desc = (*relation).rd_att;
        debug_assert_eq!((*desc).natts as usize, INBOX);
        let tuple = pg_sys::heap_form_tuple(desc, row.values.as_ptr().cast_mut(), row.nulls.as_ptr().cast_mut());
        pg_sys::heap_insert(
            relation,
            tuple,
            pg_sys::GetCurrentCommandId(true),
            0,
            std::ptr::null_mut(),
        );
        note(inbox, block_of(&(*tuple).t_self));
        pg_sys::heap_freetuple(tuple);
        pg_sys::table_close(relation, pg_sys::NoLock as i32);
    }
}

/// The block number of a tuple id.
pub fn block_of(tid: &pg_sys::ItemPointerData) -> u32 {
    (u32::from(tid.ip_blkid.bi_hi) << 16) | u32::from(tid.ip_blkid.bi_lo)
}

/// This database's slot; an error when the library was not preloaded.
pub fn shared_slot() -> &'static Slot {
    shmem::my_slot().unwrap_or_else(|| {
        if shmem::loaded() {
            Fault::broken("too many databases of this cluster have the extension pg_auditlog")
                .detail(format!("Up to {} can.", shmem::SLOTS))
                .hint("Drop the extension where it is not used.")
                .raise()
        } else {
            Fault::broken("pg_auditlog is not loaded")
                .hint("Add pg_auditlog to shared_preload_libraries in postgresql.conf and restart PostgreSQL.")
                .raise()
        }
    })
}

/// Ids of events that were recorded before `us` and are not sealed by now; some of them when there are many.
pub fn waiting_since(us: i64) -> Vec<String> {
    let rows = super::catalog::as_owner(|| {
        super::spi::read_latest(
            "SELECT event_id FROM auditlog_data.inbox WHERE recorded_at < $1 ORDER BY recorded_at LIMIT 100",
            &[super::spi::Arg::time(us)],
        )
    });
    rows.iter().filter_map(|row| row[0].text()).collect()
}

/// Remembers that this transaction wrote to a block, to tell the sealer at commit.
pub fn note(inbox: usize, block: u32) {
    if !CALLBACK.replace(true) {
        // SAFETY: a plain function that lives as long as the process.
        unsafe { pg_sys::RegisterXactCallback(Some(at_transaction_end), std::ptr::null_mut()) }
    }
    let mut written = WRITTEN.get();
    written[inbox] = written[inbox].min(block);
    WRITTEN.set(written);
}

/// At commit the rows are visible already, so the sealer cannot look too early. Nothing here may
/// fail: an error in this callback would take the whole cluster down.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn at_transaction_end(event: pg_sys::XactEvent::Type, _argument: *mut std::ffi::c_void) {
    use pg_sys::XactEvent::{XACT_EVENT_ABORT, XACT_EVENT_COMMIT, XACT_EVENT_PREPARE};
    if !matches!(event, XACT_EVENT_COMMIT | XACT_EVENT_ABORT | XACT_EVENT_PREPARE) {
        return;
    }
    let written = WRITTEN.replace([u32::MAX; INBOXES]);
    if event == XACT_EVENT_COMMIT
        && let Some(slot) = shmem::my_slot()
    {
        for (inbox, block) in written.into_iter().enumerate() {
            if block != u32::MAX {
                slot.announce(inbox, block);
            }
        }
    }
}

/// A committed row waiting to be sealed.
pub struct Waiting {
    /// Which inbox table.
    pub inbox: usize,
    /// Its time, for the order.
    pub recorded_at: i64,
    /// Where it will go.
    pub partition: pg_sys::Oid,
    /// Its retention class.
    pub class: Rc<str>,
    /// Readers are to be woken for it.
    pub is_news: bool,
    /// A copy of the tuple, with its tid in `t_self`, in the current memory context.
    pub tuple: pg_sys::HeapTuple,
}

/// Collects up to `limit` rows that are visible now, from a block on. `place` says to which partition and class
/// a row with this timestamp and type may go; `None` leaves it for later. Returns the block to go on at when
/// there is more.
pub fn collect(
    inbox: usize,
    from: u32,
    limit: usize,
    mut place: impl FnMut(i64, &str) -> Option<(pg_sys::Oid, Rc<str>)>,
    out: &mut Vec<Waiting>,
) -> Option<u32> {
    let mut rest: Option<u32> = None;
    each_row(inbox, from, |tuple, desc| {
        // SAFETY: a visible tuple of the inbox; both columns are NOT NULL.
        let (block, timestamp, recorded_at, event_type) = unsafe {
            (
                block_of(&(*tuple).t_self),
                time(tuple, desc, at!("timestamp")),
                time(tuple, desc, at!("recorded_at")),
                text(tuple, desc, at!("event_type")),
            )
        };
        let full = out.len() >= limit;
        match if full { None } else { place(timestamp, event_type) } {
            Some((partition, class)) => {
                // SAFETY: a visible tuple of the inbox; copied into the current memory context.
                let (is_news, tuple) = unsafe {
                    let is_news = !event_type.starts_with("auditlog.")
                        || head::is_news(event_type, text_or_null(tuple, desc, at!("operation")));
                    (is_news, pg_sys::heap_copytuple(tuple))
                };
                out.push(Waiting {
                    inbox,
                    recorded_at,
                    partition,
                    class,
                    is_news,
                    tuple,
                });
            }
            None => rest = Some(rest.map_or(block, |r| r.min(block))),
        }
        !full
    });
    rest
}

/// A timestamp column in microseconds since the Unix epoch.
unsafe fn time(tuple: pg_sys::HeapTuple, desc: pg_sys::TupleDesc, column: usize) -> i64 {
    let mut null = false;
    // SAFETY: as the caller promises.
    let datum = unsafe { pg_sys::heap_getattr(tuple, column as i32 + 1, desc, &mut null) };
    datum.value() as i64 + super::POSTGRES_EPOCH
}

/// A text column that is NOT NULL and as short as a name; valid as long as the tuple.
unsafe fn text<'a>(tuple: pg_sys::HeapTuple, desc: pg_sys::TupleDesc, column: usize) -> &'a str {
    // SAFETY: as the caller promises.
    unsafe { text_or_null(tuple, desc, column) }.unwrap_or_default()
}

/// A text column as short as a name; valid as long as the tuple.
unsafe fn text_or_null<'a>(tuple: pg_sys::HeapTuple, desc: pg_sys::TupleDesc, column: usize) -> Option<&'a str> {
    let mut null = false;
    // SAFETY: as the caller promises.
    let datum = unsafe { pg_sys::heap_getattr(tuple, column as i32 + 1, desc, &mut null) };
    // SAFETY: a text datum.
    if null { None } else { unsafe { super::row::str(datum) } }
}

/// Calls `f` for each row that is visible now, from a block on, until it says false.
fn each_row(inbox: usize, from: u32, mut f: impl FnMut(pg_sys::HeapTuple, pg_sys::TupleDesc) -> bool) {
    // SAFETY: scans a table of ours under a registered snapshot.
    unsafe {
        let relation = pg_sys::table_open(objects().inboxes[inbox], pg_sys::RowExclusiveLock as i32);
        let blocks = blocks(relation);
        if from < blocks {
            let snapshot = pg_sys::RegisterSnapshot(pg_sys::GetLatestSnapshot());
            let flags = pg_sys::ScanOptions::SO_TYPE_SEQSCAN | pg_sys::ScanOptions::SO_ALLOW_PAGEMODE;
            let scan = pg_sys::heap_beginscan(relation, snapshot, 0, std::ptr::null_mut(), std::ptr::null_mut(), flags);
            pg_sys::heap_setscanlimits(scan, from, blocks - from);
            loop {
                let tuple = pg_sys::heap_getnext(scan, pg_sys::ScanDirection::ForwardScanDirection);
                if tuple.is_null() || !f(tuple, (*relation).rd_att) {
                    break;
                }
                pgrx::check_for_interrupts!();
            }
            pg_sys::heap_endscan(scan);
            pg_sys::UnregisterSnapshot(snapshot);
        }
        pg_sys::table_close(relation, pg_sys::NoLock as i32);
    }
}

unsafe fn blocks(relation: pg_sys::Relation) -> u32 {
    // SAFETY: an open relation with storage.
    unsafe { pg_sys::RelationGetNumberOfBlocksInFork(relation, pg_sys::ForkNumber::MAIN_FORKNUM) }
}

/// Size of an inbox table in blocks of 8 KiB.
pub fn size(inbox: usize) -> u32 {
    // SAFETY: opened and closed here.
    unsafe {
        let relation = pg_sys::table_open(objects().inboxes[inbox], pg_sys::AccessShareLock as i32);
        let n = blocks(relation);
        pg_sys::table_close(relation, pg_sys::AccessShareLock as i32);
        n
    }
}

/// Empties a drained inbox table when nobody uses it and no snapshot can still see its rows:
/// TRUNCATE is not MVCC-safe, so every deleting transaction must be older than every snapshot.
/// `last_delete` is the newest transaction that deleted from it. Returns whether it was emptied.
pub fn truncate_if_unused(inbox: usize, last_delete: pg_sys::TransactionId) -> bool {
    let oid = objects().inboxes[inbox];
    // SAFETY: catalogue and lock functions inside a transaction.
    unsafe {
        if !pg_sys::ConditionalLockRelationOid(oid, pg_sys::AccessExclusiveLock as i32) {
            return false;
        }
        let relation = pg_sys::table_open(oid, pg_sys::NoLock as i32);
        let horizon = pg_sys::GetOldestNonRemovableTransactionId(relation);
        pg_sys::table_close(relation, pg_sys::NoLock as i32);
        if !pg_sys::TransactionIdPrecedes(last_delete, horizon) {
            return false;
        }
        // With the exclusive lock nobody is writing, prepared transactions included: what the
        // newest snapshot does not see is dead.
        let mut empty = true;
        each_row(inbox, 0, |_, _| {
            empty = false;
            false
        });
        if !empty {
            return false;
        }
    }
    super::spi::run(&format!("TRUNCATE auditlog_data.inbox_{inbox}"), &[]);
    true
}
