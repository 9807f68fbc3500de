//! Does the query see what it is for? One small change of each kind, undone at once: a comparison
//! that misses one of them would also miss it in an upgrade.

use crate::definitions::{Definitions, QUERY, RECORD_SEPARATOR};
use crate::failure::{Failure, Result};
use crate::psql::{Database, Step};

/// What changes, and the statement that changes it.
const PROBES: [(&str, &str); 22] = [
    (
        "body of a function",
        "CREATE OR REPLACE FUNCTION auditlog_data.partition_indexes() RETURNS TABLE (suffix text, is_unique boolean, columns text) \
         LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$VALUES ('log_index', true, 'log_index')$$",
    ),
    (
        "setting of a function",
        "ALTER FUNCTION auditlog.health() RESET search_path",
    ),
    (
        "volatility of a function",
        "ALTER FUNCTION auditlog_data.is_worker() STABLE",
    ),
    (
        "right to a function",
        "GRANT EXECUTE ON FUNCTION auditlog.health() TO PUBLIC",
    ),
    ("column", "ALTER TABLE auditlog.event_types ADD COLUMN probe text"),
    (
        "default of a column",
        "ALTER TABLE auditlog.event_types ALTER COLUMN built_in SET DEFAULT true",
    ),
    (
        "NOT NULL",
        "ALTER TABLE auditlog.event_types ALTER COLUMN description DROP NOT NULL",
    ),
    (
        "right to a column",
        "GRANT UPDATE (description) ON auditlog.event_types TO auditlog_analyst",
    ),
    // Beside the server's own option, which the query leaves out.
    (
        "option of a column",
        "ALTER TABLE auditlog.event_types ALTER COLUMN category SET (n_distinct = 5)",
    ),
    (
        "constraint",
        "ALTER TABLE auditlog.event_types ADD CHECK (description <> '')",
    ),
    ("index", "CREATE INDEX ON auditlog.event_types (category)"),
    (
        "option of a table",
        "ALTER TABLE auditlog_data.head SET (fillfactor = 51)",
    ),
    (
        "owner of a table",
        "ALTER TABLE auditlog.event_types OWNER TO CURRENT_USER",
    ),
    (
        "state of a trigger",
        "ALTER TABLE auditlog.event_types ENABLE TRIGGER auditlog_changed",
    ),
    (
        "state of an event trigger",
        "ALTER EVENT TRIGGER auditlog_guard_extension ENABLE",
    ),
    ("policy", "CREATE POLICY probe ON auditlog.event_types USING (built_in)"),
    (
        "row security",
        "ALTER TABLE auditlog.event_types ENABLE ROW LEVEL SECURITY",
    ),
    (
        "option of a view",
        "ALTER VIEW auditlog.events SET (security_invoker = false)",
    ),
    (
        "definition of a view",
        "CREATE OR REPLACE VIEW auditlog_data.inbox AS SELECT * FROM auditlog_data.inbox_0",
    ),
    ("comment", "COMMENT ON FUNCTION auditlog.health() IS 'probe'"),
    (
        "right to a schema",
        "GRANT USAGE ON SCHEMA auditlog_data TO auditlog_analyst",
    ),
    (
        "right elsewhere",
        "REVOKE EXECUTE ON FUNCTION pg_catalog.pg_control_system() FROM auditlog_owner",
    ),
];

/// Makes every change in a database and says how many the query saw; fails on the first it didn't.
pub fn check(database: &Database) -> Result<usize> {
    let begin: Vec<String> = PROBES
        .iter()
        .map(|(name, change)| format!("SAVEPOINT probe; {change}; SELECT '{MARK}{name}'"))
        .collect();
    // One transaction that is rolled back. The guards are off in it, because they refuse such changes.
    let mut steps = vec![
        Step::Sql("BEGIN"),
        Step::Sql("ALTER EVENT TRIGGER auditlog_guard_ddl DISABLE"),
        Step::Sql("ALTER EVENT TRIGGER auditlog_guard_drop DISABLE"),
        Step::File(QUERY),
    ];
    for change in &begin {
        steps.extend([
            Step::Sql(change),
            Step::File(QUERY),
            Step::Sql("ROLLBACK TO SAVEPOINT probe"),
        ]);
    }
    steps.push(Step::Sql("ROLLBACK"));
    judge(&database.run(&steps)?)
}

/// Starts the row before each probe's definitions; ends with a character that no definition holds.
const MARK: &str = "probe\u{1e}";

/// Compares the definitions after each change with those before all.
fn judge(output: &str) -> Result<usize> {
    let mut rounds = output.split(MARK);
    let unchanged = Definitions::parse(rounds.next().unwrap_or_default())?;
    let mut seen = 0;
    for round in rounds {
        let (name, rows) = round.split_once(RECORD_SEPARATOR).unwrap_or((round, ""));
        if unchanged.differences(&Definitions::parse(rows)?).is_empty() {
            return Err(Failure::new(format!("{QUERY} doesn't see a changed {name}"))
                .detail("Two databases that differ in it would pass as the same."));
        }
        seen += 1;
    }
    if seen == PROBES.len() {
        Ok(seen)
    } else {
        Err(Failure::new(format!("{seen} of {} probes ran", PROBES.len())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(definition_after: impl Fn(usize) -> &'static str) -> String {
        let row = |definition: &str| format!("table\u{1f}a.t\u{1f}{definition}\0");
        let rounds = PROBES.iter().enumerate();
        row("old")
            + &rounds
                .map(|(i, (name, _))| format!("{MARK}{name}\0{}", row(definition_after(i))))
                .collect::<String>()
    }

    #[test]
    fn passes_when_every_change_is_seen() {
        assert_eq!(judge(&output(|_| "new")), Ok(PROBES.len()));
    }

    #[test]
    fn names_the_change_that_is_not_seen() {
        let failure = judge(&output(|i| if i == 4 { "old" } else { "new" }))
            .expect_err("unseen")
            .to_string();
        assert!(failure.contains("doesn't see a changed column"), "{failure}");
    }

    #[test]
    fn fails_when_probes_are_left_out() {
        let all = output(|_| "new");
        let cut = &all[..all.find(PROBES[3].0).expect("fourth") - MARK.len()];
        assert!(judge(cut).expect_err("cut").to_string().contains("3 of 22 probes ran"));
    }
}
