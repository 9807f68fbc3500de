-- The mappings on records made by hand: each case says what one place of the event must hold.

CREATE TEMP TABLE cases (source text, what text, record jsonb, path text[], wanted jsonb);
INSERT INTO pg_temp.cases
SELECT 'cloudtrail', name, format('{"eventName": "%s", "eventSource": "%s.amazonaws.com", "readOnly": %s}', name, service, read_only::text)::jsonb,
       '{event_type}', to_jsonb(type)
FROM (VALUES
  ('ConsoleLogin', 'signin', false, 'authentication.login'), ('CheckMfa', 'signin', false, 'authentication.mfa_verify'),
  ('AssumeRoleWithSAML', 'sts', true, 'authentication.assume_role'), ('GetSessionToken', 'sts', true, 'authentication.token_issue'),
  ('CreateAccessKey', 'iam', false, 'authentication.credential_change'), ('ListAccessKeys', 'iam', true, 'resource.view'),
  ('UpdateLoginProfile', 'iam', false, 'authentication.password_change'), ('CreateUser', 'iam', false, 'role.create'),
  ('DeleteRole', 'iam', false, 'role.drop'), ('AddUserToGroup', 'iam', false, 'grant.role'), ('AttachRolePolicy', 'iam', false, 'policy.modify'),
  ('GetBucketPolicy', 's3', true, 'resource.view'), ('DeleteBucketPolicy', 's3', false, 'policy.drop'), ('CreatePolicy', 'iam', false, 'policy.create'),
  ('StopLogging', 'cloudtrail', false, 'configuration.logging_change'), ('GetTrailStatus', 'cloudtrail', true, 'resource.view'),
  ('DeleteFlowLogs', 'ec2', false, 'configuration.logging_change'), ('CreateTags', 'ec2', false, 'resource.tag_change'),
  ('PutBucketTagging', 's3', false, 'resource.tag_change'), ('StopInstances', 'ec2', false, 'resource.state_change'),
  ('TerminateInstances', 'ec2', false, 'resource.delete'), ('RunInstances', 'ec2', false, 'resource.create'),
  ('CreateFunction20150331', 'lambda', false, 'resource.create'), ('PutObject', 's3', false, 'resource.modify'),
  ('Decrypt', 'kms', true, 'resource.view'), ('SendCommand', 'ssm', false, 'access.exec'), ('CreateBudget', 'budgets', false, 'cost.budget_create'),
  ('GetCostAndUsage', 'ce', true, 'cost.view'), ('Invoke', 'lambda', false, 'automation.workflow_execute'),
  ('FrobnicateThing', 'new-service', false, 'resource.modify')) AS call (name, service, read_only, type);

INSERT INTO pg_temp.cases VALUES
('cloudtrail', 'acronyms and versions', '{"eventName": "GetDBInstance20150331v2"}', '{action,operation}', '"get_db_instance"'),
('cloudtrail', 'failed console login', '{"eventName": "ConsoleLogin", "responseElements": {"ConsoleLogin": "Failure"}}', '{action,status}', '"failed"'),
('cloudtrail', 'refused', '{"eventName": "GetObject", "errorCode": "AccessDenied"}', '{action,status}', '"denied"'),
('cloudtrail', 'refused by EC2', '{"eventName": "X", "errorCode": "Client.UnauthorizedOperation"}', '{action,status}', '"denied"'),
('cloudtrail', 'an error is a warning', '{"eventName": "X", "errorCode": "ThrottlingException"}', '{severity}', '"warning"'),
('cloudtrail', 'success leaves severity to the catalogue', '{"eventName": "X"}', '{severity}', NULL),
('cloudtrail', 'host name as address', '{"eventName": "X", "sourceIPAddress": "AWS Internal"}', '{actor,ip_address}', '"AWS Internal"'),
('cloudtrail', 'service as actor', '{"eventName": "X", "userIdentity": {"invokedBy": "rds.amazonaws.com"}}', '{actor}',
  '{"type": "service", "id": "rds.amazonaws.com", "invoked_by": "rds.amazonaws.com"}'),
('cloudtrail', 'e-mail in the session name', '{"eventName": "X", "userIdentity": {"type": "AssumedRole", "principalId": "AROA1:ada@acme.example"}}',
  '{actor,email}', '"ada@acme.example"'),
('cloudtrail', 'command line', '{"eventName": "X", "userAgent": "aws-cli/2.13.0 Python/3.11"}', '{action,method}', '"cli"'),
('cloudtrail', 'console session', '{"eventName": "X", "userAgent": "x", "sessionCredentialFromConsole": "true"}', '{action,method}', '"console"'),
('cloudtrail', 'the subnet, not its network', '{"eventName": "CreateSubnet", "eventSource": "ec2.amazonaws.com", "requestParameters": {"vpcId": "vpc-1"},
  "responseElements": {"subnet": {"subnetId": "subnet-2", "vpcId": "vpc-1"}}}', '{resource}',
  '{"type": "ec2_subnet", "id": "subnet-2", "cloud_provider": "aws"}'),
('cloudtrail', 'resource by ARN', '{"eventName": "X", "resources": [{"ARN": "arn:aws:ec2:::security-group/sg-1", "type": "AWS::EC2::SecurityGroup"}]}',
  '{resource,type}', '"ec2_security_group"'),
('cloudtrail', 'states', '{"eventName": "StopInstances", "responseElements": {"instancesSet": {"items": [{"instanceId": "i-1",
  "currentState": {"name": "stopping"}, "previousState": {"name": "running"}}]}}}', '{changes}',
  '{"before": {"state": "running"}, "after": {"state": "stopping"}}'),
('cloudtrail', 'tags as list', '{"eventName": "CreateRole", "requestParameters": {"tags": [{"key": "Environment", "value": "production"}]}}',
  '{resource,tags}', '{"Environment": "production"}'),
('cloudtrail', 'seven fraction digits', '{"eventTime": "2026-01-02T03:04:05.1234567Z"}', '{timestamp}', '"2026-01-02T03:04:05.123456Z"'),
('cloudtrail', 'one fraction digit', '{"eventTime": "2026-01-02T03:04:05.1Z"}', '{timestamp}', '"2026-01-02T03:04:05.100000Z"'),
('cloudtrail', 'no time', '{"eventTime": "yesterday"}', '{timestamp}', NULL),
('cloudtrail', 'nulls of the record stay', '{"eventName": "X", "requestParameters": null}', '{metadata,cloudtrail,requestParameters}', 'null'),
('cloudtrail', 'no object', '[1]', '{event_type}', '"integration.unrecognized"'),
('cloudtrail', 'wrong kinds', '{"eventName": 7, "userIdentity": "x", "requestParameters": [1, {"tags": 3}], "resources": {}, "responseElements": "s"}',
  '{event_type}', '"resource.modify"');

INSERT INTO pg_temp.cases
SELECT 'kubernetes', concat_ws(' ', verb, kind, sub), jsonb_strip_nulls(jsonb_build_object('verb', verb,
         'objectRef', jsonb_build_object('resource', kind, 'subresource', sub, 'namespace', 'shop', 'name', 'a'))), '{event_type}', to_jsonb(type)
FROM (VALUES
  ('get', 'pods', NULL, 'resource.view'), ('watch', 'roles', NULL, 'resource.view'), ('get', 'pods', 'log', 'resource.view'),
  ('create', 'pods', NULL, 'resource.create'), ('patch', 'deployments', 'scale', 'resource.modify'), ('create', 'pods', 'binding', 'resource.modify'),
  ('update', 'configmaps', NULL, 'resource.modify'), ('deletecollection', 'pods', NULL, 'resource.delete'), ('create', 'pods', 'eviction', 'resource.delete'),
  ('create', 'pods', 'exec', 'access.exec'), ('get', 'pods', 'exec', 'access.exec'), ('create', 'pods', 'portforward', 'access.port_forward'),
  ('get', 'services', 'proxy', 'access.proxy'), ('create', 'selfsubjectaccessreviews', NULL, 'access.check'),
  ('create', 'serviceaccounts', 'token', 'authentication.token_issue'), ('create', 'clusterroles', NULL, 'role.create'),
  ('patch', 'roles', NULL, 'role.alter'), ('delete', 'clusterroles', NULL, 'role.drop'), ('create', 'rolebindings', NULL, 'grant.role'),
  ('delete', 'clusterrolebindings', NULL, 'revoke.role'), ('create', 'networkpolicies', NULL, 'policy.create')) AS call (verb, kind, sub, type);

INSERT INTO pg_temp.cases VALUES
('kubernetes', 'id of the event', '{"auditID": "a-1", "stage": "ResponseComplete"}', '{event_id}', '"a-1.ResponseComplete"'),
('kubernetes', 'resource', '{"verb": "get", "objectRef": {"resource": "pods", "subresource": "log", "namespace": "shop", "name": "a"}}', '{resource}',
  '{"type": "pods/log", "id": "shop/a", "name": "a", "namespace": "shop"}'),
('kubernetes', 'a namespace is in no namespace', '{"verb": "delete", "objectRef": {"resource": "namespaces", "namespace": "foo", "name": "foo"}}',
  '{resource,id}', '"foo"'),
('kubernetes', 'path', '{"verb": "get", "requestURI": "/healthz?verbose"}', '{resource}', '{"type": "path", "id": "/healthz"}'),
('kubernetes', 'refused', '{"verb": "get", "responseStatus": {"code": 403}}', '{action,status}', '"denied"'),
('kubernetes', 'refused is a warning', '{"verb": "get", "responseStatus": {"code": 403}}', '{severity}', '"warning"'),
('kubernetes', 'not found', '{"verb": "get", "responseStatus": {"code": 404}}', '{severity}', '"notice"'),
('kubernetes', 'server error', '{"verb": "get", "responseStatus": {"code": 500}}', '{severity}', '"error"'),
('kubernetes', 'stream', '{"verb": "create", "responseStatus": {"code": 101}}', '{action,status}', '"success"'),
('kubernetes', 'not answered yet', '{"verb": "get", "stage": "RequestReceived"}', '{action,status}', '"started"'),
('kubernetes', 'anonymous write', '{"verb": "create", "user": {"username": "system:anonymous"}, "responseStatus": {"code": 201}}', '{severity}', '"warning"'),
('kubernetes', 'service account', '{"verb": "get", "user": {"username": "system:serviceaccount:shop:web"}}', '{actor}',
  '{"type": "service", "id": "system:serviceaccount:shop:web"}'),
('kubernetes', 'e-mail as name', '{"verb": "get", "user": {"username": "oidc:ada@acme.example"}}', '{actor,email}', '"ada@acme.example"'),
('kubernetes', 'first address', '{"verb": "get", "sourceIPs": ["203.0.113.9", "10.0.0.1"]}', '{actor,ip_address}', '"203.0.113.9"'),
('kubernetes', 'kubectl', '{"verb": "get", "userAgent": "kubectl/v1.29 (linux/amd64)"}', '{action,method}', '"cli"'),
('kubernetes', 'object as it became', '{"verb": "patch", "responseStatus": {"code": 200}, "requestObject": {"a": 1}, "responseObject": {"kind": "Pod", "b": null}}',
  '{changes}', '{"after": {"kind": "Pod", "b": null}}'),
('kubernetes', 'a Status is no object', '{"verb": "create", "responseStatus": {"code": 201}, "requestObject": {"a": 1}, "responseObject": {"kind": "Status"}}',
  '{changes}', '{"after": {"a": 1}}'),
('kubernetes', 'failed, so nothing changed', '{"verb": "create", "responseStatus": {"code": 409}, "requestObject": {"a": 1}}', '{changes}', NULL),
('kubernetes', 'labels', '{"verb": "create", "objectRef": {"resource": "pods"}, "requestObject": {"metadata": {"generateName": "web-", "labels": {"app": "web"}}}}',
  '{resource}', '{"type": "pods", "id": "web-*", "name": "web-*", "tags": {"app": "web"}}'),
('kubernetes', 'received first', '{"verb": "get", "requestReceivedTimestamp": "2026-01-02T03:04:05.678901Z", "stageTimestamp": "2026-01-02T03:04:06Z"}',
  '{timestamp}', '"2026-01-02T03:04:05.678901Z"'),
('kubernetes', 'annotations', '{"verb": "get", "annotations": {"authorization.k8s.io/reason": ""}}', '{metadata,annotations}', '{"authorization.k8s.io/reason": ""}'),
('kubernetes', 'the odd one', '{"kind": 0}', '{event_type}', '"integration.unrecognized"'),
('kubernetes', 'wrong kinds', '{"verb": "create", "objectRef": "x", "user": [1], "sourceIPs": "s", "responseStatus": {"code": "abc"}}', '{event_type}', '"resource.create"');

CREATE TEMP TABLE checked AS
SELECT cases.*, CASE source WHEN 'cloudtrail' THEN auditlog_examples_test.auditlog_cloudtrail(record)
                            ELSE auditlog_examples_test.auditlog_kubernetes(record) END AS event
FROM pg_temp.cases;
\set source cases
\ir documents.sql
SELECT auditlog_examples_test.expect(
  string_agg(format('%s, %s: %s is %s but should be %s', source, what, path, event #> path, wanted), E'\n')
    FILTER (WHERE event #> path IS DISTINCT FROM wanted),
  NULL, format('cases: %s made by hand map as they should', count(*)))
FROM pg_temp.checked;
DROP TABLE pg_temp.checked;
