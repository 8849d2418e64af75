"""References between the objects of a rendered stack: names, labels, keys."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tests.support.rendering import Rendered, Resource

ISSUED_KEYS = frozenset({"tls.crt", "tls.key", "ca.crt"})
"""The keys that cert-manager writes into a Certificate's Secret (https://cert-manager.io/docs/usage/certificate/)."""

POD_NAME = "statefulset.kubernetes.io/pod-name"
RELEASE_TYPE = "kubernetes:helm.sh/v3:Release"
CHART = "sacred-council:helm:LocalChart"
"""The component that renders this repository's chart."""

Place = tuple[str, str]
"""A cluster (its provider) and a namespace in it."""


@dataclass(frozen=True)
class Pods:
    """Pods of one workload."""

    owner: str
    place: Place
    labels: Mapping[str, str]
    spec: Mapping[str, Any]
    names: frozenset[str] = frozenset()
    """The names of a StatefulSet's pods. Kubernetes writes them into the label `POD_NAME`."""

    def has(self, labels: Mapping[str, str]) -> bool:
        """Whether at least one of the pods has all of the labels."""
        return all(self.labels.get(key) == value or self._is_name(key, value) for key, value in labels.items())

    def _is_name(self, key: str, value: str) -> bool:
        return key == POD_NAME and value in self.names

    @property
    def containers(self) -> list[Mapping[str, Any]]:
        """All containers of a pod, including init containers."""
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]

    @property
    def ports(self) -> Mapping[str, int]:
        """The ports' numbers by their names."""
        ports = [port for one in self.spec["containers"] for port in one.get("ports", [])]
        return {port["name"]: port["containerPort"] for port in ports if "name" in port}


@dataclass(frozen=True)
class References:
    """The objects of a stack, with indexes by which they refer to each other."""

    stack: Rendered

    @cached_property
    def pods(self) -> Sequence[Pods]:
        """The pods of all workloads that the program itself writes, not those of charts."""
        return [
            Pods(one.name, place(one), template["metadata"]["labels"], template["spec"], _pod_names(one))
            for kind in ("Deployment", "StatefulSet", "Job", "CronJob")
            for one in self.own_if_any(kind)
            for template in [_template(one)]
        ]

    @cached_property
    def entries(self) -> Mapping[tuple[str, Place, str], frozenset[str]]:
        """The keys of each Secret and ConfigMap, by kind, place and name."""
        found = {
            (kind, place(one), _name(one)): frozenset(
                key for part in ("data", "stringData", "binaryData") for key in one.inputs.get(part) or {}
            )
            for kind in ("Secret", "ConfigMap")
            for one in self.stack.objects(kind)
        }
        issued = {
            ("Secret", place(one), one.inputs["spec"]["secretName"]): ISSUED_KEYS
            for one in self.stack.objects("Certificate")
        }
        return {**found, **issued}

    def own(self, kind: str) -> list[Resource]:
        """The same as `own_if_any`. Raises AssertionError if there are none, so that a test cannot pass on nothing."""
        found = self.own_if_any(kind)
        assert found, f"the program writes no {kind}"
        return found

    def own_if_any(self, kind: str) -> list[Resource]:
        """Objects of a kind that the program itself writes. Under mocks, a chart's objects have only a name."""
        return [one for one in self.stack.objects(kind) if CHART not in one.urn]

    def there(self, kind: str) -> set[tuple[Place, str]]:
        """All objects of a kind, by place and name."""
        return {(place(one), _name(one)) for one in self.stack.objects(kind)}

    def selected(self, where: Place, labels: Mapping[str, str]) -> list[Pods]:
        """The pods in a place that have the labels."""
        return [pods for pods in self.pods if pods.place == where and pods.has(labels)]

    def charts(self) -> set[Place]:
        """The places where charts have pods."""
        releases = self.stack.of_type(RELEASE_TYPE)
        local = [place(one) for one in self.stack.objects() if CHART in one.urn]
        return {release_place(one) for one in releases} | set(local)


def place(one: Resource) -> Place:
    """The place of an object."""
    return _cluster(one), str(one.inputs["metadata"].get("namespace", ""))


def release_place(one: Resource) -> Place:
    """The place of a chart's release."""
    return _cluster(one), str(one.inputs["namespace"])


def _cluster(one: Resource) -> str:
    return one.provider.rpartition("::")[0] or one.provider


def _name(one: Resource) -> str:
    return str(one.inputs["metadata"]["name"])


def _pod_names(one: Resource) -> frozenset[str]:
    if one.inputs["kind"] != "StatefulSet":
        return frozenset()
    return frozenset(f"{_name(one)}-{number}" for number in range(one.inputs["spec"]["replicas"]))


def _template(one: Resource) -> Any:
    spec = one.inputs["spec"]
    return (spec["jobTemplate"]["spec"] if one.inputs["kind"] == "CronJob" else spec)["template"]


def read_by(pods: Pods) -> Iterator[tuple[str, str, str | None]]:
    """Kind, name and key (None: all of it) of every Secret and ConfigMap that the pods need to start."""
    for volume in pods.spec.get("volumes", []):
        for source in [volume, *volume.get("projected", {}).get("sources", [])]:
            yield from _from_source(source)
    for container in pods.containers:
        for variable in container.get("env", []):
            for kind in ("Secret", "ConfigMap"):
                reference = variable.get("valueFrom", {}).get(f"{kind[0].lower()}{kind[1:]}KeyRef")
                if reference and not reference.get("optional"):
                    yield kind, reference["name"], reference["key"]
        for all_of in container.get("envFrom", []):
            for kind in ("Secret", "ConfigMap"):
                reference = all_of.get(f"{kind[0].lower()}{kind[1:]}Ref")
                if reference and not reference.get("optional"):
                    yield kind, reference["name"], None


def _from_source(source: Mapping[str, Any]) -> Iterator[tuple[str, str, str | None]]:
    for kind, key in (("Secret", "secret"), ("ConfigMap", "configMap")):
        found = source.get(key)
        if found and not found.get("optional"):
            name = found.get("secretName") or found["name"]
            items = [item["key"] for item in found.get("items", [])]
            yield from ((kind, name, item) for item in items or [None])
