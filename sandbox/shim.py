"""The sandbox's `pulumi` command: replaces itself with the real engine and keeps the stack file clean.

With a passphrase for secrets, the CLI writes an `encryptionsalt` into the stack file, which is tracked and shared here.
So each operation gets a fresh copy of the file; the state has the salt. `pulumi config` works on the tracked file. An
update after a killed engine adopts the objects that the engine had created. The module imports only the standard
library, so that it starts quickly.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

OPERATIONS = frozenset(
    {"up", "update", "preview", "pre", "refresh", "destroy", "down", "dn", "import", "watch", "logs"}
)
CONFIG_FILE_VARIABLE = "PULUMI_OPTION_CONFIG_FILE"
UPDATES = frozenset({"up", "update"})
RESUMED_VARIABLE = "SACRED_COUNCIL_RESUMED"
_TAKES_VALUE = frozenset({"-s", "--stack", "-C", "--cwd"})


def option(arguments: Sequence[str], short: str, long: str) -> str | None:
    """The value of an option that may be written `-s x`, `-sx`, `--stack x` or `--stack=x`."""
    for index, argument in enumerate(arguments):
        if argument == "--":
            return None
        if argument in (short, long):
            return arguments[index + 1] if index + 1 < len(arguments) else None
        if argument.startswith(f"{long}="):
            return argument.removeprefix(f"{long}=")
        if argument.startswith(short) and not argument.startswith("--"):
            return argument.removeprefix(short).removeprefix("=")
    return None


def operation(arguments: Sequence[str]) -> str | None:
    """The command, if it reads the stack file without changing its configuration; else None."""
    rest = iter(arguments)
    for argument in rest:
        if argument in _TAKES_VALUE:
            next(rest, None)
        elif not argument.startswith("-"):
            command = argument
            break
    else:
        return None
    sets_values = option(arguments, "-c", "--config") is not None
    names_file = option(arguments, "\0", "--config-file") is not None
    return command if command in OPERATIONS and not sets_values and not names_file else None


def project_directory(start: Path) -> Path | None:
    """The closest directory upwards that has a Pulumi.yaml."""
    return next((folder for folder in (start, *start.parents) if (folder / "Pulumi.yaml").is_file()), None)


def stack_name(engine: str, arguments: Sequence[str], directory: Path, environment: Mapping[str, str]) -> str | None:
    """The stack of an operation: the one in its arguments, else the selected one."""
    named = option(arguments, "-s", "--stack") or environment.get("PULUMI_STACK")
    if not named:
        command = [engine, "stack", "--show-name", "--non-interactive", "--cwd", str(directory)]
        run = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
        named = run.stdout.strip() if run.returncode == 0 else ""
    return named.rpartition("/")[2] or None


def overrides(engine: str, arguments: Sequence[str], home: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Variables that select a fresh copy of the stack file and the stack's kubeconfig for an operation.

    Empty for other commands, and if the stack has no file. Keeps a kubeconfig that the user chose.
    """
    if operation(arguments) is None or CONFIG_FILE_VARIABLE in environment:
        return {}
    start = Path(option(arguments, "-C", "--cwd") or ".").absolute()
    project = project_directory(start)
    stack = stack_name(engine, arguments, start, environment) if project else None
    if project is None or stack is None or not (project / f"Pulumi.{stack}.yaml").is_file():
        return {}
    copy = fresh_copy(project / f"Pulumi.{stack}.yaml", home / "stacks")
    kubeconfig = home / "stacks" / f"{stack}.kubeconfig"
    applies = environment.get("KUBECONFIG") == str(home / "kubeconfig") and kubeconfig.is_file()
    resumed = unfinished(home / "state", project, stack) if operation(arguments) in UPDATES else []
    return {
        CONFIG_FILE_VARIABLE: str(copy),
        **({"KUBECONFIG": str(kubeconfig)} if applies else {}),
        **({RESUMED_VARIABLE: " ".join(resumed)} if resumed else {}),
    }


def unfinished(state: Path, project: Path, stack: str) -> list[str]:
    """URNs that a killed engine was creating: their objects may exist without a record."""
    name = re.search(r"^name:\s*(\S+)", (project / "Pulumi.yaml").read_text(), re.MULTILINE)
    file = state / ".pulumi" / "stacks" / (name[1] if name else "") / f"{stack}.json"
    try:
        latest = json.loads(file.read_text())["checkpoint"]["latest"] or {}
    except (FileNotFoundError, ValueError, KeyError):
        return []
    pending = latest.get("pending_operations") or ()
    return [operation["resource"]["urn"] for operation in pending if operation.get("type") == "creating"]


def fresh_copy(source: Path, folder: Path) -> Path:
    """Copy the file into the folder under its own name; replace an existing file atomically."""
    folder.mkdir(parents=True, exist_ok=True)
    temporary = Path(shutil.copyfile(source, folder / f"{os.getpid()}.new"))
    return temporary.replace(folder / source.name)


def main() -> None:
    """`shim.py ENGINE HOME ARGUMENT...`: replace this process with `ENGINE ARGUMENT...`."""
    engine, home, *arguments = sys.argv[1:]
    os.environ.update(overrides(engine, arguments, Path(home), os.environ))
    # The engine writes the whole state for each changed resource, so fewer garbage collections save time.
    os.environ.setdefault("GOGC", "300")
    os.execv(engine, [engine, *arguments])  # noqa: S606 - it becomes the engine


if __name__ == "__main__":
    main()
