//! The row type of the view `auditlog.events`, whose columns stand in an order made for people.

use super::columns::{INBOX, LOG, RowBuf};
use super::spi::{self, Arg};
use crate::compat::attribute;
use auditlog_core::columns::{COLUMNS, position};
use pgrx::pg_sys;
use pgrx::pg_sys::{Datum, Oid};
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::CStr;
use std::rc::Rc;

/// For each column of the view, its position in an inbox row.
type Places = Rc<[Option<usize>]>;

/// Row type and number of its columns.
type RowType = (Oid, usize);

/// Where the columns are.
pub struct Numbers {
    /// Each column by its name.
    pub by_name: HashMap<String, usize>,
    /// The columns of [`COLUMNS`] by their position there: asked for every row.
    hashed: [usize; COLUMNS.len()],
}

thread_local! {
    static PLACES: RefCell<Option<(RowType, Places)>> = const { RefCell::new(None) };
    static NUMBERS: RefCell<Option<(RowType, Rc<Numbers>)>> = const { RefCell::new(None) };
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
        let (desc, mut tuple) = taken(datum);
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
        release(desc);
        row
    }
}

/// The descriptor (to be released) and the tuple of a composite value.
unsafe fn taken(datum: Datum) -> (pg_sys::TupleDesc, pg_sys::HeapTupleData) {
    // SAFETY: the callers hand over a composite value; its tuple is valid as long as the datum.
    unsafe {
        let header: pg_sys::HeapTupleHeader = pg_sys::pg_detoast_datum(datum.cast_mut_ptr()).cast();
        let type_id = (*header).t_choice.t_datum.datum_typeid;
        let modifier = (*header).t_choice.t_datum.datum_typmod;
        let desc = pg_sys::lookup_rowtype_tupdesc(type_id, modifier);
        let tuple = pg_sys::HeapTupleData {
            t_len: (*header).t_choice.t_datum.datum_len_ as u32 >> 2,
            t_data: header,
            ..std::mem::zeroed()
        };
        (desc, tuple)
    }
}

unsafe fn release(desc: pg_sys::TupleDesc) {
    // SAFETY: a descriptor of `taken`, counted when it is the type cache's.
    unsafe {
        if (*desc).tdrefcount >= 0 {
            pg_sys::DecrTupleDescRefCount(desc);
        }
    }
}

/// Most columns that a row type of the view may have.
const MOST: usize = 64;

/// A composite value of the view's row type, taken apart.
pub struct EventRow {
    values: [Datum; MOST],
    nulls: [bool; MOST],
    places: Rc<Numbers>,
}

impl EventRow {
    /// Takes a row apart.
    ///
    /// # Safety
    /// `datum` is a composite value of the view's row type, which outlives the result.
    pub unsafe fn of(datum: Datum) -> EventRow {
        // SAFETY: as the caller promises; a composite datum says its own type.
        unsafe {
            let (desc, mut tuple) = taken(datum);
            let mut row = EventRow {
                values: [Datum::null(); MOST],
                nulls: [true; MOST],
                places: numbers(desc),
            };
            if (*desc).natts as usize <= MOST {
                pg_sys::heap_deform_tuple(&mut tuple, desc, row.values.as_mut_ptr(), row.nulls.as_mut_ptr());
            }
            release(desc);
            row
        }
    }

    /// Where the columns are, the same for all rows of a query.
    pub fn numbers(&self) -> &Rc<Numbers> {
        &self.places
    }

    /// The value at a position, when it is not NULL.
    pub fn at(&self, position: usize) -> Option<Datum> {
        self.value(position)
    }

    /// A column's value, when it is not NULL.
    pub fn get(&self, column: &str) -> Option<Datum> {
        self.value(*self.places.by_name.get(column)?)
    }

    /// The value of the column of [`COLUMNS`] with this position, when it is not NULL.
    pub fn hashed(&self, position: usize) -> Option<Datum> {
        self.value(self.places.hashed[position])
    }

    fn value(&self, at: usize) -> Option<Datum> {
        (at < MOST && !self.nulls[at]).then(|| self.values[at])
    }
}

/// Positions of the view's columns by name.
///
/// # Safety
/// A live descriptor.
pub unsafe fn numbers(desc: pg_sys::TupleDesc) -> Rc<Numbers> {
    // SAFETY: as the caller promises.
    unsafe {
        let key = ((*desc).tdtypeid, (*desc).natts as usize);
        NUMBERS.with_borrow_mut(|known| match known {
            Some((of, numbers)) if *of == key => numbers.clone(),
            _ => {
                let name = |i| CStr::from_ptr(attribute(desc, i).attname.data.as_ptr());
                let named = |i| (name(i).to_string_lossy().into_owned(), i);
                let by_name: HashMap<String, usize> = (0..key.1).map(named).collect();
                let place = |i: usize| by_name.get(COLUMNS[i].name).copied().unwrap_or(MOST);
                let numbers = Rc::new(Numbers {
                    hashed: std::array::from_fn(place),
                    by_name,
                });
                *known = Some((key, numbers.clone()));
                numbers
            }
        })
    }
}

/// The view shows every column of the log.
const _: () = assert!(LOG == COLUMNS.len() + 8 && LOG <= MOST);

/// Where an event stands in the log.
pub struct Placed {
    /// Its place; `None` while it is not sealed.
    pub log_index: Option<i64>,
    /// The hash of its entry.
    pub entry_hash: Vec<u8>,
}

/// The event with this id, the earliest where there are several, of those that the caller may see.
pub fn find(event_id: &str) -> Option<Placed> {
    let rows = spi::read(
        "SELECT log_index, entry_hash FROM auditlog.events WHERE event_id = $1 ORDER BY log_index LIMIT 1",
        &[Arg::text(Some(event_id))],
    );
    rows.first().map(|row| Placed {
        log_index: row[0].int(),
        entry_hash: row[1].bytes().unwrap_or_default().to_vec(),
    })
}
