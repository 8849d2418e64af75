"""Rules about NATS: its servers, its streams and the regions. Pure."""

from collections.abc import Iterator
from itertools import combinations
from typing import Final

from components.messaging import configuration, live_rights
from components.messaging.settings import FILE_SHARE, StreamSettings
from components.settings.values import bytes_of
from stacks.settings.errors import Mistake, shown
from stacks.settings.models import Settings
from stacks.settings.rules.lists import names_differ, regions_are_known, replicas_have_servers
from stacks.settings.rules.mesh import needs_the_gateway
from stacks.settings.rules.paths import each_region

_LIVE: Final = "messaging.websocket"


def streams_by_path(settings: Settings) -> Iterator[tuple[str, StreamSettings]]:
    """Each stream with its path, such as `messaging.streams[0]`."""
    return ((f"messaging.streams[{index}]", stream) for index, stream in enumerate(settings.messaging.streams))


def servers_can_vote(settings: Settings) -> Iterator[Mistake]:
    """With peering, each region has several messaging servers."""
    servers, regions, primary = settings.messaging.servers, len(settings.regions), settings.database.primary_region
    if settings.peering_enabled and servers == 1:
        where = f"{regions} regions" if regions > 1 else f"a stack with a primary region ({primary})"
        yield Mistake(
            path="messaging.servers",
            value=shown(servers),
            rule=f"is too few for {where}: each region needs enough servers to vote",
            remedy="write 3 or 5; if streams exist already, follow docs/runbooks/nats-more-servers.md first",
            reads=each_region(settings),
        )


def streams_have_a_home(settings: Settings) -> Iterator[Mistake]:
    """The home of a stream is a region of the stack; with several regions, it is named."""
    names = [region.name for region in settings.regions]
    for path, stream in streams_by_path(settings):
        if stream.home is None and len(names) > 1:
            yield Mistake(
                path=f"{path}.home",
                rule="is missing: with several regions, one holds the stream and others may mirror it",
                remedy=f"name one of {', '.join(names)}, and change it only when that region is lost",
                reads=each_region(settings, "name"),
            )
        elif stream.home is not None:
            yield from regions_are_known(settings, f"{path}.home", [stream.home])


def mirrors_are_in_other_regions(settings: Settings) -> Iterator[Mistake]:
    """Mirrors are in regions of the stack other than the home."""
    for path, stream in streams_by_path(settings):
        yield from regions_are_known(settings, f"{path}.mirroredIn", stream.mirrored_in, all_too=True)
        for name in stream.mirrored_in:
            if name == stream.home:
                yield Mistake(
                    path=f"{path}.mirroredIn",
                    value=shown(name),
                    rule="is the stream's home, which has the stream itself",
                    remedy="name other regions only",
                )


def servers_are_enough_for_replicas(settings: Settings) -> Iterator[Mistake]:
    """Each replica has its own server."""
    for path, stream in streams_by_path(settings):
        yield from replicas_have_servers(path, stream.replicas, settings.messaging.servers, "messaging.servers")


def stream_names_differ(settings: Settings) -> Iterator[Mistake]:
    """Stream names are unique."""
    yield from names_differ(streams_by_path(settings))


def messages_belong_to_one_stream(settings: Settings) -> Iterator[Mistake]:
    """No two streams take the same message."""
    taken = [(path, subject) for path, stream in streams_by_path(settings) for subject in stream.subjects]
    for (one, first), (other, second) in combinations(taken, 2):
        if one != other and overlap(first, second):
            yield Mistake(
                path=f"{other}.subjects",
                value=shown(second),
                rule=f"takes messages that {one} already takes with {shown(first)}",
                remedy="let every message belong to one stream",
                reads=(f"{one}.subjects",),
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


def streams_fit_the_storage(settings: Settings) -> Iterator[Mistake]:
    """A server's storage can hold all streams."""
    storage, live = settings.messaging.storage, settings.messaging.websocket
    sizes = [*(stream.max_size for stream in settings.messaging.streams), *([live.max_size] if live.enabled else [])]
    wanted = sum(map(bytes_of, sizes))
    if wanted > bytes_of(storage) * FILE_SHARE:
        yield Mistake(
            path="messaging.storage",
            value=shown(storage),
            rule=f"is too little for the streams, whose maxSize together is {wanted / 2**30:.2f}Gi: every server may "
            f"hold all of them, and a tenth stays free",
            remedy="raise storage, or lower maxSize",
            reads=(
                *(f"{path}.maxSize" for path, _ in streams_by_path(settings)),
                f"{_LIVE}.enabled",
                f"{_LIVE}.maxSize",
            ),
        )


def browsers_reach_a_gateway(settings: Settings) -> Iterator[Mistake]:
    """Live collaboration needs the public gateway of the mesh."""
    if settings.messaging.websocket.enabled:
        yield from needs_the_gateway(settings, f"{_LIVE}.enabled")


def the_state_of_circles_has_a_home(settings: Settings) -> Iterator[Mistake]:
    """The home of the circles' state is a region of the stack; with several regions, it is named."""
    live, names = settings.messaging.websocket, [region.name for region in settings.regions]
    if live.home is not None:
        yield from regions_are_known(settings, f"{_LIVE}.home", [live.home])
    elif live.enabled and len(names) > 1:
        yield Mistake(
            path=f"{_LIVE}.home",
            rule="is missing: with several regions, one keeps the state of circles, and the others have a copy",
            remedy=f"name one of {', '.join(names)}, and change it only when that region is lost",
            reads=(f"{_LIVE}.enabled", *each_region(settings, "name")),
        )


def the_stream_of_circles_is_the_programs(settings: Settings) -> Iterator[Mistake]:
    """No stream has the name of the one with the circles' state."""
    for path, stream in streams_by_path(settings):
        if settings.messaging.websocket.enabled and stream.name == live_rights.STREAM:
            yield Mistake(
                path=f"{path}.name",
                value=shown(stream.name),
                rule="is the name of the stream with the state of circles",
                remedy="choose another name",
                reads=(f"{_LIVE}.enabled",),
            )


def browsers_send_no_more_than_servers_take(settings: Settings) -> Iterator[Mistake]:
    """No message of a browser is larger than what a NATS server takes."""
    largest = settings.messaging.websocket.max_message
    if bytes_of(largest) > configuration.MAX_PAYLOAD:
        yield Mistake(
            path=f"{_LIVE}.maxMessage",
            value=shown(largest),
            rule="is more than the 1Mi that a NATS server takes",
            remedy="write 1Mi or less",
        )


def agents_have_no_more_than_browsers(settings: Settings) -> Iterator[Mistake]:
    """No agent sends larger messages, or has more subscriptions, than a browser."""
    live = settings.messaging.websocket
    own, most = live.agents.max_message, live_rights.SUBSCRIPTIONS
    if own is not None and bytes_of(own) > bytes_of(live.max_message):
        yield Mistake(
            path=f"{_LIVE}.agents.maxMessage",
            value=shown(own),
            rule=f"is more than the {live.max_message} that a browser may send",
            remedy=f"write {live.max_message} or less, or raise {_LIVE}.maxMessage",
            reads=(f"{_LIVE}.maxMessage",),
        )
    if live.agents.subscriptions > most:
        yield Mistake(
            path=f"{_LIVE}.agents.subscriptions",
            value=shown(live.agents.subscriptions),
            rule=f"is more than the {most} that a browser may have",
            remedy=f"write {most} or less",
        )


RULES: Final = (
    servers_can_vote,
    streams_have_a_home,
    mirrors_are_in_other_regions,
    servers_are_enough_for_replicas,
    stream_names_differ,
    messages_belong_to_one_stream,
    streams_fit_the_storage,
    browsers_reach_a_gateway,
    the_state_of_circles_has_a_home,
    the_stream_of_circles_is_the_programs,
    browsers_send_no_more_than_servers_take,
    agents_have_no_more_than_browsers,
)
