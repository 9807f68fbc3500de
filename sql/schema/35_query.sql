-- The query language (docs/query-language.md) over documents; nothing here reads a table of ours.

CREATE FUNCTION auditlog.matches(event jsonb, query text) RETURNS boolean
    LANGUAGE c STABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'auditlog_matches';
COMMENT ON FUNCTION auditlog.matches(jsonb, text) IS 'Does the event, or any JSON document, satisfy the query?';

CREATE FUNCTION auditlog.parse_query(query text) RETURNS jsonb
    LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'auditlog_parse_query';
COMMENT ON FUNCTION auditlog.parse_query(text) IS 'The query as a tree; "span" is the place in the text, in bytes';

CREATE FUNCTION auditlog.format_query(query text) RETURNS text
    LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'auditlog_format_query';
COMMENT ON FUNCTION auditlog.format_query(text) IS 'The query as it is understood, written out; NOTICEs say what was probably not meant';

CREATE FUNCTION auditlog.fields()
    RETURNS TABLE (field text, "column" text, type text, short_names text[], description text, example text)
    LANGUAGE c STABLE PARALLEL SAFE ROWS 40 AS 'MODULE_PATHNAME', 'auditlog_fields';
COMMENT ON FUNCTION auditlog.fields() IS 'The fields that queries know, with their short names';
