//! How the contents of reports are read: a section at a time, each in a transaction of its own where a worker does it, so that no
//! report holds a snapshot for long. What is read ends before the place that the log had when the report was asked for: whatever
//! happens meanwhile changes nothing of it.

mod chain;
mod check;
mod common;
mod custom;
mod evidence;
mod exceptions;
mod incident;
mod integrity;
mod names;
mod scope;
mod section;
mod summary;
mod tally;

use crate::store::report_reads::{self, Population};
use crate::store::reports::Asked;
use auditlog_core::document::format_timestamp;
use auditlog_report::custom::CustomReport;
use auditlog_report::framework::{Framework, Parameters};
use auditlog_report::model::{Definition, FORMAT, Kind, Report, Section};
pub use scope::{Filters, ScopeError};
use serde_json::Value;
use std::borrow::Cow;
use std::cell::OnceCell;

/// A report that is being made.
pub struct Making {
    asked: Asked,
    by: By,
    filters: Filters,
    parameters: Parameters,
    proof: Option<Proof>,
    evidence: Option<auditlog_report::framework::evidence::Evidence>,
    sections: Vec<Section>,
    plan: Vec<Part>,
    /// Figures of all events of the period.
    whole: OnceCell<Value>,
    span: OnceCell<chain::Span>,
    /// The section that is being made is about all events, whatever the report is confined to.
    is_wide: bool,
}

/// What it is made by.
enum By {
    Framework(Box<Framework>),
    Custom(Box<CustomReport>),
    Incident(String),
}

/// A signed checkpoint, against which samples are proven.
#[derive(Debug, Clone)]
pub struct Proof {
    /// The signed note.
    pub note: String,
    /// Events that it covers: as many as the report's log at least.
    pub size: u64,
}

/// What a section is made of.
enum Part {
    /// The control of the framework at this place.
    Control(usize),
    /// A section that every report has.
    Common(usize),
    /// The sections of a custom report.
    Custom(custom::Part),
    /// Those of an incident.
    Incident(incident::Part),
}

impl Making {
    /// Begins, within a transaction.
    ///
    /// # Errors
    /// What is wrong with the definition or the filters, in words.
    pub fn begin(asked: Asked) -> Result<Making, String> {
        let filters = Filters::read(&asked.filters).map_err(|error| error.message)?;
        let mut plan: Vec<Part> = Vec::new();
        let mut parameters = Parameters::default();
        let by = match asked.kind.as_str() {
            "compliance" => {
                let framework = Framework::parse(&asked.definition).map_err(|error| error.message.clone())?;
                parameters = Parameters::of(&framework.parameters);
                for (name, value) in &filters.parameters {
                    parameters.set(name, *value).map_err(|error| error.message)?;
                }
                let wanted = framework
                    .controls
                    .iter()
                    .enumerate()
                    .filter(|(_, control)| filters.wants(control));
                plan.extend(wanted.map(|(at, _)| Part::Control(at)));
                By::Framework(Box::new(framework))
            }
            "custom" => {
                let custom = CustomReport::parse(&asked.definition).map_err(|error| error.message.clone())?;
                plan.extend(custom::PARTS.into_iter().map(Part::Custom));
                By::Custom(Box::new(custom))
            }
            _ => {
                plan.extend(incident::PARTS.into_iter().map(Part::Incident));
                By::Incident(asked.definition.clone())
            }
        };
        plan.extend((0..common::framework().controls.len()).map(Part::Common));
        Ok(Making {
            asked,
            by,
            filters,
            parameters,
            proof: None,
            evidence: None,
            sections: Vec::new(),
            plan,
            whole: OnceCell::new(),
            span: OnceCell::new(),
            is_wide: false,
        })
    }

    /// How many sections it has beside those that every report has.
    pub fn parts(&self) -> usize {
        self.plan.iter().filter(|part| !matches!(part, Part::Common(_))).count()
    }

    /// How many sections there will be.
    pub fn sections(&self) -> usize {
        self.plan.len()
    }

    /// The checkpoint against which samples are proven.
    pub fn prove_with(&mut self, proof: Option<Proof>) {
        self.proof = proof;
    }

    /// What the next section is called; `None` when there is no further one.
    pub fn next(&self) -> Option<String> {
        Some(match self.plan.get(self.sections.len())? {
            Part::Control(at) => self.framework()?.controls[*at].control.clone(),
            Part::Common(at) => common::framework().controls[*at].title.clone(),
            Part::Custom(part) => part.title().to_owned(),
            Part::Incident(part) => part.title().to_owned(),
        })
    }

    /// Makes the next section, within a transaction.
    pub fn step(&mut self) {
        self.is_wide = matches!(self.plan[self.sections.len()], Part::Common(_));
        let section = match &self.plan[self.sections.len()] {
            Part::Control(at) => {
                let at = *at;
                if self.evidence.is_none() && self.framework().is_some_and(|f| !f.controls[at].checks.is_empty()) {
                    self.evidence = Some(evidence::collect(self));
                }
                let framework = self.framework().expect("a part of a framework");
                section::of_control(self, &framework.controls[at], &self.parameters)
            }
            Part::Common(at) => {
                let framework = common::framework();
                Section {
                    // what every report has is nobody's control
                    control: None,
                    ..section::of_control(self, &framework.controls[*at], &Parameters::of(&framework.parameters))
                }
            }
            Part::Custom(part) => custom::section(self, *part),
            Part::Incident(part) => incident::section(self, *part),
        };
        self.sections.push(section);
    }

    /// Puts the report together, within a transaction, after the last step.
    pub fn finish(mut self) -> Report {
        let (kind, definition) = match &self.by {
            By::Framework(framework) => (
                Kind::Compliance,
                Definition {
                    id: framework.id.clone(),
                    name: framework.name.clone(),
                    version: framework.version.clone(),
                    sha256: framework.sha256(),
                },
            ),
            By::Custom(custom) => (
                Kind::Custom,
                Definition {
                    id: custom.name.clone(),
                    name: custom.title.clone(),
                    version: "1".to_owned(),
                    sha256: names::sha256(custom.to_json().to_string().as_bytes()),
                },
            ),
            By::Incident(query) => (
                Kind::Incident,
                Definition {
                    id: "incident".to_owned(),
                    name: self.asked.name.clone(),
                    version: "1".to_owned(),
                    sha256: names::sha256(query.as_bytes()),
                },
            ),
        };
        let title = match &self.by {
            By::Framework(framework) => framework.name.clone(),
            By::Custom(custom) => custom.title.clone(),
            By::Incident(_) => self.asked.name.clone(),
        };
        self.is_wide = false;
        let (metrics, charts) = summary::of(&self);
        Report {
            format: FORMAT.to_owned(),
            kind,
            title,
            definition,
            organisation: self.asked.organisation.clone(),
            report_id: self.asked.id,
            since: format_timestamp(self.asked.since),
            until: format_timestamp(self.asked.until),
            made_by: self.asked.asked_by.clone(),
            made_at: format_timestamp(self.asked.asked_at),
            filters: serde_json::from_str(&self.asked.filters).unwrap_or_default(),
            scope: summary::scope(&self),
            integrity: integrity::of(&self),
            summary: metrics,
            charts,
            sections: self.sections,
        }
    }

    fn framework(&self) -> Option<&Framework> {
        match &self.by {
            By::Framework(framework) => Some(framework),
            _ => None,
        }
    }

    /// The events that a query finds.
    fn population<'a>(&'a self, query: &'a str) -> Population<'a> {
        Population {
            query,
            scope: match &self.by {
                _ if self.is_wide => "",
                By::Custom(_) | By::Framework(_) => &self.filters.scope,
                By::Incident(query) => query,
            },
            since: self.asked.since,
            until: self.asked.until,
            size: self.asked.log_size,
        }
    }

    /// Figures of all events of the period, whatever the report is confined to. They are read once.
    fn whole(&self) -> &Value {
        self.whole.get_or_init(|| {
            report_reads::counts(&Population {
                scope: "",
                ..self.population("")
            })
        })
    }

    /// Figures of the events that the report is confined to.
    fn counts(&self) -> Cow<'_, Value> {
        let population = self.population("");
        match population.scope {
            "" => Cow::Borrowed(self.whole()),
            _ => Cow::Owned(report_reads::counts(&population)),
        }
    }

    /// What the samples of this report depend on, beside the places of events.
    fn seed(&self) -> String {
        let asked = &self.asked;
        format!(
            "{}/{}/{}/{}",
            asked.name,
            format_timestamp(asked.since),
            format_timestamp(asked.until),
            asked.log_size
        )
    }

    fn max_rows(&self) -> i64 {
        self.filters.max_rows.unwrap_or(self.asked.max_rows)
    }
}
