//! Object ids of our tables and types in this database, looked up once and kept until PostgreSQL
//! says that one of them changed.

use super::spi::SetOwner;
use crate::error::Fault;
use crate::shmem::INBOXES;
use auditlog_core::event::Severity;
use pgrx::pg_sys;
use pgrx::pg_sys::Oid;
use std::cell::{Cell, RefCell};
use std::ffi::{CStr, CString};

/// Name of the private schema.
pub const DATA_SCHEMA: &CStr = c"auditlog_data";
/// Name of the public schema.
pub const SCHEMA: &CStr = c"auditlog";

/// What this database's extension consists of.
#[derive(Debug, Clone, Copy)]
pub struct Objects {
    /// `auditlog_data.inbox_0` and so on.
    pub inboxes: [Oid; INBOXES],
    /// `auditlog_data.log`.
    pub log: Oid,
    /// The view `auditlog.events`.
    pub events: Oid,
    /// `auditlog.event_types`.
    pub event_types: Oid,
    /// `auditlog.saved_queries`.
    pub saved_queries: Oid,
    /// `auditlog_data.principal`.
    pub principals: Oid,
    /// `auditlog_data.tracked_table`.
    pub tracked_table: Oid,
    /// The role `auditlog_owner`.
    pub owner: Oid,
    /// Values of the enum `auditlog.severity`.
    pub severities: [Oid; 6],
}

thread_local! {
    static OBJECTS: RefCell<Option<Objects>> = const { RefCell::new(None) };
    static REGISTERED: Cell<bool> = const { Cell::new(false) };
    static EVENT_TYPES_STALE: Cell<bool> = const { Cell::new(true) };
    static SAVED_QUERIES_CHANGES: Cell<u64> = const { Cell::new(0) };
    static PRINCIPALS_CHANGES: Cell<u64> = const { Cell::new(0) };
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn invalidate(_argument: pg_sys::Datum, relation: Oid) {
    OBJECTS.with_borrow_mut(|objects| {
        if let Some(known) = objects {
            if relation == Oid::INVALID || relation == known.event_types {
                EVENT_TYPES_STALE.set(true);
            }
            if relation == Oid::INVALID || relation == known.saved_queries {
                saved_queries_changed();
            }
            if relation == Oid::INVALID || relation == known.principals {
                principals_changed();
            }
            if relation == Oid::INVALID
                || relation == known.log
                || relation == known.events
                || known.inboxes.contains(&relation)
            {
                *objects = None;
            }
        }
    });
}

/// Calls `load` when the catalogue of event types has changed since it was loaded last.
pub fn event_types_when_stale(load: impl FnOnce()) {
    /// What could not be loaded is still to be loaded.
    struct Unless(bool);
    impl Drop for Unless {
        fn drop(&mut self) {
            if !self.0 {
                EVENT_TYPES_STALE.set(true);
            }
        }
    }
    // Before the look, so that a change meanwhile is not missed.
    if EVENT_TYPES_STALE.replace(false) {
        let mut loaded = Unless(false);
        load();
        loaded.0 = true;
    }
}

fn saved_queries_changed() {
    SAVED_QUERIES_CHANGES.set(SAVED_QUERIES_CHANGES.get().wrapping_add(1));
}

/// Another number whenever the saved queries may have changed.
pub fn saved_queries_changes() -> u64 {
    SAVED_QUERIES_CHANGES.get()
}

fn principals_changed() {
    PRINCIPALS_CHANGES.set(PRINCIPALS_CHANGES.get().wrapping_add(1));
}

/// A role may have got another name, by which principals are found.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn roles_changed(_argument: pg_sys::Datum, _cache: i32, _hash: u32) {
    principals_changed();
}

/// Another number whenever the principals, or the names of roles, may have changed.
pub fn principals_changes() -> u64 {
    PRINCIPALS_CHANGES.get()
}

/// Our objects; raises an error when the extension is not in this database.
pub fn objects() -> Objects {
    find().unwrap_or_else(|| {
        Fault::broken("extension pg_auditlog is not installed in this database")
            .hint("Run CREATE EXTENSION pg_auditlog as superuser.")
            .raise()
    })
}

/// Our objects, when the extension is installed in this database.
pub fn find() -> Option<Objects> {
    if let Some(objects) = OBJECTS.with_borrow(|o| *o) {
        return Some(objects);
    }
    if !REGISTERED.replace(true) {
        // SAFETY: a plain function pointer that lives as long as the process.
        unsafe {
            pg_sys::CacheRegisterRelcacheCallback(Some(invalidate), pg_sys::Datum::null());
            let roles = pg_sys::SysCacheIdentifier::AUTHOID as i32;
            pg_sys::CacheRegisterSyscacheCallback(roles, Some(roles_changed), pg_sys::Datum::null());
        }
    }
    let objects = look_up()?;
    OBJECTS.with_borrow_mut(|o| *o = Some(objects));
    EVENT_TYPES_STALE.set(true);
    saved_queries_changed();
    principals_changed();
    Some(objects)
}

fn look_up() -> Option<Objects> {
    // SAFETY: catalogue look-ups inside a transaction, with NUL-terminated names.
    unsafe {
        let data = pg_sys::get_namespace_oid(DATA_SCHEMA.as_ptr(), true);
        let public = pg_sys::get_namespace_oid(SCHEMA.as_ptr(), true);
        if data == Oid::INVALID || public == Oid::INVALID {
            return None;
        }
        let relation = |name: &str, schema: Oid| -> Option<Oid> {
            let name = CString::new(name).expect("no NUL in our names");
            let oid = pg_sys::get_relname_relid(name.as_ptr(), schema);
            (oid != Oid::INVALID).then_some(oid)
        };
        let mut inboxes = [Oid::INVALID; INBOXES];
        for (i, inbox) in inboxes.iter_mut().enumerate() {
            *inbox = relation(&format!("inbox_{i}"), data)?;
        }
        let severity = pg_sys::GetSysCacheOid(
            pg_sys::SysCacheIdentifier::TYPENAMENSP as i32,
            pg_sys::Anum_pg_type_oid as i16,
            c"severity".as_ptr().into(),
            public.into(),
            pg_sys::Datum::null(),
            pg_sys::Datum::null(),
        );
        if severity == Oid::INVALID {
            return None;
        }
        let mut severities = [Oid::INVALID; 6];
        for (oid, value) in severities.iter_mut().zip(Severity::ALL) {
            let label = CString::new(value.label()).expect("no NUL in labels");
            let datum = pg_sys::OidFunctionCall2Coll(
                pg_sys::F_ENUM_IN.into(),
                Oid::INVALID,
                label.as_ptr().into(),
                severity.into(),
            );
            *oid = Oid::from_u32(datum.value() as u32);
        }
        let owner = pg_sys::get_role_oid(c"auditlog_owner".as_ptr(), true);
        Some(Objects {
            inboxes,
            log: relation("log", data)?,
            events: relation("events", public)?,
            event_types: relation("event_types", public)?,
            saved_queries: relation("saved_queries", public)?,
            principals: relation("principal", data)?,
            tracked_table: relation("tracked_table", data)?,
            owner,
            severities,
        })
    }
}

/// Is this one of our schemas?
pub fn is_ours(schema: Oid) -> bool {
    // SAFETY: catalogue look-ups inside a transaction, with NUL-terminated names.
    unsafe {
        [DATA_SCHEMA, SCHEMA]
            .iter()
            .any(|name| pg_sys::get_namespace_oid(name.as_ptr(), true) == schema)
    }
}

/// The label of a severity as stored.
pub fn severity_label(oid: Oid) -> Option<&'static str> {
    label_of(oid, &objects().severities)
}

/// The label of a severity, by the values of the enum.
pub fn label_of(oid: Oid, severities: &[Oid; 6]) -> Option<&'static str> {
    let place = severities.iter().position(|o| *o == oid)?;
    Some(Severity::ALL[place].label())
}

/// Runs `f` with the rights of `auditlog_owner`, for our own bookkeeping on behalf of a caller
/// who may not see these tables.
pub fn as_owner<R>(f: impl FnOnce() -> R) -> R {
    let _guard = SetOwner::new(objects().owner);
    f()
}
