"""A rule about all that users reach through the mesh. Pure."""

from collections.abc import Iterator

from stacks.settings.errors import Mistake, shown
from stacks.settings.models import Settings


def needs_the_gateway(settings: Settings, path: str) -> Iterator[Mistake]:
    """What the setting at `path` switches on needs the public gateway of the mesh."""
    if not settings.mesh.enabled:
        yield Mistake(
            path=path,
            value=shown(True),
            rule="leads nowhere without the public gateway, which is a part of the mesh",
            remedy="write mesh: {enabled: true}, or false",
            reads=("mesh.enabled",),
        )
