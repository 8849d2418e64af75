"""The values of a stack's regions as files, from the same functions that the program uses."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

import yaml

from stacks.service_values import service_values
from stacks.settings import SECRETS, Settings, parse
from stacks.settings.errors import PROJECT

ROOT: Final = Path(__file__).resolve().parent.parent
HEAD: Final = "# Written by `python -m publish`: change the stack's settings instead.\n"


def settings_of(stack: str, root: Path = ROOT) -> Settings:
    """The settings in a stack's file. Raises SettingsError with all mistakes, FileNotFoundError without a file."""
    document = yaml.safe_load((root / f"Pulumi.{stack}.yaml").read_text())
    prefix = f"{PROJECT}:"
    ours = {key.removeprefix(prefix): value for key, value in document["config"].items() if key.startswith(prefix)}
    return parse({key: value for key, value in ours.items() if key not in SECRETS})


def files(settings: Settings) -> Mapping[str, str]:
    """Text by file name, for each region that Argo CD deploys to."""
    return {f"{region}.yaml": HEAD + _text(values) for region, values in sorted(service_values(settings).items())}


def differing(wanted: Mapping[str, str], folder: Path) -> list[str]:
    """Name of files in `folder` that are missing, differ, or belong to no region."""
    there = {path.name: path.read_text() for path in folder.glob("*.yaml")} if folder.is_dir() else {}
    return sorted(name for name in wanted.keys() | there.keys() if wanted.get(name) != there.get(name))


def canary_file(settings: Settings) -> str:
    """Name of the file of the region that gets a new version first."""
    return f"{settings.gitops.canary or settings.gitops_hub}.yaml"


def write(wanted: Mapping[str, str], folder: Path, known: Collection[str] | None = None) -> None:
    """Write the files, and delete those that are not `known` (None: not wanted), which are of removed regions.

    Only files with this module's header are deleted.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in wanted.items():
        (folder / name).write_text(text)
    for path in folder.glob("*.yaml"):
        if path.name not in (known or wanted) and path.read_text().startswith(HEAD):
            path.unlink()


def _text(values: Mapping[str, object]) -> str:
    return yaml.safe_dump(dict(values), sort_keys=True, default_flow_style=False)
