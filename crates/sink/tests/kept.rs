//! A connection that stays open from one request to the next.

mod support;

use std::io::{BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use auditlog_sink::DeliveryError;
use auditlog_sink::client::{Answer, Call, Kept, Request, SCHEMES, Url};
use support::answer;

/// A server that treats its connections one after the other: for each the answers to its requests, after which it closes. Of
/// each request the number of its connection is told.
fn server(connections: Vec<Vec<Vec<u8>>>) -> (SocketAddr, Receiver<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, seen) = channel();
    thread::spawn(move || {
        for (number, answers) in connections.into_iter().enumerate() {
            let mut stream = BufReader::new(listener.accept().unwrap().0);
            for answer in answers {
                if support::Request::read(&mut stream, false).is_none() {
                    break;
                }
                sender.send(number).unwrap();
                stream.get_mut().write_all(&answer).unwrap();
            }
        }
    });
    (address, seen)
}

fn ask(kept: &mut Kept, address: SocketAddr, allow: bool) -> Result<Answer, DeliveryError> {
    let url = Url::parse(&format!("http://{address}/"), SCHEMES).unwrap();
    let allow = |_: SocketAddr| allow;
    kept.exchange(
        &Call::new(Duration::from_secs(5), &allow),
        &Request {
            method: "POST",
            url: &url,
            headers: &[],
            body: b"body",
            tls: None,
            connect: Duration::from_secs(1),
            keep: 100,
        },
    )
}

/// On which connections the requests go when the first is answered so.
fn connections(first: &[u8]) -> [usize; 2] {
    let second = answer("200 OK", "", "ok");
    let (address, seen) = server(vec![vec![first.to_vec(), second.clone()], vec![second]]);
    let mut kept = Kept::default();
    [ask(&mut kept, address, true), ask(&mut kept, address, true)].map(|answer| {
        answer.unwrap();
        seen.recv().unwrap()
    })
}

#[test]
fn requests_share_it() {
    assert_eq!(connections(&answer("200 OK", "", "ok")), [0, 0]);
    assert_eq!(connections(&answer("500 Error", "", "")), [0, 0]);
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
    assert_eq!(connections(chunked), [0, 0]);
}

#[test]
fn it_ends_where_the_server_says_so_or_the_answer_has_no_end_of_its_own() {
    assert_eq!(connections(&answer("200 OK", "Connection: close\r\n", "ok")), [0, 1]);
    // More than is kept: the rest would be taken for the next answer.
    assert_eq!(connections(&answer("200 OK", "", &"x".repeat(200))), [0, 1]);
    let old = b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok";
    assert_eq!(connections(old), [0, 1]);
    // Something that nobody asked for.
    let more = [answer("200 OK", "", "ok"), b"HTTP/1.1 200 OK\r\n".to_vec()].concat();
    assert_eq!(connections(&more), [0, 1]);
}

#[test]
fn a_closed_one_is_made_anew() {
    let ok = || answer("200 OK", "", "ok");
    let (address, seen) = server(vec![vec![ok()], vec![ok()]]);
    let mut kept = Kept::default();
    for expected in 0..2 {
        ask(&mut kept, address, true).unwrap();
        assert_eq!(seen.recv().unwrap(), expected);
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_request_is_sent_again_only_where_the_connection_had_been_used() {
    let ok = || answer("200 OK", "", "ok");
    // Reads the second request and closes without a word.
    let (address, seen) = server(vec![vec![ok(), Vec::new()], vec![ok()]]);
    let mut kept = Kept::default();
    ask(&mut kept, address, true).unwrap();
    ask(&mut kept, address, true).unwrap();
    assert_eq!(seen.try_iter().collect::<Vec<_>>(), [0, 0, 1]);
    let (address, seen) = server(vec![vec![Vec::new()], vec![ok()]]);
    let error = ask(&mut Kept::default(), address, true).unwrap_err();
    assert!(error.is_retry(), "{error}");
    assert_eq!(seen.try_iter().count(), 1);
}

#[test]
fn the_list_of_hosts_counts_for_an_open_one_too() {
    let ok = || answer("200 OK", "", "ok");
    let (address, _seen) = server(vec![vec![ok(), ok()]]);
    let mut kept = Kept::default();
    ask(&mut kept, address, true).unwrap();
    assert!(!ask(&mut kept, address, false).unwrap_err().is_retry());
}
