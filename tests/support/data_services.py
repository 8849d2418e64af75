"""The data services rendered alone, and tests' questions about them."""

import base64
from functools import cache
from typing import Any

from tests.support.rendering import ROOT, Rendered, Resource, render_program

PROGRAM = ROOT / "tests" / "programs" / "data_services.py"
STATEFUL_SET = "kubernetes:apps/v1:StatefulSet"


@cache
def data_services(nodes: int = 1, *, bare: bool = False) -> Rendered:
    """The three data services with `nodes` nodes each."""
    return render_program("test", {"data-services:nodes": str(nodes), "data-services:bare": str(bare).lower()}, PROGRAM)


def object_named(rendered: Rendered, kind: str, name: str, namespace: str) -> dict[str, Any]:
    """The only object of `kind` with that name and namespace."""
    found = [
        r.inputs
        for r in rendered.objects(kind)
        if (r.inputs["metadata"]["name"], r.inputs["metadata"]["namespace"]) == (name, namespace)
    ]
    assert len(found) == 1, f"{len(found)} objects {kind} {namespace}/{name}"
    return found[0]


def container(pod: dict[str, Any], name: str) -> dict[str, Any]:
    """The container called `name` in a pod template."""
    return next(c for c in pod["spec"]["containers"] if c["name"] == name)


def waits_for(rendered: Rendered, resource: Resource) -> set[str]:
    """Logical names of everything that `resource` depends on, directly or indirectly."""
    by_urn = {r.urn: r for r in rendered.resources}
    found: set[str] = set()
    waiting = [resource]
    while waiting:
        for urn in waiting.pop().dependencies:
            if by_urn[urn].name not in found:
                found.add(by_urn[urn].name)
                waiting.append(by_urn[urn])
    return found


def allowed(rendered: Rendered, name: str, namespace: str, direction: str) -> set[tuple[str, int]]:
    """The (namespace or app, port) pairs that a network policy opens. `direction`: ingress or egress."""
    policy = object_named(rendered, "NetworkPolicy", name, namespace)
    return {
        (_who(peer), port["port"])
        for rule in policy["spec"][direction]
        for peer in rule["from" if direction == "ingress" else "to"]
        for port in rule["ports"]
    }


def _who(peer: dict[str, Any]) -> str:
    if "namespaceSelector" in peer:
        return str(peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"])
    return str(peer["podSelector"]["matchLabels"]["app.kubernetes.io/name"])


def unchanging(stateful_set: dict[str, Any]) -> dict[str, Any]:
    """The immutable fields of a StatefulSet: a difference would replace it."""
    return {
        key: stateful_set["spec"].get(key)
        for key in ("volumeClaimTemplates", "serviceName", "podManagementPolicy", "selector")
    }


def secret_texts(secret: dict[str, Any]) -> dict[str, str]:
    """A Secret's values as text, from `data` and `stringData`."""
    decoded = {key: base64.b64decode(value).decode() for key, value in secret.get("data", {}).items()}
    return {**decoded, **secret.get("stringData", {})}
