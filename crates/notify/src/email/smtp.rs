//! The conversation with a mail server (RFC 5321), over a connection whose every step ends by the deadline.
//!
//! | what the server says | outcome |
//! | --- | --- |
//! | 4yz, 421 among them; the connection breaks, also behind the message's last dot | retry |
//! | 5yz to one recipient | that one is given up, if another is not refused |
//! | 5yz to all recipients, or to the message | reject |
//! | 552, or a SIZE that the message exceeds | split |
//! | 5yz to the login (530, 534, 535, 538) or to the sender; no STARTTLS; no AUTH; TLS fails | pause |

use std::io::{self, Read as _, Write as _};

use auditlog_sink::client::{Call, Connection, Peer, excerpt, failed};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lettre::message::Mailbox;
use zeroize::Zeroizing;

use super::{EmailChannel, Security};
use crate::notification::Notification;
use crate::outcome::{Failure, Outcome};
use crate::secrets::Secret;

/// The most bytes of a line of the server, and the most lines of an answer.
const MAX_LINE: usize = 4_096;
const MAX_LINES: usize = 100;

/// A message that was handed over, to whom at least.
pub(super) struct Sent {
    /// What the server said last.
    answer: String,
    /// Who was refused for good, with the answers.
    refused: Vec<String>,
    /// Who is to be tried again, with the answers.
    deferred: Vec<(Mailbox, String)>,
}

impl Sent {
    /// The outcome, with the recipients that were no addresses.
    pub(super) fn outcome(self, n: &Notification, wrong: &[String]) -> Outcome {
        let mut detail = self.answer;
        for text in wrong {
            detail.push_str(&format!("; «{}» is no address of e-mail", text.escape_debug()));
        }
        for text in &self.refused {
            detail.push_str(&format!("; refused: {text}"));
        }
        if self.deferred.is_empty() {
            return Outcome::Delivered { detail };
        }
        for (_, text) in &self.deferred {
            detail.push_str(&format!("; to be tried again: {text}"));
        }
        let recipients = self.deferred.iter().map(|(mailbox, _)| mailbox.to_string()).collect();
        Outcome::Retry {
            after: None,
            error: Failure::new(detail),
            rest: Some(Box::new(Notification {
                recipients,
                ..n.clone()
            })),
        }
    }
}

/// What the server has answered.
struct Reply {
    code: u16,
    lines: Vec<String>,
}

struct Session<'a> {
    connection: Connection<'a>,
    /// What was read and not used.
    buffer: Vec<u8>,
    /// The server, for errors.
    who: String,
    /// What must not be repeated.
    hidden: Vec<Zeroizing<String>>,
}

/// Hands a message over.
pub(super) fn hand_over(
    channel: &EmailChannel,
    call: &Call<'_>,
    login: Option<(&str, &Secret)>,
    to: &[Mailbox],
    message: &[u8],
) -> Result<Sent, Outcome> {
    let implicit = channel.security == Security::Implicit;
    let connection = call
        .connect(&Peer {
            host: &channel.host,
            port: channel.port,
            connect: channel.connect,
            tls: channel.tls.as_ref().filter(|_| implicit),
            alpn: None,
        })
        .map_err(Outcome::failed)?;
    let mut session = Session {
        connection,
        buffer: Vec::new(),
        who: format!("{}:{}", channel.host, channel.port),
        hidden: hidden(login),
    };
    let greeting = session.reply()?;
    session.expect("its greeting", &greeting, 220, Unfit::Server)?;
    let mut offers = session.hello(channel)?;
    if channel.security == Security::StartTls {
        if !has(&offers, "STARTTLS") {
            let error = Failure::new(format!(
                "{} offers no STARTTLS, and mail is not sent without TLS",
                session.who
            ));
            return Err(Outcome::Pause {
                error: error.hint("Write «implicit» into «tls» if the server has TLS from the beginning (port 465)."),
            });
        }
        session.command("STARTTLS", 220, Unfit::Server)?;
        session = session.secured(channel)?;
        // What was said before TLS may have been said by anybody (RFC 3207 §4.2).
        offers = session.hello(channel)?;
    }
    if let Some((user, password)) = login {
        session.log_in(&offers, user, password)?;
    }
    session.transfer(channel, &offers, to, message)
}

/// The password, in every form in which a server might repeat it.
fn hidden(login: Option<(&str, &Secret)>) -> Vec<Zeroizing<String>> {
    let Some((user, password)) = login else {
        return Vec::new();
    };
    let password = password.text();
    let plain = Zeroizing::new(format!("\0{user}\0{password}"));
    vec![
        Zeroizing::new(STANDARD.encode(plain.as_bytes())),
        Zeroizing::new(STANDARD.encode(password)),
        Zeroizing::new(password.to_owned()),
    ]
}

/// Whether the server offers an extension, with any parameters.
fn has(offers: &[String], name: &str) -> bool {
    parameters(offers, name).is_some()
}

fn parameters<'o>(offers: &'o [String], name: &str) -> Option<&'o str> {
    offers.iter().find_map(|offer| {
        let (word, rest) = offer.split_once([' ', '=']).unwrap_or((offer, ""));
        word.eq_ignore_ascii_case(name).then_some(rest)
    })
}

/// What a 5yz means where it is said.
#[derive(Clone, Copy)]
enum Unfit {
    /// The server, or what it thinks of us, must change.
    Server,
    /// The message.
    Message,
}

impl Session<'_> {
    fn broken(&self, error: &io::Error) -> Outcome {
        Outcome::failed(failed(&format!("talk to {}", self.who), error))
    }

    /// Reads a line without its end.
    fn line(&mut self) -> Result<String, Outcome> {
        let mut chunk = [0; 1_024];
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let rest = self.buffer.split_off(end + 1);
                let line = std::mem::replace(&mut self.buffer, rest);
                let line = String::from_utf8_lossy(&line);
                return Ok(line.trim_end_matches(['\r', '\n']).to_owned());
            }
            if self.buffer.len() > MAX_LINE {
                return Err(self.nonsense());
            }
            match self.connection.read(&mut chunk) {
                Ok(0) => {
                    let error = io::Error::new(io::ErrorKind::UnexpectedEof, "the connection was closed");
                    return Err(self.broken(&error));
                }
                Ok(length) => self.buffer.extend_from_slice(&chunk[..length]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.broken(&error)),
            }
        }
    }

    fn nonsense(&self) -> Outcome {
        let error = Failure::new(format!("{} does not speak SMTP", self.who));
        Outcome::Pause {
            error: error.hint("Look whether host, port and «tls» are those of a mail server."),
        }
    }

    /// Reads an answer of one or more lines (RFC 5321 §4.2.1).
    fn reply(&mut self) -> Result<Reply, Outcome> {
        let mut lines = Vec::new();
        while lines.len() < MAX_LINES {
            let line = self.line()?;
            let code = line
                .get(..3)
                .filter(|code| code.bytes().all(|byte| byte.is_ascii_digit()));
            let Some(code) = code
                .and_then(|code| code.parse::<u16>().ok())
                .filter(|code| *code >= 200)
            else {
                return Err(self.nonsense());
            };
            lines.push(line.get(4..).unwrap_or_default().to_owned());
            match line.as_bytes().get(3) {
                Some(b'-') => {}
                None | Some(b' ') => return Ok(Reply { code, lines }),
                Some(_) => return Err(self.nonsense()),
            }
        }
        Err(self.nonsense())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Outcome> {
        let written = self.connection.write_all(bytes).and_then(|()| self.connection.flush());
        written.map_err(|error| self.broken(&error))
    }

    fn say(&mut self, line: &str) -> Result<Reply, Outcome> {
        let line = Zeroizing::new(format!("{line}\r\n"));
        self.write(line.as_bytes())?;
        self.reply()
    }

    fn command(&mut self, line: &str, wanted: u16, unfit: Unfit) -> Result<Reply, Outcome> {
        let reply = self.say(line)?;
        self.expect(line.split([' ', ':']).next().unwrap_or(line), &reply, wanted, unfit)?;
        Ok(reply)
    }

    /// The answer in an error: without what is secret, on one line.
    fn told(&self, reply: &Reply) -> String {
        let hidden: Vec<&str> = self.hidden.iter().map(|text| text.as_str()).collect();
        format!("{} {}", reply.code, excerpt(reply.lines.join(" ").as_bytes(), &hidden))
    }

    fn failure(&self, what: &str, reply: &Reply) -> Failure {
        Failure::new(format!("{} answered {what} with {}", self.who, self.told(reply))).status(reply.code)
    }

    fn expect(&mut self, what: &str, reply: &Reply, wanted: u16, unfit: Unfit) -> Result<(), Outcome> {
        // 250 and 251 say the same (§4.2.3), so only the first digits are compared.
        if reply.code / 10 == wanted / 10 {
            return Ok(());
        }
        let error = self.failure(what, reply);
        self.quit();
        Err(match (reply.code, unfit) {
            (400..=499, _) => Outcome::retry(error),
            (552, _) => Outcome::Split { error },
            (530 | 534 | 535 | 538, _) => Outcome::Pause {
                error: error.hint("Look whether «username» and the password are the right ones for this server."),
            },
            (500..=599, Unfit::Message) => Outcome::Reject { error },
            _ => Outcome::Pause {
                error: error.hint("Look whether the server takes mail from this machine and this sender."),
            },
        })
    }

    /// Says who we are and gives what the server offers.
    fn hello(&mut self, channel: &EmailChannel) -> Result<Vec<String>, Outcome> {
        let name = channel.hello.clone().or_else(own_name);
        let name = name.unwrap_or_else(|| match self.connection.local_address() {
            Ok(address) if address.is_ipv6() => format!("[IPv6:{}]", address.ip()),
            Ok(address) => format!("[{}]", address.ip()),
            Err(_) => "[127.0.0.1]".to_owned(),
        });
        let reply = self.command(&format!("EHLO {name}"), 250, Unfit::Server)?;
        Ok(reply.lines.into_iter().skip(1).collect())
    }

    fn secured(self, channel: &EmailChannel) -> Result<Self, Outcome> {
        let Some(tls) = channel.tls.as_ref().filter(|_| self.buffer.is_empty()) else {
            // Somebody between us may have put them there, to be believed after the handshake (CVE-2011-0411).
            let error = Failure::new(format!("{} sent more than its answer to STARTTLS", self.who));
            return Err(Outcome::Pause {
                error: error.hint("Look who answers at that address; somebody may be in between."),
            });
        };
        let connection = self.connection.start_tls(tls, &channel.host).map_err(Outcome::failed)?;
        Ok(Self { connection, ..self })
    }

    fn log_in(&mut self, offers: &[String], user: &str, password: &Secret) -> Result<(), Outcome> {
        let ways = parameters(offers, "AUTH").unwrap_or_default().to_ascii_uppercase();
        let offered = |way: &str| ways.split_whitespace().any(|word| word == way);
        let reply = if offered("PLAIN") {
            let plain = Zeroizing::new(format!("\0{user}\0{}", password.text()));
            let encoded = Zeroizing::new(STANDARD.encode(plain.as_bytes()));
            let line = Zeroizing::new(format!("AUTH PLAIN {}", *encoded));
            self.say(&line)?
        } else if offered("LOGIN") {
            self.command("AUTH LOGIN", 334, Unfit::Server)?;
            let reply = self.say(&STANDARD.encode(user))?;
            self.expect("the username", &reply, 334, Unfit::Server)?;
            let line = Zeroizing::new(STANDARD.encode(password.text()));
            self.say(&line)?
        } else {
            let error = Failure::new(format!("{} offers neither AUTH PLAIN nor AUTH LOGIN", self.who));
            return Err(Outcome::Pause {
                error: error.hint("Leave out «username» and «password» if the server asks for neither."),
            });
        };
        self.expect("AUTH", &reply, 235, Unfit::Server)
    }

    fn transfer(
        mut self,
        channel: &EmailChannel,
        offers: &[String],
        to: &[Mailbox],
        message: &[u8],
    ) -> Result<Sent, Outcome> {
        let most: Option<usize> = parameters(offers, "SIZE").and_then(|size| size.trim().parse().ok());
        if most.is_some_and(|most| most != 0 && message.len() > most) {
            self.quit();
            let error = Failure::new(format!(
                "the message has {} bytes, and {} takes no more than {}",
                message.len(),
                self.who,
                most.unwrap_or_default()
            ));
            return Err(Outcome::Split { error });
        }
        self.command(&format!("MAIL FROM:<{}>", channel.from.email), 250, Unfit::Server)?;
        let (mut accepted, mut refused, mut deferred) = (0, Vec::new(), Vec::new());
        let mut last = None;
        for mailbox in to {
            let reply = self.say(&format!("RCPT TO:<{}>", mailbox.email))?;
            let told = || format!("{}: {}", mailbox.email, self.told(&reply));
            match reply.code {
                250..=259 => accepted += 1,
                // The server ends the conversation, and nobody gets anything.
                421 => self.expect("RCPT", &reply, 250, Unfit::Message)?,
                400..=499 => deferred.push((mailbox.clone(), told())),
                530 => self.expect("RCPT", &reply, 250, Unfit::Message)?,
                _ => refused.push(told()),
            }
            last = Some(reply);
        }
        if accepted == 0 {
            self.quit();
            let all: Vec<&str> = deferred
                .iter()
                .map(|(_, told)| told.as_str())
                .chain(refused.iter().map(String::as_str))
                .collect();
            let mut error = Failure::new(format!(
                "{} takes mail for none of the recipients: {}",
                self.who,
                all.join("; ")
            ));
            error.status = last.map(|reply| reply.code);
            return Err(if deferred.is_empty() {
                Outcome::Reject {
                    error: error.hint("Look whether the addresses are right."),
                }
            } else {
                Outcome::retry(error)
            });
        }
        self.command("DATA", 354, Unfit::Message)?;
        self.write(&stuffed(message))?;
        let reply = self.reply()?;
        self.expect("the message", &reply, 250, Unfit::Message)?;
        let answer = format!("{} answered {}", self.who, self.told(&reply));
        self.quit();
        Ok(Sent {
            answer,
            refused,
            deferred,
        })
    }

    /// Says goodbye, and does not wait for an answer: the outcome is known.
    fn quit(&mut self) {
        let said = self
            .connection
            .write_all(b"QUIT\r\n")
            .and_then(|()| self.connection.flush());
        if said.is_ok() {
            // The server may have closed already.
            let _ = self.connection.finish();
        }
    }
}

/// The message as DATA wants it: lines that begin with a dot get another, and a line with a dot ends it (§4.5.2).
fn stuffed(message: &[u8]) -> Vec<u8> {
    let mut stuffed = Vec::with_capacity(message.len() + 64);
    for line in message.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b".") {
            stuffed.push(b'.');
        }
        stuffed.extend_from_slice(line);
    }
    if !stuffed.ends_with(b"\r\n") {
        stuffed.extend_from_slice(b"\r\n");
    }
    stuffed.extend_from_slice(b".\r\n");
    stuffed
}

/// The host's name, if it is one with a domain: servers refuse others (§2.3.5).
fn own_name() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    let name = name.trim();
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    (name.contains('.') && name.len() <= 253 && name.bytes().all(allowed)).then(|| name.to_owned())
}
