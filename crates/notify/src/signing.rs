//! How a receiver of webhooks knows who posts: Standard Webhooks' signatures, a token, headers of its own.

use auditlog_sink::ConfigError;
use auditlog_sink::client::{Options, check_header, headers};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::{Zeroize as _, Zeroizing};

use crate::outcome::Failure;
use crate::secrets::{Secret, SecretName, Secrets};

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
const OURS: [&str; 5] = [
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
    "idempotency-key",
    "content-encoding",
];

/// What is configured: `signing_secret`, `old_signing_secret`, `token`, `token_header`, `token_scheme`, `headers`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signing {
    /// The new one and, during a rotation, the old one.
    keys: Vec<SecretName>,
    token: Option<SecretName>,
    token_header: String,
    token_scheme: String,
    headers: Vec<(String, String)>,
}

/// Headers of one message, wiped when they are dropped.
pub struct Signed {
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// What must not be repeated from an answer.
    pub secrets: Vec<Secret>,
}

impl Drop for Signed {
    fn drop(&mut self) {
        for (_, value) in &mut self.headers {
            value.zeroize();
        }
    }
}

impl Signing {
    /// Reads the options.
    ///
    /// # Errors
    ///
    /// An option that is wrong by itself or beside another.
    pub fn parse(options: &mut Options<'_>) -> Result<Self, ConfigError> {
        let new = SecretName::option(options, "signing_secret")?;
        let old = SecretName::option(options, "old_signing_secret")?;
        if old.is_some() && new.is_none() {
            return Err(
                ConfigError::new("there is an old_signing_secret, but no signing_secret")
                    .hint("The old one is for a rotation; name the new one in «signing_secret»."),
            );
        }
        let token = SecretName::option(options, "token")?;
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
            return Err(ConfigError::new(format!("the header «{name}» is not to be chosen"))
                .hint("Leave it out: it is written for each message."));
        }
        Ok(Self {
            keys: new.into_iter().chain(old).collect(),
            token,
            token_header,
            token_scheme,
            headers,
        })
    }

    /// Whether a token is sent, so that the way must not be open to others.
    pub fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// Whether the body is signed.
    pub fn is_signed(&self) -> bool {
        !self.keys.is_empty()
    }

    /// The secrets that are read.
    pub fn secret_names(&self) -> impl Iterator<Item = &SecretName> {
        self.keys.iter().chain(&self.token)
    }

    /// The headers of a message with this id and body; `now` in microseconds since 1970 UTC.
    ///
    /// # Errors
    ///
    /// A secret that can't be read or used.
    pub fn sign(&self, secrets: &Secrets, now: i64, id: &str, body: &[u8]) -> Result<Signed, Failure> {
        let seconds = now.div_euclid(1_000_000);
        let mut signed = Signed {
            headers: vec![
                ("Idempotency-Key".to_owned(), id.to_owned()),
                ("webhook-id".to_owned(), id.to_owned()),
                ("webhook-timestamp".to_owned(), seconds.to_string()),
            ],
            secrets: Vec::new(),
        };
        let mut signatures = Vec::new();
        for name in &self.keys {
            let secret = secrets.read(name)?;
            let key = signing_key(&secret).ok_or_else(|| {
                Failure::new(format!("{name} is no signing secret"))
                    .hint("Write whsec_ and the base64 form of 24 to 64 random bytes into that file.")
            })?;
            signatures.push(signature(&key, id, seconds, body));
            signed.secrets.push(secret);
        }
        if !signatures.is_empty() {
            let signatures = signatures.join(" ");
            signed.headers.push(("webhook-signature".to_owned(), signatures));
        }
        signed.headers.extend_from_slice(&self.headers);
        if let Some(name) = &self.token {
            let secret = secrets.read(name)?;
            let mut value = header_value(&self.token_scheme, name, &secret)?;
            signed
                .headers
                .push((self.token_header.clone(), std::mem::take(&mut *value)));
            signed.secrets.push(secret);
        }
        Ok(signed)
    }
}

/// A secret as a part of a header, after `scheme`.
///
/// # Errors
///
/// A secret with other characters than those of a header.
pub fn header_value(scheme: &str, name: &SecretName, secret: &Secret) -> Result<Zeroizing<String>, Failure> {
    let printable = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
    if !secret.text().bytes().all(printable) {
        let error = Failure::new(format!("{name} is not printable ASCII, and can't be a header"));
        return Err(error.hint("Write the token as the receiver has given it into that file."));
    }
    // In one allocation, so that no copy is left behind.
    let mut value = Zeroizing::new(String::with_capacity(scheme.len() + secret.text().len() + 1));
    if !scheme.is_empty() {
        value.push_str(scheme);
        value.push(' ');
    }
    value.push_str(secret.text());
    Ok(value)
}

/// The key in a signing secret; none when it has another form.
fn signing_key(secret: &Secret) -> Option<Zeroizing<Vec<u8>>> {
    let text = secret.text().trim();
    let text = text.strip_prefix(SECRET_PREFIX).unwrap_or(text);
    let key = Zeroizing::new(LENIENT.decode(text).ok()?);
    KEY_BYTES.contains(&key.len()).then_some(key)
}

/// The signature of a message (standard-webhooks/spec, «Signature scheme», symmetric).
pub(crate) fn signature(key: &[u8], id: &str, seconds: i64, body: &[u8]) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        unreachable!("HMAC takes keys of any length (RFC 2104 §3)")
    };
    mac.update(format!("{id}.{seconds}.").as_bytes());
    mac.update(body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}
