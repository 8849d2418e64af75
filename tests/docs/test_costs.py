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


def test_names_of_files_are_unique() -> None:
    names = [file.stem for file in FILES]
    assert sorted(names) == sorted(set(names))
