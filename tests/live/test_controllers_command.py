"""`python -m sandbox controllers`, as a person types it, in a region with nothing but a sample service."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from sandbox.controllers import netns
from sandbox.controllers.network import prefix_of
from sandbox.layout import Layout
from tests.support import live
from tests.support.sandboxes import Sandbox

pytestmark = [pytest.mark.engine, pytest.mark.campaign, pytest.mark.timeout(600)]

URL = re.compile(r"council/open http: (http://127\.0\.0\.1:\d+)")


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    live.require_networks()
    live.require_programs()
    found = Sandbox.of(tmp_path_factory.mktemp("controllers") / "project", "local", saves_once=True)
    found.run("start", "local")
    objects = [
        live.namespace_object(),
        live.deployment("agent", "local", 2),
        live.service("open", "agent", type="LoadBalancer"),
        live.service("closed", "agent", type="LoadBalancer", loadBalancerSourceRanges=["192.0.2.1/32"]),
    ]
    manifest = found.folder / "objects.yaml"
    manifest.write_text(yaml.safe_dump_all(objects))
    found.kubectl("apply", "--server-side", "-f", str(manifest))
    yield found
    found.take_down()


def _prefix(sandbox: Sandbox) -> str:
    home = Path(sandbox.folder / ".sandbox")
    return prefix_of(Layout(project=sandbox.folder, home=home, binaries=home), "local")


def _urls(said: str) -> list[str]:
    return URL.findall(said)


def test_it_starts_shows_and_stops(sandbox: Sandbox) -> None:
    assert "no controllers run" in sandbox.run("controllers", "status", "local", fails=True)
    sandbox.run("controllers", "start", "local")
    live.await_true(lambda: len(_urls(sandbox.run("controllers", "status", "local"))) == 1, "there is a URL to try")
    (url,) = _urls(sandbox.run("controllers", "status", "local"))

    def answers() -> bool:
        run = subprocess.run(["curl", "--silent", "--max-time", "5", url], capture_output=True, text=True)
        return '"region": "local"' in run.stdout

    live.await_true(answers, "the URL answers")
    assert "2 pods run as processes" in sandbox.run("controllers", "status", "local")
    assert "closed" not in sandbox.run("controllers", "status", "local")
    sandbox.run("controllers", "stop", "local")
    assert not answers()
    assert netns.listed(_prefix(sandbox)) == []
    assert "no controllers run" in sandbox.run("controllers", "status", "local", fails=True)


def test_taking_the_stack_down_ends_them(sandbox: Sandbox) -> None:
    sandbox.run("controllers", "start", "local")
    assert netns.listed(_prefix(sandbox))
    sandbox.run("down", "local")
    assert netns.listed(_prefix(sandbox)) == []
    assert sandbox.processes() == []
