"""The Job that creates the application's database and user, against a real PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from components.database import postgresql
from tests.support.postgresql import ADMINISTRATOR_PASSWORD, APPLICATION, Database, database
from tests.support.servers import write_certificate

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(180)]

PASSWORD, NEW_PASSWORD = "first0password", "second0password"


@pytest.fixture(scope="module")
def server() -> Iterator[Database]:
    with database() as made:
        yield made


def bootstrap(server: Database, directory: Path, password: str = PASSWORD, authority: Path | None = None) -> int:
    """Run the Job; return the exit status."""
    return APPLICATION.run(server, directory, password, authority=authority).returncode


def url(server: Database, password: str = PASSWORD, name: str | None = None) -> str:
    """Return the URL with which the application connects."""
    return APPLICATION.url(server, password, name)


@pytest.fixture(scope="module")
def ready(server: Database, tmp_path_factory: pytest.TempPathFactory) -> Database:
    """The server after the Job has run once."""
    assert bootstrap(server, tmp_path_factory.mktemp("job")) == 0
    return server


def test_the_application_connects_with_full_verification_and_makes_tables(ready: Database) -> None:
    made = ready.ask(url(ready), "CREATE TABLE IF NOT EXISTS circle (id int); SELECT count(*) FROM circle")
    assert (made.returncode, made.stdout.split()[-1]) == (0, "0"), made.stderr
    version = ready.ask(url(ready), "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()").stdout
    assert version.startswith("TLSv1.")


@pytest.mark.parametrize(
    "statement",
    ["CREATE ROLE other", "CREATE DATABASE other", "ALTER ROLE member CREATEDB", "SELECT * FROM pg_authid"],
)
def test_the_application_may_do_nothing_else(ready: Database, statement: str) -> None:
    refused = ready.ask(url(ready), statement)
    assert refused.returncode != 0
    assert "permission denied" in refused.stderr


def test_nobody_else_may_connect_to_the_application_s_database(ready: Database) -> None:
    ready.as_cloud("CREATE ROLE stranger LOGIN PASSWORD 'strange'")
    refused = ready.ask(url(ready).replace(f"member:{PASSWORD}", "stranger:strange"), "SELECT 1")
    assert "permission denied for database" in refused.stderr


def test_the_job_can_run_again_and_changes_a_password(ready: Database, tmp_path: Path) -> None:
    before = ready.ask(url(ready), "CREATE TABLE kept (id int)")
    assert before.returncode == 0
    assert bootstrap(ready, tmp_path, NEW_PASSWORD) == 0
    assert "password authentication failed" in ready.ask(url(ready), "SELECT 1").stderr
    assert ready.ask(url(ready, NEW_PASSWORD), "SELECT count(*) FROM kept").stdout.strip() == "0"
    assert bootstrap(ready, tmp_path) == 0


def test_the_server_never_sees_the_application_s_password(ready: Database) -> None:
    assert "ALTER ROLE" in ready.log
    assert PASSWORD not in ready.log
    assert ADMINISTRATOR_PASSWORD not in ready.log.split("CREATE ROLE sacred_council_owner")[-1].partition("\n")[2]
    kept = ready.as_cloud("SELECT rolpassword FROM pg_authid WHERE rolname = 'member'")
    assert kept == postgresql.scram_verifier(PASSWORD, "salt")


def test_the_job_does_not_talk_to_a_server_that_it_cannot_verify(ready: Database, tmp_path: Path) -> None:
    stranger = write_certificate(tmp_path / "stranger") / "ca.crt"
    assert bootstrap(ready, tmp_path, authority=stranger) == 124
