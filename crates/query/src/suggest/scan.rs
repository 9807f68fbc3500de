//! Reads a query word by word up to the cursor.

use super::{Expected, OPERATORS, Place};
use crate::lex::is_space;

/// What is expected before the character with this number, from 0; behind the end it is the end.
pub fn place(query: &str, cursor: usize) -> Place {
    let chars: Vec<char> = query.chars().collect();
    let cursor = cursor.min(chars.len());
    let mut scanner = Scanner {
        chars: &chars,
        cursor,
        at: 0,
        open: Vec::new(),
    };
    scanner.place()
}

/// Brackets that are open.
enum Open {
    /// `(`
    Group,
    /// `field:(`
    Values(String),
    /// `field:[` and `field IN (`
    List(String),
    /// `field:{`
    Nested,
}

#[derive(Clone)]
enum State {
    /// A condition has to come.
    Condition,
    /// A condition is complete.
    Complete,
    /// `field:` stands before.
    Value(String),
    /// A value inside `field:( )` is complete.
    ValueComplete(String),
    Saved,
    FieldName,
    /// `*:` stands before.
    Word,
}

struct Scanner<'a> {
    chars: &'a [char],
    cursor: usize,
    at: usize,
    open: Vec<Open>,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn text(&self, from: usize, to: usize) -> String {
        self.chars.get(from..to).unwrap_or_default().iter().collect()
    }

    /// Steps over white space and comments; false when the cursor is in a comment.
    fn skip_space(&mut self) -> bool {
        while let Some(c) = self.peek() {
            if c == '#' {
                let start = self.at;
                while self.peek().is_some_and(|c| c != '\n') {
                    self.at += 1;
                }
                if (start + 1..=self.at).contains(&self.cursor) {
                    return false;
                }
            } else if is_space(c) {
                self.at += 1;
            } else {
                break;
            }
        }
        true
    }

    fn place(&mut self) -> Place {
        let mut state = State::Condition;
        loop {
            if !self.skip_space() {
                return self.answer(Expected::Nothing, self.cursor, self.cursor, self.cursor);
            }
            if self.cursor <= self.at {
                let expected = self.expected(&state);
                return self.answer(expected, self.cursor, self.cursor, self.cursor);
            }
            let next = match state {
                State::Condition | State::Complete => self.condition(&state),
                State::Value(ref field) => self.value(&state, field),
                State::ValueComplete(ref field) => self.joined_value(field),
                State::Saved | State::FieldName | State::Word => self.name(&state),
            };
            match next {
                Ok(next) => state = next,
                Err(place) => return place,
            }
        }
    }

    /// `from..to` is replaced, the prefix begins at `start`.
    fn answer(&self, expected: Expected, from: usize, start: usize, to: usize) -> Place {
        Place {
            expected,
            prefix: self.text(start, self.cursor),
            from,
            to,
        }
    }

    fn expected(&self, state: &State) -> Expected {
        let inside = self.open.iter().any(|open| matches!(open, Open::Nested));
        match state {
            State::Condition | State::Complete if inside => Expected::Nothing,
            State::Condition => Expected::Condition,
            State::Complete => Expected::OperatorOrCondition,
            State::Value(field) if !inside => Expected::Value(field.clone()),
            State::ValueComplete(_) => Expected::Operator,
            State::Saved => Expected::Saved,
            State::FieldName => Expected::FieldName,
            State::Value(_) | State::Word => Expected::Nothing,
        }
    }

    /// Closes a bracket: something is complete behind it.
    fn close(&mut self) -> State {
        self.at += 1;
        self.open.pop();
        self.complete()
    }

    /// What follows something complete.
    fn complete(&self) -> State {
        match self.open.last() {
            Some(Open::Values(field)) => State::ValueComplete(field.clone()),
            Some(Open::List(field)) => State::Value(field.clone()),
            _ => State::Complete,
        }
    }

    /// Steps over a quoted text; is it closed?
    fn quoted(&mut self) -> bool {
        let quote = self.peek();
        self.at += 1;
        while let Some(c) = self.peek() {
            self.at += 1;
            if Some(c) == quote {
                return true;
            }
            if c == '\\' && self.peek().is_some() {
                self.at += 1;
            }
        }
        false
    }

    fn condition(&mut self, state: &State) -> Result<State, Place> {
        let start = self.at;
        match self.chars[start] {
            '(' => {
                self.at += 1;
                self.open.push(Open::Group);
                return Ok(State::Condition);
            }
            ')' | ']' | '}' => return Ok(self.close()),
            '!' | '+' | '-' | '&' | '|' | ',' | '<' | '>' | '=' | ':' | '[' | '{' => {
                self.at += 1;
                return Ok(State::Condition);
            }
            _ => {}
        }
        loop {
            match self.peek() {
                Some('"' | '\'') => {
                    let closed = self.quoted();
                    if self.cursor < self.at || (self.cursor == self.at && !closed) {
                        return Err(self.answer(Expected::Nothing, self.cursor, self.cursor, self.cursor));
                    }
                }
                Some('\\') => self.at = (self.at + 2).min(self.chars.len()),
                Some(c) if is_space(c) || "()[]{}:=<>".contains(c) => break,
                Some('!') if self.chars.get(self.at + 1) == Some(&'=') => break,
                Some(_) => self.at += 1,
                None => break,
            }
        }
        let (end, name) = (self.at, self.text(start, self.at));
        let field = self.is_field(&name);
        if self.cursor <= end && self.cursor > start {
            let expected = match state {
                State::Complete if !field => self.expected(state),
                _ => self.expected(&State::Condition),
            };
            // a suggested name brings its colon along
            let to = if field && self.chars.get(end) == Some(&':') {
                end + 1
            } else {
                end
            };
            return Err(self.answer(expected, start, start, to));
        }
        if !field {
            let keyword = ["AND", "OR", "NOT"].iter().any(|word| name.eq_ignore_ascii_case(word));
            return Ok(if keyword { State::Condition } else { self.complete() });
        }
        self.skip_space();
        if self.at > end && self.cursor <= self.at && self.cursor > end {
            return Err(self.answer(Expected::Nothing, self.cursor, self.cursor, self.cursor));
        }
        if self.word_is("IN") {
            self.at += 2;
            self.skip_space();
            if matches!(self.peek(), Some('(' | '[')) {
                self.at += 1;
                self.open.push(Open::List(name.clone()));
            }
            return Ok(State::Value(name));
        }
        let operator = self.at;
        while self.peek().is_some_and(|c| ":=<>!~".contains(c)) && self.at < operator + 3 {
            self.at += 1;
        }
        Ok(match name.as_str() {
            "_saved_" => State::Saved,
            "_exists_" | "_missing_" => State::FieldName,
            "*" => State::Word,
            _ => State::Value(name),
        })
    }

    /// Is the word before this place a field's name: does an operator follow?
    fn is_field(&self, name: &str) -> bool {
        let mut at = self.at;
        while self.chars.get(at).copied().is_some_and(is_space) {
            at += 1;
        }
        let next = self.chars.get(at).copied();
        let here = Scanner {
            at,
            open: Vec::new(),
            ..*self
        };
        !name.is_empty()
            && (matches!(next, Some(':' | '=' | '<' | '>'))
                || (next == Some('!') && self.chars.get(at + 1) == Some(&'='))
                || (at > self.at && here.word_is("IN")))
    }

    /// Does this word stand free here?
    fn word_is(&self, word: &str) -> bool {
        let end = self.at + word.len();
        self.text(self.at, end).eq_ignore_ascii_case(word)
            && self.chars.get(end).is_some_and(|c| is_space(*c) || "([".contains(*c))
    }

    fn value(&mut self, state: &State, field: &str) -> Result<State, Place> {
        let start = self.at;
        let listed = matches!(self.open.last(), Some(Open::List(_)));
        match self.chars[start] {
            '<' | '>' | '=' | '~' => {
                self.at += 1;
                return Ok(state.clone());
            }
            '!' | '-' | '+' if matches!(self.open.last(), Some(Open::Values(_))) => {
                self.at += 1;
                return Ok(state.clone());
            }
            ',' if listed => {
                self.at += 1;
                return Ok(state.clone());
            }
            '(' => {
                self.at += 1;
                self.open.push(Open::Values(field.to_owned()));
                return Ok(state.clone());
            }
            '[' => {
                self.at += 1;
                self.open.push(Open::List(field.to_owned()));
                return Ok(state.clone());
            }
            '{' => {
                self.at += 1;
                self.open.push(Open::Nested);
                return Ok(State::Condition);
            }
            ')' | ']' | '}' => return Ok(self.close()),
            '"' | '\'' => {
                let closed = self.quoted();
                if self.cursor < self.at || (self.cursor == self.at && !closed) {
                    return Err(self.answer(self.expected(state), start, start + 1, self.at));
                }
            }
            _ => {
                let nested = self.open.iter().any(|open| matches!(open, Open::Nested));
                while let Some(c) = self.peek() {
                    if c == '\\' {
                        self.at += 1;
                    } else if is_space(c) || "()\"".contains(c) || (listed && ",]".contains(c)) || (nested && c == '}')
                    {
                        break;
                    }
                    self.at += 1;
                }
                self.at = self.at.clamp(start + 1, self.chars.len());
                if self.cursor <= self.at {
                    return Err(self.answer(self.expected(state), start, start, self.at));
                }
            }
        }
        Ok(self.complete())
    }

    /// Behind a value inside `field:( )`.
    fn joined_value(&mut self, field: &str) -> Result<State, Place> {
        let start = self.at;
        if matches!(self.chars[start], ')' | ']' | '}') {
            return Ok(self.close());
        }
        for word in ["AND", "OR", "NOT"] {
            if self.word_is(word) {
                let end = start + word.len();
                if self.cursor <= end {
                    return Err(self.answer(Expected::Operator, start, start, end));
                }
                self.at = end;
                return Ok(State::Value(field.to_owned()));
            }
        }
        if matches!(self.chars[start], '&' | '|') {
            self.at += 1;
            return Ok(State::ValueComplete(field.to_owned()));
        }
        // juxtaposition; what is typed last may still become an operator
        let next = self.value(&State::Value(field.to_owned()), field);
        next.map_err(|place| match place {
            Place { to, .. } if to == self.chars.len() && is_operator_begun(&place.prefix) => Place {
                expected: Expected::Operator,
                ..place
            },
            place => place,
        })
    }

    /// The one word that `_saved_:`, `_exists_:` and `*:` take.
    fn name(&mut self, state: &State) -> Result<State, Place> {
        let start = self.at;
        if matches!(self.chars[start], ')' | ']' | '}') {
            return Ok(self.close());
        }
        let quote = usize::from(matches!(self.chars[start], '"' | '\''));
        let mut closed = true;
        if quote == 1 {
            closed = self.quoted();
        } else {
            while self.peek().is_some_and(|c| !is_space(c) && !"()\"".contains(c)) {
                self.at += 1;
            }
            self.at = self.at.max(start + 1);
        }
        let inside = self.cursor < self.at || (self.cursor == self.at && (quote == 0 || !closed));
        if inside {
            return Err(self.answer(self.expected(state), start, start + quote, self.at));
        }
        Ok(self.complete())
    }
}

fn is_operator_begun(prefix: &str) -> bool {
    !prefix.is_empty()
        && OPERATORS
            .iter()
            .any(|(word, _)| word.starts_with(&prefix.to_uppercase()))
}
