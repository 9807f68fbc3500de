//! The row type of the view `auditlog.events`, whose columns stand in an order made for people.

use super::columns::{INBOX, LOG, RowBuf};
use crate::compat::attribute;
use auditlog_core::columns::{COLUMNS, position};
use pgrx::pg_sys;
use pgrx::pg_sys::{Datum, Oid};
use std::cell::RefCell;
use std::ffi::CStr;
use std::rc::Rc;

/// For each column of the view, its position in an inbox row.
type Places = Rc<[Option<usize>]>;

/// Row type and number of its columns.
type RowType = (Oid, usize);

thread_local! {
    static PLACES: RefCell<Option<(RowType, Places)>> = const { RefCell::new(None) };
}

/// For each column of the view, its position in an inbox row; `None` for what the sealer sets.
///
/// # Safety
/// A live descriptor.
pub unsafe fn places(desc: pg_sys::TupleDesc) -> Places {
    // SAFETY: as the caller promises.
    unsafe {
        let key = ((*desc).tdtypeid, (*desc).natts as usize);
        PLACES.with_borrow_mut(|known| match known {
            Some((of, places)) if *of == key => places.clone(),
            _ => {
                let places: Places = (0..key.1)
                    .map(|i| {
                        place(
                            CStr::from_ptr(attribute(desc, i).attname.data.as_ptr())
                                .to_str()
                                .unwrap_or(""),
                        )
                    })
                    .collect();
                *known = Some((key, places.clone()));
                places
            }
        })
    }
}

fn place(name: &str) -> Option<usize> {
    match name {
        "salt" => Some(super::columns::SALT),
        "redacted" => Some(super::columns::REDACTED),
        "entry_hash" => Some(super::columns::ENTRY_HASH),
        name => position(name),
    }
}

/// The inbox columns of a composite value of the view's row type.
///
/// # Safety
/// `datum` is a composite value of the view's row type.
pub unsafe fn read(datum: Datum) -> RowBuf<INBOX> {
    // SAFETY: a composite datum says its own type; its tuple is valid as long as the datum.
    unsafe {
        let header: pg_sys::HeapTupleHeader = pg_sys::pg_detoast_datum(datum.cast_mut_ptr()).cast();
        let type_id = (*header).t_choice.t_datum.datum_typeid;
        let modifier = (*header).t_choice.t_datum.datum_typmod;
        let desc = pg_sys::lookup_rowtype_tupdesc_copy(type_id, modifier);
        let mut tuple = pg_sys::HeapTupleData {
            t_len: (*header).t_choice.t_datum.datum_len_ as u32 >> 2,
            t_data: header,
            ..std::mem::zeroed()
        };
        let natts = (*desc).natts as usize;
        let mut values = vec![Datum::null(); natts];
        let mut nulls = vec![true; natts];
        pg_sys::heap_deform_tuple(&mut tuple, desc, values.as_mut_ptr(), nulls.as_mut_ptr());
        let mut row = RowBuf::new();
        for (i, place) in places(desc).iter().enumerate() {
            if let (Some(place), false) = (place, nulls[i]) {
                row.set(*place, values[i]);
            }
        }
        row
    }
}

/// The view shows every column of the log.
const _: () = assert!(LOG == COLUMNS.len() + 8);
