//! Sections that every report has: changes to auditing, and who has seen the log. They are written like those of a framework.

use auditlog_report::framework::Framework;
use std::sync::OnceLock;

const TEXT: &str = include_str!("common.yaml");

/// Them.
pub(super) fn framework() -> &'static Framework {
    static KNOWN: OnceLock<Framework> = OnceLock::new();
    KNOWN.get_or_init(|| Framework::parse(TEXT).expect("a test parses it"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_parses() {
        assert_eq!(super::framework().controls.len(), 2);
    }
}
