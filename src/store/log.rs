//! Writes sealed rows: index, link and hash are assigned here, and nowhere else. The rows go through
//! the log's own triggers (which check all of it again), then in one stroke into heap and indexes.

use super::columns::{ENTRY_HASH, HASH, INBOX, LOG, LOG_INDEX, PREV_HASH, RETENTION_CLASS, RowBuf, SEALED_AT, text};
use super::head::Head;
use super::inbox::Waiting;
use super::row;
use crate::error::Fault;
use auditlog_core::chain::{Hash, link_hash};
use pgrx::pg_sys;
use pgrx::pg_sys::Datum;
use std::cell::RefCell;
use std::collections::HashMap;

/// Tuples written to a partition in one stroke.
const STROKE: usize = 500;

/// What the sealer is writing now; the log's trigger checks each row against it. Only this process'
/// memory can say that a row is sealed by the sealer, so SQL cannot forge it.
pub struct Sealing {
    /// Index that the next row must have.
    pub next: i64,
    /// Hash that it must link to.
    pub prev: Hash,
    /// Rows whose content did not fit their entry hash: changed between commit and sealing.
    pub tampered: Vec<i64>,
}

thread_local! {
    static SEALING: RefCell<Option<Sealing>> = const { RefCell::new(None) };
}

/// Gives the trigger access to what is being sealed; `None` outside the sealer.
pub fn with_sealing<R>(f: impl FnOnce(Option<&mut Sealing>) -> R) -> R {
    SEALING.with_borrow_mut(|s| f(s.as_mut()))
}

/// Result of [`append`].
pub struct Sealed {
    /// The number of events after these rows.
    pub size: i64,
    /// `hash` of the last one.
    pub hash: Hash,
    /// Entry hashes of the rows, in order.
    pub leaves: Vec<Hash>,
    /// Indexes of rows that were changed before they were sealed.
    pub tampered: Vec<i64>,
    /// Time of the oldest row, microseconds since the Unix epoch.
    pub oldest: i64,
}

struct Target {
    relation: pg_sys::Relation,
    info: *mut pg_sys::ResultRelInfo,
    slots: Vec<*mut pg_sys::TupleTableSlot>,
    used: usize,
}

/// Moves rows from the inbox to the log, in the given order, after `head`.
pub fn append(rows: &[Waiting], head: &Head, sealed_at: i64) -> Sealed {
    let first = Sealing {
        next: head.size,
        prev: head.hash,
        tampered: Vec::new(),
    };
    SEALING.with_borrow_mut(|s| *s = Some(first));
    // A failed batch must not leave its state to the next one.
    let _end = EndOfBatch;
    let objects = super::catalog::objects();
    // Somebody's index may call somebody's function: never with the rights of this process.
    let owner = super::spi::SetOwner::new(objects.owner);
    let inboxes = objects.inboxes;
    let mut targets: HashMap<pg_sys::Oid, Target> = HashMap::new();
    let (mut size, mut prev) = (head.size, head.hash);
    let mut leaves = Vec::with_capacity(rows.len());
    let mut class: Option<(&str, Datum)> = None;
    // SAFETY: executor functions used as COPY uses them: relations locked and open, one slot per
    // buffered tuple, indexes opened; all is closed before the transaction ends.
    unsafe {
        let estate = pg_sys::CreateExecutorState();
        let sources: Vec<pg_sys::Relation> = inboxes
            .iter()
            .map(|oid| pg_sys::table_open(*oid, pg_sys::RowExclusiveLock as i32))
            .collect();
        for waiting in rows {
            let mut buf = RowBuf::<LOG>::new();
            pg_sys::heap_deform_tuple(
                waiting.tuple,
                (*sources[waiting.inbox]).rd_att,
                buf.values.as_mut_ptr(),
                buf.nulls.as_mut_ptr(),
            );
            let class = match class {
                Some((name, datum)) if *name == *waiting.class => datum,
                _ => class.insert((&waiting.class, text(waiting.class.as_bytes()))).1,
            };
            let (leaf, hash) = complete(&mut buf, size, &prev, sealed_at, class);
            leaves.push(leaf);
            (size, prev) = (size + 1, hash);
            let target = targets
                .entry(waiting.partition)
                .or_insert_with(|| open(waiting.partition));
            target.push(&buf, estate);
            pg_sys::simple_heap_delete(sources[waiting.inbox], &mut (*waiting.tuple).t_self);
            pgrx::check_for_interrupts!();
        }
        for target in targets.values_mut() {
            target.flush(estate);
            target.close();
        }
        for source in sources {
            pg_sys::table_close(source, pg_sys::NoLock as i32);
        }
        pg_sys::FreeExecutorState(estate);
        pg_sys::CommandCounterIncrement();
    }
    drop(owner);
    let tampered = with_sealing(|s| s.map(|s| std::mem::take(&mut s.tampered)).unwrap_or_default());
    let oldest = rows.iter().map(|r| r.recorded_at).min().unwrap_or(sealed_at);
    Sealed {
        size,
        hash: prev,
        leaves,
        tampered,
        oldest,
    }
}

struct EndOfBatch;

impl Drop for EndOfBatch {
    fn drop(&mut self) {
        SEALING.with_borrow_mut(|s| *s = None);
    }
}

/// Sets the chain's columns of a row; returns its entry hash and its hash.
unsafe fn complete(buf: &mut RowBuf<LOG>, index: i64, prev: &Hash, sealed_at: i64, class: Datum) -> (Hash, Hash) {
    // SAFETY: entry_hash is bytea and never NULL (a constraint of the table).
    let entry = unsafe { row::hash(buf.values[ENTRY_HASH]) }.unwrap_or_else(|| {
        Fault::broken("an inbox row has no entry hash")
            .hint("Run auditlog.verify().")
            .raise()
    });
    let hash = link_hash(prev, &entry, index as u64);
    buf.time(SEALED_AT, sealed_at);
    buf.set(RETENTION_CLASS, class);
    buf.set(LOG_INDEX, index.into());
    buf.set(PREV_HASH, text(prev));
    buf.set(HASH, text(&hash));
    (entry, hash)
}

unsafe fn open(oid: pg_sys::Oid) -> Target {
    // SAFETY: a partition of the log; zeroed memory is how makeNode starts.
    unsafe {
        let relation = pg_sys::table_open(oid, pg_sys::RowExclusiveLock as i32);
        debug_assert_eq!((*(*relation).rd_att).natts as usize, LOG);
        let info: *mut pg_sys::ResultRelInfo = pg_sys::palloc0(size_of::<pg_sys::ResultRelInfo>()).cast();
        (*info).type_ = pg_sys::NodeTag::T_ResultRelInfo;
        pg_sys::InitResultRelInfo(info, relation, 1, std::ptr::null_mut(), 0);
        pg_sys::ExecOpenIndices(info, false);
        Target {
            relation,
            info,
            slots: Vec::new(),
            used: 0,
        }
    }
}

impl Target {
    unsafe fn push(&mut self, buf: &RowBuf<LOG>, estate: *mut pg_sys::EState) {
        // SAFETY: one slot per buffered tuple, with the partition's descriptor.
        unsafe {
            let desc = (*self.relation).rd_att;
            if self.used == self.slots.len() {
                self.slots.push(pg_sys::MakeSingleTupleTableSlot(
                    desc,
                    &raw const pg_sys::TTSOpsHeapTuple,
                ));
            }
            let slot = self.slots[self.used];
            let tuple = pg_sys::heap_form_tuple(desc, buf.values.as_ptr().cast_mut(), buf.nulls.as_ptr().cast_mut());
            pg_sys::ExecStoreHeapTuple(tuple, slot, false);
            if !pg_sys::ExecBRInsertTriggers(estate, self.info, slot) {
                Fault::broken("a trigger of the log swallowed a row")
                    .hint("Drop foreign triggers from the log.")
                    .raise();
            }
            let context = (*estate).es_per_tuple_exprcontext;
            if !context.is_null() {
                pg_sys::MemoryContextReset((*context).ecxt_per_tuple_memory);
            }
            self.used += 1;
            if self.used == STROKE {
                self.flush(estate);
            }
        }
    }

    unsafe fn flush(&mut self, estate: *mut pg_sys::EState) {
        if self.used == 0 {
            return;
        }
        // SAFETY: `used` slots hold tuples; multi_insert sets their tids.
        unsafe {
            crate::compat::multi_insert(
                self.relation,
                self.slots.as_mut_ptr(),
                self.used as i32,
                pg_sys::GetCurrentCommandId(true),
                0,
                std::ptr::null_mut(),
            );
            for slot in &self.slots[..self.used] {
                if (*self.info).ri_NumIndices > 0 {
                    crate::compat::insert_index_tuples(self.info, *slot, estate);
                }
                let clear = (*(**slot).tts_ops).clear.expect("every slot type can be cleared");
                clear(*slot);
            }
        }
        self.used = 0;
    }

    unsafe fn close(&mut self) {
        // SAFETY: opened by `open`; the lock is kept until the transaction ends.
        unsafe {
            for slot in self.slots.drain(..) {
                pg_sys::ExecDropSingleTupleTableSlot(slot);
            }
            pg_sys::ExecCloseIndices(self.info);
            pg_sys::table_close(self.relation, pg_sys::NoLock as i32);
        }
    }
}

/// Positions that must agree between inbox and log: the log starts with the inbox's columns.
const _: () = assert!(INBOX < LOG && ENTRY_HASH < INBOX);
