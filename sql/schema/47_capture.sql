-- Row capture: which application tables are tracked, and how. The triggers on them call auditlog_data.capture().

CREATE TABLE auditlog_data.tracked_table (
    relation regclass PRIMARY KEY,
    rules jsonb NOT NULL,
    rules_of text NOT NULL,
    only_if text,
    event_prefix text,
    state text NOT NULL DEFAULT 'enabled',
    tracked_by text NOT NULL,
    tracked_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
COMMENT ON TABLE auditlog_data.tracked_table IS 'Tables whose rows are captured; read auditlog.tracked_tables';
COMMENT ON COLUMN auditlog_data.tracked_table.rules IS 'columns that are ignored or masked, by number and name';
COMMENT ON COLUMN auditlog_data.tracked_table.rules_of IS 'system, database and table whose column numbers the rules have; elsewhere the names hold';
COMMENT ON COLUMN auditlog_data.tracked_table.state IS 'state of its triggers that the log knows of';
SELECT pg_catalog.pg_extension_config_dump('auditlog_data.tracked_table', '');

CREATE TRIGGER auditlog_no_change BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON auditlog_data.tracked_table
    FOR EACH STATEMENT EXECUTE FUNCTION auditlog_data.refuse();
ALTER TABLE auditlog_data.tracked_table ENABLE ALWAYS TRIGGER auditlog_no_change;

CREATE FUNCTION auditlog_data.capture() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'auditlog_capture';
COMMENT ON FUNCTION auditlog_data.capture() IS 'Trigger: records what happens to the rows of a tracked table';

-- With the caller's rights, as for CREATE TRIGGER; the list of tracked tables is written with the owner's.
CREATE FUNCTION auditlog.track(
    target regclass,
    ignore_columns text[] DEFAULT '{}',
    mask jsonb DEFAULT '{}',
    only_if text DEFAULT NULL,
    event_prefix text DEFAULT NULL
) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_track';
COMMENT ON FUNCTION auditlog.track(regclass, text[], jsonb, text, text) IS
    'Records every INSERT, UPDATE, DELETE and TRUNCATE of a table from now on; again for other columns, masks or conditions';

CREATE FUNCTION auditlog.untrack(target regclass) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_untrack';
COMMENT ON FUNCTION auditlog.untrack(regclass) IS 'Ends the recording of a table''s rows';

-- Every table that belongs to a tracked one: itself and its partitions.
CREATE FUNCTION auditlog_data.captured_relations() RETURNS TABLE (root oid, relation oid, is_foreign boolean)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = on AS
$body$
    WITH RECURSIVE tree AS (
        SELECT t.relation::oid AS root, t.relation::oid AS relation FROM auditlog_data.tracked_table AS t
        UNION ALL
        SELECT tree.root, i.inhrelid FROM tree JOIN pg_inherits AS i ON i.inhparent = tree.relation
            JOIN pg_class AS c ON c.oid = i.inhrelid AND c.relispartition
        WHERE NOT i.inhdetachpending
    )
    SELECT tree.root, tree.relation, COALESCE(c.relkind = 'f', false)
    FROM tree LEFT JOIN pg_class AS c ON c.oid = tree.relation
$body$;
COMMENT ON FUNCTION auditlog_data.captured_relations() IS 'Tracked tables and their partitions';

-- The worst of a table and its partitions: a trigger is missing, disabled, or silent under
-- session_replication_role = replica.
CREATE FUNCTION auditlog_data.capture_states() RETURNS TABLE (relation regclass, state text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = on AS
$body$
    SELECT r.root::regclass, CASE max(CASE
            WHEN g.tgenabled IS NULL THEN 3
            WHEN g.tgenabled IN ('D', 'R') THEN 2
            WHEN g.tgenabled = 'O' THEN 1
            ELSE 0 END)
        WHEN 3 THEN 'missing' WHEN 2 THEN 'disabled' WHEN 1 THEN 'weakened' ELSE 'enabled' END
    FROM auditlog_data.captured_relations() AS r
    -- pg_trigger.tgtype: AFTER INSERT, DELETE, UPDATE FOR EACH ROW; BEFORE TRUNCATE FOR EACH STATEMENT.
    CROSS JOIN (VALUES (5), (9), (17), (34)) AS w (kind)
    LEFT JOIN pg_trigger AS g ON g.tgrelid = r.relation AND g.tgtype = w.kind
        AND g.tgfoid = 'auditlog_data.capture()'::regprocedure
    -- Foreign tables have no trigger for TRUNCATE before PostgreSQL 16.
    WHERE NOT (r.is_foreign AND w.kind = 34)
    GROUP BY r.root
$body$;
COMMENT ON FUNCTION auditlog_data.capture_states() IS 'State of the triggers of each tracked table';

CREATE VIEW auditlog.tracked_tables AS
SELECT
    t.relation,
    s.state,
    ARRAY(
        SELECT COALESCE(a.attname, r.name) FROM ROWS FROM (
            pg_catalog.jsonb_to_recordset(t.rules) AS (number smallint, name text, treatment text)) AS r
        LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid OPERATOR(pg_catalog.=) t.relation
            AND a.attnum OPERATOR(pg_catalog.=) r.number AND NOT a.attisdropped
        WHERE r.treatment OPERATOR(pg_catalog.=) 'ignore' ORDER BY r.number
    ) AS ignore_columns,
    (
        SELECT COALESCE(pg_catalog.jsonb_object_agg(COALESCE(a.attname, r.name), r.treatment), '{}') FROM ROWS FROM (
            pg_catalog.jsonb_to_recordset(t.rules) AS (number smallint, name text, treatment text)) AS r
        LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid OPERATOR(pg_catalog.=) t.relation
            AND a.attnum OPERATOR(pg_catalog.=) r.number AND NOT a.attisdropped
        WHERE r.treatment OPERATOR(pg_catalog.<>) 'ignore'
    ) AS mask,
    t.only_if,
    t.event_prefix,
    t.tracked_by,
    t.tracked_at
FROM auditlog_data.tracked_table AS t
JOIN auditlog_data.capture_states() AS s ON s.relation OPERATOR(pg_catalog.=) t.relation;
COMMENT ON VIEW auditlog.tracked_tables IS
    'Tables whose rows are captured; state: enabled, weakened (silent for session_replication_role = replica), disabled, missing';
