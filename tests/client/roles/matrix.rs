//! Every role × every object × every operation, against the model.

use super::model::{FUNCTIONS, GROUPS, RELATIONS, line, lines};
use crate::guard::sealed;
use auditlog_testkit::Database;
use auditlog_testkit::postgres::Client;
use std::collections::BTreeSet;

fn rows(client: &mut Client, sql: &str) -> Vec<[String; 2]> {
    let rows = client.query(sql, &[]).unwrap_or_else(|e| panic!("{sql}: {e:?}"));
    rows.iter().map(|row| [row.get(0), row.get(1)]).collect()
}

/// Names of relations with a column of each, partitions and what hangs on tables left to PostgreSQL.
fn relations(client: &mut Client) -> Vec<[String; 2]> {
    rows(
        client,
        "SELECT format('%I.%I', n.nspname, c.relname),
            (SELECT quote_ident(a.attname) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 ORDER BY a.attnum LIMIT 1)
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname IN ('auditlog', 'auditlog_data') AND c.relkind NOT IN ('i', 'I', 't') ORDER BY 1",
    )
}

/// Names of functions with a call that has a NULL for each argument, of which the planner does not know.
fn functions(client: &mut Client) -> Vec<[String; 2]> {
    rows(
        client,
        "SELECT format('%I.%I', n.nspname, p.proname),
            CASE WHEN p.prorettype IN ('trigger'::regtype, 'event_trigger'::regtype) OR 'internal'::regtype = ANY (p.proargtypes) THEN ''
            ELSE format('SELECT %I.%I(%s)', n.nspname, p.proname,
                (SELECT string_agg('(SELECT NULL::' || format_type(t, NULL) || ')', ', ') FROM unnest(p.proargtypes) AS t)) END
         FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
         WHERE n.nspname IN ('auditlog', 'auditlog_data') ORDER BY 1, 2",
    )
}

/// Is the statement allowed? What it does is rolled back.
fn allowed(client: &mut Client, sql: &str) -> bool {
    let mut transaction = client.transaction().expect("BEGIN");
    let result = match sql.strip_prefix("COPY") {
        Some(_) if sql.ends_with("STDOUT") => transaction.copy_out(sql).map(|mut reader| {
            let mut all = Vec::new();
            std::io::Read::read_to_end(&mut reader, &mut all).expect("the rows");
        }),
        _ => transaction.batch_execute(sql),
    };
    match result {
        Ok(()) => true,
        Err(error) => match error.code().map(|code| code.code().to_owned()).as_deref() {
            // no such thing for anybody: a view that takes no rows, or no COPY
            Some("42501" | "55000" | "42809" | "0A000") => false,
            // a row that is no good was about to be written
            Some("23502" | "22004" | "22023" | "23514" | "23505") => true,
            _ => panic!("{sql}: {error:?}"),
        },
    }
}

fn statements(relation: &str, column: &str) -> Vec<(usize, String)> {
    vec![
        (1, format!("SELECT * FROM {relation}")),
        (1, format!("SELECT count(*) FROM {relation}")),
        (1, format!("EXPLAIN SELECT * FROM {relation}")),
        (1, format!("COPY (SELECT * FROM {relation}) TO STDOUT")),
        (
            1,
            format!("DECLARE c CURSOR FOR SELECT {column} FROM {relation}; FETCH 1 FROM c"),
        ),
        // a row that has a partition, so that the trigger is asked
        (
            2,
            match relation.starts_with("auditlog_data.log") {
                true => {
                    format!("INSERT INTO {relation} (retention_class, timestamp) VALUES ('standard', '2024-03-10')")
                }
                false => format!("INSERT INTO {relation} DEFAULT VALUES"),
            },
        ),
        (3, format!("UPDATE {relation} SET {column} = {column}")),
        (4, format!("DELETE FROM {relation}")),
        (5, format!("TRUNCATE {relation}")),
    ]
}

/// Sets of groups: none, each, and each pair of the product's own.
fn combinations() -> Vec<Vec<(char, &'static str)>> {
    let mut all = vec![vec![]];
    all.extend(GROUPS.map(|group| vec![group]));
    let ours = &GROUPS[..6];
    for (i, first) in ours.iter().enumerate() {
        all.extend(ours[i + 1..].iter().map(|second| vec![*first, *second]));
    }
    all
}

/// Tables that have no rows by themselves get one, so that the triggers have something to refuse.
fn filled() -> Database {
    let db = sealed();
    let mut admin = db.superuser();
    admin
        .batch_execute(
            "SELECT auditlog.record('{\"event_type\": \"a.b\"}'::jsonb, 'a key');
             SELECT auditlog.save_query('saved', '*'); SELECT auditlog.add_principal('postgres', 'root')",
        )
        .expect("rows");
    auditlog_testkit::log::wait_sealed(&mut admin);
    db
}

#[test]
fn the_model_knows_every_object_and_no_others() {
    let db = sealed();
    let mut admin = db.superuser();
    // What is told of a hold is of a class of its own, so that it has a table of its own.
    admin
        .batch_execute("SELECT auditlog.hold('model', 'event_type:x', NULL, 'a test')")
        .expect("hold()");
    auditlog_testkit::log::wait_sealed(&mut admin);
    for (model, objects) in [(RELATIONS, relations(&mut admin)), (FUNCTIONS, functions(&mut admin))] {
        let found: BTreeSet<&str> = objects.iter().map(|[name, _]| line(model, name)[0]).collect();
        let known: BTreeSet<&str> = lines(model).map(|words| words[0]).collect();
        assert_eq!(known, found, "objects that are gone have no line");
    }
}

#[test]
fn every_role_may_do_what_the_model_says_with_relations() {
    let db = filled();
    let relations = relations(&mut db.superuser());
    for groups in combinations() {
        let names: Vec<&str> = groups.iter().map(|(_, name)| *name).collect();
        let mut client = db.connect_as(&db.login(&names));
        for [relation, column] in &relations {
            let model = line(RELATIONS, relation);
            for (at, sql) in statements(relation, column) {
                let expected = groups.iter().any(|(letter, _)| model[at].contains(*letter));
                assert_eq!(allowed(&mut client, &sql), expected, "{names:?}: {sql}");
            }
        }
    }
}

#[test]
fn owner_and_superuser_change_no_events_either() {
    let db = filled();
    let relations = relations(&mut db.superuser());
    for (letter, set) in [('S', "SELECT"), ('O', "SET ROLE auditlog_owner")] {
        let mut client = db.superuser();
        client.batch_execute(set).expect("a superuser may");
        for [relation, column] in &relations {
            let model = line(RELATIONS, relation);
            for (at, sql) in statements(relation, column) {
                // an UPDATE or DELETE of no row fires no row trigger
                let empty = format!("SELECT count(*) FROM {relation}");
                let empty = client.query_one(&empty, &[]).is_ok_and(|row| row.get::<_, i64>(0) == 0);
                if at > 2 && at < 5 && empty {
                    continue;
                }
                assert_eq!(
                    allowed(&mut client, &sql),
                    model[at].contains(letter),
                    "{letter}: {sql}"
                );
            }
        }
    }
}

#[test]
fn every_role_may_call_what_the_model_says() {
    let db = filled();
    let mut admin = db.superuser();
    let functions = functions(&mut admin);
    let sql =
        "SELECT format('%I.%I', pronamespace::regnamespace, proname), has_function_privilege($1::text, oid, 'EXECUTE')
        FROM pg_proc WHERE pronamespace IN ('auditlog'::regnamespace, 'auditlog_data'::regnamespace)";
    for groups in combinations() {
        let names: Vec<&str> = groups.iter().map(|(_, name)| *name).collect();
        let role = db.login(&names);
        let may = |name: &str| {
            let model = line(FUNCTIONS, name)[1];
            model.contains('E') || groups.iter().any(|(letter, _)| model.contains(*letter))
        };
        for row in admin.query(sql, &[&role]).expect("functions") {
            let name: String = row.get(0);
            assert_eq!(row.get::<_, bool>(1), may(&name), "{names:?}: EXECUTE of {name}");
        }
        let mut client = db.connect_as(&role);
        for [name, call] in &functions {
            let closed = name.starts_with("auditlog_data.");
            if !call.is_empty() && (closed || !may(name)) {
                let error = client.batch_execute(call).expect_err("no right to call it");
                assert_eq!(
                    error.code().map(|code| code.code()),
                    Some("42501"),
                    "{names:?}: {call}: {error:?}"
                );
            }
        }
    }
}

/// Under row_security = off a statement of the owner would be an error, as its rows are subject to a policy too.
#[test]
fn functions_with_the_owners_rights_see_all_rows_whatever_the_session_says() {
    let db = Database::new();
    let open = rows(
        &mut db.superuser(),
        "SELECT oid::regprocedure::text, coalesce(proconfig::text, '') FROM pg_proc
         WHERE pronamespace IN ('auditlog'::regnamespace, 'auditlog_data'::regnamespace) AND prosecdef
           AND NOT 'row_security=on' = ANY (coalesce(proconfig, '{}'))",
    );
    assert_eq!(open, Vec::<[String; 2]>::new(), "add SET row_security = on");
}
