"""The proxy before an embedding server, which has neither TLS nor a list of paths. Pure."""

from typing import Final

from components import http_proxy

PORT: Final = 8443
METRICS_PORT: Final = 8405
SERVER_PORT: Final = 8081
"""Port of the embedding server. It listens in its own pod only."""

SETTINGS: Final = "/etc/embedding/settings"
CERTIFICATES: Final = "/etc/embedding/certificates"
CERTIFICATE: Final = "server.pem"
"""HAProxy looks for the key in a file of this name with .key after it."""
TOKEN: Final = "EMBEDDING_TOKEN"  # noqa: S105 - the name of a variable

EMBEDDINGS: Final = "/v1/embeddings"
INFO: Final = "/info"
METRICS: Final = "/metrics"
HEALTH: Final = "/health"
READY: Final = "/ready"
"""For readiness, so that it is not the same probe as liveness. The server has one address for both."""


def render(
    *, certificates: str = CERTIFICATES, port: int = PORT, metrics: int = METRICS_PORT, server: int = SERVER_PORT
) -> str:
    """Return the text of haproxy.cfg.

    Clients show the token of the file's variable EMBEDDING_TOKEN. Texts are in bodies, which no log has.
    The server's own port has its metrics, too; they go to Prometheus without TLS, as those of other programs do.
    """
    return f"""\
{http_proxy.HEAD}frontend embeddings
  bind :{port} ssl crt {certificates}/{CERTIFICATE} ssl-min-ver TLSv1.2
  acl known req.fhdr(authorization) -m str "Bearer ${{{TOKEN}}}"
  acl offered path {EMBEDDINGS} {INFO}
  http-request deny deny_status 401 unless known
  http-request deny deny_status 404 unless offered
  default_backend server

frontend metrics
  bind :{metrics}
  acl offered path {METRICS} {HEALTH} {READY}
  http-request deny deny_status 404 unless offered
  http-request set-path {HEALTH} if {{ path {READY} }}
  default_backend server

backend server
  server embedding 127.0.0.1:{server}
"""
