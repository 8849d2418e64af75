"""The resources of a stack by component, and the dependencies between components. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from report.preview import Plan, Planned

_OURS: Final = "sacred-council:"
_STACK: Final = "stack:"
_PLATFORM: Final = "stack:Platform"


@dataclass(frozen=True, order=True)
class Part:
    """All components of one kind."""

    group: str
    """The component around them, such as `RegionBase`."""
    kind: str
    """Such as `PeerEndpoint`."""


@dataclass(frozen=True)
class Parts:
    """The parts of a stack and their dependencies."""

    sizes: Mapping[Part, int]
    """Number of resources."""
    waits_for: Mapping[Part, frozenset[Part]]

    @cached_property
    def ranks(self) -> Mapping[Part, int]:
        """Length of the longest chain of parts that each part waits for."""
        ranks: dict[Part, int] = {}
        for part in sorted(self.sizes):
            self._rank(part, ranks, ())
        return ranks

    def _rank(self, part: Part, ranks: dict[Part, int], waiting: tuple[Part, ...]) -> int:
        if part not in ranks:
            # Resources have no cyclic dependencies, but parts may.
            before = [one for one in sorted(self.waits_for[part]) if one not in (*waiting, part)]
            ranks[part] = max((self._rank(one, ranks, (*waiting, part)) + 1 for one in before), default=0)
        return ranks[part]

    @cached_property
    def needed(self) -> Mapping[Part, Sequence[Part]]:
        """The direct dependencies of each part, without those that follow from the others."""
        # With each part, all that it waits for by way of parts of lower ranks.
        behind: dict[Part, frozenset[Part]] = {}
        needed = {}
        for part in sorted(self.sizes, key=lambda one: (self.ranks[one], one)):
            before = self.waits_for[part]
            nearer = [one for one in before if self.ranks[one] < self.ranks[part]]
            implied = frozenset[Part]().union(*(behind[one] for one in nearer))
            needed[part] = sorted(before - implied)
            behind[part] = implied.union(nearer)
        return needed


def parts(plan: Plan) -> Parts:
    """The parts of a plan."""
    components = {one.urn: one for one in plan.resources}
    found = {one.urn: part for one in plan.resources if (part := _part(_chain(one, components)))}
    waits: dict[Part, set[Part]] = {part: set() for part in found.values()}
    for one in plan.resources:
        if one.urn in found:
            others = {found[other] for other in one.waits_for if other in found}
            waits[found[one.urn]] |= others - {found[one.urn]}
    return Parts(Counter(found.values()), {part: frozenset(others) for part, others in waits.items()})


def _chain(resource: Planned, components: Mapping[str, Planned]) -> list[str]:
    """The components around a resource and the resource itself, outermost first, below the platform."""
    chain: list[str] = []
    one: Planned | None = resource
    while one is not None:
        if one.type.startswith(_OURS):
            chain.append(one.type.removeprefix(_OURS))
        one = components.get(one.parent)
    return [link for link in reversed(chain) if link != _PLATFORM]


def _part(chain: list[str]) -> Part | None:
    """The part of a resource; None for plain containers and for the platform's own providers."""
    if not chain or chain in (["stack:Region"], ["stack:RegionBase"]):
        return None
    if not chain[0].startswith(_STACK):
        return Part("Platform", _word(chain[0]))
    return Part(_group(chain[0]), _word(chain[-1] if len(chain) == 1 else chain[1]))


def _word(link: str) -> str:
    return link.partition(":")[2]


def _group(link: str) -> str:
    """Name of the group. The adapters of all clouds form one group."""
    return "Cloud" if link.endswith("Cloud") else _word(link)
