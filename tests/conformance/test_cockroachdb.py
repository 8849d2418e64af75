"""What of CockroachDB can be checked without it: the bootstrap script, run by a real shell with a stand-in server.

The stand-in answers as `cockroach init` and `cockroach sql` do and writes down its arguments and its input. That the
real server accepts the statements and the flags is not shown here.
"""

import json
import os
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from components.database import cockroachdb_plan as plan

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(60)]

PASSWORD = "correcthorsebatterystaple"
LICENSE = "crl-0-it's-free"

STAND_IN = """\
import json, pathlib, sys

state = pathlib.Path(__file__).parent / "state"
calls = pathlib.Path(__file__).parent / "calls"
command = sys.argv[1]
text = "" if command == "init" or "--execute" in " ".join(sys.argv) else sys.stdin.read()
with calls.open("a") as file:
    file.write(json.dumps({"command": command, "arguments": sys.argv[2:], "input": text}) + "\\n")
phase = state.read_text()
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
"""


@dataclass
class Job:
    """The bootstrap Job's container, with the stand-in in place of CockroachDB."""

    directory: Path

    def __post_init__(self) -> None:
        binary = self.directory / "cockroach"
        binary.write_text(f"#!{sys.executable}\n{STAND_IN}")
        binary.chmod(binary.stat().st_mode | stat.S_IXUSR)
        for part in ("settings", "credentials"):
            (self.directory / part).mkdir()
        (self.directory / "settings" / "application.sql").write_text(plan.application_sql("council", "member"))
        (self.directory / "credentials" / "password").write_text(PASSWORD)
        (self.directory / "credentials" / "license").write_text("")
        script = (
            plan.BOOTSTRAP_SCRIPT.replace("/cockroach/cockroach", str(binary))
            .replace(plan.SETTINGS, str(self.directory / "settings"))
            .replace(plan.CREDENTIALS, str(self.directory / "credentials"))
        )
        (self.directory / "bootstrap.sh").write_text(script)

    def run(self, phase: str, *, founder: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the script against a server in `phase`."""
        (self.directory / "state").write_text(phase)
        (self.directory / "calls").write_text("")
        environment = {
            "PATH": os.environ["PATH"],
            "HOST": "cockroachdb-0.cockroachdb",
            "FOUNDER": str(founder).lower(),
            "USERNAME": "member",
        }
        return subprocess.run(
            ["/bin/bash", str(self.directory / "bootstrap.sh")],
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


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path)


def test_a_new_cluster_is_initialised_as_soon_as_it_answers(job: Job) -> None:
    result = job.run("unreachable")
    assert result.returncode == 0, result.stderr
    assert [call["command"] for call in job.calls()] == ["init", "init", "sql", "sql", "sql"]
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


def test_only_the_founder_initialises(job: Job) -> None:
    assert job.run("ready", founder=False).returncode == 0
    assert {call["command"] for call in job.calls()} == {"sql"}


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


def test_the_start_command_is_one_command_with_the_pods_own_names(tmp_path: Path) -> None:
    binary = tmp_path / "cockroach"
    binary.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    binary.chmod(0o755)
    command = plan.start_command("europe-west1", ["203.0.113.7:26257"]).replace("/cockroach/cockroach", str(binary))
    environment = {"POD_NAME": "cockroachdb-1", "POD_NAMESPACE": "database", "ZONE": "europe-west1-b"}

    def arguments(**changes: str) -> list[str]:
        run = subprocess.run(
            ["/bin/bash", "-c", command], env={**environment, **changes}, capture_output=True, text=True, check=True
        )
        return run.stdout.splitlines()

    found = arguments()
    assert found[0] == "start"
    assert "--advertise-addr=cockroachdb-1.cockroachdb.database:26257" in found
    assert "--locality=region=europe-west1,zone=europe-west1-b" in found
    assert f"--join={plan.join_list(['203.0.113.7:26257'])}" in found
    assert "--locality=region=europe-west1,zone=unknown" in arguments(ZONE="")
