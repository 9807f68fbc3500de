-- auditlog_cloudtrail(record jsonb): an AWS CloudTrail record becomes an event of pg_auditlog.
-- The mapping field by field is in README.md. Schema: public, or the one given with
-- psql -v schema=NAME (pg_temp keeps the function to this session).
--
-- It never fails on a strange record: what is not there, or not of the expected kind, is left
-- out, and the whole record stays under metadata.cloudtrail.

\if :{?schema}
\else
\set schema public
\endif

CREATE OR REPLACE FUNCTION :"schema".auditlog_cloudtrail(record jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $mapping$
DECLARE
  -- Lambda puts its API version behind the name: CreateFunction20150331, GetFunction20150331v2.
  name text := nullif(regexp_replace(record ->> 'eventName', '\d{8}(v\d+)?$', ''), '');
  service text := replace(nullif(split_part(record ->> 'eventSource', '.', 1), ''), '-', '_');
  who jsonb := record -> 'userIdentity';
  request jsonb := record -> 'requestParameters';
  response jsonb := record -> 'responseElements';
  error_code text := record ->> 'errorCode';
  agent text := record ->> 'userAgent';
  read_only boolean := coalesce(record ->> 'readOnly' = 'true', false);
  operation text;
  noun text;        -- what the operation is about: route_table
  flat text;        -- the same without underscores, as it begins the names of parameters
  own_type text;    -- ec2_route_table
  event_type text;
  status text;
  severity text;
  moment text;
  fraction text;
  actor jsonb;
  resource jsonb;
  resource_type text;
  resource_id text;
  first_resource jsonb := record #> '{resources,0}';
  arn text := coalesce(first_resource ->> 'ARN', record #>> '{additionalEventData,ARN}');
  resource_tags jsonb;
  before jsonb;
  after jsonb;
BEGIN
  ---------------------------------------------------------------- operation and what it is about
  operation := lower(regexp_replace(
    regexp_replace(regexp_replace(name, '[^A-Za-z0-9]+', '_', 'g'), '([a-z0-9])([A-Z])', '\1_\2', 'g'),
    '([A-Z]+)([A-Z][a-z])', '\1_\2', 'g'));
  noun := regexp_replace(regexp_replace(operation, '^(batch_)?[a-z0-9]+_?', ''), '_(for|to|from|by|with)_.*$', '');
  noun := CASE
    WHEN noun ~ 'ies$' THEN regexp_replace(noun, 'ies$', 'y')
    WHEN noun ~ '(ss|x|ch|sh)es$' THEN regexp_replace(noun, 'es$', '')
    WHEN noun ~ '(ss|us|is)$' THEN noun
    ELSE regexp_replace(noun, 's$', '')
  END;
  flat := replace(noun, '_', '');
  own_type := CASE
    WHEN service = 'cloudtrail' AND noun ~ 'logging|trail|event_selector|insight_selector' THEN 'cloudtrail_trail'
    WHEN service = 'secretsmanager' AND noun ~ '^secret' THEN 'secretsmanager_secret'
    WHEN service = 'sts' AND noun = 'role' THEN 'iam_role'
    WHEN noun = '' THEN service
    ELSE service || '_' || noun
  END;

  ---------------------------------------------------------------- event type
  event_type := CASE
    WHEN name IS NULL THEN 'integration.unrecognized'
    -- identities and credentials
    WHEN name IN ('ConsoleLogin', 'UserAuthentication') THEN 'authentication.login'
    WHEN name IN ('Logout', 'SignOut') THEN 'authentication.logout'
    WHEN name = 'CheckMfa' THEN 'authentication.mfa_verify'
    WHEN name IN ('ChangePassword', 'PasswordRecoveryCompleted')
      OR name ~ '^(Create|Update|Delete)LoginProfile$' THEN 'authentication.password_change'
    WHEN name ~ '^(AssumeRo|SwitchRole|ExitRole|RenewRole|GetFederationToken)' THEN 'authentication.assume_role'
    WHEN name ~ '^Get(SessionToken|SigninToken)$' THEN 'authentication.token_issue'
    WHEN service = 'iam' AND NOT read_only
      AND name ~ '(AccessKey|MFADevice|SigningCertificate|SSHPublicKey|ServiceSpecificCredential)$'
      THEN 'authentication.credential_change'
    WHEN service = 'iam' AND name ~ '^Create(User|Role|Group|ServiceLinkedRole)$' THEN 'role.create'
    WHEN service = 'iam' AND name ~ '^Update(User|Role|RoleDescription|Group)$' THEN 'role.alter'
    WHEN service = 'iam' AND name ~ '^Delete(User|Role|Group|ServiceLinkedRole)$' THEN 'role.drop'
    WHEN name IN ('AddUserToGroup', 'AddRoleToInstanceProfile') THEN 'grant.role'
    WHEN name IN ('RemoveUserFromGroup', 'RemoveRoleFromInstanceProfile') THEN 'revoke.role'
    -- commands on machines
    WHEN name IN ('SendCommand', 'StartSession', 'ExecuteCommand', 'SendSSHPublicKey', 'SendSerialConsoleSSHPublicKey')
      THEN 'access.exec'
    -- costs
    WHEN service = 'budgets' AND name ~ '^Create' THEN 'cost.budget_create'
    WHEN service = 'budgets' AND name ~ '^(Modify|Update)' THEN 'cost.budget_modify'
    WHEN service = 'budgets' AND name ~ '^Delete' THEN 'cost.budget_delete'
    WHEN service IN ('ce', 'cur', 'budgets') AND (read_only OR name ~ '^(Get|List|Describe|View)') THEN 'cost.view'
    -- reading
    WHEN name ~ '^(BatchGet|Get|List|Describe|Head|Lookup|Search|Query|Scan|Select|Check|Simulate|Validate|View)'
      THEN 'resource.view'
    WHEN read_only THEN 'resource.view'
    -- writing: audit trails, policies, tags, states before the plain verbs
    WHEN name ~ '(Logging|Trail|EventSelectors|InsightSelectors|FlowLogs|ConfigurationRecorder|Detector)$'
      THEN 'configuration.logging_change'
    WHEN name ~ '^Create.*Policy(Version)?$' THEN 'policy.create'
    WHEN name ~ '^Delete.*(Policy(Version)?|PermissionsBoundary|PublicAccessBlock)$' THEN 'policy.drop'
    WHEN name ~ '(Policy(Version)?|PermissionsBoundary|PublicAccessBlock|Acl)$'
      OR name ~ '^(Add|Remove)Permission$' THEN 'policy.modify'
    WHEN name ~ '^(Tag|Untag)[A-Z]' OR name ~ '^(Create|Delete|Add|Remove|Put|Set).*Tag(s|ging)' THEN 'resource.tag_change'
    WHEN name ~ '^(Invoke|Start.*(Execution|Build|JobRun)$)' THEN 'automation.workflow_execute'
    WHEN name ~ '^(Create|Run|Allocate|Register|Import|Copy|Upload|Publish|Request|Launch|Provision|Restore)'
      THEN 'resource.create'
    WHEN name ~ '^(Delete|Terminate|Release|Deregister|Purge|Destroy)|Delete$' THEN 'resource.delete'
    WHEN name ~ '^(Start|Stop|Reboot|Restart|Resume|Suspend|Pause|Hibernate|Enable|Disable|Activate|Deactivate)'
      THEN 'resource.state_change'
    ELSE 'resource.modify'
  END;

  ---------------------------------------------------------------- status and severity
  status := CASE
    WHEN error_code ~* '(access_?denied|unauthori[sz]ed|notauthori[sz]ed|forbidden|authfailure|authorizationerror)'
      THEN 'denied'
    WHEN error_code IS NOT NULL OR record ->> 'errorMessage' IS NOT NULL
      OR response ->> (record ->> 'eventName') ~* '^fail' THEN 'failed'
    WHEN name IS NOT NULL THEN 'success'
  END;
  -- Otherwise the catalogue's default for the type applies.
  severity := CASE
    WHEN status IN ('failed', 'denied') THEN 'warning'
    WHEN who ->> 'type' = 'Root' AND NOT read_only THEN 'warning'
    WHEN name IN ('GetSecretValue', 'BatchGetSecretValue', 'GetPasswordData') THEN 'notice'
  END;

  ---------------------------------------------------------------- timestamp: Z, and 0, 3 or 6 digits
  moment := substring(record ->> 'eventTime'
    from '^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?Z$');
  fraction := substring(moment from '\.(\d+)Z$');
  IF length(fraction) NOT IN (3, 6) THEN
    moment := split_part(moment, '.', 1) || '.' || rpad(left(fraction, 6), 6, '0') || 'Z';
  END IF;

  ---------------------------------------------------------------- actor
  actor := jsonb_strip_nulls(jsonb_build_object(
    'type', CASE
      WHEN who ->> 'type' = 'Root' THEN 'root'
      WHEN who ->> 'type' IN ('AssumedRole', 'Role') THEN 'role'
      WHEN who ->> 'type' = 'AWSAccount' THEN 'account'
      WHEN who ->> 'type' = 'AWSService' THEN 'service'
      WHEN who ->> 'type' IS NOT NULL THEN 'user'
      WHEN who ->> 'invokedBy' IS NOT NULL THEN 'service'
    END,
    'id', coalesce(nullif(who ->> 'arn', ''), nullif(who ->> 'principalId', ''), nullif(who ->> 'invokedBy', ''),
                   nullif(who ->> 'userName', ''), who ->> 'accountId'),
    'name', coalesce(who ->> 'userName', who #>> '{sessionContext,sessionIssuer,userName}'),
    -- Single sign-on names the session of an assumed role after the user's e-mail address.
    'email', substring(coalesce(who ->> 'userName', '') || ' ' || split_part(coalesce(who ->> 'principalId', ''), ':', 2)
                       from '[^@\s/:]+@[^@\s/:]+\.[^@\s/:]+'),
    'ip_address', record ->> 'sourceIPAddress',
    'user_agent', agent,
    'session_id', CASE WHEN who ? 'sessionContext' OR who ->> 'accessKeyId' ~ '^ASIA' THEN nullif(who ->> 'accessKeyId', '') END,
    'account_id', who ->> 'accountId',
    'invoked_by', who ->> 'invokedBy',
    'mfa', coalesce((who #>> '{sessionContext,attributes,mfaAuthenticated}') = 'true',
                    (record #>> '{additionalEventData,MFAUsed}') = 'Yes')));

  ---------------------------------------------------------------- resource
  -- A parameter named after the operation's noun comes first (CreateSubnet has a vpcId as well),
  -- then well-known parameters; those say nothing of a thing that is only being created.
  SELECT candidate.type, leaf.value INTO resource_type, resource_id
  FROM (SELECT lower(pair ->> 'key') AS key, ordinality,
               CASE jsonb_typeof(pair -> 'value')
                 WHEN 'string' THEN pair ->> 'value'
                 WHEN 'array' THEN CASE WHEN jsonb_typeof(pair #> '{value,0}') = 'string' THEN pair #>> '{value,0}' END
               END AS value
        FROM jsonb_path_query(jsonb_build_array(request, record -> 'additionalEventData', response),
                              'strict $.** ? (@.type() == "object").keyvalue()') WITH ORDINALITY AS pairs (pair, ordinality)) AS leaf
  JOIN (VALUES
      (1, flat || 'name', own_type), (2, flat || 'id', own_type), (3, flat || 'identifier', own_type),
      (4, flat || 'arn', own_type), (5, CASE flat WHEN 'address' THEN 'allocationid' WHEN 'securitygroup' THEN 'groupid' END, own_type),
      (10, 'instanceid', 'ec2_instance'), (11, 'instanceids', 'ec2_instance'), (12, 'bucketname', 's3_bucket'),
      (13, 'functionname', 'lambda_function'), (14, 'secretid', 'secretsmanager_secret'),
      (15, 'trailname', 'cloudtrail_trail'), (16, 'instanceprofilename', 'iam_instance_profile'),
      (17, 'groupid', 'ec2_security_group'),
      (18, 'groupname', CASE service WHEN 'iam' THEN 'iam_group' ELSE 'ec2_security_group' END),
      (19, 'rolename', 'iam_role'), (20, 'rolearn', 'iam_role'), (21, 'username', 'iam_user'),
      (22, 'policyarn', 'iam_policy'), (23, 'keyid', 'kms_key'), (24, 'dbinstanceidentifier', 'rds_db_instance'),
      (25, 'dbsnapshotidentifier', 'rds_db_snapshot'), (26, 'dbclusteridentifier', 'rds_db_cluster'),
      (27, 'imageid', 'ec2_image'), (28, 'snapshotid', 'ec2_snapshot'), (29, 'volumeid', 'ec2_volume'),
      (30, 'networkinterfaceid', 'ec2_network_interface'), (31, 'routetableid', 'ec2_route_table'),
      (32, 'internetgatewayid', 'ec2_internet_gateway'), (33, 'natgatewayid', 'ec2_nat_gateway'),
      (34, 'subnetid', 'ec2_subnet'), (35, 'vpcid', 'ec2_vpc'), (36, 'allocationid', 'ec2_address')
    ) AS candidate (rank, key, type)
    ON candidate.key = leaf.key
      AND (candidate.rank < 10 OR event_type NOT IN ('resource.create', 'role.create', 'policy.create'))
      -- A command is less interesting than the machine that it runs on.
      AND (candidate.rank >= 10 OR event_type <> 'access.exec')
  WHERE leaf.value <> ''
  ORDER BY candidate.rank, leaf.ordinality
  LIMIT 1;
  IF resource_id IS NULL THEN
    resource_id := coalesce(nullif(request ->> 'name', ''), arn);
    resource_type := CASE
      WHEN resource_id IS DISTINCT FROM arn THEN own_type
      WHEN first_resource ->> 'type' ~ '^AWS::' THEN
        replace(lower(regexp_replace(substr(first_resource ->> 'type', 6), '([a-z0-9])([A-Z])', '\1_\2', 'g')), '::', '_')
      ELSE own_type
    END;
  END IF;
  IF resource_id IS NULL AND jsonb_typeof(request) = 'object' AND event_type <> 'resource.create' THEN
    SELECT value #>> '{}' INTO resource_id FROM jsonb_each(request)
    WHERE key ~ '(Id|Name|Arn|ARN|Identifier)$' AND jsonb_typeof(value) = 'string' AND value <> '""'
    ORDER BY key LIMIT 1;
  END IF;
  IF resource_id IS NULL AND (event_type ~ '^(authentication|cost)\.'
      OR status = 'success' AND event_type IN ('resource.modify', 'resource.delete')) THEN
    -- It names no resource of its own, so what it changed is the account.
    resource_type := 'aws_account';
    resource_id := coalesce(record ->> 'recipientAccountId', who ->> 'accountId', 'unknown');
  END IF;

  resource_tags := coalesce(
    jsonb_path_query_first(request, 'lax $.tagSpecificationSet.items.tags'),
    request -> 'tags', request #> '{tagSet,items}', request #> '{Tagging,TagSet,Tag}');
  IF jsonb_typeof(resource_tags) = 'object' AND (resource_tags ? 'Key' OR resource_tags ? 'key') THEN
    resource_tags := jsonb_build_array(resource_tags);
  END IF;
  resource_tags := CASE jsonb_typeof(resource_tags)
    WHEN 'array' THEN (
      SELECT jsonb_object_agg(coalesce(tag ->> 'key', tag ->> 'Key', tag ->> 'tagKey'),
                              coalesce(tag ->> 'value', tag ->> 'Value', tag ->> 'tagValue', ''))
      FROM jsonb_array_elements(resource_tags) AS tag
      WHERE coalesce(tag ->> 'key', tag ->> 'Key', tag ->> 'tagKey') IS NOT NULL)
    WHEN 'object' THEN (SELECT jsonb_object_agg(key, coalesce(value #>> '{}', '')) FROM jsonb_each(resource_tags))
  END;

  resource := jsonb_strip_nulls(jsonb_build_object(
    'type', resource_type, 'id', resource_id, 'arn', arn, 'cloud_provider', 'aws',
    'account_id', coalesce(record ->> 'recipientAccountId', first_resource ->> 'accountId', who ->> 'accountId'),
    'region', record ->> 'awsRegion', 'tags', resource_tags));

  ---------------------------------------------------------------- changes: only EC2 says both states
  IF jsonb_typeof(response #> '{instancesSet,items}') = 'array'
      AND jsonb_array_length(response #> '{instancesSet,items}') = 1 AND NOT read_only THEN
    before := response #> '{instancesSet,items,0,previousState,name}';
    after := response #> '{instancesSet,items,0,currentState,name}';
  END IF;

  ---------------------------------------------------------------- the event
  RETURN jsonb_strip_nulls(jsonb_build_object(
      'event_id', nullif(record ->> 'eventID', ''),
      'timestamp', moment,
      'event_type', event_type,
      'severity', severity,
      'actor', nullif(actor, '{}'),
      'resource', CASE WHEN name IS NOT NULL THEN resource END,
      'action', nullif(jsonb_strip_nulls(jsonb_build_object(
        'operation', operation,
        'status', status,
        'method', CASE
          WHEN record ->> 'sessionCredentialFromConsole' = 'true' OR record ->> 'eventType' ~ '^AwsConsole'
            OR agent ~* '(console|signin\.amazonaws\.com|^mozilla/)' THEN 'console'
          WHEN agent ~* '^\[?(aws-cli|aws-shell|aws-cloudshell)' THEN 'cli'
          WHEN record ->> 'eventType' = 'AwsServiceEvent' OR agent ~ '^AWS Internal$|^[a-z0-9.-]+\.amazonaws\.com$' THEN 'service'
          WHEN name IS NOT NULL THEN 'api'
        END)), '{}'),
      'changes', CASE WHEN before IS NOT NULL AND after IS NOT NULL THEN jsonb_build_object(
        'before', jsonb_build_object('state', before), 'after', jsonb_build_object('state', after)) END))
    || jsonb_build_object('metadata', jsonb_strip_nulls(jsonb_build_object(
      'request_id', record ->> 'requestID',
      'api_version', record ->> 'apiVersion',
      'event_name', record ->> 'eventName',
      'event_source', record ->> 'eventSource',
      'error_code', error_code,
      'error_message', record ->> 'errorMessage',
      'tags', to_jsonb(array_remove(ARRAY['cloudtrail', service], NULL))))
      -- Added last: stripping nulls goes deep, and the record keeps its own.
      || jsonb_build_object('cloudtrail', record));
END
$mapping$;

COMMENT ON FUNCTION :"schema".auditlog_cloudtrail(jsonb) IS
  'The pg_auditlog event for an AWS CloudTrail record; the record itself is kept under metadata.cloudtrail.';
