"""`python -m report STACK`: report cost, capacity and carbon of a stack, as Markdown and JSON."""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from report.difference import difference
from report.document import document
from report.markdown import render
from report.preview import read_preview
from report.source import complaint, engine_preview

DEFAULT_FOLDER = Path(".sandbox/reports")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m report", description=__doc__)
    parser.add_argument("stack", help="a stack of this project")
    parser.add_argument("--plan", type=Path, help="output of `pulumi preview --json` (default: preview in the sandbox)")
    parser.add_argument(
        "--folder", type=Path, default=DEFAULT_FOLDER, help=f"where to write (default {DEFAULT_FOLDER})"
    )
    parser.add_argument("--base", type=Path, help="JSON of an earlier report: print the difference to it instead")
    return parser


def main() -> int:
    """Write the report; return the exit status."""
    arguments = _parser().parse_args()
    try:
        report = document(read_preview(engine_preview(arguments.stack, arguments.plan)))
        base = json.loads(arguments.base.read_text()) if arguments.base else None
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        print(f"error: {complaint(error)}", file=sys.stderr)
        return 1
    text = render(report)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    (arguments.folder / f"{arguments.stack}.md").write_text(text)
    (arguments.folder / f"{arguments.stack}.json").write_text(json.dumps(report, indent=2) + "\n")
    print(difference(base, report) if arguments.base else text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
