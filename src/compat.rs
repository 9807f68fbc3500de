//! Differences between PostgreSQL's major versions, all in one place.

use pgrx::pg_sys;

unsafe extern "C-unwind" {
    // PostgreSQL's own SIGTERM handler. The binding in pg_sys is a Rust function with a guard,
    // which is not async-signal-safe; a signal needs the C function itself (style.md §0.2).
    #[link_name = "die"]
    fn pg_die(signal: i32);
    // Cannot fail, and is asked for every row: the guard would cost more than the function.
    #[link_name = "GetCurrentTransactionStartTimestamp"]
    fn pg_transaction_start() -> pg_sys::TimestampTz;
}

/// The time of `now()`, in PostgreSQL's microseconds.
pub fn transaction_start() -> i64 {
    // SAFETY: reads a variable of this process.
    unsafe { pg_transaction_start() }
}

/// Makes SIGTERM interrupt a running query as in an ordinary backend, so that a fast shutdown is fast.
pub fn terminate_like_a_backend() {
    // SAFETY: called on the worker's main thread while signals are still blocked or handled by
    // PostgreSQL; `die` is PostgreSQL's handler for exactly this signal.
    unsafe {
        #[cfg(any(feature = "pg15", feature = "pg16", feature = "pg17"))]
        pg_sys::pqsignal(pg_sys::SIGTERM as i32, Some(pg_die));
        #[cfg(feature = "pg18")]
        pg_sys::pqsignal_be(pg_sys::SIGTERM as i32, Some(pg_die));
    }
}

/// `ExecInsertIndexTuples` for a plain insert.
///
/// # Safety
/// The slot holds a tuple with its tid, the result relation's indexes are open.
pub unsafe fn insert_index_tuples(
    relation: *mut pg_sys::ResultRelInfo,
    slot: *mut pg_sys::TupleTableSlot,
    estate: *mut pg_sys::EState,
) {
    // SAFETY: as the caller promises.
    unsafe {
        #[cfg(feature = "pg15")]
        pg_sys::ExecInsertIndexTuples(
            relation,
            slot,
            estate,
            false,
            false,
            std::ptr::null_mut(),
            std::ptr::null_mut(),
        );
        #[cfg(any(feature = "pg16", feature = "pg17", feature = "pg18"))]
        pg_sys::ExecInsertIndexTuples(
            relation,
            slot,
            estate,
            false,
            false,
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            false,
        );
    }
}

/// Attribute `i` (from 0) of a row type.
///
/// # Safety
/// `desc` is a live descriptor with more than `i` attributes.
pub unsafe fn attribute<'a>(desc: pg_sys::TupleDesc, i: usize) -> &'a pg_sys::FormData_pg_attribute {
    // SAFETY: as the caller promises.
    unsafe {
        #[cfg(any(feature = "pg15", feature = "pg16", feature = "pg17"))]
        return &(*desc).attrs.as_slice((*desc).natts as usize)[i];
        #[cfg(feature = "pg18")]
        return &*pg_sys::TupleDescAttr(desc, i as i32);
    }
}

/// The relation and the needed rights of one item of what `ExecutorCheckPerms_hook` is given to look at: entries of the
/// range table, since 16 of a list of their own.
///
/// # Safety
/// `item` is such an item.
#[cfg(feature = "pg15")]
pub unsafe fn needed_permissions(item: *mut std::ffi::c_void) -> (pg_sys::Oid, u32) {
    let entry: *mut pg_sys::RangeTblEntry = item.cast();
    // SAFETY: as the caller promises.
    unsafe {
        if (*entry).rtekind == pg_sys::RTEKind::RTE_RELATION {
            ((*entry).relid, (*entry).requiredPerms)
        } else {
            (pg_sys::Oid::INVALID, 0)
        }
    }
}

/// The same for the list of its own.
///
/// # Safety
/// `item` is such an item.
#[cfg(not(feature = "pg15"))]
pub unsafe fn needed_permissions(item: *mut std::ffi::c_void) -> (pg_sys::Oid, u32) {
    let entry: *mut pg_sys::RTEPermissionInfo = item.cast();
    // SAFETY: as the caller promises.
    unsafe { ((*entry).relid, (*entry).requiredPerms as u32) }
}

/// This process' virtual transaction, as `GetLockConflicts` names it to others.
pub fn virtual_transaction() -> [u32; 2] {
    // SAFETY: this process' own entry in shared memory.
    unsafe {
        #[cfg(any(feature = "pg15", feature = "pg16"))]
        return [(*pg_sys::MyProc).backendId as u32, (*pg_sys::MyProc).lxid];
        #[cfg(any(feature = "pg17", feature = "pg18"))]
        return [(*pg_sys::MyProc).vxid.procNumber as u32, (*pg_sys::MyProc).vxid.lxid];
    }
}

/// Does GRANT or REVOKE of a role speak of the right to pass it on?
pub fn admin_option(statement: &pg_sys::GrantRoleStmt) -> bool {
    #[cfg(feature = "pg15")]
    return statement.admin_opt;
    #[cfg(any(feature = "pg16", feature = "pg17", feature = "pg18"))]
    // SAFETY: the options of a live statement.
    unsafe {
        crate::capture::nodes::items::<pg_sys::DefElem>(statement.opt)
            .into_iter()
            .any(|option| {
                crate::capture::nodes::text((*option).defname).as_deref() == Some("admin")
                    && crate::capture::nodes::is_true(option)
            })
    }
}

/// A function that is called for each node of a tree.
pub type Walker = unsafe extern "C-unwind" fn(*mut pg_sys::Node, *mut std::ffi::c_void) -> bool;

unsafe extern "C-unwind" {
    #[cfg_attr(not(feature = "pg15"), link_name = "raw_expression_tree_walker_impl")]
    fn raw_expression_tree_walker(node: *mut pg_sys::Node, walker: Walker, context: *mut std::ffi::c_void) -> bool;
}

/// Calls `walker` for the parts of a node that the parser made.
///
/// # Safety
/// A live node of a raw parse tree.
pub unsafe fn walk_raw_expression(node: *mut pg_sys::Node, walker: Walker, context: *mut std::ffi::c_void) -> bool {
    // SAFETY: as the caller promises; PostgreSQL hands node and context through.
    unsafe { raw_expression_tree_walker(node, walker, context) }
}

unsafe extern "C-unwind" {
    /// The setting of this name (`utils/bytea.h`), which pgrx does not bind.
    static bytea_output: i32;
}

/// Does `bytea` print as hexadecimal digits?
pub fn bytea_is_hex() -> bool {
    // SAFETY: a variable of this process.
    unsafe { bytea_output == 1 }
}

/// May the current user add triggers to a relation?
pub fn may_add_triggers(relation: pg_sys::Oid) -> bool {
    #[cfg(feature = "pg15")]
    let mode = pg_sys::ACL_TRIGGER;
    #[cfg(not(feature = "pg15"))]
    let mode = u64::from(pg_sys::ACL_TRIGGER);
    // SAFETY: a catalogue look-up inside a transaction.
    unsafe { pg_sys::pg_class_aclcheck(relation, pg_sys::GetUserId(), mode) == pg_sys::AclResult::ACLCHECK_OK }
}

/// Does the current user own a relation?
pub fn owns_relation(relation: pg_sys::Oid) -> bool {
    // SAFETY: a catalogue look-up inside a transaction.
    unsafe {
        let user = pg_sys::GetUserId();
        #[cfg(feature = "pg15")]
        return pg_sys::pg_class_ownercheck(relation, user);
        #[cfg(not(feature = "pg15"))]
        return pg_sys::object_ownercheck(pg_sys::RelationRelationId, relation, user);
    }
}

/// Runs a portal to its end and throws its rows away.
///
/// # Safety
/// A portal that was started.
pub unsafe fn run_portal(portal: pg_sys::Portal, is_top_level: bool, done: &mut pg_sys::QueryCompletion) {
    let all = std::ffi::c_long::MAX;
    // SAFETY: as the caller promises.
    unsafe {
        let nowhere = pg_sys::CreateDestReceiver(pg_sys::CommandDest::DestNone);
        #[cfg(not(feature = "pg18"))]
        pg_sys::PortalRun(portal, all, is_top_level, true, nowhere, nowhere, done);
        #[cfg(feature = "pg18")]
        pg_sys::PortalRun(portal, all, is_top_level, nowhere, nowhere, done);
    }
}

/// Waits until everything that was written to the WAL so far is on disk.
pub fn flush_wal() {
    // SAFETY: reads where the WAL ends and has it written; no lock is held that others wait for.
    unsafe {
        let mut end = pg_sys::GetXLogInsertRecPtr();
        // At the begin of a page that is where the next record will be, behind the page's header, and nothing is there yet.
        let block = u64::from(pg_sys::XLOG_BLCKSZ);
        let in_page = end % block;
        let header = if (end - in_page).is_multiple_of(pg_sys::wal_segment_size as u64) {
            size_of::<pg_sys::XLogLongPageHeaderData>()
        } else {
            size_of::<pg_sys::XLogPageHeaderData>()
        };
        if in_page == header.next_multiple_of(8) as u64 {
            end -= in_page;
        }
        pg_sys::XLogFlush(end);
    }
}

/// Sets what the catalogue says of a table's pages and rows, outside of transactions, as VACUUM does; everything else stays.
///
/// # Safety
/// An open relation, within VACUUM.
pub unsafe fn update_relation_statistics(relation: pg_sys::Relation, pages: u32, rows: f64) {
    // SAFETY: as the caller promises. No ids: they are kept as they are.
    unsafe {
        let class = &*(*relation).rd_rel;
        let (mut visible, mut frozen) = (0, 0);
        pg_sys::visibilitymap_count(relation, &mut visible, &mut frozen);
        let none = std::ptr::null_mut();
        #[cfg(not(feature = "pg18"))]
        pg_sys::vac_update_relstats(
            relation,
            pages,
            rows,
            visible,
            class.relhasindex,
            pg_sys::InvalidTransactionId,
            pg_sys::InvalidTransactionId,
            none,
            none,
            false,
        );
        #[cfg(feature = "pg18")]
        pg_sys::vac_update_relstats(
            relation,
            pages,
            rows,
            visible,
            frozen,
            class.relhasindex,
            pg_sys::InvalidTransactionId,
            pg_sys::InvalidTransactionId,
            none,
            none,
            false,
        );
    }
}

/// Inserts rows as the table's access method does it (`table_multi_insert`); sets the addresses of the slots.
///
/// # Safety
/// An open relation, and `n` slots of its kind that hold rows.
pub unsafe fn multi_insert(
    relation: pg_sys::Relation,
    slots: *mut *mut pg_sys::TupleTableSlot,
    n: i32,
    command: pg_sys::CommandId,
    options: i32,
    bulk: pg_sys::BulkInsertState,
) {
    // SAFETY: as the caller promises; errors of C are caught as those of every function of PostgreSQL.
    unsafe {
        let insert = (*(*relation).rd_tableam).multi_insert;
        let insert = insert.expect("every access method of tables has it");
        pg_sys::ffi::pg_guard_ffi_boundary(|| insert(relation, slots, n, command, options, bulk));
    }
}

/// A scan of a whole table by its access method (`table_beginscan`).
///
/// # Safety
/// An open relation, and a snapshot that outlives the scan.
pub unsafe fn scan_begin(relation: pg_sys::Relation, snapshot: pg_sys::Snapshot, flags: u32) -> pg_sys::TableScanDesc {
    // SAFETY: as the caller promises; errors of C are caught as those of every function of PostgreSQL.
    unsafe {
        let (key, parallel) = (std::ptr::null_mut(), std::ptr::null_mut());
        let begin = (*(*relation).rd_tableam).scan_begin;
        let begin = begin.expect("every access method of tables has it");
        pg_sys::ffi::pg_guard_ffi_boundary(|| begin(relation, snapshot, 0, key, parallel, flags))
    }
}

/// Its next row, if there is one, in a slot of [`slot_for`].
///
/// # Safety
/// A scan of [`scan_begin`] that has not ended.
pub unsafe fn scan_next(scan: pg_sys::TableScanDesc, slot: *mut pg_sys::TupleTableSlot) -> bool {
    // SAFETY: as the caller promises.
    unsafe {
        let next = (*(*(*scan).rs_rd).rd_tableam).scan_getnextslot;
        let next = next.expect("every access method of tables has it");
        pg_sys::ffi::pg_guard_ffi_boundary(|| next(scan, pg_sys::ScanDirection::ForwardScanDirection, slot))
    }
}

/// Ends it.
///
/// # Safety
/// A scan of [`scan_begin`] that has not ended.
pub unsafe fn scan_end(scan: pg_sys::TableScanDesc) {
    // SAFETY: as the caller promises.
    unsafe {
        let end = (*(*(*scan).rs_rd).rd_tableam).scan_end;
        let end = end.expect("every access method of tables has it");
        pg_sys::ffi::pg_guard_ffi_boundary(|| end(scan));
    }
}

/// A slot for rows of a table, as its access method wants it.
///
/// # Safety
/// An open relation.
pub unsafe fn slot_for(relation: pg_sys::Relation) -> *mut pg_sys::TupleTableSlot {
    // SAFETY: as the caller promises.
    unsafe {
        let kind = (*(*relation).rd_tableam).slot_callbacks;
        let kind = kind.expect("every access method of tables has it");
        let kind = pg_sys::ffi::pg_guard_ffi_boundary(|| kind(relation));
        pg_sys::MakeSingleTupleTableSlot((*relation).rd_att, kind)
    }
}
