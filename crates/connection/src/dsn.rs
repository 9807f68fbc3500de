//! What a connection string says about TLS: the `postgres` crate knows neither certificates nor modes that
//! look at them. Written as libpq reads it (both forms).

use std::path::PathBuf;

use percent_encoding::percent_decode_str;

use crate::ConnectError;

/// How much the server has to prove, by `sslmode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// No TLS.
    Disable,
    /// TLS if the server has it, whoever it is.
    #[default]
    Prefer,
    /// TLS, whoever the server is.
    Require,
    /// Its certificate is signed by somebody who is believed.
    VerifyCa,
    /// And it is for the host that was asked for.
    VerifyFull,
}

/// What is said about TLS.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tls {
    /// `sslmode`.
    pub mode: Mode,
    /// `sslrootcert`: whom to believe instead of those whom the system believes.
    pub root: Option<PathBuf>,
    /// `sslcert`: our certificate.
    pub certificate: Option<PathBuf>,
    /// `sslkey`: its key.
    pub key: Option<PathBuf>,
}

/// The options as they come.
#[derive(Default)]
struct Options {
    mode: Option<Mode>,
    root: Option<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
}

impl Options {
    /// Takes one option; false when it is about something else.
    fn take(&mut self, name: &str, value: &str) -> Result<bool, ConnectError> {
        let path = || (!value.is_empty()).then(|| PathBuf::from(value));
        match name {
            "sslmode" => {
                self.mode = Some(match value {
                    "disable" => Mode::Disable,
                    "prefer" => Mode::Prefer,
                    "require" => Mode::Require,
                    "verify-ca" => Mode::VerifyCa,
                    "verify-full" => Mode::VerifyFull,
                    other => {
                        return Err(ConnectError::new(format!(
                            "sslmode «{other}» is not known: disable, prefer, require, verify-ca, verify-full"
                        )));
                    }
                });
            }
            "sslrootcert" => self.root = path(),
            "sslcert" => self.certificate = path(),
            "sslkey" => self.key = path(),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn finish(self) -> Result<Tls, ConnectError> {
        let Self {
            mode,
            root,
            certificate,
            key,
        } = self;
        if certificate.is_some() != key.is_some() {
            return Err(ConnectError::new("sslcert and sslkey need each other"));
        }
        // so many are believed by the system that only the host's name says anything
        let system = root.as_ref().is_some_and(|root| root.as_os_str() == "system");
        let mode = match mode {
            Some(Mode::VerifyFull) | None if system => Mode::VerifyFull,
            Some(_) if system => return Err(ConnectError::new("sslrootcert=system needs sslmode=verify-full")),
            other => other.unwrap_or_default(),
        };
        Ok(Tls {
            mode,
            root: root.filter(|_| !system),
            certificate,
            key,
        })
    }
}

/// Parts the options about TLS from the rest of a connection string.
pub fn split(dsn: &str) -> Result<(String, Tls), ConnectError> {
    let mut options = Options::default();
    let url = ["postgres://", "postgresql://"]
        .iter()
        .find(|prefix| dsn.starts_with(**prefix));
    let rest = match url {
        Some(prefix) => from_url(dsn, prefix.len(), &mut options)?,
        None => from_pairs(dsn, &mut options)?,
    };
    Ok((rest, options.finish()?))
}

fn from_url(dsn: &str, scheme: usize, options: &mut Options) -> Result<String, ConnectError> {
    // a password may have a question mark
    let host = dsn[scheme..].find('@').map_or(scheme, |at| scheme + at);
    let Some(question) = dsn[host..].find('?').map(|at| host + at) else {
        return Ok(dsn.to_owned());
    };
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let mut others = Vec::new();
    for pair in dsn[question + 1..].split('&') {
        let known = match pair.split_once('=') {
            Some((name, value)) => options.take(&decoded(name), &decoded(value))?,
            None => false,
        };
        if !known {
            others.push(pair);
        }
    }
    let mut rest = dsn[..question].to_owned();
    if !others.is_empty() {
        rest.push('?');
        rest.push_str(&others.join("&"));
    }
    Ok(rest)
}

fn from_pairs(dsn: &str, options: &mut Options) -> Result<String, ConnectError> {
    let mut rest = String::new();
    let mut left = dsn.trim_start();
    while !left.is_empty() {
        let Some(sign) = left.find('=') else {
            // not ours to say what is wrong with it
            rest.push_str(left);
            break;
        };
        let (value, length) = value(&left[sign + 1..]);
        let (pair, after) = left.split_at(sign + 1 + length);
        if !options.take(left[..sign].trim_end(), &value)? {
            rest.push_str(pair);
            rest.push(' ');
        }
        left = after.trim_start();
    }
    Ok(rest)
}

/// The value that `text` begins with, and how many bytes of the text it is.
fn value(text: &str) -> (String, usize) {
    let mut value = String::new();
    let start = text.len() - text.trim_start().len();
    let mut characters = text[start..].char_indices().peekable();
    let quoted = characters.next_if(|(_, character)| *character == '\'').is_some();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            '\'' if quoted => return (value, start + at + 1),
            space if !quoted && space.is_whitespace() => return (value, start + at),
            other => value.push(other),
        }
    }
    (value, text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tls(mode: Mode, root: Option<&str>) -> Tls {
        Tls {
            mode,
            root: root.map(PathBuf::from),
            ..Tls::default()
        }
    }

    #[test]
    fn tls_is_parted_from_the_rest() {
        for (dsn, rest, expected) in [
            ("host=db dbname=a", "host=db dbname=a ", Tls::default()),
            ("host=db sslmode=verify-full", "host=db ", tls(Mode::VerifyFull, None)),
            (
                " sslmode = 'require'  host = '/a b' password='x\\'= sslmode=disable' sslrootcert=/a\\ b.pem user=u",
                "host = '/a b' password='x\\'= sslmode=disable' user=u ",
                tls(Mode::Require, Some("/a b.pem")),
            ),
            (
                "sslrootcert=system sslmode=verify-full",
                "",
                tls(Mode::VerifyFull, None),
            ),
            ("sslrootcert=system", "", tls(Mode::VerifyFull, None)),
            ("host=db nonsense", "host=db nonsense", Tls::default()),
            ("postgresql://u:p@db/a", "postgresql://u:p@db/a", Tls::default()),
            (
                "postgres://u:p?sslmode=x@db/a?sslmode=verify-full&connect_timeout=3&sslrootcert=%2Fca%20of%20ours.pem",
                "postgres://u:p?sslmode=x@db/a?connect_timeout=3",
                tls(Mode::VerifyFull, Some("/ca of ours.pem")),
            ),
            (
                "postgresql:///a?sslmode=disable",
                "postgresql:///a",
                tls(Mode::Disable, None),
            ),
        ] {
            let (found, tls) = split(dsn).expect(dsn);
            assert_eq!((found.as_str(), tls), (rest, expected), "{dsn}");
        }
    }

    #[test]
    fn what_is_not_known_is_said() {
        for (dsn, why) in [
            ("sslmode=allow", "sslmode «allow»"),
            ("postgresql://db/a?sslmode=full", "sslmode «full»"),
            ("sslmode=require sslrootcert=system", "needs sslmode=verify-full"),
            ("sslcert=/a", "need each other"),
            ("sslkey=/a", "need each other"),
        ] {
            let failure = split(dsn).expect_err(dsn).to_string();
            assert!(failure.contains(why), "{failure}");
        }
    }
}
