"""The chart server: an HTTPS proxy on the loopback interface that answers in place of the chart repositories.

`python -m sandbox.charts.server HOME FOLDER LOCK` is started by `launcher`. LOCK is the descriptor of the lock that the
server holds as long as it runs. The server ends when nobody holds the users' lock. Clients find its port, its
password and the certificate of its authority in FOLDER; the authority's key never leaves this process.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import hmac
import json
import os
import secrets
import ssl
import sys
import threading
import time
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from sandbox.certificates import Authority
from sandbox.charts import launcher, repositories
from sandbox.charts.packages import PackageError
from sandbox.charts.repositories import Chart, Charts
from sandbox.tls_proxy import TlsProxy, TlsProxyHandler

_LINGER_SECONDS: Final = 2.0
_POLL_SECONDS: Final = 0.5


class Server(TlsProxy):
    """The proxy. It listens from its creation."""

    def __init__(self, charts: Charts) -> None:
        super().__init__(_Handler)
        self.charts = charts
        self.authority = Authority()
        self.token = secrets.token_urlsafe(24)


class _Handler(TlsProxyHandler):
    """One connection: CONNECT, then TLS, then requests to the repositories at that host."""

    server: Server
    _pins: tuple[Chart, ...] = ()

    def do_CONNECT(self) -> None:
        """Terminate TLS here if the host has a chart repository."""
        project = self._project()
        if project is None:
            self._refuse(407, "Proxy Authentication Required")
            return
        pins = repositories.pinned(project)
        authority = self.path.lower()
        self._pins = tuple(pin for pin in pins if _authority(pin.repository) == authority)
        if not self._pins:
            self._refuse(403, f"the sandbox has no chart of {authority}: components/versions.py pins none from there")
            return
        self.end_tls(self.server.authority.context(authority.rpartition(":")[0].strip("[]")))

    def _project(self) -> Path | None:
        """The project in the client's credentials; None for a wrong password."""
        scheme, _, given = self.headers.get("Proxy-Authorization", "").partition(" ")
        try:
            user, _, password = base64.b64decode(given, validate=True).decode().rpartition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        known = scheme.lower() == "basic" and hmac.compare_digest(password.encode(), self.server.token.encode())
        return Path(user) if known else None

    def do_GET(self) -> None:
        """Serve an index or a package."""
        if not self.tunnel:
            self._refuse(403, "this is the sandbox's chart server: it answers for chart repositories, over HTTPS")
            return
        repository, _, file = f"https://{self.tunnel}{urlsplit(self.path).path}".rpartition("/")
        repository = next((pin.repository for pin in self._pins if _same(pin.repository, repository)), "")
        try:
            content = self._content(repository, unquote(file))
        except PackageError as error:
            self._refuse(500, str(error))
            return
        if content is None:
            self._refuse(404, "Not Found")
            return
        self.send_response_only(200)
        self.send_header("Content-Type", "application/yaml" if file == "index.yaml" else "application/gzip")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_HEAD = do_GET

    def _content(self, repository: str, file: str) -> bytes | None:
        charts = self.server.charts
        known = charts.known(repository, self._pins) if repository else []
        if file == "index.yaml" and known:
            # Helm hides errors of packages, but shows errors of indexes.
            for chart in known:
                charts.package(chart)
            return charts.index(known)
        asked = next((chart for chart in known if chart.file == file), None)
        return charts.package(asked) if asked else None

    def _refuse(self, status: int, reason: str) -> None:
        """Put the reason into the status line: Go clients show nothing else."""
        self.send_response_only(status, " ".join(reason.encode("ascii", "replace").decode().split()))
        self.send_header("Content-Length", "0")
        if status == 407:
            self.send_header("Proxy-Authenticate", "Basic")
        self.end_headers()


def _authority(url: str) -> str:
    parts = urlsplit(url.lower())
    return f"{parts.netloc.rpartition('@')[2]}{'' if parts.port else ':443'}"


def _same(repository: str, other: str) -> bool:
    """Whether both URLs are the same apart from an explicit default port."""
    one, two = urlsplit(repository), urlsplit(other)
    return _authority(repository) == _authority(other) and one.path.rstrip("/") == two.path.rstrip("/")


def _write(path: Path, text: str) -> None:
    """Write the file atomically, readable only by this user."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.touch(mode=0o600)
    temporary.write_text(text)
    temporary.replace(path)


def _system_roots() -> str:
    file = os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile
    try:
        return Path(file).read_text() if file else ""
    except (OSError, UnicodeDecodeError):
        return ""


def _wait_for_the_last(folder: Path) -> None:
    """Wait until the server has no users, then hold a lock that keeps new users out until this process ends."""
    idle_since: float | None = None
    while True:
        try:
            users = os.open(folder / launcher.USERS, os.O_RDWR)
        except FileNotFoundError:
            return
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            idle_since = None
        else:
            now = time.monotonic()
            idle_since = now if idle_since is None else idle_since
            if now - idle_since >= _LINGER_SECONDS:
                return
        os.close(users)
        time.sleep(_POLL_SECONDS)


def main() -> None:
    """Serve until the last user has ended."""
    home, folder = Path(sys.argv[1]), Path(sys.argv[2])
    os.set_inheritable(int(sys.argv[3]), False)
    server = Server(Charts(repositories.folder(home / "charts")))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    _write(folder / launcher.ROOTS, server.authority.pem + _system_roots())
    state = {"pid": str(os.getpid()), "token": server.token, "port": str(server.server_address[1])}
    _write(folder / launcher.STATE, json.dumps(state))
    _wait_for_the_last(folder)
    (folder / launcher.STATE).unlink(missing_ok=True)
    # Do not wait for connections of clients that have ended.
    os._exit(0)


if __name__ == "__main__":
    main()
