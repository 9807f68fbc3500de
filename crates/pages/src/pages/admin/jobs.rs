//! `/admin/jobs`: the scheduler.

use maud::{Markup, html};

use super::Tab;
use crate::components::badge;
use crate::components::card::card;
use crate::components::form::{self, Input};
use crate::components::icon::Icon;
use crate::components::notice;
use crate::components::table::table;
use crate::layout::Chrome;
use crate::time::Moment;
use crate::{format, text, time};

/// A row of `auditlog.job`.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: Option<String>,
    /// As cron has it.
    pub schedule: String,
    /// What it runs.
    pub command: String,
    /// As whom.
    pub username: String,
    /// Is it switched on?
    pub active: bool,
}

/// A row of `auditlog.job_run_details`.
#[derive(Debug, Clone)]
pub struct Run {
    /// The job.
    pub job_id: i64,
    /// `running`, `succeeded` or `failed`.
    pub status: String,
    /// What came of it.
    pub message: Option<String>,
    /// When it began.
    pub started_at: Option<Moment>,
    /// How long it took, in seconds.
    pub seconds: Option<f64>,
}

/// What the page shows.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// Jobs.
    pub jobs: Vec<Job>,
    /// Their last runs, the newest first.
    pub runs: Vec<Run>,
}

/// The page. Forms: `POST /admin/jobs/{id}/` `enable`, `disable`, `schedule` (`schedule`), `delete`. Commands are SQL, and SQL is not written on pages.
pub fn page(chrome: &Chrome, model: &Model) -> Markup {
    super::page(
        chrome,
        Tab::Jobs,
        "Jobs",
        html! { "What runs by a schedule, each as its owner." },
        html! {},
        html! {
            (card("jobs", "Jobs", html! {
                @if model.jobs.is_empty() {
                    (notice::empty(Icon::Clock, "No jobs", html! { p { "Reports with a schedule appear here. Others are made in psql:" } pre.wrap { code { "SELECT auditlog.schedule('nightly check', '0 3 * * *', 'SELECT auditlog.verify()');" } } }))
                } @else {
                    (table("Jobs", &["State", "#No.", "Job", "Schedule", "Command", "As", ""], html! {
                        @for job in &model.jobs { tr {
                            td { (badge::state(if job.active { "active" } else { "disabled" })) } td.num { (job.id) }
                            th scope="row" { @match &job.name { Some(name) => (text::short_value(name, 60)), None => span.none { "no name" } } }
                            td { code { (text::value(&job.schedule)) } } td.wrap { div.mono { (text::long_value(&job.command)) } } td { (text::value(&job.username)) } td { (actions(chrome, job)) }
                        } }
                    }))
                }
            }))
            (card("runs", "Last runs", html! {
                @if model.runs.is_empty() { p.hint { "None yet." } } @else {
                    (table("Last runs", &["State", "#Job", "Began", "#Took", "What came of it"], html! {
                        @for run in &model.runs { tr {
                            td { (badge::state(&run.status)) } th.num scope="row" { (run.job_id) } td { (time::optional(run.started_at)) }
                            td.num { @match run.seconds { Some(n) => (format::seconds(n)), None => span.none { "–" } } } td.wrap { @match &run.message { Some(message) => (text::long_value(message)), None => span.none { "–" } } }
                        } }
                    }))
                }
            }))
        },
    )
}

fn actions(chrome: &Chrome, job: &Job) -> Markup {
    let at = |what: &str| format!("/admin/jobs/{}/{what}", job.id);
    let id = format!("schedule-{}", job.id);
    form::behind(
        "Actions",
        "menu-like",
        html! {
            (form::action(chrome, &at(if job.active { "disable" } else { "enable" }), if job.active { "Disable" } else { "Enable" }, ""))
            (form::post(chrome, &at("schedule"), "stacked", html! {
                (form::input(Input { id: &id, name: "schedule", label: "Schedule", value: &job.schedule, required: true, ..Input::default() }))
                button type="submit" { "Change" }
            }))
            (form::post(chrome, &at("delete"), "inline", html! { button.danger type="submit" data-confirm="Remove this job?" { "Remove" } }))
        },
    )
}
