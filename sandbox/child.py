"""Running a command in the foreground so that Ctrl-C reaches it once and it can finish in its own way."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from types import FrameType
from typing import Any

from sandbox import engine
from sandbox.layout import Layout

INTERRUPTED = 130
# What the provider says of an object while it waits for it. On a terminal the next state takes its place; elsewhere it
# would stay as a warning that nobody can act on.
_NOT_READY_YET = re.compile(rb"\b(creating|updating|replacing|deleting) \(\d+s\)\s+warning: ")


def run(command: Sequence[str], layout: Layout, extra: Mapping[str, str] | None = None) -> int:
    """Run the engine in the project and the sandbox's environment; its exit status, 130 when it was interrupted."""
    environment = {**engine.environment(layout), **(extra or {})}
    return foreground(command, environment, str(layout.project), leave_out=_NOT_READY_YET)


def foreground(
    command: Sequence[str], environment: Mapping[str, str], directory: str, leave_out: re.Pattern[bytes] | None = None
) -> int:
    """Run the command with this process's terminal; its exit status, 130 when it was interrupted.

    Without a terminal, lines that `leave_out` matches are not printed.
    """
    sys.stdout.flush()
    output = subprocess.PIPE if leave_out and not sys.stdout.isatty() else None
    with _Interruption() as interruption:
        process = subprocess.Popen(command, env=dict(environment), cwd=directory, stdout=output)
        interruption.pass_on_to(process)
        for line in process.stdout or ():
            if leave_out and not leave_out.search(line):
                sys.stdout.buffer.write(line)
                sys.stdout.buffer.flush()
        status = process.wait()
    return INTERRUPTED if interruption.happened or status < 0 else status


class _Interruption:
    """While active, SIGINT and SIGTERM interrupt a command instead of this process.

    A terminal sends SIGINT to the command as well; the engine takes a second one as an order to drop everything, so
    it is passed on only when it did not come from the terminal.
    """

    def __init__(self) -> None:
        self.happened = False
        self._to_pass_on = False
        self._process: subprocess.Popen[bytes] | None = None
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> _Interruption:
        self._previous = {number: signal.signal(number, self._handle) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def pass_on_to(self, process: subprocess.Popen[bytes]) -> None:
        """Name the command, once it is started; a signal may have come before."""
        self._process = process
        self._pass_on()

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        self.happened = True
        self._to_pass_on = number == signal.SIGTERM or not _in_terminal_foreground()
        self._pass_on()

    def _pass_on(self) -> None:
        if self._to_pass_on and self._process is not None:
            self._to_pass_on = False
            self._process.send_signal(signal.SIGINT)


def _in_terminal_foreground() -> bool:
    try:
        with open("/dev/tty", "rb") as terminal:
            return os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
    except OSError:
        return False
