"""URNs as the engine would make them: mocks drop all but the nearest parent's type."""

from pathlib import Path

from tests.support.rendering import Rendered, ancestors


def path(stack: str) -> Path:
    """The file with the golden list of `stack`."""
    return Path(__file__).parent / f"{stack}.txt"


def urns(rendered: Rendered) -> list[str]:
    """Sorted `type$type$type::name` of every resource, outermost component first."""
    types = {r.urn: r.type for r in rendered.resources}
    return sorted(
        "$".join([*(types[urn] for urn in reversed(list(ancestors(rendered, r)))), r.type]) + f"::{r.name}"
        for r in rendered.resources
    )
