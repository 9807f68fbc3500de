"""The benchmark of pg_auditlog: Python standard library and PostgreSQL's own programs, nothing else."""
