"""What pods read: the texts in their arguments, variables and mounted files."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.support.cluster_objects import Cluster
from tests.support.network_rules import Pods


def texts(cluster: Cluster, pods: Pods) -> Iterator[str]:
    """The containers' commands and variables, and the ConfigMaps and Secrets that they read."""
    for container in all_containers(pods):
        yield from map(str, [*container.get("command", []), *container.get("args", [])])
        yield from (each["value"] for each in container.get("env") or [] if each.get("value"))
    whole, keys = _read_whole(pods), _read_keys(pods)
    for each in cluster.of_kind("ConfigMap", "Secret"):
        metadata = each["metadata"]
        if metadata.get("namespace") != pods.namespace:
            continue
        name = (each["kind"], metadata["name"])
        entries = {**(each.get("data") or {}), **(each.get("stringData") or {})}
        if name in whole or _data_source(metadata, pods):
            yield from _entries(entries)
        else:
            yield from _entries({key: text for key, text in entries.items() if (*name, key) in keys})


def _entries(entries: Mapping[str, Any]) -> Iterator[str]:
    yield from map(str, entries.values())
    # These are the keys of the Service Binding specification.
    if {"host", "port"} <= entries.keys():
        yield f"{entries['host']}:{entries['port']}"


def _data_source(metadata: Mapping[str, Any], pods: Pods) -> bool:
    """Whether the pods are Grafana's and read the object: its sidecar reads objects with this label."""
    return "grafana_datasource" in metadata.get("labels", {}) and pods.labels.get("app.kubernetes.io/name") == "grafana"


def _read_whole(pods: Pods) -> set[tuple[str, str]]:
    """Kind and name of every ConfigMap and Secret that the pods read as a whole."""
    variables = [each for container in all_containers(pods) for each in container.get("envFrom") or []]
    kinds = {"configMapRef": "ConfigMap", "secretRef": "Secret"}
    named = {(kinds[key], each[key]["name"]) for each in variables for key in kinds if key in each}
    return named | {(kind, name) for kind, name, items in _mounted(pods) if not items}


def _read_keys(pods: Pods) -> set[tuple[str, str, str]]:
    """Kind, name and key of every entry that the pods read alone from a ConfigMap or Secret."""
    kinds = {"configMapKeyRef": "ConfigMap", "secretKeyRef": "Secret"}
    variables = {
        (kind, source[field]["name"], source[field]["key"])
        for container in all_containers(pods)
        for each in container.get("env") or []
        for source in [each.get("valueFrom") or {}]
        for field, kind in kinds.items()
        if field in source
    }
    return variables | {(kind, name, item["key"]) for kind, name, items in _mounted(pods) for item in items}


def _mounted(pods: Pods) -> Iterator[tuple[str, str, Sequence[Mapping[str, str]]]]:
    """Kind, name and chosen items (none: all) of every mounted ConfigMap and Secret."""
    for volume in pods.spec.get("volumes") or []:
        for source in [volume, *volume.get("projected", {}).get("sources", [])]:
            for field, kind in {"configMap": "ConfigMap", "secret": "Secret"}.items():
                if field in source:
                    said = source[field]
                    yield kind, said.get("secretName") or said["name"], said.get("items") or []


def all_containers(pods: Pods) -> list[Mapping[str, Any]]:
    return [*pods.spec.get("containers", []), *(pods.spec.get("initContainers") or [])]
