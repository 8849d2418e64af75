"""The environment in which the plain pulumi command works on the sandbox."""

import os
import stat
import subprocess
from importlib import metadata
from pathlib import Path

import pytest

from sandbox import engine
from sandbox.layout import Layout
from tests.support.rendering import ROOT

pytestmark = pytest.mark.unit


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A sandbox in a directory whose name needs quoting."""
    return Layout(project=ROOT, home=tmp_path / "a home", binaries=tmp_path / "built")


def _pulumi(folder: Path, version: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    command = folder / "pulumi"
    command.write_text(f"#!/bin/sh\necho {version}\n")
    command.chmod(0o755)
    return command


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("v3.259.0\n", (3, 259, 0)),
        ("3.260.1", (3, 260, 1)),
        ("v3.259.0+dirty", (3, 259, 0)),
        ("v3.260.0-alpha.1", None),
        ("", None),
        ("command not found", None),
    ],
)
def test_versions_are_read(text: str, version: engine.Version | None) -> None:
    assert engine.parse_version(text) == version


@pytest.mark.parametrize(
    ("version", "suits"),
    [((3, 259, 0), True), ((3, 300, 2), True), ((3, 258, 9), False), ((4, 0, 0), False), (None, False)],
)
def test_an_engine_suits_when_it_is_not_older_and_of_the_same_major_version(
    version: engine.Version | None, suits: bool
) -> None:
    assert engine.suits(version, (3, 259, 0)) is suits


def test_the_engine_is_pinned_to_the_version_of_the_sdk() -> None:
    assert engine.pinned_version() == engine.parse_version(metadata.version("pulumi"))


@pytest.mark.parametrize(("version", "used"), [("v3.400.0", True), ("v3.100.0", False)])
def test_a_suitable_pulumi_on_path_is_used(
    layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, used: bool
) -> None:
    theirs = _pulumi(tmp_path / "theirs", version)
    monkeypatch.setenv("PATH", f"{theirs.parent}:/usr/bin:/bin")
    engine.official.cache_clear()
    try:
        assert engine.command(layout) == (theirs if used else layout.engine / "pulumi")
    finally:
        engine.official.cache_clear()


def test_the_pulumi_of_a_sandbox_is_not_taken_for_the_users(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    engine.prepare(layout)
    monkeypatch.setenv("PATH", f"{layout.shims}:{layout.bin}")
    assert engine.on_path() is None


def test_the_environment_is_the_sandboxs_own_and_its_commands_come_first(layout: Layout) -> None:
    variables = engine.variables(layout, {"PATH": f"/usr/bin:{layout.shims}:/bin"})
    assert variables["PATH"] == f"{layout.shims}:{layout.bin}:/usr/bin:/bin"
    own = ("KUBECONFIG", "PULUMI_HOME", "PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE_FILE")
    assert all(str(layout.home) in variables[name] for name in own)


def test_the_users_own_engine_settings_do_not_reach_the_sandbox(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "theirs")
    monkeypatch.setenv("PULUMI_STACK", "theirs")
    assert {"PULUMI_CONFIG_PASSPHRASE", "PULUMI_STACK"}.isdisjoint(engine.environment(layout))


def test_a_shell_can_evaluate_the_exports(layout: Layout) -> None:
    script = engine.exports(layout) + '\nprintf "%s|%s" "$PULUMI_HOME" "${PULUMI_CONFIG_PASSPHRASE-unset}"'
    theirs = {**os.environ, "PULUMI_CONFIG_PASSPHRASE": "theirs"}
    said = subprocess.run(["sh", "-c", script], env=theirs, capture_output=True, text=True, check=True)
    assert said.stdout == f"{layout.pulumi_home}|unset"


def test_preparing_twice_keeps_the_passphrase_and_leaves_one_version_of_each_plugin(layout: Layout) -> None:
    stale = layout.pulumi_home / "plugins" / "resource-random-v0.0.1"
    stale.mkdir(parents=True)
    engine.prepare(layout)
    passphrase = layout.passphrase.read_text()
    engine.prepare(layout)
    assert layout.passphrase.read_text() == passphrase
    assert stat.S_IMODE(layout.passphrase.stat().st_mode) == 0o600
    plugins = {**engine.STAND_INS, "kubernetes": "pulumi-kubernetes"}
    expected = {f"resource-{name}-v{metadata.version(package)}" for name, package in plugins.items()}
    assert {folder.name for folder in stale.parent.iterdir()} == expected


def test_plugins_and_the_language_host_are_found_beside_the_engine(layout: Layout) -> None:
    engine.prepare(layout)
    plugins = layout.pulumi_home / "plugins"
    launchers = [layout.engine / "pulumi-language-python", *plugins.glob("resource-*/pulumi-resource-*")]
    assert len(launchers) == 1 + 1 + len(engine.STAND_INS)
    assert all(os.access(launcher, os.X_OK) for launcher in launchers)


def test_checkouts_that_share_an_engine_each_use_their_own_language_host(layout: Layout) -> None:
    engine.prepare(layout)
    launcher = (layout.engine / "pulumi-language-python").read_text()
    assert str(ROOT) not in launcher
    variables = engine.variables(layout, {})
    assert variables["SACRED_COUNCIL_LANGUAGE_HOST"] == str(ROOT / "sandbox" / "language.py")
    assert all(f'"${name}"' in launcher for name in ("SACRED_COUNCIL_PYTHON", "SACRED_COUNCIL_LANGUAGE_HOST"))
