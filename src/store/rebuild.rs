//! Rewrites partitions of the log: into another tier, into other classes, or without what retention removes.
//!
//! The rows go, in the order of their times, into tables beside the log that nobody else can see yet. They are written as rows
//! that every snapshot sees: they are the same events, so a reader with an old snapshot must find them there, too. Then the
//! log is locked for a moment, the old tables go, and the new ones take their places, all in one transaction.

use super::catalog::as_owner;
use super::columns::{LOG, RETENTION_CLASS, RowBuf, text};
use super::pace::{self, Pace};
use super::partitions::Month;
use super::retention::Partition;
use super::spi::{self, Arg};
use super::subtransaction;
use crate::compat;
use crate::guc;
use crate::guc::Compression;
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys;
use pgrx::pg_sys::{Datum, Oid};
use std::collections::HashMap;
use std::ffi::CStr;
use std::rc::Rc;

/// Tuples written in one stroke.
const STROKE: usize = 500;
/// Attempts to lock the log, and how long each waits. While one waits, readers wait behind it.
const ATTEMPTS: u32 = 60;
const PATIENCE: &CStr = c"250ms";
/// Milliseconds between two of them.
const BETWEEN_MS: i64 = 1_000;

/// Nobody could be found to let go of the log.
#[derive(Debug, thiserror::Error)]
#[error("the log was in use all the time, or an erasure waited: the partition {0} could not be replaced")]
pub struct Busy(String);

/// A row of the log that is to be routed.
pub struct Row<'a> {
    values: &'a [Datum; LOG],
    nulls: &'a [bool; LOG],
}

impl Row<'_> {
    /// A `bigint` or `timestamptz` column that is never NULL.
    pub fn int(&self, at: usize) -> i64 {
        self.values[at].value() as i64
    }

    /// A text column; empty when it is NULL or no UTF-8.
    pub fn text(&self, at: usize) -> &str {
        // SAFETY: a text column of the log; the row outlives this.
        let found = (!self.nulls[at]).then(|| unsafe { super::row::str(self.values[at]) });
        found.flatten().unwrap_or_default()
    }
}

/// What came of a rewriting.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Rows that are in the new tables.
    pub kept: i64,
    /// Rows that are nowhere any more.
    pub dropped: i64,
}

/// Puts new tables in the places of `sources`, which are all of one month and locked against writers from here on. `route` says for each row into which class
/// it goes, or `None`: it is gone. `tier` says in which tier a class' partition of this month is.
///
/// Within a transaction of a worker.
///
/// # Errors
/// [`Busy`]: nothing has changed, once the transaction is rolled back.
pub fn replace(
    sources: &[Partition],
    policy: i64,
    tier: &dyn Fn(&str) -> &'static str,
    route: &mut dyn FnMut(&Row<'_>) -> Option<Rc<str>>,
) -> Result<Outcome, Busy> {
    let Some(month) = sources.first().map(|first| first.month) else {
        return Ok(Outcome::default());
    };
    debug_assert!(sources.iter().all(|source| source.month == month));
    for source in sources {
        // The sealer never waits for this: it leaves such events in the inbox (partitions.rs).
        let sql = format!(
            "LOCK TABLE auditlog_data.{} IN SHARE MODE",
            spi::identifier(&source.relation)
        );
        spi::run(&sql, &[]);
    }
    // For this transaction, not as the columns' own: a dump would have ALTER TABLE for these.
    guc::set_local(c"default_toast_compression", guc::WARM_COMPRESSION.get().label());
    let mut outcome = Outcome::default();
    let mut targets: HashMap<Rc<str>, Target> = HashMap::new();
    let mut pace = Pace::default();
    for source in sources {
        let sql = format!(
            "SELECT * FROM auditlog_data.{} ORDER BY \"timestamp\", log_index",
            spi::identifier(&source.relation)
        );
        with_latest_snapshot(|| {
            spi::stream_rows_while::<LOG>(&sql, &[], pace::ROWS.into(), |values, nulls| {
                pace.row();
                let Some(class) = route(&Row { values, nulls }) else {
                    outcome.dropped += 1;
                    return true;
                };
                outcome.kept += 1;
                let target = targets
                    .entry(class.clone())
                    .or_insert_with(|| Target::open(&class, month, tier(&class)));
                target.push(values, nulls);
                true
            });
        });
    }
    let mut classes: Vec<Rc<str>> = Vec::new();
    for (class, target) in targets {
        target.close();
        let [year, number] = month.numbers();
        spi::run(
            "SELECT auditlog_data.prepare_successor($1, $2::int, $3::int)",
            &[Arg::text(Some(&class)), year, number],
        );
        classes.push(class);
    }
    classes.extend(sources.iter().map(|source| source.class.as_str().into()));
    classes.sort_unstable();
    classes.dedup();
    if !lock_log(sources) {
        return Err(Busy(sources[0].relation.clone()));
    }
    for class in classes {
        let [year, number] = month.numbers();
        spi::run(
            "SELECT auditlog_data.replace_partition($1, $2::int, $3::int, $4)",
            &[Arg::text(Some(&class)), year, number, Arg::int(policy)],
        );
    }
    Ok(outcome)
}

fn with_latest_snapshot(f: impl FnOnce()) {
    // SAFETY: pushed and popped around the query; an error in between ends the transaction's stack.
    unsafe {
        pg_sys::PushActiveSnapshot(pg_sys::GetLatestSnapshot());
        f();
        pg_sys::PopActiveSnapshot();
    }
}

/// Locks the log against readers, without making them wait for long.
fn lock_log(sources: &[Partition]) -> bool {
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            // SAFETY: waits on this process' latch, with interrupts served in between.
            unsafe {
                let events = pg_sys::WL_TIMEOUT | pg_sys::WL_EXIT_ON_PM_DEATH;
                pg_sys::WaitLatch(
                    pg_sys::MyLatch,
                    events as i32,
                    BETWEEN_MS as _,
                    pg_sys::PG_WAIT_EXTENSION,
                );
            }
            pgrx::check_for_interrupts!();
        }
        if try_lock(sources) {
            return true;
        }
        // An erasure has the log and wants these rows: each would wait for the other until the attempts are over.
        if is_waited_for() {
            return false;
        }
    }
    false
}

/// Does anybody wait for a table that this transaction has locked?
fn is_waited_for() -> bool {
    let rows = spi::read_latest(
        "SELECT count(*) FROM pg_catalog.pg_locks AS l WHERE NOT l.granted AND l.locktype = 'relation' \
             AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database()) \
             AND pg_catalog.pg_backend_pid() = ANY (pg_catalog.pg_blocking_pids(l.pid))",
        &[],
    );
    rows.first().and_then(|row| row[0].int()).unwrap_or(0) > 0
}

/// One attempt: what it could not get it gives back.
fn try_lock(sources: &[Partition]) -> bool {
    let tables: Vec<String> = sources
        .iter()
        .map(|source| format!("auditlog_data.{}", spi::identifier(&source.relation)))
        .collect();
    let sql = format!(
        "LOCK TABLE ONLY auditlog_data.log, {} IN ACCESS EXCLUSIVE MODE",
        tables.join(", ")
    );
    let locked = subtransaction::unless(Code::ERRCODE_LOCK_NOT_AVAILABLE, || {
        guc::set_local(c"lock_timeout", PATIENCE);
        spi::run(&sql, &[]);
    });
    if locked.is_none() {
        pgrx::debug1!("pg_auditlog: {} cannot be replaced yet", tables[0]);
        return false;
    }
    // The rest waits for an autovacuum of a TOAST table at most, which gives way after deadlock_timeout.
    guc::set_local(c"lock_timeout", c"5s");
    true
}

/// A table that is being filled.
struct Target {
    relation: pg_sys::Relation,
    class: Datum,
    slots: Vec<*mut pg_sys::TupleTableSlot>,
    used: usize,
    bulk: pg_sys::BulkInsertState,
    /// Memory of rows that are not written yet.
    memory: pg_sys::MemoryContext,
}

impl Target {
    fn open(class: &str, month: Month, tier: &str) -> Target {
        let [year, number] = month.numbers();
        let setting =
            |text: Option<std::ffi::CString>| text.and_then(|text| text.into_string().ok()).unwrap_or_default();
        let space = setting(guc::WARM_TABLESPACE.get());
        let rows = spi::run(
            "SELECT auditlog_data.begin_successor($1, $2::int, $3::int, $4, $5, $6 > 0)::oid",
            &[
                Arg::text(Some(class)),
                year,
                number,
                Arg::text(Some(tier)),
                Arg::text(Some(if tier == "warm" { &space } else { "" })),
                Arg::int(i64::from(
                    tier == "warm" && guc::WARM_COMPRESSION.get() == Compression::Zstd,
                )),
            ],
        );
        let oid = rows.first().and_then(|row| row[0].int()).unwrap_or_default();
        // SAFETY: a table that this transaction has made; contexts live until `close`.
        unsafe {
            let top = pg_sys::TopTransactionContext;
            let before = pg_sys::MemoryContextSwitchTo(top);
            let target = Target {
                relation: pg_sys::table_open(Oid::from_u32(oid as u32), pg_sys::AccessExclusiveLock as i32),
                class: text(class.as_bytes()),
                slots: Vec::new(),
                used: 0,
                bulk: pg_sys::GetBulkInsertState(),
                memory: pg_sys::AllocSetContextCreateInternal(
                    top,
                    c"pg_auditlog successor".as_ptr(),
                    0,
                    8 * 1024,
                    8 * 1024 * 1024,
                ),
            };
            pg_sys::MemoryContextSwitchTo(before);
            target
        }
    }

    fn push(&mut self, values: &[Datum; LOG], nulls: &[bool; LOG]) {
        let mut buf = RowBuf::<LOG>::new();
        buf.values.copy_from_slice(values);
        buf.nulls.copy_from_slice(nulls);
        buf.set(RETENTION_CLASS, self.class);
        // SAFETY: one slot per buffered tuple, with the table's descriptor; tuples live until they are written.
        unsafe {
            let desc = (*self.relation).rd_att;
            let before = pg_sys::MemoryContextSwitchTo(pg_sys::TopTransactionContext);
            if self.used == self.slots.len() {
                self.slots.push(pg_sys::MakeSingleTupleTableSlot(
                    desc,
                    &raw const pg_sys::TTSOpsHeapTuple,
                ));
            }
            pg_sys::MemoryContextSwitchTo(self.memory);
            // Decompressed, so that it can be compressed as this tier is.
            for (value, null) in buf
                .values
                .iter_mut()
                .zip(&buf.nulls)
                .enumerate()
                .filter_map(|(at, pair)| (is_varlena(desc, at)).then_some(pair))
            {
                if !*null {
                    *value = pg_sys::pg_detoast_datum(value.cast_mut_ptr()).into();
                }
            }
            let tuple = pg_sys::heap_form_tuple(desc, buf.values.as_mut_ptr(), buf.nulls.as_mut_ptr());
            pg_sys::ExecStoreHeapTuple(tuple, self.slots[self.used], false);
            pg_sys::MemoryContextSwitchTo(before);
        }
        self.used += 1;
        if self.used == STROKE {
            self.flush();
        }
    }

    fn flush(&mut self) {
        if self.used == 0 {
            return;
        }
        // SAFETY: `used` slots hold tuples. Frozen: the table is new in this transaction, so nobody sees it before it commits.
        unsafe {
            let before = pg_sys::MemoryContextSwitchTo(self.memory);
            compat::multi_insert(
                self.relation,
                self.slots.as_mut_ptr(),
                self.used as i32,
                pg_sys::GetCurrentCommandId(true),
                (pg_sys::TABLE_INSERT_FROZEN | pg_sys::TABLE_INSERT_SKIP_FSM) as i32,
                self.bulk,
            );
            for slot in &self.slots[..self.used] {
                let clear = (*(**slot).tts_ops).clear.expect("every slot type can be cleared");
                clear(*slot);
            }
            pg_sys::MemoryContextSwitchTo(before);
            pg_sys::MemoryContextReset(self.memory);
        }
        self.used = 0;
    }

    fn close(mut self) {
        self.flush();
        // SAFETY: opened by `open`; the lock is kept until the transaction ends.
        unsafe {
            for slot in self.slots.drain(..) {
                pg_sys::ExecDropSingleTupleTableSlot(slot);
            }
            pg_sys::FreeBulkInsertState(self.bulk);
            pg_sys::MemoryContextDelete(self.memory);
            pg_sys::table_close(self.relation, pg_sys::NoLock as i32);
            pg_sys::CommandCounterIncrement();
        }
    }
}

/// # Safety
/// A descriptor with that column.
unsafe fn is_varlena(desc: pg_sys::TupleDesc, at: usize) -> bool {
    // SAFETY: as the caller promises.
    unsafe { crate::compat::attribute(desc, at).attlen == -1 }
}

/// Bytes of a partition, with indexes.
pub fn size(relation: &str) -> Option<i64> {
    let rows = as_owner(|| {
        spi::run(
            "SELECT pg_catalog.pg_total_relation_size(pg_catalog.to_regclass($1))",
            &[Arg::text(Some(&format!("auditlog_data.{}", spi::identifier(relation))))],
        )
    });
    rows.first().and_then(|row| row[0].int())
}
