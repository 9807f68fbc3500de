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
