//! A mail server that says what it is told to.

use std::io::{BufRead, BufReader, Read, Write};
use std::sync::mpsc::{Receiver, channel as queue};
use std::thread;
use std::time::Duration;

use auditlog_notify::{Channel, Notification, Outcome};
use serde_json::{Value, json};

use super::sink::{Directory, tls};
use super::{Safe, channel};

pub const PASSWORD: &str = "corr3ct-h0rse";

/// What the server says, by what the client's line begins with; `None` to close without a word, and `""` to say
/// nothing at all.
pub type Script = Vec<(&'static str, Option<&'static str>)>;

const OFFERS: &str = "250-here\r\n250-SIZE 100000\r\n250 AUTH LOGIN PLAIN";

/// Speaks with one client; gives what the client said, the message as its lines.
pub fn converse(stream: impl Read + Write, script: &Script) -> Vec<String> {
    converse_from("connect", stream, script)
}

/// The same, where this was said already.
pub fn converse_from(line: &str, stream: impl Read + Write, script: &Script) -> Vec<String> {
    let mut said = Vec::new();
    let mut reader = BufReader::new(stream);
    let usual = [
        ("connect", "220 here"),
        ("EHLO", OFFERS),
        ("STARTTLS", "220 go"),
        ("AUTH PLAIN", "235 ok"),
        ("AUTH LOGIN", "334 VXNlcm5hbWU6"),
        ("MAIL", "250 ok"),
        ("RCPT", "250 ok"),
        ("DATA", "354 go"),
        ("message", "250 2.0.0 queued as 42"),
        ("QUIT", "221 bye"),
        ("", "334 UGFzc3dvcmQ6"),
    ];
    let mut line = line.to_owned();
    loop {
        let told = script
            .iter()
            .find(|(begin, _)| line.starts_with(begin))
            .map(|(_, answer)| *answer);
        let answer = told.unwrap_or_else(|| {
            usual
                .iter()
                .find(|(begin, _)| line.starts_with(begin))
                .map(|(_, answer)| *answer)
        });
        match answer {
            None => return said,
            // Over TLS that was begun there is no greeting.
            _ if line.is_empty() => {}
            Some("") => thread::sleep(Duration::from_secs(30)),
            Some(answer) => {
                let stream = reader.get_mut();
                if stream
                    .write_all(format!("{answer}\r\n").as_bytes())
                    .and_then(|()| stream.flush())
                    .is_err()
                {
                    return said;
                }
            }
        }
        if line == "STARTTLS" {
            return said;
        }
        let in_message = line == "DATA" && answer == Some("354 go");
        line.clear();
        loop {
            let mut next = String::new();
            if reader.read_line(&mut next).unwrap_or(0) == 0 {
                return said;
            }
            let next = next.trim_end_matches(['\r', '\n']).to_owned();
            said.push(next.clone());
            if !in_message {
                line = next;
                break;
            }
            if next == "." {
                line = "message".to_owned();
                break;
            }
        }
    }
}

/// A server with TLS from the beginning that treats every client by the script, and the channel to it.
pub struct Post {
    pub channel: Channel,
    pub safe: Safe,
    pub said: Receiver<Vec<String>>,
    _directory: Directory,
}

impl Post {
    pub fn new(script: Script, more: Value) -> Self {
        let directory = Directory::new();
        let authority = tls::Authority::new();
        let (sender, said) = queue();
        let address = tls::serve(&authority.issue(&["localhost"]), None, move |stream| {
            let _ = sender.send(converse(stream, &script));
        });
        let mut config = json!({
            "host": "localhost", "port": address.port(), "tls": "implicit", "from": "Audit log <audit@company.com>",
            "ca_file": directory.file("ca.pem", authority.pem()), "hello_name": "db1.company.com",
        });
        config
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        Self {
            channel: channel("email", &config),
            safe: Safe::with("password", PASSWORD),
            said,
            _directory: directory,
        }
    }

    pub fn send(&self, n: &Notification) -> Outcome {
        self.safe.send(&self.channel, n)
    }

    pub fn said(&self) -> Vec<String> {
        self.said.recv_timeout(Duration::from_secs(10)).expect("a client")
    }
}
