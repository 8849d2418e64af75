"""`python -m picture STACK`: the regions of a stack on a map, and its resources by component, as SVG."""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from picture.drawing import pictures
from report.plan import read_preview

DEFAULT_FOLDER = Path("docs/pictures")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m picture", description=__doc__)
    parser.add_argument("stack", help="a stack of this project")
    parser.add_argument("--plan", type=Path, help="output of `pulumi preview --json`; without it the sandbox previews")
    parser.add_argument(
        "--folder", type=Path, default=DEFAULT_FOLDER, help=f"where to write (default {DEFAULT_FOLDER})"
    )
    return parser


def main() -> int:
    """The exit status."""
    arguments = _parser().parse_args()
    try:
        drawn = pictures(read_preview(_plan(arguments.stack, arguments.plan)))
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        print(f"error: {_words(error)}", file=sys.stderr)
        return 1
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for name, text in drawn.items():
        (arguments.folder / name).write_text(text)
        print(arguments.folder / name)
    return 0


def _plan(stack: str, file: Path | None) -> dict[str, Any]:
    """The engine's preview, from a file or from the sandbox."""
    if file is not None:
        return dict(json.loads(file.read_text()))
    command = [sys.executable, "-m", "sandbox", "plan", stack]
    planned = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603 - our own command
    return dict(json.loads(planned.stdout))


def _words(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        return "the stack could not be previewed; see above."
    return str(error)


if __name__ == "__main__":
    sys.exit(main())
