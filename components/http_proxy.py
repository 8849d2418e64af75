"""What the configurations of HAProxy in front of HTTP servers have in common. Pure."""

from typing import Final


def head(connections: int) -> str:
    """Return the first sections of haproxy.cfg. HAProxy takes so many connections, and no second number for them.

    It logs failures only, and gives up silent clients and servers after a minute.
    """
    return f"""\
global
  log stdout format raw local0 info
  maxconn {connections}

defaults
  mode http
  log global
  option httplog
  option dontlog-normal
  timeout connect 4s
  timeout http-request 10s
  timeout client 60s
  timeout server 60s

"""


HEAD: Final = head(1024)
