//! Azure Blob Storage: azurite as the counterpart. Where npm can't install it this test says «skipped».

mod support;

use std::fs;
use std::process::Command;

use auditlog_sink::FailureKind;
use serde_json::json;
use support::{DEADLINE, Program, behaves, file, free_port, home, open, ran, skipped};

const PACKAGE: &str = "azurite@3";

/// The emulator's account and key, which its documentation names.
const ACCOUNT: &str = "devstoreaccount1";
const KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// azurite's program, installed once for this target directory.
fn azurite() -> Option<std::path::PathBuf> {
    let home = home("azurite");
    let program = home.join("node_modules/.bin/azurite-blob");
    if !program.exists() {
        fs::create_dir_all(&home).expect("a folder");
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", PACKAGE])
            .current_dir(&home);
        if !ran(&mut npm) {
            skipped(&format!("npm with {PACKAGE}"));
            return None;
        }
    }
    Some(program)
}

#[test]
fn azurite_behaves_as_a_store() {
    let Some(azurite) = azurite() else { return };
    let directory = tempfile::tempdir().expect("a directory");
    let port = free_port();
    let mut command = Command::new(azurite);
    command
        .args(["--blobHost", "127.0.0.1", "--blobPort", &port.to_string(), "--location"])
        .arg(directory.path())
        .args(["--silent", "--skipApiVersionCheck", "--disableTelemetry"]);
    let _azurite = Program::start(&mut command, port);
    let options = |key: &str| {
        let text = format!("[default]\nazure_storage_key = {key}\n");
        json!({
            "account": ACCOUNT,
            "endpoint": format!("http://127.0.0.1:{port}/{ACCOUNT}"),
            "credentials_file": file(directory.path(), "credentials", &text),
        })
    };
    let store = open("az://audit/some/prefix", &options(KEY));
    assert_eq!(store.hosts(), ["127.0.0.1"]);
    let error = store.put_new("a", "b", DEADLINE).expect_err("no container");
    assert_eq!(
        (error.kind, error.status),
        (FailureKind::Permanent, Some(404)),
        "{error}"
    );
    make_container(port);
    behaves(&store);
    let other = KEY.replacen("Eby8", "AAAA", 1);
    let error = open("az://audit", &options(&other))
        .list("", DEADLINE)
        .expect_err("another key");
    assert_eq!(
        (error.kind, error.status),
        (FailureKind::Permanent, Some(403)),
        "{error}"
    );
    assert!(!error.message.contains(&other));
}

/// What an operator does with Azure's own tools.
fn make_container(port: u16) {
    let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/counterparts/container.py");
    let output = Command::new("python3")
        .arg(script)
        .args([&port.to_string(), ACCOUNT, KEY])
        .output()
        .expect("python");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
