"""Reads the engine's preview from a file or from the sandbox, for `report` and `picture`."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any


def engine_preview(stack: str, file: Path | None) -> dict[str, Any]:
    """The output of `pulumi preview --json`, from `file`, else from previewing `stack` in the sandbox.

    Raises OSError or ValueError for the file. Raises CalledProcessError after the sandbox has printed its error.
    """
    if file is not None:
        return dict(json.loads(file.read_text()))
    command = [sys.executable, "-m", "sandbox", "plan", stack]
    planned = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603 - our own command
    return dict(json.loads(planned.stdout))


def complaint(error: Exception) -> str:
    """The message for the user."""
    if isinstance(error, subprocess.CalledProcessError):
        return "the stack could not be previewed; see above."
    return str(error)
