//! AWS Security Lake, with moto for its bucket: what is there is read back by the library's own reader, and by pyarrow and
//! DuckDB if they are installed (`AUDITLOG_PYTHON` names a python that has them).

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::Command;
use std::sync::{Arc, Mutex};

use parquet::basic::Compression;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::{Field, Row, RowAccessor as _};
use serde_json::{Value, json};

use crate::support::{Event, NOW, Safe, Web, answer, assert_all, failure, link, refused, sink, stream};

const DAY: i64 = 86_400_000_000;

/// An event as in the reference: Datastore Activity of OCSF 1.3.0, with the time of its index.
fn event(index: u64, class: u32, shift: i64) -> Event {
    let time = NOW + shift;
    let body = json!({
        "category_uid": class / 1_000, "category_name": "Application Activity", "class_uid": class, "activity_id": 2,
        "activity_name": "Update", "type_uid": class * 100 + 2, "severity_id": 1, "severity": "Informational", "status_id": 1,
        "time": time / 1_000,
        "metadata": {
            "version": "1.3.0", "uid": format!("main:{index}"), "sequence": index, "log_name": "main", "labels": ["a", "ü"],
            "product": {"name": "pg_auditlog", "vendor_name": "Example", "version": "0.1.0"},
        },
        "actor": {"user": {"name": "alice", "type_id": 1, "groups": [{"name": "g1"}, {"name": "g2", "uid": "2"}]}, "app_name": "psql"},
        "src_endpoint": {"ip": "10.0.0.5", "port": 55_123},
        "database": {"name": "app", "type_id": 1}, "table": {"name": "public.orders", "uid": "16402"}, "type_id": 3,
        "query_info": {"query_string": "UPDATE orders SET x=1", "uid": "42"},
        "unmapped": {"entry_hash": "ff", "rows": 3},
        "brand_new": {"x": 1},
    });
    Event {
        index,
        time,
        class,
        body: body.to_string().into_bytes(),
    }
}

type Objects = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

/// A bucket, and the sink that leads there.
fn bucket() -> (Web, Objects, sink::Directory, Value) {
    let objects = Objects::default();
    let own = objects.clone();
    let web = Web::new(move |request| {
        let path = request
            .line
            .strip_prefix("PUT /lake/")
            .unwrap()
            .strip_suffix(" HTTP/1.1")
            .unwrap();
        assert_eq!(request.header("if-none-match"), Some("*"));
        let signed = "AWS4-HMAC-SHA256 Credential=AKID/";
        assert!(request.header("authorization").unwrap().starts_with(signed));
        own.lock()
            .unwrap()
            .insert(path.replace("%3D", "="), request.body.clone());
        answer("200 OK", "", "")
    });
    let directory = sink::Directory::new();
    let config = json!({
        "account_id": "123456789012", "region": "us-east-1", "s3_bucket": "lake", "endpoint": web.url(""),
        "credentials_file": directory.file("c", "[default]\naws_access_key_id = AKID\naws_secret_access_key = s\n"),
    });
    (web, objects, directory, config)
}

fn rows(bytes: &[u8]) -> Vec<Row> {
    let reader = SerializedFileReader::new(bytes::Bytes::copy_from_slice(bytes)).unwrap();
    reader.get_row_iter(None).unwrap().map(Result::unwrap).collect()
}

/// A row as text, and the value of a column by its path.
fn column<'a>(row: &'a Row, path: &str) -> &'a Field {
    let mut names = path.split('.');
    let first = names.next().unwrap();
    let mut field = row.get_column_iter().find(|(name, _)| *name == first).unwrap().1;
    for name in names {
        let Field::Group(group) = field else {
            panic!("{path}: {field}")
        };
        field = group.get_column_iter().find(|(found, _)| *found == name).unwrap().1;
    }
    field
}

#[test]
fn objects_have_one_class_and_one_day_in_the_order_of_time() {
    let (_web, objects, _directory, config) = bucket();
    let batch = [
        event(10, 6005, 5_000_000),
        event(11, 6005, 1_000_000),
        event(12, 3002, 2_000_000),
        event(13, 6005, DAY),
        event(14, 6005, 3_000_000),
    ];
    assert_all(&Safe::new().once(&mut link("aws_security_lake", &config), &batch), 5);
    let objects = objects.lock().unwrap();
    let names: Vec<&str> = objects.keys().map(String::as_str).collect();
    let expected = [
        "ext/pg_auditlog_3002/region=us-east-1/accountId=123456789012/eventDay=20251122/00000000000000000012-00000000000000000012-",
        "ext/pg_auditlog_6005/region=us-east-1/accountId=123456789012/eventDay=20251122/00000000000000000010-00000000000000000014-",
        "ext/pg_auditlog_6005/region=us-east-1/accountId=123456789012/eventDay=20251123/00000000000000000013-00000000000000000013-",
    ];
    assert_eq!(names.len(), 3, "{names:?}");
    for (name, expected) in names.iter().zip(expected) {
        assert!(name.starts_with(expected) && name.ends_with(".zst.parquet"), "{name}");
    }
    let found: Vec<i64> = rows(&objects[names[1]])
        .iter()
        .map(|row| match column(row, "metadata.sequence") {
            Field::Long(sequence) => *sequence,
            other => panic!("{other}"),
        })
        .collect();
    assert_eq!(found, [11, 14, 10]);
}

#[test]
fn a_row_has_what_its_event_has() {
    let (_web, objects, _directory, config) = bucket();
    let mut without = event(1, 6005, 0);
    let mut body: Value = serde_json::from_slice(&without.body).unwrap();
    let fields = body.as_object_mut().unwrap();
    for name in ["actor", "unmapped", "brand_new", "table"] {
        fields.remove(name);
    }
    fields["metadata"]["labels"] = json!([]);
    fields["src_endpoint"]["port"] = json!("none");
    without.body = body.to_string().into_bytes();
    let batch = [event(0, 6005, 0), without];
    assert_all(&Safe::new().once(&mut link("aws_security_lake", &config), &batch), 2);
    let objects = objects.lock().unwrap();
    let rows = rows(objects.values().next().unwrap());
    let text = |row: usize, path: &str| column(&rows[row], path).to_string();
    assert_eq!(text(0, "class_uid"), "6005");
    assert_eq!(text(0, "type_uid"), "600502");
    assert_eq!(text(0, "time"), (NOW / 1_000).to_string());
    assert_eq!(text(0, "metadata.labels"), r#"["a", "ü"]"#);
    assert_eq!(text(0, "actor.user.name"), r#""alice""#);
    let groups = text(0, "actor.user.groups");
    assert!(
        groups.contains("name: \"g1\", uid: null") && groups.contains("name: \"g2\", uid: \"2\""),
        "{groups}"
    );
    assert_eq!(text(0, "src_endpoint.port"), "55123");
    assert_eq!(text(0, "query_info.query_string"), r#""UPDATE orders SET x=1""#);
    assert_eq!(
        text(0, "unmapped"),
        r#"{"entry_hash" -> "ff", "rows" -> "3", "brand_new" -> "{"x":1}"}"#
    );
    assert_eq!(text(1, "actor"), "null");
    assert_eq!(text(1, "table"), "null");
    assert_eq!(text(1, "metadata.labels"), "[]");
    assert_eq!(text(1, "src_endpoint.port"), "null");
    assert_eq!(text(1, "src_endpoint.ip"), r#""10.0.0.5""#);
    assert_eq!(text(1, "unmapped"), r#"{"src_endpoint.port" -> "none"}"#);
    assert_eq!(
        rows[1].get_string(column_at(&rows[1], "activity_name")).unwrap(),
        "Update"
    );
}

fn column_at(row: &Row, name: &str) -> usize {
    row.get_column_iter().position(|(found, _)| found == name).unwrap()
}

#[test]
fn files_are_as_the_lake_wants_them() {
    let (_web, objects, _directory, config) = bucket();
    let many: Vec<Event> = (0..6_000)
        .map(|index| {
            let mut event = event(index, 6005, 0);
            let mut body: Value = serde_json::from_slice(&event.body).unwrap();
            body["query_info"]["query_string"] = json!(format!("select {index} {}", "x".repeat(3_000)));
            event.body = body.to_string().into_bytes();
            event
        })
        .collect();
    assert_all(&Safe::new().once(&mut link("aws_security_lake", &config), &many), 6_000);
    let objects = objects.lock().unwrap();
    let bytes = objects.values().next().unwrap();
    let reader = SerializedFileReader::new(bytes::Bytes::copy_from_slice(bytes)).unwrap();
    let group = reader.get_row_group(0).unwrap();
    assert_eq!(reader.num_row_groups(), 2);
    assert_eq!(rows(bytes).len(), 6_000);
    for number in 0..group.num_columns() {
        assert!(matches!(
            group.metadata().column(number).compression(),
            Compression::ZSTD(_)
        ));
        let mut pages = group.get_column_page_reader(number).unwrap();
        while let Some(page) = pages.get_next_page().unwrap() {
            assert!(page.buffer().len() <= 1 << 20, "{} bytes", page.buffer().len());
        }
    }
    let bodies: usize = many.iter().map(|event| event.body.len()).sum();
    assert!(bytes.len() * 10 < bodies, "{} {bodies}", bytes.len());
}

#[test]
fn what_is_no_event_of_its_class_is_given_up() {
    let (_web, objects, _directory, config) = bucket();
    let good = event(0, 6005, 0);
    let with = |name: &str, value: Value| {
        let mut body: Value = serde_json::from_slice(&good.body).unwrap();
        body[name] = value;
        Event {
            body: body.to_string().into_bytes(),
            ..good.clone()
        }
    };
    let batch = [
        good.clone(),
        Event::with_body(1, "CEF:0|"),
        with("time", Value::Null),
        with("severity_id", json!("high")),
        with("class_uid", json!(3002)),
        with("metadata", json!(1)),
        event(6, 6005, 0),
    ];
    let sent = Safe::new().deliver(&mut link("aws_security_lake", &config), &batch);
    assert_eq!((sent.delivered, sent.outcome.label()), (7, "delivered"), "{sent:?}");
    let given_up: Vec<usize> = sent.rejected.iter().map(|rejected| rejected.index).collect();
    assert_eq!(given_up, [1, 2, 3, 4, 5]);
    assert!(sent.rejected[1].reason.contains("«time»"));
    let count: usize = objects.lock().unwrap().values().map(|bytes| rows(bytes).len()).sum();
    assert_eq!(count, 2);
}

#[test]
fn configurations_are_checked() {
    let config = |more: Value| {
        let mut config =
            json!({"account_id": "123456789012", "region": "us-east-1", "s3_bucket": "lake", "credentials_file": "/c"});
        config
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        config
    };
    let found = stream("aws_security_lake", &config(json!({})));
    assert_eq!((found.default_format(), found.only_format()), ("ocsf", Some("ocsf")));
    assert_eq!(found.limits().max_age.as_secs(), 300);
    assert_eq!(found.hosts(), ["lake.s3.us-east-1.amazonaws.com"]);
    for account in ["external", "external_cloudpi"] {
        stream("aws_security_lake", &config(json!({"account_id": account})));
    }
    for account in ["1234", "externals", "external_", "../x"] {
        assert!(
            refused("aws_security_lake", &config(json!({"account_id": account})))
                .0
                .contains("account_id")
        );
    }
    assert!(
        refused("aws_security_lake", &config(json!({"source_name": "a/b"})))
            .0
            .contains("source_name")
    );
    assert!(
        refused("aws_security_lake", &config(json!({"source_names": {"x": "y"}})))
            .1
            .contains("6005")
    );
    assert!(
        refused("aws_security_lake", &json!({"region": "us-east-1"}))
            .0
            .contains("account_id")
    );
    let error = failure(
        &Safe::new().once(&mut link("aws_security_lake", &config(json!({}))), &[event(0, 6005, 0)]),
        "pause",
    );
    assert!(error.message.contains("credentials file"), "{error}");
}

const SCRIPT: &str = r#"
import sys, json, pyarrow.parquet as pq, duckdb
t = pq.read_table(sys.argv[1])
r = t.to_pylist()[0]
q = duckdb.sql(f"select class_uid, metadata.uid, actor.user.name, actor.user.groups[2].uid, unmapped['entry_hash'], metadata.labels[2] from '{sys.argv[1]}'").fetchall()
print(json.dumps([t.num_rows, r["metadata"]["product"]["vendor_name"], [g["name"] for g in r["actor"]["user"]["groups"]], dict(r["unmapped"]), q], ensure_ascii=False))
"#;

#[test]
fn other_engines_read_it() {
    let (_web, objects, directory, config) = bucket();
    assert_all(
        &Safe::new().once(&mut link("aws_security_lake", &config), &[event(7, 6005, 0)]),
        1,
    );
    let file = directory.file("a.parquet", objects.lock().unwrap().values().next().unwrap());
    let python = std::env::var("AUDITLOG_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let output = Command::new(&python).args(["-c", SCRIPT, &file]).output();
    let found = output.as_ref().ok().filter(|output| output.status.success());
    let Some(found) = found else {
        let missing = output
            .as_ref()
            .is_ok_and(|output| !String::from_utf8_lossy(&output.stderr).contains("ModuleNotFound"));
        assert!(!missing, "{output:?}");
        let _ = writeln!(std::io::stderr(), "skipped: {python} has no pyarrow and duckdb");
        return;
    };
    let found: Value = serde_json::from_slice(&found.stdout).unwrap();
    assert_eq!(
        found,
        json!([
            1, "Example", ["g1", "g2"], {"entry_hash": "ff", "rows": "3", "brand_new": "{\"x\":1}"},
            [[6005, "main:7", "alice", "2", "ff", "ü"]],
        ])
    );
}
