# pg_auditlog in the official PostgreSQL image. The build stage does what `make package` does on a Debian machine: the same
# script, so there is one way to build.
#
#   docker build -t pg_auditlog .
#   docker run -e POSTGRES_PASSWORD=… -p 5432:5432 pg_auditlog
#
# And auditlog-server, which needs no PostgreSQL where it runs; docs/api.md says how it is configured.
#
#   docker build --target server -t auditlog-server .

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN make package PG=15

FROM rust:1.95-bookworm AS server-build
WORKDIR /src
COPY . .
RUN cargo build --release --locked -p auditlog-server \
    && strip -o /auditlog-server target/release/auditlog-server

FROM debian:bookworm-slim AS server
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin auditlog
COPY --from=server-build /auditlog-server /usr/bin/auditlog-server
USER 10001:10001
# Beyond this container only with a certificate, or when AUDITLOG_SERVER_ALLOW_PLAIN_HTTP says that a proxy speaks TLS.
ENV AUDITLOG_SERVER_LISTEN=0.0.0.0:8480 \
    AUDITLOG_SERVER_METRICS_LISTEN=127.0.0.1:9480
EXPOSE 8480
# Does the process answer? /ready also asks the database, which a restart would not mend.
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/9480 && printf 'GET /health HTTP/1.0\\r\\n\\r\\n' >&3 && head -n 1 <&3 | grep -q ' 200 '"]
ENTRYPOINT ["/usr/bin/auditlog-server"]

FROM postgres:15-bookworm
COPY --from=build /src/dist/ /tmp/dist/
RUN tar -C / -xzf /tmp/dist/pg_auditlog-*-pg15.tar.gz \
    && rm -r /tmp/dist \
    && echo 'CREATE EXTENSION pg_auditlog;' > /docker-entrypoint-initdb.d/10-pg_auditlog.sql
# The entrypoint passes these on to the server it initialises the database with, too.
CMD ["postgres", "-c", "shared_preload_libraries=pg_auditlog", "-c", "max_worker_processes=16"]
