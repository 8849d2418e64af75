"""Participants per core of the server for circles: its CPU time while people speak and see each other.

The server is the real one, without Redis; the people are LiveKit's own client on the same machine. The CPU time is the
server's alone, by the system's accounts, so that the clients' work does not count.
"""

from __future__ import annotations

import os
import re
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil
import yaml

from benchmarks import circles_people, results
from benchmarks.measure import FailedError
from sandbox import ports
from sandbox.layout import PROJECT, Layout

KEY: Final = "benchmark"
SECONDS: Final = 15.0
ROUNDS: Final = 3
_SETTLE_SECONDS: Final = 8.0
_START_SECONDS: Final = 15.0
_MEET_SECONDS: Final = 90.0
_MEBIBYTE: Final = 1024 * 1024
_PORTS: Final = 4
_ROUTED: Final = "203.0.113.1"
"""Nobody has this address; the system knows by which of its own it would send there."""


@dataclass(frozen=True)
class Load:
    """People in rooms. All speak all the time and hear all others in their room."""

    rooms: int
    people: int
    """In each room."""
    video: bool = False

    @property
    def name(self) -> str:
        """Such as `audio, rooms of 4`."""
        return f"audio{' and video' if self.video else ''}, rooms of {self.people}"

    @property
    def participants(self) -> int:
        """In all rooms."""
        return self.rooms * self.people


LOADS: Final = (Load(6, 4), Load(2, 4, video=True), Load(3, 8), Load(1, 8, video=True), Load(2, 12))
VOICE_PACKETS: Final = 50
"""A second, of each voice: Opus in pieces of 20 ms."""
LEAST_SHARE: Final = 0.9
"""Of the packets. A machine that is too slow sends fewer, and the server would look better than it is."""


@dataclass(frozen=True)
class _Server:
    process: psutil.Process
    url: str
    metrics: int
    """Port."""
    secret: str

    def cpu(self) -> float:
        """CPU seconds since its start."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def traffic(self) -> dict[str, float]:
        """Packets and bytes since its start, by direction."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics}/metrics", timeout=10) as answer:
            return traffic(answer.read().decode())


def traffic(metrics: str) -> dict[str, float]:
    """Return `packets incoming` and so on from what the server says to Prometheus."""
    found = {f"{what} {way}": 0.0 for what in ("packets", "bytes") for way in ("incoming", "outgoing")}
    pattern = r'^livekit_packet_(total|bytes)\{[^}]*direction="(incoming|outgoing)"[^}]*\} (\S+)$'
    for counter, way, value in re.findall(pattern, metrics, re.M):
        found[f"{'packets' if counter == 'total' else counter} {way}"] += float(value)
    return found


def measure(
    loads: Sequence[Load] = LOADS,
    seconds: float = SECONDS,
    rounds: int = ROUNDS,
    tell: Callable[[dict[str, Any]], object] = lambda _: None,
) -> dict[str, Any]:
    """Return the CPU time for each load, in a server of its own. `tell` gets what there is after each of them.

    A load that fails is named, with the reason. If none succeeds: `FailedError`.
    """
    figures: dict[str, Any] = {
        "command": "python -m benchmarks circles",
        "server": _version(),
        "video": f"{circles_people.WIDTH}x{circles_people.HEIGHT}, {circles_people.FRAMES} frames a second, "
        f"{circles_people.BITS // 1000} kbit/s at most",
        "seconds": seconds,
        "rows": [],
        "failed": {},
    }
    for load in loads:
        try:
            figures["rows"].append(_measured(load, seconds, rounds))
            tell(figures)
        except FailedError as error:
            figures["failed"][load.name] = str(error)
    if not figures["rows"]:
        raise FailedError("\n".join(figures["failed"].values()))
    return figures


def _measured(load: Load, seconds: float, rounds: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder, _server(Path(folder)) as server:
        time.sleep(_SETTLE_SECONDS)
        cpu = server.cpu()
        time.sleep(_SETTLE_SECONDS)
        idle = (server.cpu() - cpu) / _SETTLE_SECONDS
        with _people(server, load, Path(folder)):
            time.sleep(_SETTLE_SECONDS)
            found = [_window(server, load, seconds) for _ in range(rounds)]
            memory = server.process.memory_info().rss / _MEBIBYTE
    each = {name: results.middle([one[name] for one in found], 6) for name in found[0]}
    complain(load, each)
    return {
        "load": load.name,
        "participants": load.participants,
        "people per room": load.people,
        "video": load.video,
        "rounds": rounds,
        **each,
        "participants per core": round(1 / each["CPU seconds per participant-second"], 1),
        "server MiB": round(memory),
        "CPU seconds a second without people": round(idle, 4),
    }


def complain(load: Load, each: Mapping[str, float]) -> None:
    """Raise `FailedError` if the people sent too little, or too little came to the others."""
    sent, passed = (each[f"packets {way} per participant-second"] for way in ("incoming", "outgoing"))
    if sent < LEAST_SHARE * VOICE_PACKETS or passed < LEAST_SHARE * sent * (load.people - 1):
        raise FailedError(
            f"{load.name}: each sent {sent:.0f} packets a second, and {passed:.0f} came to the others: "
            "this machine is too slow, or too busy"
        )


def _window(server: _Server, load: Load, seconds: float) -> dict[str, float]:
    """CPU seconds and traffic for each participant and second."""
    before, cpu, begin = server.traffic(), server.cpu(), time.monotonic()
    time.sleep(seconds)
    used, after, passed = server.cpu() - cpu, server.traffic(), time.monotonic() - begin
    each = load.participants * passed
    carried = {f"{name} per participant-second": (after[name] - before[name]) / each for name in after}
    return {"CPU seconds per participant-second": used / each, **carried}


def _binary() -> Path:
    found = Layout.from_environment().bin / "livekit-server"
    if not found.is_file():
        raise FailedError("livekit-server is not built: `python -m sandbox build --tests` builds it")
    return found


def _version() -> str:
    said = subprocess.run([str(_binary()), "--version"], capture_output=True, text=True, check=True)
    return said.stdout.strip()


def _own_address() -> str:
    """An address of this machine that is not loopback: clients ignore that one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((_ROUTED, 9))
        except OSError as error:
            raise FailedError(f"this machine has no network: {error}") from error
        return str(probe.getsockname()[0])


@contextmanager
def _server(folder: Path) -> Iterator[_Server]:
    secret = secrets.token_hex(32)
    api, tcp, udp, metrics = ports.free(_PORTS)
    settings = {
        "port": api,
        "keys": {KEY: secret},
        "rtc": {"node_ip": _own_address(), "use_external_ip": False, "tcp_port": tcp, "udp_port": udp},
        "prometheus": {"port": metrics},
        "logging": {"level": "warn"},
    }
    file = folder / "livekit.yaml"
    file.write_text(yaml.safe_dump(settings))
    with (folder / "livekit.log").open("w") as log:
        process = subprocess.Popen([str(_binary()), "--config", str(file)], stdout=log, stderr=subprocess.STDOUT)
    try:
        _await(f"http://127.0.0.1:{api}/", process, folder / "livekit.log")
        yield _Server(psutil.Process(process.pid), f"ws://127.0.0.1:{api}", metrics, secret)
    finally:
        process.kill()
        process.wait()


def _await(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise FailedError(f"livekit-server does not answer:\n{log.read_text()[-2000:]}")


@contextmanager
def _people(server: _Server, load: Load, folder: Path) -> Iterator[None]:
    """One process for each room, until the block ends. What they say goes to files in the folder."""
    environment = {
        **os.environ,
        circles_people.KEY_VARIABLE: KEY,
        circles_people.SECRET_VARIABLE: server.secret,
    }
    with ExitStack() as stack:
        started, limits = [], []
        for number in range(load.rooms):
            arguments = [server.url, f"room-{number}", str(load.people), "video" if load.video else "audio"]
            command = [sys.executable, "-m", "benchmarks.circles_people", *arguments]
            log = stack.enter_context((folder / f"room-{number}.log").open("w"))
            process = subprocess.Popen(
                command,
                cwd=PROJECT,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
            stack.callback(_end, process)
            limit = threading.Timer(_MEET_SECONDS, process.kill)
            limit.start()
            stack.callback(limit.cancel)
            limits.append(limit)
            started.append(process)
        for number, process in enumerate(started):
            if not process.stdout or process.stdout.readline().strip() != circles_people.READY:
                said = (folder / f"room-{number}.log").read_text(errors="replace").strip()
                raise FailedError(f"the people of {load.name} could not meet: {said.rpartition(chr(10))[2][-300:]}")
            limits[number].cancel()
        yield


def _end(process: subprocess.Popen[str]) -> None:
    try:
        process.communicate(timeout=15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


def lines(figures: Mapping[str, Any]) -> list[str]:
    """Return the figures as the rows of a Markdown table."""
    return [
        "| Load | Participants | Packets in, out a second, each | Bytes in, out a second, each "
        "| Milliseconds of CPU a second, each | Participants per core |",
        "|---|--:|--:|--:|--:|--:|",
        *(
            f"| {row['load']} | {row['participants']} "
            f"| {row['packets incoming per participant-second']:.0f}, "
            f"{row['packets outgoing per participant-second']:.0f} "
            f"| {row['bytes incoming per participant-second']:,.0f}, "
            f"{row['bytes outgoing per participant-second']:,.0f} "
            f"| {1000 * row['CPU seconds per participant-second']:.2f} | {row['participants per core']:.0f} |"
            for row in figures["rows"]
        ),
    ]
