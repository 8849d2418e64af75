"""Finds the cluster a provider means: kubeconfig as path, text or from the environment, with overrides."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

import yaml
from lightkube.config.kubeconfig import KubeConfig, SingleConfig
from lightkube.core.exceptions import ConfigError

from sandbox.providers.base import Values
from sandbox.providers.kubernetes.objects import get, items, mapping, text

# The C loader, where it is built, is ten times faster.
_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_FILE_KEYS: Final = {
    "clusters": ("cluster", ("certificate-authority",)),
    "users": ("user", ("client-certificate", "client-key", "tokenFile")),
}


class KubeconfigError(Exception):
    """There is no kubeconfig, it cannot be read, or it does not hold what was asked for."""


def load(path_or_contents: str = "") -> dict[str, Any]:
    """The kubeconfig at a path, given as text, or (empty) the one of the environment, as a plain dict.

    `KUBECONFIG` may list several files; the first to name a cluster, user, context or current context wins.
    """
    if not path_or_contents:
        return _load_environment()
    path = Path(path_or_contents).expanduser() if "\n" not in path_or_contents else None
    if path is not None and _is_file(path):
        return _load_file(path)
    return _parse(path_or_contents, "the given text (no such file exists)")


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False


def _load_environment() -> dict[str, Any]:
    names = os.environ.get("KUBECONFIG", "")
    paths = [Path(name).expanduser() for name in names.split(os.pathsep) if name]
    paths = paths or [Path("~/.kube/config").expanduser()]
    found = [_load_file(path) for path in paths if _is_file(path)]
    if not found and _in_cluster():
        return _service_account()
    if not found:
        raise KubeconfigError(f"no kubeconfig found at {', '.join(map(str, paths))}; set KUBECONFIG or `kubeconfig`")
    merged: dict[str, Any] = {"clusters": [], "users": [], "contexts": []}
    for config in found:
        _merge(merged, config)
    return merged


def _merge(into: dict[str, Any], config: dict[str, Any]) -> None:
    if text(config, "current-context"):
        into.setdefault("current-context", config["current-context"])
    for section in ("clusters", "users", "contexts"):
        known = {text(entry, "name") for entry in into[section]}
        into[section] += [entry for entry in items(config, section) if text(entry, "name") not in known]


def _load_file(path: Path) -> dict[str, Any]:
    try:
        config = _parse(path.read_text(), str(path))
    except OSError as error:
        raise KubeconfigError(f"the kubeconfig {path} cannot be read: {error.strerror}") from error
    for section, (inner, keys) in _FILE_KEYS.items():
        for entry in items(config, section):
            for key in keys:
                if text(entry, inner, key):
                    entry[inner][key] = str(path.parent / entry[inner][key])
    return config


def _parse(contents: str, origin: str) -> dict[str, Any]:
    try:
        config = yaml.load(contents, Loader=_LOADER)  # noqa: S506 - one of the two safe loaders
    except yaml.YAMLError as error:
        raise KubeconfigError(f"the kubeconfig in {origin} is not YAML: {error}") from error
    if not isinstance(config, dict):
        raise KubeconfigError(f"the kubeconfig in {origin} is not a kubeconfig")
    return config


def _in_cluster() -> bool:
    return "KUBERNETES_SERVICE_HOST" in os.environ


def _service_account() -> dict[str, Any]:
    folder = Path("/var/run/secrets/kubernetes.io/serviceaccount")
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    address = f"[{host}]" if ":" in host else host
    cluster = {"server": f"https://{address}:{port}", "certificate-authority": str(folder / "ca.crt")}
    return {
        "current-context": "in-cluster",
        "clusters": [{"name": "in-cluster", "cluster": cluster}],
        "users": [{"name": "in-cluster", "user": {"tokenFile": str(folder / "token")}}],
        "contexts": [{"name": "in-cluster", "context": {"cluster": "in-cluster", "user": "in-cluster"}}],
    }


def select(config: dict[str, Any], context: str = "", cluster: str = "") -> SingleConfig:
    """The connection of a context (default: the current one), with its cluster overridden if asked.

    Raises `KubeconfigError` naming what is missing and what there is instead.
    """
    wanted = context or text(config, "current-context")
    chosen = _entry(config, "contexts", wanted, "context")
    settings = dict(mapping(chosen, "context"))
    if cluster:
        settings["cluster"] = cluster
    _entry(config, "clusters", text(settings, "cluster"), "cluster")
    if text(settings, "user"):
        _entry(config, "users", text(settings, "user"), "user")
    single = {
        "current-context": wanted,
        "contexts": [{"name": wanted, "context": settings}],
        "clusters": items(config, "clusters"),
        "users": items(config, "users"),
    }
    try:
        result = KubeConfig.from_dict(single).get()
    except (ConfigError, KeyError, TypeError, ValueError) as error:
        raise KubeconfigError(f"the kubeconfig's context {wanted!r} cannot be used: {error}") from error
    if result is None:
        raise KubeconfigError("the kubeconfig has no current context; set `context`")
    return result


def _entry(config: dict[str, Any], section: str, wanted: str, what: str) -> dict[str, Any]:
    for entry in items(config, section):
        if text(entry, "name") == wanted and isinstance(entry, dict):
            return entry
    names = ", ".join(sorted(text(entry, "name") for entry in items(config, section))) or "none"
    raise KubeconfigError(f"the kubeconfig has no {what} {wanted!r}; it has: {names}")


def active_cluster(config: dict[str, Any], overrides: Values) -> dict[str, Any] | None:
    """The cluster entry that a provider with these inputs talks to, None if it cannot be told."""
    context = overrides.get("context") or text(config, "current-context")
    cluster = overrides.get("cluster")
    for entry in items(config, "contexts"):
        if text(entry, "name") == context:
            wanted = cluster or text(entry, "context", "cluster")
            matches = [item for item in items(config, "clusters") if text(item, "name") == wanted]
            found = get(matches, 0, "cluster")
            return found if isinstance(found, dict) else None
    return None
