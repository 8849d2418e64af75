"""Rewrite the golden lists: `python -m tests.golden`. Read the difference before you commit it."""

from tests.conftest import STACKS
from tests.golden.urns import path, urns
from tests.support.rendering import render

for stack in STACKS:
    path(stack).write_text("\n".join(urns(render(stack))) + "\n")
