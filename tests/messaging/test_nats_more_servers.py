"""From one NATS server to three with real servers, as in docs/runbooks/nats-more-servers.md."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from nats.aio.client import Client

from components.messaging import configuration, streams
from components.messaging.settings import MessagingSettings
from tests.support.binaries import binary
from tests.support.nats_servers import PASSWORD, Platform, Region, stored
from tests.support.servers import processes, write_certificate

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(180)]

STREAM = "councils"
MESSAGES = 20


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    binary("nats")
    with processes(tmp_path / "logs") as running:
        yield Platform(tmp_path, running, write_certificate(tmp_path / "certificates"))


def test_streams_move_to_three_servers_while_the_configuration_does_not_name_them(platform: Platform) -> None:
    alone = region(platform, servers=1)
    job(platform, alone, replicas=1)
    platform.with_client(alone, publish)
    backup = str(platform.directory / "backup")
    nats(platform, alone, "stream", "backup", STREAM, backup)
    nats(platform, alone, "stream", "rm", STREAM, "--force")
    platform.stop(alone)

    three = region(platform, servers=3)
    nats(platform, three, "stream", "restore", backup, "--replicas", "3")
    job(platform, three, replicas=3)

    assert platform.with_client(three, kept) == (MESSAGES, 3)
    # This restore fails as it would if the Job had created the stream first.
    assert "already exist" in nats(platform, three, "stream", "restore", backup, "--replicas", "3", fails=True)


def region(platform: Platform, *, servers: int) -> Region:
    """Start the region `local` with `servers` servers; return it when all are ready."""
    settings = MessagingSettings(servers=servers, storage="200Mi", memory="256Mi")
    started = platform.region(configuration.RegionServers(region="local", settings=settings))
    platform.start(started)
    for index in range(servers):
        platform.healthy(started, index)
    return started


def job(platform: Platform, at: Region, *, replicas: int) -> None:
    """Run the Job's script for a configuration that names the stream."""
    stream = {"name": STREAM, "subjects": ["councils.>"], "replicas": replicas, "retention": "1d", "maxSize": "8Mi"}
    settings = MessagingSettings.model_validate({"servers": at.servers, "streams": [stream]})
    directory = platform.directory / "job"
    directory.mkdir(exist_ok=True)
    for file, text in streams.files("local", settings).items():
        (directory / file).write_text(text.replace(streams.SETTINGS, str(directory)))
    run(platform, at, "/bin/sh", str(directory / "streams.sh"))


def nats(platform: Platform, at: Region, *arguments: str, fails: bool = False) -> str:
    return run(platform, at, str(binary("nats")), *arguments, fails=fails)


def run(platform: Platform, at: Region, *command: str, fails: bool = False) -> str:
    """Run `command` with the settings of the Secret `messaging-connection`; return its output."""
    environment = {
        "PATH": f"{binary('nats').parent}:{os.environ['PATH']}",
        "HOME": str(platform.directory),
        "NATS_URL": at.client_url(),
        "NATS_CA": str(platform.certificates / "ca.crt"),
        "NATS_USER": configuration.APPLICATION_USER,
        "NATS_PASSWORD": PASSWORD,
    }
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    said = result.stdout + result.stderr
    assert (result.returncode != 0) == fails, said
    return said


async def publish(client: Client) -> None:
    for number in range(MESSAGES):
        await stored(client, f"{STREAM}.{number}", b"we are one")


async def kept(client: Client) -> tuple[int, int | None]:
    """Return the numbers of the stream's messages and replicas."""
    info = await client.jetstream(timeout=10).stream_info(STREAM)
    return info.state.messages, info.config.num_replicas
