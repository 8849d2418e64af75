"""Parts of CockroachDB that need no server: regions that come and go, and backups."""

from pathlib import Path

import pytest

from components.database.cockroachdb_sql import BACKUP_SCRIPT, backup_sql
from tests.support.cockroachdb_jobs import BACKUP, STALE, URI, Job, RegionsJob

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(60)]


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
    together = ["us-central1\n", two, two, three]
    (regions.directory / "cluster-regions").write_text("\n\n".join(together))
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


@pytest.fixture
def backup(tmp_path: Path) -> Job:
    """The Job that sets up backups, after it has run once."""
    job = Job(tmp_path, BACKUP_SCRIPT)
    assert job.run("ready").returncode == 0
    return job


def test_another_schedule_goes_on_in_the_same_place_and_may_be_changed_back(backup: Job) -> None:
    for said in (backup_sql("us-central1", uri=URI, schedule="@hourly", full="@weekly"), BACKUP):
        backup.setting("backup.sql", said)
        result = backup.run("ready")
        assert result.returncode == 0, result.stderr
        assert backup.changes() == [said]


def test_the_stand_in_refuses_a_place_with_backups_as_the_server_does(backup: Job) -> None:
    said = backup_sql("us-central1", uri=URI, schedule="@hourly", full="@weekly")
    backup.setting("backup.sql", said.replace(" ignore_existing_backups,", ""))
    result = backup.run("ready")
    assert result.returncode != 0
    assert f"backups already created in {URI}" in result.stderr


def test_storage_that_refuses_backups_fails_the_job(tmp_path: Path) -> None:
    result = Job(tmp_path, BACKUP_SCRIPT).run("broken")
    assert result.returncode != 0
    assert "something is wrong" in result.stderr
