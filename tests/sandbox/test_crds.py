"""The charts' definitions, and the YAML in which they are stored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sandbox import crds, documents
from tests.support.rendering import ROOT

pytestmark = pytest.mark.unit

REAL = ROOT.parent / "shared" / "data" / "crds"


def names(found: crds.Found) -> set[str]:
    return {definition["metadata"]["name"] for definition in found.definitions}


def write(folder: Path, file: str, group: str) -> None:
    definition = crds.permissive(crds.CustomKind(group, ("v9",), "Kind", "kinds"))
    (folder / file).write_text(json.dumps(definition))


@pytest.mark.parametrize("chart", sorted(crds.PRODUCTS))
def test_every_product_has_permissive_definitions_of_its_kinds(chart: str) -> None:
    product = crds.PRODUCTS[chart]
    found = crds.definitions(chart, "1.0.0", None)
    assert names(found) == {kind.name for kind in product.kinds}
    assert found.file == ""
    assert set(found.permissive) == names(found)
    for definition in found.definitions:
        versions = definition["spec"]["versions"]
        assert sum(version["storage"] for version in versions) == 1
        assert all(version["schema"]["openAPIV3Schema"]["x-kubernetes-preserve-unknown-fields"] for version in versions)


def test_a_chart_without_definitions_brings_none() -> None:
    assert crds.definitions("istiod", "1.30.3", None) == crds.Found([])


def test_the_file_of_the_charts_version_is_taken_else_the_newest(tmp_path: Path) -> None:
    for version in ("1.9.0", "1.30.3", "1.10.0"):
        write(tmp_path, f"istio-{version}.yaml", "example.org")
    assert crds.definitions("base", "1.10.0", tmp_path).file == "istio-1.10.0.yaml"
    assert crds.definitions("base", "9.9.9", tmp_path).file == "istio-1.30.3.yaml"


def test_kinds_that_the_file_does_not_have_are_permissive(tmp_path: Path) -> None:
    write(tmp_path, "istio-1.0.0.yaml", "example.org")
    found = crds.definitions("base", "1.0.0", tmp_path)
    assert "kinds.example.org" in names(found)
    assert "gateways.networking.istio.io" in found.permissive
    assert "kinds.example.org" not in found.permissive


def test_the_folder_must_be_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(crds.FOLDER_VARIABLE, raising=False)
    assert crds.folder() is None
    monkeypatch.setenv(crds.FOLDER_VARIABLE, str(tmp_path))
    assert crds.folder() == tmp_path
    monkeypatch.setenv(crds.FOLDER_VARIABLE, str(tmp_path / "gone"))
    with pytest.raises(ValueError, match=r"SANDBOX_CRDS is .*gone', which is not a folder"):
        crds.folder()


@pytest.mark.skipif(not REAL.is_dir(), reason="the definitions of the real charts are not beside this checkout")
@pytest.mark.parametrize("chart", sorted(crds.PRODUCTS.keys() - {"rancher"}))  # it defines its kinds at run time
def test_the_table_says_what_the_real_definitions_say(chart: str) -> None:
    product = crds.PRODUCTS[chart]
    found = crds.definitions(chart, "", REAL)
    real = {
        definition["metadata"]["name"]: definition
        for definition in found.definitions
        if definition["metadata"]["name"] not in found.permissive
    }
    assert real
    for kind in product.kinds:
        if kind.name in real:
            spec = real[kind.name]["spec"]
            assert spec["names"]["kind"] == kind.kind
            assert (spec["scope"] == "Namespaced") is kind.namespaced
            assert {version["name"] for version in spec["versions"]} == set(kind.versions)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2024-01-01", "2024-01-01"),
        ("=", "="),
        ("12:30", "12:30"),
        ("0x1F", 31),
        ("0755", 493),
        ("1e3", 1000.0),
        ("1.2.3", "1.2.3"),
        ("yes", True),
        ("~", None),
        ("'1'", "1"),
    ],
)
def test_yaml_is_read_as_kubernetes_reads_it(text: str, value: Any) -> None:
    assert documents.read_mapping(f"key: {text}", "test") == {"key": value}


def test_lists_are_taken_apart_and_empty_documents_left_out() -> None:
    text = "---\n---\nkind: List\napiVersion: v1\nitems: [{kind: A}, {kind: BList, items: [{kind: B}]}]\n---\nkind: C\n"
    assert [found["kind"] for found in documents.read(text, "test")] == ["A", "B", "C"]


@pytest.mark.parametrize("text", ["a: [", "- 1", "just text"])
def test_what_is_not_objects_is_refused_with_its_origin(text: str) -> None:
    with pytest.raises(documents.DocumentError, match=r"values\.yaml"):
        documents.read(text, "values.yaml")
