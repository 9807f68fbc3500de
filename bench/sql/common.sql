-- What every benchmarked database has, whatever its variant: a schema and rights for the client role.
-- The load runs as an ordinary role, as applications do; a superuser would skip permission checks.
CREATE SCHEMA bench;
GRANT USAGE ON SCHEMA bench TO bench_app;
