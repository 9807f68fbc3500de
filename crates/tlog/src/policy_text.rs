//! The text of a policy.

use std::collections::BTreeSet;
use std::fmt;

use crate::note::{KeyError, KeyKind, VerifierKey};
use crate::policy::{LogLine, Named, Policy, Voter, WitnessLine};
use crate::text::quoted;

/// What is wrong with the text of a policy, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct PolicyError {
    /// The line, from 1; for what is missing, the last.
    pub line: usize,
    /// What is wrong.
    pub problem: PolicyProblem,
}

/// What is wrong with a line of a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyProblem {
    /// A control character other than the tab.
    #[error("the control character {0:#04x} is not allowed{hint}", hint = if *.0 == b'\r' { " (the file has the line ends of Windows)" } else { "" })]
    Control(u8),
    /// The first word is none of the four.
    #[error("a line begins with «log», «witness», «group» or «quorum», not {0}")]
    Keyword(String),
    /// A word is missing or there is one too many.
    #[error("the form of the line is «{0}»")]
    Form(&'static str),
    /// The key is none.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The key is of the other type.
    #[error("the key of a {0} must be of the type {1:#04x}")]
    Kind(&'static str, u8),
    /// The same key twice.
    #[error("an earlier line has the same key")]
    DuplicateKey,
    /// The name has been defined, or is `none`.
    #[error("the name {0} is taken")]
    Taken(String),
    /// The name is not defined before.
    #[error("no earlier line defines {0}")]
    Undefined(String),
    /// Already in a group, this or another.
    #[error("{0} is already the member of a group")]
    Member(String),
    /// The threshold is no number from 1 to the number of members.
    #[error("{0} is no threshold: it must be «any», «all» or a number from 1 to that of the members")]
    Threshold(String),
    /// A second quorum line.
    #[error("the policy has a quorum already")]
    SecondQuorum,
    /// No quorum line.
    #[error("the policy has no quorum")]
    NoQuorum,
}

impl Policy {
    /// Reads the text of a policy.
    ///
    /// # Errors
    /// When a line is wrong or there is not exactly one quorum; says which line.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let mut reader = Reader::default();
        let mut last = 0;
        for (line, text) in (1..).zip(text.split_terminator('\n')) {
            reader.line(text).map_err(|problem| PolicyError { line, problem })?;
            last = line;
        }
        let quorum = reader.quorum.ok_or(PolicyError {
            line: last,
            problem: PolicyProblem::NoQuorum,
        })?;
        Ok(Self {
            logs: reader.logs,
            names: reader.names,
            quorum,
        })
    }
}

/// What has been read.
#[derive(Default)]
struct Reader {
    logs: Vec<LogLine>,
    names: Vec<Named>,
    members: BTreeSet<usize>,
    /// The outer `None`: not yet.
    quorum: Option<Option<usize>>,
}

impl Reader {
    fn line(&mut self, text: &str) -> Result<(), PolicyProblem> {
        let control = |byte: &u8| (*byte < 0x20 && *byte != b'\t') || *byte == 0x7f;
        if let Some(byte) = text.bytes().find(control) {
            return Err(PolicyProblem::Control(byte));
        }
        let words: Vec<&str> = text.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
        match words.as_slice() {
            [] => Ok(()),
            [first, ..] if first.starts_with('#') => Ok(()),
            ["log", words @ ..] => self.log(words),
            ["witness", words @ ..] => self.witness(words),
            ["group", words @ ..] => self.group(words),
            ["quorum", words @ ..] => self.set_quorum(words),
            [other, ..] => Err(PolicyProblem::Keyword(quoted(other))),
        }
    }

    fn log(&mut self, words: &[&str]) -> Result<(), PolicyProblem> {
        let (key, url) = match *words {
            [key] => (key, None),
            [key, url] => (key, Some(url.to_owned())),
            _ => return Err(PolicyProblem::Form("log <vkey> [<url>]")),
        };
        let key = parse_key(key, "log", KeyKind::Ed25519)?;
        if self.logs.iter().any(|log| log.key.public() == key.public()) {
            return Err(PolicyProblem::DuplicateKey);
        }
        self.logs.push(LogLine { key, url });
        Ok(())
    }

    fn witness(&mut self, words: &[&str]) -> Result<(), PolicyProblem> {
        let (name, key, url) = match *words {
            [name, key] => (name, key, None),
            [name, key, url] => (name, key, Some(url.to_owned())),
            _ => return Err(PolicyProblem::Form("witness <name> <vkey> [<url>]")),
        };
        let key = parse_key(key, "witness", KeyKind::CosignatureV1)?;
        let same = |named: &Named| matches!(&named.what, Voter::Witness(other) if other.key.public() == key.public());
        if self.names.iter().any(same) {
            return Err(PolicyProblem::DuplicateKey);
        }
        self.define(name, Voter::Witness(Box::new(WitnessLine { key, url })))
    }

    fn group(&mut self, words: &[&str]) -> Result<(), PolicyProblem> {
        let [name, threshold, members @ ..] = words else {
            return Err(PolicyProblem::Form("group <name> <threshold> <name>..."));
        };
        if members.is_empty() {
            return Err(PolicyProblem::Form("group <name> <threshold> <name>..."));
        }
        let number = || {
            threshold
                .bytes()
                .all(|byte| byte.is_ascii_digit())
                .then(|| threshold.parse().ok())
        };
        let threshold = match *threshold {
            "any" => 1,
            "all" => members.len(),
            text => number()
                .flatten()
                .filter(|k| (1..=members.len()).contains(k))
                .ok_or_else(|| PolicyProblem::Threshold(quoted(text)))?,
        };
        let mut places = Vec::with_capacity(members.len());
        for member in members {
            let place = self.find(member)?;
            if !self.members.insert(place) {
                return Err(PolicyProblem::Member(quoted(member)));
            }
            places.push(place);
        }
        self.define(
            name,
            Voter::Group {
                threshold,
                members: places,
            },
        )
    }

    fn set_quorum(&mut self, words: &[&str]) -> Result<(), PolicyProblem> {
        let [name] = words else {
            return Err(PolicyProblem::Form("quorum <name>"));
        };
        if self.quorum.is_some() {
            return Err(PolicyProblem::SecondQuorum);
        }
        self.quorum = Some(match *name {
            "none" => None,
            name => Some(self.find(name)?),
        });
        Ok(())
    }

    fn find(&self, name: &str) -> Result<usize, PolicyProblem> {
        self.names
            .iter()
            .position(|named| named.name == name)
            .ok_or_else(|| PolicyProblem::Undefined(quoted(name)))
    }

    fn define(&mut self, name: &str, what: Voter) -> Result<(), PolicyProblem> {
        if name == "none" || self.find(name).is_ok() {
            return Err(PolicyProblem::Taken(quoted(name)));
        }
        self.names.push(Named {
            name: name.to_owned(),
            what,
        });
        Ok(())
    }
}

fn parse_key(text: &str, whose: &'static str, kind: KeyKind) -> Result<VerifierKey, PolicyProblem> {
    let key = VerifierKey::parse(text)?;
    if key.kind() != kind {
        return Err(PolicyProblem::Kind(whose, kind.byte()));
    }
    Ok(key)
}

/// The text of the policy, without the comments it may have been read from.
impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let with_url = |f: &mut fmt::Formatter<'_>, url: &Option<String>| match url {
            Some(url) => writeln!(f, " {url}"),
            None => writeln!(f),
        };
        for log in &self.logs {
            write!(f, "log {}", log.key)?;
            with_url(f, &log.url)?;
        }
        for Named { name, what } in &self.names {
            match what {
                Voter::Witness(witness) => {
                    write!(f, "witness {name} {}", witness.key)?;
                    with_url(f, &witness.url)?;
                }
                Voter::Group { threshold, members } => {
                    write!(f, "group {name} {threshold}")?;
                    for member in members {
                        write!(f, " {}", self.names[*member].name)?;
                    }
                    writeln!(f)?;
                }
            }
        }
        let quorum = self.quorum.map_or("none", |quorum| self.names[quorum].name.as_str());
        writeln!(f, "quorum {quorum}")
    }
}
