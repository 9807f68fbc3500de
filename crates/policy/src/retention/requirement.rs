//! What laws and standards demand of how long logs are kept: data, with where it says so.
//!
//! A year is 365 days here, as auditors count. A policy's years are at least as long ([`super::age`]), so
//! that a policy of six years keeps what six years demand.

use std::borrow::Cow;

/// A demand. Numbers are days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// As a policy's `classification` names it: `[a-z][a-z0-9_]*`.
    pub id: Cow<'static, str>,
    /// For people.
    pub title: Cow<'static, str>,
    /// Events must be kept for so long.
    pub minimum_days: Option<u32>,
    /// For so long they must be at hand: rows of the log, hot or warm, that a query finds at once.
    pub at_hand_days: Option<u32>,
    /// They must not be kept longer.
    pub maximum_days: Option<u32>,
    /// Where it says so.
    pub basis: Cow<'static, str>,
    /// How binding the numbers are.
    pub nature: Nature,
    /// What one should know before relying on it.
    pub note: Cow<'static, str>,
}

/// How binding a number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Nature {
    /// The text demands at least this.
    Minimum,
    /// The text demands at most something; the number is the choice of whoever is responsible.
    Maximum,
    /// The text leaves the number to an authority or a contract; this one is usual.
    Parameter,
    /// The organisation says itself what it keeps, and must then keep it.
    OwnChoice,
}

impl Nature {
    /// `minimum`, `maximum`, `parameter`, `own_choice`.
    pub fn label(self) -> &'static str {
        match self {
            Nature::Minimum => "minimum",
            Nature::Maximum => "maximum",
            Nature::Parameter => "parameter",
            Nature::OwnChoice => "own_choice",
        }
    }

    /// By its label.
    pub fn from_label(label: &str) -> Option<Nature> {
        [Nature::Minimum, Nature::Maximum, Nature::Parameter, Nature::OwnChoice]
            .into_iter()
            .find(|nature| nature.label() == label)
    }
}

struct Row(
    &'static str,
    &'static str,
    Option<u32>,
    Option<u32>,
    Nature,
    &'static str,
    &'static str,
);

use Nature::{Maximum, Minimum, OwnChoice, Parameter};

/// id, title, minimum, at hand, nature, basis, note. PCI DSS, HIPAA, SOC 2, ISO and GDPR are the defaults of
/// `../shared/reference/compliance.md` §1.7. Looked up on 2026-11-28: 17 CFR 210.2-06 and 240.17a-4 and AU-11 of
/// the FedRAMP baseline in reprints of their text, CIP-007-6 in a summary.
const BUILT_IN: [Row; 10] = [
    Row(
        "pci_dss",
        "PCI DSS 4.0.1",
        Some(365),
        Some(90),
        Minimum,
        "PCI DSS v4.0.1, requirement 10.5.1: 12 months, the latest three at once available for analysis",
        "Audit logs of the cardholder data environment.",
    ),
    Row(
        "hipaa",
        "HIPAA Security Rule",
        Some(2_190),
        None,
        Minimum,
        "45 CFR 164.316(b)(2)(i): six years from creation or from when it last was in effect",
        "It binds the documentation that the rule demands; whether every raw line of a log is part of it is disputed.",
    ),
    Row(
        "fedramp",
        "FedRAMP Rev. 5",
        Some(365),
        Some(90),
        Parameter,
        "NIST SP 800-53 r5 AU-11 with the FedRAMP baseline's requirement: online at least 90 days, then as NARA demands",
        "The baseline fixes the 90 days; 365 days in all is the usual value of the parameter.",
    ),
    Row(
        "fedramp_m_26_14",
        "FedRAMP with OMB M-26-14",
        Some(365),
        Some(180),
        Parameter,
        "NIST SP 800-53 r5 AU-11; OMB M-26-14",
        "The 180 days at hand are known from secondary sources: read the memorandum before relying on them.",
    ),
    Row(
        "soc2",
        "SOC 2 Type II",
        Some(365),
        None,
        OwnChoice,
        "AICPA Trust Services Criteria 2017 (points of focus 2022), CC4.1, CC7.2, C1.1",
        "No number in the criteria: the examined period and the fieldwork after it must be covered; 365 days is usual.",
    ),
    Row(
        "iso_27001",
        "ISO/IEC 27001:2022",
        Some(365),
        None,
        OwnChoice,
        "ISO/IEC 27001:2022 Annex A 5.33 and 8.15",
        "No number in the standard: what the organisation's own policy says; 365 days is usual.",
    ),
    Row(
        "gdpr",
        "GDPR storage limitation",
        None,
        None,
        Maximum,
        "Regulation (EU) 2016/679, Article 5(1)(e): no longer than is necessary for the purposes",
        "The controller must name the number: maximum_days (or _months, _years) in the policy.",
    ),
    Row(
        "sox",
        "Sarbanes-Oxley",
        Some(2_555),
        None,
        Minimum,
        "17 CFR 210.2-06(a), made under section 802 of the Sarbanes-Oxley Act: seven years after the audit is concluded",
        "It binds the auditor's records of an audit or review; logs only where they are part of these. Many keep logs of financial systems alike.",
    ),
    Row(
        "sec_17a_4",
        "SEC Rule 17a-4",
        Some(2_190),
        Some(730),
        Minimum,
        "17 CFR 240.17a-4(a): six years, the first two in an easily accessible place",
        "Records of brokers and dealers under 240.17a-3.",
    ),
    Row(
        "nerc_cip",
        "NERC CIP-007-6",
        Some(90),
        None,
        Minimum,
        "CIP-007-6 R4, part 4.3: event logs of the last 90 consecutive calendar days",
        "Events of high and medium impact systems. Evidence of compliance is to be kept for longer.",
    ),
];

/// The requirements that are known from the start.
pub fn built_in() -> Vec<Requirement> {
    let requirement = |row: &Row| Requirement {
        id: row.0.into(),
        title: row.1.into(),
        minimum_days: row.2,
        at_hand_days: row.3,
        maximum_days: None,
        nature: row.4,
        basis: row.5.into(),
        note: row.6.into(),
    };
    BUILT_IN.iter().map(requirement).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_matrix_of_defaults_is_kept() {
        // ../shared/reference/compliance.md §1.7
        let all = built_in();
        for (id, minimum, at_hand, nature) in [
            ("soc2", Some(365), None, OwnChoice),
            ("iso_27001", Some(365), None, OwnChoice),
            ("hipaa", Some(2_190), None, Minimum),
            ("pci_dss", Some(365), Some(90), Minimum),
            ("fedramp", Some(365), Some(90), Parameter),
            ("fedramp_m_26_14", Some(365), Some(180), Parameter),
            ("gdpr", None, None, Maximum),
        ] {
            let found = all.iter().find(|requirement| requirement.id == id).expect(id);
            assert_eq!(
                (found.minimum_days, found.at_hand_days, found.nature),
                (minimum, at_hand, nature),
                "{id}"
            );
        }
    }

    #[test]
    fn every_requirement_says_where_it_comes_from() {
        let all = built_in();
        let names: BTreeSet<_> = all.iter().map(|requirement| requirement.id.as_ref()).collect();
        assert_eq!(names.len(), all.len());
        for requirement in &all {
            assert!(
                requirement
                    .id
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
            );
            assert!(
                requirement.basis.len() > 20 && requirement.note.ends_with('.'),
                "{requirement:?}"
            );
            assert!(requirement.at_hand_days <= requirement.minimum_days, "{requirement:?}");
            assert_eq!(Nature::from_label(requirement.nature.label()), Some(requirement.nature));
        }
    }
}
