"""Configuration of the NATS servers for browsers: nats.conf, and the file with their links to the region's NATS. Pure.

These servers keep nothing. They are leaf nodes with two links to the region's own servers, which the public gateway
does not reach: one link carries what browsers say to each other, the other what they ask of JetStream.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from components.messaging import configuration
from components.messaging.live_rights import ServerTokens
from components.messaging.settings import WebSocketSettings

APP: Final = "nats-live"
PATH: Final = "/live"
"""Where the public gateway leads to these servers. Below it, a server would also take leaf nodes and MQTT."""
WEBSOCKET_PORT: Final = 8443
PING_SECONDS: Final = 20
"""Between two pings. A connection that is silent for longer could be forgotten on its way: Azure waits four minutes."""
PENDING: Final = "8MB"
"""Most data that waits for one browser. A browser that is slower is disconnected, and comes back."""


def live_url(domain: str) -> str:
    """Return where a browser connects. `domain` is the host of the public gateway."""
    return f"wss://{domain}{PATH}"


@dataclass(frozen=True, kw_only=True)
class LiveServersFile:
    """What nats.conf of a region's servers for browsers says."""

    settings: WebSocketSettings
    tokens: ServerTokens
    origins: Sequence[str]
    """Origins of pages that may connect. A client that names no origin is no browser; its token decides."""

    def __post_init__(self) -> None:
        if not self.origins:
            raise ValueError("origins: expected at least one; without any, pages of every origin could connect")


def render(file: LiveServersFile) -> str:
    """Return the text of nats.conf. It reads SERVER_NAME, and the links from links.conf beside it."""
    tokens = file.tokens
    return f"""\
server_name: $SERVER_NAME
# Browsers have the WebSocket; nobody else connects.
listen: "127.0.0.1:{configuration.CLIENT_PORT}"
http: "0.0.0.0:{configuration.MONITOR_PORT}"
pid_file: "{configuration.RUN}/nats.pid"
# As much as the region's own servers send. What browsers may send is in their account.
max_payload: {configuration.MAX_PAYLOAD}
max_pending: {PENDING}
max_connections: {file.settings.max_connections}
write_deadline: "5s"
ping_interval: "{PING_SECONDS}s"
ping_max: 2
lame_duck_grace_period: "10s"
lame_duck_duration: "{configuration.LAME_DUCK_SECONDS}s"
operator: "{tokens.operator}"
resolver: MEMORY
resolver_preload: {{
  {tokens.account_key}: "{tokens.account}"
}}
websocket {{
  listen: "0.0.0.0:{WEBSOCKET_PORT}"
  allowed_origins: {json.dumps(list(file.origins))}
  compression: false
  handshake_timeout: "5s"
{configuration.tls_block(verify=False)}}}
include ./links.conf
"""


def render_links(
    *,
    host: str,
    account_key: str,
    passwords: Mapping[str, str],
    handshake: int = configuration.HANDSHAKE_SECONDS,
) -> str:
    """Return the text of links.conf: a link for each user in `passwords` to the servers at `host`. It is secret.

    `handshake` is the time for that of TLS, in seconds.
    """
    urls = (f"tls://{user}:{password}@{host}" for user, password in passwords.items())
    links = "\n".join(_link(url, account_key, handshake) for url in urls)
    return f"""\
leafnodes {{
  reconnect: 1
  remotes: [
{links}
  ]
}}
"""


def _link(url: str, account_key: str, handshake: int) -> str:
    # The server answers first. Without this line, a link that takes more than a second for that never begins.
    far = handshake > configuration.HANDSHAKE_SECONDS
    patience = f'      first_info_timeout: "{handshake}s"\n' if far else ""
    return f"""\
    {{
      urls: ["{url}:{configuration.LEAF_PORT}"]
      account: "{account_key}"
{patience}{configuration.tls_block(verify=None, indent=6, handshake=handshake)}    }}"""
