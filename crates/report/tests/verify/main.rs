//! Reports that were changed: what is found with the proof, and what is found without.

mod samples;

use std::collections::BTreeSet;

use auditlog_bundle::Record;
use auditlog_core::json::Json;
use auditlog_core::personal::DEFAULT_PATHS;
use auditlog_report::files::{Files, from_json, sha256, to_json};
use auditlog_report::model::Report;
use auditlog_report::synthetic::{SEALED_AT, Synthetic};
use auditlog_report::verify::{Given, Pages, Trust, Verified, verify};
use auditlog_tlog::VerifierKey;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// A report with its files and the proof.
struct Setup {
    synthetic: Synthetic,
    keys: Vec<VerifierKey>,
    files: Files,
    proof: Vec<u8>,
}

impl Setup {
    fn new() -> Self {
        let synthetic = Synthetic::new(4);
        let files = Files::of(&synthetic.report).expect("files");
        let proof = synthetic.seal(&files, None).to_json();
        let keys = vec![synthetic.vkey()];
        Self {
            synthetic,
            keys,
            files,
            proof,
        }
    }

    fn trust(&self) -> Trust<'_> {
        Trust {
            keys: &self.keys,
            policy: None,
            render: None,
        }
    }

    /// All files, and the proof of the genuine report if asked for.
    fn verify(&self, files: &Files, sealed: bool) -> Verified {
        let given = Given {
            json: &files.json,
            csv: Some(&files.csv),
            manifest: Some(&files.manifest),
            pdf: None,
            proof: sealed.then_some(&self.proof[..]),
        };
        verify(&given, &self.trust())
    }

    /// What a forger who rewrites all files makes of a report.
    fn forged(&self, change: impl FnOnce(&mut Report)) -> Verified {
        let mut report = self.synthetic.report.clone();
        change(&mut report);
        self.verify(&Files::of(&report).expect("files"), false)
    }

    /// The same, and something of this kind and wording is found.
    fn found(&self, kind: &str, words: &str, change: impl FnOnce(&mut Report)) {
        let verified = self.forged(change);
        let found = verified
            .findings
            .iter()
            .any(|finding| finding.kind == kind && finding.detail.contains(words));
        assert!(found, "{kind} «{words}»: {:?}", verified.findings);
    }
}

#[test]
fn a_genuine_report_is_verified_and_sealed() {
    let setup = Setup::new();
    let verified = setup.verify(&setup.files, true);
    assert_eq!(verified.findings, [], "{}", verified.text());
    assert!(verified.is_sealed());
    assert_eq!((verified.samples, verified.samples_proven), (16, 16));
    assert_eq!(verified.sealed_at, Some(SEALED_AT));
    assert!(
        verified
            .text()
            .ends_with("the report that the log has sealed in its event 310\n"),
        "{}",
        verified.text()
    );
    assert_eq!(verified.json()["sealed"], true);

    let verified = setup.verify(&setup.files, false);
    assert!(verified.fits() && !verified.is_sealed());
    let text = verified.text();
    assert!(text.contains("not sealed: without a proof"), "{text}");
    assert!(text.contains("no proof was given"), "{text}");

    // the JSON and the proof are enough
    let proof = Some(&setup.proof[..]);
    let given = Given {
        proof,
        ..Given::json(&setup.files.json)
    };
    let verified = verify(&given, &setup.trust());
    assert!(verified.is_sealed(), "{}", verified.text());
    assert!(verified.not_checked.iter().any(|open| open.starts_with("report.csv")));
    // and the files alone say what they can
    let verified = verify(&Given::json(&setup.files.json), &setup.trust());
    assert!(
        verified.fits() && verified.not_checked.len() >= 4,
        "{}",
        verified.text()
    );
}

/// Changes a leaf of JSON a little, so that it stays of its type.
fn change(value: &mut Value) {
    *value = match value.take() {
        Value::Null => json!(1),
        Value::Bool(value) => json!(!value),
        Value::Number(number) => match number.as_u64() {
            Some(number) => json!(number + 1),
            None => json!(number.as_f64().expect("a number") + 1.0),
        },
        Value::String(text) => match text.chars().last() {
            // stays hexadecimal, base64 and a moment
            Some('1') => json!(format!("{}2", &text[..text.len() - 1])),
            Some('0'..='9' | 'a'..='f') => json!(format!("{}1", &text[..text.len() - 1])),
            Some('Z') => json!(text.replacen('5', "4", 1).replacen("00Z", "01Z", 1)),
            _ => json!(format!("{text} ")),
        },
        other => other,
    };
}

fn leaves(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            members
                .iter()
                .for_each(|(key, member)| leaves(member, &format!("{path}/{key}"), found));
        }
        Value::Array(items) if !items.is_empty() => {
            items
                .iter()
                .enumerate()
                .for_each(|(at, item)| leaves(item, &format!("{path}/{at}"), found));
        }
        Value::Object(_) | Value::Array(_) => {}
        _ => found.push(path.to_owned()),
    }
}

/// Is this what a sample shows of a personal value that its record has no more than a commitment to?
fn erased(report: &Value, path: &str) -> bool {
    let Some((item, column)) = path.rsplit_once("/values/") else {
        return false;
    };
    let Some((sample, _)) = item.rsplit_once("/items/") else {
        return false;
    };
    // what is in a value that has several is no personal one
    let Ok(column) = column.parse::<usize>() else {
        return false;
    };
    let column = &report.pointer(sample).expect("a sample")["columns"][column];
    let record = report.pointer(item).expect("an item")["record"]
        .as_str()
        .expect("base64");
    let record = STANDARD.decode(record).expect("base64");
    let record = Record::parse(&record).expect("a record");
    record.salt.is_none() && DEFAULT_PATHS.contains(&column["name"].as_str().expect("a path"))
}

/// A path without the numbers in it.
fn kind(path: &str) -> String {
    let parts = path
        .split('/')
        .map(|part| if part.parse::<u32>().is_ok() { "*" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

/// Every number, text and hash of the JSON is changed, one at a time, by somebody who rewrites the CSV and the manifest, too.
#[test]
fn any_change_is_found_with_the_proof_and_it_is_known_which_ones_are_without() {
    let setup = Setup::new();
    let genuine: Value = serde_json::from_slice(&setup.files.json).expect("JSON");
    let mut paths = Vec::new();
    leaves(&genuine, "", &mut paths);
    assert!(paths.len() > 900, "{}", paths.len());
    let (mut without, mut always) = (BTreeSet::new(), BTreeSet::new());
    for path in &paths {
        let mut changed = genuine.clone();
        change(changed.pointer_mut(path).expect("a leaf"));
        let mut json = serde_json::to_vec_pretty(&changed).expect("JSON");
        json.push(b'\n');
        assert_ne!(json, setup.files.json, "{path}");
        let files = match from_json(&json) {
            Ok(report) => Files::of(&report).expect("files"),
            // no report any more: found by whoever reads it
            Err(_) => Files {
                json,
                ..setup.files.clone()
            },
        };
        let sealed = setup.verify(&files, true);
        assert!(
            !sealed.fits() && !sealed.is_sealed(),
            "{path}: not found with the proof"
        );
        if erased(&genuine, path) {
            // what an erased event showed, nobody can prove: the verification says so
            let verified = setup.verify(&files, false);
            let said = verified
                .not_checked
                .iter()
                .any(|open| open.contains("a commitment to it"));
            assert!(said, "{path}: {:?}", verified.not_checked);
            continue;
        }
        // of the many cells of tables one is enough
        if !without.contains(&kind(path)) && setup.verify(&files, false).fits() {
            without.insert(kind(path));
        } else if !without.contains(&kind(path)) {
            always.insert(kind(path));
        }
    }
    // what nobody can find who has no proof: docs/reports.md lists these
    let unfound: Vec<&str> = without.iter().map(String::as_str).collect();
    let expected = include_str!("../unfound_without_proof.txt");
    assert_eq!(unfound.join("\n") + "\n", expected);
    // no member of a sample may be changed by anybody, but for the labels of its columns
    for path in ["log_index", "entry_hash", "values/*", "record", "proof/*"] {
        let path = format!("/sections/*/sample/items/*/{path}");
        assert!(always.contains(&path) && !without.contains(&path), "{path}");
    }
}

#[test]
fn any_byte_of_csv_and_manifest_is_found() {
    let setup = Setup::new();
    let flip = |bytes: &[u8], at: usize| {
        let mut bytes = bytes.to_vec();
        bytes[at] ^= 1;
        bytes
    };
    for at in 0..setup.files.manifest.len() {
        let manifest = flip(&setup.files.manifest, at);
        let verified = setup.verify(
            &Files {
                manifest,
                ..setup.files.clone()
            },
            at.is_multiple_of(2),
        );
        assert!(!verified.fits() && !verified.is_sealed(), "byte {at} of the manifest");
    }
    for at in (0..setup.files.csv.len()).step_by(97) {
        let csv = flip(&setup.files.csv, at);
        assert!(
            !setup
                .verify(
                    &Files {
                        csv,
                        ..setup.files.clone()
                    },
                    false
                )
                .fits(),
            "byte {at} of the CSV"
        );
    }
    for cut in [&b""[..], b"x"] {
        let csv = [&setup.files.csv[..], cut].concat();
        let csv = if cut.is_empty() {
            csv[..csv.len() - 1].to_vec()
        } else {
            csv
        };
        assert!(
            !setup
                .verify(
                    &Files {
                        csv,
                        ..setup.files.clone()
                    },
                    false
                )
                .fits()
        );
    }
    // each byte of the proof, too: but for white space and the capital letters of its alphabet nothing in it is free
    let step = 13;
    let mut found = 0;
    for at in (0..setup.proof.len()).step_by(step) {
        let proof = flip(&setup.proof, at);
        let given = Given {
            proof: Some(&proof),
            ..Given::json(&setup.files.json)
        };
        found += usize::from(!verify(&given, &setup.trust()).is_sealed());
    }
    assert!(found * 100 > setup.proof.len() / step * 95, "{found}");
}

#[test]
fn a_proof_of_something_else_seals_nothing() {
    let setup = Setup::new();
    let with = |proof: &[u8], keys: &[VerifierKey]| {
        let given = Given {
            proof: Some(proof),
            ..Given::json(&setup.files.json)
        };
        let trust = Trust {
            keys,
            policy: None,
            render: None,
        };
        let verified = verify(&given, &trust);
        assert!(!verified.is_sealed() && !verified.fits(), "{}", verified.text());
        verified
            .findings
            .iter()
            .map(|finding| finding.detail.clone())
            .collect::<Vec<_>>()
            .join("\n")
    };
    // of another report of the same log
    let mut other = setup.synthetic.clone();
    other.report.report_id = 8;
    let files = Files::of(&other.report).expect("files");
    let found = with(&other.seal(&files, None).to_json(), &setup.keys);
    assert!(found.contains("of the report 8"), "{found}");
    // another event of the log
    let found = with(
        &setup.synthetic.seal_with(Json::Object(Vec::new())).to_json(),
        &setup.keys,
    );
    assert!(found.contains("names no manifest"), "{found}");
    // another log with the same name
    let mut forger = setup.synthetic.clone();
    forger.log.key = auditlog_tlog::SigningKey::from_seed(&[9; 32]);
    let found = with(&forger.seal(&setup.files, None).to_json(), &setup.keys);
    assert!(found.contains("not to be believed"), "{found}");
    // a fork of this log, signed by its key
    let mut proof = setup.synthetic.seal(&setup.files, None);
    proof.consistency.as_mut().expect("hashes").pop();
    let found = with(&proof.to_json(), &setup.keys);
    assert!(found.contains("not of one history"), "{found}");
    // without the keys nothing is proven
    let found = with(&setup.proof, &[]);
    assert!(found.contains("not to be believed"), "{found}");
    for bytes in [&b""[..], b"{}", b"[1]", b"\xff"] {
        with(bytes, &setup.keys);
    }
}

#[test]
fn figures_that_do_not_fit_each_other_are_found() {
    let setup = Setup::new();
    assert!(setup.forged(|_| ()).fits());
    setup.found("count", "ends before", |report| {
        report.until = "2020-01-01T00:00:00Z".to_owned()
    });
    setup.found("count", "do not fit into the", |report| report.integrity.events += 1);
    setup.found("count", "do not fit into the", |report| report.integrity.gaps = 1);
    setup.found("count", "in their order", |report| {
        report.integrity.last_log_index = Some(300)
    });
    setup.found("count", "no first and last", |report| {
        report.integrity.first_log_index = None;
        report.integrity.last_log_index = None;
    });
    setup.found("count", "the summary counts", |report| {
        report.summary[0].value = json!(281)
    });
    setup.found("count", "its table has", |report| {
        report.sections[0].tables[1].total += 1
    });
    setup.found("count", "its groups", |report| {
        report.sections[0].metrics[0].value = json!(1)
    });
    setup.found("count", "its groups", |report| {
        report.sections[0].tables[0].rows[0][1] = json!(1)
    });
    setup.found("count", "its sample is of", |report| {
        report.sections[1].metrics[0].value = json!(1000)
    });
    setup.found("count", "exceptions, its table", |report| {
        report.sections[0].metrics[1].value = json!(1)
    });
    setup.found("count", "exceptions", |report| {
        report.sections[0].tables[1].exceptions = 5000
    });
    setup.found("count", "names more events", |report| {
        report.sections[0].findings[0].count = 1
    });
    setup.found("count", "result", |report| {
        report.sections[0].result = auditlog_report::model::Outcome::Clean
    });
    setup.found("count", "no id of its own", |report| {
        report.sections[0].id = "report".to_owned()
    });
    setup.found("count", "no id of its own", |report| {
        report.sections[0].id = "CC6.6".to_owned()
    });
    setup.found("count", "for each of its labels", |report| {
        drop(report.charts[0].x.pop())
    });
    setup.found("count", "for each column", |report| {
        drop(report.sections[0].tables[0].rows[0].pop())
    });
    setup.found("count", "there twice", |report| {
        report.sections[0].tables[0].name = "rows".to_owned()
    });
    setup.found("count", "a figure twice", |report| {
        report.summary[1].name = "events".to_owned()
    });
    setup.found("checkpoint", "covers 300 events", |report| {
        report.integrity.log_size = 400
    });
    setup.found("checkpoint", "nothing ties it", |report| {
        report.integrity.checkpoint = None
    });
    setup.found("checkpoint", "not to be believed", |report| {
        let mut other = setup.synthetic.log.clone();
        other.key = auditlog_tlog::SigningKey::from_seed(&[9; 32]);
        report.integrity.checkpoint = Some(other.sign(300, [1; 32]).to_string());
    });
    setup.found("sample", "head_hash", |report| {
        // only the log's last event has the head's hash in it
        let sample = report.sections[0].sample.as_ref().expect("a sample");
        report.integrity.log_size = sample.items.last().expect("an event").log_index + 1;
    });
}

#[test]
fn pages_are_laid_out_again_or_vouched_for_by_the_log() {
    let setup = Setup::new();
    let render = |report: &Report| Ok(to_json(report).into_iter().rev().collect::<Vec<u8>>());
    let other = |_: &Report| Ok(b"another layout".to_vec());
    let broken = |_: &Report| Err("no font".to_owned());
    let pdf = render(&setup.synthetic.report).expect("pages");
    let sealed = setup.synthetic.seal(&setup.files, Some(&pdf)).to_json();
    let with = |pdf: &[u8], render: Option<auditlog_report::verify::Render<'_>>, proof: Option<&[u8]>| {
        let given = Given {
            pdf: Some(pdf),
            proof,
            ..Given::json(&setup.files.json)
        };
        verify(
            &given,
            &Trust {
                render,
                ..setup.trust()
            },
        )
    };
    assert_eq!(with(&pdf, Some(&render), None).pages, Some(Pages::Same));
    assert_eq!(with(&pdf, Some(&render), Some(&sealed)).pages, Some(Pages::Same));
    // another version lays it out in another way: the log vouches for the pages
    let verified = with(&pdf, Some(&other), Some(&sealed));
    assert!(verified.is_sealed());
    assert_eq!(verified.pages, Some(Pages::Sealed));
    assert!(!with(&pdf, Some(&other), None).fits());
    assert!(!with(&pdf, Some(&broken), None).fits());
    let verified = with(&pdf, None, None);
    assert!(
        verified.fits() && verified.text().contains("that the pages of the PDF say"),
        "{}",
        verified.text()
    );
    // one byte
    let mut changed = pdf.clone();
    changed[100] ^= 1;
    assert!(!with(&changed, Some(&render), None).fits());
    let verified = with(&changed, None, Some(&sealed));
    assert!(
        !verified.fits() && verified.findings[0].detail.contains("another file as pdf"),
        "{}",
        verified.text()
    );
    assert_eq!(
        sha256(b""),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
}
