"""The Job that makes the table of embeddings, and searches in it, against a real PostgreSQL with pgvector.

Clouds let their administrators make this extension, although they are no superusers. The server of these tests does so,
too: it trusts the extension.
"""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import mean
from typing import Final

import pytest

from components.database import postgresql
from components.matching.index import USERNAME, VectorIndex
from components.matching.settings import MatchingSettings
from tests.support.postgresql import APPLICATION, Database, Job, database, programs_with_pgvector

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(600)]

ROWS: Final = [20_000, pytest.param(100_000, marks=pytest.mark.campaign)]
BATCH: Final = 10_000
TARGETS: Final = 1_000_000
"""The number of the first embedding that is searched for: far from those of the rows."""
DIMENSION: Final = 384
"""As many numbers as the default model gives. With fewer, such as 16, all is the same but quicker."""
FREEDOM: Final = 16
"""Numbers of an embedding from which all others follow. A model's embeddings, too, differ in fewer ways than they have
numbers; if all 384 were random, every row would be about as far away as any other."""
NEAREST: Final = 20
SEARCHES: Final = 25
RARE: Final = 12
PASSWORD, MEMBERS = "matching0password", "members0password"
ID: Final = "00000000-0000-0000-0000-"

INDEX: Final = VectorIndex.of(MatchingSettings(dimension=DIMENSION))
JOB: Final = Job(
    script=postgresql.SCHEMA_SCRIPT, statements=postgresql.SCHEMA_SQL + INDEX.postgresql, username=USERNAME
)

EVERYWHERE: Final = "language IN ('nl', 'fr', 'en', 'de', 'es') AND time_zone BETWEEN -12 AND 14"
SOME: Final = "language IN ('nl', 'fr') AND time_zone IN (0, 1, 2)"
FEW: Final = "language = 'oc' AND time_zone IN (0, 1, 2)"
"""Filters that nearly all rows pass, that one row in twenty passes, and that a dozen rows pass."""


def vector(seed: str) -> str:
    """SQL of an embedding that follows from the number `seed` alone."""
    part = f"(sin({seed} * 12.9898 + part * 78.233) * 43758.5453)"
    free = (
        f"SELECT array_agg({part} - floor({part}) - 0.5 ORDER BY part) AS free FROM generate_series(1, {FREEDOM}) part"
    )
    number = f"(free[place % {FREEDOM} + 1] * (place % 7 - 3.5::float8))::real"
    return (
        f"(SELECT array_agg({number} ORDER BY place)::vector "
        f"FROM generate_series(1, {DIMENSION}) place, LATERAL ({free}) parts)"
    )


def fill(first: int) -> str:
    """SQL of a batch of rows, from number `first` on."""
    return f"""
    INSERT INTO {INDEX.table} (subject, embedding, language, time_zone, consent)
    SELECT ('{ID}' || lpad(row::text, 12, '0'))::uuid, {vector("row")},
      CASE WHEN row <= {RARE} THEN 'oc' ELSE (ARRAY['nl', 'fr', 'en', 'de', 'es'])[row % 5 + 1] END,
      CASE WHEN row <= {RARE} THEN 1 ELSE row / 5 % 24 - 11 END,
      row % 10 > 0 OR row <= {RARE}
    FROM generate_series({first}, {first + BATCH - 1}) row
    """


@pytest.fixture(scope="module")
def server() -> Iterator[Database]:
    """A server with the application's database and user, and an administrator who may make this extension."""
    options = {"maintenance_work_mem": "384MB", "shared_buffers": "128MB", "log_statement": "none"}
    # PostgreSQL's user may not enter pytest's folder.
    with tempfile.TemporaryDirectory() as unpacked, database(programs_with_pgvector(Path(unpacked)), options) as made:
        assert APPLICATION.run(made, made.folder / "application", MEMBERS).returncode == 0
        yield made


def make(server: Database) -> None:
    """Run the Job."""
    result = JOB.run(server, server.folder / "matching", PASSWORD, seconds=400)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""


@pytest.fixture(scope="module")
def made(server: Database) -> Database:
    """The server after the Job has run for the first time."""
    make(server)
    return server


def ask(server: Database, statement: str) -> list[str]:
    """The answer's lines to a statement of the table's user."""
    result = server.ask(JOB.url(server, PASSWORD), statement)
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()


def state(server: Database) -> str:
    """Everything that the Job makes, with numbers that change when an object is made anew."""
    return server.as_cloud(
        """
        SELECT format('%s %s %s %s %s', relname, oid, relfilenode, relacl, reloptions)
        FROM pg_class WHERE relnamespace = 'matching'::regnamespace
        UNION ALL SELECT format('%s %s %s %s', attrelid, attname, format_type(atttypid, atttypmod), attnotnull)
        FROM pg_attribute WHERE attnum > 0 AND attrelid IN
          (SELECT oid FROM pg_class WHERE relnamespace = 'matching'::regnamespace)
        UNION ALL SELECT format('%s %s', conname, pg_get_constraintdef(oid))
        FROM pg_constraint WHERE connamespace = 'matching'::regnamespace
        UNION ALL SELECT format('%s %s', nspname, nspacl) FROM pg_namespace WHERE nspname !~ '^pg_'
        UNION ALL SELECT format('%s %s', extname, extnamespace::regnamespace) FROM pg_extension
        UNION ALL SELECT format('%s %s', setrole::regrole, setconfig) FROM pg_db_role_setting
        UNION ALL SELECT format('%s %s %s %s', rolname, rolpassword, rolcreaterole, rolcanlogin) FROM pg_authid
        UNION ALL SELECT format('%s %s', datname, datacl) FROM pg_database
        UNION ALL SELECT obj_description(oid) FROM pg_class WHERE relnamespace = 'matching'::regnamespace
        ORDER BY 1
        """,
        "council",
    )


@pytest.fixture(scope="module", params=ROWS)
def rows(request: pytest.FixtureRequest) -> int:
    """How many rows the table has."""
    return int(request.param)


@pytest.fixture(scope="module")
def filled(made: Database, rows: int) -> Database:
    """The table with all rows. Its index is dropped before and made by the Job after, faster than row by row."""
    made.as_cloud(f"DROP INDEX matching.{INDEX.relation}_nearest", "council")
    made.as_cloud(f"TRUNCATE {INDEX.table}", "council")
    for first in range(1, rows + 1, BATCH):
        made.as_cloud(f"SET search_path = matching; {fill(first)}", "council")
    make(made)
    made.as_cloud(f"VACUUM ANALYZE {INDEX.table}", "council")
    return made


def search(filters: str, seed: int) -> str:
    """The query of docs/matching.md for the nearest rows to an embedding that is not in the table."""
    target = f"(SELECT {vector(str(TARGETS + seed))})"
    return (
        f"SELECT subject FROM {INDEX.table} WHERE consent = true AND {filters} "
        f"ORDER BY embedding <=> {target} LIMIT {NEAREST}"
    )


def nearest(server: Database, filters: str, seed: int, *, exactly: bool = False) -> list[str]:
    """What a search finds; `exactly` compares the embedding with every row instead."""
    scans = ("enable_indexscan", "enable_bitmapscan", "enable_indexonlyscan")
    slow = "".join(f"SET {scan} = off; " for scan in scans) if exactly else ""
    return [line for line in ask(server, f"{slow}{search(filters, seed)}") if line.startswith(ID)]


def recall(server: Database, filters: str, seeds: Sequence[int]) -> float:
    """The share of the right rows that searches find."""

    def found(seed: int) -> float:
        right = nearest(server, filters, seed, exactly=True)
        assert right
        return len(set(right) & set(nearest(server, filters, seed))) / len(right)

    return mean(map(found, seeds))


def test_a_second_run_of_the_job_changes_nothing(made: Database) -> None:
    before = state(made)
    assert f"{INDEX.relation}_nearest" in before
    make(made)
    assert state(made) == before


def test_the_table_says_which_model_it_belongs_to(made: Database) -> None:
    said = made.as_cloud(f"SELECT obj_description('{INDEX.table}'::regclass)", "council")
    assert said == f"Embeddings of {INDEX.full_name}, {DIMENSION} numbers each"


def test_a_new_password_is_the_only_change_that_it_makes(made: Database) -> None:
    def without_passwords() -> list[str]:
        return [line for line in state(made).splitlines() if "SCRAM" not in line]

    before = without_passwords()
    assert JOB.run(made, made.folder / "other", "another0password").returncode == 0
    assert made.ask(JOB.url(made, PASSWORD), "SELECT 1").returncode != 0
    assert without_passwords() == before
    make(made)
    assert ask(made, "SELECT 1") == ["1"]


@pytest.mark.parametrize(
    ("row", "refusal"),
    [
        ("'[1, 2]', 'nl', 1", f"expected {DIMENSION} dimensions, not 2"),
        (f"{vector('1')}, 'nl', 15", "violates check constraint"),
        (f"{vector('1')}, NULL, 1", "violates not-null constraint"),
    ],
)
def test_a_wrong_row_is_refused(made: Database, row: str, refusal: str) -> None:
    values = f"INSERT INTO {INDEX.table} (subject, embedding, language, time_zone) VALUES ('{ID}{9:012}', {row})"
    refused = made.ask(JOB.url(made, PASSWORD), values)
    assert refused.returncode != 0
    assert refusal in refused.stderr


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE matching.mine (id int)",
        "CREATE TABLE public.mine (id int)",
        f"DROP TABLE {INDEX.table}",
        f"TRUNCATE {INDEX.table}",
        f"CREATE INDEX ON {INDEX.table} (language)",
        "SELECT * FROM public.circles",
        "CREATE ROLE mine",
        "SELECT * FROM pg_authid",
    ],
)
def test_the_user_of_the_table_may_do_nothing_but_read_and_write_its_rows(made: Database, statement: str) -> None:
    if "circles" in statement:
        made.ask(APPLICATION.url(made, MEMBERS), "CREATE TABLE IF NOT EXISTS circles (id int)")
    refused = made.ask(JOB.url(made, PASSWORD), statement)
    assert refused.returncode != 0
    assert "permission denied" in refused.stderr or "must be owner" in refused.stderr


def test_the_application_s_own_user_has_no_right_on_embeddings(made: Database) -> None:
    refused = made.ask(APPLICATION.url(made, MEMBERS), f"SELECT count(*) FROM {INDEX.table}")
    assert "permission denied for schema matching" in refused.stderr


def test_the_extension_may_be_in_another_schema(server: Database, made: Database) -> None:
    server.as_cloud("CREATE DATABASE elsewhere")
    server.as_cloud("CREATE EXTENSION vector SCHEMA public", "elsewhere")
    server.as_cloud("REVOKE ALL ON SCHEMA public FROM PUBLIC", "elsewhere")
    server.as_cloud(f"ALTER DATABASE elsewhere OWNER TO {postgresql.ADMINISTRATOR}")
    other = Job(script=JOB.script, statements=JOB.statements, username=USERNAME, database="elsewhere")
    result = other.run(server, server.folder / "elsewhere", PASSWORD)
    assert result.returncode == 0, result.stderr
    asked = server.ask(other.url(server, PASSWORD), f"SELECT count(*) FROM {INDEX.table} WHERE embedding <=> '[1]' < 1")
    assert asked.stdout.strip() == "0", asked.stderr


@pytest.mark.parametrize(("filters", "least"), [(EVERYWHERE, 0.95), (SOME, 0.95), (FEW, 1.0)])
def test_searches_find_the_nearest_rows(filled: Database, filters: str, least: float) -> None:
    assert recall(filled, filters, range(SEARCHES)) >= least


@pytest.mark.parametrize(("filters", "most"), [(EVERYWHERE, NEAREST), (SOME, NEAREST), (FEW, RARE)])
def test_a_search_has_as_many_rows_as_match_and_all_of_them_match(filled: Database, filters: str, most: int) -> None:
    found = nearest(filled, filters, 0)
    assert len(found) == most
    among = ", ".join(f"'{one}'" for one in found)
    matching = ask(filled, f"SELECT count(*) FROM {INDEX.table} WHERE subject IN ({among}) AND consent AND {filters}")
    assert matching == [str(most)]


def test_the_user_s_own_settings_make_a_search_go_on_until_there_are_enough_rows(filled: Database) -> None:
    once = ask(filled, f"SET hnsw.iterative_scan = off; {search(SOME, 0)}")
    assert len([line for line in once if line.startswith(ID)]) < NEAREST
    assert len(nearest(filled, SOME, 0)) == NEAREST


def test_the_nearest_come_first(filled: Database) -> None:
    target = f"(SELECT {vector(str(TARGETS + 1))})"
    distances = ask(filled, search(SOME, 1).replace("SELECT subject", f"SELECT embedding <=> {target}", 1))
    assert len(distances) == NEAREST
    assert list(map(float, distances)) == sorted(map(float, distances))


@pytest.mark.parametrize(("filters", "index"), [(EVERYWHERE, "nearest"), (FEW, "filters")])
def test_a_search_uses_the_index_that_fits_its_filters(filled: Database, filters: str, index: str) -> None:
    plan = "\n".join(ask(filled, f"EXPLAIN {search(filters, 0)}"))
    assert f"{INDEX.relation}_{index}" in plan
    assert "Seq Scan" not in plan


def test_who_withdraws_consent_is_found_no_more(filled: Database) -> None:
    first, *_ = nearest(filled, EVERYWHERE, 2)
    ask(filled, f"UPDATE {INDEX.table} SET consent = false WHERE subject = '{first}'")
    assert first not in nearest(filled, EVERYWHERE, 2)
    ask(filled, f"UPDATE {INDEX.table} SET consent = true WHERE subject = '{first}'")
    assert first in nearest(filled, EVERYWHERE, 2)


def test_all_rows_stay_when_the_job_runs_again(filled: Database, rows: int) -> None:
    before = state(filled)
    make(filled)
    assert state(filled) == before
    assert ask(filled, f"SELECT count(*) FROM {INDEX.table}") == [str(rows)]
