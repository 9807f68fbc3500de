//! Making text of the log visible. A log is written by whoever attacks it: its text may turn the writing direction
//! around, hide characters or look like another. Every value of the log goes through here on its way to HTML.
//!
//! What cannot be seen, or moves what can be seen, is shown as `\u{202e}` in an element of its own, so that it differs
//! from a value that has these very characters.

use maud::{Markup, html};
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// So many combining marks in a row are shown as such; real writing needs two or three, towers of them hide lines.
const MAX_MARKS: usize = 4;

/// A value longer than this many characters is cut, with a way to see all of it.
pub const CUT_AT: usize = 240;

/// More than this many characters are not put into a page at all; the event as JSON has them.
pub const SHOWN_AT_MOST: usize = 20_000;

/// Is this a character that nobody sees as such, or that changes how others are shown?
pub fn is_deceptive(c: char) -> bool {
    match c {
        ' ' | '\u{3000}' => false,
        // Blank letters, joiners and selectors that are of none of the categories below.
        '\u{034f}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{17b4}'
        | '\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{2800}'
        | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{ffa0}'
        | '\u{e0100}'..='\u{e01ef}' => true,
        _ => matches!(
            c.general_category(),
            GeneralCategory::Control
                | GeneralCategory::Format
                | GeneralCategory::LineSeparator
                | GeneralCategory::ParagraphSeparator
                | GeneralCategory::SpaceSeparator
                | GeneralCategory::PrivateUse
                | GeneralCategory::Surrogate
                | GeneralCategory::Unassigned
        ),
    }
}

fn is_mark(c: char) -> bool {
    matches!(
        c.general_category(),
        GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark
    )
}

/// How a deceptive character is written: `\n`, `\t`, `\r`, or its number.
fn escape(c: char) -> String {
    match c {
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        _ => format!("\\u{{{:x}}}", u32::from(c)),
    }
}

/// A piece of a text: characters as they are, or escapes.
enum Piece {
    Plain(String),
    Escaped(String),
}

fn pieces(text: &str, keep_lines: bool) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut marks = 0;
    for c in text.chars() {
        marks = if is_mark(c) { marks + 1 } else { 0 };
        let plain = (keep_lines && c == '\n') || !(is_deceptive(c) || marks > MAX_MARKS);
        match (pieces.last_mut(), plain) {
            (Some(Piece::Plain(last)), true) => last.push(c),
            (Some(Piece::Escaped(last)), false) => last.push_str(&escape(c)),
            (_, true) => pieces.push(Piece::Plain(c.to_string())),
            (_, false) => pieces.push(Piece::Escaped(escape(c))),
        }
    }
    pieces
}

fn render(text: &str, keep_lines: bool) -> Markup {
    html! {
        @for piece in pieces(text, keep_lines) {
            @match piece {
                Piece::Plain(text) => (text),
                Piece::Escaped(text) => span.esc title="invisible or control characters, written as escapes" { (text) },
            }
        }
    }
}

/// A value of the log in one line: nothing hidden, and isolated, so that its writing direction stays its own.
pub fn value(text: &str) -> Markup {
    if text.is_empty() {
        return html! { span.none { "empty" } };
    }
    html! { bdi { (render(text, false)) } }
}

/// A text of several lines, for `pre`: the line feeds stay.
pub fn block(text: &str) -> Markup {
    html! { bdi { (render(text, true)) } }
}

/// The same as text, for titles, labels and other attributes.
pub fn plain(text: &str) -> String {
    pieces(text, false).into_iter().fold(String::new(), |mut out, piece| {
        match piece {
            Piece::Plain(text) | Piece::Escaped(text) => out.push_str(&text),
        }
        out
    })
}

/// The first `most` characters, and how many there are if these are not all.
fn cut(text: &str, most: usize) -> (&str, Option<usize>) {
    match text.char_indices().nth(most) {
        Some((at, _)) => (&text[..at], Some(text.chars().count())),
        None => (text, None),
    }
}

/// A value in full, or its beginning and, on demand, all of it.
pub fn long_value(text: &str) -> Markup {
    let (head, total) = cut(text, CUT_AT);
    let Some(total) = total else {
        return value(text);
    };
    let (shown, more) = cut(text, SHOWN_AT_MOST);
    html! {
        details.long {
            summary { span.head { (value(head)) "…" } " " span.more { "show all, " (crate::format::count(total as u64)) " characters" } }
            div.full { (value(shown)) }
            @if more.is_some() {
                p.hint { "Cut after " (crate::format::count(SHOWN_AT_MOST as u64)) " characters; the raw JSON has all of them." }
            }
        }
    }
}

/// A value for a table cell: cut at `most` characters; the title has more, the event's page all.
pub fn short_value(text: &str, most: usize) -> Markup {
    let (head, total) = cut(text, most);
    if total.is_none() {
        return value(text);
    }
    let (title, more) = cut(text, 1000);
    html! { span title=(format!("{}{}", plain(title), if more.is_some() { "…" } else { "" })) { (value(head)) "…" } }
}

/// JSON, indented, with nothing hidden. Strings are escaped as JSON has it first, so a line feed in one is `\n`.
pub fn json(value: &serde_json::Value) -> Markup {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    let (shown, more) = cut(&text, 10 * SHOWN_AT_MOST);
    html! {
        (block(shown))
        @if more.is_some() { "\n" span.none { "… cut: download the event for all of it" } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seen_stays() {
        for text in [
            "admin@company.com",
            "Zoë 東京 Ω",
            "a　b",
            "naïve",
            "🔒",
            "العربية",
            "देवनागरी",
        ] {
            assert_eq!(plain(text), text);
            assert!(!value(text).into_string().contains("esc"));
        }
    }

    #[test]
    fn what_is_not_seen_is_written() {
        assert_eq!(plain("a\u{202e}b"), "a\\u{202e}b");
        assert_eq!(plain("a\nb\t"), "a\\nb\\t");
        assert_eq!(
            plain("\u{0}\u{200b}\u{feff}\u{2028}\u{a0}"),
            "\\u{0}\\u{200b}\\u{feff}\\u{2028}\\u{a0}"
        );
        assert_eq!(
            value("<b>\u{200d}").into_string(),
            "<bdi>&lt;b&gt;<span class=\"esc\" title=\"invisible or control characters, written as escapes\">\\u{200d}</span></bdi>"
        );
    }

    #[test]
    fn towers_of_marks_fall() {
        let tower = format!("a{}", "\u{301}".repeat(50));
        assert_eq!(plain(&tower).matches("\\u{301}").count(), 50 - MAX_MARKS);
    }

    #[test]
    fn long_values_have_all_of_it() {
        let text = "x".repeat(CUT_AT + 1);
        assert!(long_value(&text).into_string().contains(&text));
        assert_eq!(long_value("short").into_string(), value("short").into_string());
    }
}
