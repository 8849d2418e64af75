"""Configuration of NATS servers: nats.conf, users.conf and the start script. Pure."""

import json
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from components.messaging import live_rights
from components.messaging.settings import FILE_SHARE, MessagingSettings
from components.peering.names import peer_name
from components.settings.values import bytes_of

APP: Final = "nats"
SERVICE: Final = "nats"
HEADLESS_SERVICE: Final = "nats-headless"
CLIENT_PORT: Final = 4222
CLUSTER_PORT: Final = 6222
GATEWAY_PORT: Final = 7222
LEAF_PORT: Final = 7422
"""Where the servers for browsers and those of edge sites connect."""
MONITOR_PORT: Final = 8222
EXPORTER_PORT: Final = 7777

SETTINGS: Final = "/etc/nats-settings"
CERTIFICATES: Final = "/etc/nats-certificates"
DATA: Final = "/data"
RUN: Final = "/var/run/nats"

APPLICATION_ACCOUNT: Final = "APP"
APPLICATION_USER: Final = "sacred-council"
SYSTEM_USER: Final = "system"
CIRCLES_ACCOUNT: Final = "LIVE_CIRCLES"
CIRCLES_USER: Final = "live-circles"
"""Carries what browsers say to each other, and the changes of their circles' state."""
STATE_ACCOUNT: Final = "LIVE_STATE"
STATE_USER: Final = "live-state"
"""Carries what browsers ask of their circles' state, and the answers. JetStream answers to any subject that a request
names. In an account of its own, such an answer reaches no circle."""
PASSWORDS: Final[Mapping[str, str]] = {
    APPLICATION_USER: "APPLICATION_PASSWORD",
    SYSTEM_USER: "SYSTEM_PASSWORD",
    CIRCLES_USER: "LIVE_CIRCLES_PASSWORD",
    STATE_USER: "LIVE_STATE_PASSWORD",
}
"""Variable with a user's hash, in users.conf. `password_variable` has those of edge sites, too."""
SITE: Final = "site-"
"""Beginning of the user that an edge site logs in as."""
HANDSHAKE_SECONDS: Final = 5
SITE_HANDSHAKE_SECONDS: Final = 30
"""Time for the TLS handshake of an edge site, which takes two round trips."""
MAX_PAYLOAD: Final = 2**20
"""Most bytes of a message."""
LAME_DUCK_SECONDS: Final = 30
GRACE_SECONDS: Final = LAME_DUCK_SECONDS * 2
"""Time that a pod has to stop."""
FOREVER: Final = 10**9
"""Attempts to reach another region, one per second."""
MEMORY_SHARE: Final = 0.25
SITE_PING_SECONDS: Final = 20
"""Between two pings of an edge site. After two without an answer, the site connects anew."""

# What JetStream sends to copy a stream (nats-server: infoReplySubject, trySetupSourceConsumer, setupMirrorConsumer,
# jsFlowControlPre). The last word of the first three is random.
_ANSWERS: Final = "$JSC.R.*"
_TO_SOURCES: Final = "$JS.S.*"
_TO_MIRRORS: Final = "$JS.M.*"
_FLOW_CONTROL: Final = "$JS.FC.>"


@dataclass(frozen=True, kw_only=True)
class GatewayPeer:
    """The gateway of another region."""

    name: str
    """The region's name."""
    address: str
    """host:port."""


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """The gateway that joins a region's servers with those of other regions."""

    advertise: str
    """Address (host:port) at which other regions reach these servers."""
    seeds: Sequence[GatewayPeer] = ()
    """Regions that the file names. They announce all others, so adding a region changes no other region's file."""


@dataclass(frozen=True, kw_only=True)
class Mirrored:
    """A stream of another region that this region mirrors."""

    stream: str
    """The stream's name."""
    home: str
    """The region that takes its messages."""


@dataclass(frozen=True, kw_only=True)
class RegionServers:
    """The servers of one region, and their links to other regions and to edge sites."""

    region: str
    settings: MessagingSettings
    gateway: Gateway | None = None
    """None: a single region."""
    mirrored: Sequence[Mirrored] = ()
    sites: Sequence[str] = ()
    """Edge sites whose home the region is."""
    copied: Sequence[str] = ()
    """Streams of which each of these sites keeps a copy."""
    is_site: bool = False
    """Whether these are the servers of an edge site, which read the link to their home from home.conf."""

    def __post_init__(self) -> None:
        if self.gateway is not None and len(self.gateway.seeds) >= self.settings.servers:
            raise ValueError(
                f"gateway.seeds: {len(self.gateway.seeds)} regions are too many for {self.settings.servers} servers: "
                "a new cluster would wait for more servers than it has; name fewer"
            )


def gateway(region: str, namespace: str, seeds: Sequence[str]) -> Gateway:
    """Return the gateway of `region`, which meets other regions at the peer endpoints of the regions `seeds`."""

    def address(name: str) -> str:
        return f"{peer_name(name, namespace)}:{GATEWAY_PORT}"

    return Gateway(advertise=address(region), seeds=[GatewayPeer(name=seed, address=address(seed)) for seed in seeds])


def domain_api(region: str) -> str:
    """Return the prefix of the JetStream API of `region`, for callers in other regions."""
    return f"$JS.{region}.API"


def system_account(region: str) -> str:
    """Return the name of the region's system account. Regions do not share one.

    JetStream's servers elect a leader inside the system account. A shared account would make all regions one group,
    and a region that is cut off could not change its own streams.
    """
    return f"SYS_{region}"


def routes(servers: RegionServers) -> list[str]:
    """Return the servers that a server connects to. They announce the others.

    A JetStream cluster that starts for the first time waits for as many servers as its file has routes and gateway
    addresses together. So their sum equals the number of voting servers.
    """
    count = servers.settings.servers - (len(servers.gateway.seeds) if servers.gateway else 0)
    return [f"tls://{APP}-{index}.{HEADLESS_SERVICE}:{CLUSTER_PORT}" for index in range(count)]


def memory_limit(memory: int) -> str:
    """Return a server's GOMEMLIMIT. A tenth of its memory stays for allocations outside Go's collector."""
    return f"{memory * 9 // 10 // 2**20}MiB"


def files(servers: RegionServers) -> dict[str, str]:
    """Return the files that all servers of the region share, by name, except users.conf."""
    return {"nats.conf": render(servers), "start.sh": START_SCRIPT}


def render(servers: RegionServers) -> str:
    """Return the text of nats.conf. It reads SERVER_NAME, and the password hashes from users.conf beside it."""
    blocks = [_server(), _jetstream(servers), _accounts(servers)]
    if servers.settings.servers > 1:
        blocks.append(_cluster(servers))
    if servers.gateway:
        blocks.append(_gateway(servers.region, servers.gateway))
    if servers.settings.websocket.enabled or servers.sites:
        blocks.append(_leafnodes(SITE_HANDSHAKE_SECONDS if servers.sites else HANDSHAKE_SECONDS))
    if servers.is_site:
        blocks.append("include ./home.conf\n")
    return "\n".join(blocks)


def site_user(site: str) -> str:
    """Return the user that the edge site `site` logs in as at its home."""
    return f"{SITE}{site}"


def password_variable(user: str) -> str:
    """Return the variable with the hash of a user's password."""
    return PASSWORDS.get(user) or f"{user.upper().replace('-', '_')}_PASSWORD"


def render_users(hashes: Mapping[str, str]) -> str:
    """Return the text of users.conf: the bcrypt hashes that nats.conf refers to, given by user."""
    users = [*(user for user in PASSWORDS if user in hashes), *sorted(set(hashes) - set(PASSWORDS))]
    return "".join(f'{password_variable(user)}: "{hashes[user]}"\n' for user in users)


def _server() -> str:
    return f"""\
server_name: $SERVER_NAME
listen: "0.0.0.0:{CLIENT_PORT}"
http: "0.0.0.0:{MONITOR_PORT}"
pid_file: "{RUN}/nats.pid"
max_payload: {MAX_PAYLOAD}
lame_duck_grace_period: "10s"
lame_duck_duration: "{LAME_DUCK_SECONDS}s"
{tls_block(verify=False, indent=0)}"""


def tls_block(*, verify: bool | None, indent: int = 2, handshake: int = HANDSHAKE_SECONDS) -> str:
    """Return the block with the pod's certificate. `verify`: whether clients need one, too; None: this is a client."""
    clients = "" if verify is None else f"  verify: {str(verify).lower()}\n"
    block = f"""\
tls {{
  cert_file: "{CERTIFICATES}/tls.crt"
  key_file: "{CERTIFICATES}/tls.key"
  ca_file: "{CERTIFICATES}/ca.crt"
{clients}  timeout: {handshake}
}}
"""
    return textwrap.indent(block, " " * indent)


def _jetstream(servers: RegionServers) -> str:
    return f"""\
jetstream {{
  store_dir: "{DATA}"
  domain: "{servers.region}"
  max_file_store: {int(bytes_of(servers.settings.storage) * FILE_SHARE)}
  max_memory_store: {int(bytes_of(servers.settings.memory) * MEMORY_SHARE)}
}}
"""


def _accounts(servers: RegionServers) -> str:
    system = system_account(servers.region)
    live = servers.settings.websocket.enabled
    return f"""\
include ./users.conf
accounts {{
  "{APPLICATION_ACCOUNT}": {{
    jetstream: enabled
{_application_users(servers)}
{_imports(servers.mirrored)}{_live_exports(servers.region) if live else ""}  }}
  "{system}": {{
    users: [{{user: "{SYSTEM_USER}", password: $SYSTEM_PASSWORD}}]
  }}
{_live_accounts(servers.region) if live else ""}{_homes(servers.mirrored)}}}
system_account: "{system}"
"""


def _application_users(servers: RegionServers) -> str:
    application = f'{{user: "{APPLICATION_USER}", password: $APPLICATION_PASSWORD}}'
    if not servers.sites:
        return f"    users: [{application}]"
    links = (_site_link(site, servers) for site in sorted(servers.sites))
    return f"    users: [\n{_lines((application, *links), 6)}\n    ]"


def _site_link(site: str, servers: RegionServers) -> str:
    """Return the user of an edge site, with what may cross its link: the transfer of streams, and nothing else.

    Each side copies from the other by a consumer: it asks for one, and gets messages and flow control on subjects of
    its own choice, whose beginnings are JetStream's.
    """
    copies = (_consumer_create(domain_api(servers.region), stream) for stream in servers.copied)
    return _link(
        site_user(site),
        publish=[*copies, _ANSWERS, _TO_SOURCES, _FLOW_CONTROL],
        subscribe=[f"{domain_api(site)}.CONSUMER.>", _ANSWERS, _TO_MIRRORS, _FLOW_CONTROL],
    )


def _imports(mirrored: Sequence[Mirrored]) -> str:
    # A domain's API does not answer across gateways: requests are redirected before they leave their region. Each
    # import redirects the one request that creates a mirror's consumer to the home region's system account.
    services = (
        f'{{service: {{account: "{system_account(each.home)}", subject: "{_consumer_api("$JS.API", each)}"}}, '
        f'to: "{_consumer_api(domain_api(each.home), each)}", share: true}}'
        for each in mirrored
    )
    return f"    imports: [\n{_lines(services, 6)}\n    ]\n" if mirrored else ""


def _live_exports(region: str) -> str:
    exports = (
        f'{{service: "{live_rights.VALUES}.>", accounts: ["{STATE_ACCOUNT}"]}}',
        f'{{service: "{live_rights.READS}.>", accounts: ["{STATE_ACCOUNT}"]}}',
        f'{{stream: "{changes(region)}.>", accounts: ["{CIRCLES_ACCOUNT}"]}}',
    )
    return f"    exports: [\n{_lines(exports, 6)}\n    ]\n"


def changes(region: str) -> str:
    """Return where the region's copy of the circles' state announces changes to the browsers of the region.

    Each region announces its own copy: after an outage, the copy announces what it has missed.
    """
    return f"{live_rights.CHANGES}.{region}"


def _live_accounts(region: str) -> str:
    """Return the accounts of the servers for browsers, with what may cross each of their two links."""
    asked = [f"{live_rights.ASKED_VALUES}.>", f"{live_rights.ASKED_READS}.>"]
    messages, changed = f"{live_rights.MESSAGES}.>", f"{live_rights.CHANGES}.>"
    circles = _link(CIRCLES_USER, publish=[messages], subscribe=[messages, changed])
    state = _link(STATE_USER, publish=asked, subscribe=[f"{live_rights.INBOXES}.>"])
    services = (
        f'{{service: {{account: "{APPLICATION_ACCOUNT}", subject: "{subject}.>"}}, to: "{to}"}}'
        for subject, to in zip((live_rights.VALUES, live_rights.READS), asked, strict=True)
    )
    return f"""\
  "{CIRCLES_ACCOUNT}": {{
    users: [{circles}]
    imports: [{{stream: {{account: "{APPLICATION_ACCOUNT}", subject: "{changes(region)}.>"}}, to: "{changed}"}}]
  }}
  "{STATE_ACCOUNT}": {{
    users: [{state}]
    imports: [
{_lines(services, 6)}
    ]
  }}
"""


def _link(user: str, *, publish: Sequence[str], subscribe: Sequence[str]) -> str:
    return (
        f'{{user: "{user}", password: ${password_variable(user)}, allowed_connection_types: ["LEAFNODE"], '
        "permissions: {"
        f"publish: {{allow: {json.dumps(publish)}}}, subscribe: {{allow: {json.dumps(subscribe)}}}}}}}"
    )


def _homes(mirrored: Sequence[Mirrored]) -> str:
    homes: dict[str, list[str]] = {}
    for each in mirrored:
        exported = f'{{service: "{_consumer_api("$JS.API", each)}", accounts: ["{APPLICATION_ACCOUNT}"]}}'
        homes.setdefault(each.home, []).append(exported)
    return "".join(
        f'  "{system_account(home)}": {{exports: [{", ".join(exports)}]}}\n' for home, exports in homes.items()
    )


def _consumer_api(api: str, mirrored: Mirrored) -> str:
    return _consumer_create(api, mirrored.stream)


def _consumer_create(api: str, stream: str) -> str:
    return f"{api}.CONSUMER.CREATE.{stream}"


def _cluster(servers: RegionServers) -> str:
    return f"""\
cluster {{
  name: "{servers.region}"
  listen: "0.0.0.0:{CLUSTER_PORT}"
  routes: [
{_lines(f'"{route}"' for route in routes(servers))}
  ]
{tls_block(verify=True)}}}
"""


def _gateway(region: str, gateway: Gateway) -> str:
    # The server gives up unnamed regions after the first failed attempt unless connect_retries is set.
    seeds = [f'{{name: "{seed.name}", urls: ["tls://{seed.address}"]}}' for seed in gateway.seeds]
    return f"""\
gateway {{
  name: "{region}"
  listen: "0.0.0.0:{GATEWAY_PORT}"
  advertise: "{gateway.advertise}"
  connect_retries: {FOREVER}
  gateways: [{", ".join(seeds)}]
{tls_block(verify=True)}}}
"""


def _leafnodes(handshake: int) -> str:
    # Servers for browsers come back through the Service, which knows the servers that are ready; edge sites come back
    # through the load balancer.
    return f"""\
leafnodes {{
  listen: "0.0.0.0:{LEAF_PORT}"
  no_advertise: true
{tls_block(verify=True, handshake=handshake)}}}
"""


def _lines(items: Iterable[str], indent: int = 4) -> str:
    return "\n".join(f"{' ' * indent}{item}" for item in items)


START_SCRIPT: Final = f"""\
#!/bin/sh
# Starts a server, unless that would lose data. Streams of a server that ran alone are unknown to a cluster, which
# deletes them half a minute after it has formed.
set -eu

store={DATA}/jetstream
if grep -q '^cluster' {SETTINGS}/nats.conf && [ ! -d "$store/$SYSTEM_ACCOUNT/_js_" ]; then
  for stream in "$store/{APPLICATION_ACCOUNT}/streams"/*; do
    [ -d "$stream" ] || continue
    echo "Not started: $stream was made by a single server, and a cluster would delete it." >&2
    echo "Set servers back to 1, copy the streams with 'nats stream backup', delete them, then set servers again" >&2
    echo "and bring them back with 'nats stream restore'." >&2
    exit 1
  done
fi
exec nats-server --config {SETTINGS}/nats.conf
"""
"""Starts the server in its container. The script reads SYSTEM_ACCOUNT, and the server reads SERVER_NAME."""
