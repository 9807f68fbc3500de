//! A connection that stays open from one request to the next: a handshake of TLS and the reading of the system's
//! certificates cost more than many a batch.

use std::io::BufReader;
use std::time::{Duration, Instant};

use crate::error::DeliveryError;
use crate::http::{Answer, Request, converse, peer};
use crate::net::{Call, Connection};

/// How long a connection is used: after that it is made anew, with certificates and names as they are then.
const MAX_AGE: Duration = Duration::from_secs(300);

/// At most one open connection. It belongs to one configuration: who changes that makes another `Kept`.
#[derive(Default)]
pub struct Kept(Option<Open>);

struct Open {
    connection: BufReader<Connection<'static>>,
    host: String,
    port: u16,
    secured: bool,
    since: Instant,
}

impl Kept {
    /// As [`crate::client::exchange`], on the connection of the request before if there is one to the same server and
    /// it is still open. A request that finds it closed is sent again on a new one, once: such a server has not
    /// begun to answer, but whether it has read is not known.
    ///
    /// # Errors
    /// When there was no answer by the deadline of `call`.
    pub fn exchange(&mut self, call: &Call<'_>, request: &Request<'_>) -> Result<Answer, DeliveryError> {
        let before = self.0.take().filter(|open| open.fits(request));
        if let Some(mut open) = before.and_then(|open| open.usable(call)) {
            open.connection.get_mut().set_call(*call);
            match converse(&mut open.connection, request, true) {
                Ok(answer) => return Ok(self.after(open, answer)),
                Err(broken) if broken.closed => {}
                Err(broken) => return Err(broken.error),
            }
        }
        let mut open = Open {
            connection: BufReader::new(call.connect(&peer(request))?.kept()),
            host: request.url.host.clone(),
            port: request.url.port,
            secured: request.tls.is_some(),
            since: Instant::now(),
        };
        let answer = converse(&mut open.connection, request, true).map_err(|broken| broken.error)?;
        Ok(self.after(open, answer))
    }

    /// Closes it.
    pub fn close(&mut self) {
        self.0 = None;
    }

    fn after(&mut self, open: Open, answer: Answer) -> Answer {
        self.0 = answer.reusable.then_some(open);
        answer
    }
}

impl Open {
    fn fits(&self, request: &Request<'_>) -> bool {
        self.host == request.url.host && self.port == request.url.port && self.secured == request.tls.is_some()
    }

    /// It, if it may still be used: the list of allowed hosts may have changed since it was made.
    fn usable(mut self, call: &Call<'_>) -> Option<Self> {
        let address = self.connection.get_ref().tcp().peer_addr();
        let usable = self.since.elapsed() < MAX_AGE
            && address.is_ok_and(|address| call.allows(address))
            && self.connection.buffer().is_empty()
            && self.connection.get_mut().is_quiet();
        usable.then_some(self)
    }
}
