"""Closed ledgers: a validator takes peers that it knows, and orders from its own pod."""

import tomllib
from collections.abc import Iterator
from typing import Any, Final

from pulumi_policy import ReportViolation, ResourceValidationArgs

from policy.rule import Config, Rule, Table, apply
from policy.values import Props, mapping, shown

FILE: Final = "config.toml"
_LOOPBACK: Final = ("tcp://127.0.0.1:", "tcp://localhost:", "unix://")


def _config_map(props: Props, _config: Config) -> Iterator[str]:
    text = mapping(props, "data").get(FILE)
    if not isinstance(text, str):
        return
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    p2p, rpc = document.get("p2p"), document.get("rpc")
    # Other programs have files of this name, too.
    if "proxy_app" in document and isinstance(p2p, dict) and isinstance(rpc, dict):
        yield from _peers(p2p)
        yield from _orders(rpc)


def _peers(p2p: dict[str, Any]) -> Iterator[str]:
    # CometBFT's defaults are an exchange of addresses, and room for 40 peers that nobody named.
    if p2p.get("pex", True) is not False:
        yield f"data.{FILE} has p2p.pex {shown(p2p.get('pex'))}: it would tell strangers of the validators"
    if p2p.get("max_num_inbound_peers", 40) != 0:
        yield (
            f"data.{FILE} has p2p.max_num_inbound_peers {shown(p2p.get('max_num_inbound_peers'))}: "
            "peers that nobody named could connect"
        )


def _orders(rpc: dict[str, Any]) -> Iterator[str]:
    where = rpc.get("laddr")
    if not str(where).startswith(_LOOPBACK):
        yield f"data.{FILE} has rpc.laddr {shown(where)}: CometBFT asks nobody who they are, so listen in the pod only"


TABLE: Final[Table] = {"kubernetes:core/v1:ConfigMap": (_config_map,)}


def ledger(args: ResourceValidationArgs, report: ReportViolation) -> None:
    """Every validator of a ledger takes known peers only, and orders from its own pod only."""
    apply(TABLE, args, report)


RULE: Final = Rule(
    name="closed-ledger",
    description="Validators of a ledger must take known peers only, and orders from their own pod only.",
    remedy="Keep the configuration that components/ledger/configuration.py renders.",
    validate=ledger,
)
