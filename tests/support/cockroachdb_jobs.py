"""The database's Jobs: their scripts, run by a real shell with a stand-in server.

The stand-in answers like `cockroach init`, `sql` and `node`, and records its arguments and input. These tests do not
show that the real server accepts the statements and the flags.
"""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.database import cockroachdb_nodes as nodes
from components.database import cockroachdb_sql as sql

PASSWORD = "correcthorsebatterystaple"
LICENSE = "crl-0-it's-free"

STAND_IN = """\
import json, pathlib, re, sys

here = pathlib.Path(__file__).parent
state, calls = here / "state", here / "calls"
arguments = sys.argv[1:]
command = " ".join(word for word in arguments[:2] if not word.startswith("-"))
said = [word.partition("=")[2] for word in arguments if word.startswith("--execute=")]
host = next(word.partition("=")[2] for word in arguments if word.startswith("--host="))
text = sys.stdin.read() if command == "sql" and not said else ""
with calls.open("a") as file:
    call = {"command": command, "host": host, "arguments": arguments, "said": said, "input": text}
    file.write(json.dumps(call) + "\\n")
phase = state.read_text()
if not host.startswith("cockroachdb-0."):
    # Another region's node.
    sys.exit(None if host in (here / "others-with-a-database").read_text() else "ERROR: cannot dial server.")
if phase == "unreachable":
    state.write_text("new")
    sys.exit("ERROR: cannot dial server.")
if command == "init":
    if phase != "new":
        sys.exit("ERROR: cluster has already been initialized")
    state.write_text("starting")
    print("Cluster successfully initialized")
elif phase == "starting":
    state.write_text("ready")
    sys.exit("ERROR: server is not accepting clients")
elif phase == "unmade" and text:
    state.write_text("ready")
    sys.exit("ERROR: relation does not exist")
elif phase == "broken" and text:
    sys.exit("ERROR: something is wrong with the statements")
elif phase == "new":
    sys.exit("ERROR: not initialised")
elif phase == "joining" and said and "SHOW TABLES" in said[0]:
    state.write_text("ready")
    sys.exit('ERROR: target database or schema does not exist')
elif said and "SHOW REGIONS FROM DATABASE" in said[0]:
    print("region\\n" + (here / "database-regions").read_text(), end="")
elif said and "SHOW REGIONS FROM CLUSTER" in said[0]:
    joined = (here / "cluster-regions").read_text().split("\\n\\n")
    print("region\\n" + joined[0], end="")
    (here / "cluster-regions").write_text("\\n\\n".join(joined[1:] or joined))
elif command == "node status":
    print((here / "nodes").read_text(), end="")
elif "CREATE SCHEDULE" in text:
    label, uri = re.search(r"IF NOT EXISTS '([^']*)' FOR BACKUP INTO '([^']*)'", text).groups()
    schedule, written = here / "schedule", here / "backups"
    if label != schedule.read_text() and uri in written.read_text() and "ignore_existing_backups" not in text:
        sys.exit(f"ERROR: backups already created in {uri}")
    schedule.write_text(label)
    written.write_text(written.read_text() + uri + "\\n")
elif "DROP REGION" in "".join(said) and phase == "rows at home":
    sys.exit("ERROR: could not remove enum value as it is being used")
"""

STALE = sql.stale_backups_sql(["us-central1"])
URI = "gs://bucket/cockroachdb?AUTH=implicit"
BACKUP = sql.backup_sql("us-central1", uri=URI, schedule="@hourly", full="@daily")
NODES = """\
id\taddress\tsql_address\tbuild\tstarted_at\tupdated_at\tlocality\tis_available\tis_live
1\ta:26257\ta:26257\tv26.2.5\tt\t\tregion=us-central1,zone=a\ttrue\ttrue
2\tb:26257\tb:26257\tv26.2.5\tt\tt\tregion=europe-west1,zone=b\ttrue\ttrue
3\tc:26257\tc:26257\tv26.2.5\tt\tt\tregion=asia-east1,zone=unknown\tfalse\tfalse
11\td:26257\td:26257\tv26.2.5\tt\tt\tregion=asia-east1,zone=c\ttrue\ttrue
12\tNULL\tNULL\tNULL\tNULL\tNULL\tNULL\tfalse\tfalse
"""
"""Output of `cockroach node status --format=tsv`. A node without an address has not reported for long."""


@dataclass
class Job:
    """A Job's container, with the stand-in instead of CockroachDB."""

    directory: Path
    script: str = sql.BOOTSTRAP_SCRIPT

    def __post_init__(self) -> None:
        binary = self.directory / "cockroach"
        binary.write_text(f"#!{sys.executable}\n{STAND_IN}")
        binary.chmod(binary.stat().st_mode | stat.S_IXUSR)
        for part in ("settings", "credentials"):
            (self.directory / part).mkdir()
        for file in ("others-with-a-database", "database-regions", "cluster-regions", "schedule", "backups"):
            (self.directory / file).write_text("")
        (self.directory / "nodes").write_text(NODES)
        self.setting("application.sql", sql.application_sql("council", "member"))
        self.setting("others", "")
        self.setting("database-regions.sql", sql.regions_of_database_sql("council"))
        self.setting("stale-backups.sql", STALE)
        self.setting("backup.sql", BACKUP)
        (self.directory / "credentials" / "password").write_text(PASSWORD)
        (self.directory / "credentials" / "license").write_text("")
        script = (
            self.script.replace("/cockroach/cockroach", str(binary))
            .replace(nodes.SETTINGS, str(self.directory / "settings"))
            .replace(nodes.CREDENTIALS, str(self.directory / "credentials"))
            # The stand-in answers at once.
            .replace("sleep 5", "sleep 0.1")
            .replace("sleep 2", "sleep 0.1")
        )
        (self.directory / "run.sh").write_text(script)

    def setting(self, name: str, text: str) -> None:
        """Write a file that the Job mounts."""
        (self.directory / "settings" / name).write_text(text)

    def run(self, phase: str, *, primary_region: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the script against a server in `phase`."""
        (self.directory / "state").write_text(phase)
        (self.directory / "calls").write_text("")
        environment = {
            "PATH": os.environ["PATH"],
            "HOST": "cockroachdb-0.cockroachdb",
            "IS_PRIMARY_REGION": str(primary_region).lower(),
            "DATABASE": "council",
            "USERNAME": "member",
        }
        return subprocess.run(
            ["/bin/bash", str(self.directory / "run.sh")],
            env=environment,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def calls(self) -> list[dict[str, Any]]:
        """The calls of the stand-in, in order."""
        return [json.loads(line) for line in (self.directory / "calls").read_text().splitlines()]

    def statements(self) -> str:
        """The SQL that came on standard input."""
        return "".join(call["input"] for call in self.calls())

    def changes(self) -> list[str]:
        """Statements and commands that change something, in order, except those that end stale backups."""
        asked = [
            call["input"] or "".join(call["said"]) or " ".join(call["arguments"][:-2])
            for call in self.calls()
            if call["command"] != "node status"
        ]
        return [text for text in asked if not text.startswith("SELECT") and text != STALE]


@dataclass
class RegionsJob(Job):
    """The Job that keeps the database in step with the list of regions."""

    script: str = sql.REGIONS_SCRIPT

    def wants(self, *regions: str, survive: sql.Survival = "zone") -> str:
        """Give the Job a list of regions, primary region first; return the statements for it."""
        statements = sql.regions_sql("council", primary_region=regions[0], regions=regions, survive=survive)
        self.setting("regions", "".join(f"{region}\n" for region in sorted(regions)))
        self.setting("regions.sql", statements)
        return statements

    def finds(self, *, database: Sequence[str], cluster: Sequence[str] = ()) -> None:
        """Set the regions that the server reports."""
        (self.directory / "database-regions").write_text("".join(f"{region}\n" for region in database))
        (self.directory / "cluster-regions").write_text("".join(f"{region}\n" for region in cluster))
