"""What the configurations of HAProxy in front of HTTP servers have in common. Pure."""

from typing import Final

HEAD: Final = """\
global
  log stdout format raw local0 info
  maxconn 1024

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
"""The first sections of haproxy.cfg: it logs failures only, and gives up silent clients and servers after a minute."""
