//! The functions of ours that a condition calls, by OID.

use pgrx::pg_sys;
use pgrx::pg_sys::Oid;
use std::cell::Cell;
use std::ffi::CStr;

/// Functions of the schema `auditlog`.
#[derive(Debug, Clone, Copy)]
pub struct Functions {
    /// `fold(text)`
    pub fold: Oid,
    /// `match_text(text, text, integer)`
    pub match_text: Oid,
    /// `match_list(text[], text, integer)`
    pub match_list: Oid,
    /// `match_json(jsonb, text, integer, integer, integer)`
    pub match_json: Oid,
    /// `match_event(auditlog.events, text, integer)`
    pub match_event: Oid,
    /// `moment(text, text)`
    pub moment: Oid,
    /// `word_filter(bigint, text)`
    pub word_filter: Oid,
    /// Row type of `auditlog.events`.
    pub events: Oid,
    /// `auditlog.severity`
    pub severity: Oid,
}

thread_local! {
    // Found through `matches`; another installation has another.
    static KNOWN: Cell<Option<(Oid, Functions)>> = const { Cell::new(None) };
}

/// The functions beside the function `matches`, whose first argument is of the type `events`.
pub fn beside(matches: Oid, events: Oid) -> Option<Functions> {
    if let Some((of, known)) = KNOWN.get()
        && of == matches
        && known.events == events
    {
        return Some(known);
    }
    let text = pg_sys::TEXTOID;
    let int = pg_sys::INT4OID;
    // SAFETY: catalogue look-ups in a transaction.
    unsafe {
        let schema = pg_sys::get_func_namespace(matches);
        let severity = pg_sys::GetSysCacheOid(
            pg_sys::SysCacheIdentifier::TYPENAMENSP as i32,
            pg_sys::Anum_pg_type_oid as i16,
            c"severity".as_ptr().into(),
            schema.into(),
            pg_sys::Datum::null(),
            pg_sys::Datum::null(),
        );
        let found = Functions {
            fold: function(schema, c"fold", &[text])?,
            match_text: function(schema, c"match_text", &[text, text, int])?,
            match_list: function(schema, c"match_list", &[pg_sys::TEXTARRAYOID, text, int])?,
            match_json: function(schema, c"match_json", &[pg_sys::JSONBOID, text, int, int, int])?,
            match_event: function(schema, c"match_event", &[events, text, int])?,
            moment: function(schema, c"moment", &[text, text])?,
            word_filter: function(schema, c"word_filter", &[pg_sys::INT8OID, text])?,
            events,
            severity,
        };
        if severity == Oid::INVALID {
            return None;
        }
        KNOWN.set(Some((matches, found)));
        Some(found)
    }
}

/// `auditlog_data.word_candidates(text)`
pub fn word_candidates() -> Option<Oid> {
    // SAFETY: catalogue look-ups in a transaction.
    unsafe {
        let schema = pg_sys::get_namespace_oid(crate::store::catalog::DATA_SCHEMA.as_ptr(), true);
        function(schema, c"word_candidates", &[pg_sys::TEXTOID])
    }
}

unsafe fn function(schema: Oid, name: &CStr, arguments: &[Oid]) -> Option<Oid> {
    // SAFETY: a NUL-terminated name; the vector is made of as many OIDs as given.
    unsafe {
        let types = pg_sys::buildoidvector(arguments.as_ptr(), arguments.len() as i32);
        let oid = pg_sys::GetSysCacheOid(
            pg_sys::SysCacheIdentifier::PROCNAMEARGSNSP as i32,
            pg_sys::Anum_pg_proc_oid as i16,
            name.as_ptr().into(),
            types.into(),
            schema.into(),
            pg_sys::Datum::null(),
        );
        (oid != Oid::INVALID).then_some(oid)
    }
}
