//! What follows `AUDIT: `.

use crate::{ParseError, csv};

/// A text that pgaudit may leave out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Text {
    /// It is here.
    Given(String),
    /// `<none>`
    None,
    /// `<not logged>`: switched off.
    NotLogged,
    /// `<previously logged>`: an earlier entry of the same statement has it.
    PreviouslyLogged,
}

impl Text {
    fn read(field: String) -> Text {
        match field.as_str() {
            "<none>" => Text::None,
            "<not logged>" => Text::NotLogged,
            "<previously logged>" => Text::PreviouslyLogged,
            _ => Text::Given(field),
        }
    }
}

/// An entry of pgaudit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// `OBJECT` entries are of relations that `pgaudit.role` was granted, `SESSION` entries of statement classes.
    pub object_audit: bool,
    /// Number of the statement within its session.
    pub statement_id: u64,
    /// Number of the entry within its statement.
    pub substatement_id: u64,
    /// READ, WRITE, FUNCTION, ROLE, DDL, MISC …
    pub class: String,
    /// The command's tag, like `ALTER TABLE`.
    pub command: String,
    /// The object's type, when there is one.
    pub object_type: Option<String>,
    /// Its qualified name.
    pub object_name: Option<String>,
    /// The statement's text.
    pub statement: Text,
    /// Its parameters, as CSV.
    pub parameter: Text,
    /// Rows read or written (`pgaudit.log_rows`).
    pub rows: Option<u64>,
}

/// Reads an entry.
pub fn parse(text: &str) -> Result<Entry, ParseError> {
    let fields = csv::fields(text)?;
    let count = fields.len();
    if !(9..=10).contains(&count) {
        return Err(ParseError::Fields(count));
    }
    let mut fields = fields.into_iter();
    let mut next = || fields.next().unwrap_or_default();
    let object_audit = match next().as_str() {
        "SESSION" => false,
        "OBJECT" => true,
        _ => return Err(ParseError::Kind),
    };
    let number = |field: String, name| field.parse().map_err(|_| ParseError::Number(name));
    let name = |field: String| Some(field).filter(|f| !f.is_empty());
    Ok(Entry {
        object_audit,
        statement_id: number(next(), "STATEMENT_ID")?,
        substatement_id: number(next(), "SUBSTATEMENT_ID")?,
        class: next(),
        command: next(),
        object_type: name(next()),
        object_name: name(next()),
        statement: Text::read(next()),
        parameter: Text::read(next()),
        rows: if count == 10 {
            Some(number(next(), "ROWS")?)
        } else {
            None
        },
    })
}
