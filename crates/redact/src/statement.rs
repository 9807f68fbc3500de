//! Secrets in the text of SQL statements.

use crate::lex::{Form, Kind, Token, tokens};
use crate::text;
use crate::words::{is_secret, is_secret_function, mentions_secret};
use crate::{REDACTED, Strings, literal};

/// Strings within strings that are still looked into.
const MAX_DEPTH: u32 = 6;

/// Words that end the value of the name before them.
const ENDS: [&str; 7] = ["and", "from", "is", "or", "returning", "valid", "where"];

/// Begins of a program's statements: a string that has one of these is source, not a connection string.
const PROGRAM: [&str; 14] = [
    "alter", "begin", "create", "declare", "def", "delete", "execute", "import", "insert", "perform", "raise",
    "return", "select", "update",
];

/// A value that follows its name.
struct Armed {
    /// Parentheses around the name.
    depth: i32,
    /// Has a sign that assigns just been passed?
    assigned: bool,
}

struct Walk {
    strings: Strings,
    level: u32,
    out: String,
    /// Open parentheses.
    depth: i32,
    armed: Option<Armed>,
    /// All strings up to the end of the statement are hidden.
    all: bool,
    /// The strings up to this depth's end are hidden: arguments of a function.
    arguments: Option<i32>,
    /// First words of the statement, in lower case.
    words: Vec<String>,
    inserts: bool,
    user_option: bool,
    names_what_follows: bool,
}

/// The text of SQL statements without its secrets.
pub fn redact(sql: &str, strings: Strings, level: u32) -> text::Redaction {
    let mut walk = Walk {
        strings,
        level,
        out: String::with_capacity(sql.len()),
        depth: 0,
        armed: None,
        all: false,
        arguments: None,
        words: Vec::new(),
        inserts: false,
        user_option: false,
        names_what_follows: false,
    };
    let list = tokens(sql, strings);
    for (i, token) in list.iter().enumerate() {
        walk.step(token, &list[i + 1..]);
    }
    text::Redaction {
        text: walk.out,
        names_what_follows: walk.names_what_follows,
    }
}

impl Walk {
    fn step(&mut self, token: &Token<'_>, rest: &[Token<'_>]) {
        match token.kind {
            Kind::Space => self.out.push_str(token.text),
            Kind::Comment => self.comment(token),
            Kind::Word | Kind::QuotedName => self.word(token, rest),
            Kind::Literal(form) => self.literal(token, form),
            Kind::Number => {
                let secret = self.armed.as_ref().is_some_and(|a| a.assigned) && !token.text.starts_with('$');
                self.put(token, secret);
            }
            Kind::Other(c) => self.other(token, c),
        }
    }

    fn put(&mut self, token: &Token<'_>, secret: bool) {
        self.out.push_str(if secret { REDACTED } else { token.text });
    }

    fn comment(&mut self, token: &Token<'_>) {
        // A statement that is commented out has its password, too.
        if !mentions_secret(token.text) && !token.text.contains("://") {
            self.out.push_str(token.text);
        } else if self.level > 0 && token.text[2..].starts_with(|c: char| c.is_ascii_alphabetic()) {
            // More likely an option of a command line.
            let rest = self.inside(&token.text[2..], Form::Plain);
            self.out.push_str(&token.text[..2]);
            self.out.push_str(&rest.text);
        } else if token.text.starts_with("--") {
            self.out.push_str("-- ");
            self.out.push_str(REDACTED);
        } else {
            self.out.push_str("/* ");
            self.out.push_str(REDACTED);
            self.out.push_str(" */");
        }
    }

    /// Names of which `what` (a CREATE, an ALTER) speaks.
    fn is_about(&self, what: &[&str]) -> bool {
        matches!(self.words.first().map(String::as_str), Some("create" | "alter"))
            && self
                .words
                .get(1..)
                .is_some_and(|words| words.starts_with(&what.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>()))
    }

    fn word(&mut self, token: &Token<'_>, rest: &[Token<'_>]) {
        let decoded;
        let name: &str = if token.kind == Kind::QuotedName {
            decoded = literal::decode(token);
            &decoded
        } else {
            token.text
        };
        if self.words.len() < 3 && token.kind == Kind::Word {
            self.words.push(name.to_ascii_lowercase());
        }
        self.inserts |= name.eq_ignore_ascii_case("insert") || name.eq_ignore_ascii_case("set");
        // SET app.password = name, without quotes.
        if self.armed.as_ref().is_some_and(|a| a.assigned)
            && matches!(self.words.first().map(String::as_str), Some("set" | "alter"))
            && !["default", "null", "on", "off"]
                .iter()
                .any(|w| name.eq_ignore_ascii_case(w))
        {
            return self.put(token, true);
        }
        self.user_option = ["user", "username", "uid"].iter().any(|w| name.eq_ignore_ascii_case(w));
        if self.is_about(&["user", "mapping"]) && name.eq_ignore_ascii_case("options") {
            self.all = true;
        }
        let mut following = rest.iter().filter(|t| !matches!(t.kind, Kind::Space | Kind::Comment));
        let next = following.next().map(|t| t.kind);
        if let Some(armed) = &mut self.armed {
            if name.eq_ignore_ascii_case("to") {
                armed.assigned = true;
            } else if ENDS.iter().any(|w| name.eq_ignore_ascii_case(w)) && self.depth <= armed.depth {
                self.armed = None;
            } else {
                armed.assigned = false;
            }
        }
        if is_secret(name) {
            // One of a list of columns: its value comes in another list, or by position.
            let listed = self.depth > 0 && matches!(next, Some(Kind::Other(',' | ')')));
            if listed && self.inserts {
                self.all = true;
            } else {
                self.armed = Some(Armed {
                    depth: self.depth,
                    assigned: false,
                });
            }
        } else if is_secret_function(name) && next == Some(Kind::Other('(')) && self.arguments.is_none() {
            self.arguments = Some(self.depth);
        }
        let hides = token.open && mentions_secret(token.text);
        self.put(token, hides);
    }

    fn other(&mut self, token: &Token<'_>, c: char) {
        self.out.push_str(token.text);
        match c {
            '(' => self.depth += 1,
            ')' => {
                self.depth -= 1;
                if self.arguments.is_some_and(|depth| self.depth <= depth) {
                    self.arguments = None;
                }
                if self.armed.as_ref().is_some_and(|a| self.depth < a.depth) {
                    self.armed = None;
                }
            }
            ',' if self.armed.as_ref().is_some_and(|a| self.depth <= a.depth) => self.armed = None,
            ';' => {
                (self.armed, self.arguments, self.all, self.inserts) = (None, None, false, false);
                self.depth = 0;
                self.words.clear();
            }
            _ => {}
        }
        if let Some(armed) = &mut self.armed {
            armed.assigned = matches!(c, '=' | '>' | ':') || (armed.assigned && c == '(');
        }
    }

    fn literal(&mut self, token: &Token<'_>, form: Form) {
        let hidden = self.armed.is_some() || self.arguments.is_some() || self.all && !self.user_option;
        self.user_option = false;
        let value = literal::decode(token);
        if hidden || (token.open && mentions_secret(&value)) {
            self.out.push('\'');
            self.out.push_str(REDACTED);
            self.out.push('\'');
            return;
        }
        if !mentions_secret(&value) && !value.contains("://") {
            return self.out.push_str(token.text);
        }
        let inner = self.inside(&value, form);
        if inner.names_what_follows {
            self.all = true;
            self.names_what_follows = true;
        }
        if inner.text == value {
            self.out.push_str(token.text);
        } else {
            self.out.push_str(&literal::encode(token, &inner.text));
        }
    }

    /// A string's value without secrets: it may be a connection string, or SQL.
    fn inside(&self, value: &str, form: Form) -> text::Redaction {
        if self.level >= MAX_DEPTH {
            return text::Redaction {
                text: REDACTED.to_owned(),
                names_what_follows: true,
            };
        }
        let program = form == Form::Dollar && is_program(value, self.strings);
        let kind = if program {
            text::Kind::Program
        } else {
            text::Kind::Plain
        };
        let as_text = text::redact(value, kind);
        let as_sql = redact(value, self.strings, self.level + 1);
        let names_what_follows = !program && (as_text.names_what_follows || as_sql.names_what_follows);
        let text = if as_sql.text == value {
            as_text.text
        } else if as_text.text == value {
            as_sql.text
        } else {
            // Each may have cut through what the other one would have found.
            let first = redact(&as_text.text, self.strings, self.level + 1).text;
            let second = text::redact(&as_sql.text, kind).text;
            if first == second { first } else { REDACTED.to_owned() }
        };
        text::Redaction {
            text,
            names_what_follows,
        }
    }
}

/// Is it the source of a program, not a list of `name=value`?
fn is_program(value: &str, strings: Strings) -> bool {
    let list = tokens(value, strings);
    let mut significant = list.iter().filter(|t| !matches!(t.kind, Kind::Space | Kind::Comment));
    let assigns = matches!(significant.next().map(|t| t.kind), Some(Kind::Word))
        && matches!(significant.next().map(|t| t.kind), Some(Kind::Other('=')));
    !assigns
        && list
            .iter()
            .any(|t| t.kind == Kind::Word && PROGRAM.iter().any(|w| t.text.eq_ignore_ascii_case(w)))
}
