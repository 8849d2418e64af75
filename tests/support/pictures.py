"""The committed pictures. Redraw them with `python -m tests.support.pictures`."""

from functools import cache
from pathlib import Path

from picture.drawing import pictures
from tests.conftest import STACKS
from tests.support.plans import preview_of
from tests.support.rendering import ROOT, render

FOLDER: Path = ROOT / "docs" / "pictures"


@cache
def drawn(stack: str) -> dict[str, str]:
    """The pictures of a stack by the names of their files. Read the result, never change it."""
    return dict(pictures(preview_of(stack, render(stack))))


if __name__ == "__main__":
    for one in STACKS:
        for name, text in drawn(one).items():
            (FOLDER / name).write_text(text)
