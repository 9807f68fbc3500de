//! SQL from Rust: text is constant, values are bound, and the caller says whether the statement's
//! own snapshot or a fresh one is meant (style.md §0.1: a read-only SPI call reuses the snapshot of
//! the statement, which must never decide about the head of the chain). Names are looked up in
//! `pg_catalog` only, whatever the session's `search_path`: much of this runs with more rights than
//! the caller has, and `pg_temp`, where everybody may create, otherwise comes first.

use crate::error::Fault;
use pgrx::pg_sys;
use pgrx::pg_sys::{Datum, Oid};
use std::ffi::CString;

/// Makes this process act as a role until dropped; PostgreSQL itself restores it on an error.
pub struct SetOwner {
    user: Oid,
    context: i32,
}

impl SetOwner {
    /// Switches to `owner`.
    pub fn new(owner: Oid) -> SetOwner {
        let (mut user, mut context) = (Oid::INVALID, 0);
        let restricted = pg_sys::SECURITY_LOCAL_USERID_CHANGE | pg_sys::SECURITY_RESTRICTED_OPERATION;
        // SAFETY: reads and sets globals of this process; restricted so that nobody's SET ROLE can leave it.
        unsafe {
            pg_sys::GetUserIdAndSecContext(&mut user, &mut context);
            pg_sys::SetUserIdAndSecContext(owner, context | restricted as i32);
        }
        SetOwner { user, context }
    }
}

impl Drop for SetOwner {
    fn drop(&mut self) {
        // While an error unwinds, PostgreSQL restores it at abort.
        if !std::thread::panicking() {
            // SAFETY: restores what `new` found.
            unsafe { pg_sys::SetUserIdAndSecContext(self.user, self.context) }
        }
    }
}

/// A bound argument.
#[derive(Clone, Copy)]
pub struct Arg {
    type_oid: Oid,
    value: Option<Datum>,
}

impl Arg {
    /// A `bigint`.
    pub fn int(value: i64) -> Arg {
        Arg {
            type_oid: pg_sys::INT8OID,
            value: Some(value.into()),
        }
    }
    /// A `bigint`; `None` is NULL.
    pub fn int_or_null(value: Option<i64>) -> Arg {
        Arg {
            type_oid: pg_sys::INT8OID,
            value: value.map(Datum::from),
        }
    }
    /// A `boolean`.
    pub fn truth(value: bool) -> Arg {
        Arg {
            type_oid: pg_sys::BOOLOID,
            value: Some(value.into()),
        }
    }
    /// A `text`; `None` is NULL.
    pub fn text(value: Option<&str>) -> Arg {
        Arg {
            type_oid: pg_sys::TEXTOID,
            value: value.map(|v| super::columns::text(v.as_bytes())),
        }
    }
    /// A `bytea`.
    pub fn bytea(value: &[u8]) -> Arg {
        Arg {
            type_oid: pg_sys::BYTEAOID,
            value: Some(super::columns::text(value)),
        }
    }
    /// A `bytea`; `None` is NULL.
    pub fn bytea_or_null(value: Option<&[u8]>) -> Arg {
        Arg {
            type_oid: pg_sys::BYTEAOID,
            value: value.map(super::columns::text),
        }
    }
    /// A `bigint[]`.
    pub fn ints(values: &[i64]) -> Arg {
        Arg {
            type_oid: pg_sys::INT8ARRAYOID,
            value: Some(super::columns::bigint_list(values)),
        }
    }
    /// A `text[]`; `None` is NULL.
    pub fn texts(values: Option<&[String]>) -> Arg {
        Arg {
            type_oid: pg_sys::TEXTARRAYOID,
            value: values.map(|v| super::columns::text_list(v.iter().map(String::as_str))),
        }
    }
    /// A `jsonb`.
    pub fn jsonb(value: &auditlog_core::json::Json) -> Arg {
        Arg {
            type_oid: pg_sys::JSONBOID,
            value: Some(super::columns::jsonb(value)),
        }
    }
    /// A `timestamptz` in microseconds since the Unix epoch; `None` is NULL.
    pub fn time_or_null(us: Option<i64>) -> Arg {
        Arg {
            type_oid: pg_sys::TIMESTAMPTZOID,
            value: us.map(|us| (us - super::POSTGRES_EPOCH).into()),
        }
    }
    /// A `timestamptz` in microseconds since the Unix epoch.
    pub fn time(us: i64) -> Arg {
        Arg {
            type_oid: pg_sys::TIMESTAMPTZOID,
            value: Some((us - super::POSTGRES_EPOCH).into()),
        }
    }
}

/// One column of a result row.
pub enum Cell {
    /// SQL NULL.
    Null,
    /// Integers, oids, timestamps (PostgreSQL's microseconds), booleans.
    Int(i64),
    /// Text and bytea.
    Bytes(Vec<u8>),
}

impl Cell {
    /// The number, when there is one.
    pub fn int(&self) -> Option<i64> {
        match self {
            Cell::Int(i) => Some(*i),
            _ => None,
        }
    }
    /// The text, when there is one.
    pub fn text(&self) -> Option<String> {
        match self {
            Cell::Bytes(b) => Some(String::from_utf8_lossy(b).into_owned()),
            _ => None,
        }
    }
    /// The items of a `text[]`, when there is one.
    pub fn texts(&self) -> Option<Vec<String>> {
        let items = super::row::array_items(self.bytes()?)?;
        Some(items.iter().map(|i| String::from_utf8_lossy(i).into_owned()).collect())
    }
    /// The bytes, when there are some.
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Cell::Bytes(b) => Some(b),
            _ => None,
        }
    }
}

/// A name as SQL has it between quotes.
pub fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text as SQL has it between quotes, as `quote_literal` writes it: right whatever `standard_conforming_strings` says.
pub fn literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    match text.contains('\\') {
        true => format!(" E'{}'", quoted.replace('\\', "\\\\")),
        false => format!("'{quoted}'"),
    }
}

/// Runs a statement with a fresh snapshot and returns its rows.
pub fn run(sql: &str, args: &[Arg]) -> Vec<Vec<Cell>> {
    execute(sql, args, false)
}

/// Runs a query under the active snapshot, without advancing the command counter.
pub fn read(sql: &str, args: &[Arg]) -> Vec<Vec<Cell>> {
    execute(sql, args, true)
}

/// Runs a query under the newest snapshot whatever the transaction's isolation level; sees what
/// other transactions have committed by now.
pub fn read_latest(sql: &str, args: &[Arg]) -> Vec<Vec<Cell>> {
    // SAFETY: pushed and popped around the query; an error in between ends the transaction's stack.
    unsafe {
        pg_sys::PushActiveSnapshot(pg_sys::GetLatestSnapshot());
        let rows = execute(sql, args, true);
        pg_sys::PopActiveSnapshot();
        rows
    }
}

/// Runs a query under the active snapshot and hands each of its rows to `each` as datums, which live no
/// longer than the call.
pub fn read_rows<const N: usize>(sql: &str, args: &[Arg], mut each: impl FnMut(&[Datum; N], &[bool; N])) {
    execute_and(sql, args, true, || {
        // SAFETY: between SPI_execute and SPI_finish, so the tuple table is live.
        unsafe {
            let table = pg_sys::SPI_tuptable;
            assert_eq!((*(*table).tupdesc).natts as usize, N, "columns of the query");
            for row in 0..pg_sys::SPI_processed as usize {
                let (mut values, mut nulls) = ([Datum::null(); N], [false; N]);
                let tuple = *(*table).vals.add(row);
                pg_sys::heap_deform_tuple(tuple, (*table).tupdesc, values.as_mut_ptr(), nulls.as_mut_ptr());
                each(&values, &nulls);
            }
        }
    });
}

/// As [`read_rows`], under the newest snapshot: whatever the caller has heard of is there.
pub fn read_latest_rows<const N: usize>(sql: &str, args: &[Arg], each: impl FnMut(&[Datum; N], &[bool; N])) {
    // SAFETY: pushed and popped around the query; an error in between ends the transaction's stack.
    unsafe {
        pg_sys::PushActiveSnapshot(pg_sys::GetLatestSnapshot());
        read_rows(sql, args, each);
        pg_sys::PopActiveSnapshot();
    }
}

/// As [`stream_rows_while`], under the newest snapshot.
pub fn stream_latest_rows_while<const N: usize>(
    sql: &str,
    args: &[Arg],
    fetch: i64,
    each: impl FnMut(&[Datum; N], &[bool; N]) -> bool,
) {
    // SAFETY: pushed and popped around the query; an error in between ends the transaction's stack.
    unsafe {
        pg_sys::PushActiveSnapshot(pg_sys::GetLatestSnapshot());
        stream_rows_while(sql, args, fetch, each);
        pg_sys::PopActiveSnapshot();
    }
}

/// Rows that a cursor fetches at a time.
const FETCH: i64 = 1_000;

/// Hands each row of a query to `each` as datums, which live no longer than the call, under one snapshot and in memory that
/// does not grow with their number. What `each` allocates in the current memory context goes with the rows of its fetch.
pub fn stream_rows<const N: usize>(sql: &str, args: &[Arg], mut each: impl FnMut(&[Datum; N], &[bool; N])) {
    stream_rows_while(sql, args, FETCH, |values, nulls| {
        each(values, nulls);
        true
    });
}

/// As [`stream_rows`], `fetch` rows at a time, until `each` returns false; returns whether there were no further rows.
pub fn stream_rows_while<const N: usize>(
    sql: &str,
    args: &[Arg],
    fetch: i64,
    mut each: impl FnMut(&[Datum; N], &[bool; N]) -> bool,
) -> bool {
    let text = CString::new(sql).expect("no NUL in our statements");
    let mut types: Vec<Oid> = args.iter().map(|a| a.type_oid).collect();
    let mut values: Vec<Datum> = args.iter().map(|a| a.value.unwrap_or(Datum::null())).collect();
    let nulls: Vec<std::ffi::c_char> = args
        .iter()
        .map(|a| if a.value.is_some() { b' ' } else { b'n' } as std::ffi::c_char)
        .collect();
    // SAFETY: connected and finished around the call; arrays have one element per argument; each fetch's rows and whatever was
    // made of them are freed together.
    unsafe {
        let outer = pg_sys::CurrentMemoryContext;
        let memory =
            pg_sys::AllocSetContextCreateInternal(outer, c"pg_auditlog rows".as_ptr(), 0, 8 * 1024, 8 * 1024 * 1024);
        pg_sys::SPI_connect();
        let portal = pg_sys::SPI_cursor_open_with_args(
            std::ptr::null(),
            text.as_ptr(),
            args.len() as i32,
            types.as_mut_ptr(),
            values.as_mut_ptr(),
            nulls.as_ptr(),
            true,
            0,
        );
        let mut goes_on = true;
        while goes_on {
            pg_sys::SPI_cursor_fetch(portal, true, fetch as _);
            let (table, fetched) = (pg_sys::SPI_tuptable, pg_sys::SPI_processed as usize);
            if fetched == 0 {
                pg_sys::SPI_freetuptable(table);
                break;
            }
            assert_eq!((*(*table).tupdesc).natts as usize, N, "columns of the query");
            pg_sys::CurrentMemoryContext = memory;
            for row in 0..fetched {
                let (mut values, mut nulls) = ([Datum::null(); N], [false; N]);
                let tuple = *(*table).vals.add(row);
                pg_sys::heap_deform_tuple(tuple, (*table).tupdesc, values.as_mut_ptr(), nulls.as_mut_ptr());
                goes_on = each(&values, &nulls);
                if !goes_on {
                    break;
                }
            }
            pg_sys::MemoryContextReset(memory);
            pg_sys::SPI_freetuptable(table);
            pgrx::check_for_interrupts!();
        }
        pg_sys::SPI_cursor_close(portal);
        pg_sys::SPI_finish();
        pg_sys::CurrentMemoryContext = outer;
        pg_sys::MemoryContextDelete(memory);
        goes_on
    }
}

fn execute(sql: &str, args: &[Arg], read_only: bool) -> Vec<Vec<Cell>> {
    // SAFETY: called between SPI_execute and SPI_finish.
    execute_and(sql, args, read_only, || unsafe { collect() })
}

fn execute_and<R>(sql: &str, args: &[Arg], read_only: bool, take: impl FnOnce() -> R) -> R {
    let text = CString::new(sql).expect("no NUL in our statements");
    let mut types: Vec<Oid> = args.iter().map(|a| a.type_oid).collect();
    let mut values: Vec<Datum> = args.iter().map(|a| a.value.unwrap_or(Datum::null())).collect();
    let nulls: Vec<std::ffi::c_char> = args
        .iter()
        .map(|a| if a.value.is_some() { b' ' } else { b'n' } as std::ffi::c_char)
        .collect();
    // SAFETY: connected and finished around the call; arrays have one element per argument.
    unsafe {
        let settings = pg_sys::NewGUCNestLevel();
        crate::guc::set_for_level(c"search_path", c"pg_catalog, pg_temp");
        // Whoever has switched it off asks for an error where policies would hide rows; of the owner, who
        // does our own bookkeeping, they hide none.
        if !pg_sys::row_security && super::catalog::find().is_some_and(|ours| ours.owner == pg_sys::GetUserId()) {
            crate::guc::set_for_level(c"row_security", c"on");
        }
        pg_sys::SPI_connect();
        let code = pg_sys::SPI_execute_with_args(
            text.as_ptr(),
            args.len() as i32,
            types.as_mut_ptr(),
            values.as_mut_ptr(),
            nulls.as_ptr(),
            read_only,
            0,
        );
        if code < 0 {
            Fault::broken(format!("internal statement failed with SPI code {code}"))
                .detail(sql.to_owned())
                .raise();
        }
        let rows = take();
        pg_sys::SPI_finish();
        pg_sys::AtEOXact_GUC(false, settings);
        rows
    }
}

/// Copies the rows of the last statement out of SPI's memory.
unsafe fn collect() -> Vec<Vec<Cell>> {
    // SAFETY: between SPI_execute and SPI_finish, so the tuple table is live.
    unsafe {
        let table = pg_sys::SPI_tuptable;
        if table.is_null() {
            return Vec::new();
        }
        let desc = (*table).tupdesc;
        let columns = (*desc).natts as usize;
        (0..pg_sys::SPI_processed as usize)
            .map(|r| {
                let tuple = *(*table).vals.add(r);
                (0..columns)
                    .map(|c| {
                        let mut null = false;
                        let datum = pg_sys::SPI_getbinval(tuple, desc, c as i32 + 1, &mut null);
                        let attribute = crate::compat::attribute(desc, c);
                        match (null, attribute.attbyval, attribute.attlen) {
                            (true, ..) => Cell::Null,
                            (_, true, 8) => Cell::Int(datum.value() as i64),
                            (_, true, 1) => Cell::Int(datum.value() as u8 as i64),
                            (_, true, 2) => Cell::Int(i64::from(datum.value() as i16)),
                            (_, true, _) => Cell::Int(i64::from(datum.value() as u32)),
                            (_, false, -1) => Cell::Bytes(super::row::bytes(datum).to_vec()),
                            (_, false, len) => {
                                let raw = std::slice::from_raw_parts(datum.cast_mut_ptr::<u8>(), len.max(0) as usize);
                                let end = raw.iter().position(|b| *b == 0).unwrap_or(raw.len());
                                Cell::Bytes(raw[..end].to_vec())
                            }
                        }
                    })
                    .collect()
            })
            .collect()
    }
}
