//! Which files are secrets.

mod support;

use std::os::unix::fs::{PermissionsExt, symlink};

use auditlog_notify::{MAX_SECRET_BYTES, SecretName, Secrets};
use serde_json::json;
use support::sink::Server;
use support::{Safe, channel, failure, notification};

fn name(text: &str) -> SecretName {
    SecretName::parse(text).expect("a name")
}

#[track_caller]
fn refuse(secrets: &Secrets, text: &str, part: &str) {
    let error = secrets.check(&name(text)).expect_err("a failure");
    assert!(error.message.contains(part), "«{part}» is not in: {error}");
    assert!(error.hint.is_some());
}

#[test]
fn names_lead_to_files_of_the_directory_only() {
    for good in ["secret:a", "secret:slack-hook_1.txt", "secret:A..b"] {
        assert_eq!(SecretName::parse(good).unwrap().to_string(), good);
    }
    for bad in [
        "",
        "a",
        "secret",
        "secret:",
        "secret:.",
        "secret:..",
        "secret:.a",
        "secret:a/b",
        "secret:../a",
        "secret:/a",
        "secret:a b",
        "secret:ä",
        "secret:a\n",
        "secret:a\0",
        "Secret:a",
        " secret:a",
    ] {
        assert_eq!(SecretName::parse(bad), None, "{bad:?}");
    }
    assert_eq!(SecretName::parse(&format!("secret:{}", "a".repeat(256))), None);
}

#[test]
fn a_file_that_others_can_use_is_no_secret() {
    let safe = Safe::with("a", "hunter2");
    let secrets = safe.secrets();
    secrets.check(&name("secret:a")).unwrap();
    let path = safe.path().join("a");
    for mode in [0o400, 0o600, 0o700] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        secrets.check(&name("secret:a")).unwrap();
    }
    for mode in [0o640, 0o620, 0o610, 0o604, 0o602, 0o601, 0o660] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        refuse(&secrets, "secret:a", "can be used by others");
    }
}

#[test]
fn a_file_of_somebody_else_is_no_secret() {
    // Only root can give a file away; for others root's own file is somebody else's.
    let safe = Safe::with("a", "hunter2");
    let path = safe.path().join("a");
    if std::os::unix::fs::chown(&path, Some(12_345), None).is_ok() {
        refuse(&safe.secrets(), "secret:a", "another account");
    } else {
        refuse(&Secrets::new("/etc"), "secret:passwd", "another account");
    }
}

#[test]
fn links_stay_within_the_directory() {
    let (safe, other) = (Safe::new(), Safe::with("a", "hunter2"));
    // As Kubernetes does it.
    std::fs::create_dir(safe.path().join("..2026")).unwrap();
    safe.put("..2026/a", "hunter2");
    symlink("..2026", safe.path().join("..data")).unwrap();
    symlink("..data/a", safe.path().join("a")).unwrap();
    safe.secrets().check(&name("secret:a")).unwrap();
    symlink(other.path().join("a"), safe.path().join("out")).unwrap();
    refuse(&safe.secrets(), "secret:out", "leads out of the directory");
    // The directory itself may be one.
    let link = safe.path().join("link");
    symlink(other.path(), &link).unwrap();
    Secrets::new(&link).check(&name("secret:a")).unwrap();
}

#[test]
fn a_secret_is_one_line_of_text() {
    let safe = Safe::new();
    let most = usize::try_from(MAX_SECRET_BYTES).unwrap();
    for (text, good) in [
        ("hunter2", true),
        ("hunter2\n", true),
        ("hunter2\r\n", true),
        ("pass phrase ü", true),
        ("", false),
        ("\n", false),
        ("hunter2\n\n", false),
        ("a\nb", false),
        ("a\0", false),
        ("a\tb", false),
        (&"a".repeat(most), true),
        (&"a".repeat(most + 1), false),
    ] {
        safe.put("a", text);
        let result = safe.secrets().check(&name("secret:a"));
        assert_eq!(result.is_ok(), good, "{:?}: {result:?}", &text[..text.len().min(10)]);
        assert!(!format!("{result:?}").contains("hunter"));
    }
    std::fs::write(safe.path().join("a"), b"hunter2\xff").unwrap();
    refuse(&safe.secrets(), "secret:a", "can't be read");
}

#[test]
fn what_is_no_file_is_not_waited_for() {
    let safe = Safe::new();
    refuse(&safe.secrets(), "secret:a", "can't be read");
    refuse(
        &Secrets::new("/nowhere"),
        "secret:a",
        "the directory /nowhere can't be read",
    );
    std::fs::create_dir(safe.path().join("d")).unwrap();
    refuse(&safe.secrets(), "secret:d", "no regular file");
    let fifo = safe.path().join("f");
    assert!(
        std::process::Command::new("mkfifo")
            .arg("-m")
            .arg("600")
            .arg(&fifo)
            .status()
            .unwrap()
            .success()
    );
    refuse(&safe.secrets(), "secret:f", "no regular file");
}

#[test]
fn secrets_are_read_for_every_delivery() {
    let server = Server::new(vec![
        support::sink::Act::Answer(support::sink::answer("204 No Content", "", "")),
        support::sink::Act::Answer(support::sink::answer("204 No Content", "", "")),
    ]);
    let safe = Safe::new();
    let channel = channel(
        "webhook",
        &json!({"url": server.url("/"), "token": "secret:token", "token_scheme": "Key"}),
    );
    let error = failure(&safe.send(&channel, &notification()), "pause");
    assert!(error.message.contains("secret:token"), "{error}");
    for token in ["first-one", "second-one"] {
        safe.put("token", token);
        assert_eq!(safe.send(&channel, &notification()).label(), "delivered");
        assert_eq!(
            server.request().header("authorization"),
            Some(format!("Key {token}").as_str())
        );
    }
}
