//! Reads words, quoted texts and names at a place of the query. The language is not regular in its
//! tokens (`:` ends a free word but belongs to a value, `/` may begin a regular expression), so the
//! parser asks for what it expects instead of getting a list of tokens.

use crate::ast::{Part, Path, Scalar, Segment};
use crate::error::QueryError;
use crate::span::Span;

/// A place in the query's text.
pub(crate) struct Cursor<'a> {
    pub text: &'a str,
    pub at: usize,
}

/// Words that join conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keyword {
    And,
    Or,
    Not,
}

/// What ends an unquoted word besides white space, parentheses and quotes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Stops {
    /// Free text: `:` belongs to a field.
    pub colon: bool,
    /// Items of a list.
    pub comma: bool,
    /// `]` of a list or range.
    pub bracket: bool,
    /// `}` of a range or a nested condition.
    pub brace: bool,
}

pub(crate) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n' | '\u{a0}' | '\u{3000}')
}

fn is_name_start(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '@' | '$')
}

impl<'a> Cursor<'a> {
    pub fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub fn starts_with(&self, prefix: &str) -> bool {
        self.rest().starts_with(prefix)
    }

    /// Steps over `prefix` when it stands here.
    pub fn eat(&mut self, prefix: &str) -> bool {
        let found = self.starts_with(prefix);
        if found {
            self.at += prefix.len();
        }
        found
    }

    /// The next character, or the empty place at the end.
    pub fn here(&self) -> Span {
        Span::new(self.at, self.at + self.peek().map_or(0, char::len_utf8))
    }

    pub fn since(&self, start: usize) -> Span {
        Span::new(start, self.at)
    }

    /// White space and comments.
    pub fn skip_space(&mut self) {
        while let Some(c) = self.peek() {
            if c == '#' {
                self.at += self.rest().find('\n').unwrap_or(self.rest().len());
            } else if is_space(c) {
                self.at += c.len_utf8();
            } else {
                break;
            }
        }
    }

    /// White space behind a name: directly behind it a `#` belongs to the word and is no comment.
    pub fn skip_space_behind_name(&mut self) {
        if self.peek() != Some('#') {
            self.skip_space();
        }
    }

    /// The keyword that stands here, with its length. Words are keywords only when they stand free.
    pub fn keyword(&self) -> Option<(Keyword, usize)> {
        let rest = self.rest();
        for (word, keyword) in [("&&", Keyword::And), ("||", Keyword::Or)] {
            if rest.starts_with(word) {
                return Some((keyword, 2));
            }
        }
        [("AND", Keyword::And), ("OR", Keyword::Or), ("NOT", Keyword::Not)]
            .into_iter()
            .find(|(word, _)| self.word_is(word))
            .map(|(word, keyword)| (keyword, word.len()))
    }

    /// Does this word, in any case, stand free here?
    pub fn word_is(&self, word: &str) -> bool {
        let rest = self.rest();
        rest.get(..word.len()).is_some_and(|w| w.eq_ignore_ascii_case(word))
            && rest[word.len()..]
                .chars()
                .next()
                .is_none_or(|c| is_space(c) || matches!(c, '(' | ')' | '[' | ']' | '{' | '}'))
    }

    /// A quoted or unquoted literal.
    pub fn scalar(&mut self, stops: Stops) -> Result<Scalar, Box<QueryError>> {
        if matches!(self.peek(), Some('"' | '\'')) {
            return self.quoted_scalar();
        }
        self.bare(stops)
    }

    fn quoted_scalar(&mut self) -> Result<Scalar, Box<QueryError>> {
        let start = self.at;
        let text = self.quoted()?;
        let mut scalar = Scalar::quoted(&text, Span::default());
        if self.eat("*") {
            scalar.parts.push(Part::Many);
        }
        scalar.span = self.since(start);
        self.refuse_ranking()?;
        Ok(scalar)
    }

    /// Boost and fuzziness behind a quoted text or a parenthesis.
    pub fn refuse_ranking(&self) -> Result<(), Box<QueryError>> {
        match self.peek() {
            Some('^') => Err(self.boost(self.here())),
            Some('~') => Err(self.fuzzy(self.here())),
            _ => Ok(()),
        }
    }

    fn boost(&self, span: Span) -> Box<QueryError> {
        let hint = "A filter has no ranking: remove the boost, or write \\^ for the character.";
        QueryError::syntax(self.text, span, "boost (^) is not supported", hint)
    }

    fn fuzzy(&self, span: Span) -> Box<QueryError> {
        let hint = "Use wildcards (* and ?) or a regular expression, or write \\~ for the character.";
        QueryError::syntax(self.text, span, "fuzzy and proximity search (~) is not supported", hint)
    }

    /// A text in quotes, escapes resolved.
    pub fn quoted(&mut self) -> Result<String, Box<QueryError>> {
        let mut out = String::new();
        self.quoted_with(|cursor, out| cursor.escape(out), &mut out)?;
        Ok(out)
    }

    /// A text in quotes whose backslashes stay (but not the one before the quote): a regular expression.
    pub fn quoted_raw(&mut self) -> Result<String, Box<QueryError>> {
        let quote = self.peek();
        let mut out = String::new();
        self.quoted_with(
            |cursor, out| {
                let next = cursor.rest()[1..].chars().next();
                if next != quote {
                    out.push('\\');
                }
                out.extend(next);
                cursor.at += 1 + next.map_or(0, char::len_utf8);
                Ok(())
            },
            &mut out,
        )?;
        Ok(out)
    }

    fn quoted_with(
        &mut self,
        escape: impl Fn(&mut Self, &mut String) -> Result<(), Box<QueryError>>,
        out: &mut String,
    ) -> Result<(), Box<QueryError>> {
        let start = self.at;
        let quote = self.peek();
        self.at += 1;
        while let Some(c) = self.peek() {
            if Some(c) == quote {
                self.at += 1;
                return Ok(());
            }
            if c == '\\' && self.rest().len() > 1 {
                escape(self, out)?;
            } else {
                out.push(c);
                self.at += c.len_utf8();
            }
        }
        let hint = "Close the quoted text; a quote inside is written \\\", a backslash at its end \\\\.";
        let span = Span::new(start, start + 1);
        Err(QueryError::syntax(self.text, span, "quoted text is not closed", hint))
    }

    /// A backslash and what it escapes: `\u0041`, a kept `\n` of `C:\new`, or the character itself.
    fn escape(&mut self, out: &mut String) -> Result<(), Box<QueryError>> {
        let start = self.at;
        self.at += 1;
        let Some(c) = self.peek() else {
            let hint = "Write \\\\ for a backslash.";
            let span = self.since(start);
            return Err(QueryError::syntax(
                self.text,
                span,
                "backslash at the end of the query",
                hint,
            ));
        };
        if c == 'u'
            && let Some(unit) = self.hex_unit(1)
        {
            self.at += 5;
            let low = self.starts_with("\\u").then(|| self.hex_unit(2)).flatten();
            let decoded = match (char::from_u32(unit), low) {
                (Some(c), _) => Some(c),
                (None, Some(low)) => {
                    self.at += 6;
                    char::decode_utf16([unit as u16, low as u16])
                        .next()
                        .and_then(Result::ok)
                }
                (None, None) => None,
            };
            let Some(c) = decoded.filter(|c| *c != '\0') else {
                let hint = "An event holds neither U+0000 nor half of a surrogate pair.";
                let span = self.since(start);
                return Err(QueryError::value(self.text, span, "escape is not a character", hint));
            };
            out.push(c);
            return Ok(());
        }
        if c.is_alphanumeric() {
            out.push('\\');
        }
        out.push(c);
        self.at += c.len_utf8();
        Ok(())
    }

    fn hex_unit(&self, skip: usize) -> Option<u32> {
        let digits = self.rest().get(skip..skip + 4)?;
        // from_str_radix would take a sign
        digits
            .bytes()
            .all(|b| b.is_ascii_hexdigit())
            .then(|| u32::from_str_radix(digits, 16).ok())?
    }

    fn bare(&mut self, stops: Stops) -> Result<Scalar, Box<QueryError>> {
        let start = self.at;
        let mut parts: Vec<Part> = Vec::new();
        let mut text = String::new();
        let mut open: Vec<(char, usize)> = Vec::new();
        // a trailing ~2 or ^2 counts only behind the last escaped character
        let mut plain_from = start;
        while let Some(c) = self.peek() {
            if is_space(c) || matches!(c, '(' | ')' | '"') {
                break;
            }
            if open.is_empty() {
                let stop = match c {
                    ':' => stops.colon,
                    ',' => stops.comma,
                    ']' => stops.bracket,
                    '}' => stops.brace,
                    _ => false,
                };
                if stop {
                    break;
                }
            }
            match c {
                '\\' => {
                    self.escape(&mut text)?;
                    plain_from = self.at;
                    continue;
                }
                '*' | '?' => {
                    if !text.is_empty() {
                        parts.push(Part::Text(std::mem::take(&mut text)));
                    }
                    let part = if c == '*' { Part::Many } else { Part::One };
                    if part == Part::One || parts.last() != Some(&Part::Many) {
                        parts.push(part);
                    }
                    self.at += 1;
                    continue;
                }
                '[' | '{' => open.push((c, self.at)),
                ']' | '}' => match open.pop() {
                    Some((bracket, _)) if (bracket == '[') == (c == ']') => {}
                    _ => return Err(self.unbalanced(c, self.at)),
                },
                _ => {}
            }
            text.push(c);
            self.at += c.len_utf8();
        }
        if let Some((bracket, at)) = open.pop() {
            return Err(self.unbalanced(bracket, at));
        }
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        self.refuse_ranking_suffix(plain_from)?;
        if self.peek() == Some('(') && self.at > start {
            let hint = "There are no functions: put a space before the parenthesis, or quote the text.";
            let message = "an opening parenthesis cannot follow a word directly";
            return Err(QueryError::syntax(self.text, self.here(), message, hint));
        }
        Ok(Scalar {
            span: self.since(start),
            parts,
            quoted: false,
        })
    }

    fn unbalanced(&self, bracket: char, at: usize) -> Box<QueryError> {
        let hint = "Quote the text, or write a backslash before the bracket.";
        let span = Span::new(at, at + 1);
        QueryError::syntax(self.text, span, format!("unbalanced {bracket} in a word"), hint)
    }

    fn refuse_ranking_suffix(&self, from: usize) -> Result<(), Box<QueryError>> {
        let word = &self.text[from..self.at];
        let stem = word.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
        let span = Span::new((from + stem.len()).saturating_sub(1), self.at);
        match stem.chars().next_back() {
            Some('^') => Err(self.boost(span)),
            Some('~') => Err(self.fuzzy(span)),
            _ => Ok(()),
        }
    }

    /// A field's name, or nothing and no step when none stands here.
    pub fn path(&mut self) -> Result<Option<Path>, Box<QueryError>> {
        let start = self.at;
        let mut segments = Vec::new();
        loop {
            match self.segment() {
                Ok(Some(segment)) => segments.push(segment),
                Err(error) if segments.is_empty() => return Err(error),
                // a.'b may still be a word
                _ => {
                    self.at = start;
                    return Ok(None);
                }
            }
            if !self.eat(".") {
                let span = self.since(start);
                return Ok(Some(Path { span, segments }));
            }
        }
    }

    fn segment(&mut self) -> Result<Option<Segment>, Box<QueryError>> {
        if matches!(self.peek(), Some('"' | '\'')) {
            let name = self.quoted()?;
            return Ok(Some(Segment { name, quoted: true }));
        }
        let mut name = String::new();
        while let Some(c) = self.peek() {
            if c == '\\' {
                self.escape(&mut name)?;
            } else if is_name_start(c) || (!name.is_empty() && matches!(c, '-' | '/')) {
                name.push(c);
                self.at += c.len_utf8();
            } else {
                break;
            }
        }
        Ok((!name.is_empty()).then_some(Segment { name, quoted: false }))
    }
}
