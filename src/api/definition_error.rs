//! What is wrong with the text of an alert or of a retention policy, as an error of SQL.

use crate::error::Fault;
use auditlog_policy::alert::definition::DefinitionError;
use pgrx::PgSqlErrorCode as Code;

/// Raises it, with the place in the text.
pub(super) fn raise(error: &DefinitionError) -> ! {
    Fault::new(Code::ERRCODE_INVALID_PARAMETER_VALUE, error.message.clone())
        .detail(format!(
            "At line {}, column {} of the definition.",
            error.line, error.column
        ))
        .hint(error.hint.clone())
        .raise()
}
