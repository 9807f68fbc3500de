//! Events of one class as a file of Parquet, as AWS Security Lake wants it: zstd, pages of at most 1 MB, in the order of time.

use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical, ZstdLevel};
use parquet::data_type::{BoolType, ByteArrayType, Int32Type, Int64Type};
use parquet::errors::Result;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{Type, TypePtr};
use serde_json::{Map, Value};

use crate::ocsf_fields::{Field, Form, fields};
use crate::shred::{Column, Shredder, Values};

/// The most bytes of a page before compression is 1 MB; a page is closed after this many and what is then being written.
const PAGE: usize = 512 << 10;

/// A row group is closed after this many bytes of events: so much is in memory twice. The most is 256 MB compressed.
const GROUP: usize = 16 << 20;

/// The file of `rows`, which are in order and come with the bytes that they had as JSON, at most `longest`.
pub(crate) fn file(
    class: u32,
    longest: usize,
    rows: impl Iterator<Item = (Map<String, Value>, usize)>,
) -> Result<Vec<u8>> {
    let fields = fields(class);
    let properties = WriterProperties::builder()
        .set_created_by(format!("pg_auditlog {}", env!("CARGO_PKG_VERSION")))
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_data_page_size_limit(PAGE)
        .set_dictionary_page_size_limit(PAGE)
        // The size of a page is looked at after this many values, none of which is longer than its event.
        .set_write_batch_size((PAGE / longest.max(1)).clamp(1, 1_024))
        .build();
    let mut writer = SerializedFileWriter::new(Vec::new(), schema(&fields)?, Arc::new(properties))?;
    let (mut shredder, mut size) = (Shredder::new(fields.clone()), 0);
    for (row, bytes) in rows {
        if size > 0 && size + bytes > GROUP {
            write_group(&mut writer, &shredder)?;
            (shredder, size) = (Shredder::new(fields.clone()), 0);
        }
        shredder.row(&row);
        size += bytes;
    }
    write_group(&mut writer, &shredder)?;
    writer.into_inner()
}

fn write_group(writer: &mut SerializedFileWriter<Vec<u8>>, shredder: &Shredder) -> Result<()> {
    let mut group = writer.next_row_group()?;
    for column in &shredder.columns {
        let Some(mut writer) = group.next_column()? else { break };
        write(&mut writer, column)?;
        writer.close()?;
    }
    group.close().map(drop)
}

fn write(writer: &mut SerializedColumnWriter<'_>, column: &Column) -> Result<()> {
    let (definitions, repetitions) = (Some(&column.definitions[..]), Some(&column.repetitions[..]));
    match &column.values {
        Values::Int(values) => writer
            .typed::<Int32Type>()
            .write_batch(values, definitions, repetitions),
        Values::Long(values) => writer
            .typed::<Int64Type>()
            .write_batch(values, definitions, repetitions),
        Values::Bool(values) => writer.typed::<BoolType>().write_batch(values, definitions, repetitions),
        Values::Text(values) => writer
            .typed::<ByteArrayType>()
            .write_batch(values, definitions, repetitions),
    }
    .map(drop)
}

fn schema(fields: &[Field]) -> Result<TypePtr> {
    let fields = fields.iter().map(typed).collect::<Result<_>>()?;
    Type::group_type_builder("ocsf")
        .with_fields(fields)
        .build()
        .map(Arc::new)
}

fn typed(field: &Field) -> Result<TypePtr> {
    let repetition = if field.needed {
        Repetition::REQUIRED
    } else {
        Repetition::OPTIONAL
    };
    named(field.name, field.form, repetition)
}

fn named(name: &str, form: Form, repetition: Repetition) -> Result<TypePtr> {
    let primitive = |physical: Physical, logical: Option<LogicalType>| {
        Type::primitive_type_builder(name, physical)
            .with_repetition(repetition)
            .with_logical_type(logical)
            .build()
            .map(Arc::new)
    };
    let group = |logical: Option<LogicalType>, fields: Vec<TypePtr>| {
        Type::group_type_builder(name)
            .with_repetition(repetition)
            .with_logical_type(logical)
            .with_fields(fields)
            .build()
            .map(Arc::new)
    };
    let repeated = |name: &str, fields: Vec<TypePtr>| {
        Type::group_type_builder(name)
            .with_repetition(Repetition::REPEATED)
            .with_fields(fields)
            .build()
            .map(Arc::new)
    };
    let list = |element: Form| {
        let element = named("element", element, Repetition::OPTIONAL)?;
        group(Some(LogicalType::List), vec![repeated("list", vec![element])?])
    };
    match form {
        Form::Int => primitive(Physical::INT32, None),
        Form::Long => primitive(Physical::INT64, None),
        Form::Bool => primitive(Physical::BOOLEAN, None),
        Form::Text => primitive(Physical::BYTE_ARRAY, Some(LogicalType::String)),
        Form::Texts => list(Form::Text),
        Form::Groups(fields) => list(Form::Group(fields)),
        Form::Group(fields) => group(None, fields.iter().map(typed).collect::<Result<_>>()?),
        Form::Map => {
            let key = named("key", Form::Text, Repetition::REQUIRED)?;
            let value = named("value", Form::Text, Repetition::OPTIONAL)?;
            group(Some(LogicalType::Map), vec![repeated("key_value", vec![key, value])?])
        }
    }
}
