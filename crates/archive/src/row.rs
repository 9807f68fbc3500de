//! A row group's cells as they are read, and the record that a row is.
//!
//! A row gives its record back from its columns: the entry has one encoding, so the same values are the same
//! bytes. Where columns can't (texts that are not UTF-8, values of a touched row that are none of their type, a
//! link that does not fit), the column `raw` has the record, and the others what of it can be shown.

use std::net::IpAddr;

use auditlog_bundle::Record;
use auditlog_bundle::record::RecordError;
use auditlog_core::chain::{Hash, link_hash};
use auditlog_core::columns::{COLUMNS, Kind};
use auditlog_core::document::{format_inet, parse_inet};
use auditlog_core::encode::{EncodeError, Hiding, Value, Values, encode_entry, text_array};
use auditlog_core::event::Inet;
use parquet::data_type::{ByteArray, FixedLenByteArray};

use crate::json_text::{JsonTextError, from_text};
use crate::schema::{ENTRY_HASH, FIRST, LOG_INDEX, PREV_HASH, RAW, REDACTED, SALT, SEALED_AT};

/// Why a row is no record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// A column that every row has.
    #[error("the row has no {0}")]
    Absent(&'static str),
    /// A hash of another length.
    #[error("{0} has not 32 bytes")]
    Hash(&'static str),
    /// The link before is neither here nor in the row group.
    #[error("the row has no prev_hash, and its row group no row before it")]
    NoPrevious,
    /// A text that is no address.
    #[error("{0} is no address")]
    Address(&'static str),
    /// A text that is no JSON.
    #[error("{column}: {problem}")]
    Json {
        /// The column.
        column: &'static str,
        /// Where it stops.
        problem: JsonTextError,
    },
    /// The values have no entry.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// `raw` is no record.
    #[error("raw is no record: {0}")]
    Raw(#[from] RecordError),
    /// `raw` is the record of another event.
    #[error("raw has the record of log_index {0}")]
    Place(u64),
}

/// Appends an address as PostgreSQL writes it.
pub(crate) fn write_address(bits: u8, address: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let address = match address.len() {
        4 => IpAddr::from(<[u8; 4]>::try_from(address).ok()?),
        _ => IpAddr::from(<[u8; 16]>::try_from(address).ok()?),
    };
    out.extend(format_inet(&Inet { address, bits }).as_bytes());
    Some(())
}

/// A column of a row group.
#[derive(Debug)]
pub(crate) enum Cells {
    /// Not in this object: no row has a value.
    None,
    Numbers(Vec<Option<i64>>),
    /// The values, and for each row which one it has.
    Texts(Vec<ByteArray>, Vec<Option<u32>>),
    Hashes(Vec<FixedLenByteArray>, Vec<Option<u32>>),
    /// The items, and for each row which ones it has.
    Lists(Vec<ByteArray>, Vec<Option<(u32, u32)>>),
}

impl Cells {
    fn number(&self, row: usize) -> Option<i64> {
        match self {
            Cells::Numbers(values) => values.get(row).copied().flatten(),
            _ => None,
        }
    }

    fn bytes(&self, row: usize) -> Option<&[u8]> {
        match self {
            Cells::Texts(values, rows) => Some(values.get((*rows.get(row)?)? as usize)?.data()),
            Cells::Hashes(values, rows) => Some(values.get((*rows.get(row)?)? as usize)?.data()),
            _ => None,
        }
    }

    fn items(&self, row: usize) -> Option<&[ByteArray]> {
        match self {
            Cells::Lists(items, rows) => {
                let (first, end) = (*rows.get(row)?)?;
                items.get(first as usize..end as usize)
            }
            _ => None,
        }
    }
}

/// A row group that has been read.
#[derive(Debug)]
pub struct Group {
    columns: Vec<Cells>,
    /// The rows by their places, with the link before each.
    rows: Vec<(u64, usize, Result<Hash, RowError>)>,
    /// Rows whose place can't be read.
    placeless: usize,
    sorted: bool,
    scratch: Vec<u8>,
    entry: Vec<u8>,
}

impl Group {
    pub(crate) fn new(columns: Vec<Cells>, rows: usize) -> Self {
        let mut group = Self {
            columns,
            rows: Vec::with_capacity(rows),
            placeless: 0,
            sorted: true,
            scratch: Vec::new(),
            entry: Vec::new(),
        };
        group.find_places(rows);
        group
    }

    fn find_places(&mut self, rows: usize) {
        let mut before = None;
        for row in 0..rows {
            let place = self.columns[LOG_INDEX]
                .number(row)
                .and_then(|place| u64::try_from(place).ok());
            let Some(place) = place else {
                self.placeless += 1;
                continue;
            };
            let key = (self.columns[FIRST].number(row), place);
            self.sorted &= before.is_none_or(|before| before < key);
            before = Some(key);
            self.rows.push((place, row, Err(RowError::NoPrevious)));
        }
        self.rows.sort_unstable_by_key(|(place, row, _)| (*place, *row));
        let mut before: Option<(u64, Hash)> = None;
        for at in 0..self.rows.len() {
            let (place, row, _) = self.rows[at];
            let previous = match self.hash(PREV_HASH, "prev_hash", row) {
                Err(RowError::Absent(_)) => match before {
                    Some((last, hash)) if last.checked_add(1) == Some(place) => Ok(hash),
                    _ => Err(RowError::NoPrevious),
                },
                other => other,
            };
            before = self.link(row, place, &previous).map(|hash| (place, hash));
            self.rows[at].2 = previous;
        }
    }

    /// The link of a row.
    fn link(&self, row: usize, place: u64, previous: &Result<Hash, RowError>) -> Option<Hash> {
        if let Some(raw) = self.columns[RAW].bytes(row) {
            return Record::parse(raw).ok().map(|record| record.hash);
        }
        let leaf = self.hash(ENTRY_HASH, "entry_hash", row).ok()?;
        previous.as_ref().ok().map(|previous| link_hash(previous, &leaf, place))
    }

    fn hash(&self, at: usize, name: &'static str, row: usize) -> Result<Hash, RowError> {
        let bytes = self.columns[at].bytes(row).ok_or(RowError::Absent(name))?;
        bytes.try_into().map_err(|_| RowError::Hash(name))
    }

    /// How many rows have a place.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether no row has a place.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How many rows have no place that can be read.
    pub fn placeless(&self) -> usize {
        self.placeless
    }

    /// Whether the rows stand by time, those of one time by place.
    pub fn is_sorted(&self) -> bool {
        self.sorted
    }

    /// The place of row `at`, in the order of places.
    ///
    /// # Panics
    /// When there are fewer rows.
    pub fn log_index(&self, at: usize) -> u64 {
        self.rows[at].0
    }

    /// The `timestamp` of row `at`, in the order of places, in microseconds since 1970.
    pub fn timestamp(&self, at: usize) -> Option<i64> {
        self.columns[FIRST].number(self.rows.get(at)?.1)
    }

    /// Appends the record of row `at`, in the order of places.
    ///
    /// # Errors
    /// [`RowError`]; `out` is then as it was.
    ///
    /// # Panics
    /// When there are fewer rows.
    pub fn record(&mut self, at: usize, out: &mut Vec<u8>) -> Result<(), RowError> {
        let start = out.len();
        let written = self.write_record(at, out);
        if written.is_err() {
            out.truncate(start);
        }
        written
    }

    fn write_record(&mut self, at: usize, out: &mut Vec<u8>) -> Result<(), RowError> {
        let (place, row, previous) = self.rows[at].clone();
        if let Some(raw) = self.columns[RAW].bytes(row) {
            let found = Record::parse(raw)?.log_index;
            if found != place {
                return Err(RowError::Place(found));
            }
            out.extend_from_slice(raw);
            return Ok(());
        }
        let previous = previous?;
        let leaf = self.hash(ENTRY_HASH, "entry_hash", row)?;
        let sealed_at = self.columns[SEALED_AT]
            .number(row)
            .ok_or(RowError::Absent("sealed_at"))?;
        let mut scratch = std::mem::take(&mut self.scratch);
        let mut entry = std::mem::take(&mut self.entry);
        scratch.clear();
        entry.clear();
        let redacted = self.entry_of(row, &mut scratch, &mut entry);
        let redacted = match redacted {
            Ok(redacted) => redacted,
            Err(error) => {
                (self.scratch, self.entry) = (scratch, entry);
                return Err(error);
            }
        };
        Record {
            log_index: place,
            sealed_at,
            prev_hash: previous,
            entry_hash: leaf,
            hash: link_hash(&previous, &leaf, place),
            salt: self.columns[SALT].bytes(row),
            redacted: redacted.map(|range| &scratch[range]),
            values: &entry,
        }
        .write(out);
        (self.scratch, self.entry) = (scratch, entry);
        Ok(())
    }

    /// Appends the plain entry of a row to `entry`; where in `scratch` the redactions are, if there are any.
    fn entry_of(
        &self,
        row: usize,
        scratch: &mut Vec<u8>,
        entry: &mut Vec<u8>,
    ) -> Result<Option<std::ops::Range<usize>>, RowError> {
        // payloads first: values borrow them
        let mut payloads: [Option<(usize, usize)>; COLUMNS.len()] = [None; COLUMNS.len()];
        for (at, column) in COLUMNS.iter().enumerate() {
            let cells = &self.columns[FIRST + at];
            let start = scratch.len();
            match column.kind {
                Kind::Json => {
                    let Some(text) = cells.bytes(row) else { continue };
                    read_json(column.name, text, scratch)?;
                }
                Kind::TextArray => {
                    let Some(items) = cells.items(row) else { continue };
                    text_array(items.iter().map(ByteArray::data), scratch);
                }
                Kind::Inet => {
                    let Some(text) = cells.bytes(row) else { continue };
                    let inet = std::str::from_utf8(text).ok().and_then(parse_inet);
                    let inet = inet.ok_or(RowError::Address(column.name))?;
                    scratch.push(inet.bits);
                    match inet.address {
                        IpAddr::V4(address) => scratch.extend(address.octets()),
                        IpAddr::V6(address) => scratch.extend(address.octets()),
                    }
                }
                _ => continue,
            }
            payloads[at] = Some((start, scratch.len()));
        }
        let redacted_at = scratch.len();
        let redacted = self.columns[REDACTED].bytes(row);
        if let Some(text) = redacted {
            read_json("redacted", text, scratch)?;
        }
        let values: Values<'_> = std::array::from_fn(|at| {
            let cells = &self.columns[FIRST + at];
            let payload = payloads[at].map(|(start, end)| &scratch[start..end]);
            match (COLUMNS[at].kind, payload) {
                (Kind::Time | Kind::Int, _) => cells.number(row).map_or(Value::Null, Value::Int),
                (Kind::Text, _) => cells.bytes(row).map_or(Value::Null, Value::Text),
                (Kind::Json, Some(payload)) => Value::Json(payload),
                (Kind::TextArray, Some(payload)) => Value::TextArray(payload),
                (Kind::Inet, Some([bits, address @ ..])) => Value::Inet(*bits, address),
                _ => Value::Null,
            }
        });
        let nothing = Hiding {
            paths: Some(&[]),
            ..Hiding::default()
        };
        encode_entry(&values, &nothing, entry)?;
        Ok(redacted.map(|_| redacted_at..scratch.len()))
    }
}

fn read_json(column: &'static str, text: &[u8], out: &mut Vec<u8>) -> Result<(), RowError> {
    from_text(text, out).map_err(|problem| RowError::Json { column, problem })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::FIELDS;

    fn record(log_index: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        Record {
            log_index,
            sealed_at: 0,
            prev_hash: [1; 32],
            entry_hash: [2; 32],
            hash: [3; 32],
            salt: None,
            redacted: None,
            values: b"nothing",
        }
        .write(&mut bytes);
        bytes
    }

    /// A row group whose rows have nothing but a place and `raw`.
    fn group(rows: &[(i64, Vec<u8>)]) -> Group {
        let mut columns: Vec<Cells> = (0..FIELDS).map(|_| Cells::None).collect();
        columns[LOG_INDEX] = Cells::Numbers(rows.iter().map(|(place, _)| Some(*place)).collect());
        let raw = rows.iter().map(|(_, raw)| ByteArray::from(raw.clone())).collect();
        columns[RAW] = Cells::Texts(raw, (0..rows.len() as u32).map(Some).collect());
        Group::new(columns, rows.len())
    }

    #[test]
    fn raw_counts_for_its_own_place_only() {
        let mut group = group(&[(5, record(5)), (6, record(7)), (8, b"pgar".to_vec()), (-1, record(9))]);
        assert_eq!((group.len(), group.placeless()), (3, 1));
        let mut out = b"before".to_vec();
        assert_eq!(group.record(0, &mut out), Ok(()));
        assert_eq!(out, [b"before", &record(5)[..]].concat());
        assert_eq!(group.record(1, &mut out), Err(RowError::Place(7)));
        assert!(matches!(group.record(2, &mut out), Err(RowError::Raw(_))));
        assert_eq!(out.len(), 6 + record(5).len(), "nothing of a row that is none");
    }

    #[test]
    fn a_row_without_its_columns_is_no_record() {
        let mut columns: Vec<Cells> = (0..FIELDS).map(|_| Cells::None).collect();
        columns[LOG_INDEX] = Cells::Numbers(vec![Some(3)]);
        let mut group = Group::new(columns, 1);
        assert_eq!(group.record(0, &mut Vec::new()), Err(RowError::NoPrevious));
    }
}
