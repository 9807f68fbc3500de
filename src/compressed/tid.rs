//! Where a row is: the page, which of the page's groups, and which row of it, in the six bytes that indexes keep.

use auditlog_rowgroup::MAX_ROWS;
use pgrx::pg_sys;

/// Groups of a page whose rows have addresses. A page is filled by one; there are more only when those before are gone.
pub const MAX_ITEMS: u16 = 4;

/// A group: a tuple of the table underneath.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    /// The page.
    pub block: u32,
    /// Which tuple of it, from 1.
    pub item: u16,
}

impl Place {
    /// Where a tuple is.
    pub fn of(tid: &pg_sys::ItemPointerData) -> Place {
        Place {
            block: (u32::from(tid.ip_blkid.bi_hi) << 16) | u32::from(tid.ip_blkid.bi_lo),
            item: tid.ip_posid,
        }
    }

    /// The address of the group itself.
    pub fn tid(self) -> pg_sys::ItemPointerData {
        pointer(self.block, self.item)
    }

    /// The address of one of its rows.
    pub fn row(self, row: usize) -> pg_sys::ItemPointerData {
        pointer(self.block, (self.item - 1) * MAX_ROWS as u16 + row as u16 + 1)
    }

    /// The group and the number of the row that has this address.
    pub fn of_row(tid: &pg_sys::ItemPointerData) -> (Place, usize) {
        let place = Place::of(tid);
        let number = place.item.saturating_sub(1);
        let item = number / MAX_ROWS as u16 + 1;
        (Place { item, ..place }, usize::from(number) % MAX_ROWS)
    }
}

fn pointer(block: u32, offset: u16) -> pg_sys::ItemPointerData {
    pg_sys::ItemPointerData {
        ip_blkid: pg_sys::BlockIdData {
            bi_hi: (block >> 16) as u16,
            bi_lo: block as u16,
        },
        ip_posid: offset,
    }
}

// What a bitmap of addresses has room for on a page (MaxHeapTuplesPerPage).
const _: () = assert!(MAX_ITEMS as usize * MAX_ROWS <= 291);
