"""Runs the services' sample image as the small server of `sample`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandbox.controllers import references, sample
from sandbox.controllers.containers import Container, Process

_REPOSITORY = "podinfo"
_OPTIONS = ("--port=", "--port-metrics=")
_PLACE = {"POD_NAMESPACE": "metadata.namespace", "NODE_NAME": "spec.nodeName", "POD_IP": "status.podIP"}


class SampleRunner:
    """A `ContainerRunner` for every container of the image podinfo."""

    def runs(self, _pod: Mapping[str, Any], container: Mapping[str, Any]) -> bool:
        """Whether the container has that image."""
        return repository(str(container.get("image", ""))).rpartition("/")[2] == _REPOSITORY

    def process(self, container: Container) -> Process:
        """The server, on the ports that the container's command names. It gives its rights up by itself."""
        options = [word for word in container.command if word.startswith(_OPTIONS)]
        place = {name: references.field(container.pod, path) for name, path in _PLACE.items()}
        # Isolated, and without the packages of this interpreter: those take most of the start.
        command = [sys.executable, "-I", "-S", str(Path(sample.__file__)), *options, f"--user={container.user}"]
        return Process(
            command=command,
            environment={"PATH": "/usr/bin:/bin", "REGION": container.region, **place, **container.environment},
            directory=container.root,
        )


def repository(image: str) -> str:
    """An image's name without its tag and digest."""
    name = image.partition("@")[0]
    head, _, last = name.rpartition("/")
    return "/".join(filter(None, [head, last.partition(":")[0]]))
