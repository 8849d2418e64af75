"""Fixtures that every kind of test shares."""

import gc
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from hypothesis import settings

from sandbox.ports import FIRST_PORT_VARIABLE
from tests.support import guard, shards
from tests.support.rendering import Rendered, render

# Up to four workers each have their own range of ports. No control plane of a test has a number above 22.
os.environ[FIRST_PORT_VARIABLE] = str(20600 + 2300 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]))

# What was given to `make` for this run, such as SHARD=2/4, is not for the `make` of a test.
for _given in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "SHARD"):
    os.environ.pop(_given, None)

PRIVATE_HOSTS = 'mount --bind "$HOSTS" /etc/hosts && exec "$@"'

STACKS = ("local", "regional", "multiregion", "planetary")

# No deadline per example: on a busy machine its duration means nothing.
settings.register_profile("no-deadline", deadline=None)
settings.load_profile("no-deadline")

# Rendered stacks hold many objects that all stay alive, so the garbage collector would search them for long.
gc.set_threshold(100_000, 20, 20)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--shard 2/4`: run the second of four parts of the tests."""
    parser.addoption("--shard", default="1/1", help="the part of the tests' files to run, such as 2/4")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the files whose tests may take longest, so that no worker is left with one of them at the end."""
    files = shards.longest_first(items)
    mine = shards.part(files, config.getoption("--shard"))
    config.hook.pytest_deselected(items=[item for item in items if item.path not in mine])
    order = {path: place for place, path in enumerate(mine)}
    items[:] = sorted((item for item in items if item.path in order), key=lambda item: order[item.path])


@pytest.fixture(scope="session", autouse=True)
def _nothing_outlives_the_run(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """End the run's servers, even if the run is killed. Only engine and conformance tests need this."""
    if not any(item.get_closest_marker(kind) for item in request.session.items for kind in ("engine", "conformance")):
        yield
        return
    with guard.observing(tmp_path_factory.getbasetemp()):
        yield


@pytest.fixture(scope="session")
def local() -> Rendered:
    """The local stack."""
    return render("local")


@pytest.fixture(scope="session", params=STACKS)
def stack_name(request: pytest.FixtureRequest) -> str:
    """The name of each stack in turn."""
    return str(request.param)


@pytest.fixture
def stack(stack_name: str) -> Rendered:
    """Each stack in turn."""
    return render(stack_name)


@pytest.fixture(scope="session")
def private_hosts() -> list[str]:
    """The start of a command whose process sees the hosts file in HOSTS."""
    prefix = ["unshare", "--map-root-user", "--mount", "sh", "-c", PRIVATE_HOSTS, "-"]
    try:
        subprocess.run([*prefix, "true"], env={**os.environ, "HOSTS": "/etc/hosts"}, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no mount namespace can be made here, so the nodes cannot have their names: {error}")
    return prefix


@pytest.fixture
def simulated_clouds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A sandbox of the clouds' stand-ins with two control planes."""
    monkeypatch.setenv("SACRED_COUNCIL_CLOUDS", str(tmp_path / "clouds"))
    monkeypatch.setenv("SACRED_COUNCIL_KUBECONFIGS", str(tmp_path / "kubeconfigs"))
    (tmp_path / "kubeconfigs").mkdir()
    for number, region in enumerate(("europe-west1", "ireland")):
        cluster = {"server": f"https://127.0.0.1:{20600 + number}", "certificate-authority-data": f"CA{number}"}
        document = {"clusters": [{"name": region, "cluster": cluster}]}
        (tmp_path / "kubeconfigs" / f"{region}.yaml").write_text(yaml.safe_dump(document))
    return tmp_path
