"""Names, ports and configuration of LiveKit's servers. Pure.

LiveKit 1.13.5 reads the file in pkg/config/config.go, strictly: it does not start with a key that it does not know.
"""

from dataclasses import dataclass
from typing import Any, Final

import yaml

from components.circles.settings import CirclesSettings
from components.settings.values import bytes_of

APP: Final = "circles"
SERVICE: Final = "circles"
HEADLESS_SERVICE: Final = "circles-nodes"
PATH: Final = "/circles"
"""Where the public gateway leads to the region's servers."""
SIGNALLING: Final = "/rtc"
"""Where a server takes participants. Its other paths are for services."""

HTTP_PORT: Final = 7880
SERVER_METRICS_PORT: Final = 6789
"""These two are in the pod only: the proxy leads to them."""
UDP_PORT: Final = 7882
"""Voice and video of all participants. For each load balancer, every port costs rules."""
TCP_PORT: Final = 7881
"""The same over TCP. LiveKit announces it at the address of `UDP_PORT`."""
STUN_PORT: Final = 3478
"""TURN over UDP, at which browsers also ask for their own address. Without it, LiveKit names servers of Google's."""
TURN_PORT: Final = 5349
"""TURN over TCP, without TLS, in the pod only: the proxy has the certificate."""
RELAY_PORTS: Final = (30000, 39999)
"""Ports in the pod from which TURN sends to the server."""

SETTINGS: Final = "/etc/circles/settings"
KEYS: Final = "/etc/circles/keys"
KEYS_FILE: Final = "keys.yaml"
CACHE_AUTHORITY: Final = "cache-ca.crt"
"""Certificates of the authority that signed the cache's."""

CPU_LOAD_LIMIT: Final = 0.8
"""New calls go to servers below this share of their processors, if there are any."""
EMPTY_SECONDS: Final = 300
"""How long a call waits for its first participant."""
DEPARTURE_SECONDS: Final = 20
"""How long a call outlives its last participant."""

NODES_KEY: Final = "nodes"
ROOM_NODES_KEY: Final = "room_node_map"
ROOMS_KEY: Final = "rooms"
ROOMS_INTERNAL_KEY: Final = "room_internal"
KEPT_KEYS: Final = (NODES_KEY, ROOM_NODES_KEY, ROOMS_KEY, ROOMS_INTERNAL_KEY)
"""Keys in Redis that say which call is where (pkg/routing/redisrouter.go, pkg/service/redisstore.go).

Without them, the next participant of a call would start the same call on another server.
"""


def pod(index: int) -> str:
    """Return the name of server number `index`."""
    return f"{APP}-{index}"


def public_url(host: str) -> str:
    """Return where a browser connects. `host` leads to the region's public gateway."""
    return f"wss://{host}{PATH}"


def turn_host(index: int, host: str) -> str:
    """Return the host of server number `index` for TURN over TLS. `host` leads to the region's public gateway."""
    return f"{pod(index)}.{host}"


@dataclass(frozen=True, kw_only=True)
class ServerFile:
    """What the file of one server says."""

    settings: CirclesSettings
    region: str
    address: str
    """IPv4 address that browsers send voice and video to."""
    over_tcp: bool
    """Whether that address also takes TCP."""
    turn_host: str
    cache: str
    """Host and port of the region's cache."""


def render(file: ServerFile) -> str:
    """Return the text of a server's file. The cache's password comes from REDIS_PASSWORD."""
    return str(yaml.safe_dump(_document(file), sort_keys=False))


def _document(file: ServerFile) -> dict[str, Any]:
    start, end = RELAY_PORTS
    return {
        "port": HTTP_PORT,
        "bind_addresses": ["127.0.0.1"],
        "prometheus": {"port": SERVER_METRICS_PORT},
        "region": file.region,
        "logging": {"level": "info", "json": True},
        "key_file": f"{KEYS}/{KEYS_FILE}",
        "redis": {
            "address": file.cache,
            "username": "default",
            "tls": {"enabled": True, "ca_cert_file": f"{SETTINGS}/{CACHE_AUTHORITY}"},
        },
        "rtc": {
            "node_ip": file.address,
            "use_external_ip": False,
            "udp_port": UDP_PORT,
            # 0: none. LiveKit's own default is a port.
            "tcp_port": TCP_PORT if file.over_tcp else 0,
        },
        "turn": {
            "enabled": True,
            "domain": file.turn_host,
            "tls_port": TURN_PORT,
            "external_tls": True,
            "udp_port": STUN_PORT,
            "relay_range_start": start,
            "relay_range_end": end,
            # TURN leads to this server only. LiveKit refuses private addresses, which a cluster of yours may have.
            "allow_restricted_peer_cidrs": [f"{file.address}/32"] if file.address else [],
        },
        "room": {
            "auto_create": True,
            "max_participants": file.settings.max_participants,
            "empty_timeout": EMPTY_SECONDS,
            "departure_timeout": DEPARTURE_SECONDS,
        },
        "limit": {"bytes_per_sec": bytes_of(file.settings.max_rate)},
        "node_selector": {
            "kind": "cpuload",
            "cpu_load_limit": CPU_LOAD_LIMIT,
            "sort_by": "cpuload",
            "algorithm": "twochoice",
        },
    }


KEEPER_SCRIPT: Final = f"""\
#!/bin/sh
# A full cache drops the keys that were used least (components/cache/settings.py). LiveKit's keys that say which call is
# where must not go, so this uses them, without changing them. Reads REDIS_HOST, REDIS_PORT and REDISCLI_AUTH.
set -eu
trap 'exit 0' TERM INT

while true; do
  answers=$(
    for key in {" ".join(KEPT_KEYS)}; do echo "TOUCH $key"; done |
      timeout 10 redis-cli -h "$REDIS_HOST" -p "$REDIS_PORT" --tls --cacert {SETTINGS}/{CACHE_AUTHORITY} 2>&1
  ) || answers="no answer in 10 seconds. $answers"
  case "$answers" in
    *[!0-9[:space:]]*) echo "The cache: $answers" ;;
  esac
  sleep 20 &
  wait $!
done
"""
"""Runs beside each server."""
