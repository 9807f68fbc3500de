//! The kind `azure_event_hub`: Azure Event Hubs over REST (learn.microsoft.com, «Send batch events»).

use std::time::Duration;

use auditlog_notify::client::{header_value, missing};
use auditlog_notify::{Attempt, Failure, SecretName};
use auditlog_sink::ConfigError;
use auditlog_sink::client::{Options, encode_unreserved};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::item::{Item, Limits, hex};
use crate::json;
use crate::limits::{Usual, limits};
use crate::outcome::{Outcome, Sent, judge};
use crate::server::{Headers, Server, secret};
use crate::session::Session;

/// The most bytes of a publication: 1 MB but for the tier Basic, and less than Kafka's 1,046,528.
const MAX_BYTES: usize = 1_000_000;

/// The most bytes of a partition key.
const MAX_PARTITION_KEY: usize = 128;

/// How long a signature holds, in seconds: clocks may differ by some minutes.
const SIGNATURE_SECONDS: i64 = 3_600;

/// How long to leave a hub alone that says it is busy, if it doesn't say how long.
const BUSY: Duration = Duration::from_secs(10);

/// A configured hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EventHub {
    pub(crate) server: Server,
    pub(crate) limits: Limits,
    path: String,
    /// What is signed: the address without the query.
    resource: String,
    access: Access,
    /// What stands around an event.
    before: Vec<u8>,
    middle: Vec<u8>,
    after: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Access {
    /// A shared access key by its name.
    Key { name: String, key: SecretName },
    /// A token of Microsoft Entra.
    Token(SecretName),
}

impl EventHub {
    pub(crate) fn parse(options: &mut Options<'_>, origin: &str) -> Result<Self, ConfigError> {
        let namespace = options
            .text("event_hub_namespace")?
            .ok_or_else(|| missing("event_hub_namespace", "my-logs"))?;
        let hub = options
            .text("event_hub_name")?
            .ok_or_else(|| missing("event_hub_name", "audit-logs"))?;
        let of_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        for (option, name, most) in [("event_hub_namespace", namespace, 253), ("event_hub_name", hub, 256)] {
            if name.len() > most || !name.bytes().all(of_name) || name.starts_with('.') {
                return Err(options.wrong(option, "a name of letters, digits, «-», «.» and «_»"));
            }
        }
        let host = if namespace.contains('.') {
            namespace.to_owned()
        } else {
            format!("{namespace}.servicebus.windows.net")
        };
        let usual = format!("https://{host}");
        let endpoint = options.text("endpoint")?.unwrap_or(&usual);
        let server = Server::parse(options, "endpoint", endpoint, true)?;
        let base = format!("{}/{hub}", server.base_path("endpoint")?);
        let key = SecretName::option(options, "shared_access_key")?;
        let name = options.text("shared_access_key_name")?;
        let token = SecretName::option(options, "entra_token")?;
        let access = match (key, token) {
            (Some(key), None) => Access::Key {
                name: name.unwrap_or("RootManageSharedAccessKey").to_owned(),
                key,
            },
            (None, Some(token)) if name.is_none() => Access::Token(token),
            (None, None) => return Err(missing("shared_access_key", "secret:NAME")),
            _ => {
                return Err(
                    ConfigError::new("a shared access key and an Entra token exclude each other")
                        .hint("Give «shared_access_key» with «shared_access_key_name», or «entra_token»."),
                );
            }
        };
        let mut middle = b",\"UserProperties\":{\"origin\":".to_vec();
        json::string(&mut middle, origin);
        let mut after = b"\"},\"BrokerProperties\":{\"PartitionKey\":".to_vec();
        json::string(&mut after, &partition_key(origin));
        after.extend_from_slice(b"}}");
        Ok(Self {
            resource: format!("https://{host}/{hub}"),
            path: format!("{base}/messages?timeout=60&api-version=2014-01"),
            server,
            limits: limits(
                options,
                &Usual {
                    // The last byte is the closing bracket.
                    bytes: MAX_BYTES - 1,
                    most: MAX_BYTES - 1,
                    events: 1_000,
                    seconds: 1,
                },
            )?,
            access,
            before: b"{\"Body\":".to_vec(),
            middle,
            after,
        })
    }

    pub(crate) fn secret(&self) -> &SecretName {
        match &self.access {
            Access::Key { key, .. } => key,
            Access::Token(token) => token,
        }
    }

    /// The bytes of an event in a batch, with the comma or bracket before it. It is a string within JSON, so JSON is
    /// escaped twice.
    pub(crate) fn weight(&self, item: &Item<'_>) -> usize {
        let index = item.log_index.to_string().len();
        let fixed = self.before.len() + self.middle.len() + self.after.len();
        // The hash has 64 figures, once as a property and once in the id.
        let properties = 15 + index + 16 + 64 + 13 + index + 1 + 64;
        1 + fixed + json::string_len(&json::text(item.body)) + properties
    }

    pub(crate) fn body(&self, batch: &[Item<'_>]) -> Vec<u8> {
        let mut body = Vec::with_capacity(MAX_BYTES);
        for (number, item) in batch.iter().enumerate() {
            let hash = item.hash();
            body.push(if number == 0 { b'[' } else { b',' });
            body.extend_from_slice(&self.before);
            json::string(&mut body, &json::text(item.body));
            body.extend_from_slice(&self.middle);
            body.extend_from_slice(format!(",\"log_index\":\"{}\"", item.log_index).as_bytes());
            body.extend_from_slice(format!(",\"entry_hash\":\"{hash}\"").as_bytes());
            body.extend_from_slice(format!(",\"event_id\":\"{}-{hash}", item.log_index).as_bytes());
            body.extend_from_slice(&self.after);
        }
        body.push(b']');
        body
    }

    pub(crate) fn send(&self, session: &mut Session, batch: &[Item<'_>], attempt: &Attempt<'_>) -> Sent {
        Sent::whole(batch.len(), self.try_send(session, batch, attempt))
    }

    fn try_send(&self, session: &mut Session, batch: &[Item<'_>], attempt: &Attempt<'_>) -> Result<String, Outcome> {
        let body = self.body(batch);
        if body.len() > MAX_BYTES {
            let message = format!("{} bytes are more than the {MAX_BYTES} of a publication", body.len());
            return Err(Outcome::Split {
                error: Failure::new(message),
            });
        }
        let secret = secret(attempt, self.secret())?;
        let authorization = match &self.access {
            Access::Token(name) => header_value("Bearer", name, &secret).map_err(Outcome::pause)?,
            Access::Key { name, .. } => {
                let until = attempt.now.div_euclid(1_000_000).saturating_add(SIGNATURE_SECONDS);
                signature(&self.resource, name, secret.text(), until)
            }
        };
        let mut headers = Headers::new("application/vnd.microsoft.servicebus.json");
        headers.add("Authorization", authorization.as_str());
        headers.add("x-ms-retrypolicy", "NoRetry");
        let answer = self
            .server
            .post(&mut session.kept, attempt, &self.path, &headers, &body)?;
        let who = self.server.who();
        let said = judge(&who, &answer, &[secret.text(), &authorization]).map_err(patient)?;
        if answer.status == 201 {
            return Ok(said);
        }
        Err(Outcome::pause(Failure::new(said).status(answer.status).hint(
            "Only 201 says that a batch is stored: look whether «event_hub_namespace» leads to Event Hubs.",
        )))
    }
}

/// A hub that is throttled wants some seconds of silence.
fn patient(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Retry { after, error } if matches!(error.status, Some(429 | 500 | 503)) => Outcome::Retry {
            after: Some(after.unwrap_or_default().max(BUSY)),
            error,
        },
        other => other,
    }
}

/// All events of a log go to one partition, which keeps their order.
fn partition_key(origin: &str) -> String {
    if origin.len() <= MAX_PARTITION_KEY {
        return origin.to_owned();
    }
    hex(&Sha256::digest(origin))
}

/// A shared access signature that holds until this second since 1970 («Authenticate access to Event Hubs resources using
/// shared access signatures»). The key counts as its text.
pub(crate) fn signature(resource: &str, name: &str, key: &str, until: i64) -> Zeroizing<String> {
    let resource = encode_unreserved(resource);
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.as_bytes()) else {
        unreachable!("HMAC takes keys of any length (RFC 2104 §3)")
    };
    mac.update(format!("{resource}\n{until}").as_bytes());
    let signature = encode_unreserved(&STANDARD.encode(mac.finalize().into_bytes()));
    let name = encode_unreserved(name);
    Zeroizing::new(format!(
        "SharedAccessSignature sr={resource}&sig={signature}&se={until}&skn={name}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What azure-eventhub 5.15.1 (PyPI) makes at 1763823600 for an hour: `azure.eventhub._client_base._generate_sas_token`.
    #[test]
    fn signatures_are_those_of_the_sdk() {
        assert_eq!(
            *signature(
                "https://cloudpi-logs.servicebus.windows.net/audit-logs",
                "RootManageSharedAccessKey",
                "c2VjcmV0+/key==",
                1_763_827_200
            ),
            "SharedAccessSignature sr=https%3A%2F%2Fcloudpi-logs.servicebus.windows.net%2Faudit-logs&sig=\
             Bth6PgRgvwOUSQRv197RpxiFxvfu08%2BSBC1gpeiZhz8%3D&se=1763827200&skn=RootManageSharedAccessKey"
        );
        assert_eq!(
            *signature(
                "https://My-NS.servicebus.windows.net/Hub_1.x",
                "send",
                "k",
                1_763_827_200
            ),
            "SharedAccessSignature sr=https%3A%2F%2FMy-NS.servicebus.windows.net%2FHub_1.x&sig=\
             %2FSnEzFpY2tGPvwlksjDuze0bZ9tdnXV13zH910NUErI%3D&se=1763827200&skn=send"
        );
    }

    #[test]
    fn long_origins_become_short_partition_keys() {
        assert_eq!(partition_key("a/b"), "a/b");
        assert_eq!(partition_key(&"a".repeat(129)).len(), 64);
    }
}
