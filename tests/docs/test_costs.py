"""Tests lie in folders by subject, and each file says what its tests cost."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

TESTS = Path(__file__).parents[1]
COSTS = {"unit", "stack", "conformance", "engine"}
FILES = sorted(TESTS.rglob("test_*.py"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_file_has_one_cost(file: Path) -> None:
    (declared,) = re.findall(r"^pytestmark = (.*?)$(?=\n\S|\n*\Z)", file.read_text(), re.M | re.S)
    assert len(COSTS & set(re.findall(r"pytest\.mark\.(\w+)", declared))) == 1


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_takes_minutes_needs_a_server_and_has_a_limit(file: Path) -> None:
    """A test that hangs would hold up the run. Files also come in the order of limits (`tests.support.shards`)."""
    marks = set(re.findall(r"pytest\.mark\.(\w+)", file.read_text()))
    if "campaign" in marks:
        assert {"conformance", "engine"} & marks
    if {"campaign", "engine"} & marks:
        assert "timeout" in marks


def test_names_of_files_are_unique() -> None:
    names = [file.stem for file in FILES]
    assert sorted(names) == sorted(set(names))
