//! `auditlog.verify`: reads every row again, hashes it, and checks the chain both ways. It reads the
//! partitions as they lie in the heap, so no index, view or policy can hide or show anything. This
//! thread reads, others hash.

use super::own_event::number;
use super::verify_removed::{self, Removed};
use super::verify_tree;
use crate::error::Fault;
use crate::fmgr::{Call, Rows};
use crate::hooks::access;
use crate::shmem::{self, Slot};
use crate::store::columns::{ENTRY_HASH, HASH, LOG, LOG_INDEX, PREV_HASH, REDACTED, RowBuf, SALT, at, text};
use crate::store::row::{self, Hasher};
use crate::store::row_chunk::Chunk;
use crate::store::scan::{self, Scan};
use crate::store::tiles::Leaves;
use crate::store::{catalog, checkpoints, erasure, head, inbox};
use crate::worker::off_main::{self, Pool};
use auditlog_core::chain::{GENESIS, Hash};
use auditlog_core::json::Json;
use auditlog_core::runs::{Checker, Expect};
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys::Datum;
use std::collections::HashSet;
use std::sync::atomic::Ordering;

crate::sql_function!(auditlog_verify, pg_finfo_auditlog_verify, verify);

/// Rows between two updates of the progress view.
const PROGRESS: u64 = 4096;

/// One line of the result.
pub struct Line {
    /// Where the event stands, or stood; `None` for what concerns no single place.
    pub log_index: Option<i64>,
    /// What happened.
    pub kind: String,
    /// What does not fit.
    pub detail: String,
    /// The event, where it is known.
    pub event_id: Option<String>,
}

struct Range {
    from: u64,
    /// Last index; `None` means to the head and whatever lies beyond it.
    to: Option<u64>,
}

fn verify(call: &Call) -> Datum {
    let range = range(call);
    let limits = [("from_index", Some(range.from)), ("to_index", range.to)];
    let named = limits
        .iter()
        .filter_map(|(name, limit)| Some(((*name).to_owned(), number((*limit)? as i64))));
    access::note(access::Kind::Verify, "verify", Json::Object(named.collect()));
    let mut rows = Rows::new(call);
    // Without a head nothing was sealed here: whatever lies in the log is too much.
    let head = head::of_the_rows().unwrap_or(head::Head::empty());
    let size = head.size.max(0) as u64;
    if range.from >= size.max(1) {
        bad_range(&format!("from_index is {}, but the log has {size} events.", range.from));
    }
    let mut lines = Vec::new();
    let removed = verify_removed::removed(Some(&mut Leaves::default()), &mut lines);
    let Some(range) = beside(range, &removed, size) else {
        // All of it is gone, as certified.
        access::verified(lines.len() as u64);
        return give(&mut rows, lines, call);
    };
    let mut pass = Pass::new(&range, size, &removed);
    let partitions = scan::log_partitions();
    let rows_to_read = partitions.iter().map(|p| scan::estimated_rows(*p)).sum();
    pass.begin(rows_to_read);
    let severities = catalog::objects().severities;
    off_main::beside(
        threads(rows_to_read),
        |chunk: Chunk<Links>| {
            let mut judged = Vec::new();
            chunk.check(&mut Hasher::detached(severities), |links, fits| {
                judged.push((links, fits))
            });
            judged
        },
        |pool| {
            for partition in partitions {
                let mut scan = Scan::begin(partition, LOG);
                while let Some(row) = scan.next_row::<LOG>() {
                    pass.row(&row, pool);
                }
            }
            pass.finish(pool);
        },
    );
    let end = range.to.map_or(size, |to| (to + 1).min(size));
    let head_hash = if end == size { Some(head.hash) } else { pass.after };
    let start_prev = if range.from == 0 { Some(GENESIS) } else { pass.before };
    pass.end();
    let mut tree = std::mem::take(&mut pass.leaves);
    let inside: Vec<_> = removed
        .ranges
        .iter()
        .filter(|(first, last)| *first >= range.from && *last < end)
        .copied()
        .collect();
    pass.checker.removed(&inside, |place| tree.at(place));
    let leaves = std::mem::take(&mut pass.other_leaves);
    let erased = std::mem::take(&mut pass.erased);
    let findings = pass.checker.finish(Expect {
        first: range.from,
        size: end,
        start_prev,
        head_hash,
    });
    lines.extend(findings.into_iter().map(|f| Line {
        log_index: Some(f.log_index as i64),
        kind: f.kind.label().to_owned(),
        detail: f.detail,
        event_id: f.event_id,
    }));
    lines.extend(
        std::mem::take(&mut pass.certified)
            .into_iter()
            .map(|(index, event_id)| Line {
                log_index: Some(index),
                kind: "extra".to_owned(),
                detail: "the event is there, and a certificate says that retention has removed it".to_owned(),
                event_id: Some(event_id),
            }),
    );
    // A row whose own hashes fit, but not the tree's leaf, was computed anew.
    let named: HashSet<i64> = lines.iter().filter_map(|line| line.log_index).collect();
    lines.extend(
        leaves
            .into_iter()
            .filter(|(index, _)| !named.contains(index))
            .map(|(index, event_id)| Line {
                log_index: Some(index),
                kind: "modified".to_owned(),
                detail: "the Merkle tree has another entry here: row and hashes, or the tree, were changed".to_owned(),
                event_id: Some(event_id),
            }),
    );
    check_erasures(&erased, &mut lines);
    if range.from == 0 && range.to.is_none() {
        lines.extend(verify_tree::check(&head));
        check_inbox(&mut lines);
        check_waiting(&mut lines);
        lines.extend(checkpoints::protection_faults().into_iter().map(|fault| Line {
            log_index: None,
            kind: "trigger_disabled".to_owned(),
            detail: fault,
            event_id: None,
        }));
    }
    access::verified(lines.len() as u64);
    give(&mut rows, lines, call)
}

fn give(rows: &mut Rows, lines: Vec<Line>, call: &Call) -> Datum {
    for line in lines {
        rows.push(&[
            line.log_index.map(Datum::from),
            Some(text(line.kind.as_bytes())),
            Some(text(line.detail.as_bytes())),
            line.event_id.map(|id| text(id.as_bytes())),
        ]);
    }
    call.null()
}

/// The range without what is removed at its ends: there is no row that could say what comes before.
fn beside(range: Range, removed: &Removed, size: u64) -> Option<Range> {
    let from = match removed.of(range.from) {
        Some((first, last)) if first > 0 || range.from > 0 => last + 1,
        // From the beginning the chain is known.
        _ => range.from,
    };
    let to = match range.to.and_then(|to| removed.of(to)) {
        Some((first, _)) => Some(first.checked_sub(1)?),
        None => range.to,
    };
    (from < size.max(1) && to.is_none_or(|to| to >= from)).then_some(Range { from, to })
}

fn bad_range(detail: &str) -> ! {
    Fault::new(Code::ERRCODE_INVALID_PARAMETER_VALUE, "no such range of the log")
        .detail(detail)
        .hint("Indexes count from 0; auditlog.stat_seal shows how many events are sealed.")
        .raise()
}

fn range(call: &Call) -> Range {
    let from = call.int(0).unwrap_or(0);
    let to = call.int(1);
    if from < 0 || to.is_some_and(|to| to < from) {
        bad_range(&format!(
            "from_index is {from}, to_index is {}.",
            to.map_or("null".to_owned(), |t| t.to_string())
        ));
    }
    Range {
        from: from as u64,
        to: to.map(|t| t as u64),
    }
}

/// Fewer rows than this are not worth a thread.
const ROWS_FOR_THREADS: u64 = 20_000;

/// Threads that hash while this one reads: as many as PostgreSQL may use for maintenance.
fn threads(rows: u64) -> usize {
    if rows < ROWS_FOR_THREADS {
        return 1;
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    // SAFETY: a setting of this process.
    let allowed = unsafe { pgrx::pg_sys::max_parallel_maintenance_workers };
    cores.min(allowed.max(1) as usize)
}

/// What a row says of its place in the chain.
struct Links {
    index: u64,
    prev: Hash,
    entry: Hash,
    hash: Hash,
    event_id: Box<[u8]>,
}

type Hashers = Pool<Chunk<Links>, Vec<(Links, bool)>>;

/// One pass over the rows.
struct Pass<'a> {
    range: &'a Range,
    checker: Checker,
    chunk: Chunk<Links>,
    slot: Option<&'static Slot>,
    done: u64,
    /// `hash` of the row before the range.
    before: Option<Hash>,
    /// `prev_hash` of the row after the range.
    after: Option<Hash>,
    /// The tree's leaves.
    leaves: Leaves,
    /// How many the tree should have.
    size: u64,
    /// Rows whose leaf is another one: their places and event ids.
    other_leaves: Vec<(i64, String)>,
    /// Rows whose personal values were erased.
    erased: Vec<i64>,
    /// What retention has removed.
    removed: &'a Removed,
    /// Rows that are there all the same: their places and event ids.
    certified: Vec<(i64, String)>,
}

impl<'a> Pass<'a> {
    fn new(range: &'a Range, size: u64, removed: &'a Removed) -> Pass<'a> {
        Pass {
            range,
            checker: Checker::new(),
            chunk: Chunk::default(),
            slot: shmem::my_slot(),
            done: 0,
            before: None,
            after: None,
            leaves: Leaves::default(),
            size,
            other_leaves: Vec::new(),
            erased: Vec::new(),
            removed,
            certified: Vec::new(),
        }
    }

    fn begin(&self, total: u64) {
        if let Some(slot) = self.slot {
            slot.verify_done.store(0, Ordering::Relaxed);
            slot.verify_total.store(total, Ordering::Relaxed);
            slot.verify_started.store(shmem::unix_micros(), Ordering::Relaxed);
            // SAFETY: a global of this process.
            slot.verify_pid
                .store(unsafe { pgrx::pg_sys::MyProcPid }, Ordering::Relaxed);
        }
    }

    fn end(&self) {
        if let Some(slot) = self.slot {
            slot.verify_done.store(self.done, Ordering::Relaxed);
            slot.verify_pid.store(0, Ordering::Relaxed);
        }
    }

    fn row(&mut self, row: &RowBuf<LOG>, pool: &mut Hashers) {
        self.done += 1;
        if self.done.is_multiple_of(PROGRESS)
            && let Some(slot) = self.slot
        {
            slot.verify_done.store(self.done, Ordering::Relaxed);
        }
        let index = row.values[LOG_INDEX].value() as i64 as u64;
        let hash_of = |at: usize| {
            let value = (!row.nulls[at]).then_some(row.values[at]);
            // SAFETY: bytea columns of the log.
            value.and_then(|v| unsafe { row::hash(v) }).unwrap_or([0xff; 32])
        };
        if index + 1 == self.range.from {
            self.before = Some(hash_of(HASH));
        }
        if self.range.to.is_some_and(|to| index == to + 1) {
            self.after = Some(hash_of(PREV_HASH));
        }
        if index < self.range.from || self.range.to.is_some_and(|to| index > to) {
            return;
        }
        let personal = at!("personal");
        // Erasure leaves commitments behind; a list of paths never comes without a salt otherwise.
        let hides = || {
            // SAFETY: a text[] column.
            !row.nulls[personal] && unsafe { row::array_items(row::bytes(row.values[personal])) } != Some(Vec::new())
        };
        if row.nulls[SALT] && (!row.nulls[REDACTED] || hides()) {
            self.erased.push(index as i64);
        }
        let id = at!("event_id");
        let value = (!row.nulls[id]).then_some(row.values[id]);
        let links = Links {
            index,
            prev: hash_of(PREV_HASH),
            entry: hash_of(ENTRY_HASH),
            hash: hash_of(HASH),
            // SAFETY: a text column.
            event_id: value.map_or(&[][..], |v| unsafe { row::bytes(v) }).into(),
        };
        // SAFETY: the row has the log's columns and types.
        if let Some(full) = unsafe { self.chunk.push(row, links) } {
            pool.give(full);
            while let Some(judged) = pool.ready() {
                self.judge(judged);
            }
        }
    }

    /// Waits for all that was given away.
    fn finish(&mut self, pool: &mut Hashers) {
        pool.give(std::mem::take(&mut self.chunk));
        while let Some(judged) = pool.rest() {
            self.judge(judged);
            pgrx::check_for_interrupts!();
        }
    }

    /// The checker takes rows in any order.
    fn judge(&mut self, judged: Vec<(Links, bool)>) {
        for (links, fits) in judged {
            if links.index < self.size && self.leaves.at(links.index) != Some(links.entry) {
                let event_id = String::from_utf8_lossy(&links.event_id).into_owned();
                self.other_leaves.push((links.index as i64, event_id));
            }
            if self.removed.has(links.index) {
                let event_id = String::from_utf8_lossy(&links.event_id).into_owned();
                self.certified.push((links.index as i64, event_id));
                continue;
            }
            self.checker.row(
                links.index,
                &links.prev,
                &links.entry,
                &links.hash,
                fits,
                &links.event_id,
            );
        }
    }
}

/// Microseconds that an event may wait to be sealed.
const LONG_WAIT: i64 = 300_000_000;
/// Looks, and milliseconds between them, until an event that waits is taken for stuck: one that was prepared
/// or held by a long transaction may have been committed just now.
const LOOKS: u32 = 30;
const BETWEEN_LOOKS: i64 = 100;

/// Events must not wait for ever.
fn check_waiting(lines: &mut Vec<Line>) {
    let mut waiting = inbox::waiting_since(shmem::unix_micros() - LONG_WAIT);
    for _ in 0..LOOKS {
        if waiting.is_empty() {
            return;
        }
        // SAFETY: waits on this process' latch, with interrupts served in between.
        unsafe {
            let events = pgrx::pg_sys::WL_TIMEOUT | pgrx::pg_sys::WL_EXIT_ON_PM_DEATH;
            let latch = pgrx::pg_sys::MyLatch;
            pgrx::pg_sys::WaitLatch(
                latch,
                events as i32,
                BETWEEN_LOOKS as _,
                pgrx::pg_sys::PG_WAIT_EXTENSION,
            );
        }
        pgrx::check_for_interrupts!();
        let still = inbox::waiting_since(shmem::unix_micros() - LONG_WAIT);
        waiting.retain(|event| still.contains(event));
    }
    lines.extend(waiting.into_iter().map(|event_id| Line {
        log_index: None,
        kind: "unsealed_too_long".to_owned(),
        detail: "the event has been waiting to be sealed for more than five minutes".to_owned(),
        event_id: Some(event_id),
    }));
}

/// Whatever was erased must be named by an erasure event.
fn check_erasures(erased: &[i64], lines: &mut Vec<Line>) {
    if erased.is_empty() {
        return;
    }
    let told = erasure::told();
    for index in erased {
        // Ranges may overlap: the ones that begin before are looked at, the nearest first.
        let before = told.partition_point(|(first, _)| first <= index);
        if !told[..before].iter().rev().any(|(_, last)| last >= index) {
            lines.push(Line {
                log_index: Some(*index),
                kind: "uncovered_gap".to_owned(),
                detail: "personal values were erased, and no erasure event tells of it".to_owned(),
                event_id: None,
            });
        }
    }
}

/// Rows that wait to be sealed have a hash already: it must fit.
fn check_inbox(lines: &mut Vec<Line>) {
    let mut hasher = Hasher::default();
    for inbox in catalog::objects().inboxes {
        let mut scan = Scan::begin(inbox, crate::store::columns::INBOX);
        while let Some(row) = scan.next_row::<{ crate::store::columns::INBOX }>() {
            // SAFETY: the row has the inbox's columns and types.
            if !unsafe { hasher.matches(&row.values, &row.nulls) }.unwrap_or(false) {
                let id = at!("event_id");
                lines.push(Line {
                    log_index: None,
                    kind: "modified".to_owned(),
                    detail: "the event was changed in the inbox, before it was sealed".to_owned(),
                    // SAFETY: a text column.
                    event_id: (!row.nulls[id]).then(|| unsafe { row::text(row.values[id]) }),
                });
            }
        }
    }
}
