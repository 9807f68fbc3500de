//! E-mail against a server that says what it is told to.

mod support;

use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel as queue};
use std::thread;
use std::time::{Duration, Instant};

use auditlog_notify::Outcome;
use serde_json::json;
use support::post::{PASSWORD, Post, Script, converse, converse_from};
use support::sink::{Directory, tls};
use support::{Safe, channel, detail, failure, notification};

fn outcome(step: &'static str, answer: Option<&'static str>) -> Outcome {
    let login = json!({"username": "audit", "password": "secret:password"});
    Post::new(vec![(step, answer)], login).send(&notification())
}

#[test]
fn answers_become_outcomes_by_one_rule() {
    let rule = [
        ("connect", "421 too busy", "retry"),
        ("connect", "554 go away", "pause"),
        ("connect", "SSH-2.0-OpenSSH_9", "pause"),
        ("connect", "HTTP/1.1 400 Bad Request", "pause"),
        ("EHLO", "502 what", "pause"),
        ("AUTH", "535 5.7.8 wrong", "pause"),
        ("AUTH", "534 weak", "pause"),
        ("AUTH", "454 later", "retry"),
        ("MAIL", "530 log in first", "pause"),
        ("MAIL", "550 not you", "pause"),
        ("MAIL", "451 later", "retry"),
        ("MAIL", "552 too large", "split"),
        ("RCPT", "550 nobody", "reject"),
        ("RCPT", "450 greylisted", "retry"),
        ("RCPT", "421 shutting down", "retry"),
        ("RCPT", "251 forwarded", "delivered"),
        ("DATA", "451 later", "retry"),
        ("DATA", "554 no", "reject"),
        ("message", "250 ok", "delivered"),
        ("message", "421 shutting down", "retry"),
        ("message", "452 disk full", "retry"),
        ("message", "554 spam", "reject"),
        ("message", "552 too large", "split"),
        ("QUIT", "500 what", "delivered"),
    ];
    for (step, answer, wanted) in rule {
        let outcome = outcome(step, Some(answer));
        assert_eq!(outcome.label(), wanted, "{step} {answer}: {outcome:?}");
        let code: Option<u16> = answer[..3].parse().ok();
        if let (Some(error), Some(code)) = (outcome.error(), code) {
            assert_eq!(error.status, Some(code), "{error:?}");
            assert!(error.message.contains(&answer[4..]), "{error}");
        }
    }
    // Also behind the message's last dot: it may have been taken, and has the same Message-ID when it comes again.
    for step in ["connect", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "message"] {
        failure(&outcome(step, None), "retry");
    }
}

#[test]
fn what_does_not_speak_smtp_is_not_listened_to() {
    let line: &str = format!("220 {}", "x".repeat(1 << 20)).leak();
    let lines: &str = format!("{}220 x", "220-x\r\n".repeat(100_000)).leak();
    let cases = [line, lines, "120 wait\r\n220 here", "220", "22", "220x", "\u{e4}\u{e4}"];
    for greeting in cases {
        let outcome = outcome("connect", Some(greeting));
        if greeting == "220" {
            assert_eq!(outcome.label(), "delivered");
            continue;
        }
        let error = failure(&outcome, "pause");
        assert!(error.message.contains("does not speak SMTP"), "{error}");
    }
}

#[test]
fn a_message_is_handed_over_as_it_must_be() {
    let post = Post::new(
        vec![],
        json!({"username": "audit", "password": "secret:password", "to": "nobody@company.com"}),
    );
    let mut n = notification();
    n.alert = "Großes <Problem>\r\nBcc: x@evil.example".to_owned();
    n.description = Some(".\n.. two dots\nAT&T <b>".to_owned());
    assert!(detail(post.send(&n)).contains("queued as 42"));
    let said = post.said();
    let plain = "AUTH PLAIN AGF1ZGl0AGNvcnIzY3QtaDByc2U=";
    let talk = [
        "EHLO db1.company.com",
        plain,
        "MAIL FROM:<audit@company.com>",
        "RCPT TO:<security@company.com>",
        "DATA",
    ];
    assert_eq!(said[..5], talk);
    assert_eq!(said[said.len() - 2..], [".".to_owned(), "QUIT".to_owned()]);
    let message = said[5..said.len() - 2].join("\n");
    let (head, body) = message.split_once("\n\n").unwrap();
    for header in [
        "From: \"Audit log\" <audit@company.com>",
        "To: security@company.com",
        "Message-ID: <0198b111-2222-7333-8444-555555555555@company.com>",
        "Date: Sat, 22 Nov 2025 15:00:00 +0000",
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
    ] {
        assert!(head.contains(header), "{header} is not in {head}");
    }
    assert!(!head.to_lowercase().contains("\nbcc"), "{head}");
    assert!(
        head.contains("Subject: =?utf-8?b?") || head.contains("Subject: [ERROR] =?utf-8?b?"),
        "{head}"
    );
    assert!(head.is_ascii() && body.is_ascii());
    assert!(body.contains("text/plain") && body.contains("text/html"), "{body}");
    // The very same bytes again.
    detail(post.send(&n));
    assert_eq!(post.said(), said);
}

#[test]
fn a_line_with_a_dot_does_not_end_the_message() {
    let post = Post::new(vec![], json!({}));
    let mut n = notification();
    n.template = Some(".\nQUIT\n.. x".to_owned());
    detail(post.send(&n));
    let said = post.said();
    let begin = said.iter().position(|line| line == "DATA").unwrap();
    let end = said.iter().position(|line| line == ".").unwrap();
    assert_eq!(end, said.len() - 2);
    let text = said[begin..end].join("\n");
    assert!(text.contains("\n..\nQUIT\n... x\n"), "{text}");
}

#[test]
fn auth_login_where_plain_is_not_offered() {
    let login = json!({"username": "audit", "password": "secret:password"});
    let post = Post::new(
        vec![
            ("EHLO", Some("250-here\r\n250 AUTH LOGIN")),
            ("Y29ycjNjdC1oMHJzZQ==", Some("235 ok")),
        ],
        login.clone(),
    );
    detail(post.send(&notification()));
    assert_eq!(post.said()[1..4], ["AUTH LOGIN", "YXVkaXQ=", "Y29ycjNjdC1oMHJzZQ=="]);
    let none = Post::new(vec![("EHLO", Some("250 here"))], login);
    let error = failure(&none.send(&notification()), "pause");
    assert!(error.message.contains("AUTH PLAIN"), "{error}");
}

#[test]
fn a_server_that_repeats_the_password_does_not_give_it_away() {
    for answer in [
        "535 wrong: corr3ct-h0rse",
        "535 wrong: AGF1ZGl0AGNvcnIzY3QtaDByc2U=",
        "435 later: Y29ycjNjdC1oMHJzZQ==",
    ] {
        let told = format!("{:?}", outcome("AUTH", Some(answer)));
        assert!(told.contains("[secret]"), "{told}");
        assert!(!told.contains("h0rse") && !told.contains("Y3QtaDByc2U"), "{told}");
    }
}

#[test]
fn recipients_are_refused_and_deferred_one_by_one() {
    let script = || {
        vec![
            ("RCPT TO:<gone@company.com>", Some("550 no such user")),
            ("RCPT TO:<full@company.com>", Some("452 mailbox full")),
        ]
    };
    let mut n = notification();
    n.recipients = [
        "a@company.com",
        "gone@company.com",
        "#security",
        "b@company.com",
        "a@company.com",
    ]
    .map(str::to_owned)
    .to_vec();
    let post = Post::new(script(), json!({}));
    let said = detail(post.send(&n));
    assert!(said.contains("refused: gone@company.com: 550 «no such user»"), "{said}");
    assert!(said.contains("«#security» is no address"), "{said}");
    let talk = post.said();
    assert_eq!(talk.iter().filter(|line| line.starts_with("RCPT")).count(), 3);

    // Who is to be tried again is what is left.
    n.recipients = ["a@company.com", "gone@company.com", "full@company.com"]
        .map(str::to_owned)
        .to_vec();
    let post = Post::new(script(), json!({}));
    let Outcome::Retry {
        rest: Some(rest),
        error,
        ..
    } = post.send(&n)
    else {
        panic!("not to be tried again");
    };
    assert_eq!(rest.recipients, ["full@company.com"]);
    assert_eq!(rest.id, n.id);
    assert!(
        error.message.contains("queued as 42") && error.message.contains("mailbox full"),
        "{error}"
    );

    // One that may pass keeps the others from being given up.
    n.recipients = ["gone@company.com", "full@company.com"].map(str::to_owned).to_vec();
    let outcome = Post::new(script(), json!({})).send(&n);
    assert!(matches!(&outcome, Outcome::Retry { rest: None, .. }), "{outcome:?}");

    n.recipients = vec!["#security".to_owned()];
    failure(&Post::new(script(), json!({})).send(&n), "reject");
    n.recipients = Vec::new();
    failure(&Post::new(script(), json!({})).send(&n), "reject");
    let post = Post::new(script(), json!({"to": ["Security <s@company.com>"]}));
    detail(post.send(&n));
    assert!(post.said().contains(&"RCPT TO:<s@company.com>".to_owned()));
}

#[test]
fn what_exceeds_the_servers_size_is_not_sent() {
    let post = Post::new(vec![("EHLO", Some("250-here\r\n250 SIZE 500"))], json!({}));
    failure(&post.send(&notification()), "split");
    assert!(!post.said().iter().any(|line| line.starts_with("MAIL")));
}

#[test]
fn who_says_nothing_costs_no_more_than_the_deadline() {
    for step in ["connect", "EHLO", "MAIL", "message"] {
        let post = Post::new(vec![(step, Some(""))], json!({}));
        let begin = Instant::now();
        let outcome = post
            .safe
            .send_within(&post.channel, &notification(), Duration::from_millis(500), &|_, _| true);
        failure(&outcome, "retry");
        assert!(
            begin.elapsed() < Duration::from_millis(1_200),
            "{step}: {:?}",
            begin.elapsed()
        );
    }
}

#[test]
fn an_address_that_is_not_allowed_is_not_connected_to() {
    let post = Post::new(vec![], json!({}));
    let outcome = post
        .safe
        .send_within(&post.channel, &notification(), Duration::from_secs(5), &|host, _| {
            host != "localhost"
        });
    let error = failure(&outcome, "pause");
    assert!(error.hint.unwrap().contains("auditlog.allowed_hosts"));
    assert!(post.said.try_recv().is_err());
}

/// A server in the clear.
fn clear(script: Script) -> (u16, Receiver<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, said) = queue();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = sender.send(converse(stream.unwrap(), &script));
        }
    });
    (port, said)
}

#[test]
fn nothing_is_sent_in_the_clear() {
    let login =
        json!({"host": "localhost", "from": "a@company.com", "username": "audit", "password": "secret:password"});
    let config = |port: u16| {
        let mut config = login.clone();
        config["port"] = port.into();
        channel("email", &config)
    };
    let safe = Safe::with("password", PASSWORD);
    // Not offered, refused, and said by somebody in between together with an answer for later.
    let cases: [(Script, &str, &str); 4] = [
        (vec![], "pause", "no STARTTLS"),
        (
            vec![
                ("EHLO", Some("250-here\r\n250 STARTTLS")),
                ("STARTTLS", Some("454 not now")),
            ],
            "retry",
            "not now",
        ),
        (
            vec![("EHLO", Some("250-here\r\n250 STARTTLS")), ("STARTTLS", Some("502 no"))],
            "pause",
            "502",
        ),
        (
            vec![
                ("EHLO", Some("250-here\r\n250 STARTTLS")),
                ("STARTTLS", Some("220 go\r\n250 AUTH PLAIN")),
            ],
            "pause",
            "more than its answer",
        ),
    ];
    for (script, wanted, part) in cases {
        let (port, said) = clear(script);
        let error = failure(&safe.send(&config(port), &notification()), wanted);
        assert!(error.message.contains(part), "{error}");
        let said = said.recv_timeout(Duration::from_secs(5)).unwrap();
        assert!(
            !said
                .iter()
                .any(|line| line.starts_with("AUTH") || line.starts_with("MAIL")),
            "{said:?}"
        );
    }
}

#[test]
fn starttls_begins_anew() {
    let directory = Directory::new();
    let authority = tls::Authority::new();
    let good = tls::config(&authority.issue(&["localhost"]), None);
    let expired = tls::config(&authority.issue_until(&["localhost"], 2001), None);
    let ca = directory.file("ca.pem", authority.pem());
    for (config, wanted) in [(good, "delivered"), (expired, "pause")] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, said) = queue();
        thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            // What is offered in the clear is not to be believed.
            let offers = "250-here\r\n250-AUTH PLAIN\r\n250-SIZE 1\r\n250 STARTTLS";
            let _ = sender.send(converse(&stream, &vec![("EHLO", Some(offers))]));
            let _ = sender.send(converse_from("", tls::secured(&config, stream), &vec![]));
        });
        let email = channel(
            "email",
            &json!({
                "host": "localhost", "port": port, "ca_file": ca, "from": "audit@company.com", "username": "audit",
                "password": "secret:password", "hello_name": "db1.company.com",
            }),
        );
        let outcome = Safe::with("password", PASSWORD).send(&email, &notification());
        assert_eq!(outcome.label(), wanted, "{outcome:?}");
        let said = || said.recv_timeout(Duration::from_secs(5)).unwrap();
        assert_eq!(said(), ["EHLO db1.company.com", "STARTTLS"]);
        let second = said();
        if wanted == "delivered" {
            assert_eq!(second[0], "EHLO db1.company.com");
            assert!(
                second[1].starts_with("AUTH PLAIN ") && second.ends_with(&["QUIT".to_owned()]),
                "{second:?}"
            );
        } else {
            assert!(second.is_empty(), "{second:?}");
        }
    }
}

#[test]
fn a_server_on_this_machine_may_go_without_tls() {
    let (port, said) = clear(vec![]);
    let config = json!({"host": "127.0.0.1", "port": port, "tls": "none", "from": "a@company.com"});
    let safe = Safe::new();
    detail(safe.send(&channel("email", &config), &notification()));
    assert!(
        said.recv_timeout(Duration::from_secs(5))
            .unwrap()
            .contains(&"DATA".to_owned())
    );
}
