//! Programs that others have written must understand what is sent: aiosmtpd with Python's reader of mail, and the
//! libraries of Standard Webhooks and CloudEvents. Where they can't be installed these tests say «skipped».

mod support;

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use auditlog_notify::{Attempt, Channel, Kind, send};
use serde_json::{Value, json};
use support::sink::{Directory, Server, tls};
use support::{Safe, channel, detail, failure, notification};

const PACKAGES: [&str; 3] = ["aiosmtpd==1.4.6", "standardwebhooks==1.1.0", "cloudevents==2.2.0"];

/// A Python that has the packages, made once for this target directory.
fn python() -> Option<&'static Path> {
    static PYTHON: OnceLock<Option<PathBuf>> = OnceLock::new();
    let python = PYTHON.get_or_init(|| {
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("notify-counterparts");
        let python = home.join("bin/python");
        let ran = |command: &mut Command| {
            let output = command.stdin(Stdio::null()).output();
            output.is_ok_and(|output| output.status.success())
        };
        let check = "import aiosmtpd, standardwebhooks, cloudevents.core.bindings.http";
        let ready = || ran(Command::new(&python).args(["-c", check]));
        let there = ready()
            || ran(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&home))
                && ran(Command::new(&python)
                    .args(["-m", "pip", "install", "-q"])
                    .args(PACKAGES))
                && ready();
        there.then_some(python)
    });
    if python.is_none() {
        // Past the capture of the test's output.
        let _ = writeln!(
            std::io::stderr(),
            "skipped: python3 with {} can't be had",
            PACKAGES.join(", ")
        );
    }
    python.as_deref()
}

/// A running mail server, ended with its value.
struct Smtpd {
    program: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
    port: u16,
    ca: String,
    _directory: Directory,
}

impl Drop for Smtpd {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

impl Smtpd {
    fn new(python: &Path, way: &str, valid_until: i32) -> Self {
        let directory = Directory::new();
        let authority = tls::Authority::new();
        let identity = authority.issue_until(&["localhost"], valid_until);
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut program = Command::new(python)
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/counterparts/smtpd.py"))
            .arg(port.to_string())
            .arg(directory.file("cert.pem", &identity.certificate_pem))
            .arg(directory.file("key.pem", &identity.key_pem))
            .arg(way)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(program.stdout.take().unwrap()).lines();
        assert_eq!(lines.next().unwrap().unwrap(), "\"ready\"");
        let ca = directory.file("ca.pem", authority.pem());
        let smtpd = Self {
            program,
            lines,
            port,
            ca,
            _directory: directory,
        };
        let begin = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begin.elapsed() < Duration::from_secs(20), "no mail server");
            std::thread::sleep(Duration::from_millis(50));
        }
        smtpd
    }

    fn channel(&self, way: &str) -> Channel {
        channel(
            "email",
            &json!({
                "host": "localhost", "port": self.port, "tls": way, "ca_file": self.ca, "from": "Prüfer <audit@company.com>",
                "username": "audit", "password": "secret:password",
            }),
        )
    }

    fn mail(&mut self) -> Value {
        serde_json::from_str(&self.lines.next().unwrap().unwrap()).unwrap()
    }
}

#[test]
fn mail_is_understood() {
    let Some(python) = python() else { return };
    for way in ["starttls", "implicit"] {
        let mut smtpd = Smtpd::new(python, way, 4_096);
        let channel = smtpd.channel(way);
        let safe = Safe::with("password", "corr3ct-h0rse\n");
        let mut n = notification();
        n.alert = format!("Anmeldung schlägt fehl – 失敗した {}", "sehr lange ".repeat(20));
        // What looks like another fact is none.
        n.group[0].1 = Some("<b>bob</b> & Söhne\nSeverity: debug".to_owned());
        n.description = Some(format!(".\n..\n{}", "Zeile ohne Ende ".repeat(200)));
        assert!(detail(safe.send(&channel, &n)).contains("queued as 42"));
        let mail = smtpd.mail();
        assert_eq!(mail["from"], "audit@company.com");
        assert_eq!(mail["to"], json!(["security@company.com"]));
        assert_eq!(mail["tls"], true);
        assert_eq!(mail["authenticated"], true);
        assert_eq!(mail["defects"], json!([]));
        assert_eq!(
            mail["types"],
            json!(["multipart/alternative", "text/plain", "text/html"])
        );
        assert_eq!(mail["message_id"], format!("<{}@company.com>", n.id));
        let subject = mail["subject"].as_str().unwrap();
        assert!(
            subject.starts_with("[ERROR] Anmeldung schlägt fehl – 失敗した sehr lange"),
            "{subject}"
        );
        assert_eq!(subject.chars().count(), 200);
        // The lines of mail end with CRLF.
        let text = mail["text"].as_str().unwrap().replace("\r\n", "\n");
        assert!(
            text.contains("actor.email: <b>bob</b> & Söhne Severity: debug\n"),
            "{text}"
        );
        assert!(text.contains("\n.\n..\nZeile ohne Ende Zeile"), "{text}");
        let html = mail["html"].as_str().unwrap();
        assert!(
            html.contains("&lt;b&gt;bob&lt;/b&gt; &amp; Söhne") && !html.contains("<b>"),
            "{html}"
        );
        assert!(
            html.contains("href=\"https://audit.example.com/firings/7?a=1&amp;b=2\""),
            "{html}"
        );
        assert!(mail["longest"].as_u64().unwrap() <= 998);

        n.kind = Kind::Resolved;
        n.template = Some("{{alert}} ist vorbei, ö".to_owned());
        detail(safe.send(&channel, &n));
        let mail = smtpd.mail();
        assert!(mail["text"].as_str().unwrap().ends_with("ist vorbei, ö"), "{mail}");
        assert!(mail["subject"].as_str().unwrap().starts_with("[RESOLVED] "));
    }
}

#[test]
fn a_wrong_password_and_an_expired_certificate_pause() {
    let Some(python) = python() else { return };
    let smtpd = Smtpd::new(python, "starttls", 4_096);
    let safe = Safe::with("password", "wr0ng-h0rse");
    let outcome = safe.send(&smtpd.channel("starttls"), &notification());
    let error = failure(&outcome, "pause");
    assert_eq!(error.status, Some(535), "{error:?}");
    assert!(!format!("{outcome:?}").contains("h0rse"));

    let old = Smtpd::new(python, "starttls", 2_001);
    let safe = Safe::with("password", "corr3ct-h0rse");
    let error = failure(&safe.send(&old.channel("starttls"), &notification()), "pause");
    assert!(error.message.contains("expired"), "{error}");
}

#[test]
fn webhooks_are_understood() {
    let Some(python) = python() else { return };
    // The secret of the specification's examples, and one without prefix and padding.
    let (new, old) = (
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gIQ",
    );
    let safe = Safe::with("new", new);
    safe.put("old", old);
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let deliver = |config: Value| {
        let server = Server::answering("204 No Content", "", "");
        let mut config = config;
        config["url"] = server.url("/in").into();
        let secrets = safe.secrets();
        let attempt = Attempt {
            secrets: &secrets,
            deadline: Duration::from_secs(10),
            now: i64::try_from(now.as_micros()).unwrap(),
            allow: &|_, _| true,
        };
        detail(send(&channel("webhook", &config), &notification(), &attempt));
        let request = server.request();
        let headers: serde_json::Map<_, _> = request
            .headers
            .iter()
            .map(|(name, value)| (name.to_lowercase(), json!(value)))
            .collect();
        let body = String::from_utf8(request.body).unwrap();
        judged(
            python,
            &json!({"headers": headers, "body": body, "secrets": [new, old]}),
        )
    };
    let read = deliver(json!({"signing_secret": "secret:new"}));
    assert_eq!(read["verified"], json!([true, false]));
    assert_eq!(read["changed"], json!([false, false]));
    assert_eq!(read["id"], notification().id);
    assert_eq!(read["source"], "example.com/audit");
    assert_eq!(read["type"], "pg_auditlog.alert.fired");
    assert_eq!(read["time"], "2025-11-22T15:00:00.123456+00:00");
    assert_eq!(read["alert"], "Multiple Failed Login Attempts");
    let read = deliver(json!({"signing_secret": "secret:new", "old_signing_secret": "secret:old"}));
    assert_eq!(read["verified"], json!([true, true]));
}

/// What the libraries say of a request.
fn judged(python: &Path, request: &Value) -> Value {
    let mut program = Command::new(python)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/counterparts/webhook.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    program
        .stdin
        .take()
        .unwrap()
        .write_all(request.to_string().as_bytes())
        .unwrap();
    let output = program.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}
