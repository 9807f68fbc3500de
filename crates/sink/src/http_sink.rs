//! The kind `http`: a request per message.

use std::path::PathBuf;
use std::time::Duration;

use crate::error::{ConfigError, DeliveryError};
use crate::http::{Request, exchange};
use crate::judge::{MAX_ANSWER_BYTES, refused, whole};
use crate::message::{Assurance, Message, Receipt};
use crate::net::Call;
use crate::options::Options;
use crate::secret;
use crate::tls::TlsOptions;
use crate::url::{Scheme, Url, encode_header, encode_path};

/// What a URL's path has where a message's name is to stand.
const NAME: &str = "{name}";

/// Stands for [`NAME`] while the URL is read, as a URL must not have braces.
const STAND_IN: &str = "~name~";

/// The schemes of HTTP.
pub const SCHEMES: &[Scheme] = &[("https", Some(443)), ("http", Some(80))];

/// Headers that are ours to write, or that would carry a secret.
const OURS: [&str; 6] = [
    "host",
    "content-length",
    "content-type",
    "transfer-encoding",
    "connection",
    "user-agent",
];
const SECRET: [&str; 4] = ["authorization", "proxy-authorization", "cookie", "x-api-key"];

/// What HTTP and witnesses have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Server {
    pub(crate) url: Url,
    pub(crate) connect: Duration,
    pub(crate) tls: Option<TlsOptions>,
    token_file: Option<PathBuf>,
    token_header: String,
    token_scheme: String,
    headers: Vec<(String, String)>,
}

/// A configured HTTP endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HttpTarget {
    pub(crate) server: Server,
    method: &'static str,
    idempotency_header: String,
}

/// The option for the most time to connect, `connect_timeout_seconds`.
///
/// # Errors
/// When it is no number from 1 to 300.
pub fn connect_timeout(options: &mut Options<'_>) -> Result<Duration, ConfigError> {
    let seconds = options.number("connect_timeout_seconds", 1..=300)?.unwrap_or(10);
    Ok(Duration::from_secs(seconds))
}

impl Server {
    pub(crate) fn parse(url: Url, options: &mut Options<'_>) -> Result<Self, ConfigError> {
        let tls = TlsOptions::parse(options, url.scheme == "https")?;
        let token_file = options.file("token_file")?;
        if token_file.is_some() && tls.is_none() && !url.is_loopback() {
            return Err(
                ConfigError::new("a token must not be sent in the clear").hint("Take an address with https://.")
            );
        }
        let token_header = options.text("token_header")?.unwrap_or("Authorization").to_owned();
        check_header(&token_header)?;
        let default_scheme = if token_header.eq_ignore_ascii_case("authorization") {
            "Bearer"
        } else {
            ""
        };
        let token_scheme = match options.value("token_scheme").map(|value| value.as_str()) {
            None => default_scheme.to_owned(),
            Some(Some(scheme)) if scheme.bytes().all(|byte| byte.is_ascii_graphic()) => scheme.to_owned(),
            Some(_) => {
                return Err(ConfigError::new(
                    "the option «token_scheme» must be one word in ASCII or empty",
                ));
            }
        };
        let hint = "Write the secret into a file and name it in «token_file», the header in «token_header».";
        let headers = headers(options, hint)?;
        Ok(Self {
            url,
            connect: connect_timeout(options)?,
            tls,
            token_file,
            token_header,
            token_scheme,
            headers,
        })
    }

    /// Sends `message` to `url` and gives the answer, with what must not be repeated of the request.
    pub(crate) fn send(
        &self,
        call: &Call<'_>,
        method: &'static str,
        url: &Url,
        message: &Message<'_>,
        extra: &[(String, String)],
    ) -> Result<(crate::http::Answer, zeroize::Zeroizing<String>), DeliveryError> {
        let mut headers = vec![("Content-Type".to_owned(), message.content_type.trim().to_owned())];
        headers.extend_from_slice(extra);
        headers.extend_from_slice(&self.headers);
        let mut token = zeroize::Zeroizing::new(String::new());
        if let Some(file) = &self.token_file {
            token = secret::token(file)?;
            let value = format!("{} {}", self.token_scheme, *token);
            headers.push((self.token_header.clone(), value.trim().to_owned()));
        }
        let answer = exchange(
            call,
            &Request {
                method,
                url,
                headers: &headers,
                body: message.body,
                tls: self.tls.as_ref(),
                connect: self.connect,
                keep: MAX_ANSWER_BYTES,
            },
        )?;
        Ok((answer, token))
    }
}

impl HttpTarget {
    pub(crate) fn parse(address: &str, options: &mut Options<'_>) -> Result<Self, ConfigError> {
        if address.contains(STAND_IN)
            || address
                .split('?')
                .next()
                .is_some_and(|path| path.matches(NAME).count() > 1)
        {
            return Err(ConfigError::new("the URL has its place for the name more than once"));
        }
        let mut url = Url::parse(&address.replacen(NAME, STAND_IN, 1), SCHEMES)?;
        url.path = url.path.replacen(STAND_IN, NAME, 1);
        let named = url.path.split('?').next().is_some_and(|path| path.contains(NAME));
        if address.contains(NAME) && !named {
            return Err(ConfigError::new("the URL has its place for the name outside its path"));
        }
        let method = options.choice("method", &[("POST", "POST"), ("PUT", "PUT")])?;
        if method == "PUT" && !named {
            return Err(
                ConfigError::new("with the method PUT every message would overwrite the one before")
                    .hint("Put {name} into the path of the URL, where the name of the message is to stand."),
            );
        }
        let idempotency_header = options
            .text("idempotency_header")?
            .unwrap_or("Idempotency-Key")
            .to_owned();
        check_header(&idempotency_header)?;
        Ok(Self {
            server: Server::parse(url, options)?,
            method,
            idempotency_header,
        })
    }

    pub(crate) fn deliver(&self, call: &Call<'_>, message: &Message<'_>) -> Result<Receipt, DeliveryError> {
        let url = &self.server.url;
        let url = url.with_path(url.path.replacen(NAME, &encode_path(message.name), 1));
        let key = (self.idempotency_header.clone(), encode_header(message.name));
        let (answer, token) = self.server.send(call, self.method, &url, message, &[key])?;
        let who = url.authority();
        if !(200..300).contains(&answer.status) {
            return Err(refused(&who, &answer, &[&token]));
        }
        whole(&who, &answer)?;
        Ok(Receipt {
            status: Some(answer.status),
            body: answer.body,
            ..Receipt::new(Assurance::Confirmed)
        })
    }
}

/// The option `headers`: none that is ours, and none that carries a secret. `hint` says where secrets belong.
///
/// # Errors
/// When there is such a header, or something that is none.
pub fn headers(options: &mut Options<'_>, hint: &str) -> Result<Vec<(String, String)>, ConfigError> {
    let mut headers = Vec::new();
    for (name, value) in options.texts("headers")? {
        check_header(name)?;
        let lower = name.to_ascii_lowercase();
        if SECRET.contains(&lower.as_str()) {
            return Err(ConfigError::new(format!("the header «{name}» carries a secret")).hint(hint));
        }
        if OURS.contains(&lower.as_str()) {
            return Err(ConfigError::new(format!("the header «{name}» is not to be chosen")));
        }
        if !value.is_ascii() {
            return Err(ConfigError::new(format!(
                "the value of the header «{name}» is not ASCII"
            )));
        }
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    Ok(headers)
}

/// Refuses what is no header's name (RFC 9110 §5.6.2).
///
/// # Errors
/// When it is none.
pub fn check_header(name: &str) -> Result<(), ConfigError> {
    let of_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(of_token) {
        return Err(ConfigError::new(format!(
            "«{}» is no name of a header",
            name.escape_debug()
        )));
    }
    Ok(())
}
