//! Text for formats that have no escapes for everything.

use std::borrow::Cow;

/// Ends a line or drives a terminal: C0, DEL, C1, and the line ends of Unicode.
pub(crate) fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Appends a text with U+FFFD for what is not UTF-8; characters that `special` names are handed to `instead`.
pub(crate) fn append(
    text: &[u8],
    special: impl Fn(char) -> bool,
    instead: impl Fn(char, &mut Vec<u8>),
    out: &mut Vec<u8>,
) {
    let text = String::from_utf8_lossy(text);
    let mut written = 0;
    for (at, c) in text.char_indices() {
        if special(c) {
            out.extend_from_slice(&text.as_bytes()[written..at]);
            instead(c, out);
            written = at + c.len_utf8();
        }
    }
    out.extend_from_slice(&text.as_bytes()[written..]);
}

/// Appends a text on one line: a space for each control character.
pub(crate) fn one_line(text: &[u8], out: &mut Vec<u8>) {
    append(text, is_control, |_, out| out.push(b' '), out);
}

/// The text's beginning of at most `most` bytes, with an ellipsis where something was cut.
pub(crate) fn shortened(text: &[u8], most: usize) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(text);
    if text.len() <= most {
        return text;
    }
    let end = text.floor_char_boundary(most.saturating_sub('…'.len_utf8()));
    Cow::Owned(format!("{}…", &text[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stay_one_line() {
        let mut out = Vec::new();
        one_line("a\nb\u{85}c\u{2028}d\u{1b}é".as_bytes(), &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), "a b c d é");
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(shortened("ééé".as_bytes(), 6), "ééé");
        assert_eq!(shortened("éééé".as_bytes(), 6), "é…");
        assert_eq!(shortened(b"\xff", 3), "\u{fffd}");
    }
}
