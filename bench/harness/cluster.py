"""A private PostgreSQL cluster for the benchmark, and the few ways in which the harness talks to it."""

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

# Durable as in production. One checkpoint is asked for before each measurement and none can start by
# itself within one, so that none falls upon one variant only. Everything else stays at its default.
SETTINGS = {
    "listen_addresses": "''",
    "max_connections": "150",
    "shared_buffers": "'512MB'",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "checkpoint_timeout": "'1h'",
    "max_wal_size": "'4GB'",
    "min_wal_size": "'2GB'",
    "log_checkpoints": "on",
    "logging_collector": "off",
    "log_destination": "'stderr'",
}

TICKS = os.sysconf("SC_CLK_TCK")


class Failed(Exception):
    """A program or statement of the benchmark failed; the message is for the user."""


class Cluster:
    """A cluster below `directory`, owned by the account `postgres` when the harness runs as root."""

    def __init__(self, binaries, directory, preload):
        self.binaries = Path(binaries)
        self.directory = Path(directory)
        self.data = self.directory / "data"
        self.log = self.directory / "server.log"
        self.preload = preload
        # PostgreSQL refuses to run as root.
        self.prefix = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        self.environment = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "PGHOST": str(self.directory),
            "PGPORT": "5432",
            "PGUSER": "postgres",
            "LC_ALL": "C.UTF-8",
            "PGOPTIONS": "-c client_min_messages=error",
        }

    def command(self, program, *arguments):
        """The command line of one of PostgreSQL's programs."""
        return [*self.prefix, str(self.binaries / program), *arguments]

    def run(self, program, *arguments, **options):
        """Runs one of PostgreSQL's programs and returns its output."""
        done = subprocess.run(self.command(program, *arguments), capture_output=True, text=True,
                              env=self.environment, cwd="/", **options)
        if done.returncode != 0:
            raise Failed(f"{program} {' '.join(arguments)[:200]}\n{done.stdout[-1000:]}\n{done.stderr[-3000:]}")
        return done

    def start(self):
        """Makes the cluster and starts it."""
        if self.directory.exists():
            shutil.rmtree(self.directory)
        self.directory.mkdir(parents=True)
        if self.prefix:
            shutil.chown(self.directory, "postgres", "postgres")
        self.directory.chmod(0o700)
        self.run("initdb", "-D", str(self.data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8",
                 "--no-instructions")
        settings = dict(SETTINGS, unix_socket_directories=f"'{self.directory}'")
        if self.preload:
            settings["shared_preload_libraries"] = "'pg_auditlog'"
            # The harness counts events; its own reads are no events but where they are measured.
            settings["auditlog.access_log"] = "off"
            settings["auditlog.sample_interval"] = "0"
        with open(self.data / "postgresql.conf", "a", encoding="utf-8") as conf:
            conf.writelines(f"{name} = {value}\n" for name, value in settings.items())
        # pg_ctl keeps our pipe open in the postmaster, so its output must not be captured.
        started = subprocess.run(self.command("pg_ctl", "-D", str(self.data), "-l", str(self.log), "-w", "start"),
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=self.environment, cwd="/",
                                 check=False)
        if started.returncode != 0:
            raise Failed(f"the cluster does not start:\n{self.log.read_text()[-3000:]}")
        self.sql("postgres", "CREATE ROLE bench_app LOGIN")
        self.fill_wal()
        self.fill_buffers()

    def stop(self):
        """Stops the cluster at once; nothing in it is worth keeping."""
        subprocess.run(self.command("pg_ctl", "-D", str(self.data), "-m", "immediate", "-w", "stop"),
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=self.environment, cwd="/", check=False)

    def remove(self):
        """Deletes the stopped cluster."""
        shutil.rmtree(self.directory, ignore_errors=True)

    def fill_wal(self):
        """Makes WAL files for recycling: otherwise the first measurements alone would pay for creating them."""
        self.sql("postgres", "DO $$BEGIN FOR i IN 1..70 LOOP PERFORM pg_logical_emit_message(false, 'b', 'b'); "
                             "PERFORM pg_switch_wal(); END LOOP; END$$")
        self.sql("postgres", "CHECKPOINT")
        self.sql("postgres", "CHECKPOINT")

    def fill_buffers(self):
        """Touches all of the shared buffers, as a server that has run for a while: otherwise whoever fills them first pays the
        kernel for the memory, a few microseconds a page."""
        self.sql("postgres", "CREATE UNLOGGED TABLE filling (page text); ALTER TABLE filling ALTER page SET STORAGE PLAIN; "
                             "INSERT INTO filling SELECT repeat('x', 8000) FROM generate_series(1, "
                             "(SELECT setting::int FROM pg_settings WHERE name = 'shared_buffers')); DROP TABLE filling")
        self.sql("postgres", "CHECKPOINT")

    def sql(self, database, text, variables=None):
        """Runs SQL through psql and returns the rows as lists of text."""
        arguments = ["-XAtq", "-v", "ON_ERROR_STOP=1", "-F", "\t", "-d", database, "-f", "-"]
        for name, value in (variables or {}).items():
            arguments += ["-v", f"{name}={value}"]
        out = self.run("psql", *arguments, input=text).stdout
        return [line.split("\t") for line in out.splitlines()]

    def value(self, database, text):
        """The one value that a statement returns."""
        return self.sql(database, text)[0][0]

    def setting(self, name):
        """A server setting as SHOW prints it."""
        return self.value("postgres", f"SHOW {name}")

    def checkpoint(self):
        """A checkpoint, so that each measurement begins with the same debt: none."""
        self.sql("postgres", "CHECKPOINT")

    def unplanned_checkpoints(self):
        """How many checkpoints the server began by itself; it should be none."""
        return len(re.findall(r"checkpoint starting: (?:time|wal)", self.log.read_text(errors="replace")))

    def wal_position(self):
        """Bytes of WAL written so far."""
        return int(self.value("postgres", "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint"))

    def postmaster(self):
        """The process id of the postmaster."""
        return int((self.data / "postmaster.pid").read_text().split()[0])

    def cpu_seconds(self):
        """(CPU of the whole cluster, that of its sealers): live processes and those already reaped."""
        postmaster = self.postmaster()
        total = sealers = 0
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            try:
                fields = Path("/proc", entry, "stat").read_text().rsplit(")", 1)[1].split()
                title = Path("/proc", entry, "cmdline").read_bytes()
            except (FileNotFoundError, ProcessLookupError):
                continue  # it ended meanwhile: it will be in the postmaster's children time
            user, system, child_user, child_system = (int(f) for f in fields[11:15])
            if int(entry) == postmaster:
                total += user + system + child_user + child_system
            elif int(fields[1]) == postmaster:
                total += user + system
                if b"pg_auditlog sealer" in title:
                    sealers += user + system
        return total / TICKS, sealers / TICKS


class Session:
    """A psql process kept open, for statements whose own time counts and for quick polling."""

    def __init__(self, cluster, database, user="postgres"):
        environment = dict(cluster.environment, PGUSER=user)
        self.process = subprocess.Popen(cluster.command("psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-F", "\t", "-d", database),
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True, env=environment, cwd="/")
        self.rows("SELECT 1")

    def rows(self, statement):
        """Runs one statement and returns its rows as lists of text."""
        self.process.stdin.write(f"{statement};\n\\echo -- done\n")
        self.process.stdin.flush()
        rows = []
        while (line := self.process.stdout.readline()) != "-- done\n":
            if line == "":
                raise Failed(f"{statement}\n{self.process.stderr.read()}")
            rows.append(line.rstrip("\n").split("\t"))
        return rows

    def value(self, statement):
        """The one value that a statement returns."""
        return self.rows(statement)[0][0]

    def cpu_seconds(self):
        """CPU that its backend has used."""
        fields = Path("/proc", self.value("SELECT pg_backend_pid()"), "stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def seconds(self, statement):
        """Runs one statement and returns the wall time until it has committed."""
        started = time.perf_counter()
        self.rows(statement)
        return time.perf_counter() - started

    def close(self):
        """Ends the session."""
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
