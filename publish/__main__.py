"""`python -m publish STACK FOLDER`: write the values of the services' chart for each region, for Argo CD to read."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from publish.files import ROOT, canary_file, differing, files, settings_of, write
from stacks.settings import SettingsError


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m publish", description=__doc__)
    parser.add_argument("stack", help="a stack of this project with gitops.enabled")
    parser.add_argument("folder", type=Path, help="the folder gitops.repository.values of the repository")
    parser.add_argument("--canary", action="store_true", help="only the region that gets a new version first")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the files would change")
    return parser


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Write or check the files; return the exit status. `root` is the folder with the stack files."""
    given = _parser().parse_args(arguments)
    try:
        settings = settings_of(given.stack, root)
    except (FileNotFoundError, SettingsError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    every = files(settings)
    if not every:
        print(f"error: {given.stack}: Argo CD deploys nothing; write gitops: {{enabled: true, ...}}", file=sys.stderr)
        return 1
    wanted = {name: text for name, text in every.items() if not given.canary or name == canary_file(settings)}
    if given.check:
        stale = [name for name in differing(every, given.folder) if name in wanted or not given.canary]
        for name in stale:
            print(f"{given.folder / name}: differs from stack {given.stack}")
        return 1 if stale else 0
    write(wanted, given.folder, known=every)
    print(f"Wrote {', '.join(wanted)} to {given.folder}. Commit them: Argo CD reads them from Git.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
