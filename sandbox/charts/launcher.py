"""Starts the Kubernetes provider with the chart server in its environment.

`launcher.py HOME CHARTS PROVIDER ARGUMENT...` becomes `PROVIDER ARGUMENT...`. CHARTS is the chart folder, unless
SACRED_COUNCIL_CHARTS names another. All providers of a sandbox share one server. The
first launcher starts it, and it ends by itself after the last provider. A provider holds a shared lock on the file
`users`, which it keeps through `exec`; the server holds an exclusive lock on the file `server`. Both locks are released
however a process ends. The module imports only the standard library, so that it starts quickly.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import sys
import time
from urllib.parse import quote

PROJECT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
USERS, SERVER, STATE, LOG, ROOTS = "users", "server", "server.json", "server.log", "roots.pem"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
# The server reads these variables; other values need another server.
_DECISIVE = ("SACRED_COUNCIL_CHARTS", "SACRED_COUNCIL_CHARTS_DOWNLOAD", "SANDBOX_CRDS")
_START_SECONDS = 60.0
_POLL_SECONDS = 0.02


def folder(home: str) -> str:
    """The folder of the server for this sandbox and environment."""
    decisive = [PROJECT, *(os.environ.get(name, "") for name in _DECISIVE)]
    return os.path.join(home, "chart-server", hashlib.sha256("\0".join(decisive).encode()).hexdigest()[:12])


def join(home: str) -> dict[str, str]:
    """Start the server unless it runs; return the environment for its users.

    This process counts as a user until it ends, even after `exec`. Raises `RuntimeError` if there is no server.
    """
    mine = folder(home)
    os.makedirs(mine, mode=0o700, exist_ok=True)
    users = os.open(os.path.join(mine, USERS), os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(users, fcntl.LOCK_SH)
    os.set_inheritable(users, True)
    return environment(mine, _running(home, mine))


def _running(home: str, mine: str) -> dict[str, str]:
    """The running server's description of itself."""
    state = os.path.join(mine, STATE)
    end = time.monotonic() + _START_SECONDS
    starts = 0
    while time.monotonic() < end and starts < 3:
        lock = _free_lock(mine)
        if lock is not None:
            starts += 1
            if starts < 3:
                _start(home, mine, lock)
            os.close(lock)
        elif found := _read(state):
            return found
        time.sleep(_POLL_SECONDS)
    raise RuntimeError(f"the sandbox's chart server does not start; {os.path.join(mine, LOG)} says why")


def _free_lock(mine: str) -> int | None:
    """The server's lock, if no server holds it."""
    lock = os.open(os.path.join(mine, SERVER), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    if os.path.exists(os.path.join(mine, STATE)):
        os.unlink(os.path.join(mine, STATE))  # left by a killed server
    return lock


def _start(home: str, mine: str, lock: int) -> None:
    """Start the server and pass the lock to it. It must not be a child: the engine ends a plugin's children."""
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    try:
        os.setsid()
        if os.fork():
            os._exit(0)
        nothing = os.open(os.devnull, os.O_RDONLY)
        log = os.open(os.path.join(mine, LOG), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        for source, target in ((nothing, 0), (log, 1), (log, 2), (lock, 3)):
            os.dup2(source, target)
        os.set_inheritable(3, True)  # the lock may already have this number
        os.closerange(4, 256)
        path = os.pathsep.join(filter(None, (PROJECT, os.environ.get("PYTHONPATH", ""))))
        command = [sys.executable, "-P", "-m", "sandbox.charts.server", home, mine, "3"]
        os.execve(command[0], command, {**os.environ, "PYTHONPATH": path})  # noqa: S606 - the server
    finally:
        os._exit(1)


def _read(state: str) -> dict[str, str]:
    try:
        with open(state) as file:
            return dict(json.load(file))
    except (OSError, ValueError):
        return {}


def environment(mine: str, server: dict[str, str]) -> dict[str, str]:
    """Variables for Helm and other Go programs.

    The proxy's user name is the project with the pinned charts. Calls to a region's API server bypass the proxy.
    """
    proxy = f"http://{quote(os.getcwd(), safe='')}:{server['token']}@127.0.0.1:{server['port']}"
    direct = [part.strip() for part in os.environ.get("NO_PROXY", os.environ.get("no_proxy", "")).split(",")]
    addresses = [part for part in direct if re.fullmatch(r"[0-9a-fA-F.:/\[\]]+", part)]
    exempt = ",".join([*_LOOPBACK, *addresses])
    cache, config = os.path.join(mine, "helm-cache"), os.path.join(mine, "helm-config")
    # The provider leaves a temporary kubeconfig each time it renders or installs a chart.
    temporary = os.path.join(mine, "temporary")
    os.makedirs(temporary, mode=0o700, exist_ok=True)
    return {
        "TMPDIR": temporary,
        **dict.fromkeys(("HTTPS_PROXY", "https_proxy"), proxy),
        **dict.fromkeys(("NO_PROXY", "no_proxy"), exempt),
        "SSL_CERT_FILE": os.path.join(mine, ROOTS),
        "HELM_CACHE_HOME": cache,
        "HELM_CONFIG_HOME": config,
        "HELM_DATA_HOME": config,
        "PULUMI_K8S_HELM_REPOSITORY_CACHE": os.path.join(cache, "repository"),
        "PULUMI_K8S_HELM_REPOSITORY_CONFIG_PATH": os.path.join(config, "repositories.yaml"),
    }


def main() -> None:
    """Replace this process with the provider."""
    home, charts, provider, *arguments = sys.argv[1:]
    if not os.environ.get("SACRED_COUNCIL_CHARTS"):
        os.environ["SACRED_COUNCIL_CHARTS"] = charts
    try:
        os.environ.update(join(home))
        os.execv(provider, [provider, *arguments])  # noqa: S606 - it becomes the provider
    except (OSError, RuntimeError) as error:
        sys.exit(f"error: {provider}: {error}")


if __name__ == "__main__":
    main()
