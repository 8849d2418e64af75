"""An HTTPS proxy that leads calls to a public authority to the test authority, and refuses all others.

`python -m sandbox.controllers.acme_proxy PORT URL ACME CERTIFICATE KEY`: it listens on PORT of the loopback interface.
URL is the public authority's directory, and the test authority serves ACME on the port ACME. Both show CERTIFICATE. The
test authority has another path for its directory, so the proxy ends TLS and changes this path; all other URLs are in
the directory, and keep the host that the client called.
"""

from __future__ import annotations

import http.client
import ssl
import sys
from typing import Final
from urllib.parse import urlsplit

from sandbox.tls_proxy import TlsProxy, TlsProxyHandler

DIRECTORY: Final = "/dir"
"""Path of Pebble's directory."""
_HOP: Final = frozenset({"connection", "content-length", "keep-alive", "proxy-connection", "transfer-encoding"})
"""Headers that concern one connection."""
_PATIENCE_SECONDS: Final = 60.0


class Proxy(TlsProxy):
    """The proxy. It listens from its creation."""

    def __init__(self, port: int, url: str, acme: int, certificate: str, key: str) -> None:
        super().__init__(_Handler, port)
        parts = urlsplit(url)
        self.authority = f"{parts.hostname}:{parts.port or 443}"
        self.path = parts.path
        self.acme = acme
        self.shown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.shown.load_cert_chain(certificate, key)
        self.trusted = ssl.create_default_context(cafile=certificate)


class _Handler(TlsProxyHandler):
    """One connection: CONNECT, then TLS, then requests of ACME."""

    server: Proxy

    def do_CONNECT(self) -> None:
        """Terminate TLS here, in the place of the public authority."""
        if self.path != self.server.authority:
            self.send_error(403, f"the test authority stands for {self.server.authority} alone")
            return
        self.end_tls(self.server.shown)

    def do_GET(self) -> None:
        """Pass a request on to the test authority."""
        if not self.tunnel:
            self.send_error(403, "this proxy takes HTTPS alone")
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
        path = DIRECTORY if self.path == self.server.path else self.path
        onward = http.client.HTTPSConnection(
            "127.0.0.1", self.server.acme, timeout=_PATIENCE_SECONDS, context=self.server.trusted
        )
        try:
            onward.request(self.command, path, body or None, headers)
            self._pass_back(onward.getresponse())
        finally:
            onward.close()

    do_HEAD = do_POST = do_GET

    def _pass_back(self, answer: http.client.HTTPResponse) -> None:
        content = answer.read()
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in _HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def main() -> None:
    """Serve until the process is ended."""
    port, url, acme, certificate, key = sys.argv[1:]
    Proxy(int(port), url, int(acme), certificate, key).serve_forever()


if __name__ == "__main__":
    main()
