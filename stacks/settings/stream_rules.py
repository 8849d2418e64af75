"""Rules between streams, regions and servers. They read plain values. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Final

from components.messaging.settings import ALL, StreamSettings
from components.settings.values import bytes_if_valid
from components.settings.words import did_you_mean
from stacks.settings.errors import Mistake, path_of, shown
from stacks.settings.inheritance import Plain

FILE_SHARE: Final = 0.9
"""Share of a server's storage that JetStream may fill: that of `components.messaging.config`."""


def broken_stream_rules(messaging: Plain, servers: int, storage: str, regions: Sequence[str]) -> Iterator[Mistake]:
    """All mistakes of `messaging.streams`; what is malformed in itself is passed over.

    `servers` and `storage` are those of messaging, or what they are when nobody says; `regions` are all names.
    """
    listed = messaging.get("streams")
    streams = {
        index: stream
        for index, stream in enumerate(listed if isinstance(listed, list | tuple) else ())
        if isinstance(stream, Mapping)
    }
    for index, stream in streams.items():
        yield from _home(index, stream, regions)
        yield from _mirrors(index, stream, regions)
        yield from _replicas(index, stream, servers)
    yield from _names(streams)
    yield from _subjects(streams)
    yield from _storage(streams.values(), storage)


def _home(index: int, stream: Plain, regions: Sequence[str]) -> Iterator[Mistake]:
    home, path = stream.get("home"), path_of("messaging", "streams", index, "home")
    if home is None and len(regions) > 1:
        yield Mistake(
            path=path,
            value="",
            rule="is missing: with several regions one keeps the stream, and the others mirrors",
            remedy=f"name one of {', '.join(regions)}, and change it only when that one is lost",
        )
    if isinstance(home, str) and home not in regions and regions:
        yield _unknown(path, home, regions)


def _mirrors(index: int, stream: Plain, regions: Sequence[str]) -> Iterator[Mistake]:
    mirrors = stream.get("mirroredIn")
    names = [mirrors] if isinstance(mirrors, str) else mirrors if isinstance(mirrors, list | tuple) else []
    path = path_of("messaging", "streams", index, "mirroredIn")
    for name in names:
        if isinstance(name, str) and name != ALL and name not in regions and regions:
            yield _unknown(path, name, [*regions, ALL])
        if name == stream.get("home") and isinstance(name, str):
            yield Mistake(
                path=path,
                value=shown(name),
                rule="is the stream's home, which has the stream itself",
                remedy="name other regions only",
            )


def _unknown(path: str, name: str, known: Sequence[str]) -> Mistake:
    return Mistake(
        path=path,
        value=shown(name),
        rule="is not the name of a region of this stack",
        remedy=did_you_mean(name, known),
    )


def _replicas(index: int, stream: Plain, servers: int) -> Iterator[Mistake]:
    replicas = stream.get("replicas")
    if type(replicas) is int and replicas > servers:
        yield Mistake(
            path=path_of("messaging", "streams", index, "replicas"),
            value=shown(replicas),
            rule=f"must not be above messaging.servers, which is {servers}",
            remedy=f"write {servers} or less, or raise messaging.servers",
        )


def _names(streams: Mapping[int, Plain]) -> Iterator[Mistake]:
    first: dict[str, int] = {}
    for index, stream in streams.items():
        name = stream.get("name")
        if isinstance(name, str) and first.setdefault(name, index) != index:
            yield Mistake(
                path=path_of("messaging", "streams", index, "name"),
                value=shown(name),
                rule=f"is the name of messaging.streams[{first[name]}] already",
                remedy="choose another name",
            )


def _subjects(streams: Mapping[int, Plain]) -> Iterator[Mistake]:
    taken = [(index, subject) for index, stream in streams.items() for subject in _texts(stream.get("subjects"))]
    for (one, first), (other, second) in combinations(taken, 2):
        if one != other and overlap(first, second):
            yield Mistake(
                path=path_of("messaging", "streams", other, "subjects"),
                value=shown(second),
                rule=f"takes messages that messaging.streams[{one}] takes with {shown(first)} already",
                remedy="let every message belong to one stream",
            )


def overlap(one: str, other: str) -> bool:
    """Whether some message belongs to both NATS subjects."""
    first, second = one.split("."), other.split(".")
    for left, right in zip(first, second, strict=False):
        if ">" in (left, right):
            return True
        if left != right and "*" not in (left, right):
            return False
    return len(first) == len(second)


def _storage(streams: Iterable[Plain], storage: str) -> Iterator[Mistake]:
    sizes = [
        bytes_if_valid(stream.get("maxSize", StreamSettings.model_fields["max_size"].default)) for stream in streams
    ]
    wanted, there = sum(size for size in sizes if size), bytes_if_valid(storage)
    if there is not None and wanted > there * FILE_SHARE:
        yield Mistake(
            path=path_of("messaging", "storage"),
            value=shown(storage),
            rule=f"is too little for the streams, whose maxSize together is {wanted / 2**30:.2f}Gi: every server may "
            f"hold all of them, and a tenth stays free",
            remedy="raise storage, or lower maxSize",
        )


def _texts(values: object) -> list[str]:
    return [value for value in values if isinstance(value, str)] if isinstance(values, list | tuple) else []
