"""The Kubernetes stand-in as a process: it ends when it is told to, and with its engine."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.layout import PROJECT

pytestmark = pytest.mark.engine


@pytest.fixture
def plugin() -> Iterator[subprocess.Popen[str]]:
    process = start_plugin()
    yield process
    process.kill()
    process.wait()


def start_plugin(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "sandbox.providers.kubernetes", *arguments],
        cwd=PROJECT,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_plugin_ends_quietly_on_a_signal(plugin: subprocess.Popen[str], number: signal.Signals) -> None:
    assert plugin.stdout is not None
    assert int(plugin.stdout.readline()) > 0
    plugin.send_signal(number)
    _, errors = plugin.communicate(timeout=20)
    assert plugin.returncode == 0
    assert errors == ""


def test_the_plugin_ends_when_its_engine_is_gone(tmp_path: Path) -> None:
    with socket.socket() as engine:
        engine.bind(("127.0.0.1", 0))
        engine.listen()
        plugin = start_plugin(f"127.0.0.1:{engine.getsockname()[1]}")
        assert plugin.stdout is not None
        assert int(plugin.stdout.readline()) > 0
        time.sleep(3)
        assert plugin.poll() is None
    _, errors = plugin.communicate(timeout=20)
    assert plugin.returncode == 0
    assert errors == ""
