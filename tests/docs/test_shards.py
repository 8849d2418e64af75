"""Parts of the tests: together they are all of them."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import shards
from tests.support.rendering import ROOT

pytestmark = pytest.mark.unit

FILES = st.lists(st.from_regex(r"test_[a-z]{1,8}\.py", fullmatch=True).map(Path), unique=True, max_size=40)


@given(FILES, st.integers(1, 9))
def test_every_file_is_in_one_part_and_no_part_has_two_files_more_than_another(files: list[Path], count: int) -> None:
    parts = [shards.part(files, f"{number}/{count}") for number in range(1, count + 1)]
    assert sorted(path for part in parts for path in part) == sorted(files)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_parts_of_a_real_run_have_every_file_once() -> None:
    folder = ROOT / "tests" / "report"
    parts = [_collected(folder, f"{number}/2") for number in (1, 2)]
    assert parts[0]
    assert parts[1]
    assert sorted([*parts[0], *parts[1]]) == sorted(path.name for path in folder.glob("test_*.py"))


def _collected(folder: Path, shard: str) -> set[str]:
    """The names of the files whose tests pytest would run."""
    options = ["--collect-only", "-qq", "-p", "no:cacheprovider", "--shard", shard]
    command = [sys.executable, "-m", "pytest", *options, str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return {Path(line.partition(":")[0]).name for line in done.stdout.splitlines() if line}


@pytest.mark.parametrize("shard", ["", "0/4", "5/4", "2", "1/0", "a/b", "1/4/2"])
def test_what_is_no_part_is_refused(shard: str) -> None:
    with pytest.raises(ValueError, match="expected a part such as 2/4"):
        shards.part([], shard)


def test_files_whose_tests_may_take_longest_come_first(request: pytest.FixtureRequest) -> None:
    limits = {"test_unsaid.py": None, "test_short.py": 60, "test_long.py": 600}
    items: list[pytest.Item] = []
    for name, seconds in limits.items():
        item = pytest.Function.from_parent(request.node.parent, name="test_it", callobj=lambda: None)
        item.path = Path(name)
        if seconds is not None:
            item.add_marker(pytest.mark.timeout(seconds))
        items.append(item)
    assert [path.name for path in shards.longest_first(items)] == ["test_long.py", "test_short.py", "test_unsaid.py"]
