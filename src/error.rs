//! The one place where a PostgreSQL error is built: SQLSTATE, lower-case message, DETAIL, HINT.

use auditlog_core::encode::EncodeError;
use pgrx::prelude::*;

/// An error or notice on its way to the client.
#[derive(Debug)]
pub struct Fault {
    code: PgSqlErrorCode,
    message: String,
    detail: Option<String>,
    hint: Option<String>,
}

impl Fault {
    /// A fault with a message in PostgreSQL's style: lower case, no full stop.
    pub fn new(code: PgSqlErrorCode, message: impl Into<String>) -> Fault {
        Fault {
            code,
            message: message.into(),
            detail: None,
            hint: None,
        }
    }

    /// Adds the DETAIL: a sentence about what was found.
    pub fn detail(mut self, detail: impl Into<String>) -> Fault {
        self.detail = Some(detail.into()).filter(|d| !d.is_empty());
        self
    }

    /// Adds the HINT: a sentence about what to do.
    pub fn hint(mut self, hint: impl Into<String>) -> Fault {
        self.hint = Some(hint.into()).filter(|h| !h.is_empty());
        self
    }

    /// Says where in a batch it happened, for functions that take many events at once.
    pub fn at(mut self, place: &str) -> Fault {
        let detail = self.detail.take().unwrap_or_default();
        self.detail = Some(if detail.is_empty() {
            format!("At {place}.")
        } else {
            format!("At {place}: {detail}")
        });
        self
    }

    /// Raises it as an ERROR.
    pub fn raise(self) -> ! {
        self.report(PgLogLevel::ERROR);
        unreachable!("an ERROR does not return")
    }

    /// Reports it at another level.
    pub fn report(self, level: PgLogLevel) {
        let mut report = pgrx::pg_sys::panic::ErrorReport::new(self.code, self.message, "pg_auditlog");
        if let Some(detail) = self.detail {
            report = report.set_detail(detail);
        }
        if let Some(hint) = self.hint {
            report = report.set_hint(hint);
        }
        report.report(level);
    }

    /// A refused change of the log (42501).
    pub fn refused(message: impl Into<String>) -> Fault {
        Fault::new(PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE, message)
    }

    /// An object of ours that should be there is not (XX000 would hide what to do).
    pub fn broken(message: impl Into<String>) -> Fault {
        Fault::new(PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, message)
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)?;
        self.detail.as_ref().map_or(Ok(()), |detail| write!(f, ": {detail}"))
    }
}

impl From<auditlog_core::document::DocumentError> for Fault {
    fn from(e: auditlog_core::document::DocumentError) -> Fault {
        use auditlog_core::document::ErrorKind as K;
        let code = match e.kind {
            K::Missing => PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
            K::WrongType | K::BadValue => PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            K::TooDeep => PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
            K::TooLate => PgSqlErrorCode::ERRCODE_DATETIME_FIELD_OVERFLOW,
            K::NulCharacter => PgSqlErrorCode::ERRCODE_UNTRANSLATABLE_CHARACTER,
        };
        let detail = if e.detail.contains(&e.path) {
            e.detail
        } else {
            format!("{}: {}", e.path, e.detail)
        };
        Fault::new(code, e.message).detail(detail).hint(e.hint)
    }
}

impl From<EncodeError> for Fault {
    fn from(e: EncodeError) -> Fault {
        let code = match e {
            EncodeError::NoSalt(_) => PgSqlErrorCode::ERRCODE_DATA_CORRUPTED,
            EncodeError::TooLong(_) => PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
        };
        Fault::new(code, e.to_string())
    }
}
