"""An HTTPS proxy on the loopback interface that answers in place of one Git server, with a repository on this disk."""

from __future__ import annotations

import base64
import hmac
import os
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from sandbox.certificates import Authority
from sandbox.tls_proxy import TlsProxy, TlsProxyHandler


@dataclass(frozen=True, kw_only=True)
class Repository:
    """A repository and how it is reached."""

    url: str
    """HTTPS address, as in the stack's settings."""
    folder: Path
    """The bare repository on this disk."""
    login: str = ""
    """User and password, as `user:password`. Empty: everybody may read."""

    @property
    def authority(self) -> str:
        """Host and port of the address."""
        parts = urlsplit(self.url)
        return f"{parts.hostname}:{parts.port or 443}"

    @property
    def path(self) -> str:
        """Path of the address, without a slash at the end."""
        return urlsplit(self.url).path.rstrip("/")


class GitServer(TlsProxy):
    """The proxy. It listens from its creation, on a port of the system's choice."""

    def __init__(self, repository: Repository) -> None:
        super().__init__(_Handler)
        self.repository = repository
        self.authority = Authority()


@contextmanager
def serving(repository: Repository) -> Iterator[GitServer]:
    """A server that answers for the length of the block."""
    with GitServer(repository) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


class _Handler(TlsProxyHandler):
    """One connection: CONNECT, then TLS, then Git's own HTTP protocol."""

    server: GitServer

    def do_CONNECT(self) -> None:
        """Terminate TLS here if the repository is at that host."""
        if self.path.lower() != self.server.repository.authority:
            self._answer(403, b"")
            return
        self.end_tls(self.server.authority.context(self.path.rpartition(":")[0]))

    def do_GET(self) -> None:
        """Answer a request for the repository."""
        path, _, query = self.path.partition("?")
        root = self.server.repository.path
        body = self._body()
        if not self.tunnel or not path.startswith(f"{root}/"):
            self._answer(404, b"")
        elif not self._may_read():
            self._answer(401, b"", {"WWW-Authenticate": 'Basic realm="Git"'})
        else:
            self._answer(*self._backend(path.removeprefix(root), query, body))

    do_POST = do_GET

    def _may_read(self) -> bool:
        login = self.server.repository.login
        given = self.headers.get("Authorization", "").removeprefix("Basic ").strip()
        return not login or hmac.compare_digest(given, base64.b64encode(login.encode()).decode())

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _backend(self, path: str, query: str, body: bytes) -> tuple[int, bytes, dict[str, str]]:
        """Status, content and headers of Git's own server program."""
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.server.repository.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        run = subprocess.run(["git", "http-backend"], input=body, env=environment, capture_output=True, check=False)
        head, _, content = run.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines() if ": " in line)
        return int(headers.pop("Status", "200").split()[0]), content, headers

    def _answer(self, status: int, content: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response_only(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
