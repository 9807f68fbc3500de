-- Row capture as a user sees it: what is listed, what is refused and why.
CREATE TABLE public.regress_customer (id int PRIMARY KEY, name text, email text, seen timestamptz);
CREATE VIEW public.regress_view AS SELECT * FROM public.regress_customer;
SELECT auditlog.track('public.regress_customer', ignore_columns => '{seen}', mask => '{"email": "redact"}', event_prefix => 'crm.customer');
SELECT relation, state, ignore_columns, mask, only_if, event_prefix, tracked_by FROM auditlog.tracked_tables;

INSERT INTO public.regress_customer VALUES (1, 'ann', 'ann@example.com', now());
UPDATE public.regress_customer SET name = 'Ann', seen = now();
UPDATE public.regress_customer SET seen = now();
DELETE FROM public.regress_customer;
TRUNCATE public.regress_customer;
SELECT event_type, severity, operation, actor_type, resource_type, resource_id, before, after FROM auditlog.events
WHERE resource_type = 'public.regress_customer' ORDER BY recorded_at;

-- Refused, with a hint.
SELECT auditlog.track('public.regress_view');
SELECT auditlog.track('auditlog.event_types');
SELECT auditlog.track('pg_catalog.pg_class');
SELECT auditlog.track('public.regress_customer', ignore_columns => '{nope}');
SELECT auditlog.track('public.regress_customer', mask => '{"email": "blur"}');
SELECT auditlog.track('public.regress_customer', mask => '{"id": "drop"}');
SELECT auditlog.track('public.regress_customer', mask => '[]');
SELECT auditlog.track('public.regress_customer', only_if => 'name >');
SELECT auditlog.track('public.regress_customer', only_if => 'true) ORDER BY (1');
SELECT auditlog.track('public.regress_customer', event_prefix => 'auditlog.x');
SET ROLE regress_app;
SELECT auditlog.track('public.regress_customer');
SELECT auditlog.untrack('public.regress_customer');
RESET ROLE;
SELECT auditlog.untrack('public.regress_customer');
SELECT auditlog.untrack('public.regress_customer');
SELECT operation, severity, resource_id, before, after FROM auditlog.events
WHERE event_type = 'auditlog.policy_change' AND resource_type = 'table' ORDER BY recorded_at;
SELECT auditlog_data.capture();
DROP VIEW public.regress_view;
DROP TABLE public.regress_customer;
