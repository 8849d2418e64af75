"""Docker Compose's own parser, on the file for stage 1. It needs no Docker."""

import json
import os
import subprocess
from collections.abc import Mapping
from functools import cache
from typing import Any

from tests.support.binaries import TIME_LIMIT, binary
from tests.support.rendering import ROOT

FILE = ROOT / "docker-compose.local.yml"
PASSWORDS = {data_service: f"{data_service}0123456789abcdef" for data_service in ("database", "cache", "messaging")}
VARIABLES = {f"{data_service.upper()}_PASSWORD": password for data_service, password in PASSWORDS.items()}

Model = dict[str, Any]


def compose(*arguments: str, variables: Mapping[str, str] = VARIABLES) -> subprocess.CompletedProcess[str]:
    """Run Docker Compose on the file with only these `variables`: none from the machine or from .env."""
    command = [str(binary("docker-compose")), "--env-file", os.devnull, "--file", str(FILE), *arguments]
    environment = {"HOME": os.environ["HOME"], "PATH": os.environ["PATH"], **variables}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=TIME_LIMIT, check=False)


@cache
def loaded() -> Model:
    """The file as Docker Compose understands it, with escaped dollar signs restored."""
    result = compose("config", "--format", "json")
    assert (result.returncode, result.stderr) == (0, "")
    return dict(json.loads(result.stdout.replace("$$", "$")))
