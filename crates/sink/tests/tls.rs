//! Who is believed in TLS, for HTTP and for syslog.

mod support;

use std::io::Read;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use auditlog_sink::{Assurance, deliver};
use serde_json::json;
use support::tls::{Authority, answer_ok, serve};
use support::{Directory, MESSAGE, assert_permanent, assert_retry, send, target};

#[test]
fn a_server_of_the_given_authority_is_believed() {
    let directory = Directory::new();
    let authority = Authority::new();
    let ca = directory.file("ca.pem", authority.pem());
    let address = serve(&authority.issue(&["127.0.0.1", "localhost"]), None, answer_ok);
    for url in [
        format!("https://{address}/"),
        format!("https://localhost:{}/", address.port()),
    ] {
        let receipt = send(&target("http", &url, &json!({"ca_file": ca}))).unwrap();
        assert_eq!(
            (receipt.body.as_slice(), receipt.assurance),
            (&b"ok"[..], Assurance::Confirmed)
        );
    }
}

#[test]
fn another_authority_or_name_is_not_believed() {
    let directory = Directory::new();
    let authority = Authority::new();
    let own = directory.file("own.pem", authority.pem());
    let other = directory.file("other.pem", Authority::new().pem());
    let address = serve(&authority.issue(&["127.0.0.1"]), None, answer_ok);
    let url = format!("https://{address}/");
    assert_permanent(send(&target("http", &url, &json!({"ca_file": other}))), "certificate");
    // Nor by the system's authorities, if there are any.
    assert_permanent(send(&target("http", &url, &json!({}))), "certificate");
    let named = format!("https://localhost:{}/", address.port());
    assert_permanent(send(&target("http", &named, &json!({"ca_file": own}))), "certificate");
    send(&target("http", &url, &json!({"ca_file": own}))).unwrap();
}

#[test]
fn certificates_of_clients() {
    let directory = Directory::new();
    let (servers, clients) = (Authority::new(), Authority::new());
    let ca = directory.file("ca.pem", servers.pem());
    let address = serve(&servers.issue(&["127.0.0.1"]), Some(&clients), answer_ok);
    let url = format!("https://{address}/");
    let options = |authority: &Authority| {
        let identity = authority.issue(&["client"]);
        json!({
            "ca_file": ca,
            "client_cert_file": directory.file("client.pem", &identity.certificate_pem),
            "client_key_file": directory.file("client.key", &identity.key_pem),
        })
    };
    send(&target("http", &url, &options(&clients))).unwrap();
    assert_permanent(send(&target("http", &url, &json!({"ca_file": ca}))), "alert");
    assert_permanent(send(&target("http", &url, &options(&servers))), "alert");
}

#[test]
fn files_that_are_none() {
    let directory = Directory::new();
    let missing = directory.join("missing").to_str().unwrap().to_owned();
    let rubbish = directory.file("rubbish", "no PEM");
    let identity = Authority::new().issue(&["client"]);
    let certificate = directory.file("client.pem", &identity.certificate_pem);
    let url = "https://127.0.0.1:1/";
    let cases = [
        (json!({"ca_file": missing}), "No such file"),
        (json!({"ca_file": rubbish}), "no certificates in PEM"),
        (
            json!({"client_cert_file": certificate, "client_key_file": rubbish}),
            "no key in PEM",
        ),
        (
            json!({"client_cert_file": rubbish, "client_key_file": rubbish}),
            "no certificates in PEM",
        ),
    ];
    for (options, part) in cases {
        assert_permanent(send(&target("http", url, &options)), part);
    }
}

#[test]
fn a_server_without_tls() {
    let server = support::Server::answering("400 Bad Request", "", "");
    let error = send(&target("http", &format!("https://{}/", server.address), &json!({}))).unwrap_err();
    assert!(
        error.message.contains("TLS") || error.message.contains("reset"),
        "{error}"
    );
}

#[test]
fn a_handshake_that_never_ends_holds_nobody() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    for (kind, url) in [
        ("http", format!("https://{address}/")),
        ("syslog", format!("tls://{address}")),
    ] {
        let start = Instant::now();
        let result = deliver(&target(kind, &url, &json!({})), &MESSAGE, Duration::from_millis(500));
        assert_retry(result, "TLS");
        assert!(start.elapsed() < Duration::from_millis(1_500));
    }
}

#[test]
fn syslog_over_tls_counts_octets() {
    let directory = Directory::new();
    let authority = Authority::new();
    let ca = directory.file("ca.pem", authority.pem());
    let (sender, receiver) = channel();
    let address = serve(&authority.issue(&["127.0.0.1"]), None, move |mut stream| {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        let _ = sender.send(bytes);
    });
    let receipt = send(&target("syslog", &format!("tls://{address}"), &json!({"ca_file": ca}))).unwrap();
    assert_eq!(receipt.assurance, Assurance::Received);
    let bytes = receiver.recv_timeout(Duration::from_secs(5)).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let (length, text) = text.split_once(' ').unwrap();
    assert_eq!(length.parse(), Ok(text.len()));
    assert!(text.starts_with("<109>1 ") && text.ends_with(support::NOTE), "{text}");
}

/// In TLS 1.3 the server refuses a client after the client's handshake is over, and the message sent.
#[test]
fn a_receiver_that_refuses_the_client_has_not_received() {
    let directory = Directory::new();
    let (servers, clients) = (Authority::new(), Authority::new());
    let ca = directory.file("ca.pem", servers.pem());
    let address = serve(&servers.issue(&["127.0.0.1"]), Some(&clients), |mut stream| {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        assert!(bytes.is_empty());
    });
    let target = target("syslog", &format!("tls://{address}"), &json!({"ca_file": ca}));
    assert_permanent(send(&target), "alert");
}
