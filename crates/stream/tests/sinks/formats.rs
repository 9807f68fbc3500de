//! Events as `auditlog-format` writes them (its golden files), through the sinks that look into them.

use std::collections::BTreeMap;

use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Field;
use serde_json::Value;

use crate::lake::bucket;
use crate::support::hec::{Hec, State};
use crate::support::{Event, Safe, assert_all, link};

const OCSF: &str = include_str!("../../../format/tests/golden/ocsf.txt");
const SYSLOG: &str = include_str!("../../../format/tests/golden/syslog.txt");
const CEF: &str = include_str!("../../../format/tests/golden/cef.txt");

fn lines(text: &str) -> Vec<Event> {
    let lines = text.lines().filter(|line| !line.is_empty());
    (0..)
        .zip(lines)
        .map(|(index, line)| Event::with_body(index, line))
        .collect()
}

#[test]
fn every_attribute_of_ours_has_its_column() {
    let mut events = lines(OCSF);
    let mut expected = BTreeMap::new();
    for event in &mut events {
        let body: Value = serde_json::from_slice(&event.body).unwrap();
        event.class = u32::try_from(body["class_uid"].as_u64().unwrap()).unwrap();
        let unmapped = body["unmapped"].as_object().unwrap().iter();
        let texts: BTreeMap<String, String> = unmapped
            .map(|(name, value)| (name.clone(), value.as_str().expect("a text").to_owned()))
            .collect();
        expected.insert(body["metadata"]["uid"].as_str().unwrap().to_owned(), texts);
    }
    assert!(events.len() >= 10, "{}", events.len());
    let (_web, objects, _directory, config) = bucket();
    assert_all(
        &Safe::new().once(&mut link("aws_security_lake", &config), &events),
        events.len(),
    );
    let mut found = BTreeMap::new();
    for bytes in objects.lock().unwrap().values() {
        let reader = SerializedFileReader::new(bytes::Bytes::copy_from_slice(bytes)).unwrap();
        for row in reader.get_row_iter(None).unwrap() {
            let row = row.unwrap();
            let columns: BTreeMap<_, _> = row
                .get_column_iter()
                .map(|(name, field)| (name.as_str(), field))
                .collect();
            let Field::Group(metadata) = columns["metadata"] else {
                panic!()
            };
            let uid = metadata.get_column_iter().find(|(name, _)| *name == "uid").unwrap().1;
            let Field::MapInternal(map) = columns["unmapped"] else {
                panic!("{}", columns["unmapped"])
            };
            let text = |field: &Field| match field {
                Field::Str(text) => text.clone(),
                other => panic!("{other}"),
            };
            let pairs: BTreeMap<String, String> = map
                .entries()
                .iter()
                .map(|(name, value)| (text(name), text(value)))
                .collect();
            found.insert(text(uid), pairs);
        }
    }
    assert_eq!(found, expected);
}

#[test]
fn messages_of_ours_go_as_they_are() {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = format!("udp://{}", socket.local_addr().unwrap());
    let events = lines(SYSLOG);
    let mut link = link("syslog", &serde_json::json!({"address": address, "max_bytes": 8192}));
    assert_all(&Safe::new().once(&mut link, &events), events.len());
    let mut buffer = [0; 16_384];
    for event in &events {
        let length = socket.recv(&mut buffer).unwrap();
        assert_eq!(buffer[..length], event.body[..]);
    }
}

#[test]
fn lines_become_texts_for_splunk() {
    let hec = Hec::new(State::default());
    let events = lines(CEF);
    assert_all(
        &Safe::new().once(&mut link("splunk_hec", &hec.config()), &events),
        events.len(),
    );
    for (received, event) in hec.state().received.iter().zip(&events) {
        assert_eq!(received["event"].as_str().unwrap().as_bytes(), event.body);
    }
}
