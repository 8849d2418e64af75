"""Closed servers for circles: they answer in their pod only, speak TLS with the cache, and open media ports alone."""

from collections.abc import Iterator, Mapping
from ipaddress import ip_network
from typing import Any, Final

import yaml
from pulumi_policy import ReportViolation, ResourceValidationArgs

from policy.rule import Config, Rule, Table, apply, is_true
from policy.values import UNKNOWN, Props, at, elements, mapping, shown

APP: Final = "circles"
OPEN: Final = {"UDP": {3478, 7882}, "TCP": {80, 443, 7881}}
"""Ports that everybody may reach: TURN and media; an authority's questions, TURN over TLS, media."""
_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")


def _config_map(props: Props, _config: Config) -> Iterator[str]:
    for name, text in mapping(props, "data").items():
        if name.endswith((".yaml", ".yml")) and isinstance(text, str):
            document = _document(text)
            # Other programs have files of such names, too.
            if "rtc" in document and ("key_file" in document or "keys" in document):
                yield from _server(f"data.{name}", document)


def _document(text: str) -> Mapping[str, Any]:
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError:
        return {}
    return document if isinstance(document, dict) else {}


def _server(where: str, document: Mapping[str, Any]) -> Iterator[str]:
    if document.get("keys"):
        yield f"{where} has keys: keep the API keys in a Secret, and name it in key_file"
    if is_true(document.get("development")):
        yield f"{where} has development: everybody knows its key, and debugging pages are open"
    addresses = document.get("bind_addresses")
    # None: every address.
    if not addresses or not set(addresses) <= set(_LOOPBACK):
        yield f"{where} has bind_addresses {shown(addresses)}: LiveKit has no TLS, so listen in the pod only"
    if not is_true(at(document, "redis.tls.enabled")) or is_true(at(document, "redis.tls.insecure")):
        yield f"{where} does not check whom it speaks with in redis.tls: turn TLS on, and insecure off"
    for block in elements(document, "turn.allow_restricted_peer_cidrs"):
        if not _one_address(block):
            yield f"{where} lets TURN reach {shown(block)}: name the server's own address only"


def _one_address(block: Any) -> bool:
    try:
        return ip_network(str(block)).num_addresses == 1
    except ValueError:
        return False


def _service(props: Props, _config: Config) -> Iterator[str]:
    if at(props, "spec.type") != "LoadBalancer" or _app(props) != APP:
        return
    for port in elements(props, "spec.ports"):
        number, protocol = at(port, "port"), at(port, "protocol") or "TCP"
        if UNKNOWN not in (number, protocol) and number not in OPEN.get(protocol, set()):
            yield f"spec.ports opens {protocol} {shown(number)} to everybody: that is no port of voice and video"


def _app(props: Props) -> Any:
    labels = mapping(props, "metadata.labels")
    return labels.get("app.kubernetes.io/name")


TABLE: Final[Table] = {
    "kubernetes:core/v1:ConfigMap": (_config_map,),
    "kubernetes:core/v1:Service": (_service,),
}


def circles(args: ResourceValidationArgs, report: ReportViolation) -> None:
    """Every server for circles answers in its pod only, but for voice and video."""
    apply(TABLE, args, report)


RULE: Final = Rule(
    name="closed-circles",
    description="Servers for circles must answer in their pod only, but for voice and video.",
    remedy="Keep the configuration that components/circles/configuration.py renders.",
    validate=circles,
)
