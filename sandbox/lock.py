"""Lets one process work at a time."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox import progress


@contextmanager
def only_one(path: Path, busy: str) -> Iterator[None]:
    """Hold the lock file at `path`; print `busy` before waiting for it. The end of the process releases the lock."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress.say(busy)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
