//! PostgreSQL's lexical structure, as far as it decides where strings, names and comments begin and end.

use crate::Strings;

/// What a piece of the text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// White space.
    Space,
    /// `-- …` or `/* … */`, nested.
    Comment,
    /// A keyword or an unquoted name.
    Word,
    /// `"…"` or `U&"…"`.
    QuotedName,
    /// A string constant in one of its forms.
    Literal(Form),
    /// A number or a parameter such as `$1`.
    Number,
    /// Anything else, one character each.
    Other(char),
}

/// The forms of a string constant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `'…'`, `N'…'`, `B'…'`, `X'…'`.
    Plain,
    /// `E'…'`, and `'…'` where backslashes escape.
    Escape,
    /// `U&'…'`.
    Unicode,
    /// `$tag$…$tag$`.
    Dollar,
}

/// A piece of the text.
#[derive(Debug, Clone, Copy)]
pub struct Token<'a> {
    /// What it is.
    pub kind: Kind,
    /// How it is written.
    pub text: &'a str,
    /// A string, quoted name or comment whose end is missing.
    pub open: bool,
}

/// Cuts a text into pieces; together they are the whole text.
pub fn tokens(text: &str, strings: Strings) -> Vec<Token<'_>> {
    let mut lexer = Lexer { text, at: 0, strings };
    std::iter::from_fn(|| lexer.next()).collect()
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    strings: Strings,
}

fn is_space(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

fn begins_name(b: u8) -> bool {
    b.is_ascii_alphabetic() || b == b'_' || b >= 0x80
}

fn continues_name(b: u8) -> bool {
    begins_name(b) || b.is_ascii_digit() || b == b'$'
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a [u8] {
        &self.text.as_bytes()[self.at..]
    }

    fn next(&mut self) -> Option<Token<'a>> {
        let rest = self.rest();
        let first = *rest.first()?;
        let starts = |prefix: &[u8]| rest.len() >= prefix.len() && rest[..prefix.len()].eq_ignore_ascii_case(prefix);
        let plain = match self.strings {
            Strings::Standard => Form::Plain,
            Strings::Backslash => Form::Escape,
        };
        let (kind, (end, open)) = if is_space(first) {
            (Kind::Space, (self.run(is_space), false))
        } else if starts(b"--") {
            (Kind::Comment, self.line_comment())
        } else if starts(b"/*") {
            (Kind::Comment, self.block_comment())
        } else if first == b'\'' {
            (Kind::Literal(plain), self.string(1, plain))
        } else if starts(b"e'") {
            (Kind::Literal(Form::Escape), self.string(2, Form::Escape))
        } else if starts(b"n'") {
            (Kind::Literal(plain), self.string(2, plain))
        } else if starts(b"b'") || starts(b"x'") {
            (Kind::Literal(Form::Plain), self.string(2, Form::Plain))
        } else if starts(b"u&'") {
            (Kind::Literal(Form::Unicode), self.string(3, Form::Unicode))
        } else if starts(b"u&\"") {
            (Kind::QuotedName, self.quoted_name(3))
        } else if first == b'"' {
            (Kind::QuotedName, self.quoted_name(1))
        } else if let Some(tag) = self.dollar_tag() {
            (Kind::Literal(Form::Dollar), self.dollar(tag))
        } else if begins_name(first) {
            (Kind::Word, (self.run(continues_name), false))
        } else if first.is_ascii_digit() || (first == b'$' && rest.get(1).is_some_and(u8::is_ascii_digit)) {
            // Letters after a number begin the next token: «1e'…'» is a number and a string.
            let digits = |b: u8| b.is_ascii_digit() || b == b'.' || b == b'_';
            let end = 1 + rest[1..].iter().position(|b| !digits(*b)).unwrap_or(rest.len() - 1);
            (Kind::Number, (self.at + end, false))
        } else {
            let c = self.text[self.at..].chars().next()?;
            (Kind::Other(c), (self.at + c.len_utf8(), false))
        };
        let text = &self.text[self.at..end];
        self.at = end;
        Some(Token { kind, text, open })
    }

    fn run(&self, belongs: impl Fn(u8) -> bool) -> usize {
        let rest = self.rest();
        self.at + rest.iter().position(|b| !belongs(*b)).unwrap_or(rest.len())
    }

    fn line_comment(&self) -> (usize, bool) {
        let rest = self.rest();
        let end = rest.iter().position(|b| matches!(b, b'\n' | b'\r'));
        (self.at + end.unwrap_or(rest.len()), false)
    }

    fn block_comment(&self) -> (usize, bool) {
        let (rest, mut i, mut depth) = (self.rest(), 2, 1);
        while i < rest.len() {
            match &rest[i..] {
                [b'*', b'/', ..] => {
                    (i, depth) = (i + 2, depth - 1);
                    if depth == 0 {
                        return (self.at + i, false);
                    }
                }
                [b'/', b'*', ..] => (i, depth) = (i + 2, depth + 1),
                _ => i += 1,
            }
        }
        (self.text.len(), true)
    }

    /// A string from its content on, with all its continuations on further lines.
    fn string(&self, prefix: usize, form: Form) -> (usize, bool) {
        let (rest, mut i) = (self.rest(), prefix);
        while i < rest.len() {
            match rest[i] {
                b'\\' if form == Form::Escape => i += 2,
                b'\'' if rest.get(i + 1) == Some(&b'\'') => i += 2,
                b'\'' => match continuation(&rest[i + 1..]) {
                    Some(gap) => i += 1 + gap,
                    None => return (self.at + i + 1, false),
                },
                _ => i += 1,
            }
        }
        (self.text.len(), true)
    }

    fn quoted_name(&self, prefix: usize) -> (usize, bool) {
        let (rest, mut i) = (self.rest(), prefix);
        while i < rest.len() {
            match rest[i] {
                b'"' if rest.get(i + 1) == Some(&b'"') => i += 2,
                b'"' => return (self.at + i + 1, false),
                _ => i += 1,
            }
        }
        (self.text.len(), true)
    }

    /// `$$` or `$tag$` at this place.
    fn dollar_tag(&self) -> Option<&'a str> {
        let rest = self.rest();
        let end = 1 + rest.get(1..)?.iter().position(|b| *b == b'$')?;
        let tag = &rest[1..end];
        let named = |tag: &[u8]| begins_name(tag[0]) && tag.iter().all(|b| continues_name(*b));
        (rest[0] == b'$' && (tag.is_empty() || named(tag))).then(|| &self.text[self.at..=self.at + end])
    }

    fn dollar(&self, tag: &str) -> (usize, bool) {
        let from = self.at + tag.len();
        match self.text[from..].find(tag) {
            Some(length) => (from + length + tag.len(), false),
            None => (self.text.len(), true),
        }
    }
}

/// Does the string go on after white space with a new line? Returns the length up to its content.
pub fn continuation(rest: &[u8]) -> Option<usize> {
    let (mut i, mut new_line) = (0, false);
    loop {
        match rest.get(i..)? {
            [b'\'', ..] if new_line => return Some(i + 1),
            [b'-', b'-', ..] => i += rest[i..].iter().position(|b| matches!(b, b'\n' | b'\r'))?,
            [b, ..] if is_space(*b) => {
                new_line |= matches!(b, b'\n' | b'\r');
                i += 1;
            }
            _ => return None,
        }
    }
}
