//! VACUUM and what rewrites whole tables.

use crate::error::Fault;
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys;
use std::ffi::CStr;

/// VACUUM of the table underneath: it removes old groups and freezes the others. Entries of indexes stay: they point to rows,
/// and VACUUM knows only groups. Their places stay, too, so that they lead nowhere.
#[pgrx::pg_guard]
pub(super) unsafe extern "C-unwind" fn vacuum(
    relation: pg_sys::Relation,
    params: *mut pg_sys::VacuumParams,
    strategy: pg_sys::BufferAccessStrategy,
) {
    // SAFETY: as PostgreSQL calls it; VACUUM itself updates the row of the catalogue in place.
    unsafe {
        let mut params = std::ptr::read(params);
        params.index_cleanup = pg_sys::VacOptValue::VACOPTVALUE_DISABLED;
        params.truncate = pg_sys::VacOptValue::VACOPTVALUE_DISABLED;
        let (pages, rows) = {
            let class = &*(*relation).rd_rel;
            (class.relpages, class.reltuples)
        };
        pg_sys::heap_vacuum_rel(relation, &mut params, strategy);
        restore_statistics(relation, pages, rows);
    }
}

/// VACUUM has counted groups; the planner wants rows, as ANALYZE has counted them.
unsafe fn restore_statistics(relation: pg_sys::Relation, pages: i32, rows: f32) {
    // SAFETY: as the caller promises.
    unsafe {
        let now = pg_sys::RelationGetNumberOfBlocksInFork(relation, pg_sys::ForkNumber::MAIN_FORKNUM);
        let known = pages > 0 && rows >= 0.0;
        let rows = if known {
            f64::from(rows) / f64::from(pages) * f64::from(now)
        } else {
            -1.0
        };
        crate::compat::update_relation_statistics(relation, now, rows);
    }
}

#[cfg(feature = "pg15")]
type Storage = pg_sys::RelFileNode;
#[cfg(not(feature = "pg15"))]
type Storage = pg_sys::RelFileLocator;

/// A new table. Only the log's partitions are kept so: other tables are changed as nothing of the log ever is.
#[pgrx::pg_guard]
pub(super) unsafe extern "C-unwind" fn new_storage(
    relation: pg_sys::Relation,
    storage: *const Storage,
    persistence: std::ffi::c_char,
    freeze_xid: *mut pg_sys::TransactionId,
    min_multi: *mut pg_sys::MultiXactId,
) {
    // SAFETY: as PostgreSQL calls it; the heap's own function does the work.
    unsafe {
        let schema = pg_sys::get_namespace_name((*(*relation).rd_rel).relnamespace);
        if schema.is_null() || CStr::from_ptr(schema) != c"auditlog_data" {
            Fault::new(
                Code::ERRCODE_FEATURE_NOT_SUPPORTED,
                "the access method auditlog_compressed is for partitions of the audit log only",
            )
            .hint("Create the table without USING, and with another default_table_access_method.")
            .raise();
        }
        let heap = &*pg_sys::GetHeapamTableAmRoutine();
        #[cfg(feature = "pg15")]
        let make = heap.relation_set_new_filenode;
        #[cfg(not(feature = "pg15"))]
        let make = heap.relation_set_new_filelocator;
        let make = make.expect("the heap has it");
        pg_sys::ffi::pg_guard_ffi_boundary(|| make(relation, storage, persistence, freeze_xid, min_multi));
    }
}

#[pgrx::pg_guard]
#[expect(clippy::too_many_arguments, reason = "PostgreSQL's signature")]
pub(super) unsafe extern "C-unwind" fn copy_for_cluster(
    _old: pg_sys::Relation,
    _new: pg_sys::Relation,
    _index: pg_sys::Relation,
    _sort: bool,
    _oldest: pg_sys::TransactionId,
    _xid_cutoff: *mut pg_sys::TransactionId,
    _multi_cutoff: *mut pg_sys::MultiXactId,
    _tuples: *mut f64,
    _vacuumed: *mut f64,
    _recently_dead: *mut f64,
) {
    Fault::new(
        Code::ERRCODE_FEATURE_NOT_SUPPORTED,
        "VACUUM FULL and CLUSTER do not work for a compressed table",
    )
    .hint("VACUUM it; the worker of retention writes it anew when its tier or class changes.")
    .raise()
}

/// Long values are in an ordinary table.
#[pgrx::pg_guard]
pub(super) unsafe extern "C-unwind" fn toast_method(_relation: pg_sys::Relation) -> pg_sys::Oid {
    pg_sys::Oid::from_u32(pg_sys::HEAP_TABLE_AM_OID.to_u32())
}
