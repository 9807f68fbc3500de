//! The kind `witness`: add-checkpoint of c2sp.org/tlog-witness.

use crate::error::{ConfigError, DeliveryError, FailureKind};
use crate::http::{Answer, End};
use crate::http_sink::{SCHEMES, Server};
use crate::judge::{refused, whole};
use crate::message::{Assurance, Message, Receipt};
use crate::net::Call;
use crate::options::Options;
use crate::url::Url;

/// The content type of the answer that tells the size on record.
const SIZE: &str = "text/x.tlog.size";

/// A configured witness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WitnessTarget {
    pub(crate) server: Server,
}

impl WitnessTarget {
    /// The address is the witness's submission prefix.
    pub(crate) fn parse(address: &str, options: &mut Options<'_>) -> Result<Self, ConfigError> {
        let mut url = Url::parse(address, SCHEMES)?;
        if url.path.contains('?') {
            return Err(ConfigError::new("the URL of a witness has no query"));
        }
        if url.path.trim_end_matches('/').ends_with("/add-checkpoint") {
            return Err(
                ConfigError::new("the URL ends in «add-checkpoint», which is added by itself")
                    .hint("Give what stands before it, the witness's submission prefix."),
            );
        }
        url.path = format!("{}/add-checkpoint", url.path.trim_end_matches('/'));
        Ok(Self {
            server: Server::parse(url, options)?,
        })
    }

    /// The message's body is the whole request: old size, proof and checkpoint.
    pub(crate) fn deliver(&self, call: &Call<'_>, message: &Message<'_>) -> Result<Receipt, DeliveryError> {
        let url = &self.server.url;
        let (answer, token) = self.server.send(call, "POST", url, message, &[])?;
        let who = format!("the witness at {}", url.authority());
        match answer.status {
            200 => {
                whole(&who, &answer)?;
                if answer.end == End::TooLong || !are_signatures(&answer.body) {
                    let message = format!("{who} answered 200 with something else than cosignature lines");
                    return Err(DeliveryError::permanent(message).status(200));
                }
                Ok(Receipt {
                    status: Some(200),
                    body: answer.body,
                    ..Receipt::new(Assurance::Confirmed)
                })
            }
            409 => match size(&answer) {
                Some(size) => Err(DeliveryError {
                    kind: FailureKind::Conflict { size },
                    message: format!("{who} has the size {size} on record"),
                    status: Some(409),
                }),
                // Such as a tree of the same size with another root: trying again won't help.
                None => Err(refused(&who, &answer, &[&token])),
            },
            _ => Err(refused(&who, &answer, &[&token])),
        }
    }
}

/// Whether a body is one or more signature lines; whose and whether they are right is for the caller to see.
fn are_signatures(body: &[u8]) -> bool {
    std::str::from_utf8(body)
        .ok()
        .and_then(|text| text.strip_suffix('\n'))
        .is_some_and(|lines| lines.split('\n').all(|line| line.starts_with("— ")))
}

/// The size in the answer to an outdated request.
fn size(answer: &Answer) -> Option<u64> {
    if answer.media_type() != SIZE || answer.end != End::Whole {
        return None;
    }
    let text = std::str::from_utf8(&answer.body).ok()?.strip_suffix('\n')?;
    let canonical = text == "0" || !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
    let size: u64 = canonical.then(|| text.parse().ok()).flatten()?;
    // Sizes of trees end where a bigint does.
    i64::try_from(size).is_ok().then_some(size)
}
