//! A client of the live stream that writes down what it is told.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

use auditlog_testkit::Random;

use super::people::Who;
use crate::client::{Open, Request, escape, request};
use crate::sse::{Parser, Told};

/// How a client behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Reads what comes; when the stream ends it comes again with `Last-Event-ID`.
    Steady,
    /// Cuts its connection again and again, also in the middle of an event.
    Restless,
    /// Comes again with `after=` instead of the header.
    ByParameter,
    /// Sleeps more than it reads, and asks for `max_lag`.
    Slow {
        /// How far it may lag.
        max_lag: i64,
    },
}

/// What a client was told.
#[derive(Debug, Default)]
pub struct Log {
    /// Places of events in the order in which they came, and when.
    pub events: Vec<(i64, Instant)>,
    /// First and last places that it was told to be left out.
    pub skipped: Vec<(i64, i64)>,
    /// Streams that were opened.
    pub opened: u32,
    /// Answers that were no stream, by status.
    pub refused: Vec<u16>,
    /// Last words other than «come again».
    pub problems: Vec<String>,
}

/// A client.
pub struct Subscriber {
    pub who: Who,
    pub query: &'static str,
    /// SQL of the same meaning over the table of [`super::expected`].
    pub condition: &'static str,
    pub manner: Manner,
    /// Behind which place it begins.
    pub start: i64,
    pub log: Mutex<Log>,
    /// The last place that it was told of.
    pub reached: AtomicI64,
}

impl Subscriber {
    fn request(&self, address: SocketAddr, is_first: bool) -> Request {
        let last = self.reached.load(Ordering::SeqCst);
        let mut target = format!("/api/v1/audit-logs/stream?query={}", escape(self.query));
        let by_header = !is_first && self.manner != Manner::ByParameter;
        if !by_header {
            target.push_str(&format!("&after={last}"));
        }
        if let Manner::Slow { max_lag } = self.manner {
            target.push_str(&format!("&max_lag={max_lag}"));
        }
        let mut request = self.who.sign(request(address, "GET", &target));
        if by_header {
            request = request.header("Last-Event-ID", &last.to_string());
        }
        request
    }

    /// Listens until told to end.
    pub fn listen(&self, address: SocketAddr, mut random: Random, is_over: &AtomicBool) {
        let mut is_first = true;
        while !is_over.load(Ordering::SeqCst) {
            match self.request(address, is_first).try_open() {
                Ok(stream) if stream.status == 200 => {
                    is_first = false;
                    self.log.lock().expect("no panic").opened += 1;
                    self.read(stream, &mut random, is_over);
                }
                Ok(answer) => {
                    self.log.lock().expect("no panic").refused.push(answer.status);
                    std::thread::sleep(Duration::from_millis(200));
                }
                Err(_) => std::thread::sleep(Duration::from_millis(100)),
            }
        }
    }

    fn read(&self, mut stream: Open, random: &mut Random, is_over: &AtomicBool) {
        let mut parser = Parser::default();
        let life = match self.manner {
            Manner::Restless => Duration::from_millis(200 + random.below(3_000)),
            _ => Duration::MAX,
        };
        let begun = Instant::now();
        let mut awake = Instant::now();
        while !is_over.load(Ordering::SeqCst) && begun.elapsed() < life {
            let Some(line) = stream.line() else { return };
            if let Some(told) = parser.take(&line) {
                self.note(&told);
                if told.name == "problem" {
                    return;
                }
            }
            if matches!(self.manner, Manner::Slow { .. }) && awake.elapsed() > Duration::from_millis(300) {
                for _ in 0..20 + random.below(20) {
                    if is_over.load(Ordering::SeqCst) {
                        return;
                    }
                    std::thread::sleep(Duration::from_millis(100));
                }
                awake = Instant::now();
            }
        }
    }

    fn note(&self, told: &Told) {
        let mut log = self.log.lock().expect("no panic");
        match told.name.as_str() {
            "audit" => {
                let id = told.id.expect("an event has an id");
                let says = format!("\"log_index\": {id}");
                assert!(told.data.contains(&says), "{says} in {}", told.data);
                log.events.push((id, Instant::now()));
            }
            "skipped" => {
                let data: serde_json::Value = serde_json::from_str(&told.data).expect("JSON");
                let number = |name: &str| data[name].as_i64().expect("a number");
                let (after, resume, skipped) = (number("after"), number("resume_at"), number("skipped"));
                assert_eq!(skipped, resume - after - 1, "{}", told.data);
                assert_eq!(told.id, Some(resume - 1), "{}", told.data);
                log.skipped.push((after + 1, resume - 1));
            }
            "problem" => {
                if !told.data.contains("\"status\":503") {
                    log.problems.push(told.data.clone());
                }
                return;
            }
            other => panic!("an event {other}"),
        }
        drop(log);
        self.reached.fetch_max(told.id.unwrap_or(-1), Ordering::SeqCst);
    }
}
