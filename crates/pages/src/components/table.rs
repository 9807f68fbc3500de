//! Tables. Wide ones scroll by themselves, so that the page does not; the region can be reached by keyboard.

use maud::{Markup, html};

/// A table: `caption` names it for those who hear it, `heads` are its columns; a head that begins with `#` is one of numbers.
pub fn table(caption: &str, heads: &[&str], rows: Markup) -> Markup {
    table_of("", caption, heads, rows)
}

/// The same with a class of its own.
pub fn table_of(class: &str, caption: &str, heads: &[&str], rows: Markup) -> Markup {
    html! {
        div.scroll role="group" aria-label=(caption) tabindex="0" {
            table class=(class) {
                caption.unseen { (caption) }
                thead { tr {
                    @for head in heads {
                        @match head.strip_prefix('#') {
                            Some(head) => th.num scope="col" { (head) },
                            None if head.is_empty() => td {},
                            None => th scope="col" { (head) },
                        }
                    }
                } }
                tbody { (rows) }
            }
        }
    }
}
