"""Parts of CockroachDB that need no server: how nodes start, and how a database is initialised."""

import json
import subprocess
from pathlib import Path

import pytest

from components.database import cockroachdb_nodes as nodes
from tests.support.cockroachdb_jobs import LICENSE, PASSWORD, Job

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(60)]


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


def test_only_the_primary_region_initialises_and_says_what_is_in_the_database(job: Job) -> None:
    result = job.run("joining", primary_region=False)
    assert result.returncode == 0, result.stderr
    assert {call["command"] for call in job.calls()} == {"sql"}
    assert job.statements() == ""
    assert "Waiting for the primary region" in result.stdout


def test_a_primary_region_of_new_nodes_makes_no_second_database(job: Job) -> None:
    job.setting("others", "asia-east1-0.peers.cockroachdb.svc\neurope-west1-0.peers.cockroachdb.svc\n")
    (job.directory / "others-with-a-database").write_text("europe-west1-0.peers.cockroachdb.svc:26257")
    result = job.run("new")
    assert result.returncode != 0
    assert "europe-west1-0.peers.cockroachdb.svc has a database already" in result.stderr
    assert "init" not in {call["command"] for call in job.calls()}


def test_a_primary_region_asks_the_others_and_initialises_when_none_has_a_database(job: Job) -> None:
    job.setting("others", "asia-east1-0.peers.cockroachdb.svc\n")
    result = job.run("new")
    assert result.returncode == 0, result.stderr
    assert "asia-east1-0.peers.cockroachdb.svc:26257" in {call["host"] for call in job.calls()}
    assert "Initialised the cluster." in result.stdout


def test_a_primary_region_that_has_its_database_asks_nobody(job: Job) -> None:
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


def test_the_start_command_is_one_command_with_the_pods_own_names(tmp_path: Path) -> None:
    binary = tmp_path / "cockroach"
    binary.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    binary.chmod(0o755)
    command = nodes.start_command("europe-west1", primary_region="us-central1", alone=False)
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
    (together,) = [argument for argument in found if argument.startswith("--join=")]
    assert together.split(",")[3] == "us-central1-0.peers.database.svc:26257"
    assert "--advertise-addr=europe-west1-11.peers.database.svc:26257" in arguments(POD_NAME="cockroachdb-11")
    assert "--locality=region=europe-west1,zone=unknown" in arguments(ZONE="")
