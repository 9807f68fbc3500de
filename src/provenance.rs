//! What the database itself knows about who writes an event: set by the trigger, never by the
//! caller, and kept apart from the actor that the application claims.

use crate::infallible;
use crate::store::columns::{INBOX, RowBuf, at};
use auditlog_queue::Provenance;
use pgrx::pg_sys;
use std::cell::{Cell, OnceCell, RefCell};
use std::ffi::CStr;

thread_local! {
    static LAST_RECORDED: Cell<i64> = const { Cell::new(0) };
    static CLIENT: OnceCell<Option<Vec<u8>>> = const { OnceCell::new() };
    // Names of roles, until PostgreSQL says that a role changed.
    static NAMES: RefCell<Vec<(pg_sys::Oid, Box<[u8]>)>> = const { RefCell::new(Vec::new()) };
    // Those that were forgotten, for when the catalogues cannot be asked: at worst names of before a change.
    static OLD_NAMES: RefCell<Vec<(pg_sys::Oid, Box<[u8]>)>> = const { RefCell::new(Vec::new()) };
    static REGISTERED: Cell<bool> = const { Cell::new(false) };
}

/// More roles than one session usually records as.
const MAX_NAMES: usize = 32;

/// The clock in microseconds since the Unix epoch, strictly increasing within this process, so that
/// the events of one transaction keep their order.
pub fn recorded_at() -> i64 {
    let now = crate::shmem::unix_micros().max(LAST_RECORDED.get() + 1);
    LAST_RECORDED.set(now);
    now
}

/// The name of this process' database. Inside a transaction.
pub fn database() -> String {
    // SAFETY: a catalogue look-up; a name is a NUL-terminated string, or null when the database was dropped meanwhile.
    unsafe {
        let name = pg_sys::get_database_name(pg_sys::MyDatabaseId);
        if name.is_null() {
            return String::new();
        }
        CStr::from_ptr(name).to_string_lossy().into_owned()
    }
}

/// Fills the provenance columns of a row.
pub fn fill(row: &mut RowBuf<INBOX>) {
    // SAFETY: globals and catalogue look-ups of this process, inside a transaction.
    unsafe {
        row.set(at!("db_xid"), (pg_sys::GetTopFullTransactionId().value as i64).into());
        with_name(infallible::GetSessionUserId(), |name| {
            row.bytes(at!("db_session_user"), name)
        });
        with_name(infallible::GetUserId(), |name| row.bytes(at!("db_current_user"), name));
        match application() {
            Some(application) => row.bytes(at!("db_application"), application),
            None => row.clear(at!("db_application")),
        }
        CLIENT.with(|cell| match cell.get_or_init(client_address) {
            Some(address) => row.bytes(at!("db_client_addr"), address),
            None => row.clear(at!("db_client_addr")),
        });
    }
}

/// Fills the provenance columns with what was known of the session that did it, for a worker that records on its
/// behalf. The transaction is the worker's: a session that reads has none.
pub fn fill_from(row: &mut RowBuf<INBOX>, who: &Provenance) {
    // SAFETY: inside a transaction.
    let xid = unsafe { pg_sys::GetTopFullTransactionId().value };
    row.set(at!("db_xid"), (xid as i64).into());
    row.bytes(at!("db_session_user"), &who.session_user);
    row.bytes(at!("db_current_user"), &who.current_user);
    for (column, value) in [
        (at!("db_client_addr"), &who.client_addr),
        (at!("db_application"), &who.application),
    ] {
        match value {
            Some(value) => row.bytes(column, value),
            None => row.clear(column),
        }
    }
}

/// The same where the catalogue cannot be asked: while an error is being reported.
pub fn without_catalogue() -> Provenance {
    let setting = |name: &CStr| {
        // SAFETY: settings that always exist; the string is valid until the setting changes.
        unsafe {
            let value = pg_sys::GetConfigOption(name.as_ptr(), true, false);
            (!value.is_null()).then(|| CStr::from_ptr(value).to_bytes().to_vec())
        }
    };
    let session_user = setting(c"session_authorization").unwrap_or_default();
    let role = setting(c"role").filter(|role| !role.is_empty() && role != b"none");
    Provenance {
        current_user: role.unwrap_or_else(|| session_user.clone()),
        session_user,
        client_addr: CLIENT.with(|cell| cell.get_or_init(client_address).clone()),
        application: application().map(<[u8]>::to_vec),
    }
}

/// What the database knows of this session, for an entry that another process records: who logged in, and the role
/// in effect aside from functions that run with their owner's rights. Inside a transaction.
pub fn capture() -> Provenance {
    let name = |role| {
        let mut found = Vec::new();
        with_name(role, |name| found = name.to_vec());
        found
    };
    // SAFETY: globals of this process.
    let (session_user, current_user) = unsafe { (pg_sys::GetSessionUserId(), pg_sys::GetOuterUserId()) };
    Provenance {
        session_user: name(session_user),
        current_user: name(current_user),
        client_addr: CLIENT.with(|cell| cell.get_or_init(client_address).clone()),
        application: application().map(<[u8]>::to_vec),
    }
}

/// The same where the catalogues cannot be read: before a session has begun, and when a transaction has failed. A
/// role's name that this process has not met is its number.
pub fn known() -> Provenance {
    // SAFETY: reads a setting of this process, which says nothing before a session has begun.
    let (session_user, current_user) = unsafe { roles() };
    let login = || crate::client::user().map(String::into_bytes);
    let name = |role: pg_sys::Oid| {
        let find = |names: &Vec<(pg_sys::Oid, Box<[u8]>)>| {
            names
                .iter()
                .find(|(known, _)| *known == role)
                .map(|(_, name)| name.to_vec())
        };
        let known = NAMES.with_borrow(find).or_else(|| OLD_NAMES.with_borrow(find));
        known.unwrap_or_else(|| role.to_u32().to_string().into_bytes())
    };
    let session = match session_user {
        pg_sys::Oid::INVALID => login().unwrap_or_default(),
        role if Some(role) == authenticated() => login().unwrap_or_else(|| name(role)),
        role => name(role),
    };
    Provenance {
        current_user: if current_user == session_user {
            session.clone()
        } else {
            name(current_user)
        },
        session_user: session,
        client_addr: crate::client::address().map(|address| inet_bytes(&address)),
        application: application().map(<[u8]>::to_vec),
    }
}

/// Learns a role's name, for [`known`].
pub fn learn(role: &str) {
    let Ok(name) = std::ffi::CString::new(role) else { return };
    // SAFETY: a catalogue look-up inside a transaction, which accepts that there is no such role.
    let role = unsafe { pg_sys::get_role_oid(name.as_ptr(), true) };
    if role != pg_sys::Oid::INVALID {
        with_name(role, |_| ());
    }
}

/// Session and current role; invalid before the session has them.
unsafe fn roles() -> (pg_sys::Oid, pg_sys::Oid) {
    let (mut current, mut context) = (pg_sys::Oid::INVALID, 0);
    // SAFETY: reads variables of this process, without the assertions of the other functions.
    unsafe {
        pg_sys::GetUserIdAndSecContext(&mut current, &mut context);
        if current == pg_sys::Oid::INVALID {
            return (current, current);
        }
        (pg_sys::GetSessionUserId(), current)
    }
}

fn authenticated() -> Option<pg_sys::Oid> {
    // SAFETY: called once the session has its roles.
    crate::client::is_client().then(|| unsafe { pg_sys::GetAuthenticatedUserId() })
}

/// An address as the content of an `inet` (PostgreSQL's own numbers for the families).
fn inet_bytes(address: &std::net::IpAddr) -> Vec<u8> {
    match address {
        std::net::IpAddr::V4(v4) => [&[2, 32][..], &v4.octets()].concat(),
        std::net::IpAddr::V6(v6) => [&[3, 128][..], &v6.octets()].concat(),
    }
}

/// Name of the role that logged in.
pub fn session_user() -> String {
    // SAFETY: a global of this process.
    role_name(unsafe { pg_sys::GetSessionUserId() })
}

/// Name of a role.
pub fn role_name(role: pg_sys::Oid) -> String {
    let mut found = String::new();
    with_name(role, |name| found = String::from_utf8_lossy(name).into_owned());
    found
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn forget_names(_argument: pg_sys::Datum, _cache: i32, _hash: u32) {
    let forgotten = NAMES.take();
    if !forgotten.is_empty() {
        OLD_NAMES.set(forgotten);
    }
}

/// Calls `f` with the name of a role.
fn with_name(role: pg_sys::Oid, f: impl FnOnce(&[u8])) {
    if !REGISTERED.replace(true) {
        let cache = pg_sys::SysCacheIdentifier::AUTHOID as i32;
        // SAFETY: a plain function pointer that lives as long as the process.
        unsafe { pg_sys::CacheRegisterSyscacheCallback(cache, Some(forget_names), pg_sys::Datum::null()) }
    }
    if !NAMES.with_borrow(|names| names.iter().any(|(known, _)| *known == role)) {
        // Outside the borrow: the look-up itself may hear that a role changed.
        // SAFETY: a catalogue look-up inside a transaction; an unknown role is an error.
        let name = unsafe { CStr::from_ptr(pg_sys::GetUserNameFromId(role, false)) };
        NAMES.with_borrow_mut(|names| {
            names.truncate(MAX_NAMES - 1);
            names.push((role, name.to_bytes().into()));
        });
    }
    NAMES.with_borrow(|names| {
        let name = names.iter().find(|(known, _)| *known == role);
        f(name.map_or(b"", |(_, name)| name));
    });
}

fn application<'a>() -> Option<&'a [u8]> {
    // SAFETY: a setting's string, valid until the setting changes.
    let name = unsafe { pg_sys::application_name };
    if name.is_null() {
        return None;
    }
    // SAFETY: NUL-terminated.
    let bytes = unsafe { CStr::from_ptr(name) }.to_bytes();
    (!bytes.is_empty()).then_some(bytes)
}

/// The bytes of the session's `inet_client_addr()`; NULL for Unix sockets and background workers.
fn client_address() -> Option<Vec<u8>> {
    // SAFETY: a parameterless strict function of PostgreSQL, called as the executor would.
    unsafe {
        let mut info = std::mem::zeroed::<pg_sys::FmgrInfo>();
        pg_sys::fmgr_info(pg_sys::F_INET_CLIENT_ADDR.into(), &mut info);
        let mut call = std::mem::zeroed::<pg_sys::FunctionCallInfoBaseData>();
        call.flinfo = &mut info;
        let function = info.fn_addr?;
        let datum = function(&mut call);
        (!call.isnull).then(|| crate::store::row::bytes(datum).to_vec())
    }
}
