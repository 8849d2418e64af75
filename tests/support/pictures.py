"""The committed pictures. Redraw them with `python -m tests.support.pictures`."""

from pathlib import Path

from picture.drawing import pictures
from tests.conftest import STACKS
from tests.support.plans import preview_of
from tests.support.rendering import ROOT, Rendered, render

FOLDER: Path = ROOT / "docs" / "pictures"


def drawn(stack: str, rendered: Rendered) -> dict[str, str]:
    """The pictures of a rendered stack by the names of their files."""
    return dict(pictures(preview_of(stack, rendered)))


if __name__ == "__main__":
    for one in STACKS:
        for name, text in drawn(one, render(one)).items():
            (FOLDER / name).write_text(text)
