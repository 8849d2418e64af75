"""What of CockroachDB can be checked without it: the Jobs' scripts, run by a real shell with a stand-in server.

The stand-in answers as `cockroach init`, `sql` and `node` do and writes down its arguments and its input. That the
real server accepts the statements and the flags is not shown here.
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

import pytest

from components.database import cockroachdb_plan as plan
from components.database import cockroachdb_sql as sql
from components.database.cockroachdb_scripts import BACKUP_SCRIPT, BOOTSTRAP_SCRIPT, REGIONS_SCRIPT

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(60)]

PASSWORD = "correcthorsebatterystaple"
LICENSE = "crl-0-it's-free"

STAND_IN = """\
import json, pathlib, sys

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
elif "DROP REGION" in "".join(said) and phase == "rows at home":
    sys.exit("ERROR: could not remove enum value as it is being used")
"""

STALE = sql.stale_backups_sql(["us-central1"])
BACKUP = sql.backup_sql("us-central1", uri="gs://bucket/cockroachdb?AUTH=implicit", schedule="@hourly", full="@daily")
NODES = """\
id\taddress\tsql_address\tbuild\tstarted_at\tupdated_at\tlocality\tis_available\tis_live
1\ta:26257\ta:26257\tv26.2.5\tt\t\tregion=us-central1,zone=a\ttrue\ttrue
2\tb:26257\tb:26257\tv26.2.5\tt\tt\tregion=europe-west1,zone=b\ttrue\ttrue
3\tc:26257\tc:26257\tv26.2.5\tt\tt\tregion=asia-east1,zone=unknown\tfalse\tfalse
11\td:26257\td:26257\tv26.2.5\tt\tt\tregion=asia-east1,zone=c\ttrue\ttrue
12\tNULL\tNULL\tNULL\tNULL\tNULL\tNULL\tfalse\tfalse
"""
"""As `cockroach node status --format=tsv` prints it. Nodes without an address have not been heard of for long."""


@dataclass
class Job:
    """A Job's container, with the stand-in in place of CockroachDB."""

    directory: Path
    script: str = BOOTSTRAP_SCRIPT

    def __post_init__(self) -> None:
        binary = self.directory / "cockroach"
        binary.write_text(f"#!{sys.executable}\n{STAND_IN}")
        binary.chmod(binary.stat().st_mode | stat.S_IXUSR)
        for part in ("settings", "credentials"):
            (self.directory / part).mkdir()
        for file in ("others-with-a-database", "database-regions", "cluster-regions"):
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
            .replace(plan.SETTINGS, str(self.directory / "settings"))
            .replace(plan.CREDENTIALS, str(self.directory / "credentials"))
            # Nobody has to wait for a stand-in.
            .replace("sleep 5", "sleep 0.1")
            .replace("sleep 2", "sleep 0.1")
        )
        (self.directory / "run.sh").write_text(script)

    def setting(self, name: str, text: str) -> None:
        """Write a file that the Job mounts."""
        (self.directory / "settings" / name).write_text(text)

    def run(self, phase: str, *, founder: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the script against a server in `phase`."""
        (self.directory / "state").write_text(phase)
        (self.directory / "calls").write_text("")
        environment = {
            "PATH": os.environ["PATH"],
            "HOST": "cockroachdb-0.cockroachdb",
            "FOUNDER": str(founder).lower(),
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
        """What the stand-in was asked, in order."""
        return [json.loads(line) for line in (self.directory / "calls").read_text().splitlines()]

    def statements(self) -> str:
        """The SQL that came on standard input."""
        return "".join(call["input"] for call in self.calls())

    def changes(self) -> list[str]:
        """Statements and commands that change something, in order, but for what ends backups."""
        asked = [
            call["input"] or "".join(call["said"]) or " ".join(call["arguments"][:-2])
            for call in self.calls()
            if call["command"] != "node status"
        ]
        return [text for text in asked if not text.startswith("SELECT") and text != STALE]


@dataclass
class RegionsJob(Job):
    """The Job that keeps the database in step with the list of regions."""

    script: str = REGIONS_SCRIPT

    def wants(self, *regions: str, survive: sql.Survival = "zone") -> str:
        """Give it a list of regions, founder first; the statements that follow from it."""
        statements = sql.regions_sql("council", founder=regions[0], regions=regions, survive=survive)
        self.setting("regions", "".join(f"{region}\n" for region in sorted(regions)))
        self.setting("regions.sql", statements)
        return statements

    def finds(self, *, database: Sequence[str], cluster: Sequence[str] = ()) -> None:
        """Let the server know these regions."""
        (self.directory / "database-regions").write_text("".join(f"{region}\n" for region in database))
        (self.directory / "cluster-regions").write_text("".join(f"{region}\n" for region in cluster))


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path)


def test_a_new_cluster_is_initialised_as_soon_as_it_answers(job: Job) -> None:
    result = job.run("unreachable")
    assert result.returncode == 0, result.stderr
    assert [call["command"] for call in job.calls()] == ["sql", "init", "sql", "sql", "sql"]
    assert "Initialised the cluster." in result.stdout
    assert "CREATE DATABASE IF NOT EXISTS council;" in job.statements()
    assert f"ALTER USER member WITH PASSWORD '{PASSWORD}';" in job.statements()


def test_a_second_run_changes_nothing_but_says_the_same(job: Job) -> None:
    assert job.run("unreachable").returncode == 0
    first = job.statements()
    result = job.run("ready")
    assert result.returncode == 0, result.stderr
    assert "already initialised" in result.stdout
    assert job.statements() == first


def test_only_the_founder_initialises_and_says_what_is_in_the_database(job: Job) -> None:
    result = job.run("joining", founder=False)
    assert result.returncode == 0, result.stderr
    assert {call["command"] for call in job.calls()} == {"sql"}
    assert job.statements() == ""
    assert "Waiting for the founder" in result.stdout


def test_a_founder_of_new_nodes_makes_no_second_database(job: Job) -> None:
    job.setting("others", "asia-east1-0.peers.cockroachdb.svc\neurope-west1-0.peers.cockroachdb.svc\n")
    (job.directory / "others-with-a-database").write_text("europe-west1-0.peers.cockroachdb.svc:26257")
    result = job.run("new")
    assert result.returncode != 0
    assert "europe-west1-0.peers.cockroachdb.svc has a database already" in result.stderr
    assert "init" not in {call["command"] for call in job.calls()}


def test_a_founder_asks_the_others_and_founds_when_none_has_a_database(job: Job) -> None:
    job.setting("others", "asia-east1-0.peers.cockroachdb.svc\n")
    result = job.run("new")
    assert result.returncode == 0, result.stderr
    assert "asia-east1-0.peers.cockroachdb.svc:26257" in {call["host"] for call in job.calls()}
    assert "Initialised the cluster." in result.stdout


def test_a_founder_that_has_its_database_asks_nobody(job: Job) -> None:
    job.setting("others", "asia-east1-0.peers.cockroachdb.svc\n")
    (job.directory / "others-with-a-database").write_text("asia-east1-0.peers.cockroachdb.svc:26257")
    result = job.run("ready")
    assert result.returncode == 0, result.stderr
    assert {call["host"] for call in job.calls()} == {"cockroachdb-0.cockroachdb:26257"}


def test_passwords_are_in_no_argument_and_no_output(job: Job) -> None:
    result = job.run("unreachable")
    arguments = json.dumps([call["arguments"] for call in job.calls()])
    assert PASSWORD not in arguments + result.stdout + result.stderr


def test_a_license_is_set_with_its_quotes_doubled(job: Job) -> None:
    (job.directory / "credentials" / "license").write_text(LICENSE)
    assert job.run("ready").returncode == 0
    assert "SET CLUSTER SETTING enterprise.license = 'crl-0-it''s-free';" in job.statements()


def test_without_a_license_none_is_set(job: Job) -> None:
    assert job.run("ready").returncode == 0
    assert "enterprise.license" not in job.statements()


def test_refused_statements_fail_the_job(job: Job) -> None:
    result = job.run("broken")
    assert result.returncode != 0
    assert "something is wrong" in result.stderr


def test_a_missing_password_fails_the_job_before_anything_is_said(job: Job) -> None:
    (job.directory / "credentials" / "password").unlink()
    assert job.run("ready").returncode != 0
    assert job.statements() == ""


@pytest.fixture
def regions(tmp_path: Path) -> RegionsJob:
    return RegionsJob(tmp_path)


THREE = ("us-central1", "asia-east1", "europe-west1")


def test_a_region_alone_keeps_an_ordinary_database(regions: RegionsJob) -> None:
    regions.wants("us-central1")
    regions.finds(database=[], cluster=["us-central1"])
    result = regions.run("ready")
    assert result.returncode == 0, result.stderr
    assert regions.changes() == []
    assert regions.statements() == STALE


def test_regions_are_added_once_their_nodes_have_joined(regions: RegionsJob) -> None:
    statements = regions.wants(*THREE, survive="region")
    regions.finds(database=[])
    two, three = "asia-east1\nus-central1\n", "asia-east1\neurope-west1\nus-central1\n"
    joined = ["us-central1\n", two, two, three]
    (regions.directory / "cluster-regions").write_text("\n\n".join(joined))
    result = regions.run("ready")
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("Waiting for nodes of asia-east1 to join.") == 1
    assert result.stdout.count("Waiting for nodes of europe-west1 to join.") == 1
    assert regions.changes() == [statements]


def test_a_region_that_is_down_but_known_is_not_waited_for(regions: RegionsJob) -> None:
    statements = regions.wants(*THREE)
    regions.finds(database=sorted(THREE), cluster=["us-central1"])
    result = regions.run("ready")
    assert result.returncode == 0, result.stderr
    assert regions.changes() == [statements]


def test_a_region_that_leaves_is_dropped_then_emptied_in_this_order(regions: RegionsJob) -> None:
    statements = regions.wants("us-central1", "europe-west1")
    regions.finds(database=sorted(THREE), cluster=sorted(THREE))
    result = regions.run("ready")
    assert result.returncode == 0, result.stderr
    assert regions.changes() == [
        statements,
        'ALTER DATABASE council DROP REGION IF EXISTS "asia-east1";',
        "node decommission 3 11 --wait=all",
    ]


def test_back_to_one_region_all_others_leave(regions: RegionsJob) -> None:
    regions.wants("us-central1")
    regions.finds(database=sorted(THREE))
    result = regions.run("ready")
    assert result.returncode == 0, result.stderr
    assert regions.changes()[-1] == "node decommission 2 3 11 --wait=all"
    assert sum("DROP REGION" in change for change in regions.changes()) == 2
    assert "Node 12 says no region: left alone." in result.stdout


def test_while_rows_are_at_home_in_a_region_its_nodes_keep_them(regions: RegionsJob) -> None:
    regions.wants("us-central1", "europe-west1")
    regions.finds(database=sorted(THREE))
    result = regions.run("rows at home")
    assert result.returncode != 0
    assert "being used" in result.stderr
    assert not any("decommission" in change for change in regions.changes())


def test_refused_regions_fail_the_job_before_any_node_is_touched(regions: RegionsJob) -> None:
    regions.wants("us-central1", "europe-west1")
    regions.finds(database=sorted(THREE))
    result = regions.run("broken")
    assert result.returncode != 0
    assert len(regions.calls()) == 2


def test_a_second_run_only_says_the_same_again(regions: RegionsJob) -> None:
    statements = regions.wants(*THREE)
    regions.finds(database=sorted(THREE))
    assert regions.run("ready").returncode == 0
    assert regions.changes() == [statements]


def test_the_database_is_told_to_back_itself_up(tmp_path: Path) -> None:
    job = Job(tmp_path, BACKUP_SCRIPT)
    result = job.run("ready")
    assert result.returncode == 0, result.stderr
    assert job.changes() == [BACKUP]


def test_storage_that_refuses_backups_fails_the_job(tmp_path: Path) -> None:
    result = Job(tmp_path, BACKUP_SCRIPT).run("broken")
    assert result.returncode != 0
    assert "something is wrong" in result.stderr


def test_the_start_command_is_one_command_with_the_pods_own_names(tmp_path: Path) -> None:
    binary = tmp_path / "cockroach"
    binary.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    binary.chmod(0o755)
    command = plan.start_command("europe-west1", founder="us-central1", alone=False)
    command = command.replace("/cockroach/cockroach", str(binary))
    environment = {"POD_NAME": "cockroachdb-1", "POD_NAMESPACE": "database", "ZONE": "europe-west1-b"}

    def arguments(**changes: str) -> list[str]:
        run = subprocess.run(
            ["/bin/bash", "-c", command], env={**environment, **changes}, capture_output=True, text=True, check=True
        )
        return run.stdout.splitlines()

    found = arguments()
    assert found[0] == "start"
    assert "--advertise-addr=europe-west1-1.peers.database.svc:26257" in found
    assert "--locality-advertise-addr=region=europe-west1@cockroachdb-1.cockroachdb.database:26257" in found
    assert "--locality=region=europe-west1,zone=europe-west1-b" in found
    (joined,) = [argument for argument in found if argument.startswith("--join=")]
    assert joined.split(",")[3] == "us-central1-0.peers.database.svc:26257"
    assert "--advertise-addr=europe-west1-11.peers.database.svc:26257" in arguments(POD_NAME="cockroachdb-11")
    assert "--locality=region=europe-west1,zone=unknown" in arguments(ZONE="")
