-- What people write by hand: a generic trigger in PL/pgSQL that keeps the old and the new row of any table. It says what an
-- event of auditlog.track says: which row by its key, who by the application's claims and by login, from where, when, in
-- which transaction; it records no UPDATE that changes nothing; its table can be searched by time, actor and row. No masks,
-- no hash, no chain, no long values cut.
CREATE TABLE bench.row_history (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    table_name text NOT NULL,
    row_id text,
    operation text NOT NULL,
    actor text NOT NULL,
    session_role name NOT NULL DEFAULT session_user,
    transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id(),
    client inet DEFAULT inet_client_addr(),
    application text DEFAULT current_setting('application_name'),
    old_row jsonb,
    new_row jsonb
);
CREATE INDEX ON bench.row_history (at);
CREATE INDEX ON bench.row_history (actor, at);
CREATE INDEX ON bench.row_history (table_name, row_id, at);

-- The arguments are the names of the key's columns.
CREATE FUNCTION bench.keep_history() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    old_row jsonb := to_jsonb(OLD);
    new_row jsonb := to_jsonb(NEW);
BEGIN
    IF old_row = new_row THEN
        RETURN NULL;
    END IF;
    INSERT INTO bench.row_history (table_name, row_id, operation, actor, old_row, new_row)
    VALUES (
        format('%I.%I', TG_TABLE_SCHEMA, TG_TABLE_NAME),
        (SELECT string_agg(COALESCE(old_row, new_row) ->> k, ',') FROM unnest(TG_ARGV) AS k),
        TG_OP,
        COALESCE(NULLIF(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub', session_user),
        old_row,
        new_row
    );
    RETURN NULL;
END
$$;

CREATE TRIGGER keep_history AFTER INSERT OR UPDATE OR DELETE ON bench.account FOR EACH ROW EXECUTE FUNCTION bench.keep_history('id');
