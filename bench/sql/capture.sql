-- The table whose changes are captured: ordinary columns, among them a longer text and a jsonb that the UPDATEs leave alone.
CREATE TABLE bench.account (
    id integer PRIMARY KEY,
    email text NOT NULL,
    name text NOT NULL,
    status text NOT NULL,
    balance numeric(14, 2) NOT NULL,
    address text NOT NULL,
    settings jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
) WITH (fillfactor = 50);
INSERT INTO bench.account
SELECT i, format('user%s@example.com', i), format('User Number %s', i), 'active', i, repeat(md5(i::text), 4),
    jsonb_build_object('theme', 'dark', 'language', 'en', 'limits', jsonb_build_array(i, i + 1), 'beta', i % 2 = 0), now(), now()
FROM generate_series(1, :rows) AS i;
GRANT SELECT, INSERT, UPDATE, DELETE ON bench.account TO bench_app;
VACUUM ANALYZE bench.account;

-- One row a transaction, as the client's script does, but with no client that must be woken for each of them.
CREATE PROCEDURE bench.update_rows(times integer, rows integer) LANGUAGE plpgsql AS $$
DECLARE
    row_id integer;
BEGIN
    FOR i IN 1..times LOOP
        row_id := 1 + floor(random() * rows);
        UPDATE bench.account SET balance = balance + 1, updated_at = now() WHERE id = row_id;
        COMMIT;
    END LOOP;
END
$$;
