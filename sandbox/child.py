"""Runs a command in the foreground. Ctrl-C reaches it once, so that it can finish in its own way."""

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
# The provider's messages while it waits for an object. On a terminal the next one replaces them; elsewhere they would
# stay as warnings that nobody can act on.
_NOT_READY_YET = re.compile(rb"\b(creating|updating|replacing|deleting) \(\d+s\)\s+warning: ")


def run(command: Sequence[str], layout: Layout, extra: Mapping[str, str] | None = None) -> int:
    """Run the engine in the project with the sandbox's environment; return its exit status, 130 if interrupted."""
    environment = {**engine.environment(layout), **(extra or {})}
    return foreground(command, environment, str(layout.project), leave_out=_NOT_READY_YET)


def foreground(
    command: Sequence[str], environment: Mapping[str, str], directory: str, leave_out: re.Pattern[bytes] | None = None
) -> int:
    """Run the command on this process's terminal; return its exit status, 130 if interrupted.

    Without a terminal, do not print lines that match `leave_out`.
    """
    sys.stdout.flush()
    output = subprocess.PIPE if leave_out and not sys.stdout.isatty() else None
    with (
        _Interruption() as interruption,
        subprocess.Popen(command, env=dict(environment), cwd=directory, stdout=output) as process,
    ):
        interruption.pass_on_to(process)
        for line in process.stdout or ():
            if leave_out and not leave_out.search(line):
                sys.stdout.buffer.write(line)
                sys.stdout.buffer.flush()
        status = process.wait()
    return INTERRUPTED if interruption.happened or status < 0 else status


class _Interruption:
    """While active, SIGINT and SIGTERM interrupt a command instead of this process.

    A terminal sends SIGINT to the command as well. The engine takes a second SIGINT as an order to abort, so this
    process passes a signal on only if it did not come from the terminal.
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
        """Set the command after its start. A signal may have arrived before."""
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
