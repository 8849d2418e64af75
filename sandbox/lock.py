"""One process at a time, however many terminals there are."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox import progress


@contextmanager
def only_one(path: Path, busy: str) -> Iterator[None]:
    """Hold the lock file at `path`; says `busy` if it has to wait for it. It is free again when its process ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress.say(busy)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
