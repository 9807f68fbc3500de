//! RFC 5424 over every transport, to receivers of the test.

mod support;

use std::io::{Read, Write};
use std::net::{TcpListener, UdpSocket};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use auditlog_sink::{Annotations, Assurance, Message, deliver, deliver_annotated};
use serde_json::{Value, json};
use support::{Directory, MESSAGE, NOTE, assert_permanent, assert_retry, send, target};

fn receiver() -> (UdpSocket, String) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let url = format!("udp://{}", socket.local_addr().unwrap());
    (socket, url)
}

/// The datagram that `message` is with `options`.
fn datagram(options: &Value, message: &Message<'_>) -> Vec<u8> {
    let (socket, url) = receiver();
    let receipt = deliver(&target("syslog", &url, options), message, Duration::from_secs(5)).unwrap();
    assert_eq!(receipt.assurance, Assurance::Sent);
    let mut buffer = vec![0; 70_000];
    let length = socket.recv(&mut buffer).unwrap();
    buffer.truncate(length);
    buffer
}

fn text(options: &Value) -> String {
    String::from_utf8(datagram(options, &MESSAGE)).unwrap()
}

#[test]
fn the_message_is_as_rfc_5424_has_it() {
    let process = std::process::id();
    let options = json!({"hostname": "db1"});
    assert_eq!(
        text(&options),
        format!(
            "<109>1 2025-11-22T15:00:00.123456Z db1 pg_auditlog {process} - \
             [auditlog@32473 name=\"example.com/log/12\" contentType=\"text/plain; charset=utf-8\"] {NOTE}"
        )
    );
    let options = json!({
        "facility": "local3", "severity": "crit", "hostname": "h", "app_name": "app", "msgid": "CHECKPOINT",
        "enterprise_number": 64_000, "time_digits": 3, "bom": true,
        "structured_data": {"meta": {"sequenceId": "1"}, "x@1.2": {"a": "q\"b\\c]d[e=f", "é".replace('é', "e"): "ü"}},
    });
    assert_eq!(
        text(&options),
        format!(
            "<154>1 2025-11-22T15:00:00.123Z h app {process} CHECKPOINT \
             [auditlog@64000 name=\"example.com/log/12\" contentType=\"text/plain; charset=utf-8\"]\
             [meta sequenceId=\"1\"][x@1.2 a=\"q\\\"b\\\\c\\]d[e=f\" e=\"ü\"] \u{feff}{NOTE}"
        )
    );
    assert!(text(&json!({"time_digits": 0})).contains(" 2025-11-22T15:00:00Z "));
    // The machine's own name, whatever it is.
    assert!(text(&json!({})).split(' ').nth(2).is_some_and(|host| !host.is_empty()));
}

/// A name from outside must not end its parameter and begin another.
#[test]
fn a_message_brings_its_own_severity_and_parameters() {
    let (socket, url) = receiver();
    let syslog = target(
        "syslog",
        &url,
        &json!({"hostname": "db1", "severity": "info", "max_bytes": 480}),
    );
    let annotations = Annotations {
        severity: Some(2),
        message_id: Some("ALERT"),
        parameters: &[("alert", "a \"b\"")],
    };
    let room = syslog.room(&MESSAGE, &annotations).unwrap();
    let send = |length: usize| {
        let body = "x".repeat(length);
        let message = Message {
            body: body.as_bytes(),
            ..MESSAGE
        };
        deliver_annotated(&syslog, &message, &annotations, Duration::from_secs(5), &|_| true)
    };
    assert_permanent(send(room + 1), "481 bytes as syslog");
    send(room).unwrap();
    let mut buffer = [0; 1_000];
    let length = socket.recv(&mut buffer).unwrap();
    assert_eq!(length, 480);
    let text = std::str::from_utf8(&buffer[..length]).unwrap();
    assert!(text.starts_with("<106>1 "), "{text}");
    assert!(text.contains(" ALERT [auditlog@32473 name="), "{text}");
    assert!(text.contains("utf-8\" alert=\"a \\\"b\\\"\"] x"), "{text}");
}

#[test]
fn a_name_can_not_escape_its_parameter() {
    let message = Message {
        name: "a\"] [evil@1 x=\"\\",
        ..MESSAGE
    };
    let bytes = String::from_utf8(datagram(&json!({}), &message)).unwrap();
    assert!(
        bytes.contains(r#" name="a\"\] [evil@1 x=\"\\" contentType="#),
        "{bytes}"
    );
}

#[test]
fn times_that_have_no_date_are_left_out() {
    for time in [i64::MIN, i64::MAX] {
        let bytes = datagram(&json!({}), &Message { time, ..MESSAGE });
        assert!(bytes.starts_with(b"<109>1 - "), "{}", String::from_utf8_lossy(&bytes));
    }
    assert!(datagram(&json!({}), &Message { time: -1, ..MESSAGE }).starts_with(b"<109>1 1969-12-31T23:59:59.999999Z "));
}

#[test]
fn nothing_is_cut_to_fit() {
    let (socket, url) = receiver();
    let body = vec![b'x'; 3_000];
    let message = Message { body: &body, ..MESSAGE };
    let short = target("syslog", &url, &json!({}));
    assert_permanent(deliver(&short, &message, Duration::from_secs(5)), "max_bytes");
    let long = target("syslog", &url, &json!({"max_bytes": 65_507}));
    deliver(&long, &message, Duration::from_secs(5)).unwrap();
    let body = vec![b'x'; 65_507];
    let message = Message { body: &body, ..MESSAGE };
    assert_permanent(deliver(&long, &message, Duration::from_secs(5)), "max_bytes");
    let mut buffer = vec![0; 70_000];
    assert!(socket.recv(&mut buffer).unwrap() > 3_000);
    socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    assert!(socket.recv(&mut buffer).is_err());
}

#[test]
fn bytes_that_are_no_text_are_sent_but_not_under_a_bom() {
    let message = Message {
        body: b"\xff\x00",
        ..MESSAGE
    };
    assert!(datagram(&json!({}), &message).ends_with(b"] \xff\x00"));
    let (_socket, url) = receiver();
    assert_permanent(
        deliver(
            &target("syslog", &url, &json!({"bom": true})),
            &message,
            Duration::from_secs(5),
        ),
        "UTF-8",
    );
}

#[test]
fn a_local_port_without_receiver_is_noticed() {
    let (socket, url) = receiver();
    drop(socket);
    assert_retry(send(&target("syslog", &url, &json!({}))), "refused");
}

/// A receiver for one connection, which gives what it read and then closes.
fn listen() -> (String, std::sync::mpsc::Receiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("tcp://{}", listener.local_addr().unwrap());
    let (sender, receiver) = channel();
    thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let _ = sender.send(support::read_all(&mut stream));
        }
    });
    (url, receiver)
}

#[test]
fn streams_count_octets_or_end_lines() {
    let (url, received) = listen();
    let receipt = send(&target("syslog", &url, &json!({"hostname": "ü".replace('ü', "u")}))).unwrap();
    assert_eq!(receipt.assurance, Assurance::Received);
    let frame = String::from_utf8(received.recv_timeout(Duration::from_secs(5)).unwrap()).unwrap();
    let (length, message) = frame.split_once(' ').unwrap();
    assert_eq!(length.parse(), Ok(message.len()));
    assert!(message.ends_with(NOTE));

    send(&target("syslog", &url, &json!({"framing": "newline"}))).unwrap();
    let frame = String::from_utf8(received.recv_timeout(Duration::from_secs(5)).unwrap()).unwrap();
    assert!(frame.starts_with("<109>1 "), "{frame}");
    assert!(
        frame.ends_with(&format!("] {}\n", NOTE.replace('\n', "#012"))),
        "{frame}"
    );
    assert_eq!(frame.matches('\n').count(), 1);
}

/// It has everything but never closes: its kernel's acknowledgement is all there will ever be.
#[test]
fn a_receiver_that_does_not_close_has_received() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("tcp://{}", listener.local_addr().unwrap());
    let start = Instant::now();
    let receipt = send(&target("syslog", &url, &json!({}))).unwrap();
    assert_eq!(receipt.assurance, Assurance::Received);
    assert!(start.elapsed() > Duration::from_secs(1) && start.elapsed() < Duration::from_secs(4));
}

/// A receiver that dies with the message unread resets the connection.
#[test]
fn a_receiver_that_dies_has_not_received() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("tcp://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut peeked = [0];
        let _ = stream.peek(&mut peeked);
        // Closed with bytes unread: a reset.
    });
    assert_retry(send(&target("syslog", &url, &json!({}))), "could not send");
}

/// Its window is full, so that its kernel takes nothing.
#[test]
fn a_receiver_that_takes_nothing_has_not_received() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    socket2::SockRef::from(&listener).set_recv_buffer_size(1).unwrap();
    let url = format!("tcp://{}", listener.local_addr().unwrap());
    let (sender, stop) = channel::<()>();
    thread::spawn(move || {
        let accepted = listener.accept();
        let _ = stop.recv();
        drop(accepted);
    });
    let body = vec![b'x'; 65_000];
    let target = target("syslog", &url, &json!({"max_bytes": 65_536}));
    let start = Instant::now();
    let result = deliver(&target, &Message { body: &body, ..MESSAGE }, Duration::from_millis(800));
    assert_retry(result, "");
    assert!(start.elapsed() < Duration::from_millis(1_800));
    drop(sender);
}

#[test]
fn unix_datagrams_and_streams() {
    let directory = Directory::new();
    let path = directory.join("log");
    let url = format!("unix://{}", path.display());
    assert_retry(send(&target("syslog", &url, &json!({}))), "No such file");

    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    assert_eq!(
        send(&target("syslog", &url, &json!({}))).unwrap().assurance,
        Assurance::Received
    );
    let mut buffer = [0; 10_000];
    let length = socket.recv(&mut buffer).unwrap();
    assert!(buffer[..length].starts_with(b"<109>1 ") && buffer[..length].ends_with(NOTE.as_bytes()));
    drop(socket);
    assert_retry(send(&target("syslog", &url, &json!({}))), "refused");

    std::fs::remove_file(&path).unwrap();
    let listener = UnixListener::bind(&path).unwrap();
    for (options, end) in [
        (json!({}), format!("{}\n", NOTE.replace('\n', "#012"))),
        (json!({"framing": "octet-counting"}), NOTE.to_owned()),
    ] {
        send(&target("syslog", &url, &options)).unwrap();
        let (mut stream, _) = listener.accept().unwrap();
        let bytes = String::from_utf8(support::read_all(&mut stream)).unwrap();
        assert!(bytes.ends_with(&end), "{bytes}");
    }
}

#[test]
fn a_full_unix_queue_holds_nobody() {
    let directory = Directory::new();
    let path = directory.join("log");
    let url = format!("unix://{}", path.display());
    let target = target("syslog", &url, &json!({}));
    let socket = UnixDatagram::bind(&path).unwrap();
    let mut last = Ok(());
    let start = Instant::now();
    for _ in 0..2_000 {
        last = deliver(&target, &MESSAGE, Duration::from_millis(300)).map(drop);
        if last.is_err() {
            break;
        }
    }
    assert!(last.unwrap_err().is_retry());
    assert!(start.elapsed() < Duration::from_secs(5));
    drop(socket);

    std::fs::remove_file(&path).unwrap();
    let listener = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).unwrap();
    listener.bind(&socket2::SockAddr::unix(&path).unwrap()).unwrap();
    listener.listen(0).unwrap();
    let start = Instant::now();
    let results: Vec<_> = (0..3)
        .map(|_| deliver(&target, &MESSAGE, Duration::from_millis(300)))
        .collect();
    assert!(
        results
            .iter()
            .any(|result| result.as_ref().is_err_and(|error| error.is_retry()))
    );
    assert!(start.elapsed() < Duration::from_secs(3));
}

/// Unused, but the receiver's answer must not matter either.
#[test]
fn what_a_receiver_says_is_read_over() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("tcp://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.write_all(&[b'x'; 5_000]);
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
    });
    assert_eq!(
        send(&target("syslog", &url, &json!({}))).unwrap().assurance,
        Assurance::Received
    );
}
