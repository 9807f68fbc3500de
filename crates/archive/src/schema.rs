//! The columns of an archive object, and how each is written.
//!
//! Names and types are made for those who query the object with an engine of theirs; that nothing is lost on
//! the way is the column `raw`'s task (see [`crate::row`]).

use std::fmt::Write as _;
use std::sync::Arc;

use auditlog_core::columns::{COLUMNS, Kind};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesPtr};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::{ColumnPath, TypePtr};

/// Version of the columns. A new column or another type takes a new number.
pub const SCHEMA_VERSION: u32 = 1;

/// What stands in every object as its maker. It changes with the bytes that are made, and with nothing else.
const CREATED_BY: &str = "pg_auditlog version 1.0.0 (build archive-1)";

/// The most bytes of a data page before compression.
const PAGE_BYTES: usize = 1 << 20;

/// The most bytes of a dictionary: beyond them the column goes on without one.
const DICTIONARY_BYTES: usize = 1 << 20;

/// One in so many look-ups of an absent value is not answered by a Bloom filter.
const BLOOM_FPP: f64 = 0.01;

/// What a cell is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cell {
    /// Microseconds since 1970, UTC.
    Time,
    /// A signed number of 64 bits.
    Int,
    /// UTF-8.
    Text,
    /// UTF-8, canonical in [`crate::json_text`]'s way.
    Json,
    /// A list of texts.
    List,
    /// Any bytes.
    Bytes,
    /// 32 bytes.
    Hash,
}

/// How the values of a column are best written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Few different values.
    Few,
    /// Many different values that begin alike where neighbours do.
    Alike,
    /// Long or all different.
    Long,
    /// Numbers near to their neighbours'.
    Near,
    /// Random bytes.
    Random,
}

/// A column.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) cell: Cell,
    pub(crate) required: bool,
    shape: Shape,
}

/// Columns before those of the event.
pub(crate) const LOG_INDEX: usize = 0;
/// The first column of the event.
pub(crate) const FIRST: usize = 1;
/// When the event was sealed.
pub(crate) const SEALED_AT: usize = FIRST + COLUMNS.len();
/// The leaf of the log's tree.
pub(crate) const ENTRY_HASH: usize = SEALED_AT + 1;
/// The link before, where it is not the link of the row at the place before, in the same row group.
pub(crate) const PREV_HASH: usize = SEALED_AT + 2;
/// What the commitments were made with.
pub(crate) const SALT: usize = SEALED_AT + 3;
/// What erasure left, as JSON.
pub(crate) const REDACTED: usize = SEALED_AT + 4;
/// The record itself, where the other columns can't give it back.
pub(crate) const RAW: usize = SEALED_AT + 5;
/// How many columns there are.
pub(crate) const FIELDS: usize = RAW + 1;

/// The columns that people look for a value in.
const SEARCHED: [&str; 6] = [
    "event_id",
    "actor_id",
    "actor_email",
    "resource_id",
    "request_id",
    "actor_session_id",
];

const fn field(name: &'static str, cell: Cell, required: bool, shape: Shape) -> Field {
    Field {
        name,
        cell,
        required,
        shape,
    }
}

/// All columns, in their order.
pub(crate) const ALL: [Field; FIELDS] = {
    let mut all = [field("log_index", Cell::Int, true, Shape::Near); FIELDS];
    let mut at = 0;
    while at < COLUMNS.len() {
        let column = &COLUMNS[at];
        let cell = match column.kind {
            Kind::Time => Cell::Time,
            Kind::Int => Cell::Int,
            Kind::Text | Kind::Inet => Cell::Text,
            Kind::TextArray => Cell::List,
            Kind::Json => Cell::Json,
        };
        // by their ids in docs/format.md, which never change
        let shape = match column.id {
            1..=3 => Shape::Near,
            5 | 12 | 27 => Shape::Alike,
            25 | 26 | 29 => Shape::Long,
            _ => Shape::Few,
        };
        all[FIRST + at] = field(column.name, cell, false, shape);
        at += 1;
    }
    all[SEALED_AT] = field("sealed_at", Cell::Time, true, Shape::Near);
    all[ENTRY_HASH] = field("entry_hash", Cell::Hash, true, Shape::Random);
    all[PREV_HASH] = field("prev_hash", Cell::Hash, false, Shape::Random);
    all[SALT] = field("salt", Cell::Bytes, false, Shape::Random);
    all[REDACTED] = field("redacted", Cell::Json, false, Shape::Long);
    all[RAW] = field("raw", Cell::Bytes, false, Shape::Long);
    all
};

impl Field {
    /// The path of the leaf.
    fn path(&self) -> ColumnPath {
        let parts: &[&str] = match self.cell {
            Cell::List => &[self.name, "list", "element"],
            _ => &[self.name],
        };
        ColumnPath::new(parts.iter().map(|part| (*part).to_owned()).collect())
    }

    fn definition(&self) -> String {
        let name = self.name;
        let repetition = if self.required { "required" } else { "optional" };
        match self.cell {
            Cell::Time => format!("{repetition} int64 {name} (TIMESTAMP(MICROS,true));"),
            Cell::Int => format!("{repetition} int64 {name};"),
            Cell::Text => format!("{repetition} binary {name} (STRING);"),
            Cell::Json => format!("{repetition} binary {name} (JSON);"),
            Cell::Bytes => format!("{repetition} binary {name};"),
            Cell::Hash => format!("{repetition} fixed_len_byte_array(32) {name};"),
            Cell::List => format!(
                "{repetition} group {name} (LIST) {{ repeated group list {{ required binary element (STRING); }} }}"
            ),
        }
    }
}

/// The schema of an object.
///
/// # Errors
/// None that a test wouldn't see: the text is made of constants.
pub(crate) fn message_type() -> Result<TypePtr, ParquetError> {
    let mut text = "message auditlog {\n".to_owned();
    for field in &ALL {
        // writing to a String cannot fail
        let _ = writeln!(text, "{}", field.definition());
    }
    text.push('}');
    parse_message_type(&text).map(Arc::new)
}

/// How an object is written, with what it says of itself.
///
/// # Errors
/// For a level of compression that zstd does not have.
pub(crate) fn properties(level: i32, facts: Vec<KeyValue>) -> Result<WriterPropertiesPtr, ParquetError> {
    let by_time = [FIRST, LOG_INDEX].map(|at| SortingColumn {
        column_idx: at as i32,
        descending: false,
        nulls_first: true,
    });
    let mut builder = WriterProperties::builder()
        .set_created_by(CREATED_BY.to_owned())
        .set_key_value_metadata(Some(facts))
        .set_sorting_columns(Some(by_time.to_vec()))
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(level)?))
        .set_data_page_size_limit(PAGE_BYTES)
        .set_dictionary_page_size_limit(DICTIONARY_BYTES)
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_max_row_group_row_count(None);
    for field in &ALL {
        let path = || field.path();
        builder = match field.shape {
            Shape::Few => builder.set_column_encoding(path(), Encoding::DELTA_BYTE_ARRAY),
            Shape::Alike => builder
                .set_column_dictionary_enabled(path(), false)
                .set_column_encoding(path(), Encoding::DELTA_BYTE_ARRAY),
            Shape::Near => builder
                .set_column_dictionary_enabled(path(), false)
                .set_column_encoding(path(), Encoding::DELTA_BINARY_PACKED),
            Shape::Long => builder
                .set_column_dictionary_enabled(path(), false)
                .set_column_encoding(path(), Encoding::DELTA_LENGTH_BYTE_ARRAY)
                .set_column_statistics_enabled(path(), EnabledStatistics::None),
            Shape::Random => builder
                .set_column_dictionary_enabled(path(), false)
                .set_column_encoding(path(), random_encoding(field.cell))
                .set_column_compression(path(), Compression::UNCOMPRESSED)
                .set_column_statistics_enabled(path(), EnabledStatistics::None),
        };
        if SEARCHED.contains(&field.name) {
            builder = builder.set_column_bloom_filter_fpp(path(), BLOOM_FPP);
        }
    }
    Ok(Arc::new(builder.build()))
}

/// The lengths of salts are alike, so they take nearly nothing apart from the bytes.
fn random_encoding(cell: Cell) -> Encoding {
    match cell {
        Cell::Hash => Encoding::PLAIN,
        _ => Encoding::DELTA_LENGTH_BYTE_ARRAY,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use auditlog_core::columns::position;
    use parquet::schema::types::SchemaDescriptor;

    #[test]
    fn every_leaf_is_where_its_number_says() {
        let descriptor = SchemaDescriptor::new(message_type().expect("a schema"));
        assert_eq!(descriptor.num_columns(), FIELDS);
        for (at, field) in ALL.iter().enumerate() {
            assert_eq!(*descriptor.column(at).path(), field.path());
        }
        assert_eq!(ALL[RAW].name, "raw");
        assert_eq!(ALL[SEALED_AT].name, "sealed_at");
    }

    #[test]
    fn what_is_searched_is_a_column() {
        for name in SEARCHED {
            assert!(position(name).is_some(), "{name}");
        }
        let ids = [
            (5, "event_id"),
            (12, "idempotency_key"),
            (25, "before"),
            (26, "after"),
            (27, "request_id"),
            (29, "extra"),
        ];
        for (id, name) in ids {
            assert_eq!(COLUMNS[position(name).expect("a column")].id, id);
        }
    }
}
