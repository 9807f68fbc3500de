//! `auditlog verify` of archives.

mod support;

use std::fs;
use std::path::PathBuf;

use auditlog_archive::{Manifest, Name, ObjectWriter, Options, Placement};
use auditlog_bundle::synthetic::{Log, Plan};
use auditlog_core::chain::GENESIS;
use auditlog_tlog::Frontier;
use chrono::NaiveDate;
use support::{auditlog, code, stderr, stdout};
use tempfile::TempDir;

/// An archive of 600 events in three objects, each with a signed manifest.
struct Setup {
    folder: TempDir,
    log: Log,
    manifests: Vec<Manifest>,
}

impl Setup {
    fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        let log = Log::new(4);
        let plan = Plan {
            size: 600,
            ..Plan::default()
        };
        let mut tree = Frontier::new();
        let (mut previous, mut manifests) = (GENESIS, Vec::new());
        for part in 0..3 {
            let placement = Placement {
                origin: log.origin.clone(),
                retention_class: "default".to_owned(),
                day: NaiveDate::from_ymd_opt(2026, 3, 10).expect("a day"),
            };
            let mut writer = ObjectWriter::new(Vec::new(), placement, Options::default()).expect("options");
            for index in part * 200..(part + 1) * 200 {
                let (bytes, leaf, hash) = log.record(index, previous, &log.row_of(index, &plan));
                writer.push(&bytes).expect("a record");
                tree.push(leaf);
                previous = hash;
            }
            let (object, mut manifest) = writer.finish().expect("an object");
            manifest.checkpoint = Some(log.sign(tree.size(), tree.root()).to_string());
            let name = Name::of(&manifest);
            let signed = manifest.clone().sign(&log.key).expect("signed");
            let setup = |path: String, bytes: &[u8]| {
                let path = folder.path().join(path);
                fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
                fs::write(path, bytes).expect("a file");
            };
            setup(name.object(), &object);
            setup(name.manifest(), signed.file().expect("a file").as_bytes());
            manifests.push(manifest);
        }
        Self { folder, log, manifests }
    }

    fn target(&self) -> String {
        self.folder.path().display().to_string()
    }

    fn verify(&self, more: &[&str]) -> std::process::Output {
        let key = self.log.vkey().to_string();
        auditlog(&[&["verify", &self.target(), "--key", &key], more].concat())
    }

    fn object(&self, number: usize) -> PathBuf {
        self.folder.path().join(Name::of(&self.manifests[number]).object())
    }
}

#[test]
fn an_archive_proves_itself() {
    let setup = Setup::new();
    let output = setup.verify(&[]);
    let text = stdout(&output);
    assert_eq!(code(&output), 0, "{text}{}", stderr(&output));
    assert!(text.starts_with("PROVEN: 600 events in 3 objects"), "{text}");
    assert!(text.contains("3 of 3 manifests have a signed checkpoint"), "{text}");
    let url = format!("file://{}", setup.target());
    let key = setup.log.vkey().to_string();
    let output = auditlog(&["verify", &url, "--key", &key, "--json"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(
        (&json["verdict"], &json["events"], &json["objects"]),
        (&"proven".into(), &600.into(), &3.into())
    );
    assert!(json["redacted"].as_u64().expect("a number") > 10);
    assert_eq!(json["signed_by"][0], key);
}

#[test]
fn what_was_done_to_an_archive_is_named() {
    let setup = Setup::new();
    let mut bytes = fs::read(setup.object(1)).expect("a file");
    let at = bytes.len() / 3;
    bytes[at] ^= 1;
    fs::write(setup.object(1), bytes).expect("written");
    fs::remove_file(setup.object(2)).expect("removed");
    let output = setup.verify(&["--json"]);
    assert_eq!(code(&output), 1);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let findings = json["findings"].as_array().expect("a list");
    assert_eq!(
        (&findings[0]["kind"], &findings[0]["log_index"]),
        (&"missing".into(), &400.into()),
        "{findings:?}"
    );
    let name = Name::of(&setup.manifests[1]).object();
    assert!(
        findings
            .iter()
            .any(|finding| finding["kind"] == "modified" && finding["file"] == name.as_str())
    );
    assert!(
        findings
            .iter()
            .all(|finding| finding["file"] != Name::of(&setup.manifests[0]).object().as_str())
    );
    let output = setup.verify(&[]);
    assert!(stdout(&output).starts_with("NOT PROVEN: "), "{}", stdout(&output));
}

#[test]
fn another_key_proves_nothing() {
    let setup = Setup::new();
    let mut other = setup.log.clone();
    other.key = auditlog_tlog::SigningKey::from_seed(&[9; 32]);
    let output = auditlog(&["verify", &setup.target(), "--key", &other.vkey().to_string()]);
    assert_eq!(code(&output), 1);
    assert!(stdout(&output).contains("key_replaced"), "{}", stdout(&output));
}

#[test]
fn what_cannot_be_judged_is_no_verdict() {
    let setup = Setup::new();
    let output = setup.verify(&["--checkpoint", "/nowhere"]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("are for bundles"), "{}", stderr(&output));
    let key = setup.log.vkey().to_string();
    let output = auditlog(&["verify", "s3://bucket", "--key", &key]);
    assert_eq!(code(&output), 2);
    assert!(
        stderr(&output).contains("the option «credentials_file» is missing"),
        "{}",
        stderr(&output)
    );
    let empty = TempDir::new().expect("a folder");
    fs::create_dir(empty.path().join("manifests")).expect("a folder");
    let output = auditlog(&["verify", &empty.path().display().to_string(), "--key", &key]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("it is no archive"), "{}", stderr(&output));
}
