-- Reads the file named by :file into pg_temp.line (n, text), a row a line, byte for byte.
-- COPY's text format would eat the backslashes of JSON, so it is read as CSV with a quote and a
-- delimiter that JSON text cannot contain. psql does not put variables into \copy, hence the detour;
-- the path is quoted by hand because \copy does not know E'' strings.

\ir clear.sql
CREATE TEMP TABLE line (n bigint GENERATED ALWAYS AS IDENTITY, text text);
SELECT format('\copy pg_temp.line (text) from %s with (format csv, quote e''\x01'', delimiter e''\x02'', encoding ''utf8'')',
              '''' || replace(:'file', '''', '''''') || '''') AS copy_command \gset
:copy_command
