"""Streams and their mirrors: which a region holds, and how they get there. Pure: no resources."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from components.messaging.config import CLIENT_PORT, SERVICE, Mirrored, domain_api

APP: Final = "nats-streams"
SETTINGS: Final = "/etc/nats-streams"
CERTIFICATES: Final = "/etc/nats-certificates"
SCRATCH: Final = "/tmp"  # noqa: S108 - a volume of the pod's own
SERVER: Final = f"tls://{SERVICE}:{CLIENT_PORT}"
UNLIMITED: Final = -1
DUPLICATE_WINDOW: Final = 120
NANOSECONDS: Final = 10**9


@dataclass(frozen=True, kw_only=True)
class Stream:
    """A stream that takes messages of `subjects` in its `home` region, each kept by `replicas` servers.

    The oldest messages go when they are `max_age` seconds old, or the stream has more than `max_bytes`. A mirror of it
    in another region keeps the same. Where it is mirrored, is said by which regions get it.
    """

    name: str
    subjects: Sequence[str]
    home: str
    replicas: int
    max_age: int
    max_bytes: int

    def __post_init__(self) -> None:
        if not self.subjects:
            raise ValueError(f"subjects of stream {self.name!r}: expected at least one, got none")


def mirrored(region: str, streams: Sequence[Stream]) -> list[Mirrored]:
    """The streams that `region` has a mirror of, and not the stream itself."""
    return [Mirrored(stream=stream.name, home=stream.home) for stream in streams if stream.home != region]


def definition(region: str, stream: Stream) -> dict[str, Any]:
    """What JetStream is asked for in `region`: the stream at its home, elsewhere a mirror of it."""
    common = {
        "name": stream.name,
        "retention": "limits",
        "storage": "file",
        "discard": "old",
        "num_replicas": stream.replicas,
        "max_age": stream.max_age * NANOSECONDS,
        "max_bytes": stream.max_bytes,
        "max_msgs": UNLIMITED,
        "max_msgs_per_subject": UNLIMITED,
        "max_msg_size": UNLIMITED,
        "max_consumers": UNLIMITED,
        "allow_direct": True,
    }
    if stream.home == region:
        window = min(DUPLICATE_WINDOW, stream.max_age) * NANOSECONDS
        return {**common, "subjects": list(stream.subjects), "duplicate_window": window}
    return {**common, "mirror": {"name": stream.name, "external": {"api": domain_api(stream.home)}}}


def files(region: str, streams: Sequence[Stream]) -> dict[str, str]:
    """The Job's files: the script, and a definition for each stream of the region, named after it."""
    definitions = {f"{stream.name}.json": json.dumps(definition(region, stream), indent=2) for stream in streams}
    return {"streams.sh": SCRIPT, **definitions}


SCRIPT: Final = f"""\
#!/bin/sh
# Makes the streams whose definitions lie beside this script, or changes them to these. It can run any number of times.
# Streams that have no definition any more are left alone: their messages may still be wanted.
set -eu

attempts=60
until nats account info >/dev/null 2>&1; do
  attempts=$((attempts - 1))
  if [ "$attempts" -le 0 ]; then
    echo "JetStream does not answer:" >&2
    nats account info >&2
    exit 1
  fi
  sleep 5
done

existing=$(nats stream ls --names)
for file in {SETTINGS}/*.json; do
  stream=$(basename "$file" .json)
  if printf '%s\\n' "$existing" | grep -qxF "$stream"; then
    nats stream edit "$stream" --config "$file" --force
  else
    nats stream add "$stream" --config "$file"
  fi
done
"""
"""Run by the Job. It reads NATS_URL, NATS_USER, NATS_PASSWORD and NATS_CA, as the `nats` command does."""
