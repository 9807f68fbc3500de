//! Canonical JSON (docs/format.md §4) as JSON text, and back to the same bytes.
//!
//! The text has no white space, keeps the order of members and every digit, and escapes what would drive a
//! terminal. Both ways go without recursion and without a tree: JSON is the largest part of many events.

/// Why a text is not one that `to_text` writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the JSON cannot be read at byte {at}")]
pub struct JsonTextError {
    /// Where it stops.
    pub at: usize,
}

/// What is open around the place that is being written or read.
enum Open {
    /// An array, and where its count stands, or how many items are to come.
    Array(u32),
    /// An object, likewise.
    Object(u32),
}

/// Appends the text of canonical JSON. `None`, with a part of it appended, when the bytes are no canonical
/// JSON of UTF-8 texts, or hide a value.
pub(crate) fn to_text(bytes: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let mut rest = bytes;
    let mut open: Vec<Open> = Vec::new();
    loop {
        // one value
        let (tag, after) = rest.split_first()?;
        rest = after;
        let mut begun = false;
        match tag {
            b'n' => out.extend(b"null"),
            b't' => out.extend(b"true"),
            b'f' => out.extend(b"false"),
            b'#' => out.extend(std::str::from_utf8(counted(&mut rest)?).ok()?.as_bytes()),
            b'"' => write_string(counted(&mut rest)?, out)?,
            b'[' => {
                out.push(b'[');
                open.push(Open::Array(count(&mut rest)?));
                begun = true;
            }
            b'{' => {
                out.push(b'{');
                open.push(Open::Object(count(&mut rest)?));
                begun = true;
            }
            _ => return None,
        }
        // what comes between this value and the next
        loop {
            match open.last_mut() {
                None => return rest.is_empty().then_some(()),
                Some(Open::Array(0)) => out.push(b']'),
                Some(Open::Object(0)) => out.push(b'}'),
                Some(Open::Array(left)) => {
                    *left -= 1;
                    if !begun {
                        out.push(b',');
                    }
                    break;
                }
                Some(Open::Object(left)) => {
                    *left -= 1;
                    if !begun {
                        out.push(b',');
                    }
                    write_string(counted(&mut rest)?, out)?;
                    out.push(b':');
                    break;
                }
            }
            open.pop();
            begun = false;
        }
    }
}

fn count(rest: &mut &[u8]) -> Option<u32> {
    let (count, after) = rest.split_first_chunk::<4>()?;
    *rest = after;
    Some(u32::from_be_bytes(*count))
}

fn counted<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = count(rest)?;
    let (taken, after) = rest.split_at_checked(length as usize)?;
    *rest = after;
    Some(taken)
}

fn write_string(bytes: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let text = std::str::from_utf8(bytes).ok()?;
    out.push(b'"');
    let mut written = 0;
    for (at, character) in text.char_indices() {
        if !matches!(character, '"' | '\\') && !character.is_control() {
            continue;
        }
        out.extend(&bytes[written..at]);
        written = at + character.len_utf8();
        match character {
            '"' => out.extend(b"\\\""),
            '\\' => out.extend(b"\\\\"),
            '\n' => out.extend(b"\\n"),
            '\r' => out.extend(b"\\r"),
            '\t' => out.extend(b"\\t"),
            // control characters lie below U+00A0
            other => {
                out.extend(b"\\u00");
                out.extend([other as u32 >> 4, other as u32 & 15].map(|digit| b"0123456789abcdef"[digit as usize]));
            }
        }
    }
    out.extend(&bytes[written..]);
    out.push(b'"');
    Some(())
}

/// Appends the canonical JSON of a text that `to_text` has written.
///
/// # Errors
/// For other texts; not for all, so the result must be checked as any entry is.
pub(crate) fn from_text(text: &[u8], out: &mut Vec<u8>) -> Result<(), JsonTextError> {
    let mut reader = Reader { text, at: 0 };
    reader.value(out).ok_or(JsonTextError { at: reader.at })?;
    if reader.at == text.len() {
        Ok(())
    } else {
        Err(JsonTextError { at: reader.at })
    }
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

/// Something that has begun in the output: where its count stands, and what it is by now.
struct Begun {
    object: bool,
    place: usize,
    count: u32,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self, word: &[u8]) -> Option<()> {
        self.text[self.at..].starts_with(word).then(|| self.at += word.len())
    }

    fn value(&mut self, out: &mut Vec<u8>) -> Option<()> {
        let mut open: Vec<Begun> = Vec::new();
        loop {
            let mut begun = false;
            match self.peek()? {
                b'n' => self.word(b"null", out)?,
                b't' => self.word(b"true", out)?,
                b'f' => self.word(b"false", out)?,
                b'"' => {
                    out.push(b'"');
                    self.string(out)?;
                }
                b'-' | b'0'..=b'9' => self.number(out)?,
                bracket @ (b'[' | b'{') => {
                    self.at += 1;
                    out.push(bracket);
                    open.push(Begun {
                        object: bracket == b'{',
                        place: out.len(),
                        count: 0,
                    });
                    out.extend([0; 4]);
                    begun = true;
                }
                _ => return None,
            }
            loop {
                let Some(around) = open.last_mut() else { return Some(()) };
                let end = if around.object { b'}' } else { b']' };
                if self.peek()? == end {
                    self.at += 1;
                    out[around.place..around.place + 4].copy_from_slice(&around.count.to_be_bytes());
                    open.pop();
                    begun = false;
                    continue;
                }
                if !begun {
                    self.take(b",")?;
                }
                around.count = around.count.checked_add(1)?;
                if around.object {
                    self.string(out)?;
                    self.take(b":")?;
                }
                break;
            }
        }
    }

    fn word(&mut self, word: &[u8], out: &mut Vec<u8>) -> Option<()> {
        self.take(word)?;
        out.push(word[0]);
        Some(())
    }

    fn number(&mut self, out: &mut Vec<u8>) -> Option<()> {
        let rest = &self.text[self.at..];
        let is_number = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
        let length = rest.iter().position(|byte| !is_number(byte)).unwrap_or(rest.len());
        out.push(b'#');
        out.extend(u32::try_from(length).ok()?.to_be_bytes());
        out.extend(&rest[..length]);
        self.at += length;
        Some(())
    }

    /// A string in its quotes, with its length before it.
    fn string(&mut self, out: &mut Vec<u8>) -> Option<()> {
        self.take(b"\"")?;
        let place = out.len();
        out.extend([0; 4]);
        loop {
            let rest = &self.text[self.at..];
            let run = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
            out.extend(&rest[..run]);
            self.at += run + 1;
            if rest[run] == b'"' {
                break;
            }
            let escaped = self.peek()?;
            self.at += 1;
            match escaped {
                b'"' | b'\\' => out.push(escaped),
                b'n' => out.push(b'\n'),
                b'r' => out.push(b'\r'),
                b't' => out.push(b'\t'),
                b'u' => {
                    let digits = std::str::from_utf8(self.text.get(self.at..self.at + 4)?).ok()?;
                    let character = char::from_u32(u32::from_str_radix(digits, 16).ok()?)?;
                    out.extend(character.encode_utf8(&mut [0; 4]).as_bytes());
                    self.at += 4;
                }
                _ => return None,
            }
        }
        let length = u32::try_from(out.len() - place - 4).ok()?;
        out[place..place + 4].copy_from_slice(&length.to_be_bytes());
        Some(())
    }
}

#[cfg(test)]
mod tests;
