"""Rules that several lists of settings share: streams, topics, users and events. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Protocol

from components.settings.values import ALL
from components.settings.words import did_you_mean
from stacks.settings.errors import Mistake, shown
from stacks.settings.models import Settings
from stacks.settings.rules.paths import each_region

UNKNOWN_REGION: Final = "is not the name of a region of this stack"


class Named(Protocol):
    """An entry with a name."""

    @property
    def name(self) -> str:
        """Its name."""


def names_differ(entries: Iterable[tuple[str, Named]], *, remedy: str = "choose another name") -> Iterator[Mistake]:
    """Names are unique. Each of `entries` comes with its path, such as `messaging.streams[0]`."""
    first: dict[str, str] = {}
    for path, entry in entries:
        other = first.setdefault(entry.name, path)
        if other != path:
            yield Mistake(
                path=f"{path}.name",
                value=shown(entry.name),
                rule=f"is already the name of {other}",
                remedy=remedy,
                reads=(f"{other}.name",),
            )


def clusters_differ(
    contexts: Iterable[tuple[str, str]], *, taken: Mapping[str, str] | None = None, remedy: str
) -> Iterator[Mistake]:
    """No two contexts are equal. Each comes after its path; `taken` has the path of each that is another list's."""
    first = dict(taken or {})
    for path, context in contexts:
        other = first.setdefault(context, path)
        if other != path:
            yield Mistake(
                path=f"{path}.context",
                value=shown(context),
                rule=f"is already the cluster of {other}",
                remedy=remedy,
                reads=(f"{other}.context",),
            )


def regions_are_known(
    settings: Settings, path: str, names: Sequence[str], *, all_too: bool = False
) -> Iterator[Mistake]:
    """Each of `names`, which the setting at `path` has, is a region of the stack; `all_too`: or `ALL`."""
    known = [*(region.name for region in settings.regions), *([ALL] if all_too else [])]
    for name in names:
        if name not in known:
            yield Mistake(
                path=path,
                value=shown(name),
                rule=UNKNOWN_REGION,
                remedy=did_you_mean(name, known),
                reads=each_region(settings, "name"),
            )


def replicas_have_servers(path: str, replicas: int | None, servers: int, key: str) -> Iterator[Mistake]:
    """Each of an entry's `replicas` has its own server. `key` is the setting with the number of `servers`."""
    if replicas is not None and replicas > servers:
        yield Mistake(
            path=f"{path}.replicas",
            value=shown(replicas),
            rule=f"must not be above {key}, which is {servers}",
            remedy=f"write {servers} or less, or raise {key}",
            reads=(key,),
        )
