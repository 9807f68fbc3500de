-- The extension, login roles that the others use, and helpers with an output that is the same in every run.
CREATE EXTENSION pg_auditlog;
SELECT extname, extversion, nspname AS schema, extrelocatable
FROM pg_extension e JOIN pg_namespace n ON n.oid = extnamespace WHERE extname = 'pg_auditlog';

CREATE ROLE regress_app LOGIN IN ROLE auditlog_writer;
CREATE ROLE regress_analyst LOGIN IN ROLE auditlog_analyst;
CREATE ROLE regress_nobody LOGIN;

-- Waits until the sealer has moved everything that is committed.
CREATE PROCEDURE settle() LANGUAGE plpgsql AS $$
BEGIN
  FOR i IN 1..1000 LOOP
    EXIT WHEN NOT EXISTS (SELECT FROM auditlog.events WHERE log_index IS NULL);
    COMMIT;
    PERFORM pg_sleep(0.02);
  END LOOP;
END $$;

-- Runs a statement that must fail and shows all of its error.
CREATE FUNCTION error_of(sql text, OUT code text, OUT message text, OUT detail text, OUT hint text)
LANGUAGE plpgsql AS $$
BEGIN
  BEGIN
    EXECUTE sql;
    message := 'ACCEPTED';
  EXCEPTION WHEN query_canceled OR OTHERS THEN
    GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
      detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    detail := regexp_replace(detail, 'clock says .*Z', 'clock says NOW');
  END;
END $$;
