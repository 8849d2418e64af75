"""Parts of the tests that machines run at the same time: `--shard 2/4` is the second of four."""

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import pytest


def longest_first(items: Sequence[pytest.Item]) -> list[Path]:
    """The files of the tests: first those whose tests may take longest."""
    allowed: dict[Path, float] = defaultdict(float)
    for item in items:
        marker = item.get_closest_marker("timeout")
        allowed[item.path] = max(allowed[item.path], float(marker.args[0]) if marker else 0)
    return sorted(allowed, key=lambda path: -allowed[path])


def part(files: Sequence[Path], shard: str) -> list[Path]:
    """The files of one part, each part with long ones and short ones. Raises ValueError if `shard` is no part."""
    named = re.fullmatch(r"([1-9]\d*)/([1-9]\d*)", shard)
    if named is None or int(named[1]) > int(named[2]):
        raise ValueError(f"--shard: expected a part such as 2/4, got {shard!r}")
    return list(files[int(named[1]) - 1 :: int(named[2])])
