//! The golden vectors: the implementation gives exactly the bytes that were published.

mod support;

use auditlog_core::chain::{GENESIS, entry_hash, link_hash};
use serde_json::Value;
use support::vectors::{FILE, entry, hex, unhex};

fn file() -> Value {
    serde_json::from_str(&std::fs::read_to_string(FILE).expect("the vectors are in the repository")).expect("JSON")
}

#[test]
fn entries_are_those_of_the_vectors() {
    let file = file();
    let cases = file["cases"].as_array().expect("a list");
    assert!(cases.len() >= 40, "only {} cases", cases.len());
    for case in cases {
        let bytes = entry(case);
        assert_eq!(
            hex(&bytes),
            case["entry"].as_str().expect("text"),
            "entry of «{}»",
            case["name"]
        );
        assert_eq!(
            hex(&entry_hash(&bytes)),
            case["entry_hash"].as_str().expect("text"),
            "{}",
            case["name"]
        );
    }
}

#[test]
fn entries_after_erasure_are_those_before() {
    let file = file();
    let cases = file["cases"].as_array().expect("a list");
    let pairs: Vec<_> = cases
        .iter()
        .filter_map(|case| Some((case, case.get("same_entry_as")?)))
        .collect();
    assert_eq!(pairs.len(), 3);
    for (case, earlier) in pairs {
        let earlier = cases
            .iter()
            .find(|case| case["name"] == *earlier)
            .expect("the case before erasure");
        assert_eq!(entry(case), entry(earlier));
    }
}

#[test]
fn links_are_those_of_the_vectors() {
    let file = file();
    let links = file["chain"].as_array().expect("a list");
    assert_eq!(links.len(), 10);
    let mut prev = GENESIS;
    for (index, link) in (0..).zip(links) {
        assert_eq!(hex(&prev), link["prev_hash"].as_str().expect("text"));
        let entry: [u8; 32] = unhex(link["entry_hash"].as_str().expect("text"))
            .try_into()
            .expect("32 bytes");
        prev = link_hash(&prev, &entry, index);
        assert_eq!(hex(&prev), link["hash"].as_str().expect("text"));
    }
}
