"""Measures one run of the engine: time, CPU time, and peak memory of engine and program."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil

_PAUSE_SECONDS: Final = 0.2
_MEBIBYTE: Final = 1024 * 1024
ENGINE, LANGUAGE, PROVIDERS = "engine", "language host", "providers"


@dataclass(frozen=True, kw_only=True)
class Run:
    """Measurements of one run."""

    seconds: float
    """Elapsed time."""
    cpu: Mapping[str, float]
    """CPU seconds by role."""
    peak: Mapping[str, float]
    """Peak of resident memory in MiB, by role."""
    output: str = ""
    """Printed text."""


class FailedError(Exception):
    """The engine failed; the text is the end of its output."""


def run(command: Sequence[str], directory: Path, environment: Mapping[str, str]) -> Run:
    """Run the command to its end; end it on an interrupt. Raises `FailedError`.

    Samples memory five times a second.
    """
    begin = time.monotonic()
    with subprocess.Popen(
        command,
        cwd=directory,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        watcher = _Watcher(process.pid)
        watcher.start()
        try:
            output, said = process.communicate()
            seconds = time.monotonic() - begin
        except KeyboardInterrupt:
            process.terminate()
            process.communicate()
            raise
        finally:
            watcher.end()
    if process.returncode != 0:
        raise FailedError(f"{' '.join(command[1:3])} failed:\n{(output + said).strip()[-3000:]}")
    return Run(seconds=seconds, cpu=watcher.cpu(), peak=watcher.peak, output=output)


def role(command: Sequence[str]) -> str:
    """Role of a process under the engine, from its command line; empty for others, such as Helm."""
    line, name = " ".join(command), Path(command[0] if command else "").name
    if "sandbox.providers." in line or name.startswith("pulumi-resource-"):
        return PROVIDERS
    if "/sandbox/program.py" in line or "/sandbox/language.py" in line:
        return LANGUAGE
    return ENGINE if name == "pulumi" else ""


@dataclass
class _Watcher:
    """Samples the process and its descendants until stopped."""

    pid: int
    peak: dict[str, float] = field(default_factory=dict)
    _cpu: dict[int, tuple[str, float]] = field(default_factory=dict)
    _ended: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._ended.set()
        if self._thread:
            self._thread.join()

    def cpu(self) -> dict[str, float]:
        """CPU seconds by role; for a process that ended, as of the last sample."""
        totals = dict.fromkeys((ENGINE, LANGUAGE, PROVIDERS), 0.0)
        for name, seconds in self._cpu.values():
            totals[name] += seconds
        return totals

    def _watch(self) -> None:
        while not self._ended.wait(_PAUSE_SECONDS):
            self._look()

    def _look(self) -> None:
        memory: dict[str, float] = {}
        for process in _family(self.pid):
            try:
                name = role(process.cmdline())
                if name:
                    with process.oneshot():
                        times = process.cpu_times()
                        memory[name] = memory.get(name, 0.0) + process.memory_info().rss / _MEBIBYTE
                    self._cpu[process.pid] = (name, times.user + times.system)
            except psutil.Error:
                continue
        for name, used in memory.items():
            self.peak[name] = max(self.peak.get(name, 0.0), used)


def _family(pid: int) -> list[psutil.Process]:
    try:
        top = psutil.Process(pid)
        return [top, *top.children(recursive=True)]
    except psutil.Error:
        return []
