//! Reads a table from its first to its last block under the statement's snapshot.

use super::columns::RowBuf;
use super::spi::{self, Cell};
use crate::compat;
use crate::error::Fault;
use pgrx::pg_sys;
use pgrx::pg_sys::Oid;

/// Rows between two interrupts and clean-ups.
const PAUSE: u32 = 256;

/// A running scan.
pub struct Scan {
    relation: pg_sys::Relation,
    scan: pg_sys::TableScanDesc,
    slot: *mut pg_sys::TupleTableSlot,
    memory: pg_sys::MemoryContext,
    since_pause: u32,
}

/// The leaves of the log's partition tree.
pub fn log_partitions() -> Vec<Oid> {
    super::catalog::as_owner(|| {
        spi::read(
            "SELECT relid::oid FROM pg_catalog.pg_partition_tree('auditlog_data.log') WHERE isleaf ORDER BY relid::oid",
            &[],
        )
    })
    .iter()
    .filter_map(|row| match row.first() {
        Some(Cell::Int(oid)) => Some(Oid::from_u32(*oid as u32)),
        _ => None,
    })
    .collect()
}

/// The planner's idea of how many rows a table has.
pub fn estimated_rows(table: Oid) -> u64 {
    let rows = super::catalog::as_owner(|| {
        spi::read(
            "SELECT greatest(0, CASE WHEN relpages > 0 THEN reltuples / relpages ELSE 10 END \
                * (pg_catalog.pg_relation_size(oid) / pg_catalog.current_setting('block_size')::int))::bigint \
             FROM pg_catalog.pg_class WHERE oid = $1::oid",
            &[spi::Arg::int(i64::from(table.to_u32()))],
        )
    });
    rows.first().and_then(|r| r[0].int()).unwrap_or(0) as u64
}

impl Scan {
    /// Opens a table that must have `columns` columns.
    pub fn begin(table: Oid, columns: usize) -> Scan {
        // SAFETY: locked here, closed in `drop`; the active snapshot outlives the scan.
        unsafe {
            let relation = pg_sys::table_open(table, pg_sys::AccessShareLock as i32);
            if (*(*relation).rd_att).natts as usize != columns {
                Fault::broken("a table of the log has foreign columns")
                    .detail(format!(
                        "Table with oid {} has {} columns.",
                        table.to_u32(),
                        (*(*relation).rd_att).natts
                    ))
                    .hint("Somebody altered it; compare it with a fresh installation.")
                    .raise();
            }
            let flags = pg_sys::ScanOptions::SO_TYPE_SEQSCAN
                | pg_sys::ScanOptions::SO_ALLOW_PAGEMODE
                | pg_sys::ScanOptions::SO_ALLOW_STRAT;
            let snapshot = pg_sys::GetActiveSnapshot();
            let scan = compat::scan_begin(relation, snapshot, flags);
            let slot = compat::slot_for(relation);
            let memory = pg_sys::AllocSetContextCreateInternal(
                pg_sys::CurrentMemoryContext,
                c"pg_auditlog scan".as_ptr(),
                0,
                8 * 1024,
                8 * 1024 * 1024,
            );
            Scan {
                relation,
                scan,
                slot,
                memory,
                since_pause: 0,
            }
        }
    }

    /// The next row; what it points to is valid until the row after it is asked for. Values that
    /// must be decompressed are, in memory that the scan clears now and then.
    pub fn next_row<const N: usize>(&mut self) -> Option<RowBuf<N>> {
        self.since_pause += 1;
        // SAFETY: the scan is open; N was checked against the descriptor.
        unsafe {
            if self.since_pause == PAUSE {
                self.since_pause = 0;
                pg_sys::MemoryContextReset(self.memory);
                pgrx::check_for_interrupts!();
            }
            pg_sys::CurrentMemoryContext = self.outer();
            if !compat::scan_next(self.scan, self.slot) {
                return None;
            }
            let mut row = RowBuf::new();
            pg_sys::slot_getsomeattrs_int(self.slot, N as i32);
            std::ptr::copy_nonoverlapping((*self.slot).tts_values, row.values.as_mut_ptr(), N);
            std::ptr::copy_nonoverlapping((*self.slot).tts_isnull, row.nulls.as_mut_ptr(), N);
            pg_sys::CurrentMemoryContext = self.memory;
            Some(row)
        }
    }

    fn outer(&self) -> pg_sys::MemoryContext {
        // SAFETY: made as a child of the context that was current.
        unsafe { (*self.memory).parent }
    }
}

impl Drop for Scan {
    fn drop(&mut self) {
        // While an error unwinds PostgreSQL closes scans, relations and memory itself.
        if !std::thread::panicking() {
            // SAFETY: opened by `begin`; the lock is kept until the transaction ends.
            unsafe {
                pg_sys::CurrentMemoryContext = self.outer();
                pg_sys::ExecDropSingleTupleTableSlot(self.slot);
                compat::scan_end(self.scan);
                pg_sys::MemoryContextDelete(self.memory);
                pg_sys::table_close(self.relation, pg_sys::NoLock as i32);
            }
        }
    }
}
