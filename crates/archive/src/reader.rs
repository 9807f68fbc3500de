//! Reading an object: row group by row group, in the order of places.

use std::panic::{AssertUnwindSafe, catch_unwind};

use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, FileReader, RowGroupReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;

use crate::row::{Cells, Group, RowError};
use crate::schema::{ALL, Cell, Field};

/// Why an object, or a part of it, cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is no Parquet, or damaged.
    #[error("the object cannot be read: {0}")]
    Parquet(#[from] ParquetError),
    /// Damaged in a way that the library did not expect.
    #[error("the object cannot be read: {0}")]
    Damaged(String),
    /// A column that is needed is not there, or one has another type.
    #[error("the column {0} is missing or has another type than the archive's")]
    Column(&'static str),
    /// A column with more or fewer values than rows.
    #[error("the column {0} has another number of rows than its row group")]
    Rows(&'static str),
}

impl ReadError {
    /// What to do about it, as a sentence.
    pub fn hint(&self) -> &'static str {
        "Compare the object's SHA-256 with its manifest's, and take it from a copy or an older version if it differs."
    }
}

/// An object. Its bytes are a file, or [`bytes::Bytes`].
pub struct ObjectReader<R: ChunkReader + 'static> {
    file: SerializedFileReader<R>,
    /// Where each of our columns is.
    leaves: Vec<Option<usize>>,
}

impl<R: ChunkReader + 'static> ObjectReader<R> {
    /// Reads what the object says of itself.
    ///
    /// # Errors
    /// When it is no Parquet, or has other columns.
    pub fn open(object: R) -> Result<Self, ReadError> {
        let file = guarded(|| Ok(SerializedFileReader::new(object)?))?;
        let descriptor = file.metadata().file_metadata().schema_descr();
        let leaf = |field: &Field| {
            let of_field = |leaf: &usize| {
                descriptor
                    .column(*leaf)
                    .path()
                    .parts()
                    .first()
                    .is_some_and(|name| name == field.name)
            };
            let found: Vec<usize> = (0..descriptor.num_columns()).filter(of_field).collect();
            match found[..] {
                // a column that came later
                [] if !field.required => Ok(None),
                [leaf] if fits(&descriptor.column(leaf), field) => Ok(Some(leaf)),
                _ => Err(ReadError::Column(field.name)),
            }
        };
        let leaves = ALL.iter().map(leaf).collect::<Result<_, _>>()?;
        Ok(Self { file, leaves })
    }

    /// How many row groups there are.
    pub fn groups(&self) -> usize {
        self.file.num_row_groups()
    }

    /// How many rows the object says that it has.
    pub fn rows(&self) -> u64 {
        u64::try_from(self.file.metadata().file_metadata().num_rows()).unwrap_or(0)
    }

    /// A fact that the object says of itself, such as `pg_auditlog.origin`. Nothing vouches for it.
    pub fn fact(&self, name: &str) -> Option<&str> {
        let facts = self.file.metadata().file_metadata().key_value_metadata()?;
        facts.iter().find(|fact| fact.key == name)?.value.as_deref()
    }

    /// Reads a row group into memory.
    ///
    /// # Errors
    /// When it cannot be read.
    ///
    /// # Panics
    /// When there are fewer.
    pub fn group(&self, number: usize) -> Result<Group, ReadError> {
        assert!(number < self.groups(), "the object has {} row groups", self.groups());
        guarded(|| {
            let group = self.file.get_row_group(number)?;
            let rows = usize::try_from(group.metadata().num_rows()).map_err(|_| ReadError::Rows("log_index"))?;
            let columns = ALL
                .iter()
                .zip(&self.leaves)
                .map(|(field, leaf)| leaf.map_or(Ok(Cells::None), |leaf| read_column(&*group, leaf, field, rows)))
                .collect::<Result<_, _>>()?;
            Ok(Group::new(columns, rows))
        })
    }

    /// Calls `each` with the place and the record of every row, in the order of places within a row group. A row
    /// that is no record does not end it.
    ///
    /// # Errors
    /// When a row group cannot be read.
    pub fn for_each(&self, mut each: impl FnMut(u64, Result<&[u8], RowError>)) -> Result<(), ReadError> {
        let mut record = Vec::new();
        for number in 0..self.groups() {
            let mut group = self.group(number)?;
            for at in 0..group.len() {
                record.clear();
                let written = group.record(at, &mut record);
                each(group.log_index(at), written.map(|()| &record[..]));
            }
        }
        Ok(())
    }
}

/// The library checks less than an attacker may change: what it stumbles over is damage.
fn guarded<T>(read: impl FnOnce() -> Result<T, ReadError>) -> Result<T, ReadError> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied());
        Err(ReadError::Damaged(
            text.unwrap_or("a part does not fit").chars().take(200).collect(),
        ))
    })
}

fn fits(column: &ColumnDescriptor, field: &Field) -> bool {
    use parquet::basic::Type;
    let physical = match field.cell {
        Cell::Time | Cell::Int => Type::INT64,
        Cell::Hash => Type::FIXED_LEN_BYTE_ARRAY,
        _ => Type::BYTE_ARRAY,
    };
    let list = field.cell == Cell::List;
    let levels = i16::from(!field.required) + i16::from(list);
    column.physical_type() == physical && column.max_def_level() == levels && column.max_rep_level() == i16::from(list)
}

/// What a column has: values, levels, and repetitions.
type Column<T> = (Vec<T>, Vec<i16>, Vec<i16>);

fn read_column(group: &dyn RowGroupReader, leaf: usize, field: &Field, rows: usize) -> Result<Cells, ReadError> {
    let levels = i16::from(!field.required) + i16::from(field.cell == Cell::List);
    let cells = match group.get_column_reader(leaf)? {
        ColumnReader::Int64ColumnReader(reader) => {
            let (values, found, _) = read_values(reader, rows, field)?;
            let mut values = values.into_iter();
            if levels == 0 {
                Cells::Numbers(values.map(Some).collect())
            } else {
                Cells::Numbers(
                    found
                        .iter()
                        .map(|level| if *level == 1 { values.next() } else { None })
                        .collect(),
                )
            }
        }
        ColumnReader::ByteArrayColumnReader(reader) => {
            let (values, found, repeats) = read_values(reader, rows, field)?;
            if field.cell == Cell::List {
                Cells::Lists(values, lists(&found, &repeats))
            } else {
                Cells::Texts(values, numbered(&found))
            }
        }
        ColumnReader::FixedLenByteArrayColumnReader(reader) => {
            let (values, found, _) = read_values(reader, rows, field)?;
            let numbered = if levels == 0 {
                (0..values.len() as u32).map(Some).collect()
            } else {
                numbered(&found)
            };
            Cells::Hashes(values, numbered)
        }
        _ => return Err(ReadError::Column(field.name)),
    };
    let found = match &cells {
        Cells::None => 0,
        Cells::Numbers(values) => values.len(),
        Cells::Texts(_, rows) | Cells::Hashes(_, rows) => rows.len(),
        Cells::Lists(_, rows) => rows.len(),
    };
    if found == rows {
        Ok(cells)
    } else {
        Err(ReadError::Rows(field.name))
    }
}

fn read_values<T: DataType>(
    mut reader: ColumnReaderImpl<T>,
    rows: usize,
    field: &Field,
) -> Result<Column<T::T>, ReadError> {
    let (mut values, mut levels, mut repeats) = (Vec::new(), Vec::new(), Vec::new());
    let mut read = 0;
    while read < rows {
        let levels = (!field.required).then_some(&mut levels);
        let repeats = (field.cell == Cell::List).then_some(&mut repeats);
        let (some, _, _) = reader.read_records(rows - read, levels, repeats, &mut values)?;
        if some == 0 {
            return Err(ReadError::Rows(field.name));
        }
        read += some;
    }
    Ok((values, levels, repeats))
}

/// Which value each row has.
fn numbered(levels: &[i16]) -> Vec<Option<u32>> {
    let mut next = 0;
    levels
        .iter()
        .map(|level| {
            (*level == 1).then(|| {
                next += 1;
                next - 1
            })
        })
        .collect()
}

/// Which items each row has.
fn lists(levels: &[i16], repeats: &[i16]) -> Vec<Option<(u32, u32)>> {
    let mut rows: Vec<Option<(u32, u32)>> = Vec::new();
    let mut next = 0;
    for (level, repeat) in levels.iter().zip(repeats) {
        if *repeat == 0 {
            rows.push((*level > 0).then_some((next, next)));
        }
        if *level == 2 {
            next += 1;
            if let Some(Some((_, end))) = rows.last_mut() {
                *end = next;
            }
        }
    }
    rows
}
