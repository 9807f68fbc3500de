//! Webhooks: CloudEvents 1.0 in structured mode, signed as Standard Webhooks.

use auditlog_sink::ConfigError;
use auditlog_sink::client::{Options, check_header, headers};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use chrono::SecondsFormat;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::attempt::Attempt;
use crate::document::document;
use crate::http::{Endpoint, Post};
use crate::notification::Notification;
use crate::outcome::{Failure, Outcome, is_refusal};
use crate::secrets::{Secret, SecretName};
use crate::template::{Template, chosen};
use crate::text;

/// What a signing secret begins with (standard-webhooks/spec, «Signature scheme»).
const SECRET_PREFIX: &str = "whsec_";

/// Bytes that a signing key may have: that specification asks for 24 to 64; longer ones do no harm.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=512;

/// Base64 with or without its padding: some receivers give secrets without.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Headers that are ours to write.
const OURS: [&str; 4] = [
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
    "idempotency-key",
];

/// A configured receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WebhookChannel {
    pub(crate) endpoint: Endpoint,
    /// The new one and, during a rotation, the old one.
    pub(crate) signing: Vec<SecretName>,
    pub(crate) token: Option<SecretName>,
    token_header: String,
    token_scheme: String,
    headers: Vec<(String, String)>,
    source: Option<String>,
}

impl WebhookChannel {
    pub(crate) fn parse(options: &mut Options<'_>) -> Result<Self, ConfigError> {
        let endpoint = Endpoint::parse(options, false, None)?;
        let new = SecretName::option(options, "signing_secret")?;
        let old = SecretName::option(options, "old_signing_secret")?;
        if old.is_some() && new.is_none() {
            return Err(
                ConfigError::new("there is an old_signing_secret, but no signing_secret")
                    .hint("The old one is for a rotation; name the new one in «signing_secret»."),
            );
        }
        let token = SecretName::option(options, "token")?;
        if token.is_some() {
            endpoint.require_tls("the token")?;
        }
        let token_header = options.text("token_header")?.unwrap_or("Authorization").to_owned();
        check_header(&token_header)?;
        let usual = if token_header.eq_ignore_ascii_case("authorization") {
            "Bearer"
        } else {
            ""
        };
        let token_scheme = match options.value("token_scheme") {
            None => usual.to_owned(),
            Some(value) => value
                .as_str()
                .filter(|scheme| scheme.bytes().all(|byte| byte.is_ascii_graphic()))
                .ok_or_else(|| options.wrong("token_scheme", "one word in ASCII, or empty"))?
                .to_owned(),
        };
        let headers = headers(options, "Write it into a secret's file, and secret:NAME into «token».")?;
        let ours = |name: &str| OURS.iter().any(|our| our.eq_ignore_ascii_case(name));
        if let Some((name, _)) = headers.iter().find(|(name, _)| ours(name)) {
            return Err(ConfigError::new(format!("the header «{name}» is not to be chosen")));
        }
        let source = options.text("source")?;
        // CloudEvents asks for a URI reference.
        let of_uri = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte);
        if source.is_some_and(|source| !source.bytes().all(of_uri)) {
            return Err(options.wrong("source", "a URI, or a part of one, in ASCII"));
        }
        Ok(Self {
            endpoint,
            signing: new.into_iter().chain(old).collect(),
            token,
            token_header,
            token_scheme,
            headers,
            source: source.map(str::to_owned),
        })
    }

    pub(crate) fn send(
        &self,
        attempt: &Attempt<'_>,
        n: &Notification,
        template: Option<&Template>,
    ) -> Result<Outcome, Outcome> {
        let body = self.event(n, template).to_string();
        let content_type = "application/cloudevents+json; charset=utf-8";
        let mut headers = vec![
            ("Content-Type".to_owned(), content_type.to_owned()),
            ("Idempotency-Key".to_owned(), n.id.clone()),
            ("webhook-id".to_owned(), n.id.clone()),
        ];
        let seconds = attempt.now.div_euclid(1_000_000);
        headers.push(("webhook-timestamp".to_owned(), seconds.to_string()));
        let mut secrets: Vec<Secret> = Vec::new();
        let mut signatures = Vec::new();
        for name in &self.signing {
            let secret = attempt.secret(name)?;
            let key = signing_key(&secret).ok_or_else(|| Outcome::Pause {
                error: Failure::new(format!("{name} is no signing secret"))
                    .hint("Write whsec_ and the base64 form of 24 to 64 random bytes into that file."),
            })?;
            signatures.push(signature(&key, &n.id, seconds, body.as_bytes()));
            secrets.push(secret);
        }
        if !signatures.is_empty() {
            headers.push(("webhook-signature".to_owned(), signatures.join(" ")));
        }
        headers.extend_from_slice(&self.headers);
        if let Some(name) = &self.token {
            let secret = attempt.secret(name)?;
            if !secret
                .text()
                .bytes()
                .all(|byte| byte == b' ' || byte.is_ascii_graphic())
            {
                let error = Failure::new(format!("{name} is not printable ASCII, and can't be a header"));
                return Err(Outcome::Pause {
                    error: error.hint("Write the token as the receiver has given it into that file."),
                });
            }
            let value = Zeroizing::new(format!("{} {}", self.token_scheme, secret.text()));
            headers.push((self.token_header.clone(), value.trim().to_owned()));
            secrets.push(secret);
        }
        let hidden: Vec<&str> = secrets.iter().map(Secret::text).collect();
        let result = self.endpoint.post(
            attempt,
            &Post {
                headers: &headers,
                body: body.as_bytes(),
                secrets: &hidden,
                confidential: self.token.is_some(),
                refusal: &|answer| is_refusal(answer.status),
            },
        );
        for (_, value) in &mut headers {
            zeroize::Zeroize::zeroize(value);
        }
        result
    }

    fn event(&self, n: &Notification, template: Option<&Template>) -> Value {
        let source = self.source.clone().or_else(|| n.origin.as_deref().map(reference));
        let mut data = document(n);
        if let Some(text) = chosen(n, template, &str::to_owned) {
            data["text"] = json!(text);
        }
        json!({
            "specversion": "1.0",
            "id": n.id,
            "source": source.unwrap_or_else(|| format!("/pg_auditlog/{}", reference(&n.database))),
            "type": format!("pg_auditlog.alert.{}", n.kind.label()),
            "subject": n.alert,
            "time": text::time(n.fired_at, SecondsFormat::Micros),
            "datacontenttype": "application/json",
            "data": data,
        })
    }
}

/// A text as a part of a URI, percent-encoded where need be.
fn reference(text: &str) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// The key in a signing secret; none when it has another form.
pub fn signing_key(secret: &Secret) -> Option<Zeroizing<Vec<u8>>> {
    let text = secret.text().trim();
    let text = text.strip_prefix(SECRET_PREFIX).unwrap_or(text);
    let key = Zeroizing::new(LENIENT.decode(text).ok()?);
    KEY_BYTES.contains(&key.len()).then_some(key)
}

/// The signature of a message (standard-webhooks/spec, «Signature scheme», symmetric).
pub fn signature(key: &[u8], id: &str, seconds: i64, body: &[u8]) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        unreachable!("HMAC takes keys of any length (RFC 2104 §3)")
    };
    mac.update(format!("{id}.{seconds}.").as_bytes());
    mac.update(body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}
