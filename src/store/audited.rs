//! Which relations hold events, so that reading one of them is a read of the audit log. Asked for every
//! relation of every statement of the server, so answers are kept until PostgreSQL says that something changed.

use super::catalog::{self, DATA_SCHEMA, SCHEMA};
use pgrx::pg_sys;
use pgrx::pg_sys::Oid;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::CStr;
use std::rc::Rc;

/// Relations that one session usually touches.
const MAX_KNOWN: usize = 10_000;
/// Oids below are PostgreSQL's own objects (`FirstNormalObjectId`).
const FIRST_NORMAL_OID: u32 = 16_384;

thread_local! {
    static KNOWN: RefCell<HashMap<Oid, Option<Rc<str>>>> = RefCell::new(HashMap::new());
    static REGISTERED: Cell<bool> = const { Cell::new(false) };
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn relation_changed(_argument: pg_sys::Datum, relation: Oid) {
    KNOWN.with_borrow_mut(|known| {
        if relation == Oid::INVALID {
            known.clear();
        } else {
            known.remove(&relation);
        }
    });
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn schema_changed(_argument: pg_sys::Datum, _cache: i32, _hash: u32) {
    KNOWN.with_borrow_mut(HashMap::clear);
}

/// The relation's name with its schema when it holds events or words of them. Inside a transaction.
pub fn name(relation: Oid) -> Option<Rc<str>> {
    if relation.to_u32() < FIRST_NORMAL_OID {
        return None;
    }
    if let Some(known) = KNOWN.with_borrow(|known| known.get(&relation).cloned()) {
        return known;
    }
    if !REGISTERED.replace(true) {
        // SAFETY: plain functions that live as long as the process.
        unsafe {
            let cache = pg_sys::SysCacheIdentifier::NAMESPACEOID as i32;
            pg_sys::CacheRegisterRelcacheCallback(Some(relation_changed), pg_sys::Datum::null());
            pg_sys::CacheRegisterSyscacheCallback(cache, Some(schema_changed), pg_sys::Datum::null());
        }
    }
    let found = look_up(relation);
    KNOWN.with_borrow_mut(|known| {
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        known.insert(relation, found.clone());
    });
    found
}

fn look_up(relation: Oid) -> Option<Rc<str>> {
    // SAFETY: catalogue look-ups inside a transaction; names are NUL-terminated.
    unsafe {
        let schema = pg_sys::get_rel_namespace(relation);
        let private = schema == pg_sys::get_namespace_oid(DATA_SCHEMA.as_ptr(), true);
        if schema == Oid::INVALID || !private && schema != pg_sys::get_namespace_oid(SCHEMA.as_ptr(), true) {
            return None;
        }
        let name = pg_sys::get_rel_name(relation);
        if name.is_null() {
            return None;
        }
        let name = CStr::from_ptr(name).to_string_lossy();
        let holds_events = if private {
            ["log", "inbox", "word_", "restored"]
                .iter()
                .any(|prefix| name.starts_with(prefix))
        } else {
            name == "events"
        };
        let schema = if private { DATA_SCHEMA } else { SCHEMA };
        holds_events.then(|| format!("{}.{name}", schema.to_string_lossy()).into())
    }
}

/// Does the audit log itself look something up, with its owner's rights? `SET ROLE` is not enough for that: only a
/// function of the owner's, or our own code, changes the role in this way.
pub fn is_internal() -> bool {
    let (mut user, mut context) = (Oid::INVALID, 0);
    // SAFETY: reads globals of this process.
    unsafe { pg_sys::GetUserIdAndSecContext(&mut user, &mut context) };
    context & pg_sys::SECURITY_LOCAL_USERID_CHANGE as i32 != 0
        && catalog::find().is_some_and(|objects| objects.owner == user)
}
