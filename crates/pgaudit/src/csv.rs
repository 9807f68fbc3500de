//! CSV as PostgreSQL and pgaudit write it: fields with commas, quotes or line breaks are quoted, quotes doubled.

use crate::ParseError;

/// The fields of one record.
pub fn fields(record: &str) -> Result<Vec<String>, ParseError> {
    let (mut all, mut rest) = (Vec::new(), record);
    loop {
        let (field, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_field(quoted)?,
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                (rest[..end].to_owned(), &rest[end..])
            }
        };
        all.push(field);
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None if after.is_empty() => return Ok(all),
            None => return Err(ParseError::AfterQuote),
        }
    }
}

fn quoted_field(mut rest: &str) -> Result<(String, &str), ParseError> {
    let mut field = String::new();
    loop {
        let quote = rest.find('"').ok_or(ParseError::OpenQuote)?;
        field.push_str(&rest[..quote]);
        rest = &rest[quote + 1..];
        match rest.strip_prefix('"') {
            Some(after) => {
                field.push('"');
                rest = after;
            }
            None => return Ok((field, rest)),
        }
    }
}
