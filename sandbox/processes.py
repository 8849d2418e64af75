"""Finds and ends the processes of a sandbox by their command lines."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import psutil

SERVERS = (
    "metrics-server",
    "kwok-controller",
    "kwok",
    "kube-scheduler",
    "kube-controller-manager",
    "kube-apiserver",
    "etcd",
)
_GRACE_SECONDS = 10.0


def servers_of(directory: Path) -> list[psutil.Process]:
    """The running control plane servers whose data or credentials lie inside `directory`."""
    prefix = f"{directory}/"
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        command = process.info["cmdline"] or [""]
        if process.info["status"] == psutil.STATUS_ZOMBIE or Path(command[0]).name not in SERVERS:
            continue
        if any(prefix in argument for argument in command[1:]):
            found.append(process)
    return found


def server_name(process: psutil.Process) -> str:
    """Name of the server that a process runs; empty if it has just ended."""
    try:
        return Path(process.cmdline()[0]).name
    except (psutil.NoSuchProcess, IndexError):
        return ""


def stop(processes: Iterable[psutil.Process], grace: float = _GRACE_SECONDS) -> list[psutil.Process]:
    """End the processes, and kill those that are left after `grace` seconds; return those that do not end.

    Not for a whole control plane: an API server whose etcd has ended does not end by itself.
    """
    running = list(processes)
    for process in running:
        _signal(process, kill=False)
    _, slow = psutil.wait_procs(running, timeout=grace)
    return kill(slow)


def kill(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Kill the processes, whose data nobody needs any more; return those that do not end."""
    killed = list(processes)
    for process in killed:
        _signal(process, kill=True)
    _, alive = psutil.wait_procs(killed, timeout=_GRACE_SECONDS)
    return list(alive)


def _signal(process: psutil.Process, *, kill: bool) -> None:
    try:
        process.kill() if kill else process.terminate()
    except psutil.NoSuchProcess:
        return


def listener_on(port: int) -> str:
    """The process that listens on the TCP port, such as `etcd, process 123`; empty if unknown."""
    try:
        listening = [item for item in psutil.net_connections(kind="tcp") if item.status == psutil.CONN_LISTEN]
        found = next((item.pid for item in listening if item.laddr and item.laddr.port == port), None)
        return f"{psutil.Process(found).name()}, process {found}" if found else ""
    except psutil.Error:
        return ""
