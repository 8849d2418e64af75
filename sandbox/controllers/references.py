"""What a pod's spec refers to: variables, fields of the pod, volumes. Functions without side effects, but for `read`.

The rules are those of the kubelet, as the API reference of Kubernetes describes them (EnvVar, ObjectFieldSelector,
ResourceFieldSelector, and the kinds of volumes).
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

Object = Mapping[str, Any]
Read = Callable[[str, str], Mapping[str, bytes] | None]
"""Takes `configmaps` or `secrets` and a name; returns the data, or None if there is no such object."""

_VARIABLE = re.compile(r"\$\$|\$\(([A-Za-z_.-][\w.-]*)\)")
_KEYED_FIELD = re.compile(r"metadata\.(labels|annotations)\['([^']+)'\]")
_QUANTITY = re.compile(r"([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)([a-zA-Z]*)")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
NODE_CAPACITY = {"cpu": "32", "memory": "128Gi", "ephemeral-storage": "1Ti"}
"""The limits of a container that sets none: what its node has (`sandbox.manifests.node`)."""


class MissingError(ValueError):
    """Something that a pod refers to is not there, so that the pod has to wait."""


def expand(text: str, variables: Mapping[str, str]) -> str:
    """The text with `$(NAME)` replaced; unknown names stay, and `$$` is a dollar sign."""

    def replaced(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        return variables.get(match[1], match[0])

    return _VARIABLE.sub(replaced, text)


def quantity(text: str) -> float:
    """A quantity of Kubernetes, such as `500m` or `64Mi`, as a number. Raises ValueError."""
    match = _QUANTITY.fullmatch(str(text))
    if match is None or match[2] not in {**_DECIMAL, **_BINARY}:
        raise ValueError(f"{text!r} is no quantity")
    factor = 1024.0 ** _BINARY[match[2]] if match[2] in _BINARY else 10.0 ** _DECIMAL[match[2]]
    return float(match[1]) * factor


def field(pod: Object, path: str) -> str:
    """A field of the pod, as the downward API gives it. Raises ValueError for one that it does not know."""
    metadata, spec, status = pod["metadata"], pod["spec"], pod.get("status", {})
    if keyed := _KEYED_FIELD.fullmatch(path):
        return str((metadata.get(keyed[1]) or {}).get(keyed[2], ""))
    addresses = [each["ip"] for each in status.get("podIPs") or [] if "ip" in each] or [status.get("podIP", "")]
    known: dict[str, Callable[[], str]] = {
        "metadata.name": lambda: metadata["name"],
        "metadata.namespace": lambda: metadata["namespace"],
        "metadata.uid": lambda: metadata["uid"],
        "metadata.labels": lambda: _lines(metadata.get("labels") or {}),
        "metadata.annotations": lambda: _lines(metadata.get("annotations") or {}),
        "spec.nodeName": lambda: spec.get("nodeName", ""),
        "spec.serviceAccountName": lambda: spec.get("serviceAccountName", "default"),
        "status.hostIP": lambda: status.get("hostIP", ""),
        "status.hostIPs": lambda: status.get("hostIP", ""),
        "status.podIP": lambda: addresses[0],
        "status.podIPs": lambda: ",".join(addresses),
    }
    if path not in known:
        raise ValueError(f"pod {metadata['name']}: no field {path!r} is known to the downward API")
    return str(known[path]())


def _lines(values: Mapping[str, str]) -> str:
    escaped = {
        key: value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") for key, value in values.items()
    }
    return "\n".join(f'{key}="{value}"' for key, value in sorted(escaped.items()))


def resource(pod: Object, container: Object, selector: Object) -> str:
    """A limit or request of a container, as the downward API gives it: whole units of the divisor, rounded up."""
    everyone = [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]
    name = selector.get("containerName")
    chosen = next((each for each in everyone if each["name"] == name), container)
    kind, _, what = str(selector["resource"]).partition(".")
    resources = chosen.get("resources") or {}
    limit = (resources.get("limits") or {}).get(what, NODE_CAPACITY.get(what, "0"))
    value = limit if kind == "limits" else (resources.get("requests") or {}).get(what, limit)
    divisor = quantity(selector.get("divisor") or "1") or 1.0
    return str(math.ceil(round(quantity(value) / divisor, 9)))


def environment(pod: Object, container: Object, read: Read) -> dict[str, str]:
    """The container's variables, with those of its ConfigMaps and Secrets. Raises `MissingError`."""
    variables = {"HOSTNAME": str(pod["metadata"]["name"])}
    for source in container.get("envFrom") or []:
        variables.update(_from_object(source, read))
    for entry in container.get("env") or []:
        value = _value(pod, container, entry, variables, read)
        if value is not None:
            variables[entry["name"]] = value
    return variables


def _from_object(source: Object, read: Read) -> dict[str, str]:
    kind, reference = (
        ("configmaps", source["configMapRef"]) if "configMapRef" in source else ("secrets", source["secretRef"])
    )
    data = _data(kind, reference, read)
    return {source.get("prefix", "") + key: value.decode() for key, value in data.items()}


def _data(kind: str, reference: Object, read: Read) -> Mapping[str, bytes]:
    name = reference.get("name") or reference.get("secretName", "")
    data = read(kind, name)
    if data is None and not reference.get("optional"):
        raise MissingError(f"{kind} {name} is not there")
    return data or {}


def _value(pod: Object, container: Object, entry: Object, variables: Mapping[str, str], read: Read) -> str | None:
    source = entry.get("valueFrom")
    if not source:
        return expand(entry.get("value", ""), variables)
    if "fieldRef" in source:
        return field(pod, source["fieldRef"]["fieldPath"])
    if "resourceFieldRef" in source:
        return resource(pod, container, source["resourceFieldRef"])
    kind, reference = (
        ("configmaps", source["configMapKeyRef"])
        if "configMapKeyRef" in source
        else ("secrets", source["secretKeyRef"])
    )
    found = _data(kind, reference, read).get(reference["key"])
    if found is None and not reference.get("optional"):
        raise MissingError(f"{kind} {reference['name']} has no key {reference['key']}")
    return None if found is None else found.decode()


def command(container: Object, variables: Mapping[str, str]) -> tuple[str, ...]:
    """The container's `command` and `args`, with expanded variables."""
    words = [*(container.get("command") or []), *(container.get("args") or [])]
    return tuple(expand(word, variables) for word in words)


def files(pod: Object, volume: Object, read: Read, token: Callable[[Object], str]) -> dict[str, bytes] | None:
    """The files of a volume, by path; None for a volume that starts empty.

    `token` makes a service account's token from its projection. Raises `MissingError`.
    """
    if "projected" in volume:
        found: dict[str, bytes] = {}
        for source in volume["projected"].get("sources") or []:
            found.update(_projected(pod, source, read, token))
        return found
    if "configMap" in volume:
        return _items(volume["configMap"], _data("configmaps", volume["configMap"], read))
    if "secret" in volume:
        return _items(volume["secret"], _data("secrets", volume["secret"], read))
    if "downwardAPI" in volume:
        return _downward(pod, volume["downwardAPI"])
    return None


def _projected(pod: Object, source: Object, read: Read, token: Callable[[Object], str]) -> dict[str, bytes]:
    if "serviceAccountToken" in source:
        return {source["serviceAccountToken"]["path"]: token(source["serviceAccountToken"]).encode()}
    if "downwardAPI" in source:
        return _downward(pod, source["downwardAPI"])
    for key, kind in (("configMap", "configmaps"), ("secret", "secrets")):
        if key in source:
            return _items(source[key], _data(kind, source[key], read))
    return {}


def _items(reference: Object, data: Mapping[str, bytes]) -> dict[str, bytes]:
    chosen = reference.get("items")
    if not chosen:
        return dict(data)
    absent = [item["key"] for item in chosen if item["key"] not in data]
    if absent and not reference.get("optional"):
        raise MissingError(f"{reference.get('name') or reference.get('secretName')} has no key {absent[0]}")
    return {item["path"]: data[item["key"]] for item in chosen if item["key"] in data}


def _downward(pod: Object, source: Object) -> dict[str, bytes]:
    found = {}
    for item in source.get("items") or []:
        if "fieldRef" in item:
            found[item["path"]] = field(pod, item["fieldRef"]["fieldPath"]).encode()
        else:
            found[item["path"]] = resource(pod, {}, item["resourceFieldRef"]).encode()
    return found


def data_of(kind: str, item: Object) -> dict[str, bytes]:
    """The data of a ConfigMap or a Secret."""
    if kind == "secrets":
        return {key: base64.b64decode(value) for key, value in (item.get("data") or {}).items()}
    binary = {key: base64.b64decode(value) for key, value in (item.get("binaryData") or {}).items()}
    return {**{key: value.encode() for key, value in (item.get("data") or {}).items()}, **binary}
