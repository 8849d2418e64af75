"""The proxy beside a server: TLS for signalling and TURN, answers to an authority's questions, and metrics. Pure.

LiveKit has no TLS of its own but for TURN, and reads that certificate at its start only: with a new one, it would have
to end all calls. HAProxy takes new certificates without ending a connection.
"""

from typing import Final

from components import http_proxy
from components.circles.configuration import HTTP_PORT, SERVER_METRICS_PORT, TURN_PORT

PORT: Final = 8443
TURN_TLS_PORT: Final = 8444
CHALLENGE_PORT: Final = 8080
HEALTH_PORT: Final = 8405
"""Metrics, and what probes ask."""
HEALTH: Final = "/"
METRICS: Final = "/metrics"

SETTINGS: Final = "/etc/circles/settings"
CERTIFICATES: Final = "/etc/circles/certificates"
PUBLIC_CERTIFICATES: Final = "/etc/circles/public"
"""Empty until an authority has signed the first certificate."""
CERTIFICATE: Final = "server.pem"
"""HAProxy looks for the key in a file of this name with .key after it."""
CONNECTIONS: Final = 4096
"""Most connections of a server's proxy."""
WATCH_SECONDS: Final = 30

_OWN: Final = f"crt {CERTIFICATES}/{CERTIFICATE} ssl-min-ver TLSv1.2"


def render(*, thumbprint: str | None) -> str:
    """Return the text of haproxy.cfg.

    `thumbprint` is that of the account with a public authority: the proxy answers its questions, and shows the
    certificate that it signs to those who ask for its names. None: there is no such authority.
    """
    public = f"crt {PUBLIC_CERTIFICATES}/ " if thumbprint is not None else ""
    return f"""\
{http_proxy.head(CONNECTIONS)}frontend signalling
  bind :{PORT} ssl {_OWN}
  default_backend server

frontend inside
  bind :{HEALTH_PORT}
  http-request deny deny_status 404 unless {{ path {HEALTH} {METRICS} }}
  use_backend metrics if {{ path {METRICS} }}
  default_backend server

backend server
  timeout tunnel 1h
  server server 127.0.0.1:{HTTP_PORT}

backend metrics
  server metrics 127.0.0.1:{SERVER_METRICS_PORT}

frontend turn
  mode tcp
  option tcplog
  bind :{TURN_TLS_PORT} ssl {public}{_OWN}
  timeout client 1h
  default_backend turn

backend turn
  mode tcp
  timeout server 1h
  server turn 127.0.0.1:{TURN_PORT}
{_challenges(thumbprint) if thumbprint is not None else ""}"""


def _challenges(thumbprint: str) -> str:
    """Return the part that answers an authority (RFC 8555, section 8.3), as the public gateway does."""
    question = r"^/\.well-known/acme-challenge/[A-Za-z0-9_-]+$"
    return f"""\

frontend challenges
  bind :{CHALLENGE_PORT}
  acl question path_reg '{question}'
  http-request return status 200 content-type text/plain lf-string "%[path,field(4,/)].{thumbprint}" if question
  http-request deny deny_status 404
"""


START_SCRIPT: Final = f"""\
#!/bin/sh
# Starts HAProxy, and has it read its files again when a certificate changes. Its connections go on.
set -eu

certificates() {{
  cat {CERTIFICATES}/* {PUBLIC_CERTIFICATES}/* 2>/dev/null | sha256sum
}}

known=$(certificates)
ending=
haproxy -W -db -f {SETTINGS}/haproxy.cfg &
proxy=$!
trap 'ending=yes; kill -TERM "$proxy"' TERM INT USR1
while [ -z "$ending" ] && kill -0 "$proxy" 2>/dev/null; do
  sleep {WATCH_SECONDS} &
  wait $! || true
  now=$(certificates)
  if [ "$now" != "$known" ]; then
    echo "A certificate has changed."
    known=$now
    kill -USR2 "$proxy" || true
  fi
done
wait "$proxy"
"""

STOP_SCRIPT: Final = f"""\
#!/bin/sh
# Before the proxy stops: the server beside it, which waits for its calls to end, needs it until then.
set -eu
while nc -z 127.0.0.1 {HTTP_PORT}; do
  sleep 1
done
"""
