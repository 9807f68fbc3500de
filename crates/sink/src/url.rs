//! URLs, as far as sinks need them: a host, a port, a path and a query.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use crate::error::ConfigError;

/// A URL without user, password and fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    /// In lower case.
    pub scheme: &'static str,
    /// A name or an address, without brackets.
    pub host: String,
    /// The port, given or the scheme's.
    pub port: u16,
    default_port: u16,
    /// Empty, or from the first slash to the end, with the query.
    pub path: String,
}

/// A scheme and its port; without one a URL must have it.
pub type Scheme = (&'static str, Option<u16>);

impl Url {
    /// Reads a URL with one of `schemes`.
    ///
    /// # Errors
    /// When it is none, has a user, password or fragment, or something in it must be percent-encoded. The
    /// message repeats the URL.
    pub fn parse(text: &str, schemes: &[Scheme]) -> Result<Self, ConfigError> {
        let wrong = |what: &str| ConfigError::new(format!("the URL «{}» {what}", text.escape_debug()));
        let names: Vec<_> = schemes.iter().map(|(name, _)| format!("{name}://")).collect();
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| wrong("has no scheme").hint(format!("It begins with {}.", names.join(" or "))))?;
        let (scheme, default_port) = *schemes
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(scheme))
            .ok_or_else(|| wrong("has another scheme").hint(format!("It begins with {}.", names.join(" or "))))?;
        let split = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(split);
        if authority.contains('@') {
            // Not quoted: what stands before the @ may be a password.
            return Err(ConfigError::new("the URL has a user name or password")
                .hint("Secrets are not kept in the configuration; name a file that has them in the options."));
        }
        let (host, port) = authority_parts(authority).map_err(wrong)?;
        let port = port
            .or(default_port)
            .ok_or_else(|| wrong("has no port").hint(format!("Write {scheme}://host:port.")))?;
        if path.starts_with(['?', '#']) {
            return Err(wrong("has no slash after the host"));
        }
        check_path(path).map_err(wrong)?;
        Ok(Self {
            scheme,
            host,
            port,
            default_port: default_port.unwrap_or(0),
            path: path.to_owned(),
        })
    }

    /// The same place under another path, which must be encoded.
    pub(crate) fn with_path(&self, path: String) -> Self {
        Self { path, ..self.clone() }
    }

    /// The host and, if it isn't the scheme's, the port, as in the Host header.
    pub fn authority(&self) -> String {
        let host = match self.host.parse::<Ipv6Addr>() {
            Ok(address) => format!("[{address}]"),
            Err(_) => self.host.clone(),
        };
        if self.port == self.default_port {
            host
        } else {
            format!("{host}:{}", self.port)
        }
    }

    /// Whether the host is this machine by its name or address.
    pub fn is_loopback(&self) -> bool {
        self.host.eq_ignore_ascii_case("localhost")
            || self.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

/// Without the query, which may hold what not everybody should see.
impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.split('?').next().unwrap_or_default();
        write!(f, "{}://{}{path}", self.scheme, self.authority())
    }
}

fn authority_parts(authority: &str) -> Result<(String, Option<u16>), &'static str> {
    let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').ok_or("has a bracket without its other")?;
        host.parse::<Ipv6Addr>()
            .map_err(|_| "has no IPv6 address in its brackets")?;
        match rest.strip_prefix(':') {
            _ if rest.is_empty() => (host, None),
            Some(port) => (host, Some(port)),
            None => return Err("has something else than a port after its host"),
        }
    } else {
        match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        }
    };
    let bracketed = authority.starts_with('[');
    let of_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    if host.is_empty() {
        return Err("has no host");
    }
    if host.len() > 253 || !bracketed && !host.bytes().all(of_name) {
        return Err("has a host that is neither a name in ASCII nor an address");
    }
    let port = match port {
        None => None,
        Some(port) => Some(
            port.parse::<u16>()
                .ok()
                .filter(|number| *number != 0 && port.bytes().all(|byte| byte.is_ascii_digit()))
                .ok_or("has a port that is no number from 1 to 65535")?,
        ),
    };
    Ok((host.to_owned(), port))
}

/// Refuses what would have to be encoded, and what can't be.
fn check_path(path: &str) -> Result<(), &'static str> {
    if path.contains('#') {
        return Err("has a fragment, which is never sent");
    }
    let allowed = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte);
    if !path.bytes().all(allowed) {
        return Err("has a character that must be percent-encoded");
    }
    let encoded = |rest: &str| {
        rest.as_bytes()
            .first_chunk::<2>()
            .is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit))
    };
    if !path.split('%').skip(1).all(encoded) {
        return Err("has a «%» without two hexadecimal digits");
    }
    Ok(())
}

/// `text` with everything but letters, digits and `-._~` percent-encoded (RFC 3986's unreserved
/// characters), but for slashes.
pub fn encode_path(text: &str) -> String {
    encode(text, |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'/')
    })
}

/// The same, with slashes encoded too.
pub fn encode_unreserved(text: &str) -> String {
    encode_path(text).replace('/', "%2F")
}

/// `text` as the value of a header: everything but printable ASCII, and `%`, percent-encoded.
pub(crate) fn encode_header(text: &str) -> String {
    encode(text, |byte| byte.is_ascii_graphic() && byte != b'%')
}

fn encode(text: &str, keep: impl Fn(u8) -> bool) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if keep(byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}
