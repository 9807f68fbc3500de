-- People of the demonstration: one for each role, with a password of their own, and who they are among the generated events
-- (generate.sql: person n is user_<10000 + 7n>). Called by scripts/server.sh with the variables password, service, authenticator;
-- running it again changes nothing but the passwords.
SET client_min_messages = warning;
SET password_encryption = 'scram-sha-256';

SELECT format('CREATE ROLE %I %s', name, attributes)
FROM (VALUES
    ('demo_people', 'NOLOGIN'), ('demo_administrator', 'LOGIN'), ('demo_analyst', 'LOGIN'), ('demo_compliance', 'LOGIN'),
    ('demo_manager', 'LOGIN'), ('demo_user', 'LOGIN'), ('demo_service', 'LOGIN'), ('demo_authenticator', 'LOGIN NOINHERIT')) AS r (name, attributes)
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec

SELECT format('ALTER ROLE %I PASSWORD %L', name, password)
FROM (VALUES
    ('demo_administrator', :'password'), ('demo_analyst', :'password'), ('demo_compliance', :'password'), ('demo_manager', :'password'),
    ('demo_user', :'password'), ('demo_service', :'service'), ('demo_authenticator', :'authenticator')) AS r (name, password) \gexec

GRANT demo_people TO demo_administrator, demo_analyst, demo_compliance, demo_manager, demo_user, demo_service, demo_authenticator;
-- The authenticator takes the role of whom a token names; it has none of its own (NOINHERIT).
GRANT demo_administrator, demo_analyst, demo_compliance, demo_manager, demo_user, auditlog_user, auditlog_manager TO demo_authenticator;
GRANT auditlog_administrator TO demo_administrator;
GRANT auditlog_analyst TO demo_analyst;
GRANT auditlog_compliance TO demo_compliance;
GRANT auditlog_manager TO demo_manager;
GRANT auditlog_user TO demo_user;
-- The server's own login looks after it, and sees no event.
GRANT pg_monitor TO demo_service;

SELECT auditlog.add_principal(p.role_name::name, actor_id => p.actor_id, teams => p.teams, manages => p.manages)
FROM (VALUES
    ('demo_administrator', 'demo_administrator', NULL::text[], NULL::text[]),
    ('demo_analyst', 'demo_analyst', NULL, NULL),
    ('demo_compliance', 'demo_compliance', NULL, NULL),
    ('demo_user', 'user_10021', ARRAY['data'], NULL),
    ('demo_manager', 'user_10028', ARRAY['leads'], ARRAY['platform']),
    (NULL, 'user_10000', ARRAY['platform'], NULL),
    (NULL, 'user_10035', ARRAY['platform'], NULL),
    (NULL, 'user_10070', ARRAY['platform'], NULL)) AS p (role_name, actor_id, teams, manages)
WHERE NOT EXISTS (SELECT FROM auditlog.principals AS q WHERE q.actor_id = p.actor_id);
