//! What is read back is what was written, byte by byte.

mod support;

use auditlog_archive::{ObjectReader, ObjectWriter, Options, WriteError};
use auditlog_bundle::Record;
use auditlog_bundle::certificate::MAX_RANGES;
use auditlog_core::chain::GENESIS;
use auditlog_core::columns::{COLUMNS, Kind};
use auditlog_core::encode::{Hiding, Value, Values, canonical_json, encode_entry, text_array};
use auditlog_core::json::Json;
use proptest::prelude::*;
use support::{object, placement, read, record_of, records, small, written};

#[test]
fn synthetic_records_come_back_from_many_row_groups() {
    let records = records(3000);
    let (bytes, manifest) = object(&records, small());
    let reader = ObjectReader::open(bytes.clone()).expect("an object");
    assert!(reader.groups() > 20, "{}", reader.groups());
    assert_eq!(reader.rows(), 3000);
    assert_eq!(reader.fact("pg_auditlog.retention_class"), Some("default"));
    assert!((0..reader.groups()).all(|number| reader.group(number).expect("a group").is_sorted()));
    assert_eq!(read(&bytes), records);
    assert_eq!(manifest.log_indexes, [(0, 2999)]);
    assert_eq!((manifest.bytes, manifest.events), (bytes.len() as u64, 3000));
    let erased = records
        .iter()
        .filter(|record| Record::parse(record).expect("a record").redacted.is_some());
    assert!(erased.count() > 100);
}

#[test]
fn records_with_gaps_between_them_come_back() {
    let records: Vec<_> = records(2000)
        .into_iter()
        .enumerate()
        .filter(|(at, _)| at % 7 != 3)
        .map(|(_, record)| record)
        .collect();
    let (bytes, manifest) = object(&records, small());
    assert_eq!(read(&bytes), records);
    assert_eq!(manifest.log_indexes[..2], [(0, 2), (4, 9)]);
}

#[test]
fn the_same_records_give_the_same_bytes() {
    let records = records(700);
    assert_eq!(object(&records, small()), object(&records, small()));
    let other = object(&records, Options::default());
    assert_eq!(read(&other.0), records);
    assert_eq!(other.1.root, object(&records, small()).1.root);
}

/// Records that no sealer makes, but somebody with a hex editor does.
#[test]
fn touched_records_come_back_as_they_are() {
    let mut records = records(60);
    let change = |bytes: &mut Vec<u8>, change: &dyn Fn(&mut Record<'_>)| {
        let copy = bytes.clone();
        let mut record = Record::parse(&copy).expect("a record");
        change(&mut record);
        *bytes = written(&record);
    };
    change(&mut records[3], &|record| record.hash[0] ^= 1);
    change(&mut records[8], &|record| record.prev_hash = [9; 32]);
    change(&mut records[15], &|record| record.values = b"not an entry");
    change(&mut records[20], &|record| record.redacted = Some(b"\"\0\0\0\x01\xff"));
    change(&mut records[21], &|record| record.salt = Some(b""));
    change(&mut records[33], &|record| record.redacted = Some(b"x"));
    change(&mut records[34], &|record| record.entry_hash = [1; 32]);
    let copy = records[40].clone();
    let mut values = Record::parse(&copy).expect("a record").values.to_vec();
    let text = values.windows(4).position(|bytes| bytes == b"user").expect("a text");
    values[text] = 0xff;
    change(&mut records[40], &|record| record.values = &[]);
    let copy = records[40].clone();
    records[40] = written(&Record {
        values: &values,
        ..Record::parse(&copy).expect("a record")
    });
    for options in [small(), Options::default()] {
        assert_eq!(read(&object(&records, options).0), records);
    }
}

#[test]
fn what_is_no_part_of_the_object_is_refused_and_changes_nothing() {
    let records = records(10);
    let mut writer = ObjectWriter::new(Vec::new(), placement(), small()).expect("options");
    writer.push(&records[4]).expect("the first");
    assert!(matches!(writer.push(&records[4]), Err(WriteError::Order(4))));
    assert!(matches!(writer.push(&records[3]), Err(WriteError::Order(3))));
    assert!(matches!(writer.push(b"no record"), Err(WriteError::Record(_))));
    let mut other = placement();
    other.day = other.day.succ_opt().expect("a day");
    let mut of_tomorrow = ObjectWriter::new(Vec::new(), other, small()).expect("options");
    let refused = of_tomorrow.push(&records[4]).expect_err("of today");
    assert_eq!(
        refused.to_string(),
        "the event at log_index 4 is of 2026-03-10, the object is of 2026-03-11"
    );
    assert!(matches!(of_tomorrow.finish(), Err(WriteError::Empty)));
    let beyond = record_of(u64::MAX, GENESIS, b"pgal\x01");
    assert!(matches!(writer.push(&beyond), Err(WriteError::Place(u64::MAX))));
    writer.push(&records[5]).expect("the next");
    let (bytes, manifest) = writer.finish().expect("an object");
    assert_eq!(manifest.log_indexes, [(4, 5)]);
    assert_eq!(read(&bytes.into()), records[4..6]);
    for row_group_bytes in [0, usize::MAX] {
        let options = Options {
            row_group_bytes,
            level: 3,
        };
        assert!(ObjectWriter::new(Vec::new(), placement(), options).is_err());
    }
}

#[test]
fn an_object_is_full_when_its_certificate_would_be() {
    let mut writer = ObjectWriter::new(Vec::new(), placement(), Options::default()).expect("options");
    for at in 0..MAX_RANGES as u64 {
        writer.push(&record_of(2 * at, GENESIS, b"pgal\x01")).expect("room");
    }
    let last = 2 * MAX_RANGES as u64 - 2;
    assert!(matches!(
        writer.push(&record_of(last + 2, GENESIS, b"pgal\x01")),
        Err(WriteError::Full)
    ));
    writer
        .push(&record_of(last + 1, GENESIS, b"pgal\x01"))
        .expect("it makes no range");
    let (_, manifest) = writer.finish().expect("an object");
    assert_eq!(manifest.log_indexes.len(), MAX_RANGES);
    assert_eq!(manifest.first_timestamp, None, "no event has a time");
}

/// A value for each column, or none.
fn any_value(kind: Kind) -> BoxedStrategy<Option<Owned>> {
    let hostile = prop_oneof![
        any::<String>(),
        Just(String::new()),
        "[\\x00-\\x1f'\"\\\\<>&;=\\u{85}\\u{2028}\\u{202e}]{1,6}",
    ];
    let value = match kind {
        // of the day of the object
        Kind::Time => (1_773_100_800_000_000i64..1_773_187_200_000_000)
            .prop_map(Owned::Int)
            .boxed(),
        Kind::Int => any::<i64>().prop_map(Owned::Int).boxed(),
        Kind::Text => hostile.prop_map(Owned::Text).boxed(),
        Kind::Inet => prop_oneof![
            (0u8..=32, any::<[u8; 4]>()).prop_map(|(bits, address)| Owned::Inet(bits, address.to_vec())),
            (0u8..=128, any::<[u8; 16]>()).prop_map(|(bits, address)| Owned::Inet(bits, address.to_vec())),
            (0u8..=128, any::<[u8; 4]>())
                .prop_map(|(bits, end)| Owned::Inet(bits, [&[0; 10][..], &[0xff; 2], &end].concat())),
            (0u8..=128, any::<[u8; 4]>()).prop_map(|(bits, end)| Owned::Inet(bits, [&[0; 12][..], &end].concat())),
        ]
        .boxed(),
        Kind::TextArray => prop::collection::vec(hostile, 0..4).prop_map(Owned::List).boxed(),
        Kind::Json => any_json().prop_map(Owned::Json).boxed(),
    };
    prop::option::weighted(0.4, value).boxed()
}

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        "-?[1-9][0-9]{0,39}(\\.[0-9]{1,40})?".prop_map(Json::Number),
        any::<String>().prop_map(Json::String),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::Array),
            prop::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|pairs| Json::Object(pairs.into_iter().collect())),
        ]
    })
}

#[derive(Debug, Clone)]
enum Owned {
    Int(i64),
    Text(String),
    Inet(u8, Vec<u8>),
    List(Vec<String>),
    Json(Json),
}

fn entry(row: &[Option<Owned>]) -> Vec<u8> {
    let nothing = Hiding {
        paths: Some(&[]),
        ..Hiding::default()
    };
    let payload = |value: &Option<Owned>| {
        let mut out = Vec::new();
        match value {
            Some(Owned::List(items)) => text_array(items.iter().map(String::as_bytes), &mut out),
            Some(Owned::Json(json)) => canonical_json(json, "", &nothing, &mut out).expect("nothing is hidden"),
            _ => {}
        }
        out
    };
    let payloads: Vec<_> = row.iter().map(payload).collect();
    let values: Values<'_> = std::array::from_fn(|at| match &row[at] {
        None => Value::Null,
        Some(Owned::Int(number)) => Value::Int(*number),
        Some(Owned::Text(text)) => Value::Text(text.as_bytes()),
        Some(Owned::Inet(bits, address)) => Value::Inet(*bits, address),
        Some(Owned::List(_)) => Value::TextArray(&payloads[at]),
        Some(Owned::Json(_)) => Value::Json(&payloads[at]),
    });
    let mut out = Vec::new();
    encode_entry(&values, &nothing, &mut out).expect("nothing is hidden");
    out
}

fn any_entry() -> impl Strategy<Value = Vec<u8>> {
    let columns: Vec<_> = COLUMNS.iter().map(|column| any_value(column.kind)).collect();
    columns.prop_map(|row| entry(&row))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_event_comes_back_without_raw(
        entries in prop::collection::vec((any_entry(), 1u64..3, prop::option::of(any::<[u8; 16]>())), 1..12),
        row_group_bytes in 1usize..6000,
    ) {
        let mut index = 0;
        let mut previous = GENESIS;
        let records: Vec<_> = entries.iter().map(|(values, step, salt)| {
            index += step;
            let bytes = record_of(index, previous, values);
            let record = Record { salt: salt.as_ref().map(|salt| &salt[..]), ..Record::parse(&bytes).expect("a record") };
            previous = record.hash;
            written(&record)
        }).collect();
        let (bytes, manifest) = object(&records, Options { row_group_bytes, level: 1 });
        prop_assert_eq!(read(&bytes), records);
        prop_assert_eq!(manifest.events, entries.len() as u64);
        // what can be told by columns is not kept twice
        prop_assert_eq!(values_of("raw", &bytes), 0);
    }
}

/// How many values a column has.
fn values_of(name: &str, object: &bytes::Bytes) -> u64 {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    let file = SerializedFileReader::new(object.clone()).expect("an object");
    let groups = file.metadata().row_groups().iter();
    groups
        .map(|group| {
            let column = group
                .columns()
                .iter()
                .find(|column| column.column_path().string() == name)
                .expect("a column");
            let pages = file_pages(&file, group.ordinal().expect("numbered") as usize, name);
            assert!(column.num_values() >= 0);
            pages
        })
        .sum()
}

fn file_pages(file: &parquet::file::reader::SerializedFileReader<bytes::Bytes>, group: usize, name: &str) -> u64 {
    use parquet::column::reader::ColumnReader;
    use parquet::file::reader::FileReader;
    let group = file.get_row_group(group).expect("a group");
    let columns = group.metadata().columns();
    let at = columns
        .iter()
        .position(|column| column.column_path().string() == name)
        .expect("a column");
    let ColumnReader::ByteArrayColumnReader(mut reader) = group.get_column_reader(at).expect("a column") else {
        panic!("{name} has no bytes")
    };
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    while reader
        .read_records(1000, Some(&mut levels), None, &mut values)
        .expect("values")
        .0
        > 0
    {}
    values.len() as u64
}
