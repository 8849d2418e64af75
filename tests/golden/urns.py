"""URNs as the engine would make them: mocks keep only the nearest parent's type."""

from pathlib import Path

from tests.support.rendering import Rendered, ancestors


def path(stack: str) -> Path:
    """The file with the golden list of `stack`."""
    return Path(__file__).parent / f"{stack}.txt"


def urns(rendered: Rendered) -> list[str]:
    """All resources as sorted `type$type$type::name`, outermost component first."""
    types = {r.urn: r.type for r in rendered.resources}
    return sorted(
        "$".join([*(types[urn] for urn in reversed(list(ancestors(rendered, r)))), r.type]) + f"::{r.name}"
        for r in rendered.resources
    )
