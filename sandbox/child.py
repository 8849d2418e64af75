"""Running a command in the foreground so that Ctrl-C reaches it once and it can finish in its own way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType

from sandbox import engine
from sandbox.layout import Layout

INTERRUPTED = 130


def run(command: Sequence[str], layout: Layout, extra: Mapping[str, str] | None = None) -> int:
    """Runs the command in the project and the sandbox's environment; its exit status, 130 when it was interrupted."""
    return foreground(command, {**engine.environment(layout), **(extra or {})}, str(layout.project))


def foreground(command: Sequence[str], environment: Mapping[str, str], directory: str) -> int:
    """Runs the command with this process's terminal; its exit status, 130 when it was interrupted."""
    sys.stdout.flush()
    process = subprocess.Popen(command, env=dict(environment), cwd=directory)
    with _passing_signals_to(process) as received:
        status = process.wait()
    return INTERRUPTED if received or status < 0 else status


@contextmanager
def _passing_signals_to(process: subprocess.Popen[bytes]) -> Iterator[list[int]]:
    """While active, SIGINT and SIGTERM interrupt the command instead of this process.

    A terminal sends SIGINT to the command as well; the engine takes a second one as an order to drop everything, so
    it is passed on only when it did not come from the terminal.
    """
    received: list[int] = []

    def handle(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        if number == signal.SIGTERM or not _in_terminal_foreground():
            process.send_signal(signal.SIGINT)

    previous = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _in_terminal_foreground() -> bool:
    try:
        with open("/dev/tty", "rb") as terminal:
            return os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
    except OSError:
        return False
