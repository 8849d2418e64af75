"""Where the engine's preview comes from: a file, or the sandbox. What the commands of this kind have in common."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any


def engine_preview(stack: str, file: Path | None) -> dict[str, Any]:
    """The output of `pulumi preview --json`, from `file` or of `stack` in the sandbox.

    Raises OSError or ValueError for the file, CalledProcessError when the sandbox has said what is wrong.
    """
    if file is not None:
        return dict(json.loads(file.read_text()))
    command = [sys.executable, "-m", "sandbox", "plan", stack]
    planned = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603 - our own command
    return dict(json.loads(planned.stdout))


def complaint(error: Exception) -> str:
    """What to tell the user."""
    if isinstance(error, subprocess.CalledProcessError):
        return "the stack could not be previewed; see above."
    return str(error)
