"""From configured streams to what each region holds. Pure functions."""

from typing import Final

from components.messaging.settings import ALL
from components.messaging.settings import StreamSettings as Configured
from components.messaging.streams import Stream
from components.settings.values import bytes_of, seconds_of
from stacks.settings import Settings

USUAL_REPLICAS: Final = 3


def streams_in(region: str, settings: Settings) -> tuple[Stream, ...]:
    """The streams that `region` holds, sorted by name: those it is the home of, and those it has a mirror of.

    They do not depend on what other regions there are.
    """
    configured = sorted(settings.messaging.streams, key=lambda stream: stream.name)
    return tuple(_stream(each, settings) for each in configured if _held(region, each, settings))


def _held(region: str, stream: Configured, settings: Settings) -> bool:
    return region == _home(stream, settings) or bool({region, ALL} & set(stream.mirrored_in))


def _home(stream: Configured, settings: Settings) -> str:
    return stream.home or settings.regions[0].name


def _stream(stream: Configured, settings: Settings) -> Stream:
    return Stream(
        name=stream.name,
        subjects=stream.subjects,
        home=_home(stream, settings),
        replicas=stream.replicas or min(settings.messaging.servers, USUAL_REPLICAS),
        max_age=seconds_of(stream.retention),
        max_bytes=bytes_of(stream.max_size),
    )
