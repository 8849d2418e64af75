"""The provider's settings: where they come from, which are refused, and what makes it another cluster."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.providers.base import CheckFailedError
from sandbox.providers.kubernetes import config, kubeconfig
from sandbox.providers.values import UNKNOWN, Secret


def kubeconfig_of(*names: str, server: str = "https://127.0.0.1:1", current: str = "") -> dict[str, Any]:
    return {
        "current-context": current or names[0],
        "clusters": [{"name": f"{name}-cluster", "cluster": {"server": f"{server}{name}"}} for name in names],
        "users": [{"name": f"{name}-user", "user": {"token": name}} for name in names],
        "contexts": [
            {"name": name, "context": {"cluster": f"{name}-cluster", "user": f"{name}-user", "namespace": f"{name}-ns"}}
            for name in names
        ],
    }


@pytest.fixture(autouse=True)
def _no_ambient_cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "PULUMI_K8S_DELETE_UNREACHABLE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


def write(path: Path, document: dict[str, Any]) -> str:
    path.write_text(yaml.safe_dump(document))
    return str(path)


def test_a_kubeconfig_may_be_a_path_or_its_contents(tmp_path: Path) -> None:
    document = kubeconfig_of("a")
    assert kubeconfig.load(write(tmp_path / "config", document)) == document
    assert kubeconfig.load(json.dumps(document)) == document
    assert kubeconfig.load(yaml.safe_dump(document)) == document


def test_files_of_the_environment_are_merged_and_the_first_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = write(tmp_path / "1", kubeconfig_of("a", "b"))
    second = write(tmp_path / "2", kubeconfig_of("b", "c", server="https://other/"))
    monkeypatch.setenv("KUBECONFIG", f"{first}:{tmp_path / 'missing'}:{second}")
    merged = kubeconfig.load()
    assert kubeconfig.select(merged).context_name == "a"
    assert kubeconfig.select(merged, "b").cluster.server == "https://127.0.0.1:1b"
    assert kubeconfig.select(merged, "c").cluster.server == "https://other/c"


def test_file_names_in_a_kubeconfig_are_relative_to_it(tmp_path: Path) -> None:
    document = kubeconfig_of("a")
    document["clusters"][0]["cluster"]["certificate-authority"] = "pki/ca.crt"
    loaded = kubeconfig.load(write(tmp_path / "config", document))
    assert loaded["clusters"][0]["cluster"]["certificate-authority"] == str(tmp_path / "pki/ca.crt")


def test_a_missing_context_is_named_with_those_that_exist() -> None:
    with pytest.raises(kubeconfig.KubeconfigError, match=r"no context 'z'; it has: a, b"):
        kubeconfig.select(kubeconfig_of("a", "b"), "z")


def test_no_kubeconfig_at_all_says_what_to_set() -> None:
    with pytest.raises(kubeconfig.KubeconfigError, match="set KUBECONFIG"):
        kubeconfig.load()


def test_the_cluster_of_a_context_can_be_overridden() -> None:
    chosen = kubeconfig.select(kubeconfig_of("a", "b"), "a", "b-cluster")
    assert chosen.cluster.server.endswith("b")
    assert chosen.namespace == "a-ns"


def test_settings_come_from_the_inputs_then_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_K8S_DELETE_UNREACHABLE", "true")
    assert config.parse({}).delete_unreachable
    assert not config.parse({"deleteUnreachable": "false"}).delete_unreachable
    assert config.parse({"enableSecretMutable": True}).mutable_secrets
    assert config.parse({"kubeClientSettings": '{"timeout": 7}'}).client_timeout == 7.0


def test_what_the_sandbox_does_not_do_is_refused_all_at_once() -> None:
    with pytest.raises(CheckFailedError) as caught:
        config.check({"enableServerSideApply": "false", "renderYamlToDirectory": "out", "kubeconfig": "/no/such/file"})
    assert [path for path, _ in caught.value.failures] == [
        "renderYamlToDirectory",
        "enableServerSideApply",
        "kubeconfig",
    ]


def replaces(olds: dict[str, Any], news: dict[str, Any]) -> list[str]:
    return config.diff(olds, news).replaces


def test_another_server_in_the_kubeconfig_replaces_the_provider() -> None:
    old, new = json.dumps(kubeconfig_of("a")), json.dumps(kubeconfig_of("a", server="https://new/"))
    assert replaces({"kubeconfig": old}, {"kubeconfig": new}) == ["kubeconfig"]
    assert replaces({"kubeconfig": Secret(old)}, {"kubeconfig": Secret(new)}) == ["kubeconfig"]


def test_other_credentials_for_the_same_server_do_not() -> None:
    old, new = kubeconfig_of("a"), kubeconfig_of("a")
    new["users"][0]["user"]["token"] = "renewed"
    verdict = config.diff({"kubeconfig": json.dumps(old)}, {"kubeconfig": json.dumps(new)})
    assert verdict.diffs == ["kubeconfig"]
    assert verdict.replaces == []


def test_with_a_cluster_identifier_only_its_change_replaces() -> None:
    old, new = json.dumps(kubeconfig_of("a")), json.dumps(kubeconfig_of("a", server="https://new/"))
    same = {"clusterIdentifier": "x"}
    assert replaces({"kubeconfig": old, **same}, {"kubeconfig": new, **same}) == []
    assert replaces({"kubeconfig": old, **same}, {"kubeconfig": UNKNOWN, **same}) == []
    assert replaces(same, {"clusterIdentifier": "y"}) == ["clusterIdentifier"]
    assert replaces({}, same) == []


def test_a_kubeconfig_that_is_not_known_yet_replaces_to_be_safe() -> None:
    assert replaces({"kubeconfig": json.dumps(kubeconfig_of("a"))}, {"kubeconfig": UNKNOWN}) == ["kubeconfig"]


def test_unchanged_settings_are_no_change() -> None:
    assert not config.diff({"namespace": "a"}, {"namespace": "a"}).changed
