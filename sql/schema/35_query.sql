-- The query language (docs/query-language.md) over documents and events.

CREATE FUNCTION auditlog.matches(event jsonb, query text) RETURNS boolean
    LANGUAGE c STABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'auditlog_matches';
COMMENT ON FUNCTION auditlog.matches(jsonb, text) IS 'Does the event, or any JSON document, satisfy the query?';

CREATE FUNCTION auditlog.matches(event text, query text) RETURNS boolean
    LANGUAGE c STABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'auditlog_matches_text';
COMMENT ON FUNCTION auditlog.matches(text, text) IS 'Does the JSON document, given as text, satisfy the query?';

-- The query as a condition: events @@@ 'query'. While planning, the support function turns it into
-- ordinary conditions on columns; the function''s own body judges a row where it can''t.
CREATE FUNCTION auditlog_data.matches_support(internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'auditlog_matches_support';
COMMENT ON FUNCTION auditlog_data.matches_support(internal) IS 'Planner support of auditlog.matches(auditlog.events, text)';

CREATE FUNCTION auditlog.matches(event auditlog.events, query text) RETURNS boolean
    LANGUAGE c STABLE PARALLEL SAFE COST 1000 SUPPORT auditlog_data.matches_support
    AS 'MODULE_PATHNAME', 'auditlog_matches_event';
COMMENT ON FUNCTION auditlog.matches(auditlog.events, text) IS 'Does the event satisfy the query?';

-- In pg_catalog, so that nobody needs auditlog in the search_path: there, auditlog.count(text) would be
-- taken for count() of a text column.
CREATE OPERATOR pg_catalog.@@@ (
    FUNCTION = auditlog.matches, LEFTARG = auditlog.events, RIGHTARG = text,
    RESTRICT = pg_catalog.matchingsel, JOIN = pg_catalog.matchingjoinsel
);
COMMENT ON OPERATOR pg_catalog.@@@ (auditlog.events, text) IS 'Does the event satisfy the query?';

-- What those conditions are made of where SQL has no operator of the same meaning.
CREATE FUNCTION auditlog.fold(value text) RETURNS text
    LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'auditlog_fold';
COMMENT ON FUNCTION auditlog.fold(text) IS 'The text without differences of case, as queries compare it; the same in every locale';

CREATE FUNCTION auditlog.moment(date text, time_zone text DEFAULT 'UTC') RETURNS timestamptz
    LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'auditlog_moment';
COMMENT ON FUNCTION auditlog.moment(text, text) IS 'The first moment of a date as queries write it, such as now-7d/d';

CREATE FUNCTION auditlog.match_text(value text, query text, leaf integer) RETURNS boolean
    LANGUAGE c STABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'auditlog_match_text';
COMMENT ON FUNCTION auditlog.match_text(text, text, integer) IS 'Does the value satisfy this condition of the query? Used by conditions that pg_auditlog makes';

CREATE FUNCTION auditlog.match_list("values" text[], query text, leaf integer) RETURNS boolean
    LANGUAGE c STABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'auditlog_match_list';
COMMENT ON FUNCTION auditlog.match_list(text[], text, integer) IS 'Does any of the values satisfy this condition of the query? Used by conditions that pg_auditlog makes';

CREATE FUNCTION auditlog.match_json(value jsonb, query text, leaf integer, target integer, skip integer) RETURNS boolean
    LANGUAGE c STABLE PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'auditlog_match_json';
COMMENT ON FUNCTION auditlog.match_json(jsonb, text, integer, integer, integer) IS 'Does what lies in the value satisfy this condition of the query? Used by conditions that pg_auditlog makes';

CREATE FUNCTION auditlog.match_event(event auditlog.events, query text, leaf integer) RETURNS boolean
    LANGUAGE c STABLE PARALLEL SAFE COST 500 AS 'MODULE_PATHNAME', 'auditlog_match_event';
COMMENT ON FUNCTION auditlog.match_event(auditlog.events, text, integer) IS 'Does the event satisfy this condition of the query? Used by conditions that pg_auditlog makes';

CREATE FUNCTION auditlog.parse_query(query text) RETURNS jsonb
    LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'auditlog_parse_query';
COMMENT ON FUNCTION auditlog.parse_query(text) IS 'The query as a tree; "span" is the place in the text, in bytes';

CREATE FUNCTION auditlog.format_query(query text) RETURNS text
    LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'auditlog_format_query';
COMMENT ON FUNCTION auditlog.format_query(text) IS 'The query as it is understood, written out; NOTICEs say what was probably not meant';

CREATE FUNCTION auditlog.explain_query(query text) RETURNS text
    LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'auditlog_explain_query';
COMMENT ON FUNCTION auditlog.explain_query(text) IS 'The SQL that means the same as the query, and the values of its parameters';

CREATE FUNCTION auditlog.fields()
    RETURNS TABLE (field text, "column" text, type text, short_names text[], description text, example text)
    LANGUAGE c STABLE PARALLEL SAFE ROWS 40 AS 'MODULE_PATHNAME', 'auditlog_fields';
COMMENT ON FUNCTION auditlog.fields() IS 'The fields that queries know, with their short names';
