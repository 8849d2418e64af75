"""The connections that network policies allow, as Kubernetes documents it.

Source: https://kubernetes.io/docs/concepts/services-networking/network-policies/ (v1.35). Data planes see a connection
to a Service after its address has become a pod's, so rules apply to pods and their ports.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from typing import Any

Manifest = dict[str, Any]
NAME_LABEL = "kubernetes.io/metadata.name"
"""The API server gives every namespace this label."""


@dataclass(frozen=True, kw_only=True)
class Port:
    """A port of a container."""

    name: str
    number: int
    protocol: str = "TCP"


@dataclass(frozen=True, kw_only=True)
class Pods:
    """Identical pods. `maker` is the identity of the object that creates them."""

    maker: str
    namespace: str
    labels: Mapping[str, str]
    spec: Mapping[str, Any]
    ports: Sequence[Port] = ()
    host_network: bool = False

    def port(self, wanted: int | str, protocol: str = "TCP") -> int | None:
        """The number of a port that a Service or a rule names; None if the pods have no port of this name."""
        if isinstance(wanted, int) or str(wanted).isdigit():
            return int(wanted)
        return next((p.number for p in self.ports if p.name == wanted and p.protocol == protocol), None)


@dataclass(frozen=True, kw_only=True)
class Policies:
    """The network policies of a cluster, and the labels of its namespaces."""

    policies: Sequence[Manifest]
    namespaces: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def selected(self, policy: Manifest, pods: Iterable[Pods]) -> list[Pods]:
        """The pods that a policy selects."""
        spec = policy["spec"]
        return [
            each
            for each in pods
            if each.namespace == policy["metadata"]["namespace"]
            and matches(spec.get("podSelector"), each.labels)
            and not each.host_network
        ]

    def admits(self, target: Pods, source: Pods | str | None, port: int, protocol: str = "TCP") -> bool:
        """Whether `target` accepts connections from `source`: pods, an address block, or any outside address (None)."""
        return self._open("Ingress", target, source, target, port, protocol)

    def lets_out(self, source: Pods, target: Pods | str | None, port: int, protocol: str = "TCP") -> bool:
        """Whether `source` may connect to `target`: pods, an address block, or any outside address (None)."""
        return self._open("Egress", source, target, target if isinstance(target, Pods) else None, port, protocol)

    def _open(
        self, direction: str, subject: Pods, other: Pods | str | None, target: Pods | None, port: int, protocol: str
    ) -> bool:
        if subject.host_network:
            return True
        about = [p for p in self.policies if direction in _directions(p) and self.selected(p, [subject])]
        return not about or any(
            self._peer(rule.get("from" if direction == "Ingress" else "to"), policy, other)
            and _port(rule.get("ports"), target, port, protocol)
            for policy in about
            for rule in policy["spec"].get(direction.lower()) or []
        )

    def _peer(self, peers: Sequence[Mapping[str, Any]] | None, policy: Manifest, other: Pods | str | None) -> bool:
        if not peers:
            return True
        blocks = [peer["ipBlock"] for peer in peers if "ipBlock" in peer]
        if isinstance(other, str):
            return any(_inside(other, block) for block in blocks)
        # Selectors match only pods with their own addresses.
        if other is None or other.host_network:
            return any(_inside("0.0.0.0/0", block) for block in blocks)
        return any(self._selects(peer, policy, other) for peer in peers)

    def _selects(self, peer: Mapping[str, Any], policy: Manifest, other: Pods) -> bool:
        if "ipBlock" in peer:
            return False
        where = peer.get("namespaceSelector")
        labels = {NAME_LABEL: other.namespace, **self.namespaces.get(other.namespace, {})}
        in_place = other.namespace == policy["metadata"]["namespace"] if where is None else matches(where, labels)
        return in_place and matches(peer.get("podSelector"), other.labels)


def matches(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Whether a label selector matches `labels`. An empty selector matches all."""
    wanted = (selector or {}).get("matchLabels") or {}
    expressions = (selector or {}).get("matchExpressions") or []
    return all(labels.get(key) == str(value) for key, value in wanted.items()) and all(
        _expression(each, labels) for each in expressions
    )


def _expression(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, values = expression["key"], expression.get("values") or []
    match expression["operator"]:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case _:
            return key not in labels


def _directions(policy: Manifest) -> Sequence[str]:
    spec = policy["spec"]
    return list(spec.get("policyTypes") or ["Ingress", *(["Egress"] if spec.get("egress") else [])])


def _inside(addresses: str, block: Mapping[str, Any]) -> bool:
    """Whether all `addresses` are in an IP block, and none in its exceptions."""
    asked = IPv4Network(addresses)
    return asked.subnet_of(IPv4Network(block["cidr"])) and not any(
        asked.overlaps(IPv4Network(left_out)) for left_out in block.get("except", [])
    )


def _port(rules: Sequence[Mapping[str, Any]] | None, target: Pods | None, port: int, protocol: str) -> bool:
    return not rules or any(_same_port(rule, target, port, protocol) for rule in rules)


def _same_port(rule: Mapping[str, Any], target: Pods | None, port: int, protocol: str) -> bool:
    if rule.get("protocol", "TCP") != protocol:
        return False
    wanted = rule.get("port")
    if wanted is None:
        return True
    if isinstance(wanted, str) and not wanted.isdigit():
        return target is not None and target.port(wanted, protocol) == port
    return int(wanted) <= port <= int(rule.get("endPort", wanted))


def containers(spec: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The containers that run for the pod's whole life: the ordinary ones, and sidecars among the init containers."""
    yield from spec.get("containers", [])
    yield from (each for each in (spec.get("initContainers") or []) if each.get("restartPolicy") == "Always")
