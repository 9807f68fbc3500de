//! What the verifier finds.

use std::fmt;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Values, hashes or another part of the bundle were changed.
    Modified,
    /// An event was removed.
    Missing,
    /// An event was put in.
    Extra,
    /// An event was moved from another place.
    Reordered,
    /// There are two logs of one name: a checkpoint is not of this tree.
    Forked,
    /// A larger tree has been signed before: the end was cut off.
    RolledBack,
    /// The checkpoint is not signed by a key that the auditor gave.
    KeyReplaced,
    /// The beginning of the log is not there, and no certificate that fits says why; or values were erased,
    /// and no event tells of it.
    UncoveredGap,
    /// Fewer witnesses have cosigned the checkpoint than the auditor's policy asks for.
    Unwitnessed,
    /// A part of the bundle cannot be read.
    Unreadable,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 10] = [
        Kind::Modified,
        Kind::Missing,
        Kind::Extra,
        Kind::Reordered,
        Kind::Forked,
        Kind::RolledBack,
        Kind::KeyReplaced,
        Kind::UncoveredGap,
        Kind::Unwitnessed,
        Kind::Unreadable,
    ];

    /// Its name, as `auditlog.verify` and the reports show it.
    pub fn label(self) -> &'static str {
        match self {
            Kind::Modified => "modified",
            Kind::Missing => "missing",
            Kind::Extra => "extra",
            Kind::Reordered => "reordered",
            Kind::Forked => "forked",
            Kind::RolledBack => "rolled_back",
            Kind::KeyReplaced => "key_replaced",
            Kind::UncoveredGap => "uncovered_gap",
            Kind::Unwitnessed => "unwitnessed",
            Kind::Unreadable => "unreadable",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

/// Something that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What happened.
    pub kind: Kind,
    /// Which event, by the place that it has or should have; `None` when it is about no single event.
    pub log_index: Option<u64>,
    /// How many events from there on; 1 for a single one.
    pub count: u64,
    /// The id of the (first) event, where it is known.
    pub event_id: Option<String>,
    /// The file in the bundle, where it is about one.
    pub file: Option<String>,
    /// What does not fit, in words.
    pub detail: String,
}

impl Finding {
    /// About the bundle as a whole.
    pub fn of_bundle(kind: Kind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            log_index: None,
            count: 1,
            event_id: None,
            file: None,
            detail: detail.into(),
        }
    }

    /// About a file.
    pub fn of_file(kind: Kind, file: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            file: Some(file.into()),
            ..Self::of_bundle(kind, detail)
        }
    }

    /// About an event.
    pub fn of_event(kind: Kind, log_index: u64, event_id: &[u8], detail: impl Into<String>) -> Self {
        Self {
            log_index: Some(log_index),
            event_id: (!event_id.is_empty()).then(|| String::from_utf8_lossy(event_id).into_owned()),
            ..Self::of_bundle(kind, detail)
        }
    }
}

/// One line of text.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        match (self.log_index, self.count) {
            (Some(first), 1) => write!(f, " log_index {first}")?,
            (Some(first), count) => write!(f, " log_index {first} to {} ({count} events)", first + (count - 1))?,
            (None, _) => {}
        }
        if let Some(id) = &self.event_id {
            write!(f, " event {}", plain(id))?;
        }
        if let Some(file) = &self.file {
            write!(f, " {}", plain(file))?;
        }
        write!(f, ": {}", plain(&self.detail))
    }
}

/// The text without characters that would drive a terminal.
pub(crate) fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c })
        .collect()
}

/// So many events in a row are listed one by one before the others become one finding.
const LISTED: usize = 100;

/// Findings as they come, with long rows of the same finding made one.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    list: Vec<Finding>,
    /// How many at the end of the list follow each other.
    row: usize,
}

impl Findings {
    /// Adds a finding.
    pub(crate) fn add(&mut self, finding: Finding) {
        if let (Some(last), Some(index)) = (self.list.last_mut(), finding.log_index) {
            let follows = last.log_index.and_then(|first| first.checked_add(last.count)) == Some(index);
            let same = last.kind == finding.kind && last.detail == finding.detail && last.file == finding.file;
            if follows && same {
                if self.row >= LISTED {
                    last.count += finding.count;
                    return;
                }
                self.row += 1;
            } else {
                self.row = 1;
            }
        }
        self.list.push(finding);
    }

    /// Adds all of another list.
    pub(crate) fn extend(&mut self, findings: impl IntoIterator<Item = Finding>) {
        findings.into_iter().for_each(|finding| self.add(finding));
    }

    /// All of them.
    pub(crate) fn into_vec(self) -> Vec<Finding> {
        self.list
    }
}

/// Orders and shortens the findings of a report: those about no event first, then by `log_index`.
pub(crate) fn in_order(findings: Vec<Finding>) -> Vec<Finding> {
    let mut findings = findings;
    findings.sort_by_key(|finding| (finding.log_index, finding.kind));
    let mut ordered = Findings::default();
    ordered.extend(findings);
    ordered.into_vec()
}
