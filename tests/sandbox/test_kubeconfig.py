"""Kubeconfig files of the sandbox."""

import base64
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox import kubeconfig

pytestmark = pytest.mark.unit


@pytest.fixture
def pki(tmp_path: Path) -> Path:
    """A directory like kwokctl's."""
    folder = tmp_path / "pki"
    folder.mkdir()
    for name in ("ca.crt", "admin.crt", "admin.key"):
        (folder / name).write_text(f"content of {name}")
    return folder


def _config(name: str, server: str = "https://127.0.0.1:1") -> dict[str, Any]:
    return {
        "clusters": [{"name": name, "cluster": {"server": server}}],
        "users": [{"name": name, "user": {}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
    }


def test_a_built_kubeconfig_holds_its_certificates_and_names_no_file(pki: Path) -> None:
    built = kubeconfig.build("eu", "https://127.0.0.1:6443", pki)
    assert built["current-context"] == "eu"
    assert built["clusters"][0]["cluster"]["server"] == "https://127.0.0.1:6443"
    assert base64.b64decode(built["users"][0]["user"]["client-key-data"]) == b"content of admin.key"
    assert str(pki) not in yaml.safe_dump(built)


def test_merging_keeps_every_context_and_sets_the_current_one() -> None:
    merged = kubeconfig.merge([_config("a"), _config("b"), _config("c")], "b")
    assert kubeconfig.contexts(merged) == ["a", "b", "c"]
    assert merged["current-context"] == "b"
    assert [entry["name"] for entry in merged["clusters"]] == ["a", "b", "c"]


def test_of_two_entries_with_one_name_the_first_counts() -> None:
    merged = kubeconfig.merge([_config("a", "https://first"), _config("a", "https://second")], "a")
    assert [entry["cluster"]["server"] for entry in merged["clusters"]] == ["https://first"]


def test_an_empty_kubeconfig_has_no_contexts() -> None:
    assert kubeconfig.contexts(kubeconfig.merge([{}, {"contexts": None}], "")) == []


def test_a_written_kubeconfig_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "config"
    kubeconfig.write(path, _config("a"))
    kubeconfig.write(path, _config("b"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert kubeconfig.contexts(yaml.safe_load(path.read_text())) == ["b"]
    assert list(path.parent.iterdir()) == [path]
