"""The sandbox's pulumi command, which keeps the tracked stack files clean."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox import shim

pytestmark = pytest.mark.unit


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one stack file, as the current directory."""
    folder = tmp_path / "project"
    (folder / "deeper").mkdir(parents=True)
    (folder / "Pulumi.yaml").write_text("name: p\n")
    (folder / "Pulumi.local.yaml").write_text("config: {}\n")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def engine(tmp_path: Path) -> str:
    """An engine that prints the selected stack, and for any other command its arguments."""
    command = tmp_path / "engine"
    command.write_text(
        '#!/bin/sh\nif [ "$1" = stack ]; then echo organization/p/local; exit; fi\n'
        'echo "$PULUMI_OPTION_CONFIG_FILE $*"\n'
    )
    command.chmod(0o755)
    return str(command)


@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        (["up", "-s", "local"], "local"),
        (["up", "-slocal"], "local"),
        (["up", "--stack", "local"], "local"),
        (["up", "--stack=local"], "local"),
        (["up", "--skip-preview"], None),
        (["up", "-s"], None),
        (["up", "--", "-s", "local"], None),
    ],
)
def test_an_option_is_found_however_it_is_written(arguments: list[str], value: str | None) -> None:
    assert shim.option(arguments, "-s", "--stack") == value


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["up", "--yes"], "up"),
        (["--cwd", "up", "preview"], "preview"),
        (["-s", "local", "destroy"], "destroy"),
        (["config", "set", "a", "b"], None),
        (["stack", "output"], None),
        (["up", "-c", "a=b"], None),
        (["up", "--config-file", "mine.yaml"], None),
        (["version"], None),
        ([], None),
    ],
)
def test_only_operations_that_just_read_the_stack_file_are_redirected(arguments: list[str], found: str | None) -> None:
    assert shim.operation(arguments) == found


@pytest.mark.parametrize("arguments", [["up", "-s", "local"], ["preview"], ["refresh", "--stack", "org/p/local"]])
def test_an_operation_gets_a_fresh_copy_of_its_stack_file(
    project: Path, engine: str, tmp_path: Path, arguments: list[str]
) -> None:
    home = tmp_path / "home"
    for content in ("config: {}\n", "config: {a: b}\n"):
        (project / "Pulumi.local.yaml").write_text(content)
        copy = Path(shim.overrides(engine, arguments, home, {})[shim.CONFIG_FILE_VARIABLE])
        assert copy.read_text() == content
    assert copy == home / "stacks" / "Pulumi.local.yaml"
    assert list(copy.parent.iterdir()) == [copy]


def test_the_project_is_found_from_a_folder_inside_it(
    project: Path, engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project / "deeper")
    assert shim.overrides(engine, ["up", "-s", "local"], tmp_path / "home", {})


def test_without_a_stack_file_nothing_is_redirected(project: Path, engine: str, tmp_path: Path) -> None:
    assert shim.overrides(engine, ["up", "-s", "other"], tmp_path / "home", {}) == {}


def test_a_file_that_the_user_chose_is_left_alone(project: Path, engine: str, tmp_path: Path) -> None:
    chosen = {shim.CONFIG_FILE_VARIABLE: "mine.yaml"}
    assert shim.overrides(engine, ["up", "-s", "local"], tmp_path / "home", chosen) == {}


def test_an_operation_sees_the_contexts_of_its_own_stack(project: Path, engine: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    own = home / "stacks" / "local.kubeconfig"
    own.parent.mkdir(parents=True)
    own.touch()
    merged = {"KUBECONFIG": str(home / "kubeconfig")}
    assert shim.overrides(engine, ["up", "-s", "local"], home, merged)["KUBECONFIG"] == str(own)
    assert "KUBECONFIG" not in shim.overrides(engine, ["up", "-s", "local"], home, {"KUBECONFIG": "mine"})


def test_the_shim_becomes_the_engine(project: Path, engine: str, tmp_path: Path) -> None:
    command = [sys.executable, "-I", "-S", shim.__file__, engine, str(tmp_path / "home"), "up", "--stack", "local"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, env={"PATH": os.environ["PATH"]})
    assert said.stdout == f"{tmp_path}/home/stacks/Pulumi.local.yaml up --stack local\n"


@pytest.mark.parametrize(
    ("latest", "adopts"),
    [
        ({"pending_operations": [{"type": "creating", "resource": {"urn": f"urn:{n}"}} for n in "ab"]}, "urn:a urn:b"),
        ({"pending_operations": [{"type": "updating", "resource": {"urn": "urn:a"}}]}, None),
        ({"resources": []}, None),
        (None, None),
    ],
)
def test_an_update_adopts_what_a_killed_engine_was_creating(
    project: Path, engine: str, tmp_path: Path, latest: object, adopts: str | None
) -> None:
    home = tmp_path / "home"
    file = home / "state" / ".pulumi" / "stacks" / "p" / "local.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"checkpoint": {"latest": latest}}))
    found = {verb: shim.overrides(engine, [verb, "-s", "local"], home, {}) for verb in ("up", "preview")}
    assert found["up"].get(shim.RESUMED_VARIABLE) == adopts
    assert shim.RESUMED_VARIABLE not in found["preview"]
