//! A receiver of Splunk's HTTP Event Collector that is as strict as the documentation allows: help.splunk.com, «Format events
//! for HTTP Event Collector», «Possible error codes», «About HTTP Event Collector Indexer Acknowledgment».

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::Read as _;
use std::sync::{Arc, Mutex, MutexGuard};

use flate2::read::GzDecoder;
use serde_json::{Deserializer, Value, json};

use super::sink::Request;
use super::{Reply, TOKEN, Web, answer};

/// What goes wrong with one batch.
#[derive(Debug, Clone)]
pub enum Fault {
    /// Status, headers and code, before anything is kept.
    Refuse(&'static str, &'static str, i64),
    /// The same, after all was kept.
    Lose(&'static str, i64),
    /// The connection is reset, with the batch kept or not.
    Reset {
        kept: bool,
    },
    /// The connection is closed without a word, with the batch kept.
    Close,
    /// It never answers.
    Silence,
    None,
}

/// A token's settings, what was received, and what is to go wrong.
#[derive(Debug, Default)]
pub struct State {
    pub use_ack: bool,
    pub indexes: Option<BTreeSet<String>>,
    pub disabled: bool,
    /// The most bytes of a body; 0 for no limit.
    pub max_bytes: usize,
    /// Whether a refused event's number is said.
    pub numbered: bool,
    /// Whether the events before a refused one are kept.
    pub keeps_before: bool,
    /// Events with this text in them have wrong fields.
    pub poison: Option<&'static str>,
    /// How often an acknowledgement is asked for before it is given; never with `None`.
    pub patience: Option<u32>,
    pub received: Vec<Value>,
    pub faults: VecDeque<Fault>,
    pub requests: Vec<Request>,
    pub acks: BTreeMap<(String, u64), u32>,
    pub next_ack: u64,
}

/// The receiver.
pub struct Hec {
    pub web: Web,
    state: Arc<Mutex<State>>,
}

impl Hec {
    pub fn new(state: State) -> Self {
        let state = Arc::new(Mutex::new(state));
        let own = state.clone();
        Self {
            web: Web::new(move |request| own.lock().unwrap().act(request)),
            state,
        }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub fn config(&self) -> Value {
        json!({"hec_url": self.web.url(""), "hec_token": "secret:hec", "source_type": "cloudpi:audit"})
    }

    /// The indexes and hashes of what was received, in order.
    pub fn keys(&self) -> Vec<(u64, String)> {
        let state = self.state();
        let key = |event: &Value| {
            let fields = &event["fields"];
            let index = fields["log_index"].as_str().unwrap().parse().unwrap();
            (index, fields["entry_hash"].as_str().unwrap().to_owned())
        };
        state.received.iter().map(key).collect()
    }
}

fn code(status: &str, headers: &str, code: i64, more: Value) -> Reply {
    let mut body = json!({"text": "some words", "code": code});
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().cloned().unwrap_or_default());
    answer(status, headers, &body.to_string())
}

fn wrong(number: i64) -> Reply {
    code("400 Bad Request", "", number, Value::Null)
}

impl State {
    fn act(&mut self, request: &Request) -> Reply {
        self.requests.push(request.clone());
        let Some(("POST", target)) = request
            .line
            .strip_suffix(" HTTP/1.1")
            .and_then(|line| line.split_once(' '))
        else {
            return code("404 Not Found", "", 404, Value::Null);
        };
        let path = target.split('?').next().unwrap();
        match request
            .header("authorization")
            .map(|value| value.strip_prefix("Splunk "))
        {
            None => return code("401 Unauthorized", "", 2, Value::Null),
            Some(None) => return code("401 Unauthorized", "", 3, Value::Null),
            Some(Some(token)) if token != TOKEN => return code("403 Forbidden", "", 4, Value::Null),
            _ if self.disabled => return code("403 Forbidden", "", 1, Value::Null),
            _ => {}
        }
        let channel = match request.header("x-splunk-request-channel") {
            None if self.use_ack => return wrong(10),
            Some(channel) if channel.len() != 36 || channel.split('-').count() != 5 => return wrong(11),
            channel => channel.unwrap_or_default().to_owned(),
        };
        match path {
            "/services/collector/event" | "/services/collector" => self.batch(request, channel),
            "/services/collector/ack" if !self.use_ack => wrong(14),
            "/services/collector/ack" => self.ack(request, &channel),
            _ => code("404 Not Found", "", 404, Value::Null),
        }
    }

    fn batch(&mut self, request: &Request, channel: String) -> Reply {
        let mut body = request.body.clone();
        if let Some(coding) = request.header("content-encoding") {
            assert_eq!(coding, "gzip");
            body.clear();
            if GzDecoder::new(&request.body[..]).read_to_end(&mut body).is_err() {
                return wrong(6);
            }
        }
        if self.max_bytes > 0 && body.len() > self.max_bytes {
            return answer(
                "413 Request Entity Too Large",
                "Content-Type: text/html\r\n",
                "<html>too large</html>",
            );
        }
        let fault = self.faults.pop_front().unwrap_or(Fault::None);
        match &fault {
            Fault::Refuse(status, headers, number) => return code(status, headers, *number, Value::Null),
            Fault::Reset { kept: false } => return Reply::Reset,
            Fault::Silence => return Reply::Silence,
            _ => {}
        }
        let mut found = Vec::new();
        for (number, event) in Deserializer::from_slice(&body).into_iter::<Value>().enumerate() {
            let checked = event
                .map_err(|_| 6)
                .and_then(|event| self.check(&event).map(|()| event));
            match checked {
                Ok(event) => found.push(event),
                Err(error) => {
                    if self.keeps_before {
                        self.received.append(&mut found);
                    }
                    let named = json!({"invalid-event-number": number});
                    return code(
                        "400 Bad Request",
                        "",
                        error,
                        if self.numbered || error == 6 {
                            named
                        } else {
                            Value::Null
                        },
                    );
                }
            }
        }
        if found.is_empty() {
            return wrong(5);
        }
        self.received.append(&mut found);
        match fault {
            Fault::Lose(status, number) => return code(status, "", number, Value::Null),
            Fault::Reset { .. } => return Reply::Reset,
            Fault::Close => return Reply::Close,
            _ => {}
        }
        if !self.use_ack {
            return code("200 OK", "Content-Type: application/json\r\n", 0, Value::Null);
        }
        let ack = self.next_ack;
        self.next_ack += 1;
        self.acks.insert((channel, ack), 0);
        code(
            "200 OK",
            "Set-Cookie: sticky=a1; Path=/; HttpOnly\r\n",
            0,
            json!({"ackId": ack}),
        )
    }

    /// The number of what is wrong with an event.
    fn check(&self, event: &Value) -> Result<(), i64> {
        let envelope = event.as_object().ok_or(6)?;
        let known = ["time", "host", "source", "sourcetype", "index", "event", "fields"];
        if !envelope.keys().all(|key| known.contains(&key.as_str())) {
            return Err(6);
        }
        let body = envelope.get("event").ok_or(12)?;
        if body.is_null() || body.as_str().is_some_and(|text| text.trim().is_empty()) {
            return Err(13);
        }
        let texts = ["host", "source", "sourcetype", "index"]
            .iter()
            .filter_map(|key| envelope.get(*key));
        if !texts.into_iter().all(Value::is_string) || !envelope.get("time").is_none_or(Value::is_number) {
            return Err(6);
        }
        let flat = |fields: &Value| {
            fields
                .as_object()
                .is_some_and(|fields| fields.values().all(Value::is_string))
        };
        if !envelope.get("fields").is_none_or(flat) {
            return Err(15);
        }
        let index = envelope.get("index").and_then(Value::as_str);
        if index.is_some_and(|index| self.indexes.as_ref().is_some_and(|allowed| !allowed.contains(index))) {
            return Err(7);
        }
        if self.poison.is_some_and(|poison| body.to_string().contains(poison)) {
            return Err(15);
        }
        Ok(())
    }

    /// An acknowledgement is forgotten once it was given.
    fn ack(&mut self, request: &Request, channel: &str) -> Reply {
        let question: Value = serde_json::from_slice(&request.body).unwrap();
        let mut acks = serde_json::Map::new();
        for number in question["acks"].as_array().unwrap() {
            let number = number.as_u64().unwrap();
            let key = (channel.to_owned(), number);
            let asked = self.acks.get_mut(&key).map(|asked| {
                *asked += 1;
                *asked
            });
            let given = asked
                .zip(self.patience)
                .is_some_and(|(asked, patience)| asked > patience);
            if given {
                self.acks.remove(&key);
            }
            acks.insert(number.to_string(), given.into());
        }
        answer("200 OK", "", &json!({"acks": acks}).to_string())
    }
}
