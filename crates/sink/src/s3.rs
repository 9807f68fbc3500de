//! The kind `s3`: an object per message, never overwritten, and locked if asked.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

use crate::credentials::{self, Credentials};
use crate::error::{ConfigError, DeliveryError, FailureKind};
use crate::http::{Answer, End, Request, exchange};
use crate::http_sink::{SCHEMES, connect_timeout};
use crate::judge::{MAX_ANSWER_BYTES, now, refused};
use crate::message::{Assurance, MAX_NAME_BYTES, Message, Receipt};
use crate::net::Call;
use crate::options::Options;
use crate::sigv4::{self, Scope, Signed, sha256_hex};
use crate::tls::TlsOptions;
use crate::url::{Url, encode_path};

/// A configured bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct S3Target {
    bucket: String,
    /// Empty, or with a slash at its end.
    prefix: String,
    region: String,
    /// The host and, with path style, the bucket as its path.
    base: Url,
    tls: Option<TlsOptions>,
    connect: Duration,
    credentials_file: PathBuf,
    profile: String,
    lock: Option<Lock>,
}

/// One delivery: with whose signature and at what time.
struct Attempt<'a> {
    call: &'a Call<'a>,
    credentials: Credentials,
    now: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Lock {
    mode: &'static str,
    days: u64,
}

impl S3Target {
    pub(crate) fn parse(address: &str, options: &mut Options<'_>) -> Result<Self, ConfigError> {
        let wrong = |what: &str| {
            ConfigError::new(format!("the address «{}» {what}", address.escape_debug()))
                .hint("Write s3://bucket or s3://bucket/prefix.")
        };
        let rest = address
            .strip_prefix("s3://")
            .ok_or_else(|| wrong("doesn't begin with s3://"))?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let of_bucket = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
        let ends = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        let name = bucket.as_bytes();
        if !(3..=63).contains(&name.len())
            || !bucket.bytes().all(of_bucket)
            || !ends(name.first())
            || !ends(name.last())
            || bucket.contains("..")
        {
            return Err(wrong("has no name of a bucket: 3 to 63 of a-z, 0-9, «-» and «.»"));
        }
        let prefix = prefix.trim_end_matches('/');
        if prefix.chars().any(char::is_control)
            || prefix.len() > 512
            || !prefix.is_empty() && prefix.split('/').any(|part| matches!(part, "" | "." | ".."))
        {
            return Err(wrong(
                "has a prefix with an empty part, «.», «..» or a control character, or a long one",
            ));
        }
        let region = options.text("region")?.unwrap_or("us-east-1").to_owned();
        let of_region = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !region.bytes().all(of_region) {
            return Err(ConfigError::new(
                "the option «region» has something else than a-z, 0-9 and «-»",
            ));
        }
        let endpoint = options.text("endpoint")?;
        // A certificate for *.s3.… doesn't cover a bucket with dots in its name.
        let path_style = options
            .flag("path_style")?
            .unwrap_or(endpoint.is_some() || bucket.contains('.'));
        let domain = if region.starts_with("cn-") {
            "amazonaws.com.cn"
        } else {
            "amazonaws.com"
        };
        let default = format!("https://s3.{region}.{domain}");
        let mut base = Url::parse(endpoint.unwrap_or(&default), SCHEMES)?;
        if !matches!(base.path.as_str(), "" | "/") {
            return Err(ConfigError::new("the option «endpoint» has a path")
                .hint("Give the scheme, the host and perhaps a port; the bucket stands in the address."));
        }
        if path_style {
            base.path = format!("/{bucket}");
        } else {
            base.path = String::new();
            base.host = format!("{bucket}.{}", base.host);
        }
        let credentials_file = options.file("credentials_file")?.ok_or_else(|| {
            ConfigError::new("the option «credentials_file» is missing").hint(
                "It names a file in the form of ~/.aws/credentials, with aws_access_key_id and aws_secret_access_key.",
            )
        })?;
        Ok(Self {
            bucket: bucket.to_owned(),
            prefix: if prefix.is_empty() {
                String::new()
            } else {
                format!("{prefix}/")
            },
            region,
            tls: TlsOptions::parse(options, base.scheme == "https")?,
            base,
            connect: connect_timeout(options)?,
            credentials_file,
            profile: options.text("profile")?.unwrap_or("default").to_owned(),
            lock: Lock::parse(options)?,
        })
    }

    pub(crate) fn host(&self) -> &str {
        &self.base.host
    }

    pub(crate) fn deliver(&self, call: &Call<'_>, message: &Message<'_>) -> Result<Receipt, DeliveryError> {
        let key = format!("{}{}", self.prefix, message.name);
        if key.len() > MAX_NAME_BYTES {
            let message = format!("the object's key has {} bytes; the most is {MAX_NAME_BYTES}", key.len());
            return Err(DeliveryError::permanent(message));
        }
        let url = self.base.with_path(format!("{}/{}", self.base.path, encode_path(&key)));
        let attempt = Attempt {
            call,
            credentials: credentials::read(&self.credentials_file, &self.profile)?,
            now: now(),
        };
        let mut headers = vec![
            ("Content-Type".to_owned(), message.content_type.trim().to_owned()),
            ("If-None-Match".to_owned(), "*".to_owned()),
            ("x-amz-sdk-checksum-algorithm".to_owned(), "SHA256".to_owned()),
            (
                "x-amz-checksum-sha256".to_owned(),
                STANDARD.encode(Sha256::digest(message.body)),
            ),
        ];
        if let Some(lock) = &self.lock {
            headers.push(("x-amz-object-lock-mode".to_owned(), lock.mode.to_owned()));
            headers.push((
                "x-amz-object-lock-retain-until-date".to_owned(),
                lock.until(attempt.now)?,
            ));
        }
        let answer = self.send(&attempt, "PUT", &url, headers, message.body, MAX_ANSWER_BYTES)?;
        let mut receipt = Receipt {
            status: Some(answer.status),
            ..Receipt::new(Assurance::Confirmed)
        };
        match answer.status {
            // The status says it all; a body would be empty.
            200..=299 => receipt.body = answer.body,
            412 => {
                self.compare(&attempt, &url, message.body)?;
                receipt.already_there = true;
            }
            _ => return Err(self.refused(&answer, &attempt.credentials)),
        }
        Ok(receipt)
    }

    /// Nothing wrong when the object that is there has the very bytes of the message.
    fn compare(&self, attempt: &Attempt<'_>, url: &Url, body: &[u8]) -> Result<(), DeliveryError> {
        let keep = body.len().max(MAX_ANSWER_BYTES);
        let answer = self.send(attempt, "GET", url, Vec::new(), b"", keep)?;
        match (answer.status, answer.end) {
            (200, End::Cut) => Err(DeliveryError::retry(format!("the object at {url} broke off")).status(200)),
            (200, End::Whole) if answer.body == body => Ok(()),
            (200, _) => Err(DeliveryError::permanent(format!(
                "the object at {url} exists and has other bytes; it is not overwritten"
            ))
            .status(412)),
            _ => {
                let mut error = self.refused(&answer, &attempt.credentials);
                error.message = format!(
                    "the object at {url} exists, but could not be compared, which takes s3:GetObject: {}",
                    error.message
                );
                Err(error)
            }
        }
    }

    fn send(
        &self,
        attempt: &Attempt<'_>,
        method: &'static str,
        url: &Url,
        mut headers: Vec<(String, String)>,
        body: &[u8],
        keep: usize,
    ) -> Result<Answer, DeliveryError> {
        let credentials = &attempt.credentials;
        let time = attempt.now.format("%Y%m%dT%H%M%SZ").to_string();
        let payload = sha256_hex(body);
        headers.push(("x-amz-content-sha256".to_owned(), payload.clone()));
        headers.push(("x-amz-date".to_owned(), time.clone()));
        if let Some(token) = &credentials.session_token {
            headers.push(("x-amz-security-token".to_owned(), token.to_string()));
        }
        headers.push(("Host".to_owned(), url.authority()));
        let authorization = sigv4::authorization(
            &Scope {
                access_key: &credentials.access_key,
                secret_key: &credentials.secret_key,
                region: &self.region,
                service: "s3",
                time: &time,
            },
            &Signed {
                method,
                path: &url.path,
                query: "",
                headers: &headers,
                payload: &payload,
            },
        );
        // The request writes the host itself.
        headers.pop();
        headers.push(("Authorization".to_owned(), authorization));
        exchange(
            attempt.call,
            &Request {
                method,
                url,
                headers: &headers,
                body,
                tls: self.tls.as_ref(),
                connect: self.connect,
                keep,
            },
        )
    }

    fn refused(&self, answer: &Answer, credentials: &Credentials) -> DeliveryError {
        let token = credentials.session_token.as_deref().map_or("", String::as_str);
        let mut error = refused(&format!("{self}"), answer, &[&credentials.secret_key, token]);
        let text = String::from_utf8_lossy(&answer.body);
        let code = text
            .split_once("<Code>")
            .and_then(|(_, rest)| rest.split_once("</Code>"))
            .map_or("", |(code, _)| code);
        // These pass although their status says otherwise: two writers at once, a slow connection, and
        // credentials that somebody else renews in their file.
        if matches!(
            code,
            "ConditionalRequestConflict" | "OperationAborted" | "RequestTimeout" | "ExpiredToken" | "SlowDown"
        ) && error.kind == FailureKind::Permanent
        {
            error.kind = FailureKind::Retry { after: None };
        }
        error
    }
}

/// `s3://bucket/prefix`, and where if that is no server of AWS.
impl fmt::Display for S3Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{} at {}", self.bucket, self.prefix, self.base.authority())
    }
}

impl Lock {
    fn parse(options: &mut Options<'_>) -> Result<Option<Self>, ConfigError> {
        let modes = [
            ("", None),
            ("COMPLIANCE", Some("COMPLIANCE")),
            ("GOVERNANCE", Some("GOVERNANCE")),
        ];
        let mode = match options.text("lock_mode")? {
            None => None,
            Some(text) => modes
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(text))
                .map(|(_, mode)| *mode)
                .ok_or_else(|| ConfigError::new("the option «lock_mode» must be one of: COMPLIANCE, GOVERNANCE"))?,
        };
        match (mode, options.number("retain_days", 1..=36_500)?) {
            (Some(mode), Some(days)) => Ok(Some(Self { mode, days })),
            (None, None) => Ok(None),
            _ => Err(ConfigError::new("lock_mode and retain_days need each other")
                .hint("Without both, the default retention of the bucket applies, if it has one.")),
        }
    }

    /// The end of the retention, from now on: from the time of an old message it might lie in the past.
    fn until(&self, now: DateTime<Utc>) -> Result<String, DeliveryError> {
        i64::try_from(self.days)
            .ok()
            .and_then(TimeDelta::try_days)
            .and_then(|days| now.checked_add_signed(days))
            .map(|until| until.format("%Y-%m-%dT%H:%M:%SZ").to_string())
            .ok_or_else(|| DeliveryError::permanent("the end of the retention is too far away"))
    }
}
