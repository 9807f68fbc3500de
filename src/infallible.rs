//! PostgreSQL's functions that cannot raise an error, without the guard that pgrx puts around every call: every statement
//! of the server, or every captured row, asks for what they tell, and the guard would cost more than they do.
#![allow(missing_docs)] // PostgreSQL's names and signatures

use pgrx::pg_sys;

unsafe extern "C-unwind" {
    pub fn GetCurrentTimestamp() -> pg_sys::TimestampTz;
    pub fn GetCurrentTransactionNestLevel() -> i32;
    pub fn GetOuterUserId() -> pg_sys::Oid;
    pub fn GetSessionUserId() -> pg_sys::Oid;
    pub fn GetUserId() -> pg_sys::Oid;
    pub fn heap_deform_tuple(
        tuple: pg_sys::HeapTuple,
        descriptor: pg_sys::TupleDesc,
        values: *mut pg_sys::Datum,
        nulls: *mut bool,
    );
    pub fn pg_get_timezone_name(zone: *mut pg_sys::pg_tz) -> *const std::ffi::c_char;
}
