"""The Job that makes the table of embeddings in CockroachDB: its script, run by a real shell with a stand-in server.

These tests do not show that the real server accepts the statements.
"""

from pathlib import Path

import pytest

from components.database.cockroachdb_sql import SCHEMA_SCRIPT
from components.matching.index import VectorIndex
from components.matching.settings import MatchingSettings
from tests.support.cockroachdb_jobs import PASSWORD, Job

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(60)]

INDEX = VectorIndex.of(MatchingSettings())


@pytest.fixture
def job(tmp_path: Path) -> Job:
    made = Job(tmp_path, SCHEMA_SCRIPT)
    made.setting("schema.sql", INDEX.cockroachdb)
    made.setting("made.sql", INDEX.cockroachdb_made)
    return made


def test_the_primary_region_makes_the_user_then_the_table_in_the_application_s_database(job: Job) -> None:
    result = job.run("ready")
    assert result.returncode == 0, result.stderr
    assert job.statements().strip() == "\n".join(
        [
            "CREATE USER IF NOT EXISTS member;",
            f"ALTER USER member WITH PASSWORD '{PASSWORD}';",
            "GRANT CONNECT ON DATABASE council TO member;",
            "USE council;",
            INDEX.cockroachdb.strip(),
        ]
    )


def test_a_second_run_says_the_same_again(job: Job) -> None:
    job.run("ready")
    first = job.statements()
    assert job.run("ready").returncode == 0
    assert job.statements() == first


def test_another_region_only_waits_until_the_table_is_there(job: Job) -> None:
    result = job.run("unmade", primary_region=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == [
        "Waiting for the primary region to make the schema.",
        "The schema is there.",
    ]
    assert job.statements() == INDEX.cockroachdb_made * 2
    assert all("--database=council" in call["arguments"] for call in job.calls() if call["input"])


def test_refused_statements_fail_the_job_and_no_log_has_the_password(job: Job) -> None:
    result = job.run("broken")
    assert result.returncode != 0
    assert "something is wrong with the statements" in result.stderr
    assert PASSWORD not in result.stdout + result.stderr
    assert all(PASSWORD not in word for call in job.calls() for word in call["arguments"])
