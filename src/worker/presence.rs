//! Is the extension here, and does it stay while a worker works? DROP must never wait for us.

use crate::store::catalog;
use pgrx::pg_sys;

/// Keeps the extension in place until the end of the transaction; false when somebody is dropping it.
///
/// DROP EXTENSION locks the extension first, and everything else after: holding this lock keeps the
/// two of us from waiting for each other.
pub fn extension_stays() -> bool {
    // SAFETY: looks the extension up by name; reads a global of this process.
    let (extension, database) = unsafe {
        (
            pg_sys::get_extension_oid(c"pg_auditlog".as_ptr(), true),
            pg_sys::MyDatabaseId,
        )
    };
    share_object(pg_sys::ExtensionRelationId, extension, database.to_u32())
}

/// May a worker work in this transaction?
pub fn may_work() -> bool {
    !database_is_being_dropped() && catalog::find().is_some() && extension_stays()
}

/// Does somebody hold the lock of DROP DATABASE? It waits a few seconds for us to go.
pub fn database_is_being_dropped() -> bool {
    // SAFETY: a global of this process.
    let database = unsafe { pg_sys::MyDatabaseId };
    !share_object(pg_sys::DatabaseRelationId, database, 0)
}

/// Takes the lock on an object that its users take, until the end of the transaction and without
/// waiting; false when somebody has it exclusively. `within` is 0 for an object of the whole cluster.
fn share_object(class: pg_sys::Oid, object: pg_sys::Oid, within: u32) -> bool {
    let tag = pg_sys::LOCKTAG {
        locktag_field1: within,
        locktag_field2: class.to_u32(),
        locktag_field3: object.to_u32(),
        locktag_field4: 0,
        locktag_type: pg_sys::LockTagType::LOCKTAG_OBJECT as u8,
        locktag_lockmethodid: pg_sys::DEFAULT_LOCKMETHOD as u8,
    };
    // SAFETY: a lock tag as SET_LOCKTAG_OBJECT makes it.
    let result = unsafe { pg_sys::LockAcquire(&tag, pg_sys::RowExclusiveLock as i32, false, true) };
    result != pg_sys::LockAcquireResult::LOCKACQUIRE_NOT_AVAIL
}
