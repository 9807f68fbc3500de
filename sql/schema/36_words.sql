-- The word index: which words occur in which events (crates/index; decision 13). The sealer writes it
-- beside the log; a search asks it for candidates, and each is then judged by the query itself. Not
-- in dumps: it is made anew from the log.

CREATE TABLE auditlog_data.word_run (
    run bigint PRIMARY KEY,
    first_index bigint NOT NULL,
    end_index bigint NOT NULL,
    bits smallint NOT NULL,
    postings bigint NOT NULL
);
COMMENT ON TABLE auditlog_data.word_run IS 'Runs of the word index: each covers the events from first_index to before end_index';

CREATE TABLE auditlog_data.word_chunk (
    run bigint NOT NULL,
    bucket integer NOT NULL,
    data bytea NOT NULL,
    PRIMARY KEY (run, bucket)
);
-- Chunks have nothing left to compress.
ALTER TABLE auditlog_data.word_chunk ALTER COLUMN data SET STORAGE EXTERNAL;
ALTER TABLE auditlog_data.word_chunk SET (autovacuum_vacuum_scale_factor = 0.1, toast.autovacuum_vacuum_scale_factor = 0.1);
COMMENT ON TABLE auditlog_data.word_chunk IS 'Chunks of runs: the postings of the words whose hash begins with the bits of bucket';

CREATE FUNCTION auditlog_data.word_collect(event auditlog.events) RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_word_collect';
COMMENT ON FUNCTION auditlog_data.word_collect(auditlog.events) IS 'Adds an event''s words to the run that the sealer builds';

CREATE FUNCTION auditlog_data.word_support(internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'auditlog_word_support';
COMMENT ON FUNCTION auditlog_data.word_support(internal) IS 'Planner support of auditlog.word_filter and auditlog_data.word_candidates';

-- It is stable, but the planner would make the whole answer of what is stable, and then estimate each
-- item of it, only to know how many rows to expect: word_filter tells it that.
CREATE FUNCTION auditlog_data.word_candidates(query text) RETURNS bigint[]
    LANGUAGE c VOLATILE STRICT PARALLEL SAFE COST 1000 SUPPORT auditlog_data.word_support
    AS 'MODULE_PATHNAME', 'auditlog_word_candidates';
COMMENT ON FUNCTION auditlog_data.word_candidates(text) IS 'Places in the log of the events that have the query''s words, and of those that are not indexed yet';

-- In the open schema: postgres_fdw names it to other databases (examples/fleet), and it says nothing of the log.
CREATE FUNCTION auditlog.word_filter(log_index bigint, query text) RETURNS boolean
    LANGUAGE c IMMUTABLE LEAKPROOF PARALLEL SAFE COST 0.1 SUPPORT auditlog_data.word_support
    AS 'MODULE_PATHNAME', 'auditlog_word_filter';
COMMENT ON FUNCTION auditlog.word_filter(bigint, text) IS 'True; lets the planner use the word index in its place';

CREATE FUNCTION auditlog.rebuild_word_index() RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_rebuild_word_index';
COMMENT ON FUNCTION auditlog.rebuild_word_index() IS 'Has the sealer make the word index anew from the log; searches work meanwhile, without it';
