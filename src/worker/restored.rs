//! A record of the archive as a row of the log, in JSON that PostgreSQL makes the row of.

use auditlog_bundle::Record;
use auditlog_bundle::show::write_json;
use auditlog_core::columns::{COLUMNS, Kind};
use auditlog_core::decode::{decode_json, text_items};
use auditlog_core::document::{format_inet, format_timestamp};
use auditlog_core::encode::{Value, Values};
use auditlog_core::erase::hex;
use auditlog_core::event::Inet;
use auditlog_core::json::Json;
use std::net::IpAddr;

/// The row as the text of a JSON object.
///
/// # Errors
/// When a value is none that a row can have.
pub fn row(record: &Record<'_>, values: &Values<'_>, class: &str) -> Result<String, String> {
    let bytes = |bytes: &[u8]| Json::String(format!("\\x{}", hex(bytes)));
    let mut pairs: Vec<(String, Json)> = Vec::with_capacity(COLUMNS.len() + 8);
    for (column, value) in COLUMNS.iter().zip(values) {
        pairs.push((
            column.name.to_owned(),
            json(column.kind, value).map_err(|why| format!("{}: {why}", column.name))?,
        ));
    }
    let redacted = match record.redacted {
        Some(text) => {
            let text = decode_json(text).map_err(|error| format!("redacted: {error}"))?;
            Some(text)
        }
        None => None,
    };
    let more = [
        ("salt", record.salt.map_or(Json::Null, bytes)),
        ("redacted", redacted.unwrap_or(Json::Null)),
        ("entry_hash", bytes(&record.entry_hash)),
        ("sealed_at", Json::String(format_timestamp(record.sealed_at))),
        ("retention_class", Json::String(class.to_owned())),
        ("log_index", Json::Number(record.log_index.to_string())),
        ("prev_hash", bytes(&record.prev_hash)),
        ("hash", bytes(&record.hash)),
    ];
    pairs.extend(more.map(|(name, value)| (name.to_owned(), value)));
    let mut out = String::new();
    write_json(&Json::Object(pairs), &mut out);
    Ok(out)
}

fn json(kind: Kind, value: &Value<'_>) -> Result<Json, String> {
    let text = |bytes: &[u8]| {
        String::from_utf8(bytes.to_vec())
            .map(Json::String)
            .map_err(|error| error.to_string())
    };
    Ok(match (kind, value) {
        (_, Value::Null) => Json::Null,
        (Kind::Time, Value::Int(us)) => Json::String(format_timestamp(*us)),
        (_, Value::Int(number)) => Json::Number(number.to_string()),
        (_, Value::Text(bytes)) => text(bytes)?,
        (_, Value::Json(bytes)) => decode_json(bytes).map_err(|error| error.to_string())?,
        (_, Value::TextArray(payload)) => {
            let items = text_items(payload).map_err(|error| error.to_string())?;
            Json::Array(items.into_iter().map(text).collect::<Result<_, _>>()?)
        }
        (_, Value::Inet(bits, address)) => {
            let address = match address.len() {
                4 => <[u8; 4]>::try_from(*address).ok().map(IpAddr::from),
                _ => <[u8; 16]>::try_from(*address).ok().map(IpAddr::from),
            };
            let address = address.ok_or("it is no address")?;
            Json::String(format_inet(&Inet { address, bits: *bits }))
        }
    })
}
