# pg_auditlog in the official PostgreSQL image. The build stage does what `make package` does on a Debian machine: the same
# script, so there is one way to build.
#
#   docker build -t pg_auditlog .
#   docker run -e POSTGRES_PASSWORD=… -p 5432:5432 pg_auditlog

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN make package PG=15

FROM postgres:15-bookworm
COPY --from=build /src/dist/ /tmp/dist/
RUN tar -C / -xzf /tmp/dist/pg_auditlog-*-pg15.tar.gz \
    && rm -r /tmp/dist \
    && echo 'CREATE EXTENSION pg_auditlog;' > /docker-entrypoint-initdb.d/10-pg_auditlog.sql
# The entrypoint passes these on to the server it initialises the database with, too.
CMD ["postgres", "-c", "shared_preload_libraries=pg_auditlog", "-c", "max_worker_processes=16"]
