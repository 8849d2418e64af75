"""Network namespaces of this machine: made and removed with `ip`, entered for single sockets.

All names of one set of controllers begin with the same prefix, so that whatever a killed run left can be found.
"""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import psutil

from sandbox.layout import SandboxError

FOLDER = Path("/run/netns")
_PROGRAMS = {"ip": "iproute2", "iptables": "iptables", "nsenter": "util-linux", "setpriv": "util-linux"}
_NEW_NETWORK = 0x40000000
_GRACE_SECONDS = 5.0
_GONE_SECONDS = 10.0

Result = TypeVar("Result")


def why_not() -> str:
    """Why this machine cannot have the regions' networks; empty if it can."""
    if not sys.platform.startswith("linux"):
        return "network namespaces exist on Linux only"
    if os.geteuid() != 0:
        return "only root can make network namespaces: run the command as root"
    missing = sorted({package for program, package in _PROGRAMS.items() if not shutil.which(program)})
    return f"these Debian packages are missing: `apt-get install {' '.join(missing)}` brings them" if missing else ""


def require() -> None:
    """Raise `SandboxError` if this machine cannot have the regions' networks."""
    if reason := why_not():
        raise SandboxError(f"Controllers need networks of their own on this machine, but {reason}.")


def run(arguments: Sequence[str], commands: Iterable[str] = ()) -> str:
    """Run a program with `commands` as lines of its standard input; return its output.

    Raises `SandboxError` with its error message.
    """
    said = subprocess.run(arguments, input="".join(f"{line}\n" for line in commands), capture_output=True, text=True)
    if said.returncode != 0:
        raise SandboxError(f"{' '.join(arguments)}: {said.stderr.strip() or said.stdout.strip()}")
    return said.stdout


def ip(namespace: str, commands: Iterable[str]) -> None:
    """Run `ip` commands inside the namespace, in order; the first that fails raises `SandboxError`."""
    run(["ip", "-n", namespace, "-batch", "-"], commands)


def create(namespace: str, *, forwards: bool = False) -> None:
    """Make a namespace with its loopback interface; with `forwards`, it passes packets on."""
    run(["ip", "netns", "add", namespace])
    ip(namespace, ["link set lo up"])
    if forwards:
        call_in(namespace, _forward)


def _forward() -> None:
    for name, value in (
        ("ip_forward", "1"),
        ("conf/all/rp_filter", "0"),
        ("conf/default/rp_filter", "0"),
        # Packets leave through the interface they came from when a Service's address leads back to the same pod.
        ("conf/all/send_redirects", "0"),
        ("conf/default/send_redirects", "0"),
        # Connections are spread by their ports, so that each stays on one path.
        ("fib_multipath_hash_policy", "1"),
        # A sender without a route always gets an answer.
        ("icmp_ratelimit", "0"),
    ):
        Path("/proc/sys/net/ipv4", name).write_text(value)


def listed(prefix: str) -> list[str]:
    """The namespaces whose names begin with `prefix`, sorted."""
    return sorted(path.name for path in FOLDER.glob(f"{prefix}*")) if FOLDER.is_dir() else []


def processes_in(namespaces: Iterable[str]) -> list[psutil.Process]:
    """The processes whose network is one of these namespaces."""
    wanted = set()
    for name in namespaces:
        with suppress(OSError):
            status = os.stat(FOLDER / name)
            wanted.add((status.st_dev, status.st_ino))
    found = []
    for process in psutil.process_iter():
        with suppress(OSError, psutil.Error):
            status = os.stat(f"/proc/{process.pid}/ns/net")
            if (status.st_dev, status.st_ino) in wanted:
                found.append(process)
    return found


def remove(namespaces: Sequence[str]) -> None:
    """End all processes in the namespaces and delete them, with their interfaces and rules. Missing ones are fine."""
    if not namespaces:
        return
    _end(namespaces)
    for namespace in namespaces:
        with suppress(SandboxError):
            run(["ip", "netns", "delete", namespace])


def _end(namespaces: Sequence[str]) -> None:
    running = processes_in(namespaces)
    for process in running:
        with suppress(psutil.Error):
            process.terminate()
    psutil.wait_procs(running, timeout=_GRACE_SECONDS)
    deadline = time.monotonic() + _GONE_SECONDS
    while (running := processes_in(namespaces)) and time.monotonic() < deadline:
        for process in running:
            with suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(running, timeout=1)


def call_in(namespace: str, function: Callable[[], Result]) -> Result:
    """Call `function` in a thread whose network is the namespace; sockets made there stay in it.

    Raises `OSError` if the namespace is missing, and what `function` raises.
    """
    results: list[Result] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            _enter(namespace)
            results.append(function())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=work, name=f"in {namespace}")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def _enter(namespace: str) -> None:
    """Move the calling thread, and no other, into the namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    with (FOLDER / namespace).open() as file:
        if libc.setns(file.fileno(), _NEW_NETWORK) != 0:
            number = ctypes.get_errno()
            raise OSError(number, f"{namespace}: {os.strerror(number)}")


def connect(namespace: str, address: tuple[str, int], seconds: float = 5.0) -> socket.socket:
    """A TCP connection from the namespace to an address and port. Raises `OSError`."""
    return call_in(namespace, lambda: socket.create_connection(address, timeout=seconds))


def listen(namespace: str, address: tuple[str, int]) -> socket.socket:
    """A TCP socket that listens in the namespace. Raises `OSError`."""
    return call_in(namespace, lambda: socket.create_server(address, backlog=128))


def entering(namespace: str) -> list[str]:
    """The start of a command that runs in the namespace."""
    return ["nsenter", f"--net={FOLDER / namespace}", "--"]


def short(text: str) -> str:
    """`text` as the end of a name: at most eight letters and digits."""
    return re.sub(r"[^a-z0-9]", "", text.lower())[:8]
