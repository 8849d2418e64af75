"""An HTTPS proxy on the loopback interface that ends TLS itself and answers in place of the host that was asked for."""

from __future__ import annotations

import ssl
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from sandbox.manifests import LOOPBACK

_IDLE_SECONDS: Final = 60.0


class TlsProxy(ThreadingHTTPServer):
    """The proxy. It listens from its creation; port 0 is one of the system's choice."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, handler: type[TlsProxyHandler], port: int = 0) -> None:
        super().__init__((LOOPBACK, port), handler)

    @property
    def url(self) -> str:
        """The proxy's address, for HTTPS_PROXY."""
        return f"http://{LOOPBACK}:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that disconnect."""
        if not isinstance(sys.exception(), (ConnectionError, ssl.SSLError, TimeoutError)):
            super().handle_error(request, client_address)


class TlsProxyHandler(BaseHTTPRequestHandler):
    """One connection: CONNECT, then TLS, then requests to that host.

    A subclass has `do_CONNECT`, which calls `end_tls` for the hosts that it answers for.
    """

    protocol_version = "HTTP/1.1"
    timeout = _IDLE_SECONDS
    tunnel = ""
    """Host and port that the client asked for, such as `example.net:443`; empty before TLS."""

    def end_tls(self, context: ssl.SSLContext) -> None:
        """Accept the tunnel and make the TLS handshake in the host's place."""
        self.send_response_only(200, "Connection established")
        self.end_headers()
        self.tunnel = self.path.lower()
        self.connection = self.request = context.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb", self.rbufsize)
        self.wfile = self.connection.makefile("wb", 0)
        self.close_connection = False

    def finish(self) -> None:
        """Close the TLS connection as well, which the base class does not close."""
        super().finish()
        self.connection.close()

    def log_message(self, format: str, *arguments: Any) -> None:
        """Log nothing: the log is only for errors."""
