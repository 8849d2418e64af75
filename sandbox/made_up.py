"""Stack files with made-up secrets, so that planning and comparing need no access to the real ones."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from sandbox import engine
from sandbox.layout import Layout, SandboxError
from sandbox.shim import CONFIG_FILE_VARIABLE

_OF_SECRETS = frozenset({"encryptionsalt", "encryptedkey", "secretsprovider"})


def configuration(layout: Layout, stack: str) -> Path:
    """Path of the file that `write` makes."""
    return layout.home / f"Pulumi.{stack}.yaml"


def write(layout: Layout, stack: str) -> dict[str, str]:
    """Write the stack's file with made-up secrets; return the variables that make the engine read it.

    This sandbox encrypts the secrets. If the encrypted text of a real secret changes, the made-up value does, too.
    """
    plain, secrets = without_secrets(yaml.safe_load(layout.stack_file(stack).read_text()))
    file = configuration(layout, stack)
    file.write_text(yaml.safe_dump(plain))
    chosen = {CONFIG_FILE_VARIABLE: str(file)}
    if secrets:
        values = [word for key, value in secrets.items() for word in ("--secret", f"{key}={value}")]
        command = [str(layout.shims / "pulumi"), "config", "set-all", *values, "--config-file", str(file)]
        run = subprocess.run(
            [*command, "--stack", stack, "--non-interactive"],
            cwd=layout.project,
            env={**engine.environment(layout), **chosen},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if run.returncode != 0:
            raise SandboxError(f"Stack {stack} could not get made-up secrets: {run.stderr.strip()}")
    return chosen


def without_secrets(stack_file: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """The content of a stack's file without secrets and encryption settings, and a made-up value for each secret."""
    config = stack_file.get("config") or {}
    secure = {
        key: str(value["secure"])
        for key, value in config.items()
        if isinstance(value, Mapping) and value.keys() == {"secure"}
    }
    kept = {key: value for key, value in stack_file.items() if key not in _OF_SECRETS}
    plain = {**kept, "config": {key: value for key, value in config.items() if key not in secure}}
    return plain, {key: f"unknown-{hashlib.sha256(text.encode()).hexdigest()[:12]}" for key, text in secure.items()}
