//! Every kind of channel, from the database to its receiver; many firings told of together.

use super::{create, settle};
use auditlog_testkit::http::Server;
use auditlog_testkit::log::{scalar, text};
use auditlog_testkit::postgres::Client;
use auditlog_testkit::{Cluster, LONG, Options, command, wait_until};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

fn cluster() -> Cluster {
    Cluster::start(&Options::default().set("auditlog.allowed_hosts", "127.0.0.1, localhost"))
}

/// A mail server that says yes to everything and hands on what it was given.
fn mail_server() -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let (mails, received) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut lines = BufReader::new(stream.try_clone().expect("a socket")).lines();
            let say = |line: &str| {
                // A client that goes away is its own affair.
                let _ = (&stream).write_all(format!("{line}\r\n").as_bytes());
            };
            say("220 mail.example ESMTP");
            let mut mail = String::new();
            while let Some(Ok(line)) = lines.next() {
                match line.split(' ').next().unwrap_or_default().to_uppercase().as_str() {
                    "EHLO" => say("250 mail.example"),
                    "DATA" => {
                        say("354 go on");
                        for line in lines.by_ref().map_while(Result::ok).take_while(|line| line != ".") {
                            mail.push_str(&line);
                            mail.push('\n');
                        }
                        say("250 2.0.0 queued");
                        let _ = mails.send(std::mem::take(&mut mail));
                    }
                    "QUIT" => {
                        say("221 bye");
                        break;
                    }
                    _ => {
                        mail.push_str(&line);
                        mail.push('\n');
                        say("250 2.1.0 ok");
                    }
                }
            }
        }
    });
    (port, received)
}

/// What arrives over TCP until the sender closes.
fn listener() -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let (texts, received) = channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut text = String::new();
            let _ = stream.read_to_string(&mut text);
            let _ = texts.send(text);
        }
    });
    (port, received)
}

fn secret(cluster: &Cluster, name: &str, value: &str) {
    let directory = cluster.data().join("auditlog_secrets");
    let write = format!(
        "umask 077; mkdir -p {0}; printf '%s' '{value}' > {0}/{name}",
        directory.display()
    );
    command::run(command::as_server("sh").args(["-c", &write]));
}

fn add(client: &mut Client, kind: &str, config: &str) {
    client
        .execute(
            "SELECT auditlog.create_channel($1, $1, $2::text::jsonb)",
            &[&kind, &config],
        )
        .unwrap_or_else(|e| panic!("{kind}: {e:?}"));
}

fn fire(client: &mut Client, times: usize) {
    for _ in 0..times {
        client
            .batch_execute("SELECT auditlog.record('x', actor => '{\"id\": \"mallory\"}')")
            .expect("record()");
    }
    settle(client);
}

#[test]
fn every_kind_of_channel_reaches_its_receiver() {
    let cluster = cluster();
    let mut client = cluster.create_database_with_extension("audited");
    let chat = Server::start(|_| (200, "text/plain", b"ok".to_vec()));
    let pager = Server::start(|_| (202, "application/json", b"{\"status\":\"success\"}".to_vec()));
    let (smtp, mails) = mail_server();
    let (collector, lines) = listener();
    secret(&cluster, "slack", &format!("{}/slack", chat.url()));
    secret(&cluster, "teams", &format!("{}/teams", chat.url()));
    secret(&cluster, "key", "0123456789abcdef0123456789abcdef");
    let file = cluster.data().join("firings.jsonl");
    add(
        &mut client,
        "email",
        &format!(
            "{{\"host\": \"127.0.0.1\", \"port\": {smtp}, \"tls\": \"none\", \"from\": \"audit@example.com\", \"to\": [\"ops@example.com\"]}}"
        ),
    );
    add(&mut client, "slack", "{\"url\": \"secret:slack\"}");
    add(&mut client, "teams", "{\"url\": \"secret:teams\"}");
    add(
        &mut client,
        "pagerduty",
        &format!(
            "{{\"routing_key\": \"secret:key\", \"url\": \"{}/v2/enqueue\"}}",
            pager.url()
        ),
    );
    add(&mut client, "webhook", &format!("{{\"url\": \"{}/hook\"}}", chat.url()));
    add(
        &mut client,
        "syslog",
        &format!("{{\"address\": \"tcp://127.0.0.1:{collector}\"}}"),
    );
    add(&mut client, "file", &format!("{{\"path\": \"{}\"}}", file.display()));
    create(
        &mut client,
        "name: each\ncondition: event_type:x\nthreshold: {count: 1, window: 1m, group_by: actor.id}\n\
         notification: {channels: [email, slack, teams, pagerduty, webhook, syslog, file], severity: critical}\n",
    );
    fire(&mut client, 1);
    wait_until("all have it", LONG, || {
        scalar(
            &mut client,
            "SELECT count(*) FROM auditlog.notifications WHERE state = 'delivered'",
        ) == 7
    });
    let mail = mails.recv_timeout(LONG).expect("a mail");
    for part in ["RCPT TO:<ops@example.com>", "Message-ID:", "each", "mallory"] {
        assert!(mail.contains(part), "{part}: {mail}");
    }
    let message = lines.recv_timeout(LONG).expect("a line");
    assert!(message.contains("<1") && message.contains("mallory"), "{message}");
    let line = text(&mut client, &format!("SELECT pg_read_file('{}')", file.display()));
    assert!(line.contains("mallory") && line.ends_with('\n'), "{line}");
    let told = chat.requests();
    for path in ["/slack", "/teams", "/hook"] {
        let request = told.iter().find(|request| request.path == path);
        let request = request.unwrap_or_else(|| panic!("nothing came to {path}"));
        assert!(
            String::from_utf8_lossy(&request.body).contains("mallory"),
            "{request:?}"
        );
    }
    let page = String::from_utf8_lossy(&pager.requests()[0].body).into_owned();
    assert!(
        page.contains("\"event_action\":\"trigger\"") && page.contains("0123456789abcdef"),
        "{page}"
    );
}

/// More than `digest_after` within five minutes: the first by themselves, then one for all that have come, and no other within a
/// minute. Each firing is told of exactly once.
#[test]
fn a_flood_is_told_of_together() {
    let cluster = cluster();
    let mut client = cluster.create_database_with_extension("audited");
    let receiver = Server::start(|_| (200, "text/plain", Vec::new()));
    add(
        &mut client,
        "webhook",
        &format!("{{\"url\": \"{}\", \"digest_after\": 5}}", receiver.url()),
    );
    create(
        &mut client,
        "name: each\ncondition: event_type:x\nnotification: {channels: [webhook], severity: high}\n",
    );
    let state = |client: &mut Client, state: &str, kind: &str| {
        scalar(
            client,
            &format!("SELECT count(*) FROM auditlog.notifications WHERE state = '{state}' AND kind = '{kind}'"),
        )
    };
    for _ in 0..5 {
        fire(&mut client, 1);
    }
    wait_until("few are told of one by one", LONG, || {
        state(&mut client, "delivered", "fired") == 5
    });
    fire(&mut client, 3);
    wait_until("a digest", LONG, || state(&mut client, "delivered", "digest") == 1);
    fire(&mut client, 4);
    std::thread::sleep(std::time::Duration::from_secs(2));
    assert_eq!(
        state(&mut client, "delivered", "fired"),
        5,
        "the others are told of together"
    );
    assert_eq!(
        state(&mut client, "delivered", "digest"),
        1,
        "a digest follows the other in a minute"
    );
    let waiting = state(&mut client, "waiting", "fired");
    assert_eq!(state(&mut client, "digested", "fired") + waiting, 7);
    assert!(waiting >= 4);
    assert_eq!(receiver.requests().len(), 6);
}
