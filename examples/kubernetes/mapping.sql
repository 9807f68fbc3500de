-- auditlog_kubernetes(record jsonb): an audit event of the Kubernetes API server becomes an event
-- of pg_auditlog. The mapping field by field is in README.md. Schema: public, or the one given
-- with psql -v schema=NAME (pg_temp keeps the function to this session).
--
-- It never fails on a strange record: what is not there, or not of the expected kind, is left
-- out, and the whole record stays under metadata.kubernetes.

\if :{?schema}
\else
\set schema public
\endif

CREATE OR REPLACE FUNCTION :"schema".auditlog_kubernetes(record jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $mapping$
DECLARE
  verb text := nullif(record ->> 'verb', '');
  stage text := nullif(record ->> 'stage', '');
  object jsonb := CASE WHEN jsonb_typeof(record -> 'objectRef') = 'object' THEN record -> 'objectRef' END;
  kind text := object ->> 'resource';
  subresource text := nullif(object ->> 'subresource', '');
  -- A namespace is not inside itself, though its objectRef says so.
  namespace text := CASE WHEN kind IS DISTINCT FROM 'namespaces' THEN nullif(object ->> 'namespace', '') END;
  request jsonb := nullif(record -> 'requestObject', 'null');
  response jsonb := nullif(record -> 'responseObject', 'null');
  who jsonb := record -> 'user';
  username text := nullif(who ->> 'username', '');
  agent text := nullif(record ->> 'userAgent', '');
  decision text := record #>> '{annotations,authorization.k8s.io/decision}';
  code int := CASE WHEN record #>> '{responseStatus,code}' ~ '^\d{1,4}$' THEN (record #>> '{responseStatus,code}')::int END;
  writes boolean := verb IN ('create', 'update', 'patch', 'delete', 'deletecollection');
  connects boolean := coalesce(subresource IN ('exec', 'attach', 'portforward', 'proxy'), false);
  event_type text;
  status text;
  severity text;
  moment text;
  fraction text;
  name text;
  before jsonb;
  after jsonb;
  labels jsonb;
BEGIN
  -- A Status says how the request went; it is not the object.
  IF response ->> 'kind' = 'Status' THEN
    response := NULL;
  END IF;

  ---------------------------------------------------------------- event type
  event_type := CASE
    WHEN verb IS NULL THEN 'integration.unrecognized'
    WHEN subresource IN ('exec', 'attach', 'proxy') THEN 'access.' || subresource
    WHEN subresource = 'portforward' THEN 'access.port_forward'
    -- questions and tokens, which the API asks for with the verb create
    WHEN kind ~ 'accessreviews$|rulesreviews$' OR kind = 'tokenreviews' THEN 'access.check'
    WHEN kind = 'serviceaccounts' AND subresource = 'token' THEN 'authentication.token_issue'
    -- reading comes before the special kinds: only writes to them are special
    WHEN verb IN ('get', 'list', 'watch', 'head', 'options') THEN 'resource.view'
    WHEN kind IN ('roles', 'clusterroles') THEN CASE
      WHEN verb = 'create' THEN 'role.create'
      WHEN verb ~ '^delete' THEN 'role.drop'
      ELSE 'role.alter' END
    WHEN kind IN ('rolebindings', 'clusterrolebindings') THEN CASE
      WHEN verb ~ '^delete' THEN 'revoke.role'
      ELSE 'grant.role' END
    WHEN kind ~ 'polic(y|ies)(bindings)?$' THEN CASE
      WHEN verb = 'create' THEN 'policy.create'
      WHEN verb ~ '^delete' THEN 'policy.drop'
      ELSE 'policy.modify' END
    WHEN subresource = 'eviction' OR verb ~ '^delete' THEN 'resource.delete'
    WHEN verb = 'create' AND subresource IS NULL THEN 'resource.create'
    ELSE 'resource.modify'
  END;

  ---------------------------------------------------------------- status and severity
  status := CASE
    WHEN code IN (401, 403) OR decision = 'forbid' THEN 'denied'
    WHEN code >= 400 OR stage = 'Panic' THEN 'failed'
    WHEN code > 0 THEN 'success'
    WHEN stage = 'RequestReceived' THEN 'started'
  END;
  -- Otherwise the catalogue's default for the type applies.
  severity := CASE
    WHEN code >= 500 OR stage = 'Panic' THEN 'error'
    WHEN code IN (404, 409) THEN 'notice'   -- everyday answers to controllers and curious clients
    WHEN status IN ('denied', 'failed') THEN 'warning'
    WHEN username = 'system:anonymous' AND (writes OR connects) THEN 'warning'
  END;

  ---------------------------------------------------------------- timestamp: Z, and 0, 3 or 6 digits
  moment := substring(coalesce(record ->> 'requestReceivedTimestamp', record ->> 'stageTimestamp', record ->> 'timestamp')
    from '^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?Z$');
  fraction := substring(moment from '\.(\d+)Z$');
  IF length(fraction) NOT IN (3, 6) THEN
    moment := split_part(moment, '.', 1) || '.' || rpad(left(fraction, 6), 6, '0') || 'Z';
  END IF;

  ---------------------------------------------------------------- resource
  -- Creation by a controller names the object only in the answer, or not at all.
  name := coalesce(nullif(object ->> 'name', ''), response #>> '{metadata,name}', request #>> '{metadata,name}',
                   (request #>> '{metadata,generateName}') || '*', CASE WHEN writes THEN '*' END);
  -- The labels that the object has, or is to have, are its tags.
  labels := coalesce(response #> '{metadata,labels}', request #> '{metadata,labels}');
  IF jsonb_typeof(labels) = 'object' THEN
    SELECT jsonb_object_agg(key, coalesce(value #>> '{}', '')) INTO labels FROM jsonb_each(labels);
  ELSE
    labels := NULL;
  END IF;

  ---------------------------------------------------------------- changes
  IF status = 'success' AND NOT connects THEN
    IF verb IN ('create', 'update', 'patch') THEN
      after := coalesce(response, request);
    ELSIF verb = 'delete' THEN
      before := response;   -- some kinds answer with the object that is gone
    END IF;
  END IF;

  ---------------------------------------------------------------- the event
  -- Nulls are stripped before records and objects go in: those keep theirs.
  RETURN jsonb_strip_nulls(jsonb_build_object(
      'event_id', nullif(record ->> 'auditID', '') || coalesce('.' || stage, ''),
      'timestamp', moment,
      'event_type', event_type,
      'severity', severity,
      'actor', nullif(jsonb_strip_nulls(jsonb_build_object(
        'type', CASE
          WHEN username = 'system:anonymous' THEN 'anonymous'
          WHEN username ~ '^system:' THEN 'service'
          WHEN username IS NOT NULL THEN 'user' END,
        'id', username,
        'uid', nullif(who ->> 'uid', ''),
        'email', substring(username from '[^@\s/:]+@[^@\s/:]+\.[^@\s/:]+$'),
        'groups', CASE WHEN jsonb_typeof(who -> 'groups') = 'array' THEN who -> 'groups' END,
        'ip_address', nullif(record #>> '{sourceIPs,0}', ''),
        'user_agent', agent,
        'session_id', who #>> '{extra,authentication.kubernetes.io/credential-id,0}')), '{}'),
      'resource', CASE
        WHEN object IS NOT NULL THEN jsonb_build_object(
          'type', kind || coalesce('/' || subresource, ''),
          'id', coalesce(namespace || '/', '') || name,
          'name', name, 'namespace', namespace,
          'api_group', nullif(object ->> 'apiGroup', ''), 'uid', nullif(object ->> 'uid', ''),
          'tags', labels)
        -- such as /healthz: a path of the server, no object
        WHEN verb IS NOT NULL THEN jsonb_build_object(
          'type', 'path', 'id', split_part(record ->> 'requestURI', '?', 1)) END,
      'action', nullif(jsonb_strip_nulls(jsonb_build_object(
        'operation', CASE WHEN connects THEN subresource ELSE verb END,
        'status', status,
        'method', CASE
          WHEN agent ~* '^(kubectl|oc|helm|k9s|stern|kubectx)\M' THEN 'cli'
          WHEN agent ~* '^mozilla/|dashboard' THEN 'console'
          WHEN verb IS NOT NULL THEN 'api' END)), '{}')))
    || CASE WHEN before IS NOT NULL THEN jsonb_build_object('changes', jsonb_build_object('before', before))
            WHEN after IS NOT NULL THEN jsonb_build_object('changes', jsonb_build_object('after', after))
            ELSE '{}' END
    || jsonb_build_object('metadata', jsonb_strip_nulls(jsonb_build_object(
        'request_id', nullif(record ->> 'auditID', ''),
        'api_version', nullif(object ->> 'apiVersion', ''),
        'stage', stage,
        'level', nullif(record ->> 'level', ''),
        'verb', verb,
        'request_uri', nullif(record ->> 'requestURI', ''),
        'status_code', code,
        'impersonated_user', record #>> '{impersonatedUser,username}',
        'annotations', CASE WHEN jsonb_typeof(record -> 'annotations') = 'object' THEN record -> 'annotations' END,
        'tags', to_jsonb(array_remove(ARRAY['kubernetes', namespace], NULL))))
      || jsonb_build_object('kubernetes', record));
END
$mapping$;

COMMENT ON FUNCTION :"schema".auditlog_kubernetes(jsonb) IS
  'The pg_auditlog event for a Kubernetes audit event; the record itself is kept under metadata.kubernetes.';
