//! The rows of one row group, column by column, until they are sorted and written.

use std::io::Write;
use std::ops::Range;

use auditlog_bundle::Record;
use auditlog_core::chain::{Hash, link_hash};
use auditlog_core::columns::COLUMNS;
use auditlog_core::decode::text_items;
use auditlog_core::encode::{Value, Values};
use bytes::Bytes;
use parquet::data_type::{ByteArray, ByteArrayType, FixedLenByteArray, FixedLenByteArrayType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};

use crate::json_text;
use crate::row::write_address;
use crate::schema::{ALL, Cell, ENTRY_HASH, FIELDS, FIRST, LOG_INDEX, PREV_HASH, RAW, REDACTED, SALT, SEALED_AT};

/// The most bytes that a column of a row group can have here.
pub(crate) const MAX_COLUMN_BYTES: usize = i32::MAX as usize;

/// Values of any length, one after the other.
#[derive(Debug, Default)]
struct Cells {
    data: Vec<u8>,
    /// Where each ends; [`NULL`] is set where there is none.
    ends: Vec<u32>,
}

/// Says in an end that there is no value.
const NULL: u32 = 1 << 31;

impl Cells {
    /// Ends the value that has been appended to the data.
    fn end(&mut self) {
        self.ends.push(self.data.len() as u32);
    }

    fn null(&mut self) {
        self.ends.push(self.data.len() as u32 | NULL);
    }

    fn push(&mut self, value: Option<&[u8]>) {
        match value {
            Some(value) => {
                self.data.extend_from_slice(value);
                self.end();
            }
            None => self.null(),
        }
    }

    /// As [`Cells::push`], with what `write` appends; when it fails there is no value.
    fn push_with(&mut self, write: impl FnOnce(&mut Vec<u8>) -> Option<()>) -> bool {
        let start = self.data.len();
        let written = write(&mut self.data).is_some();
        if written {
            self.end();
        } else {
            self.data.truncate(start);
            self.null();
        }
        written
    }

    fn range(ends: &[u32], row: usize) -> Option<Range<usize>> {
        let end = ends[row];
        let start = row.checked_sub(1).map_or(0, |before| ends[before] & !NULL);
        (end & NULL == 0).then_some(start as usize..end as usize)
    }
}

#[derive(Debug)]
enum Column {
    Numbers(Vec<Option<i64>>),
    Cells(Cells),
}

/// Rows that wait for their row group.
#[derive(Debug)]
pub(crate) struct Buffer {
    columns: Vec<Column>,
    /// Place and link of the row before.
    last: Option<(u64, Hash)>,
    rows: usize,
    bytes: usize,
    /// The longest column.
    longest: usize,
}

impl Buffer {
    pub(crate) fn new() -> Self {
        let column = |field: &crate::schema::Field| match field.cell {
            Cell::Time | Cell::Int => Column::Numbers(Vec::new()),
            _ => Column::Cells(Cells::default()),
        };
        Self {
            columns: ALL.iter().map(column).collect(),
            last: None,
            rows: 0,
            bytes: 0,
            longest: 0,
        }
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// The records that are here, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The most bytes in one column.
    pub(crate) fn longest(&self) -> usize {
        self.longest
    }

    fn number(&mut self, at: usize, value: Option<i64>) {
        if let Column::Numbers(values) = &mut self.columns[at] {
            values.push(value);
        }
    }

    fn cells(&mut self, at: usize) -> &mut Cells {
        match &mut self.columns[at] {
            Column::Cells(cells) => cells,
            // the kinds of columns are made from the same table
            Column::Numbers(_) => unreachable!("column {at} has numbers"),
        }
    }

    /// Adds a record, whose bytes are `bytes` and whose values are `values`, if they can be read. Its
    /// `log_index` comes after that of the one before.
    pub(crate) fn push(&mut self, record: &Record<'_>, values: Option<&Values<'_>>, bytes: &[u8]) {
        self.number(LOG_INDEX, Some(record.log_index as i64));
        let mut whole = record.hash == link_hash(&record.prev_hash, &record.entry_hash, record.log_index);
        match values {
            Some(values) => {
                for (at, value) in values.iter().enumerate() {
                    whole &= self.push_value(FIRST + at, value);
                }
            }
            None => {
                whole = false;
                for at in FIRST..FIRST + COLUMNS.len() {
                    self.push_value(at, &Value::Null);
                }
            }
        }
        self.number(SEALED_AT, Some(record.sealed_at));
        self.cells(ENTRY_HASH).push(Some(&record.entry_hash));
        let follows = record
            .log_index
            .checked_sub(1)
            .is_some_and(|before| self.last == Some((before, record.prev_hash)));
        self.cells(PREV_HASH).push((!follows).then_some(&record.prev_hash));
        whole &= match record.redacted {
            Some(redacted) => self.cells(REDACTED).push_with(|out| json_text::to_text(redacted, out)),
            None => {
                self.cells(REDACTED).null();
                true
            }
        };
        self.cells(SALT).push(record.salt.filter(|_| whole));
        self.cells(RAW).push((!whole).then_some(bytes));
        self.last = Some((record.log_index, record.hash));
        self.rows += 1;
        self.bytes += bytes.len();
        let longest = |column: &Column| match column {
            Column::Numbers(_) => 0,
            Column::Cells(cells) => cells.data.len(),
        };
        self.longest = self.columns.iter().map(longest).max().unwrap_or(0);
    }

    /// Adds a value; false when its column can't hold it and has nothing instead.
    fn push_value(&mut self, at: usize, value: &Value<'_>) -> bool {
        match &mut self.columns[at] {
            Column::Numbers(values) => {
                values.push(match value {
                    Value::Int(number) => Some(*number),
                    _ => None,
                });
                true
            }
            Column::Cells(cells) => match *value {
                Value::Null | Value::Int(_) => {
                    cells.null();
                    true
                }
                Value::Text(text) => {
                    let readable = std::str::from_utf8(text).is_ok();
                    cells.push(readable.then_some(text));
                    readable
                }
                Value::Inet(bits, address) => cells.push_with(|out| write_address(bits, address, out)),
                Value::Json(json) => cells.push_with(|out| json_text::to_text(json, out)),
                Value::TextArray(payload) => {
                    let items = text_items(payload).unwrap_or_default();
                    let readable = items.iter().all(|item| std::str::from_utf8(item).is_ok());
                    cells.push(readable.then_some(payload));
                    readable
                }
            },
        }
    }

    /// The rows as they are to stand: by time, those of one time by place.
    fn order(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.rows as u32).collect();
        // rows come by place, and the sort is stable
        if let Column::Numbers(times) = &self.columns[FIRST] {
            order.sort_by_key(|row| times[*row as usize]);
        }
        order
    }

    /// Writes the rows as a row group, and is empty.
    pub(crate) fn flush<W: Write + Send>(&mut self, file: &mut SerializedFileWriter<W>) -> Result<(), ParquetError> {
        let order = self.order();
        let columns = std::mem::replace(self, Self::new()).columns;
        let mut group = file.next_row_group()?;
        debug_assert_eq!(columns.len(), FIELDS);
        for (column, field) in columns.into_iter().zip(&ALL) {
            let Some(mut writer) = group.next_column()? else {
                return Err(ParquetError::General("the schema has fewer columns".to_owned()));
            };
            match (column, field.cell) {
                (Column::Numbers(values), _) => write_numbers(&values, &order, field.required, &mut writer)?,
                (Column::Cells(cells), Cell::List) => write_lists(cells, &order, &mut writer)?,
                (Column::Cells(cells), Cell::Hash) => write_hashes(cells, &order, field.required, &mut writer)?,
                (Column::Cells(cells), _) => write_cells(cells, &order, &mut writer)?,
            }
            writer.close()?;
        }
        group.close()?;
        Ok(())
    }
}

fn write_numbers(
    values: &[Option<i64>],
    order: &[u32],
    required: bool,
    writer: &mut SerializedColumnWriter<'_>,
) -> Result<(), ParquetError> {
    let sorted = || order.iter().map(|row| values[*row as usize]);
    let numbers: Vec<i64> = sorted().flatten().collect();
    let levels: Vec<i16> = sorted().map(|value| i16::from(value.is_some())).collect();
    let levels = (!required).then_some(&levels[..]);
    writer.typed::<Int64Type>().write_batch(&numbers, levels, None)?;
    Ok(())
}

/// The values in their order, without copies, and whether each row has one.
fn sorted(cells: Cells, order: &[u32]) -> (Vec<ByteArray>, Vec<i16>) {
    let data = Bytes::from(cells.data);
    let mut values = Vec::new();
    let mut levels = Vec::with_capacity(order.len());
    for row in order {
        let range = Cells::range(&cells.ends, *row as usize);
        levels.push(i16::from(range.is_some()));
        values.extend(range.map(|range| ByteArray::from(data.slice(range))));
    }
    (values, levels)
}

fn write_cells(cells: Cells, order: &[u32], writer: &mut SerializedColumnWriter<'_>) -> Result<(), ParquetError> {
    let (values, levels) = sorted(cells, order);
    writer
        .typed::<ByteArrayType>()
        .write_batch(&values, Some(&levels), None)?;
    Ok(())
}

fn write_hashes(
    cells: Cells,
    order: &[u32],
    required: bool,
    writer: &mut SerializedColumnWriter<'_>,
) -> Result<(), ParquetError> {
    let (values, levels) = sorted(cells, order);
    let values: Vec<FixedLenByteArray> = values.into_iter().map(FixedLenByteArray::from).collect();
    let levels = (!required).then_some(&levels[..]);
    writer
        .typed::<FixedLenByteArrayType>()
        .write_batch(&values, levels, None)?;
    Ok(())
}

/// Lists: level 0 is no list, 1 an empty one, 2 an item; the first item of a row does not repeat.
fn write_lists(cells: Cells, order: &[u32], writer: &mut SerializedColumnWriter<'_>) -> Result<(), ParquetError> {
    let data = Bytes::from(cells.data);
    let (mut values, mut levels, mut repeats) = (Vec::new(), Vec::new(), Vec::new());
    for row in order {
        let Some(range) = Cells::range(&cells.ends, *row as usize) else {
            levels.push(0);
            repeats.push(0);
            continue;
        };
        let items = text_items(&data[range]).map_err(|error| ParquetError::General(error.to_string()))?;
        if items.is_empty() {
            levels.push(1);
            repeats.push(0);
        }
        for (at, item) in items.into_iter().enumerate() {
            values.push(ByteArray::from(data.slice_ref(item)));
            levels.push(2);
            repeats.push(i16::from(at > 0));
        }
    }
    writer
        .typed::<ByteArrayType>()
        .write_batch(&values, Some(&levels), Some(&repeats))?;
    Ok(())
}
