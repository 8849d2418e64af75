"""The SQL that schedules backups, and how long buckets keep them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.cluster.location import NetworkArgs
from components.database import cockroachdb_sql as sql
from components.storage import ObjectStoreArgs

pytestmark = pytest.mark.unit


@given(st.text(min_size=1), st.text(min_size=1))
def test_what_is_said_is_a_new_schedule_when_it_changes(uri: str, schedule: str) -> None:
    one = sql.backup_sql("here", uri=uri, schedule=schedule, full="@daily")
    assert one == sql.backup_sql("here", uri=uri, schedule=schedule, full="@daily")
    other = sql.backup_sql("here", uri=uri, schedule=schedule, full="@weekly")
    labels = {said.split("'")[1] for said in (one, other)}
    assert len(labels) == 2
    assert all(label.startswith("sacred-council:here:") for label in labels)


def test_a_new_schedule_may_write_where_another_has_written() -> None:
    said = sql.backup_sql("here", uri="gs://bucket", schedule="@hourly", full="@daily")
    options = said.partition(" WITH SCHEDULE OPTIONS ")[2].partition(";")[0].split(", ")
    assert "ignore_existing_backups" in options


@given(st.text())
def test_texts_end_where_they_should(value: str) -> None:
    said = sql.text(value)
    assert said[0] == said[-1] == "'"
    assert said[1:-1].replace("''", "'") == value


def test_a_retention_of_no_days_is_refused() -> None:
    place: NetworkArgs = None  # type: ignore[assignment]
    with pytest.raises(ValueError, match="retention: expected one day or more, got 0"):
        ObjectStoreArgs(place=place, principal="p", retention=0)
