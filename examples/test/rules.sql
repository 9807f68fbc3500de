-- The rules that an event document must keep, and a way to say that a check passed.

-- What is wrong with a document, if anything.
CREATE FUNCTION auditlog_examples_test.faults(doc jsonb) RETURNS SETOF text LANGUAGE sql IMMUTABLE AS $$
  SELECT '$ is no object' WHERE jsonb_typeof(doc) IS DISTINCT FROM 'object'
  UNION ALL
  SELECT '$.event_type is ' || coalesce((doc -> 'event_type')::text, 'not there')
  WHERE jsonb_typeof(doc -> 'event_type') IS DISTINCT FROM 'string'
     OR doc ->> 'event_type' !~ '^[a-z0-9_][a-z0-9_-]*(\.[a-z0-9_][a-z0-9_-]*)*$'
  UNION ALL
  SELECT '$.severity is ' || (doc -> 'severity')::text
  WHERE doc ? 'severity' AND doc -> 'severity' NOT IN ('"debug"', '"info"', '"notice"', '"warning"', '"error"', '"critical"')
  UNION ALL
  SELECT '$.timestamp is ' || (doc -> 'timestamp')::text
  WHERE doc ? 'timestamp' AND (jsonb_typeof(doc -> 'timestamp') <> 'string'
     OR doc ->> 'timestamp' !~ '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3}|\.\d{6})?Z$'
     OR (doc ->> 'timestamp')::timestamptz > now() + interval '5 minutes')
  UNION ALL
  SELECT '$.' || name || ' is no object'
  FROM unnest(ARRAY['actor', 'resource', 'action', 'changes', 'metadata']) AS name
  WHERE doc ? name AND jsonb_typeof(doc -> name) <> 'object'
  UNION ALL
  SELECT '$.' || array_to_string(path, '.') || ' is no string'
  FROM (VALUES ('{event_id}'::text[]), ('{tenant}'), ('{idempotency_key}'), ('{actor,type}'), ('{actor,id}'), ('{actor,email}'),
    ('{actor,ip_address}'), ('{actor,user_agent}'), ('{actor,session_id}'), ('{resource,type}'), ('{resource,id}'),
    ('{resource,cloud_provider}'), ('{resource,account_id}'), ('{resource,region}'), ('{action,operation}'),
    ('{action,status}'), ('{action,method}'), ('{metadata,request_id}')) AS leaf (path)
  WHERE jsonb_typeof(doc #> path) <> 'string' OR doc #>> path = ''
  UNION ALL
  SELECT '$.resource.tags is no object of strings'
  WHERE doc -> 'resource' ? 'tags' AND (jsonb_typeof(doc #> '{resource,tags}') <> 'object'
     OR jsonb_path_exists(doc, 'lax $.resource.tags.* ? (@.type() != "string")'))
  UNION ALL
  SELECT '$.metadata.tags is no list of strings'
  WHERE doc -> 'metadata' ? 'tags' AND (jsonb_typeof(doc #> '{metadata,tags}') <> 'array'
     OR jsonb_path_exists(doc, 'lax $.metadata.tags[*] ? (@.type() != "string")'))
$$;

-- A line «ok …», or an error that shows both values.
CREATE FUNCTION auditlog_examples_test.expect(actual anycompatible, wanted anycompatible, what text) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
  IF actual IS DISTINCT FROM wanted THEN
    RAISE EXCEPTION 'check failed: %', what USING DETAIL = format('It is %s but should be %s.', coalesce(actual::text, 'null'), coalesce(wanted::text, 'null'));
  END IF;
  RETURN 'ok ' || what;
END
$$;
