//! Reads a table from its first to its last page, the pages of a bitmap, and those that ANALYZE samples.
//!
//! A sequential scan, also a parallel one, is a scan of the table underneath, which yields groups.

use super::group::Group;
use super::read;
use super::tid::{MAX_ITEMS, Place};
use crate::error::Fault;
use auditlog_rowgroup::MAX_ROWS;
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys;
use std::ptr::null_mut;

/// A running scan; PostgreSQL knows its first field.
#[repr(C)]
pub struct Scan {
    base: pg_sys::TableScanDescData,
    /// Yields groups.
    pub inner: pg_sys::TableScanDesc,
    /// Of the table underneath.
    pub inner_slot: *mut pg_sys::TupleTableSlot,
    /// The group whose rows are given out.
    pub group: Group,
    /// The row of it that was given out last.
    row: Option<usize>,
    page: Page,
}

/// Rows of one page that are wanted.
struct Page {
    block: u32,
    /// For each group of the page, its rows as bits.
    wanted: [u64; MAX_ITEMS as usize],
    /// The group that comes next.
    item: u16,
    /// The row that comes next.
    row: usize,
}

const _: () = assert!(MAX_ROWS == 64, "rows of a group as bits");

impl Page {
    const NONE: Page = Page {
        block: 0,
        wanted: [0; MAX_ITEMS as usize],
        item: MAX_ITEMS + 1,
        row: 0,
    };

    fn all(block: u32) -> Page {
        Page {
            block,
            wanted: [u64::MAX; MAX_ITEMS as usize],
            item: 1,
            row: 0,
        }
    }

    fn some(block: u32, offsets: impl IntoIterator<Item = u16>) -> Page {
        let mut page = Page {
            wanted: [0; MAX_ITEMS as usize],
            ..Page::all(block)
        };
        for offset in offsets {
            let number = usize::from(offset.saturating_sub(1));
            if let Some(bits) = page.wanted.get_mut(number / MAX_ROWS) {
                *bits |= 1 << (number % MAX_ROWS);
            }
        }
        page
    }
}

unsafe fn of<'a>(scan: pg_sys::TableScanDesc) -> &'a mut Scan {
    // SAFETY: every scan that PostgreSQL has from us is one of these.
    unsafe { &mut *scan.cast::<Scan>() }
}

#[pgrx::pg_guard]
pub(super) unsafe extern "C-unwind" fn begin(
    relation: pg_sys::Relation,
    snapshot: pg_sys::Snapshot,
    keys: i32,
    _key: *mut pg_sys::ScanKeyData,
    parallel: pg_sys::ParallelTableScanDesc,
    flags: u32,
) -> pg_sys::TableScanDesc {
    if keys > 0 {
        Fault::new(
            Code::ERRCODE_FEATURE_NOT_SUPPORTED,
            "a compressed table is not scanned by keys",
        )
        .hint("This is a bug of the program that asks so: only catalogues are.")
        .raise();
    }
    use pg_sys::ScanOptions as O;
    // Pages of a bitmap or a sample are found by their number; the temporary snapshot is ours to give back.
    let sequential =
        flags & (O::SO_TYPE_BITMAPSCAN | O::SO_TYPE_ANALYZE | O::SO_TYPE_SAMPLESCAN | O::SO_TYPE_TIDSCAN) == 0;
    // SAFETY: PostgreSQL's scan of the same relation, and memory that it clears itself.
    unsafe {
        let inner = if sequential {
            pg_sys::heap_beginscan(
                relation,
                snapshot,
                0,
                null_mut(),
                parallel,
                flags & !O::SO_TEMP_SNAPSHOT,
            )
        } else {
            null_mut()
        };
        let inner_slot = if sequential {
            pg_sys::MakeSingleTupleTableSlot((*relation).rd_att, &raw const pg_sys::TTSOpsBufferHeapTuple)
        } else {
            null_mut()
        };
        pg_sys::RelationIncrementReferenceCount(relation);
        let scan: *mut Scan = pg_sys::palloc0(size_of::<Scan>()).cast();
        let base = pg_sys::TableScanDescData {
            rs_rd: relation,
            rs_snapshot: snapshot,
            rs_flags: flags,
            rs_parallel: parallel,
            ..Default::default()
        };
        scan.write(Scan {
            base,
            inner,
            inner_slot,
            group: Group::new(),
            row: None,
            page: Page::NONE,
        });
        scan.cast()
    }
}

#[pgrx::pg_guard]
pub(super) unsafe extern "C-unwind" fn rescan(
    scan: pg_sys::TableScanDesc,
    _key: *mut pg_sys::ScanKeyData,
    set_params: bool,
    allow_strat: bool,
    allow_sync: bool,
    allow_pagemode: bool,
) {
    // SAFETY: a scan of ours.
    unsafe {
        let scan = of(scan);
        scan.group.clear();
        (scan.row, scan.page) = (None, Page::NONE);
        if !scan.inner.is_null() {
            pg_sys::heap_rescan(
                scan.inner,
                null_mut(),
                set_params,
                allow_strat,
                allow_sync,
                allow_pagemode,
            );
        }
    }
}

#[pgrx::pg_guard]
pub(super) unsafe extern "C-unwind" fn end(scan: pg_sys::TableScanDesc) {
    // SAFETY: a scan of ours, used no more.
    unsafe {
        let this = of(scan);
        if !this.inner.is_null() {
            pg_sys::ExecDropSingleTupleTableSlot(this.inner_slot);
            pg_sys::heap_endscan(this.inner);
        }
        this.group.free();
        pg_sys::RelationDecrementReferenceCount(this.base.rs_rd);
        if this.base.rs_flags & pg_sys::ScanOptions::SO_TEMP_SNAPSHOT != 0 {
            pg_sys::UnregisterSnapshot(this.base.rs_snapshot);
        }
        pg_sys::pfree(scan.cast());
    }
}

impl Scan {
    /// Loads the next group in this direction.
    ///
    /// # Safety
    /// A sequential scan.
    pub unsafe fn next_group(&mut self, direction: pg_sys::ScanDirection::Type) -> bool {
        // SAFETY: the scan underneath is open; its current tuple is pinned by the slot.
        unsafe {
            if !pg_sys::heap_getnextslot(self.inner, direction, self.inner_slot) {
                self.group.clear();
                return false;
            }
            let heap: pg_sys::HeapScanDesc = self.inner.cast();
            self.group.load(self.base.rs_rd, &(*heap).rs_ctup);
            true
        }
    }

    /// The snapshot of the scan.
    pub fn snapshot(&self) -> pg_sys::Snapshot {
        self.base.rs_snapshot
    }

    /// The next wanted row of the page, if it is seen.
    unsafe fn next_of_page(&mut self, snapshot: pg_sys::Snapshot) -> Option<pg_sys::HeapTuple> {
        while self.page.item <= MAX_ITEMS {
            let place = Place {
                block: self.page.block,
                item: self.page.item,
            };
            let wanted = self.page.wanted[usize::from(place.item) - 1];
            if self.page.row == 0 {
                // SAFETY: the relation of the scan is open.
                let seen = wanted != 0 && unsafe { read::load(self.base.rs_rd, place, snapshot, &mut self.group) };
                if !seen {
                    self.page.item += 1;
                    continue;
                }
            }
            while self.page.row < self.group.rows() {
                let row = self.page.row;
                self.page.row += 1;
                if wanted >> row & 1 == 1
                    && let Some(tuple) = self.group.tuple(row)
                {
                    return Some(tuple);
                }
            }
            (self.page.item, self.page.row) = (self.page.item + 1, 0);
        }
        None
    }
}

#[pgrx::pg_guard]
pub(super) unsafe extern "C-unwind" fn next(
    scan: pg_sys::TableScanDesc,
    direction: pg_sys::ScanDirection::Type,
    slot: *mut pg_sys::TupleTableSlot,
) -> bool {
    let forward = direction != pg_sys::ScanDirection::BackwardScanDirection;
    // SAFETY: a sequential scan of ours, and a slot of our kind.
    unsafe {
        let scan = of(scan);
        loop {
            let row = match scan.row {
                _ if scan.group.place().is_none() => None,
                None if forward => Some(0),
                None => scan.group.rows().checked_sub(1),
                Some(row) if forward => Some(row + 1).filter(|row| *row < scan.group.rows()),
                Some(row) => row.checked_sub(1),
            };
            let Some(row) = row else {
                scan.row = None;
                if !scan.next_group(direction) {
                    clear(slot);
                    return false;
                }
                continue;
            };
            scan.row = Some(row);
            if let Some(tuple) = scan.group.tuple(row) {
                pg_sys::ExecStoreHeapTuple(tuple, slot, false);
                return true;
            }
        }
    }
}

unsafe fn clear(slot: *mut pg_sys::TupleTableSlot) {
    // SAFETY: a live slot.
    unsafe {
        if let Some(clear) = (*(*slot).tts_ops).clear {
            clear(slot);
        }
    }
}

#[cfg(not(feature = "pg18"))]
#[pgrx::pg_guard]
pub(super) unsafe extern "C-unwind" fn bitmap_block(
    scan: pg_sys::TableScanDesc,
    found: *mut pg_sys::TBMIterateResult,
) -> bool {
    // SAFETY: a bitmap scan of ours; the result has as many offsets as it says, or none: the whole page.
    unsafe {
        let scan = of(scan);
        let found = &*found;
        let blocks = pg_sys::RelationGetNumberOfBlocksInFork(scan.base.rs_rd, pg_sys::ForkNumber::MAIN_FORKNUM);
        if found.blockno >= blocks {
            scan.page = Page::NONE;
            return false;
        }
        scan.page = match usize::try_from(found.ntuples) {
            Ok(n) => Page::some(found.blockno, found.offsets.as_slice(n).iter().copied()),
            Err(_) => Page::all(found.blockno),
        };
        true
    }
}

#[cfg(not(feature = "pg18"))]
#[pgrx::pg_guard]
pub(super) unsafe extern "C-unwind" fn bitmap_tuple(
    scan: pg_sys::TableScanDesc,
    _found: *mut pg_sys::TBMIterateResult,
    slot: *mut pg_sys::TupleTableSlot,
) -> bool {
    // SAFETY: a bitmap scan of ours, and a slot of our kind.
    unsafe {
        let scan = of(scan);
        let tuple = scan.next_of_page(scan.snapshot());
        give(tuple, slot)
    }
}

#[cfg(feature = "pg18")]
#[pgrx::pg_guard]
pub(super) unsafe extern "C-unwind" fn bitmap_tuple(
    scan: pg_sys::TableScanDesc,
    slot: *mut pg_sys::TupleTableSlot,
    recheck: *mut bool,
    lossy_pages: *mut u64,
    exact_pages: *mut u64,
) -> bool {
    // SAFETY: a bitmap scan of ours, and a slot of our kind.
    unsafe {
        let scan = of(scan);
        loop {
            if let Some(tuple) = scan.next_of_page(scan.snapshot()) {
                return give(Some(tuple), slot);
            }
            let mut found = pg_sys::TBMIterateResult::default();
            if !pg_sys::tbm_iterate(&raw mut scan.base.st.rs_tbmiterator, &mut found) {
                return give(None, slot);
            }
            *recheck = found.recheck;
            let blocks = pg_sys::RelationGetNumberOfBlocksInFork(scan.base.rs_rd, pg_sys::ForkNumber::MAIN_FORKNUM);
            if found.blockno >= blocks {
                continue;
            }
            if found.lossy {
                *lossy_pages += 1;
                scan.page = Page::all(found.blockno);
            } else {
                *exact_pages += 1;
                let mut offsets = [0u16; MAX_ITEMS as usize * MAX_ROWS];
                let n = pg_sys::tbm_extract_page_tuple(&mut found, offsets.as_mut_ptr(), offsets.len() as u32);
                let n = usize::try_from(n).unwrap_or(0).min(offsets.len());
                scan.page = Page::some(found.blockno, offsets[..n].iter().copied());
            }
        }
    }
}

unsafe fn give(tuple: Option<pg_sys::HeapTuple>, slot: *mut pg_sys::TupleTableSlot) -> bool {
    // SAFETY: a slot of our kind; the tuple stays until the next group is loaded.
    unsafe {
        match tuple {
            Some(tuple) => pg_sys::ExecStoreHeapTuple(tuple, slot, false),
            None => {
                clear(slot);
                return false;
            }
        };
    }
    true
}

#[cfg(any(feature = "pg15", feature = "pg16"))]
#[pgrx::pg_guard]
pub(super) unsafe extern "C-unwind" fn analyze_block(
    scan: pg_sys::TableScanDesc,
    block: pg_sys::BlockNumber,
    _strategy: pg_sys::BufferAccessStrategy,
) -> bool {
    // SAFETY: a scan of ours.
    unsafe { of(scan).page = Page::all(block) };
    true
}

#[cfg(any(feature = "pg17", feature = "pg18"))]
#[pgrx::pg_guard]
pub(super) unsafe extern "C-unwind" fn analyze_block(
    scan: pg_sys::TableScanDesc,
    stream: *mut pg_sys::ReadStream,
) -> bool {
    // SAFETY: a scan of ours; the buffer that comes is pinned for us.
    unsafe {
        let buffer = pg_sys::read_stream_next_buffer(stream, null_mut());
        if buffer == pg_sys::InvalidBuffer as pg_sys::Buffer {
            return false;
        }
        of(scan).page = Page::all(pg_sys::BufferGetBlockNumber(buffer));
        pg_sys::ReleaseBuffer(buffer);
    }
    true
}

#[pgrx::pg_guard]
pub(super) unsafe extern "C-unwind" fn analyze_tuple(
    scan: pg_sys::TableScanDesc,
    _oldest: pg_sys::TransactionId,
    live: *mut f64,
    _dead: *mut f64,
    slot: *mut pg_sys::TupleTableSlot,
) -> bool {
    // SAFETY: a scan of ours. What this transaction sees is what lives: there is nothing dead worth to be counted.
    unsafe {
        let tuple = of(scan).next_of_page(&raw mut pg_sys::SnapshotSelfData);
        if tuple.is_some() {
            *live += 1.0;
        }
        give(tuple, slot)
    }
}

/// TABLESAMPLE: views, which is what users have, cannot be sampled either.
#[pgrx::pg_guard]
pub(super) unsafe extern "C-unwind" fn sample_block(
    _scan: pg_sys::TableScanDesc,
    _state: *mut pg_sys::SampleScanState,
) -> bool {
    Fault::new(
        Code::ERRCODE_FEATURE_NOT_SUPPORTED,
        "a compressed table cannot be sampled",
    )
    .hint("Use WHERE random() < 0.01 on auditlog.events.")
    .raise()
}

/// Never called: there is no block.
#[pgrx::pg_guard]
pub(super) unsafe extern "C-unwind" fn sample_tuple(
    _scan: pg_sys::TableScanDesc,
    _state: *mut pg_sys::SampleScanState,
    _slot: *mut pg_sys::TupleTableSlot,
) -> bool {
    false
}
