//! A subscriber: reads what is new under its own rights, and sends it as Server-Sent Events.
//!
//! It reads no further than its client takes: at most one batch is in memory. The log itself is the buffer, so that a
//! slow client gets everything later, or, if it has asked for that, hears of what was left out.

use std::convert::Infallible;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, header};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::App;
use crate::data::event;
use crate::database::Access;
use crate::http::Problem;
use crate::identity::Caller;

/// Events that are read at once.
const BATCH: i32 = 256;
/// After so long the sealer has told of what it had committed, or is gone.
const SETTLED: Duration = Duration::from_secs(10);
/// Looks that may fail for lack of a database before the client is told to come again.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a client wants to see.
#[derive(Debug, Clone)]
pub struct Wish {
    /// In the query language.
    pub query: String,
    /// The last place that it has.
    pub after: Option<i64>,
    /// How far it may lag before something is left out.
    pub max_lag: Option<i64>,
}

/// A place among the live streams; given back when it is dropped.
struct Seat(App, [u8; 32]);

impl Seat {
    fn take(app: &App, key: [u8; 32]) -> Result<Seat, Problem> {
        let full = || {
            Problem::new(
                http::StatusCode::TOO_MANY_REQUESTS,
                "too-many-streams",
                "There are too many live streams",
            )
            .retry_after(30)
        };
        if !app.seats.take(key, app.settings.streams.per_identity) {
            return Err(full());
        }
        let seat = Seat(app.clone(), key);
        if app.streams.fetch_add(1, Ordering::Relaxed) >= app.settings.streams.total {
            return Err(full());
        }
        Ok(seat)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.streams.fetch_sub(1, Ordering::Relaxed);
        self.0.seats.give(self.1);
    }
}

/// Places behind the position that seem to have nothing but entries of tails.
#[derive(Clone, Copy)]
struct Quiet {
    head: i64,
    since: Instant,
    looks: u32,
}

struct Subscriber {
    app: App,
    caller: Caller,
    wish: Wish,
    position: i64,
    bell: watch::Receiver<u64>,
    stopping: watch::Receiver<bool>,
    /// May there be more behind the position than was read?
    is_behind: bool,
    looked: Instant,
    /// The log goes farther than the position, but the database knows no news there.
    quiet: Option<Quiet>,
    failing_since: Option<Instant>,
    is_over: bool,
    _seat: Seat,
}

/// Begins a stream. A query that is none, or a caller without the right, is refused before it begins.
///
/// # Errors
/// What the database refuses.
pub async fn subscribe(app: App, caller: Caller, wish: Wish) -> Result<Response, Problem> {
    let seat = Seat::take(&app, caller.key)?;
    // Before the look: what comes in between rings.
    let bell = app.hub.listen();
    let transaction = caller.begin(&app, Access::Read).await?;
    event::check_query(&transaction, &wish.query).await?;
    let last = event::last_place(&transaction).await?;
    transaction.commit().await?;
    let position = wish.after.unwrap_or(last);
    let subscriber = Subscriber {
        stopping: app.stopping.clone(),
        app,
        caller,
        wish,
        position,
        bell,
        is_behind: true,
        // The first look is at once.
        looked: Instant::now() - Duration::from_secs(3600),
        quiet: None,
        failing_since: None,
        is_over: false,
        _seat: seat,
    };
    let greeting = Bytes::from_static(b"retry: 2000\n: the audit log\n\n");
    let rest = futures_util::stream::unfold(subscriber, |mut subscriber| async move {
        let chunk = subscriber.next().await?;
        Some((Ok::<_, Infallible>(chunk), subscriber))
    });
    let greeting = futures_util::stream::once(async move { Ok(greeting) });
    let body = futures_util::StreamExt::chain(greeting, rest);
    let mut response = Body::from_stream(body).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream; charset=utf-8"),
    );
    // Or nginx collects what it should pass on.
    headers.insert(
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    );
    Ok(response)
}

impl Subscriber {
    /// The next that is to be sent; None at the end.
    async fn next(&mut self) -> Option<Bytes> {
        if self.is_over {
            return None;
        }
        let heartbeat = Instant::now() + self.app.settings.streams.heartbeat;
        let mut stopping = self.stopping.clone();
        loop {
            if !self.is_behind {
                tokio::select! {
                    rung = self.bell.changed() => if rung.is_err() { return None; },
                    _ = stopping.wait_for(|stop| *stop) => return None,
                    () = tokio::time::sleep_until(heartbeat) => {
                        if !self.caller.is_current(&self.app) {
                            return self.last_words(&ended());
                        }
                        return Some(Bytes::from_static(b": alive\n\n"));
                    }
                }
            }
            // Many batches a second are one look.
            let earliest = self.looked + self.app.settings.streams.interval;
            tokio::select! {
                () = tokio::time::sleep_until(earliest) => {}
                _ = stopping.wait_for(|stop| *stop) => return None,
            }
            if !self.caller.is_current(&self.app) {
                return self.last_words(&ended());
            }
            self.bell.mark_unchanged();
            self.looked = Instant::now();
            match self.look().await {
                Ok(chunk) => {
                    self.failing_since = None;
                    if !chunk.is_empty() {
                        return Some(chunk.into());
                    }
                }
                Err(problem) => {
                    let since = *self.failing_since.get_or_insert(self.looked);
                    let is_passing = problem.status == http::StatusCode::SERVICE_UNAVAILABLE.as_u16();
                    if !is_passing || since.elapsed() > PATIENCE {
                        return self.last_words(&problem);
                    }
                    self.is_behind = true;
                    tokio::time::sleep(Duration::from_millis(500)).await;
                    return Some(Bytes::from_static(b": the database does not answer\n\n"));
                }
            }
        }
    }

    /// What lies behind the position, as events of the stream. The position moves only when all of it can be told: what a
    /// look that fails has passed over, nobody would hear of.
    async fn look(&mut self) -> Result<Vec<u8>, Problem> {
        let (mut chunk, mut from) = (Vec::new(), self.position);
        let transaction = self.caller.begin(&self.app, Access::Read).await?;
        let last = event::last_place(&transaction).await?;
        if let Some(lag) = self.wish.max_lag
            && last - from > lag
        {
            let resume = last - lag;
            let skipped = serde_json::json!({"after": from, "resume_at": resume + 1, "skipped": resume - from});
            write(&mut chunk, "skipped", Some(resume), &skipped.to_string());
            from = resume;
        }
        // Asked before the events are read: of a query that matches little, the same events need not be looked at again.
        // Not `last`: the log's head is committed a moment before the sealer tells of it, and until then there is nothing to read.
        let Some(told) = event::news_behind(&transaction, from).await? else {
            transaction.commit().await?;
            self.position = from;
            self.rest(last);
            return Ok(chunk);
        };
        let events = event::tail(&transaction, from, &self.wish.query, BATCH).await?;
        transaction.commit().await?;
        self.quiet = None;
        self.is_behind = events.len() == BATCH as usize;
        for event in &events {
            write(&mut chunk, "audit", event.log_index, event.document.get());
        }
        let seen = events.last().and_then(|event| event.log_index).unwrap_or(from);
        self.position = if self.is_behind { seen } else { seen.max(told) };
        Ok(chunk)
    }

    /// There is no news. Entries of tails are none, and are passed over after a while; what was committed a moment ago is
    /// some, so the next look is soon.
    fn rest(&mut self, last: i64) {
        self.is_behind = false;
        if last <= self.position {
            self.quiet = None;
            return;
        }
        let quiet = self.quiet.get_or_insert(Quiet {
            head: last,
            since: self.looked,
            looks: 0,
        });
        if quiet.since.elapsed() >= SETTLED {
            self.position = quiet.head;
            self.quiet = None;
            return;
        }
        quiet.looks += 1;
        self.is_behind = quiet.looks <= 2;
    }

    fn last_words(&mut self, problem: &Problem) -> Option<Bytes> {
        self.is_over = true;
        let mut chunk = Vec::new();
        write(
            &mut chunk,
            "problem",
            None,
            &serde_json::to_string(problem).unwrap_or_default(),
        );
        Some(chunk.into())
    }
}

fn ended() -> Problem {
    Problem::unauthenticated("The session has ended.")
}

/// One event of the stream. JSON has no line ends of its own.
fn write(chunk: &mut Vec<u8>, name: &str, id: Option<i64>, data: &str) {
    if let Some(id) = id {
        chunk.extend_from_slice(format!("id: {id}\n").as_bytes());
    }
    chunk.extend_from_slice(format!("event: {name}\ndata: ").as_bytes());
    chunk.extend_from_slice(data.replace(['\n', '\r'], " ").as_bytes());
    chunk.extend_from_slice(b"\n\n");
}
