//! Cards: a headed part of a page.

use maud::{Markup, html};

/// A card with a heading of the second level; `id` is unique in the page. `actions` stand at the right of the heading.
pub fn card_with(id: &str, title: &str, actions: Markup, body: Markup) -> Markup {
    let heading = format!("{id}-title");
    html! {
        section.card #(id) aria-labelledby=(heading) {
            header.card-head { h2 #(heading) { (title) } div.card-actions { (actions) } }
            (body)
        }
    }
}

/// A card without actions.
pub fn card(id: &str, title: &str, body: Markup) -> Markup {
    card_with(id, title, html! {}, body)
}

/// The head of a page: its only heading of the first level, a line that says what it is, and actions.
pub fn page_head(title: &str, about: Markup, actions: Markup) -> Markup {
    html! {
        header.page-head {
            div { h1 { (title) } p.about { (about) } }
            div.page-actions { (actions) }
        }
    }
}
