//! The dialog that says what keys do.

use maud::{Markup, html};

const KEYS: [(&str, &[&str], &str); 12] = [
    ("Anywhere", &["?"], "This help"),
    ("Anywhere", &["/"], "To the query"),
    ("Anywhere", &["g", "o"], "Overview"),
    ("Anywhere", &["g", "s"], "Search"),
    ("Anywhere", &["g", "l"], "Live view"),
    ("Anywhere", &["Esc"], "Close what is open, leave the query"),
    ("Lists of events", &["j"], "Next event"),
    ("Lists of events", &["k"], "Previous event"),
    ("Lists of events", &["Enter"], "Open the event"),
    ("Lists of events", &["x"], "Unfold the event"),
    ("One event", &["[", "]"], "Previous and next event"),
    ("Live view", &["p"], "Pause and resume"),
];

/// The dialog; the script opens it.
pub fn dialog() -> Markup {
    html! {
        dialog #keys-dialog aria-labelledby="keys-title" {
            form method="dialog" {
                h2 #keys-title { "Keyboard" }
                dl.keys {
                    @for (place, keys, what) in KEYS {
                        div { dt { @for key in keys { kbd { (key) } " " } } dd { (what) span.none { " · " (place) } } }
                    }
                }
                p.hint { "Keys are for those who want them: everything works by Tab, Enter and pointer, too." }
                button.primary type="submit" { "Close" }
            }
        }
    }
}
