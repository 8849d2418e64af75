"""The proxy before a validator: TLS, who may ask what, and who may vote. Pure."""

from collections.abc import Sequence
from typing import Final

from components import http_proxy
from components.ledger.configuration import INNER_PEER_PORT, OTHER_PORTS, RPC_PORT
from components.ledger.identities import PEER_PORT

PORT: Final = 8443
HEALTH_PORT: Final = 8405
SYNC_PORT: Final = 8444
"""It listens in its own pod only: what other regions ask arrives at the port for peers."""

SETTINGS: Final = "/etc/ledger/settings"
MEMBERS: Final = "/etc/ledger/members"
CERTIFICATES: Final = "/etc/ledger/certificates"
SYNC_CERTIFICATES: Final = "/etc/ledger/sync"
CERTIFICATE: Final = "server.pem"
"""HAProxy looks for the key in a file of this name with .key after it."""
SYNC_CERTIFICATE: Final = "client.pem"
AUTHORITY: Final = "ca.crt"

HEALTH: Final = "/health"
READS: Final = (
    "/abci_info",
    "/abci_query",
    "/block",
    "/block_by_hash",
    "/block_results",
    "/blockchain",
    "/commit",
    "/consensus_params",
    "/genesis",
    "/header",
    HEALTH,
    "/num_unconfirmed_txs",
    "/status",
    "/tx",
    "/tx_search",
    "/validators",
)
WRITES: Final = ("/broadcast_tx_async", "/broadcast_tx_commit", "/broadcast_tx_sync")
SYNC_METHODS: Final = ("commit", "consensus_params", "status", "validators")
"""What a new validator of another region asks to check a snapshot."""
MOST_BYTES: Final = 4096
"""Longest transaction. A ledger holds digests and promises, no documents."""
VOTE: Final = "val="
"""How a transaction begins that admits or removes a validator."""
SYNC_NAME: Final = "ledger-sync."
_TLS: Final = f"crt {CERTIFICATES}/{CERTIFICATE} ca-file {CERTIFICATES}/{AUTHORITY} verify required ssl-min-ver TLSv1.2"


def client(region: str) -> str:
    """Return the common name of the services' certificate. Each region has its own."""
    return f"ledger-client.{region}"


def voter(region: str) -> str:
    """Return the common name of the certificate with which a region's Jobs admit and remove validators."""
    return f"ledger-votes.{region}"


def newcomer(region: str) -> str:
    """Return the common name of the certificate with which a region's validators check a snapshot of the others."""
    return f"{SYNC_NAME}{region}"


def render(region: str, *, sync: bool) -> str:
    """Return the text of haproxy.cfg. `sync`: new validators of other regions may check snapshots here.

    CometBFT has no rights: whoever reaches it may do everything, also name peers. So the proxy passes on a list of
    paths, and of a writing request only `tx` in hexadecimal digits, in which it can see a vote. Other forms of the
    same request (JSON in a body, text, a second `tx`) are refused, because CometBFT would read them otherwise.
    """
    most = len("tx=0x") + 2 * MOST_BYTES
    return f"""\
{http_proxy.HEAD}frontend ledger
  bind :{PORT} ssl {_TLS}
  acl votes ssl_c_s_dn(CN) -m str {voter(region)}
  acl client ssl_c_s_dn(CN) -m str {client(region)}
  acl reads path {" ".join(READS)}
  acl writes path {" ".join(WRITES)}
  acl transaction query -m reg ^tx=0x[0-9a-fA-F]+$
  acl long query,length -m int gt {most}
  acl vote query -m reg -i ^tx=0x{VOTE.encode().hex()}
  http-request deny deny_status 403 unless votes or client
  http-request deny deny_status 405 unless METH_GET
  http-request deny deny_status 404 unless reads or writes
  http-request deny deny_status 413 if writes long
  http-request deny deny_status 400 if writes !transaction
  http-request deny deny_status 403 if writes vote !votes
  default_backend validator

frontend health
  bind :{HEALTH_PORT}
  http-request deny deny_status 404 unless {{ path {HEALTH} }}
  default_backend validator

backend validator
  server validator 127.0.0.1:{RPC_PORT}
{_sync() if sync else ""}"""


def _sync() -> str:
    """Return the part for new validators of other regions, which come to the port for peers.

    Peers of CometBFT do not begin with a TLS greeting, so the two can be told apart.
    The client of CometBFT sends JSON, which must have exactly its form: a method of the list, and no nested values.
    """
    body = r'^\{"jsonrpc":"2\.0","id":[0-9]+,"method":"(' + "|".join(SYNC_METHODS) + r')","params":\{[^][{}]*\}\}$'
    return f"""\

frontend peers
  mode tcp
  option tcplog
  bind :{PEER_PORT}
  timeout client 1h
  tcp-request inspect-delay 5s
  tcp-request content accept if {{ req.len gt 5 }}
  use_backend sync if {{ req.ssl_hello_type 1 }}
  default_backend peers

backend peers
  mode tcp
  timeout server 1h
  server validator 127.0.0.1:{INNER_PEER_PORT}

backend sync
  mode tcp
  server sync 127.0.0.1:{SYNC_PORT}

frontend sync
  bind 127.0.0.1:{SYNC_PORT} ssl {_TLS}
  acl newcomer ssl_c_s_dn(CN) -m beg {SYNC_NAME}
  acl asks req.body -m reg '{body}'
  http-request deny deny_status 403 unless newcomer
  http-request deny deny_status 405 unless METH_POST
  http-request deny deny_status 404 unless {{ path / }}
  http-request wait-for-body time 5s
  http-request deny deny_status 400 unless asks
  default_backend validator
"""


def others(hosts: Sequence[str]) -> str:
    """Return the text of others.cfg: ports in the pod that lead to two other validators, which may be the same.

    HAProxy reads it at its start. Only a validator that is new needs it, so nobody restarts for a change.
    """
    return "".join(_other(number, hosts[number % len(hosts)], port) for number, port in enumerate(OTHER_PORTS))


def _other(number: int, host: str, port: int) -> str:
    shown = f"ca-file {SYNC_CERTIFICATES}/{AUTHORITY} crt {SYNC_CERTIFICATES}/{SYNC_CERTIFICATE}"
    certificates = f"{shown} verify required verifyhost {host} sni str({host})"
    return f"""\
frontend other-{number}
  bind 127.0.0.1:{port}
  default_backend other-{number}

backend other-{number}
  server other {host}:{PEER_PORT} ssl {certificates} init-addr libc,none

"""
