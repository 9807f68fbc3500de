//! Text of a log as text that can be drawn: what is invisible, reorders its neighbours or has no glyph is written `\u{…}`.

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};

use super::fonts::{Face, Fonts};

/// What a line feed is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lines {
    /// A character like others that are not seen: escaped.
    Escape,
    /// The end of a line.
    Keep,
}

/// The text with `\u{…}` for each character that no font has or that must not act: controls, format characters (joiners, bidi
/// controls, tags), private use, unassigned, odd spaces, and combining marks beyond a few or with nothing to stand on.
///
/// A backslash before `u{` is escaped, too, so that an escape in the report is always an escape.
pub(crate) fn drawable<'a>(fonts: &Fonts, text: &'a str, lines: Lines) -> Cow<'a, str> {
    let plain = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'\\';
    if text.bytes().all(plain) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut marks = Marks::Nothing;
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        if character == '\n' && lines == Lines::Keep {
            out.push('\n');
            marks = Marks::Nothing;
            continue;
        }
        if character == '\r' && lines == Lines::Keep && rest.as_str().starts_with('\n') {
            continue;
        }
        if character == '\t' && lines == Lines::Keep {
            out.push_str("    ");
            marks = Marks::Nothing;
            continue;
        }
        let kept = match character {
            '\\' => !rest.as_str().starts_with("u{"),
            ' '..='~' => true,
            _ => keeps(fonts, character, marks),
        };
        if kept {
            marks = marks.after(character);
            out.push(character);
        } else {
            marks = Marks::Nothing;
            // Writing to a string does not fail.
            let _ = write!(out, "\\u{{{:x}}}", u32::from(character));
        }
    }
    Cow::Owned(out)
}

/// Marks on the last character that was kept.
#[derive(Debug, Clone, Copy)]
enum Marks {
    /// There is nothing for a mark to stand on.
    Nothing,
    /// So many marks are on it.
    Some(u8),
}

impl Marks {
    fn after(self, character: char) -> Self {
        match (self, is_mark(character)) {
            (_, false) if character == ' ' || character == '\u{a0}' => Self::Nothing,
            (_, false) => Self::Some(0),
            (Self::Some(count), true) => Self::Some(count + 1),
            (Self::Nothing, true) => Self::Nothing,
        }
    }
}

fn is_mark(character: char) -> bool {
    character >= '\u{300}'
        && matches!(
            character.general_category(),
            GeneralCategory::NonspacingMark | GeneralCategory::SpacingMark | GeneralCategory::EnclosingMark
        )
}

fn keeps(fonts: &Fonts, character: char, marks: Marks) -> bool {
    use GeneralCategory as Of;
    let by_kind = match character.general_category() {
        Of::Control | Of::Format | Of::PrivateUse | Of::Surrogate | Of::Unassigned => false,
        Of::LineSeparator | Of::ParagraphSeparator | Of::EnclosingMark => false,
        Of::SpaceSeparator => character == '\u{a0}',
        // The third mark on a letter would reach the line above; points of Hebrew and Arabic stay within theirs.
        Of::NonspacingMark | Of::SpacingMark => match marks {
            Marks::Nothing => false,
            Marks::Some(count) => count < if is_general_mark(character) { 2 } else { 3 },
        },
        _ => true,
    };
    // Fillers are letters by their category, but draw nothing.
    let seen = !matches!(
        character,
        '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{2800}' | '\u{fffc}'
    );
    by_kind && seen && fonts.find(Face::Sans, character).is_some()
}

fn is_general_mark(character: char) -> bool {
    matches!(character,
        '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}'
        | '\u{fe20}'..='\u{fe2f}')
}

/// The first `limit` characters, and how many more there are.
pub(crate) fn cut(text: &str, limit: usize) -> (&str, usize) {
    if text.len() <= limit {
        return (text, 0);
    }
    match text.char_indices().nth(limit) {
        Some((end, _)) => (&text[..end], text[end..].chars().count()),
        None => (text, 0),
    }
}

/// At most `limit` characters, the last of them «…» when there are more.
pub(crate) fn shortened(text: &str, limit: usize) -> Cow<'_, str> {
    match cut(text, limit) {
        (whole, 0) => Cow::Borrowed(whole),
        _ => Cow::Owned(format!("{}…", cut(text, limit.saturating_sub(1)).0)),
    }
}

/// A text for bookmarks, metadata and whom cannot see the page: at most `limit` characters, nothing that is invisible.
pub(crate) fn label(fonts: &Fonts, text: &str, limit: usize) -> String {
    drawable(fonts, &shortened(text, limit), Lines::Escape).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(text: &str) -> String {
        drawable(&Fonts::read().unwrap(), text, Lines::Escape).into_owned()
    }

    #[test]
    fn what_cannot_be_seen_is_written() {
        assert_eq!(escaped("a\u{0}b\u{202e}c\u{200d}d"), "a\\u{0}b\\u{202e}c\\u{200d}d");
        assert_eq!(escaped("🦀 \u{e000} \u{378}"), "\\u{1f980} \\u{e000} \\u{378}");
        assert_eq!(escaped("a\nb\tc"), "a\\u{a}b\\u{9}c");
        assert_eq!(escaped("\u{feff}x\u{3000}"), "\\u{feff}x\\u{3000}");
    }

    #[test]
    fn what_has_glyphs_stays() {
        for text in [
            "Zürich, Łódź",
            "Ελλάδα",
            "Москва",
            "שלום",
            "مرحبا",
            "नमस्ते",
            "สวัสดี",
            "a\u{301}\u{323}",
        ] {
            assert_eq!(escaped(text), text);
        }
    }

    #[test]
    fn marks_do_not_pile_up() {
        assert_eq!(
            escaped("a\u{301}\u{302}\u{303}\u{304}"),
            "a\u{301}\u{302}\\u{303}\\u{304}"
        );
        assert_eq!(escaped("\u{301}a"), "\\u{301}a");
        assert_eq!(escaped(" \u{301}"), " \\u{301}");
    }

    #[test]
    fn an_escape_in_the_text_is_told_from_ours() {
        assert_eq!(escaped(r"\u{1f600} C:\temp"), r"\u{5c}u{1f600} C:\temp");
    }

    #[test]
    fn line_feeds_are_kept_where_asked_for() {
        let fonts = Fonts::read().unwrap();
        assert_eq!(drawable(&fonts, "a\r\nb\rc", Lines::Keep), "a\nb\\u{d}c");
    }

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(cut("äöü", 2), ("äö", 1));
        assert_eq!(shortened("äöü", 2), "ä…");
        assert_eq!(shortened("äöü", 3), "äöü");
    }
}
