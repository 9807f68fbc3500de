//! `filter_query(jsonb)`: structured filters as a query.

use super::query::limits;
use crate::error::Fault;
use crate::fmgr::Call;
use crate::store::columns::text;
use crate::store::jsonb;
use auditlog_query::ErrorKind;
use auditlog_query::filters::compile;
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys::Datum;

crate::sql_function!(auditlog_filter_query, pg_finfo_auditlog_filter_query, filter_query);

/// No filter has more levels than a list in an object; what is far beyond is not even read.
const DEPTH: usize = 16;

fn filter_query(call: &Call) -> Datum {
    let Some(filters) = call.jsonb(0) else {
        return call.null();
    };
    if jsonb::is_deeper(filters, DEPTH) {
        Fault::new(Code::ERRCODE_INVALID_PARAMETER_VALUE, "filters are nested too deeply")
            .detail("At $.")
            .hint("A filter is a text, a number or a list of them.")
            .raise();
    }
    let Ok(filters) = jsonb::tree(filters) else {
        Fault::new(Code::ERRCODE_DATA_CORRUPTED, "the filters' jsonb cannot be read").raise()
    };
    match compile(&filters, &limits()) {
        Ok(query) => text(query.source.as_bytes()),
        Err(error) => {
            let code = match error.kind {
                ErrorKind::Limit => Code::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
                ErrorKind::Syntax | ErrorKind::BadValue => Code::ERRCODE_INVALID_PARAMETER_VALUE,
            };
            Fault::new(code, error.message)
                .detail(format!("At {}.", error.path))
                .hint(error.hint)
                .raise()
        }
    }
}
