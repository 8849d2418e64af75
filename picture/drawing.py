"""The pictures of a stack, by file name. Pure."""

from collections.abc import Mapping

from picture import map, resources
from picture.parts import parts
from picture.world import world
from report.preview import Preview


def pictures(preview: Preview) -> Mapping[str, str]:
    """The map and the resources of a stack as SVG. Neither depends on the order of its regions."""
    return {
        f"{preview.stack}.svg": map.draw(world(preview)),
        f"{preview.stack}-resources.svg": resources.draw(preview.stack, parts(preview.plan)),
    }
