"""Kubeconfig files of the sandbox: one for each region, and a merged file with all contexts."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml


def build(context: str, server: str, pki: Path) -> dict[str, Any]:
    """A self-contained kubeconfig with the one context, from the control plane's certificate directory."""

    def encoded(name: str) -> str:
        return base64.b64encode((pki / name).read_bytes()).decode()

    user = {"client-certificate-data": encoded("admin.crt"), "client-key-data": encoded("admin.key")}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": context,
        "clusters": [{"name": context, "cluster": {"server": server, "certificate-authority-data": encoded("ca.crt")}}],
        "users": [{"name": context, "user": user}],
        "contexts": [{"name": context, "context": {"cluster": context, "user": context}}],
    }


def merge(configs: Sequence[Mapping[str, Any]], current: str) -> dict[str, Any]:
    """One kubeconfig with the entries of all; on equal names the first wins. `current` becomes the current context."""
    merged: dict[str, Any] = {"apiVersion": "v1", "kind": "Config", "current-context": current}
    for kind in ("clusters", "users", "contexts"):
        entries: dict[str, Any] = {}
        for config in configs:
            for entry in config.get(kind) or ():
                entries.setdefault(entry["name"], entry)
        merged[kind] = list(entries.values())
    return merged


def contexts(config: Mapping[str, Any]) -> list[str]:
    """The names of a kubeconfig's contexts."""
    return [entry["name"] for entry in config.get("contexts") or ()]


def write(path: Path, config: Mapping[str, Any]) -> None:
    """Write a kubeconfig that only its owner can read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        yaml.safe_dump(dict(config), file, sort_keys=False)
    temporary.replace(path)
