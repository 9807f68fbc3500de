//! The files of a report: what independent readers see of them, and that the offline verifier finds whatever was changed.

use super::{ask, done, file, json};
use crate::program::Program;
use auditlog_testkit::log::{text, wait_sealed};
use auditlog_testkit::postgres::Client;
use auditlog_testkit::{Cluster, Options, command};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

static COUNTER: AtomicU32 = AtomicU32::new(0);

struct Made {
    folder: PathBuf,
    key: String,
    report: Value,
}

/// A report of a small year with planted findings, its files in a folder of ours.
fn made() -> Made {
    let cluster = Cluster::start(&Options::default().set("auditlog.checkpoint_interval", "2"));
    let mut client = cluster.create_database_with_extension("files");
    super::year::ordinary(&mut client, 300);
    super::year::plant(&mut client);
    wait_sealed(&mut client);
    let id = ask(&mut client, "soc2", "2025-01-01", "2026-01-01", "{}");
    done(&mut client, id);
    wait_sealed(&mut client);
    client
        .execute("SELECT auditlog.checkpoint()", &[])
        .expect("a checkpoint");
    // each test has its own: they run beside each other
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("pgal-report-{}-{number}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    for (format, name) in [
        ("pdf", "report.pdf"),
        ("json", "report.json"),
        ("csv", "report.csv"),
        ("manifest", "manifest.json"),
    ] {
        fs::write(folder.join(name), file(&mut client, id, format)).expect("write");
    }
    fs::write(folder.join("report.proof.json"), proof(&mut client, id)).expect("write");
    Made {
        folder,
        key: text(&mut client, "SELECT auditlog.public_key()"),
        report: json(&mut client, id),
    }
}

fn proof(client: &mut Client, id: i64) -> String {
    client
        .query_one("SELECT auditlog.report_proof($1)", &[&id])
        .expect("a proof")
        .get(0)
}

fn verify(path: &Path, key: &str) -> (Option<i32>, String) {
    let path = path.display().to_string();
    let output = Program::ours().output(&["verify", &path, "--key", key]);
    (output.status.code(), command::both(&output))
}

fn is_there(program: &str) -> bool {
    let there =
        Command::new(program).arg("--version").output().is_ok() || Command::new(program).arg("-v").output().is_ok();
    if !there {
        println!("skipped: {program} is not installed");
    }
    there
}

#[test]
fn everybody_can_check_a_report_and_finds_a_changed_number() {
    let Made { folder, key, report } = made();
    for name in ["report.json", "report.pdf", "manifest.json"] {
        let (code, said) = verify(&folder.join(name), &key);
        assert_eq!(code, Some(0), "{name}: {said}");
    }
    let whole = fs::read_to_string(folder.join("report.json")).expect("read");
    // a count, a sampled value, a hash of the head
    let count = report["summary"][0]["value"].to_string();
    let head = report["integrity"]["head_hash"].as_str().expect("a hash");
    for (from, to) in [
        (format!("\"value\": {count}"), "\"value\": 7".to_owned()),
        (head.to_owned(), "00".repeat(32)),
        ("mallory".to_owned(), "somebody".to_owned()),
    ] {
        let forged = whole.replacen(&from, &to, 1);
        assert_ne!(forged, whole, "{from} is not in the report");
        fs::write(folder.join("report.json"), forged).expect("write");
        let (code, said) = verify(&folder.join("report.json"), &key);
        assert_eq!(code, Some(1), "{from}: {said}");
    }
    fs::write(folder.join("report.json"), &whole).expect("write");
    let mut csv = fs::read(folder.join("report.csv")).expect("read");
    let at = csv.len() / 2;
    csv[at] ^= 1;
    fs::write(folder.join("report.csv"), csv).expect("write");
    assert_eq!(verify(&folder.join("manifest.json"), &key).0, Some(1));
    fs::remove_dir_all(&folder).expect("removed");
}

#[test]
fn other_programs_read_the_pdf_and_the_csv() {
    let Made { folder, .. } = made();
    let pdf = folder.join("report.pdf");
    if is_there("pdfinfo") {
        let said = command::both(&Command::new("pdfinfo").arg(&pdf).output().expect("pdfinfo"));
        assert!(said.contains("Tagged:") && said.contains("yes"), "{said}");
        let said = command::both(
            &Command::new("pdftotext")
                .args([pdf.as_os_str(), "-".as_ref()])
                .output()
                .expect("pdftotext"),
        );
        for part in ["SOC 2 Type II", "CC6.3", "mallory"] {
            assert!(said.contains(part), "{part} is not on the pages");
        }
    }
    if is_there("qpdf") {
        let output = Command::new("qpdf").arg("--check").arg(&pdf).output().expect("qpdf");
        assert!(output.status.success(), "{}", command::both(&output));
    }
    let mut reader = csv_rows(&folder.join("report.csv"));
    let header = reader.remove(0);
    assert!(header.len() > 3, "{header:?}");
    assert!(reader.iter().all(|row| row.len() == header.len()));
    assert!(reader.iter().any(|row| row.iter().any(|cell| cell == "mallory")));
    fs::remove_dir_all(&folder).expect("removed");
}

/// Rows by Python's reader.
fn csv_rows(path: &Path) -> Vec<Vec<String>> {
    let program = "import csv, json, sys; print(json.dumps(list(csv.reader(open(sys.argv[1], newline='', encoding='utf-8-sig')))))";
    let output = Command::new("python3")
        .args(["-c", program])
        .arg(path)
        .output()
        .expect("python3");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", command::both(&output)))
}
