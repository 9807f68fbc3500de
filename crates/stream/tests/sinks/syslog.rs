//! Syslog: receivers that end in mid-stream, and rsyslog with a restart if that is installed (`AUDITLOG_RSYSLOGD` names it
//! where it isn't in the path).

use std::collections::BTreeSet;
use std::io::{BufReader, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use auditlog_stream::{Driver, Outcome};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{
    Event, NOW, ORIGIN, Safe, assert_all, events, failure, hash, hex, items, link, refused, sink, stream,
};

/// Reads a message with its length before it.
fn frame(from: &mut impl std::io::BufRead) -> Option<String> {
    let mut length = Vec::new();
    from.read_until(b' ', &mut length).ok()?;
    let length: usize = std::str::from_utf8(length.strip_suffix(b" ")?)
        .unwrap()
        .parse()
        .unwrap();
    let mut message = vec![0; length];
    from.read_exact(&mut message).ok()?;
    Some(String::from_utf8(message).unwrap())
}

/// A receiver that ends each connection after as many messages as it is told, and forgets the last ones of them: those that
/// its program has read and not kept. After those of `ends` it keeps all. It waits for `linger` before it ends one.
fn receiver(ends: Vec<(usize, usize)>, linger: Duration) -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, kept) = channel();
    thread::spawn(move || {
        for number in 0.. {
            let (end, forgotten) = ends.get(number).copied().unwrap_or((usize::MAX, 0));
            let Ok((stream, _)) = listener.accept() else { return };
            let mut stream = BufReader::new(stream);
            let mut read = Vec::new();
            while read.len() < end {
                let Some(message) = frame(&mut stream) else { break };
                if end == usize::MAX {
                    if sender.send(message).is_err() {
                        return;
                    }
                } else {
                    read.push(message);
                }
            }
            thread::sleep(linger);
            drop(stream);
            read.truncate(read.len().saturating_sub(forgotten));
            for message in read {
                let _ = sender.send(message);
            }
        }
    });
    (port, kept)
}

/// The place in the log that a message of ours tells.
fn place(message: &str) -> u64 {
    let (_, rest) = message.split_once("log_index=\"").unwrap();
    rest.split('"').next().unwrap().parse().unwrap()
}

#[test]
fn messages_are_counted_and_have_their_key() {
    let (port, kept) = receiver(Vec::new(), Duration::ZERO);
    let config = json!({"address": format!("tcp://127.0.0.1:{port}"), "hostname": "db1", "facility": "local3"});
    let mut link = link("syslog", &config);
    let whole = "<109>1 2025-11-22T15:00:00Z db1 app - - - zwei\nZeilen";
    let batch = [
        Event::new(0),
        Event::with_body(1, whole),
        Event::with_body(2, "CEF:0|a|"),
    ];
    let sent = Safe::new().once(&mut link, &batch);
    assert_all(&sent, 3);
    assert!(sent.answer.contains("kernel"), "{}", sent.answer);
    let first = kept.recv().unwrap();
    let head = format!(
        "<157>1 2025-11-22T15:00:00.123456Z db1 pg_auditlog {} EVENT [auditlog@32473",
        std::process::id()
    );
    assert!(first.starts_with(&head), "{first}");
    let key = format!(" name=\"0-{}\"", hex(&hash(0)));
    assert!(first.contains(&key), "{first}");
    assert!(
        first.contains(&format!(
            " origin=\"{ORIGIN}\" log_index=\"0\" entry_hash=\"{}\"]",
            hex(&hash(0))
        )),
        "{first}"
    );
    assert!(
        first.ends_with("] {\"n\":0,\"text\":\"zwei \\\"Wörter\\\"\\\\\"}"),
        "{first}"
    );
    assert_eq!(kept.recv().unwrap(), whole);
    assert!(kept.recv().unwrap().ends_with("] CEF:0|a|"));
    // A second batch goes over the same connection.
    assert_all(&Safe::new().once(&mut link, &batch[..1]), 1);
    kept.recv().unwrap();
}

#[test]
fn only_allowed_addresses_are_sent_to() {
    use auditlog_stream::Sender as _;
    let (port, kept) = receiver(Vec::new(), Duration::ZERO);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let udp = format!("udp://{}", socket.local_addr().unwrap());
    for address in [format!("tcp://127.0.0.1:{port}"), udp] {
        let mut link = link("syslog", &json!({"address": address}));
        let safe = Safe::new();
        let batch = events(1);
        let mut attempt = safe.attempt();
        assert_all(&link.send(&items(&batch), &attempt), 1);
        // Also not over a connection that was made when it was still allowed.
        let refuse = |_: &str, _| false;
        attempt.allow = &refuse;
        let error = failure(&link.send(&items(&batch), &attempt), "pause");
        assert!(error.hint.unwrap().contains("auditlog.allowed_hosts"));
    }
    kept.recv().unwrap();
    assert!(kept.recv_timeout(Duration::from_millis(100)).is_err());
}

#[test]
fn long_events_are_given_up_and_nothing_is_cut() {
    let (port, kept) = receiver(Vec::new(), Duration::ZERO);
    let mut batch = events(3);
    batch[1] = Event::with_body(1, &"x".repeat(9_000));
    let mut tcp = link("syslog", &json!({"address": format!("tcp://127.0.0.1:{port}")}));
    let sent = Safe::new().deliver(&mut tcp, &batch);
    assert_eq!(
        (sent.delivered, sent.rejected.len(), sent.rejected[0].index),
        (3, 1, 1),
        "{sent:?}"
    );
    assert_eq!([place(&kept.recv().unwrap()), place(&kept.recv().unwrap())], [0, 2]);
}

#[test]
fn datagrams_are_sent_in_hope() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = format!("udp://{}", socket.local_addr().unwrap());
    let mut link = link("syslog", &json!({"address": address}));
    assert!(link.stream().is_best_effort());
    assert_eq!(link.stream().window(), 0);
    assert_all(&Safe::new().once(&mut link, &events(2)), 2);
    let mut buffer = [0; 4_096];
    for expected in 0..2 {
        let length = socket.recv(&mut buffer).unwrap();
        assert_eq!(place(std::str::from_utf8(&buffer[..length]).unwrap()), expected);
    }
    drop(socket);
    // The second of two finds out that nobody is there.
    let sent = Safe::new().once(&mut link, &events(50));
    assert!(sent.delivered < 50, "{sent:?}");
    failure(&sent, "retry");
}

#[test]
fn after_a_break_the_window_is_sent_again() {
    let (port, kept) = receiver(vec![(5, 2)], Duration::from_millis(500));
    let mut safe = Safe::new();
    let mut link = link(
        "syslog",
        &json!({"address": format!("tcp://127.0.0.1:{port}"), "replay_events": 4}),
    );
    assert_eq!(link.stream().window(), 4);
    let all = events(6);
    assert_all(&safe.once(&mut link, &all[..5]), 5);
    for expected in 0..3 {
        assert_eq!(place(&kept.recv().unwrap()), expected);
    }
    // The receiver's end of the connection is on its way.
    thread::sleep(Duration::from_millis(50));
    safe.now += 1_000_000;
    let sent = safe.once(&mut link, &all[5..]);
    assert_eq!(
        (sent.delivered, &sent.outcome),
        (0, &Outcome::Rewind { events: 4 }),
        "{sent:?}"
    );
    assert_all(&safe.once(&mut link, &all[1..]), 5);
    for expected in 1..6 {
        assert_eq!(place(&kept.recv().unwrap()), expected);
    }
}

#[test]
fn a_connection_that_was_watched_sends_nothing_again() {
    let (port, kept) = receiver(vec![(2, 0)], Duration::from_millis(500));
    let mut safe = Safe::new();
    let config = json!({"address": format!("tcp://127.0.0.1:{port}"), "replay_seconds": 5});
    let mut link = link("syslog", &config);
    assert_all(&safe.once(&mut link, &events(1)), 1);
    safe.now += 6_000_000;
    link.watch(safe.now);
    // One more, so that the receiver closes.
    safe.now += 6_000_000;
    assert_all(&safe.once(&mut link, &events(1)), 1);
    assert_eq!([place(&kept.recv().unwrap()), place(&kept.recv().unwrap())], [0, 0]);
    thread::sleep(Duration::from_millis(50));
    let sent = safe.once(&mut link, &events(1));
    assert_eq!(sent.outcome, Outcome::Rewind { events: 1 });
}

#[test]
fn tls_is_checked() {
    let directory = sink::Directory::new();
    let authority = sink::tls::Authority::new();
    let (sender, kept) = channel();
    let server = sink::tls::serve(&authority.issue(&["localhost"]), None, move |stream| {
        let mut stream = BufReader::new(stream);
        while let Some(message) = frame(&mut stream) {
            let _ = sender.send(message);
        }
    });
    let ca = directory.file("ca.pem", authority.pem());
    let address = format!("tls://localhost:{}", server.port());
    let mut link = link("syslog", &json!({"address": address, "ca_file": ca}));
    for number in 0..3 {
        assert_all(&Safe::new().once(&mut link, &events(2)), 2);
        assert_eq!(place(&kept.recv().unwrap()), 0, "{number}");
        assert_eq!(place(&kept.recv().unwrap()), 1);
    }
    // That server talks to one at a time.
    drop(link);
    let foreign = directory.file("other.pem", sink::tls::Authority::new().pem());
    let mut other = crate::support::link("syslog", &json!({"address": address, "ca_file": foreign}));
    assert!(
        failure(&Safe::new().once(&mut other, &events(1)), "pause")
            .hint
            .unwrap()
            .contains("ca_file")
    );
    assert_eq!(
        stream("syslog", &json!({"address": address, "ca_file": ca})).hosts(),
        ["localhost"]
    );
    assert!(refused("syslog", &json!({"address": "http://x"})).1.contains("tls://"));
    assert!(refused("syslog", &json!({})).0.contains("address"));
}

/// Does what the caller of the crate does: keeps the position, goes back when told to. When all is sent, later events come
/// (the last again) until everything has been received, as what a receiver forgets comes to light with the next event.
fn run(port: u16, all: &[Event], sizes: &[usize], mut has_all: impl FnMut() -> bool) {
    let config = json!({"address": format!("tcp://127.0.0.1:{port}"), "replay_events": 60, "replay_seconds": 3600});
    let mut link = link("syslog", &config);
    let mut driver = Driver::default();
    let mut safe = Safe::new();
    let (mut position, mut tries) = (0, 0);
    let begin = Instant::now();
    loop {
        if position == all.len() {
            thread::sleep(Duration::from_millis(2));
            if has_all() || begin.elapsed() > Duration::from_secs(20) {
                return;
            }
            position -= 1;
        }
        let size = sizes[tries % sizes.len()];
        let batch = &all[position..(position + size).min(all.len())];
        safe.now = NOW + i64::try_from(tries).unwrap() * 1_000;
        let sent = driver.deliver(&mut link, &items(batch), &safe.attempt());
        position += sent.delivered;
        match sent.outcome {
            Outcome::Delivered => {}
            Outcome::Rewind { events } => position = position.saturating_sub(events),
            Outcome::Retry { .. } => thread::sleep(Duration::from_millis(1)),
            other => panic!("{other:?}"),
        }
        tries += 1;
    }
}

proptest! {
    // Few: a receiving kernel takes 40 ms for each acknowledgement (delayed ACK).
    #![proptest_config(ProptestConfig { cases: if std::env::var_os("AUDITLOG_SOAK").is_some() { 30 } else { 8 }, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn nothing_is_lost_when_receivers_end_in_mid_stream(
        ends in prop::collection::vec((1_usize..40, 0_usize..10), 0..4),
        sizes in prop::collection::vec(1_usize..12, 1..5),
    ) {
        let all = events(60);
        let (port, kept) = receiver(ends, Duration::ZERO);
        let mut found = BTreeSet::new();
        // The window has as many as the receiver and its kernel may hold, here all.
        run(port, &all, &sizes, || {
            found.extend(kept.try_iter().map(|message| place(&message)));
            found.len() == 60
        });
        prop_assert_eq!(found.len(), all.len(), "{:?}", found);
    }
}

/// A running rsyslog, ended with its value.
struct Rsyslog(Child);

impl Drop for Rsyslog {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const CONFIG: &str = r#"
global(workDirectory="@DIR@" maxMessageSize="64k" parser.escapeControlCharactersOnReceive="off" @TLS@)
module(load="imtcp" @DRIVER@)
template(name="line" type="list" option.jsonf="on") {
  property(outname="sd" name="structured-data" format="jsonf")
  property(outname="msg" name="msg" format="jsonf")
}
ruleset(name="in") { action(type="omfile" file="@DIR@/out.jsonl" template="line") }
input(type="imtcp" address="127.0.0.1" port="@PORT@" ruleset="in")
"#;

fn start(directory: &sink::Directory, port: u16, tls: bool) -> Result<Rsyslog, String> {
    let program = std::env::var("AUDITLOG_RSYSLOGD").unwrap_or_else(|_| "rsyslogd".to_owned());
    let modules = std::env::var("AUDITLOG_RSYSLOG_MODULES").ok();
    let place = sink::text_of(&directory.join(""));
    let place = place.trim_end_matches('/');
    let files = format!(
        r#"DefaultNetstreamDriver="ossl" DefaultNetstreamDriverCAFile="{place}/ca.pem" DefaultNetstreamDriverCertFile="{place}/cert.pem" DefaultNetstreamDriverKeyFile="{place}/key.pem""#
    );
    let (files, driver) = if tls {
        (
            files.as_str(),
            r#"StreamDriver.Name="ossl" StreamDriver.Mode="1" StreamDriver.AuthMode="anon""#,
        )
    } else {
        ("", "")
    };
    let config = CONFIG
        .replace("@TLS@", files)
        .replace("@DRIVER@", driver)
        .replace("@DIR@", place)
        .replace("@PORT@", &port.to_string());
    let config = directory.file("rsyslog.conf", config);
    let command = |mode: &str| {
        let mut command = Command::new(&program);
        command.args([mode, "-f", &config, "-i", "NONE"]).stdin(Stdio::null());
        if let Some(modules) = &modules {
            command.args(["-M", modules]);
        }
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
        thread::sleep(Duration::from_millis(20));
    }
    Ok(Rsyslog(child))
}

/// The places that rsyslog has written, when it has at least as many as expected.
fn written(path: &Path, least: usize) -> Vec<u64> {
    let begin = Instant::now();
    loop {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let places: Vec<u64> = lines.map(|line| place(line["sd"].as_str().unwrap())).collect();
        if places.iter().collect::<BTreeSet<_>>().len() >= least || begin.elapsed() > Duration::from_secs(20) {
            return places;
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// rsyslog is killed and started again in mid-stream, three times.
fn restarted(tls: bool) {
    let directory = sink::Directory::new();
    let authority = sink::tls::Authority::new();
    let identity = authority.issue(&["localhost"]);
    let ca = directory.file("ca.pem", authority.pem());
    directory.file("cert.pem", &identity.certificate_pem);
    directory.file("key.pem", &identity.key_pem);
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut rsyslog = match start(&directory, port, tls) {
        Ok(rsyslog) => Some(rsyslog),
        Err(why) => {
            // Past the capture of the test's output.
            let _ = writeln!(std::io::stderr(), "skipped: no rsyslog: {}", why.trim());
            return;
        }
    };
    let config = if tls {
        json!({"address": format!("tls://localhost:{port}"), "ca_file": ca, "replay_events": 500})
    } else {
        json!({"address": format!("tcp://localhost:{port}"), "replay_events": 500})
    };
    let mut link = link("syslog", &config);
    let mut driver = Driver::default();
    let mut safe = Safe::new();
    let all = events(2_000);
    let mut position = 0;
    let mut restarts = [500, 1_000, 1_500].into_iter().peekable();
    let begin = Instant::now();
    while position < all.len() {
        if restarts.next_if(|at| position >= *at).is_some() {
            rsyslog.take();
            rsyslog = Some(start(&directory, port, tls).unwrap());
        }
        safe.now = NOW + i64::try_from(begin.elapsed().as_micros()).unwrap();
        let batch = &all[position..(position + 100).min(all.len())];
        let sent = driver.deliver(&mut link, &items(batch), &safe.attempt());
        position += sent.delivered;
        match sent.outcome {
            Outcome::Delivered => {}
            Outcome::Rewind { events } => position -= events.min(position),
            Outcome::Retry { .. } => thread::sleep(Duration::from_millis(20)),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(restarts.next(), None);
    let places = written(&directory.join("out.jsonl"), all.len());
    let found: BTreeSet<u64> = places.iter().copied().collect();
    let missing: Vec<u64> = (0..2_000).filter(|index| !found.contains(index)).collect();
    assert!(missing.is_empty(), "missing: {missing:?}");
    drop(rsyslog);
}

#[test]
fn rsyslog_has_all_after_restarts_over_tcp() {
    restarted(false);
}

#[test]
fn rsyslog_has_all_after_restarts_over_tls() {
    restarted(true);
}
