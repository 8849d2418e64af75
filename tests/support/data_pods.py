"""Data services in the regions' pods for real, and clients of them in pods that have a proxy."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.messaging import configuration
from components.namespaces import NATS, SERVICES
from sandbox.controllers import netns, sample
from sandbox.controllers.containers import Container, Process
from sandbox.controllers.region import RegionControllers
from tests.support import nats_writer
from tests.support.mesh_callers import kubectl
from tests.support.nats_servers import nats_server
from tests.support.rendering import ROOT
from tests.support.servers import eventually

_SERVER, _EXPORTER = "nats", "exporter"
_SETTINGS = "settings-here"
SECRET = "messaging-connection"


class NatsRunner:
    """A `ContainerRunner` for the pods of NATS: nats-server with the program's files.

    The exporter of metrics is a small server that answers its probe.
    """

    def runs(self, pod: Mapping[str, Any], container: Mapping[str, Any]) -> bool:
        """Whether it is a container of these pods."""
        return pod["metadata"]["namespace"] == NATS and container["name"] in (_SERVER, _EXPORTER)

    def process(self, container: Container) -> Process:
        """The process of the container. It works in the folder that has the container's volumes."""
        if container.name == _EXPORTER:
            options = [f"--port={configuration.EXPORTER_PORT}", f"--port-metrics={configuration.EXPORTER_PORT}"]
            return Process(
                command=[sys.executable, "-I", "-S", str(Path(sample.__file__)), *options],
                environment={"PATH": os.defpath, **container.environment},
                directory=container.root,
            )
        own = container.root / _SETTINGS
        shutil.rmtree(own, ignore_errors=True)
        own.mkdir()
        for file in (container.root / configuration.SETTINGS.lstrip("/")).iterdir():
            if file.is_file() and not file.name.startswith("."):
                (own / file.name).write_text(_relative(file.read_text()))
        return Process(
            command=["/bin/sh", f"{_SETTINGS}/start.sh"],
            environment={**container.environment, "PATH": f"{Path(nats_server()).parent}:{os.defpath}"},
            directory=container.root,
        )


def _relative(text: str) -> str:
    """The text of a file with the container's folders below the one in which its process works."""
    data = configuration.DATA
    for there, here in (
        (configuration.SETTINGS, _SETTINGS),
        (configuration.CERTIFICATES, configuration.CERTIFICATES.lstrip("/")),
        (configuration.RUN, configuration.RUN.lstrip("/")),
        (f'"{data}"', f'"{data.lstrip("/")}"'),
        (f"={data}/", f"={data.lstrip('/')}/"),
    ):
        text = text.replace(there, here)
    return text


@dataclass
class Writer:
    """A program in the network of one of a region's pods, which writes to the region's NATS all the time."""

    region: str
    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def report(self) -> Path:
        """The file for what it has seen."""
        return self.folder / "report.json"

    def seen(self) -> nats_writer.Seen:
        """What it has seen so far."""
        return nats_writer.Seen(**json.loads(self.report.read_text()))

    def end(self) -> nats_writer.Seen:
        """Let it count what its stream has, and end."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(60) == 0, (self.folder / "log").read_text()
        return self.seen()


def _connection(region: RegionControllers) -> dict[str, str]:
    """What the region's services know of its NATS, with the address of the Service as `address`."""
    where = f"--namespace={SERVICES}"
    data = json.loads(kubectl(region.cluster, "get", "secret", SECRET, where, "--output=json"))["data"]
    known = {key: base64.b64decode(value).decode() for key, value in data.items()}
    service = ("get", "service", configuration.SERVICE, f"--namespace={NATS}", "--output=jsonpath={.spec.clusterIP}")
    return {**known, "address": kubectl(region.cluster, *service)}


@contextmanager
def nats_writer_in(region: RegionControllers, pod: str, folder: Path) -> Iterator[Writer]:
    """A writer in the network of the pod with this namespace and name, whose proxy has its connections."""
    known = _connection(region)
    folder.mkdir(parents=True)
    (folder / "ca.crt").write_text(known["ca.crt"])
    given = nats_writer.Given(
        region=region.network.region,
        address=known["address"],
        host=known["host"],
        port=int(known["port"]),
        user=known["username"],
        password=known["password"],
        authority=str(folder / "ca.crt"),
        report=str(folder / "report.json"),
    )
    (folder / "given.json").write_text(json.dumps(vars(given)))
    place = netns.entering(region.agent.namespace_of(pod))
    command = [*place, sys.executable, "-m", nats_writer.__name__, str(folder / "given.json")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
    writer = Writer(region.network.region, folder, process)
    try:
        eventually(lambda: writer.seen().written > 5, seconds=120, what=f"a writer in {writer.region}; see {folder}")
        yield writer
    finally:
        process.kill()
        process.wait()
