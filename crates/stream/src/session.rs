//! What is kept from one batch to the next.

use std::collections::BTreeMap;

use auditlog_sink::client::{Answer, Kept};

use crate::file::OpenFile;
use crate::splunk_ack::Waiting;
use crate::syslog::Line;

/// Open connections and files of one sink, and what is known of them. It belongs to one configuration: who changes that
/// makes another. It may be dropped at any time; what is lost with it is found again or sent again.
#[derive(Default)]
pub struct Session {
    pub(crate) kept: Kept,
    pub(crate) cookies: Cookies,
    pub(crate) waiting: Option<Waiting>,
    pub(crate) line: Line,
    pub(crate) file: Option<OpenFile>,
}

/// The cookies of one server: a load balancer finds by them the machine that knows of the acknowledgements.
#[derive(Default)]
pub(crate) struct Cookies(BTreeMap<String, String>);

/// How many cookies are kept, and how many bytes of each.
const MAX_COOKIES: usize = 32;
const MAX_COOKIE: usize = 4_096;

impl Cookies {
    /// Takes the cookies of an answer. Of their attributes only the age counts, as far as it says that one is gone.
    pub(crate) fn take(&mut self, answer: &Answer) {
        for cookie in answer.headers("set-cookie") {
            let mut parts = cookie.split(';').map(str::trim);
            let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else {
                continue;
            };
            let printable = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',');
            if name.is_empty() || name.len() + value.len() > MAX_COOKIE || !printable(name) || !printable(value) {
                continue;
            }
            let gone = parts.any(|part| {
                part.split_once('=').is_some_and(|(name, value)| {
                    name.eq_ignore_ascii_case("max-age") && value.trim().parse::<i64>().is_ok_and(|age| age <= 0)
                })
            });
            if gone {
                self.0.remove(name);
            } else if self.0.contains_key(name) || self.0.len() < MAX_COOKIES {
                self.0.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// The header that gives them back.
    pub(crate) fn header(&self) -> Option<String> {
        let pairs: Vec<String> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}
