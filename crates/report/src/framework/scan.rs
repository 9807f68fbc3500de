//! Which events of a control a reviewer must look at: one pass over its events, in the order of the log.
//!
//! [`Scan::query`] selects the events that matter, so that whoever reads the log need not read the whole population; what is kept in
//! memory are open groups (bursts, questions without an answer) and some places of events.

mod group;

use super::{Bound, Control, Exception, Parameters, Period, Trigger, query_options};
use crate::model::Finding;
use auditlog_core::document::parse_timestamp;
use auditlog_policy::alert::definition::Fault;
use auditlog_policy::alert::field::Field;
use auditlog_query::eval::Document;
use auditlog_query::node::Checked;
use auditlog_query::{QueryError, check, matches, parse};
use group::{Bursts, Key, Pending};

/// Most places of events that a finding names.
pub const MAX_INDEXES: usize = 50;

/// Most findings of one exception; the rest is summed up in one more.
pub const MAX_FINDINGS: usize = 20;

/// Why the exceptions of a control cannot be looked for, though the framework was read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScanError {
    /// A query is wrong with these values of parameters.
    #[error("the exception {kind:?} has a wrong query: {source}")]
    Query {
        /// Which exception.
        kind: String,
        /// What is wrong.
        source: Box<QueryError>,
    },
    /// A field is none, or a parameter is missing.
    #[error("the exception {kind:?}: {message}")]
    Definition {
        /// Which exception.
        kind: String,
        /// What is wrong.
        message: String,
    },
}

/// The exceptions of a control, at work.
pub struct Scan<'a> {
    watches: Vec<Watch<'a>>,
    parameters: &'a Parameters,
    query: Option<String>,
}

/// An exception, at work.
struct Watch<'a> {
    exception: &'a Exception,
    query: Checked,
    rule: Rule,
    /// Events that are findings by themselves.
    count: u64,
    indexes: Vec<u64>,
}

enum Rule {
    Each,
    Same(Field, Field),
    Late {
        after: Field,
        within_us: i64,
    },
    Burst {
        per: Vec<Field>,
        groups: Bursts,
    },
    Unanswered {
        by: Checked,
        per: Vec<Field>,
        pending: Pending,
    },
}

impl<'a> Scan<'a> {
    /// The exceptions of a control with these values of parameters.
    ///
    /// # Errors
    /// A query is too long or wrong with these values, or the control was not read by [`super::Framework::parse`].
    pub fn new(control: &'a Control, parameters: &'a Parameters) -> Result<Scan<'a>, ScanError> {
        let watch = |exception| Watch::new(exception, parameters);
        let watches = control.exceptions.iter().map(watch).collect::<Result<Vec<_>, _>>()?;
        let query = control.population(parameters).filter(|_| !watches.is_empty());
        let query = query.map(|population| {
            let own = control.exceptions.iter().flat_map(|exception| {
                let by = match &exception.trigger {
                    Trigger::Unanswered { by, .. } => Some(by),
                    _ => None,
                };
                [Some(&exception.query), by].into_iter().flatten()
            });
            let mut own: Vec<String> = own.map(|query| format!("({})", parameters.expand(query))).collect();
            own.sort_unstable();
            own.dedup();
            format!("({population}) AND ({})", own.join(" OR "))
        });
        Ok(Scan {
            watches,
            parameters,
            query,
        })
    }

    /// Which events of the log must be shown to [`Scan::event`]; none when the control has no exceptions.
    pub fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// Looks at an event of the control's population. Events come in the order of `log_index`; `timestamp_us` is their own time.
    pub fn event<'d, D: Document<'d>>(&mut self, log_index: u64, timestamp_us: i64, document: D) {
        for watch in &mut self.watches {
            watch.event(log_index, timestamp_us, document);
        }
    }

    /// What was found, worst first, once all events of the period were shown.
    pub fn finish(self, period: &Period) -> Vec<Finding> {
        let parameters = self.parameters;
        let watches = self.watches.into_iter();
        let mut found: Vec<Finding> = watches.flat_map(|watch| watch.finish(period, parameters)).collect();
        found.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        found
    }
}

impl<'a> Watch<'a> {
    fn new(exception: &'a Exception, parameters: &Parameters) -> Result<Watch<'a>, ScanError> {
        let kind = || exception.kind.clone();
        let wrong = |message: &str| ScanError::Definition {
            kind: kind(),
            message: message.to_owned(),
        };
        let compile = |query: &str| {
            let options = query_options();
            let found = parse(&parameters.expand(query), &options.limits).and_then(|query| check(&query, &options));
            found.map_err(|source| ScanError::Query {
                kind: kind(),
                source: Box::new(source),
            })
        };
        let field = |name: &String| Field::parse(name).map_err(|fault: Fault| wrong(&fault.message));
        let fields = |names: &[String]| names.iter().map(field).collect::<Result<Vec<_>, _>>();
        let length = |span: &super::Span| {
            let found = span.microseconds(parameters);
            found.ok_or_else(|| wrong("the length of time has no value"))
        };
        let rule = match &exception.trigger {
            Trigger::Each => Rule::Each,
            Trigger::Same([one, other]) => Rule::Same(field(one)?, field(other)?),
            Trigger::Late { after, within } => Rule::Late {
                after: field(after)?,
                within_us: length(within)?,
            },
            Trigger::Burst { per, at_least, within } => {
                let count = match at_least {
                    Bound::Number(number) => Some(*number),
                    Bound::Parameter(name) => parameters.get(name),
                };
                let count = count.ok_or_else(|| wrong("at_least has no value"))?;
                Rule::Burst {
                    per: fields(per)?,
                    groups: Bursts::new(count, length(within)?),
                }
            }
            Trigger::Unanswered { by, per, within } => Rule::Unanswered {
                by: compile(by)?,
                per: fields(per)?,
                pending: Pending::new(length(within)?),
            },
        };
        Ok(Watch {
            exception,
            query: compile(&exception.query)?,
            rule,
            count: 0,
            indexes: Vec::new(),
        })
    }

    fn event<'d, D: Document<'d>>(&mut self, log_index: u64, timestamp_us: i64, document: D) {
        let hit = matches(&self.query, document, timestamp_us);
        let found = match &mut self.rule {
            // an answer is no question of its own
            Rule::Unanswered { by, per, pending } => {
                if matches(by, document, timestamp_us) {
                    pending.answer(&key(per, document), timestamp_us);
                } else if hit {
                    pending.ask(key(per, document), timestamp_us, log_index);
                }
                false
            }
            _ if !hit => false,
            Rule::Each => true,
            Rule::Same(one, other) => {
                let value = one.value(document);
                value.is_some() && value == other.value(document)
            }
            Rule::Late { after, within_us } => {
                let since = after.value(document).and_then(|text| parse_timestamp(&text));
                since.is_some_and(|since| timestamp_us.saturating_sub(since) > *within_us)
            }
            Rule::Burst { per, groups } => {
                groups.event(key(per, document), timestamp_us, log_index);
                false
            }
        };
        if found {
            self.count += 1;
            if self.indexes.len() < MAX_INDEXES {
                self.indexes.push(log_index);
            }
        }
    }

    fn finish(self, period: &Period, parameters: &Parameters) -> Vec<Finding> {
        let exception = self.exception;
        let finding = |count: u64, log_indexes: Vec<u64>, more: &str| Finding {
            severity: exception.severity,
            kind: exception.kind.clone(),
            text: format!("{}: {}{more}", counted(count), exception.text),
            log_indexes,
            count,
        };
        match (self.rule, &exception.trigger) {
            (Rule::Burst { per, groups }, _) => {
                let mut found: Vec<Finding> = Vec::new();
                let (mut rest, mut others) = (0_u64, 0_usize);
                for (key, episode) in groups.finish() {
                    if found.len() == MAX_FINDINGS {
                        rest += episode.count;
                        others += 1;
                        continue;
                    }
                    let more = format!(
                        " ({}{} to {})",
                        named(&per, &key),
                        super::Moment(episode.from_us),
                        super::Moment(episode.to_us)
                    );
                    found.push(finding(episode.count, episode.indexes, &more));
                }
                if others > 0 {
                    found.push(finding(rest, Vec::new(), &format!(" ({others} more groups)")));
                }
                found
            }
            (Rule::Unanswered { pending, .. }, Trigger::Unanswered { within, .. }) => {
                let (count, indexes) = pending.finish(period.until.0);
                let more = format!(" (within {})", within.words(parameters));
                if count == 0 {
                    return Vec::new();
                }
                vec![finding(count, indexes, &more)]
            }
            _ if self.count == 0 => Vec::new(),
            _ => vec![finding(self.count, self.indexes, "")],
        }
    }
}

fn counted(count: u64) -> String {
    match count {
        1 => "1 event".to_owned(),
        count => format!("{count} events"),
    }
}

fn key<'d, D: Document<'d>>(per: &[Field], document: D) -> Key {
    per.iter().map(|field| field.value(document)).collect()
}

/// `actor.id bob; `
fn named(per: &[Field], key: &Key) -> String {
    let pairs = per.iter().zip(key);
    let text = pairs.filter_map(|(field, value)| Some(format!("{} {}; ", field.name(), value.as_ref()?)));
    text.collect()
}

#[cfg(test)]
mod tests;
