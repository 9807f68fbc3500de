-- What people write by hand: a generic trigger in PL/pgSQL that keeps the old and the new row. As short as it can be
-- and still say who, when, what, which row; one index to find a row's history. No hash, no chain.
CREATE TABLE bench.row_history (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    table_name text NOT NULL,
    row_id text NOT NULL,
    operation text NOT NULL,
    session_role name NOT NULL DEFAULT session_user,
    transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id(),
    client inet DEFAULT inet_client_addr(),
    application text DEFAULT current_setting('application_name'),
    old_row jsonb,
    new_row jsonb
);
CREATE INDEX ON bench.row_history (table_name, row_id);

CREATE FUNCTION bench.keep_history() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO bench.row_history (table_name, row_id, operation, old_row, new_row)
    VALUES (format('%I.%I', TG_TABLE_SCHEMA, TG_TABLE_NAME), COALESCE(NEW.id, OLD.id)::text, TG_OP, to_jsonb(OLD), to_jsonb(NEW));
    RETURN NULL;
END
$$;

CREATE TRIGGER keep_history AFTER INSERT OR UPDATE OR DELETE ON bench.account FOR EACH ROW EXECUTE FUNCTION bench.keep_history();
