//! rsyslog must read what is sent to it over TLS. Where it isn't installed with its TLS (Debian: rsyslog,
//! rsyslog-openssl) this test says «skipped». AUDITLOG_RSYSLOGD names another program than the one in the path.

mod support;

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::sink::{Directory, text_of, tls};
use support::{Safe, channel, detail, failure, notification};

/// A running receiver, ended with its value.
struct Rsyslog(Child);

impl Drop for Rsyslog {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const CONFIG: &str = r#"
global(workDirectory="@DIR@" maxMessageSize="64k" parser.escapeControlCharactersOnReceive="off"
  DefaultNetstreamDriver="ossl" DefaultNetstreamDriverCAFile="@DIR@/ca.pem"
  DefaultNetstreamDriverCertFile="@DIR@/cert.pem" DefaultNetstreamDriverKeyFile="@DIR@/key.pem")
module(load="mmpstrucdata")
module(load="imtcp" StreamDriver.Name="ossl" StreamDriver.Mode="1" StreamDriver.AuthMode="anon")
template(name="line" type="list" option.jsonf="on") {
  property(outname="severity" name="syslogseverity-text" format="jsonf")
  property(outname="facility" name="syslogfacility-text" format="jsonf")
  property(outname="time" name="timereported" dateFormat="rfc3339" format="jsonf")
  property(outname="host" name="hostname" format="jsonf")
  property(outname="app" name="app-name" format="jsonf")
  property(outname="msgid" name="msgid" format="jsonf")
  property(outname="data" name="$!rfc5424-sd" format="jsonf")
  property(outname="message" name="msg" format="jsonf")
}
ruleset(name="in") {
  action(type="mmpstrucdata")
  action(type="omfile" file="@DIR@/out.jsonl" template="line")
}
input(type="imtcp" address="127.0.0.1" port="@PORT@" ruleset="in")
"#;

/// A receiver that writes into `directory`, or why there is none.
fn start(directory: &Directory, port: u16) -> Result<Rsyslog, String> {
    let program = std::env::var("AUDITLOG_RSYSLOGD").unwrap_or_else(|_| "rsyslogd".to_owned());
    let config = CONFIG
        .replace("@DIR@", text_of(&directory.join("")).trim_end_matches('/'))
        .replace("@PORT@", &port.to_string());
    let config = directory.file("rsyslog.conf", config);
    let command = |mode: &str| {
        let mut command = Command::new(&program);
        command.args([mode, "-f", &config, "-i", "NONE"]).stdin(Stdio::null());
        command
    };
    let checked = command("-N1").output().map_err(|error| format!("{program}: {error}"))?;
    if !checked.status.success() {
        return Err(String::from_utf8_lossy(&checked.stderr).into_owned());
    }
    let child = command("-n")
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| error.to_string())?;
    let begin = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if begin.elapsed() > Duration::from_secs(20) {
            return Err("it does not listen".to_owned());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(Rsyslog(child))
}

fn lines(path: &Path, count: usize) -> Vec<Value> {
    let begin = Instant::now();
    loop {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        if text.lines().count() >= count && text.ends_with('\n') {
            return text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        }
        assert!(begin.elapsed() < Duration::from_secs(20), "only: {text}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn notifications_are_read_as_they_were_sent() {
    let directory = Directory::new();
    let authority = tls::Authority::new();
    let identity = authority.issue(&["localhost"]);
    let ca = directory.file("ca.pem", authority.pem());
    directory.file("cert.pem", &identity.certificate_pem);
    directory.file("key.pem", &identity.key_pem);
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let _rsyslog = match start(&directory, port) {
        Ok(rsyslog) => rsyslog,
        Err(why) => {
            // Past the capture of the test's output.
            let _ = writeln!(std::io::stderr(), "skipped: no rsyslog with TLS: {}", why.trim());
            return;
        }
    };
    let config = |more: Value| {
        let mut config = json!({"address": format!("tls://localhost:{port}"), "ca_file": ca, "hostname": "db1"});
        config
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        channel("syslog", &config)
    };
    let mut n = notification();
    n.alert = "Wer ist \"da\"? [x] \\ 失敗".to_owned();
    n.description = Some("zwei\nZeilen".to_owned());
    detail(Safe::new().send(&config(json!({})), &n));
    detail(Safe::new().send(&config(json!({"body": "json", "facility": "local0"})), &n));
    let lines = lines(&directory.join("out.jsonl"), 2);
    let first = &lines[0];
    assert_eq!(
        (&first["severity"], &first["facility"]),
        (&json!("err"), &json!("audit"))
    );
    assert_eq!(
        (&first["host"], &first["app"], &first["msgid"]),
        (&json!("db1"), &json!("pg_auditlog"), &json!("ALERT"))
    );
    assert_eq!(first["time"], "2025-11-22T15:00:00.123456Z");
    let data: Value = match &first["data"] {
        Value::String(text) => serde_json::from_str(text).unwrap(),
        other => other.clone(),
    };
    let data = &data["auditlog@32473"];
    assert_eq!(data["name"], n.id);
    assert_eq!(data["alert"], n.alert);
    assert_eq!(
        (&data["kind"], &data["count"], &data["dedupkey"]),
        (&json!("fired"), &json!("5"), &json!(n.dedup_key))
    );
    let message = first["message"].as_str().unwrap();
    assert!(
        message.starts_with("[ERROR] Wer ist \"da\"? [x] \\ 失敗: actor.email"),
        "{message}"
    );
    assert!(message.ends_with("zwei Zeilen"), "{message}");
    assert_eq!(lines[1]["facility"], "local0");
    let body: Value = serde_json::from_str(lines[1]["message"].as_str().unwrap()).unwrap();
    assert_eq!(
        (&body["id"], &body["description"]),
        (&json!(n.id), &json!("zwei\nZeilen"))
    );

    let foreign = directory.file("other.pem", tls::Authority::new().pem());
    let error = failure(&Safe::new().send(&config(json!({"ca_file": foreign})), &n), "pause");
    assert!(error.hint.unwrap().contains("ca_file"));
}
