//! `/help/query`: the query language on a page, for those who are in the middle of a search.

use maud::{Markup, html};

use crate::components::card::{card, page_head};
use crate::components::table::table;
use crate::layout::{self, Chrome};
use crate::url::{self, Range};

const CONDITIONS: [(&str, &str); 14] = [
    (
        "status:failed",
        "the field is this value; upper and lower case are alike",
    ),
    ("actor.id:=User_1", "it is this value, byte for byte"),
    ("event_type:policy.*", "* stands for any text, ? for one character"),
    ("severity:>=warning", "it is above; also > < <="),
    (
        "timestamp:>now-24h",
        "times: now, now-7d, now/d, 2026-03-10, 2026-03-10T14:30Z",
    ),
    ("ip:203.0.113.0/24", "an address, or one of a network"),
    ("status:(failed OR denied)", "one of them"),
    ("region IN (us-east-1, us-west-2)", "one of a list"),
    ("changes.after.size:[1 TO 10]", "from and to; { } exclude the bound"),
    (
        "changes.after.rules:{port:22 action:allow}",
        "one element of a list satisfies all of it",
    ),
    (
        "metadata.request_id:*",
        "there is a value; _missing_:tenant: there is none",
    ),
    ("status:/fail(ed|ure)/i", "a regular expression for the whole value"),
    ("\"disk full\"", "words, in any value"),
    ("NOT status:success", "is not, or has no such field"),
];

const EXAMPLES: [(&str, &str); 6] = [
    ("Failed logins", "event_type:authentication.login AND status:failed"),
    (
        "Changes of rights",
        "event_type:(permission.* OR role.*) AND NOT actor.type:system",
    ),
    (
        "Deletions in production",
        "event_type:*.delete AND resource.tags.Environment:production",
    ),
    ("SSH open to the world", "changes.after.rules:{port:22 cidr:=0.0.0.0/0}"),
    (
        "Who has looked at the log",
        "event_type:(auditlog.search OR auditlog.view OR auditlog.export)",
    ),
    ("Refused", "status:denied severity:>=warning"),
];

/// The page.
pub fn page(chrome: &Chrome) -> Markup {
    layout::page(
        chrome,
        "Query language",
        html! {
            (page_head("Query language", html! { "A query is a condition over one event. Join conditions by AND (or a space), OR, NOT and parentheses; NOT binds closest, then AND." }, html! { a.button href="/search" { "Search" } }))
            (card("conditions", "Conditions", table("Conditions", &["Written", "True when"], html! {
                @for (written, when) in CONDITIONS { tr { th scope="row" { code { (written) } } td.wrap { (when) } } }
            })))
            (card("examples", "Examples", table("Examples", &["What", "Query"], html! {
                @for (what, query) in EXAMPLES { tr { th scope="row" { a href=(url::search(query, Range::Last("30d"))) { (what) } } td { code { (query) } } } }
            })))
            (card("fields", "Fields", html! {
                p { "Short names: " code { "user" } " " code { "email" } " " code { "ip" } " " code { "resource" } " " code { "status" } " " code { "session" } " " code { "request" } " " code { "tags" }
                    ". Every other path of an event's document works, too: " code { "metadata.reason:\"too many failures\"" } ". The box completes fields and their values as you write." }
            }))
        },
    )
}
