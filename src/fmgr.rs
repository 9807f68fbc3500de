//! PostgreSQL's call convention for our SQL functions. They are declared in `sql/schema/*.sql`, as
//! text that can be audited, not generated; this is the thin bridge to their Rust bodies.

use pgrx::pg_sys;
use pgrx::pg_sys::Datum;

/// One call of a SQL function.
pub struct Call(pg_sys::FunctionCallInfo);

impl Call {
    /// # Safety
    /// `fcinfo` is what PostgreSQL handed to the function, and stays valid during the call.
    pub unsafe fn new(fcinfo: pg_sys::FunctionCallInfo) -> Call {
        Call(fcinfo)
    }

    /// The raw call info, for PostgreSQL functions that want it.
    pub fn raw(&self) -> pg_sys::FunctionCallInfo {
        self.0
    }

    /// Argument `i`; `None` is NULL.
    pub fn arg(&self, i: usize) -> Option<Datum> {
        // SAFETY: PostgreSQL passes as many arguments as the function was declared with.
        unsafe {
            let arg = (*self.0).args.as_slice((*self.0).nargs as usize)[i];
            (!arg.isnull).then_some(arg.value)
        }
    }

    /// A text argument.
    pub fn text(&self, i: usize) -> Option<String> {
        // SAFETY: declared as text.
        self.arg(i).map(|d| unsafe { crate::store::row::text(d) })
    }

    /// A text argument where it lies; what is no UTF-8 is no text.
    pub fn str(&self, i: usize) -> Option<&str> {
        // SAFETY: declared as text.
        self.arg(i).and_then(|d| unsafe { crate::store::row::str(d) })
    }

    /// A bigint or timestamptz argument.
    pub fn int(&self, i: usize) -> Option<i64> {
        self.arg(i).map(|d| d.value() as i64)
    }

    /// The bytes of a `jsonb` argument.
    pub fn jsonb(&self, i: usize) -> Option<&[u8]> {
        // SAFETY: declared as jsonb.
        self.arg(i).map(|d| unsafe { crate::store::row::bytes(d) })
    }

    /// The bytes of a `bytea` argument.
    pub fn bytea(&self, i: usize) -> Option<&[u8]> {
        // SAFETY: declared as bytea.
        self.arg(i).map(|d| unsafe { crate::store::row::bytes(d) })
    }

    /// A `text[]` argument; the inner `None` is an array that is nested or has a NULL in it.
    pub fn texts(&self, i: usize) -> Option<Option<Vec<String>>> {
        self.arg(i).map(|datum| {
            // SAFETY: declared as text[].
            let items = crate::store::row::array_items(unsafe { crate::store::row::bytes(datum) })?;
            Some(
                items
                    .iter()
                    .map(|item| String::from_utf8_lossy(item).into_owned())
                    .collect(),
            )
        })
    }

    /// A `bytea[]` argument; the inner `None` is an array that is nested or has a NULL in it.
    pub fn byteas(&self, i: usize) -> Option<Option<Vec<&[u8]>>> {
        self.arg(i)
            // SAFETY: declared as bytea[].
            .map(|datum| crate::store::row::array_items(unsafe { crate::store::row::bytes(datum) }))
    }

    /// Returns NULL.
    pub fn null(&self) -> Datum {
        // SAFETY: valid during the call.
        unsafe { (*self.0).isnull = true };
        Datum::null()
    }

    /// The trigger that fired; an error when called by hand.
    pub fn trigger(&self) -> &pg_sys::TriggerData {
        // SAFETY: the node's tag says what it is.
        unsafe {
            let context = (*self.0).context;
            if context.is_null() || (*context).type_ != pg_sys::NodeTag::T_TriggerData {
                not_a_trigger();
            }
            &*context.cast()
        }
    }

    /// The event trigger that fired; an error when called by hand.
    pub fn event_trigger(&self) -> &pg_sys::EventTriggerData {
        // SAFETY: the node's tag says what it is.
        unsafe {
            let context = (*self.0).context;
            if context.is_null() || (*context).type_ != pg_sys::NodeTag::T_EventTriggerData {
                not_a_trigger();
            }
            &*context.cast()
        }
    }
}

fn not_a_trigger() -> ! {
    crate::error::Fault::new(
        pgrx::PgSqlErrorCode::ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED,
        "this function is a trigger of pg_auditlog and cannot be called",
    )
    .raise()
}

/// A result set that is filled row by row.
pub struct Rows {
    store: *mut pg_sys::Tuplestorestate,
    desc: pg_sys::TupleDesc,
}

impl Rows {
    /// Prepares the call's result set.
    pub fn new(call: &Call) -> Rows {
        // SAFETY: PostgreSQL checks that the call accepts a set and raises an error otherwise.
        unsafe {
            pg_sys::InitMaterializedSRF(call.raw(), 0);
            let info: *mut pg_sys::ReturnSetInfo = (*call.raw()).resultinfo.cast();
            Rows {
                store: (*info).setResult,
                desc: (*info).setDesc,
            }
        }
    }

    /// Adds a row; `None` is NULL.
    pub fn push(&mut self, row: &[Option<Datum>]) {
        let mut values: Vec<Datum> = row.iter().map(|d| d.unwrap_or(Datum::null())).collect();
        let mut nulls: Vec<bool> = row.iter().map(Option::is_none).collect();
        // SAFETY: as many values as the declared columns.
        unsafe { pg_sys::tuplestore_putvalues(self.store, self.desc, values.as_mut_ptr(), nulls.as_mut_ptr()) }
    }
}

/// Exports `$body: fn(&Call) -> Datum` as the C function `$name`.
#[macro_export]
macro_rules! sql_function {
    ($name:ident, $info:ident, $body:path) => {
        #[doc(hidden)]
        #[unsafe(no_mangle)]
        pub extern "C" fn $info() -> *const pgrx::pg_sys::Pg_finfo_record {
            static V1: pgrx::pg_sys::Pg_finfo_record = pgrx::pg_sys::Pg_finfo_record { api_version: 1 };
            &V1
        }
        #[doc(hidden)]
        #[unsafe(no_mangle)]
        #[pgrx::pg_guard]
        pub unsafe extern "C-unwind" fn $name(fcinfo: pgrx::pg_sys::FunctionCallInfo) -> pgrx::pg_sys::Datum {
            // SAFETY: PostgreSQL calls this with a valid call info.
            let call = unsafe { $crate::fmgr::Call::new(fcinfo) };
            $body(&call)
        }
    };
}
