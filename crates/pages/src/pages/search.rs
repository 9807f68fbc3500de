//! `/search`.

use maud::{Markup, html};

use crate::chart::Histogram;
use crate::components::bars::Count;
use crate::components::query_box::Problem;
use crate::event::Event;
use crate::layout::{self, Chrome};
use crate::url::SearchState;

mod facets;
mod form;
mod results;

/// The most frequent values of a field.
#[derive(Debug, Clone)]
pub struct Facet {
    /// The field of the query language; of ours.
    pub field: String,
    /// Its name for people; of ours.
    pub label: String,
    /// Values, the most frequent first.
    pub values: Vec<Count>,
}

/// A query that was saved for all.
#[derive(Debug, Clone)]
pub struct Saved {
    /// Its name, for `_saved_:name`.
    pub name: String,
    /// The query.
    pub query: String,
    /// What it is for.
    pub description: Option<String>,
    /// May the viewer delete it?
    pub own: bool,
}

/// How many events a search finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Total {
    /// Counted.
    Exact(u64),
    /// The planner's estimate.
    About(u64),
    /// Not known.
    #[default]
    Unknown,
}

/// What a search has found.
#[derive(Debug, Clone, Default)]
pub struct Results {
    /// The events of this page.
    pub events: Vec<Event>,
    /// The cursor behind the last of them, when there are more.
    pub next: Option<String>,
    /// How many there are.
    pub total: Total,
    /// Over time; empty when it could not be had in time.
    pub histogram: Histogram,
    /// Values to narrow the search by.
    pub facets: Vec<Facet>,
    /// How long it took.
    pub milliseconds: u64,
    /// What the language finds odd about the query, such as a field that no event has.
    pub notices: Vec<String>,
}

/// What became of a search.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// Events, perhaps none.
    Found(Box<Results>),
    /// The query is wrong.
    Wrong(Problem),
    /// It was ended, because it took too long.
    TimedOut,
}

impl Default for Outcome {
    fn default() -> Self {
        Self::Found(Box::default())
    }
}

/// What the page shows.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// What the address says.
    pub state: SearchState,
    /// What of the address was wrong, in words.
    pub wrong: Vec<String>,
    /// What became of it.
    pub outcome: Outcome,
    /// Saved queries.
    pub saved: Vec<Saved>,
}

/// The page. Its own form is sent by GET. Forms: `POST /search/export` (`q`, `since`, `until`, `format`),
/// `POST /saved-queries` (`name`, `query`, `description`, `return_to`), `POST /saved-queries/delete` (`name`, `return_to`).
pub fn page(chrome: &Chrome, model: &Model) -> Markup {
    layout::page(
        chrome,
        "Search",
        html! {
            h1.unseen { "Search" }
            (form::form(chrome, model))
            @match &model.outcome {
                Outcome::Found(found) => (results::results(chrome, model, found)),
                Outcome::Wrong(_) => (results::wrong()),
                Outcome::TimedOut => (results::timed_out(&model.state)),
            }
        },
    )
}
