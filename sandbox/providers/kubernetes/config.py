"""The provider's own settings: from its inputs, else from `PULUMI_K8S_*` variables, else the official defaults."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any, Final

from sandbox.providers.base import CheckFailedError, Diff, Values
from sandbox.providers.kubernetes import kubeconfig
from sandbox.providers.kubernetes.objects import get
from sandbox.providers.values import Unknown, plain

_REFUSED: Final = {
    "renderYamlToDirectory": "the sandbox applies objects to an API server and does not render YAML files; remove it, "
    "or use the official provider",
    "alwaysRender": "the sandbox does not render YAML files; remove it, or use the official provider",
}
_RESUMED_VARIABLE: Final = "SACRED_COUNCIL_RESUMED"
_IDENTITY_KEYS: Final = ("kubeconfig", "context", "cluster")


@dataclass(frozen=True)
class Settings:
    """How the provider behaves; the names are those of the official provider's inputs."""

    kubeconfig: str = ""
    context: str = ""
    cluster: str = ""
    namespace: str = ""
    delete_unreachable: bool = False
    skip_update_unreachable: bool = False
    mutable_config_maps: bool = False
    mutable_secrets: bool = False
    patch_force: bool = False
    upsert_existing: bool = False
    resumed: frozenset[str] = frozenset()
    """URNs that a killed engine was creating: what exists of them is ours, though it is not recorded."""
    suppress_deprecation_warnings: bool = False
    suppress_helm_hook_warnings: bool = False
    client_timeout: float | None = None


def parse(config: Values) -> Settings:
    """Read the provider's checked inputs (secrets unwrapped)."""
    return Settings(
        kubeconfig=_kubeconfig_text(config.get("kubeconfig")),
        context=_text(config, "context"),
        cluster=_text(config, "cluster"),
        namespace=_text(config, "namespace"),
        delete_unreachable=_flag(config, "deleteUnreachable", "DELETE_UNREACHABLE"),
        skip_update_unreachable=_flag(config, "skipUpdateUnreachable", "SKIP_UPDATE_UNREACHABLE"),
        mutable_config_maps=_flag(config, "enableConfigMapMutable", "ENABLE_CONFIGMAP_MUTABLE"),
        mutable_secrets=_flag(config, "enableSecretMutable", "ENABLE_SECRET_MUTABLE"),
        patch_force=_flag(config, "enablePatchForce", "ENABLE_PATCH_FORCE"),
        upsert_existing=_flag(config, "upsertExistingObjects", "UPSERT_EXISTING_OBJECTS"),
        resumed=frozenset(os.environ.get(_RESUMED_VARIABLE, "").split()),
        suppress_deprecation_warnings=_flag(config, "suppressDeprecationWarnings", "SUPPRESS_DEPRECATION_WARNINGS"),
        suppress_helm_hook_warnings=_flag(config, "suppressHelmHookWarnings", "SUPPRESS_HELM_HOOK_WARNINGS"),
        client_timeout=_client_timeout(config),
    )


def check(config: Values) -> Values:
    """Validate the provider's inputs. Raises `CheckFailedError` with every mistake."""
    news = plain(config)
    failures = [(key, reason) for key, reason in _REFUSED.items() if news.get(key) not in (None, "", False, "false")]
    if not _flag(news, "enableServerSideApply", "ENABLE_SERVER_SIDE_APPLY", default=True):
        failures.append(
            (
                "enableServerSideApply",
                "the sandbox always uses server-side apply; remove this setting or set it to true",
            )
        )
    if isinstance(news.get("kubeconfig"), str) and news["kubeconfig"]:
        try:
            kubeconfig.load(news["kubeconfig"])
        except kubeconfig.KubeconfigError as error:
            failures.append(("kubeconfig", str(error)))
    if failures:
        raise CheckFailedError(failures)
    return config


def diff(olds: Values, news: Values) -> Diff:
    """Decide whether a changed provider still means the same cluster.

    With a `clusterIdentifier` only its change replaces the provider (and everything on it); without, a change of the
    active cluster does, and so does a kubeconfig that is not known yet.
    """
    olds, news = plain(olds), plain(news)
    keys = sorted(olds.keys() | news.keys())
    changed = [key for key in keys if olds.get(key) != news.get(key) or isinstance(news.get(key), Unknown)]
    if not changed:
        return Diff()
    replaces = _replaces(olds, news, changed)
    return Diff(diffs=changed, replaces=replaces)


def _replaces(olds: Values, news: Values, changed: list[str]) -> list[str]:
    before, after = olds.get("clusterIdentifier"), news.get("clusterIdentifier")
    if after and before == after:
        return []
    replaces = ["clusterIdentifier"] if before and after and before != after else []
    unknown = [key for key in _IDENTITY_KEYS if isinstance(news.get(key), Unknown)]
    if unknown:
        return [*replaces, *unknown[:1]]
    old_cluster, new_cluster = _active(olds), _active(news)
    if old_cluster is not None and new_cluster is not None and old_cluster != new_cluster:
        replaces += [key for key in _IDENTITY_KEYS if key in changed]
    return replaces


def _active(config: Values) -> dict[str, Any] | None:
    contents = _kubeconfig_text(config.get("kubeconfig"))
    if not contents:
        return None
    try:
        return kubeconfig.active_cluster(kubeconfig.load(contents), config)
    except kubeconfig.KubeconfigError:
        return None


def _kubeconfig_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value) if isinstance(value, dict) else ""


def _text(config: Values, key: str) -> str:
    value = config.get(key)
    return value if isinstance(value, str) else ""


def _flag(config: Values, key: str, variable: str, *, default: bool = False) -> bool:
    value = config.get(key)
    if value is None:
        value = os.environ.get(f"PULUMI_K8S_{variable}")
    return default if value is None else value in (True, "true")


def _client_timeout(config: Values) -> float | None:
    """Seconds to wait for one answer of the API server, None for the default."""
    settings = config.get("kubeClientSettings")
    if isinstance(settings, str) and settings:
        settings = json.loads(settings)
    value = get(settings, "timeout") or os.environ.get("PULUMI_K8S_CLIENT_TIMEOUT")
    return float(value) if value else None
