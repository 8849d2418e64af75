"""Progress messages for the user. All go to standard error, so that output can be piped."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_HEARTBEAT_SECONDS = 30.0


def say(text: str) -> None:
    """Print one line of information."""
    print(text, file=sys.stderr, flush=True)


def elapsed(seconds: float) -> str:
    """Format a duration: `0.4 s`, `41 s`, `3 min 5 s`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


@contextmanager
def step(label: str) -> Iterator[None]:
    """Show a step with its elapsed time: live on a terminal, else every 30 seconds and at the end."""
    begin = time.monotonic()
    done = threading.Event()
    ticker = threading.Thread(target=_tick, args=(label, begin, done), daemon=True)
    ticker.start()
    outcome = "failed after"
    try:
        yield
        outcome = ""
    finally:
        done.set()
        ticker.join()
        start = "\r\033[K" if sys.stderr.isatty() else ""
        say(" ".join(part for part in (f"{start}{label} ...", outcome, elapsed(time.monotonic() - begin)) if part))


def _tick(label: str, begin: float, done: threading.Event) -> None:
    terminal = sys.stderr.isatty()
    while not done.wait(1.0 if terminal else _HEARTBEAT_SECONDS):
        line = f"{label} ... {elapsed(time.monotonic() - begin)}"
        if terminal:
            print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)
        else:
            say(line)
