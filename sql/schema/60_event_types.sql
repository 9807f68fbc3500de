-- The built-in catalogue of event types: every kind of event the product names, the evidence that
-- the compliance controls ask for, and what the extension says about itself. Users add their own
-- rows beside these (built_in = false).
--
-- One statement per category, sorted by event type. A JSON Schema says only what an event of that
-- type cannot do without: it must never refuse an honest event for lack of a detail.

-- access: who may do what, and use of that right
INSERT INTO auditlog.event_types (event_type, category, default_severity, description, json_schema, built_in) VALUES
('access.attach', 'access', 'notice', 'Somebody attached to a process that runs in a container or on a machine.', NULL, true),
('access.check', 'access', 'debug', 'A system asked whether somebody may do something, without doing it.', NULL, true),
('access.denied', 'access', 'warning', 'A request was refused because the actor lacks the right.', NULL, true),
('access.exec', 'access', 'notice', 'A command was run, or a shell opened, inside a container or on a machine.', NULL, true),
('access.port_forward', 'access', 'notice', 'A network port of a workload was forwarded to the caller.', NULL, true),
('access.proxy', 'access', 'notice', 'A request was passed through to a workload or machine by a proxy.', NULL, true),
('breakglass.begin', 'access', 'critical', 'Emergency access with more rights than usual was opened.', NULL, true),
('breakglass.end', 'access', 'warning', 'Emergency access was closed again.', NULL, true),
('default_privileges.alter', 'access', 'notice', 'The rights that future objects get by default were changed.', NULL, true),
('grant.privilege', 'access', 'notice', 'A right on an object was granted.', NULL, true),
('grant.role', 'access', 'notice', 'Somebody was made a member of a role or group.', '{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "required": ["resource"],
  "properties": {
    "resource": {
      "type": "object",
      "required": ["type"],
      "properties": {"type": {"type": "string", "minLength": 1}}
    }
  }
}', true),
('owner.change', 'access', 'notice', 'An object got another owner.', NULL, true),
('review.access_completed', 'access', 'info', 'A periodic review of access rights was finished.', NULL, true),
('revoke.privilege', 'access', 'notice', 'A right on an object was taken away.', NULL, true),
('revoke.role', 'access', 'notice', 'Somebody''s membership in a role or group was ended.', NULL, true),
('rls.denied', 'access', 'warning', 'Row-level security refused a row to the actor.', NULL, true),
('role.alter', 'access', 'notice', 'A role, account or group was changed.', NULL, true),
('role.create', 'access', 'notice', 'A role, account or group was created.', NULL, true),
('role.drop', 'access', 'notice', 'A role, account or group was removed.', NULL, true),
('role.rename', 'access', 'notice', 'A role, account or group got another name.', NULL, true),
('session.set_authorization', 'access', 'notice', 'A session took the identity of another account.', NULL, true),
('session.set_role', 'access', 'info', 'A session went on under another role.', NULL, true);

-- auditlog: what this extension says about itself
INSERT INTO auditlog.event_types (event_type, category, default_severity, description, json_schema, built_in) VALUES
('auditlog.access_denied', 'auditlog', 'warning', 'Somebody tried to use the audit log without the right to do so.', NULL, true),
('auditlog.access_snapshot', 'auditlog', 'info', 'Who holds which rights was written down, because it had changed.', NULL, true),
('auditlog.alert', 'auditlog', 'warning', 'An alert rule fired.', NULL, true),
('auditlog.alert_change', 'auditlog', 'notice', 'An alert rule was created, changed, switched on or off, or removed.', NULL, true),
('auditlog.archive', 'auditlog', 'info', 'Part of the log was moved to another storage tier.', NULL, true),
('auditlog.checkpoint', 'auditlog', 'debug', 'A checkpoint over the whole log was signed.', NULL, true),
('auditlog.job_change', 'auditlog', 'notice', 'A scheduled job was created, changed or removed.', NULL, true),
('auditlog.delivery_failed', 'auditlog', 'error', 'Events or alerts could not be delivered to a receiver.', NULL, true),
('auditlog.erasure', 'auditlog', 'warning', 'Personal values in the log were replaced by their commitments.', NULL, true),
('auditlog.export', 'auditlog', 'notice', 'Part of the audit log was exported.', NULL, true),
('auditlog.extension_create', 'auditlog', 'notice', 'The extension was installed in a database.', NULL, true),
('auditlog.extension_drop', 'auditlog', 'critical', 'The extension was removed from a database.', NULL, true),
('auditlog.extension_update', 'auditlog', 'notice', 'The extension was updated to another version.', NULL, true),
('auditlog.gap_detected', 'auditlog', 'critical', 'Positions of the log that should hold events hold none.', NULL, true),
('auditlog.incarnation', 'auditlog', 'critical', 'A restored or copied log went on under a new origin.', NULL, true),
('auditlog.key_create', 'auditlog', 'notice', 'A signing key was made.', NULL, true),
('auditlog.key_rotate', 'auditlog', 'notice', 'The signing key was replaced by a new one.', NULL, true),
('auditlog.legal_hold', 'auditlog', 'notice', 'A legal hold was placed on part of the log, or lifted.', NULL, true),
('auditlog.live_view', 'auditlog', 'info', 'Somebody followed the log as events came in.', NULL, true),
('auditlog.pause', 'auditlog', 'critical', 'Auditing was paused.', NULL, true),
('auditlog.policy_change', 'auditlog', 'warning', 'What is audited, or how, was changed.', NULL, true),
('auditlog.principal_change', 'auditlog', 'warning', 'Who somebody is to the audit log, or how tokens are checked, was changed.', NULL, true),
('auditlog.purge', 'auditlog', 'warning', 'Events past their retention period were removed.', NULL, true),
('auditlog.query_change', 'auditlog', 'info', 'A saved query was created, changed or removed.', NULL, true),
('auditlog.report', 'auditlog', 'info', 'A report on the audit log was generated.', NULL, true),
('auditlog.report_change', 'auditlog', 'info', 'The definition or schedule of a report was changed.', NULL, true),
('auditlog.restore', 'auditlog', 'warning', 'The log was found to be a restored copy, or archived events were loaded again.', NULL, true),
('auditlog.resume', 'auditlog', 'notice', 'Auditing went on after a pause.', NULL, true),
('auditlog.retention', 'auditlog', 'notice', 'Retention removes events; its certificate says which.', NULL, true),
('auditlog.retention_change', 'auditlog', 'warning', 'A retention period or rule was changed.', NULL, true),
('auditlog.review', 'auditlog', 'info', 'Somebody signed a review of events.', NULL, true),
('auditlog.role_grant', 'auditlog', 'warning', 'Somebody got a role on the audit log.', NULL, true),
('auditlog.role_revoke', 'auditlog', 'warning', 'Somebody lost a role on the audit log.', NULL, true),
('auditlog.schedule_change', 'auditlog', 'info', 'A scheduled job of the audit log was created, changed or removed.', NULL, true),
('auditlog.search', 'auditlog', 'info', 'Somebody searched the audit log.', NULL, true),
('auditlog.setting_change', 'auditlog', 'warning', 'A setting of the audit log was changed.', NULL, true),
('auditlog.sink_change', 'auditlog', 'warning', 'A receiver of the log''s events was created, changed or removed.', NULL, true),
('auditlog.start', 'auditlog', 'notice', 'Auditing was started.', NULL, true),
('auditlog.stop', 'auditlog', 'critical', 'Auditing was stopped.', NULL, true),
('auditlog.storage_warning', 'auditlog', 'warning', 'Storage for the audit log is running short.', NULL, true),
('auditlog.tamper_attempt', 'auditlog', 'critical', 'Somebody tried to change or remove recorded events.', NULL, true),
('auditlog.track_change', 'auditlog', 'notice', 'The recording of changes to a table was switched on, changed or switched off.', NULL, true),
('auditlog.type_change', 'auditlog', 'notice', 'The catalogue of event types was changed.', NULL, true),
('auditlog.verify_failed', 'auditlog', 'critical', 'A verification of the log found something wrong.', NULL, true),
('auditlog.verify_ok', 'auditlog', 'info', 'A verification of the log found it intact.', NULL, true),
('auditlog.view', 'auditlog', 'info', 'Somebody looked at events of the audit log.', NULL, true),
('auditlog.write_failed', 'auditlog', 'critical', 'Events could not be written to the audit log.', NULL, true);

-- authentication: who comes in, how, and with what credentials
INSERT INTO auditlog.event_types (event_type, category, default_severity, description, json_schema, built_in) VALUES
('authentication.account_locked', 'authentication', 'warning', 'An account was locked, usually after too many failed attempts.', NULL, true),
('authentication.account_unlocked', 'authentication', 'notice', 'A locked account was opened again.', NULL, true),
('authentication.assume_role', 'authentication', 'info', 'Somebody took on a role and got temporary credentials for it.', NULL, true),
('authentication.credential_change', 'authentication', 'notice', 'An access key, certificate or MFA device was added, changed or removed.', NULL, true),
('authentication.hba_rejected', 'authentication', 'warning', 'The database refused a connection by its host-based rules.', NULL, true),
('authentication.login', 'authentication', 'info', 'Somebody tried to log in; the status says with what success.', '{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "required": ["actor", "action"],
  "properties": {
    "actor": {"type": "object", "minProperties": 1},
    "action": {
      "type": "object",
      "required": ["status"],
      "properties": {"status": {"type": "string", "minLength": 1}}
    }
  }
}', true),
('authentication.logout', 'authentication', 'info', 'Somebody logged out.', '{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "required": ["actor"],
  "properties": {"actor": {"type": "object", "minProperties": 1}}
}', true),
('authentication.method_weak', 'authentication', 'warning', 'A login used a method that is considered weak.', NULL, true),
('authentication.mfa_verify', 'authentication', 'info', 'A second factor was checked; the status says with what success.', '{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "required": ["actor", "action"],
  "properties": {
    "actor": {"type": "object", "minProperties": 1},
    "action": {
      "type": "object",
      "required": ["status"],
      "properties": {"status": {"type": "string", "minLength": 1}}
    }
  }
}', true),
('authentication.password_change', 'authentication', 'notice', 'A password was set, changed, reset or removed.', '{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "required": ["actor"],
  "properties": {"actor": {"type": "object", "minProperties": 1}}
}', true),
('authentication.session_expire', 'authentication', 'info', 'A user''s session came to its end by time.', NULL, true),
('authentication.session_expired', 'authentication', 'info', 'The database ended a session that was idle or open for too long.', NULL, true),
('authentication.token_issue', 'authentication', 'info', 'A token was issued for an account.', NULL, true);

-- automation: what runs without a person
INSERT INTO auditlog.event_types (event_type, category, default_severity, description, json_schema, built_in) VALUES
('automation.policy_run', 'automation', 'info', 'A policy was evaluated by the automation.', NULL, true),
('automation.remediation', 'automation', 'notice', 'The automation repaired something that broke a rule.', NULL, true),
('automation.scheduled_task', 'automation', 'info', 'A scheduled task was run.', NULL, true),
('automation.workflow_change', 'automation', 'notice', 'A workflow was created, changed or removed.', NULL, true),
('automation.workflow_execute', 'automation', 'info', 'A workflow was executed.', NULL, true);

-- change: requests for changes and what was decided on them; metadata.change_ref names the change, here and in the events that carry it out
INSERT INTO auditlog.event_types (event_type, category, default_severity, description, json_schema, built_in) VALUES
('change.approve', 'change', 'info', 'A change was approved.', NULL, true),
('change.reject', 'change', 'notice', 'A change was refused.', NULL, true),
('change.request', 'change', 'info', 'A change was asked for.', NULL, true);

-- configuration: the product, the database and the platforms around them
INSERT INTO auditlog.event_types (event_type, category, default_severity, description, json_schema, built_in) VALUES
('config.alter_database', 'configuration', 'notice', 'Settings of one database were changed.', NULL, true),
('config.alter_role', 'configuration', 'notice', 'Settings of one database role were changed.', NULL, true),
('config.alter_system', 'configuration', 'warning', 'Settings of the whole database server were changed.', NULL, true),
('config.hba_change', 'configuration', 'warning', 'The host-based access rules of the database server were changed.', NULL, true),
('config.reload', 'configuration', 'info', 'The database server read its configuration again.', NULL, true),
('configuration.integration_change', 'configuration', 'notice', 'The configuration of an integration was created, changed or removed.', NULL, true),
('configuration.logging_change', 'configuration', 'warning', 'Audit or flow logging of a cloud account or platform was created, changed or stopped.', NULL, true),
('configuration.policy_update', 'configuration', 'notice', 'A policy was changed in the settings.', NULL, true),
('configuration.rbac_change', 'configuration', 'warning', 'A role definition or role assignment was changed.', NULL, true),
('configuration.user_create', 'configuration', 'notice', 'A user was added or invited.', NULL, true),
('configuration.user_delete', 'configuration', 'notice', 'A user was removed or deactivated.', NULL, true),
('configuration.user_modify', 'configuration', 'notice', 'A user''s profile, team or rights were changed.', NULL, true),
('configuration.workspace_change', 'configuration', 'notice', 'Settings of a workspace were changed.', NULL, true);

-- cost: budgets, alerts on them, reports
INSERT INTO auditlog.event_types (event_type, category, default_severity, description, json_schema, built_in) VALUES
('cost.alert_change', 'cost', 'info', 'An alert on costs was created, changed or removed.', NULL, true),
('cost.anomaly', 'cost', 'warning', 'Spending departed from its usual course.', NULL, true),
('cost.budget_create', 'cost', 'info', 'A budget was created.', '{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "required": ["resource"],
  "properties": {"resource": {"type": "object", "minProperties": 1}}
}', true),
('cost.budget_delete', 'cost', 'notice', 'A budget was removed.', NULL, true),
('cost.budget_exceeded', 'cost', 'warning', 'Spending went over a budget or one of its thresholds.', NULL, true),
('cost.budget_modify', 'cost', 'notice', 'A budget was changed.', '{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "required": ["resource"],
  "properties": {
    "resource": {"type": "object", "minProperties": 1},
    "changes": {
      "type": "object",
      "properties": {"before": {"type": ["object", "null"]}, "after": {"type": ["object", "null"]}}
    }
  }
}', true),
('cost.export', 'cost', 'info', 'Cost data was exported.', NULL, true),
('cost.report_generate', 'cost', 'info', 'A cost report was generated.', NULL, true),
('cost.view', 'cost', 'info', 'Cost data was looked at.', NULL, true);

-- data: rows and files
INSERT INTO auditlog.event_types (event_type, category, default_severity, description, json_schema, built_in) VALUES
('data.copy_from', 'data', 'info', 'Rows were loaded into a table in bulk.', NULL, true),
('data.copy_to', 'data', 'notice', 'Rows were copied out of a table in bulk.', NULL, true),
('data.delete', 'data', 'info', 'Rows were deleted.', NULL, true),
('data.insert', 'data', 'info', 'Rows were inserted.', NULL, true),
('data.merge', 'data', 'info', 'Rows were merged into a table.', NULL, true),
('data.select', 'data', 'info', 'Rows were read.', NULL, true),
('data.truncate', 'data', 'warning', 'All rows of a table were removed at once.', NULL, true),
('data.update', 'data', 'info', 'Rows were changed.', NULL, true),
('database.statement', 'data', 'info', 'A statement was run that belongs to no other type.', NULL, true),
('file.read', 'data', 'warning', 'A file of the database server was read from SQL.', NULL, true),
('file.write', 'data', 'warning', 'A file of the database server was written from SQL.', NULL, true);

-- incident: security incidents and breaches of personal data
INSERT INTO auditlog.event_types (event_type, category, default_severity, description, json_schema, built_in) VALUES
('breach.closed', 'incident', 'notice', 'The handling of a personal data breach was finished.', NULL, true),
('breach.detected', 'incident', 'critical', 'A breach of personal data was found.', NULL, true),
('breach.notified', 'incident', 'warning', 'The authority was told about a breach of personal data.', NULL, true),
('breach.subject_notified', 'incident', 'warning', 'The persons concerned were told about a breach of their data.', NULL, true),
('incident.close', 'incident', 'notice', 'A security incident was closed.', NULL, true),
('incident.open', 'incident', 'error', 'A security incident was opened.', NULL, true),
('incident.update', 'incident', 'notice', 'Something was added to a security incident.', NULL, true);

-- integration: other systems talking to this one
INSERT INTO auditlog.event_types (event_type, category, default_severity, description, json_schema, built_in) VALUES
('integration.api_call', 'integration', 'info', 'Another system called the API.', NULL, true),
('integration.cloud_sync', 'integration', 'info', 'Data was synchronised with a cloud provider.', NULL, true),
('integration.sso_authentication', 'integration', 'info', 'An identity provider vouched for a user.', NULL, true),
('integration.unrecognized', 'integration', 'notice', 'A record of another system came in that its mapping does not know.', NULL, true),
('integration.webhook', 'integration', 'info', 'A webhook was sent or received.', NULL, true);

-- policy: rules on resources and on access, and breaches of them
INSERT INTO auditlog.event_types (event_type, category, default_severity, description, json_schema, built_in) VALUES
('policy.alter', 'policy', 'notice', 'A row-level security policy was altered.', NULL, true),
('policy.create', 'policy', 'notice', 'A policy was created.', NULL, true),
('policy.drop', 'policy', 'warning', 'A policy was removed.', NULL, true),
('policy.exception', 'policy', 'warning', 'An exception from a policy was granted.', NULL, true),
('policy.modify', 'policy', 'notice', 'A policy was changed, attached or detached.', '{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "required": ["resource"],
  "properties": {
    "resource": {
      "type": "object",
      "required": ["type"],
      "properties": {"type": {"type": "string", "minLength": 1}}
    }
  }
}', true),
('policy.violation', 'policy', 'warning', 'Something was done, or found, that a policy forbids.', NULL, true);

-- privacy: rights of the persons that data is about
INSERT INTO auditlog.event_types (event_type, category, default_severity, description, json_schema, built_in) VALUES
('privacy.access_completed', 'privacy', 'info', 'A person was given the data held about them.', NULL, true),
('privacy.access_request', 'privacy', 'info', 'A person asked for the data held about them.', NULL, true),
('privacy.disclosure', 'privacy', 'notice', 'Personal data was disclosed to somebody outside.', NULL, true),
('privacy.erasure', 'privacy', 'notice', 'Data about a person was erased.', NULL, true),
('privacy.erasure_request', 'privacy', 'info', 'A person asked for data about them to be erased.', NULL, true),
('privacy.objection', 'privacy', 'info', 'A person objected to the processing of their data.', NULL, true),
('privacy.rectification', 'privacy', 'info', 'Wrong data about a person was corrected.', NULL, true),
('privacy.restriction', 'privacy', 'info', 'The processing of a person''s data was restricted.', NULL, true);

-- resource: cloud resources and other things under management. A failed or refused attempt may
-- not know its resource's id, so the id is demanded only where something really happened.
INSERT INTO auditlog.event_types (event_type, category, default_severity, description, json_schema, built_in) VALUES
('resource.create', 'resource', 'info', 'A resource was created.', '{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "required": ["resource"],
  "properties": {
    "resource": {
      "type": "object",
      "required": ["type"],
      "properties": {"type": {"type": "string", "minLength": 1}}
    }
  }
}', true),
('resource.delete', 'resource', 'notice', 'A resource was deleted.', '{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "required": ["resource"],
  "properties": {
    "resource": {
      "type": "object",
      "required": ["type"],
      "properties": {"type": {"type": "string", "minLength": 1}}
    }
  },
  "if": {
    "properties": {"action": {"properties": {"status": {"enum": ["failed", "denied", "error"]}}, "required": ["status"]}},
    "required": ["action"]
  },
  "else": {
    "properties": {
      "resource": {"required": ["id"], "properties": {"id": {"type": "string", "minLength": 1}}}
    }
  }
}', true),
('resource.modify', 'resource', 'info', 'A resource was changed.', '{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "required": ["resource"],
  "properties": {
    "resource": {
      "type": "object",
      "required": ["type"],
      "properties": {"type": {"type": "string", "minLength": 1}}
    }
  },
  "if": {
    "properties": {"action": {"properties": {"status": {"enum": ["failed", "denied", "error"]}}, "required": ["status"]}},
    "required": ["action"]
  },
  "else": {
    "properties": {
      "resource": {"required": ["id"], "properties": {"id": {"type": "string", "minLength": 1}}}
    }
  }
}', true),
('resource.state_change', 'resource', 'info', 'A resource went into another state, such as started or stopped.', NULL, true),
('resource.tag_change', 'resource', 'info', 'Tags or labels of a resource were changed.', NULL, true),
('resource.truncate', 'resource', 'warning', 'All resources of a kind were removed at once.', NULL, true),
('resource.view', 'resource', 'info', 'A resource was looked at or listed.', NULL, true);

-- schema: definitions of database objects
INSERT INTO auditlog.event_types (event_type, category, default_severity, description, json_schema, built_in) VALUES
('ddl.alter', 'schema', 'notice', 'A database object''s definition was changed.', NULL, true),
('ddl.create', 'schema', 'notice', 'A database object was created.', NULL, true),
('ddl.drop', 'schema', 'warning', 'A database object was dropped.', NULL, true),
('extension.create', 'schema', 'notice', 'A database extension was installed.', NULL, true),
('extension.drop', 'schema', 'warning', 'A database extension was removed.', NULL, true),
('extension.update', 'schema', 'notice', 'A database extension was updated.', NULL, true),
('function.create', 'schema', 'notice', 'A database function was created.', NULL, true),
('function.execute', 'schema', 'info', 'A database function was called.', NULL, true),
('function.replace', 'schema', 'notice', 'A database function''s body was replaced.', NULL, true),
('function.security_definer', 'schema', 'warning', 'A database function that runs with its owner''s rights was created or used.', NULL, true),
('function.untrusted', 'schema', 'warning', 'A database function in an untrusted language was created or used.', NULL, true),
('trigger.create', 'schema', 'notice', 'A trigger was created.', NULL, true),
('trigger.disable', 'schema', 'warning', 'A trigger was switched off.', NULL, true);

-- system: running the product and the database server
INSERT INTO auditlog.event_types (event_type, category, default_severity, description, json_schema, built_in) VALUES
('backup.restore', 'system', 'warning', 'A backup was restored.', NULL, true),
('backup.start', 'system', 'info', 'A backup of the database was started.', NULL, true),
('library.load', 'system', 'warning', 'A shared library was loaded into the database server.', NULL, true),
('program.execute', 'system', 'warning', 'A program was run on the database server from SQL.', NULL, true),
('replication.start', 'system', 'notice', 'A replication stream was opened.', NULL, true),
('system.backup', 'system', 'info', 'A backup job was run.', NULL, true),
('system.data_ingestion', 'system', 'info', 'Data was taken in from a source.', NULL, true),
('system.error', 'system', 'error', 'Something went wrong in the system itself.', NULL, true),
('system.maintenance', 'system', 'info', 'Maintenance work was done.', NULL, true),
('system.recovery', 'system', 'warning', 'The system recovered from a crash or failure.', NULL, true),
('system.start', 'system', 'notice', 'The system was started.', NULL, true),
('system.stop', 'system', 'warning', 'The system was stopped.', NULL, true);
