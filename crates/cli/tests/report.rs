//! `auditlog verify` of reports.

mod support;

use std::fs;
use std::path::PathBuf;
use std::process::Output;

use auditlog_report::files::Files;
use auditlog_report::synthetic::Synthetic;
use support::{auditlog, code, stderr, stdout};
use tempfile::TempDir;

/// A report in a folder, all its files beside each other.
struct Setup {
    folder: TempDir,
    key: String,
}

impl Setup {
    fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        let synthetic = Synthetic::new(4);
        let files = Files::of(&synthetic.report).expect("files");
        let pdf = files.pdf(&synthetic.report).expect("pages");
        let setup = Self {
            folder,
            key: synthetic.vkey().to_string(),
        };
        setup.write("report.json", &files.json);
        setup.write("report.csv", &files.csv);
        setup.write("report.manifest.json", &files.manifest);
        setup.write("report.pdf", &pdf);
        setup.write("report.proof.json", &synthetic.seal(&files, Some(&pdf)).to_json());
        setup
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).expect("a file");
    }

    fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).expect("a file");
    }

    fn verify(&self, name: &str, more: &[&str]) -> Output {
        let path = self.path(name).display().to_string();
        auditlog(&[&["verify", &path, "--key", &self.key], more].concat())
    }

    /// Flips one bit in the middle of a file.
    fn flip(&self, name: &str) {
        let mut bytes = fs::read(self.path(name)).expect("a file");
        let at = bytes.len() / 2;
        bytes[at] ^= 1;
        self.write(name, &bytes);
    }
}

#[test]
fn each_file_of_a_report_leads_to_the_same_verdict() {
    let setup = Setup::new();
    for name in ["report.pdf", "report.json", "report.manifest.json"] {
        let output = setup.verify(name, &[]);
        let text = stdout(&output);
        assert_eq!(code(&output), 0, "{name}: {text}{}", stderr(&output));
        assert!(
            text.contains("report 7 of example.org/synthetic: SOC 2 Type II, first quarter"),
            "{name}: {text}"
        );
        assert!(
            text.contains("16 sampled events of which 16 are proven"),
            "{name}: {text}"
        );
        assert!(
            text.ends_with("verified: this is, byte for byte, the report that the log has sealed in its event 310\n"),
            "{name}: {text}"
        );
    }
    let output = setup.verify("report.pdf", &["--json"]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&json["sealed"], &json["pages"]), (&true.into(), &"same".into()));
    let output = setup.verify("report.pdf", &["--quiet"]);
    assert_eq!((code(&output), stdout(&output).as_str()), (0, ""));
    // the name inside the PDF is good as well
    fs::rename(setup.path("report.manifest.json"), setup.path("manifest.json")).expect("renamed");
    for name in ["manifest.json", "report.json"] {
        let output = setup.verify(name, &[]);
        assert_eq!(code(&output), 0, "{name}: {}{}", stdout(&output), stderr(&output));
        assert!(!stdout(&output).contains("manifest.json: it was not given"));
    }
}

#[test]
fn without_the_proof_it_is_said_what_is_open() {
    let setup = Setup::new();
    fs::rename(setup.path("report.proof.json"), setup.path("kept elsewhere")).expect("renamed");
    let output = setup.verify("report.pdf", &[]);
    let text = stdout(&output);
    assert_eq!(code(&output), 0, "{text}");
    assert!(
        text.contains("not sealed: without a proof, figures that are no sample may have been changed"),
        "{text}"
    );
    assert!(
        text.contains("that the log has sealed this report: no proof was given"),
        "{text}"
    );
    let proof = setup.path("kept elsewhere").display().to_string();
    let output = setup.verify("report.pdf", &["--proof", &proof]);
    assert!(
        stdout(&output).contains("sealed in its event 310"),
        "{}",
        stdout(&output)
    );
    for name in ["report.csv", "report.manifest.json", "report.pdf"] {
        setup.remove(name);
    }
    let output = setup.verify("report.json", &[]);
    let text = stdout(&output);
    assert_eq!(code(&output), 0, "{text}");
    for open in ["report.csv", "manifest.json", "the PDF"] {
        assert!(text.contains(&format!("  {open}: it was not given")), "{text}");
    }
}

#[test]
fn a_change_in_any_file_is_found() {
    for name in [
        "report.json",
        "report.csv",
        "report.manifest.json",
        "report.pdf",
        "report.proof.json",
    ] {
        let setup = Setup::new();
        setup.flip(name);
        let output = setup.verify("report.json", &[]);
        assert_eq!(code(&output), 1, "{name}: {}{}", stdout(&output), stderr(&output));
        assert!(
            stdout(&output).ends_with("NOT verified\n"),
            "{name}: {}",
            stdout(&output)
        );
    }
}

#[test]
fn a_pdf_with_the_files_of_another_report_is_found() {
    let setup = Setup::new();
    let mut other = Synthetic::new(4);
    other.report.summary[1].value = 18.into();
    let files = Files::of(&other.report).expect("files");
    setup.write("report.pdf", &files.pdf(&other.report).expect("pages"));
    let output = setup.verify("report.json", &[]);
    let text = stdout(&output);
    assert_eq!(code(&output), 1, "{text}");
    assert!(
        text.contains("finding: pdf: report.json inside the PDF is not the one beside it"),
        "{text}"
    );
    assert!(
        text.contains("finding: seal: the log names another file as pdf"),
        "{text}"
    );
    // and by itself: all its files fit each other, but the log has sealed another report
    let output = setup.verify("report.pdf", &[]);
    let text = stdout(&output);
    assert_eq!(code(&output), 1, "{text}");
    assert!(text.contains("finding: seal: the log names another manifest"), "{text}");
    setup.remove("report.proof.json");
    let output = setup.verify("report.pdf", &[]);
    assert_eq!(code(&output), 0, "{}", stdout(&output));
    assert!(stdout(&output).contains("not sealed"));
}

#[test]
fn what_is_no_report_and_wrong_use_is_said() {
    let setup = Setup::new();
    let other = Synthetic::new(4).log.sign(3, [0; 32]).to_string();
    setup.write("note", other.as_bytes());
    let note = setup.path("note").display().to_string();
    setup.write("other.pdf", b"%PDF-1.7\nno report");
    setup.write("folder.json", b"{}");
    let cases: [(&str, &[&str], &str); 5] = [
        ("other.pdf", &[], "the PDF cannot be read"),
        ("folder.json", &[], "the manifest cannot be read"),
        ("folder.json", &["--proof", &note], "--proof is for reports"),
        ("report.json", &["--checkpoint", &note], "--checkpoint is for bundles"),
        ("report.json", &["--proof", "/none/such"], "/none/such"),
    ];
    for (name, more, message) in cases {
        let output = setup.verify(name, more);
        assert_eq!(code(&output), 2, "{name} {more:?}: {}", stdout(&output));
        assert!(
            stderr(&output).contains(message),
            "{name} {more:?}: {}",
            stderr(&output)
        );
    }
    setup.remove("report.json");
    let output = setup.verify("report.manifest.json", &[]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("it has to be given"), "{}", stderr(&output));
    // a key that is not the log's
    let setup = Setup::new();
    let mut forger = Synthetic::new(4);
    forger.log.key = auditlog_tlog::SigningKey::from_seed(&[9; 32]);
    let path = setup.path("report.pdf").display().to_string();
    let output = auditlog(&["verify", &path, "--key", &forger.vkey().to_string()]);
    assert_eq!(code(&output), 1);
    assert!(
        stdout(&output).contains("finding: checkpoint: it is not to be believed"),
        "{}",
        stdout(&output)
    );
}
