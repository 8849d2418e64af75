"""`python -m picture STACK`: draw the regions of a stack on a map, and its resources by component, as SVG."""

import argparse
import subprocess
import sys
from pathlib import Path

from picture.drawing import pictures
from report.preview import read_preview
from report.source import complaint, engine_preview

DEFAULT_FOLDER = Path("docs/pictures")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m picture", description=__doc__)
    parser.add_argument("stack", help="a stack of this project")
    parser.add_argument("--plan", type=Path, help="output of `pulumi preview --json` (default: preview in the sandbox)")
    parser.add_argument(
        "--folder", type=Path, default=DEFAULT_FOLDER, help=f"where to write (default {DEFAULT_FOLDER})"
    )
    return parser


def main() -> int:
    """Write the pictures; return the exit status."""
    arguments = _parser().parse_args()
    try:
        drawn = pictures(read_preview(engine_preview(arguments.stack, arguments.plan)))
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        print(f"error: {complaint(error)}", file=sys.stderr)
        return 1
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for name, text in drawn.items():
        (arguments.folder / name).write_text(text)
        print(arguments.folder / name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
