//! Where a store is: its URL and options, checked as far as that is possible without the outside.

use std::path::{Path, PathBuf};
use std::time::Duration;

use auditlog_sink::ConfigError;
use auditlog_sink::client::{Options, SCHEMES, TlsOptions, Url, connect_timeout};
use serde_json::Value;

/// The kinds of URLs.
const SCHEMES_HINT: &str = "Write file:///directory, s3://bucket/prefix, az://container/prefix or gs://bucket/prefix.";

/// A store that can be opened. It holds no secret, only the name of a file that has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Location {
    Local(PathBuf),
    Remote(Box<Remote>),
}

/// A bucket or container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Remote {
    pub(crate) service: Service,
    /// The bucket or container.
    pub(crate) bucket: String,
    /// Empty, or a name without slashes at its ends.
    pub(crate) prefix: String,
    /// Other than the service's own.
    pub(crate) endpoint: Option<Url>,
    pub(crate) credentials_file: PathBuf,
    pub(crate) profile: String,
    pub(crate) tls: TlsOptions,
    pub(crate) connect: Duration,
}

/// Whose protocol is spoken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Service {
    S3 {
        region: String,
        path_style: bool,
    },
    Azure {
        account: String,
        application: Option<Application>,
    },
    Google,
}

/// An application of Microsoft Entra.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Application {
    pub(crate) tenant: String,
    pub(crate) client: String,
}

impl Location {
    pub(crate) fn parse(url: &str, options: &Value) -> Result<Self, ConfigError> {
        let wrong =
            |what: &str| ConfigError::new(format!("the URL «{}» {what}", url.escape_debug())).hint(SCHEMES_HINT);
        let (scheme, rest) = url.split_once("://").ok_or_else(|| wrong("has no scheme"))?;
        match scheme {
            "file" => {
                let options = Options::new("a store", "file", options)?;
                options.finish()?;
                let path = Path::new(rest);
                let plain = path
                    .components()
                    .all(|part| !matches!(part, std::path::Component::ParentDir));
                if !path.is_absolute() || !plain || rest.chars().any(char::is_control) {
                    return Err(wrong("has no absolute path without «..» and control characters"));
                }
                Ok(Self::Local(path.to_owned()))
            }
            "s3" => Remote::parse("s3", rest, &wrong, options, |options, endpoint, bucket| {
                let region = word(options, "region")?.unwrap_or("us-east-1").to_owned();
                let path_style = match options.value("path_style") {
                    // a certificate for *.s3.… doesn't cover a bucket with dots in its name
                    None => endpoint || bucket.contains('.'),
                    Some(value) => value
                        .as_bool()
                        .ok_or_else(|| options.wrong("path_style", "true or false"))?,
                };
                Ok(Service::S3 { region, path_style })
            }),
            "az" => Remote::parse("az", rest, &wrong, options, |options, _, _| {
                let account = word(options, "account")?.ok_or_else(|| {
                    ConfigError::new("the option «account» is missing").hint("Name the storage account in «account».")
                })?;
                let application = match (word(options, "tenant_id")?, word(options, "client_id")?) {
                    (Some(tenant), Some(client)) => Some(Application {
                        tenant: tenant.to_owned(),
                        client: client.to_owned(),
                    }),
                    (None, None) => None,
                    _ => {
                        return Err(ConfigError::new("tenant_id and client_id need each other")
                            .hint("Give both for an application, and neither for a key or a signature."));
                    }
                };
                Ok(Service::Azure {
                    account: account.to_owned(),
                    application,
                })
            }),
            "gs" => Remote::parse("gs", rest, &wrong, options, |_, _, _| Ok(Service::Google)),
            _ => Err(wrong("has another scheme")),
        }
        .map_err(|error| match error.hint {
            Some(_) => error,
            None => error.hint("The documentation of auditlog-objects lists URLs and options."),
        })
    }
}

impl Remote {
    fn parse(
        kind: &'static str,
        rest: &str,
        wrong: &dyn Fn(&str) -> ConfigError,
        options: &Value,
        service: impl FnOnce(&mut Options<'_>, bool, &str) -> Result<Service, ConfigError>,
    ) -> Result<Location, ConfigError> {
        let mut options = Options::new("a store", kind, options)?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let prefix = prefix.trim_end_matches('/');
        let of_bucket =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.' | b'_');
        if !(3..=63).contains(&bucket.len()) || !bucket.bytes().all(of_bucket) || bucket.contains("..") {
            return Err(wrong("has no name of a bucket: 3 to 63 of a-z, 0-9, «-», «_» and «.»"));
        }
        let strange = |part: &str| matches!(part, "" | "." | "..");
        if prefix.len() > 512
            || prefix.chars().any(char::is_control)
            || !prefix.is_empty() && prefix.split('/').any(strange)
        {
            return Err(wrong(
                "has a prefix with an empty part, «.», «..» or a control character, or a long one",
            ));
        }
        let endpoint = options.text("endpoint")?.map(|text| endpoint(kind, text)).transpose()?;
        let service = service(&mut options, endpoint.is_some(), bucket)?;
        let secure = endpoint.as_ref().is_none_or(|url| url.scheme == "https");
        let credentials_file = options.text("credentials_file")?.map(PathBuf::from).ok_or_else(|| {
            ConfigError::new("the option «credentials_file» is missing")
                .hint("Secrets are not kept in options: write them into a file, and name that in «credentials_file».")
        })?;
        if !credentials_file.is_absolute() {
            return Err(options
                .wrong("credentials_file", "the absolute path of a file")
                .hint("A server process has no working directory to rely on: begin with a slash."));
        }
        let profile = match kind {
            "gs" => String::new(),
            _ => options.text("profile")?.unwrap_or("default").to_owned(),
        };
        let remote = Self {
            service,
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
            endpoint,
            credentials_file,
            profile,
            tls: TlsOptions::parse(&mut options, secure)?.unwrap_or_default(),
            connect: connect_timeout(&mut options)?,
        };
        options.finish()?;
        Ok(Location::Remote(Box::new(remote)))
    }

    /// The hosts that are connected to, in lower case.
    pub(crate) fn hosts(&self) -> Vec<String> {
        let mut hosts = Vec::new();
        let own = self.endpoint.as_ref().map(|url| url.host.to_ascii_lowercase());
        match &self.service {
            Service::S3 { region, path_style } => {
                let host = own.unwrap_or_else(|| s3_host(region));
                hosts.push(if *path_style {
                    host
                } else {
                    format!("{}.{host}", self.bucket)
                });
            }
            Service::Azure { account, application } => {
                hosts.push(own.unwrap_or_else(|| format!("{account}.blob.core.windows.net")));
                hosts.extend(application.as_ref().map(|_| "login.microsoftonline.com".to_owned()));
            }
            Service::Google => {
                hosts.push(own.unwrap_or_else(|| "storage.googleapis.com".to_owned()));
                hosts.push("oauth2.googleapis.com".to_owned());
            }
        }
        hosts
    }
}

/// S3's host in a region.
pub(crate) fn s3_host(region: &str) -> String {
    let domain = if region.starts_with("cn-") {
        "amazonaws.com.cn"
    } else {
        "amazonaws.com"
    };
    format!("s3.{region}.{domain}")
}

/// A text that becomes part of a host or a path.
fn word<'a>(options: &mut Options<'a>, name: &'static str) -> Result<Option<&'a str>, ConfigError> {
    let Some(text) = options.text(name)? else {
        return Ok(None);
    };
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if text.bytes().all(allowed) && text.len() <= 63 {
        return Ok(Some(text));
    }
    Err(options
        .wrong(name, "a word of letters, digits and «-»")
        .hint("Copy it from where the service shows it."))
}

fn endpoint(kind: &str, text: &str) -> Result<Url, ConfigError> {
    let url = Url::parse(text, SCHEMES)?;
    if url.scheme == "http" && !url.is_loopback() {
        return Err(ConfigError::new("the endpoint has no TLS")
            .hint("Take one with https://; only this machine may be asked in the clear."));
    }
    // the emulator of Azure has its account in the path
    if kind != "az" && !matches!(url.path.as_str(), "" | "/") || url.path.contains('?') {
        return Err(ConfigError::new("the option «endpoint» has a path")
            .hint("Give the scheme, the host and perhaps a port; the bucket stands in the URL."));
    }
    Ok(url)
}

#[cfg(test)]
mod tests;
