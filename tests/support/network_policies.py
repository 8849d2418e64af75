"""The connections that a stack's network policies allow, judged like a data plane that sees pods and their ports."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from tests.support.rendering import Rendered

NAME_LABEL = "kubernetes.io/metadata.name"


@dataclass(frozen=True, kw_only=True)
class Pods:
    """Pods of one kind, in one cluster."""

    provider: str
    namespace: str
    labels: Mapping[str, str]


def may_send(stack: Rendered, source: Pods, target: Pods, port: int) -> bool:
    """Whether `source` may connect to `port` of `target`, after a Service's address has become a pod's."""
    rules = list(_rules(stack, source, "egress"))
    return any(_has_port(rule, port) and _names(rule, source, target) for rule in rules)


def may_send_anywhere(stack: Rendered, source: Pods, port: int) -> bool:
    """Whether `source` may connect to `port` of any address."""
    return any(_has_port(rule, port) and not rule.get("to") for rule in _rules(stack, source, "egress"))


def may_send_to(stack: Rendered, source: Pods, address: str, port: int, protocol: str = "TCP") -> bool:
    """Whether `source` may connect to `port` of an IPv4 address outside the pods' network."""
    return any(
        _has_port(rule, port, protocol)
        and (not rule.get("to") or any(_is_in(peer.get("ipBlock"), address) for peer in rule["to"]))
        for rule in _rules(stack, source, "egress")
    )


def _rules(stack: Rendered, pods: Pods, direction: str) -> Iterator[dict[str, Any]]:
    for policy in stack.objects("NetworkPolicy"):
        spec, metadata = policy.inputs["spec"], policy.inputs["metadata"]
        mine = policy.provider == pods.provider and metadata["namespace"] == pods.namespace
        if mine and _fits(spec.get("podSelector"), pods.labels):
            yield from spec.get(direction, [])


def _has_port(rule: Mapping[str, Any], port: int, protocol: str = "TCP") -> bool:
    return "ports" not in rule or any((each["port"], each["protocol"]) == (port, protocol) for each in rule["ports"])


def _is_in(block: Mapping[str, Any] | None, address: str) -> bool:
    return block is not None and IPv4Address(address) in IPv4Network(block["cidr"])


def _names(rule: Mapping[str, Any], source: Pods, target: Pods) -> bool:
    return not rule.get("to") or any(_is(peer, source, target) for peer in rule["to"])


def _is(peer: Mapping[str, Any], source: Pods, target: Pods) -> bool:
    if "ipBlock" in peer:
        # Cilium and Calico do not match pods' addresses against address blocks.
        return False
    selector = peer.get("namespaceSelector")
    there = target.namespace == source.namespace if selector is None else _fits(selector, _namespace(target))
    return there and _fits(peer.get("podSelector"), target.labels)


def _namespace(pods: Pods) -> Mapping[str, str]:
    return {NAME_LABEL: pods.namespace}


def _fits(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    wanted = (selector or {}).get("matchLabels") or {}
    return all(labels.get(key) == value for key, value in wanted.items())
