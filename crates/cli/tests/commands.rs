//! The other commands: exit status and what they print.

mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use auditlog_bundle::synthetic::{Log, Plan, Removal};
use auditlog_bundle::tiles::{TileFiles, Tiles};
use auditlog_tlog::cosignature::Cosigner;
use auditlog_tlog::{KeyName, SigningKey, TlogProof};
use support::{auditlog, code, keygen, stderr, stdout};
use tempfile::TempDir;

struct Setup {
    folder: TempDir,
    log: Log,
}

impl Setup {
    fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        let log = Log::new(4);
        let plan = Plan {
            size: 300,
            checkpoints: vec![100, 300],
            every: None,
            ..Plan::default()
        };
        log.write(&folder.path().join("bundle"), &plan).expect("a bundle");
        Self { folder, log }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn verify(&self, more: &[&str]) -> std::process::Output {
        let (bundle, key) = (self.path("bundle"), self.log.vkey().to_string());
        auditlog(&[&["verify", &bundle, "--key", &key], more].concat())
    }

    fn flip(&self, file: &str) {
        let path = self.folder.path().join("bundle").join(file);
        let mut bytes = std::fs::read(&path).expect("a file");
        let at = bytes.len() / 2;
        bytes[at] ^= 1;
        std::fs::write(path, bytes).expect("written");
    }
}

#[test]
fn verify_says_by_its_status_what_it_found() {
    let setup = Setup::new();
    let output = setup.verify(&[]);
    assert_eq!(code(&output), 0, "{}", stdout(&output));
    let text = stdout(&output);
    assert!(text.starts_with("PROVEN: all 300 events"), "{text}");
    assert!(text.contains("values redacted"), "{text}");
    assert!(
        text.contains("no witness policy given: a fork shown to others is not excluded"),
        "{text}"
    );
    assert!(text.contains("no older checkpoint given"), "{text}");

    let old = setup.path("bundle/checkpoints/00000000000000000100");
    let output = setup.verify(&["--checkpoint", &old, "--json"]);
    assert_eq!(code(&output), 0);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(json["verdict"], "proven");
    assert_eq!(json["events"], 300);
    assert_eq!(json["checkpoints"]["given"], 1);
    let output = setup.verify(&["--quiet"]);
    assert_eq!((code(&output), stdout(&output).as_str()), (0, ""));

    setup.flip("events/000000.bin");
    let output = setup.verify(&[]);
    assert_eq!(code(&output), 1);
    assert!(
        stdout(&output).starts_with("NOT PROVEN: 1 finding"),
        "{}",
        stdout(&output)
    );
    assert!(stdout(&output).contains("  modified log_index"), "{}", stdout(&output));
    let output = setup.verify(&["--json"]);
    assert_eq!(code(&output), 1);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(json["findings"][0]["kind"], "modified");
    assert!(json["findings"][0]["log_index"].is_u64());
}

#[test]
fn verify_says_what_was_removed() {
    let setup = Setup::new();
    let plan = Plan {
        size: 300,
        removals: vec![Removal::new(200, &[(0, 49), (51, 60)])],
        ..Plan::default()
    };
    std::fs::remove_dir_all(setup.path("bundle")).expect("a bundle");
    setup
        .log
        .write(Path::new(&setup.path("bundle")), &plan)
        .expect("a bundle");
    let output = setup.verify(&[]);
    assert_eq!(code(&output), 0, "{}", stdout(&output));
    let text = stdout(&output);
    for line in [
        "PROVEN: all 240 events of the log «example.org/synthetic» that retention has left are there",
        "  60 events are not there, and certificates say why:",
        "  policy «thirty days» has removed 60 events of the class «short»",
    ] {
        assert!(text.contains(line), "{text}");
    }
    let output = setup.verify(&["--json"]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(json["covered"], 60);
    assert_eq!(json["certificates"]["found"], 1);
    assert_eq!(json["certificates"]["removed"][0]["policy"], "thirty days");
    // without the certificate
    std::fs::remove_file(setup.path("bundle/certificates/00000000000000000200")).expect("a certificate");
    let output = setup.verify(&[]);
    assert_eq!(code(&output), 1);
    assert!(
        stdout(&output).contains("  uncovered_gap log_index 0: the log begins with log_index 50"),
        "{}",
        stdout(&output)
    );
}

#[test]
fn verify_says_when_nothing_can_be_said() {
    let setup = Setup::new();
    let key = setup.log.vkey().to_string();
    let bundle = setup.path("bundle");
    for (arguments, what) in [
        (vec!["verify", &bundle], "--key"),
        (vec!["verify", &bundle, "--key", "x"], "no public key"),
        (vec!["verify", "/nowhere", "--key", &key], "is no bundle"),
        (
            vec!["verify", &bundle, "--key", &key, "--checkpoint", "/nowhere"],
            "/nowhere",
        ),
        (
            vec!["verify", &bundle, "--key", &key, "--witness-policy", &bundle],
            "bundle",
        ),
        (vec!["verify"], "DIR"),
        (vec!["nonsense"], "nonsense"),
    ] {
        let output = auditlog(&arguments);
        assert_eq!(code(&output), 2, "{arguments:?}");
        assert!(stderr(&output).contains(what), "{arguments:?}: {}", stderr(&output));
    }
    // a checkpoint that the log has not signed is no evidence
    let foreign = Log {
        key: SigningKey::from_seed(&[1; 32]),
        ..setup.log.clone()
    };
    std::fs::write(setup.path("old"), foreign.sign(5, [1; 32]).to_string()).expect("written");
    assert_eq!(code(&setup.verify(&["--checkpoint", &setup.path("old")])), 2);
    // a later format
    let manifest = std::fs::read_to_string(setup.path("bundle/bundle.json")).expect("a manifest");
    std::fs::write(
        setup.path("bundle/bundle.json"),
        manifest.replace("bundle/1", "bundle/2"),
    )
    .expect("written");
    let output = setup.verify(&[]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("newer version"), "{}", stderr(&output));
}

#[test]
fn keys_may_come_from_a_file_and_witnesses_count() {
    let setup = Setup::new();
    std::fs::write(setup.path("keys"), format!("# of the log\n\n{}\n", setup.log.vkey())).expect("written");
    let keys = format!("@{}", setup.path("keys"));
    assert_eq!(code(&auditlog(&["verify", &setup.path("bundle"), "--key", &keys])), 0);
    let name = KeyName::new("witness.example/w").expect("a name");
    let witness = Cosigner::new(name, SigningKey::from_seed(&[2; 32]));
    std::fs::write(
        setup.path("policy"),
        format!("witness w {}\nquorum w\n", witness.verifier()),
    )
    .expect("written");
    let policy = ["--witness-policy", &setup.path("policy")].map(str::to_owned);
    let policy: Vec<&str> = policy.iter().map(String::as_str).collect();
    let output = setup.verify(&policy);
    assert_eq!(code(&output), 1);
    assert!(stdout(&output).contains("unwitnessed"), "{}", stdout(&output));
    let path = setup.folder.path().join("bundle/checkpoint");
    let mut note = auditlog_tlog::SignedNote::parse(&std::fs::read_to_string(&path).expect("a note")).expect("a note");
    note.add(witness.cosign(&note, 1_773_153_045).expect("a checkpoint"));
    std::fs::write(path, note.to_string()).expect("written");
    let output = setup.verify(&policy);
    assert_eq!(code(&output), 0, "{}", stdout(&output));
    assert!(
        stdout(&output).contains("cosigned by witness.example/w at 2026-03-10T14:30:45Z"),
        "{}",
        stdout(&output)
    );
    assert!(
        !stdout(&output).contains("a fork shown to others"),
        "{}",
        stdout(&output)
    );
}

#[test]
fn keygen_makes_a_key_once() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("key.pem");
    let vkey = keygen(&path, "example.org/log", false);
    let mode = std::fs::metadata(&path).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let pem = std::fs::read_to_string(&path).expect("a file");
    let key = SigningKey::from_pem(&pem).expect("a key");
    assert_eq!(
        key.vkey(KeyName::new("example.org/log").expect("a name")).to_string(),
        vkey
    );
    let again = auditlog(&["keygen", "--out", path.to_str().expect("a text")]);
    assert_eq!(code(&again), 2);
    assert_eq!(std::fs::read_to_string(&path).expect("a file"), pem);
    let bad = auditlog(&["keygen", "--out", "/tmp/never", "--name", "a name with spaces"]);
    assert_eq!(code(&bad), 2);
    assert!(!Path::new("/tmp/never").exists());
    let other = keygen(&folder.path().join("other.pem"), "example.org/log", false);
    assert_ne!(other, vkey);
}

#[test]
fn verify_proof_checks_one_event() {
    let setup = Setup::new();
    let bundle = setup.folder.path().join("bundle");
    let tiles = Tiles::new(TileFiles::new(&bundle, 300));
    let note = std::fs::read_to_string(bundle.join("checkpoint")).expect("a note");
    let note = auditlog_tlog::SignedNote::parse(&note).expect("a note");
    let proof = TlogProof::make(7, note, &tiles).expect("a proof");
    std::fs::write(setup.path("proof"), proof.text()).expect("written");
    let mut prev = [0; 32];
    let mut record = Vec::new();
    let mut leaf = String::new();
    for index in 0..=7 {
        let (bytes, hash, link) = setup.log.record(index, prev, &setup.log.row(index));
        prev = link;
        record = bytes;
        leaf = auditlog_bundle::report::hex(&hash);
    }
    std::fs::write(setup.path("record"), &record).expect("written");
    let framed = [&(record.len() as u32).to_be_bytes()[..], &record].concat();
    std::fs::write(setup.path("framed"), framed).expect("written");
    let key = setup.log.vkey().to_string();
    let proof = setup.path("proof");
    let check = |more: &[&str]| auditlog(&[&["verify-proof", &proof, "--key", &key], more].concat());
    for more in [
        ["--leaf", &leaf],
        ["--record", &setup.path("record")],
        ["--record", &setup.path("framed")],
    ] {
        let output = check(&more);
        assert_eq!(code(&output), 0, "{}{}", stdout(&output), stderr(&output));
        assert!(stdout(&output).contains("event 7"), "{}", stdout(&output));
    }
    assert_eq!(code(&check(&["--leaf", &"00".repeat(32)])), 1);
    assert_eq!(code(&check(&["--leaf", "00"])), 2);
    assert_eq!(code(&check(&[])), 2);
    let at = record.len() - 3;
    record[at] ^= 1;
    std::fs::write(setup.path("record"), &record).expect("written");
    assert_eq!(code(&check(&["--record", &setup.path("record")])), 1);
    std::fs::write(setup.path("proof"), "nothing\n").expect("written");
    assert_eq!(code(&check(&["--leaf", &leaf])), 1);
}

#[test]
fn show_prints_a_line_for_each_event() {
    let setup = Setup::new();
    let output = auditlog(&["show", &setup.path("bundle")]);
    assert_eq!(code(&output), 0);
    let text = stdout(&output);
    assert_eq!(text.lines().count(), 300);
    for (index, line) in text.lines().enumerate() {
        let json: serde_json::Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(json["log_index"], index);
        assert!(json["event"]["event_type"].is_string());
    }
    assert!(text.lines().nth(5).expect("the sixth").contains("\"redacted\":") || !text.contains("\"redacted\":"));
    assert_eq!(code(&auditlog(&["show", "/nowhere"])), 2);
}

#[test]
fn bundle_says_when_there_is_no_database() {
    let folder = TempDir::new().expect("a folder");
    let out = folder.path().join("out");
    let arguments = [
        "bundle",
        "--dsn",
        "host=/nowhere dbname=x",
        "--out",
        out.to_str().expect("a text"),
    ];
    let output = auditlog(&arguments);
    assert_eq!(code(&output), 2, "{}", stderr(&output));
    assert!(!out.exists());
}
