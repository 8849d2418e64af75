"""Streams and mirrors: which ones a region holds, and the Job that creates them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import pulumi

from components import network
from components.context import RegionContext
from components.messaging import configuration, live_rights
from components.messaging.settings import MessagingSettings, StreamSettings, WebSocketSettings
from components.metadata import selector
from components.namespaces import NATS
from components.settings.values import ALL, bytes_of, seconds_of, usual_replicas
from components.setup_job import SetupJob
from components.trust import Certificate
from components.versions import NATS_BOX_IMAGE
from components.workload import AppMetadata, Resources, secret_volume

APP: Final = "nats-streams"
SETTINGS: Final = "/etc/nats-streams"
SCRATCH: Final = "/tmp"  # noqa: S108 - a volume of the pod's own
SERVER: Final = f"tls://{configuration.SERVICE}:{configuration.CLIENT_PORT}"
UNLIMITED: Final = -1
DUPLICATE_WINDOW: Final = 120
"""Seconds. JetStream refuses a window longer than the retention of messages, which is at least an hour."""
NANOSECONDS: Final = 10**9
DEADLINE_SECONDS: Final = 900
RESOURCES: Final = Resources(cpu="100m", memory="128Mi", scratch="16Mi")


class NatsStreams(pulumi.ComponentResource):
    """A Job that creates the region's streams and mirrors from `files`. It runs again when its input changes.

    It waits for `servers`, whose certificate is `certificate`. `password` belongs to the application's user.
    """

    def __init__(
        self,
        name: str,
        context: RegionContext,
        files: Mapping[str, str],
        *,
        password: pulumi.Input[str],
        certificate: Certificate,
        servers: pulumi.Resource,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:messaging:NatsStreams", name, None, opts)
        setup = SetupJob(
            container="streams",
            image=NATS_BOX_IMAGE,
            command=["/bin/sh", f"{SETTINGS}/streams.sh"],
            resources=RESOURCES,
            deadline=DEADLINE_SECONDS,
            files=files,
            secrets={"password": password},
            secret_environment={"NATS_PASSWORD": "password"},
            mounts={"settings": SETTINGS, "certificates": configuration.CERTIFICATES, "scratch": SCRATCH},
            # Only the root certificate: the Job must not read the servers' key.
            certificates=secret_volume("certificates", certificate.secret_name, {"ca.crt": "ca.crt"}),
            environment={
                "NATS_URL": SERVER,
                "NATS_CA": f"{configuration.CERTIFICATES}/ca.crt",
                "NATS_USER": configuration.APPLICATION_USER,
                "HOME": SCRATCH,
                "XDG_CONFIG_HOME": SCRATCH,
            },
            egress=[
                network.egress([configuration.CLIENT_PORT], network.peer(pods=selector(configuration.APP))),
            ],
        )
        app = AppMetadata(app=APP, region=context.region, namespace=context.namespaces[NATS])
        setup.register(name, app, pulumi.ResourceOptions(parent=self), after=[servers])
        self.register_outputs({})


def home_of(stream: StreamSettings | WebSocketSettings, region: str) -> str:
    """Return the region that takes the messages. It defaults to `region`, for stacks with one region."""
    return stream.home or region


def held(region: str, streams: Iterable[StreamSettings]) -> tuple[StreamSettings, ...]:
    """Return the streams whose home is `region` or that it mirrors, sorted by name.

    The result does not depend on which other regions exist.
    """
    listed = sorted(streams, key=lambda stream: stream.name)
    return tuple(
        stream for stream in listed if home_of(stream, region) == region or {region, ALL} & set(stream.mirrored_in)
    )


def mirrored(region: str, settings: MessagingSettings) -> list[configuration.Mirrored]:
    """Return the streams that `region` only mirrors, with the stream of the circles' state."""
    live = [(live_rights.STREAM, home_of(settings.websocket, region))] if settings.websocket.enabled else []
    streams = [(stream.name, home_of(stream, region)) for stream in held(region, settings.streams)]
    return [configuration.Mirrored(stream=name, home=home) for name, home in (*streams, *live) if home != region]


def outbox(site: str, stream: str) -> str:
    """Return the name of the stream in which the edge site `site` keeps what it has not yet sent to `stream`.

    No stream of the settings can have such a name, and no other outbox has it: `stream` knows by the name how much of
    an outbox it has. So a copy of an outbox can be carried to the home as a file.
    """
    return f"_outbox-{site}_{stream}"


def definition(region: str, stream: StreamSettings, servers: int, sites: Sequence[str] = ()) -> dict[str, Any]:
    """Return JetStream's definition for `region` with `servers` servers: the stream at its home, a mirror elsewhere.

    The stream at its home also takes what the outboxes of the region's edge `sites` hold.
    """
    common = _common(stream, stream.replicas or usual_replicas(servers))
    home = home_of(stream, region)
    if home != region:
        return {**common, "mirror": _copied_from(home, stream.name)}
    sources = [_copied_from(site, outbox(site, stream.name)) for site in sorted(sites)]
    return {
        **common,
        "subjects": list(stream.subjects),
        "duplicate_window": DUPLICATE_WINDOW * NANOSECONDS,
        **({"sources": sources} if sources else {}),
    }


def _common(stream: StreamSettings, replicas: int) -> dict[str, Any]:
    return {
        "name": stream.name,
        "retention": "limits",
        "storage": "file",
        "discard": "old",
        "num_replicas": replicas,
        "max_age": seconds_of(stream.retention) * NANOSECONDS,
        "max_bytes": bytes_of(stream.max_size),
        "max_msgs": UNLIMITED,
        "max_msgs_per_subject": UNLIMITED,
        "max_msg_size": UNLIMITED,
        "max_consumers": UNLIMITED,
        "allow_direct": True,
    }


def _copied_from(domain: str, stream: str) -> dict[str, Any]:
    return {"name": stream, "external": {"api": configuration.domain_api(domain)}}


def site_definitions(site: str, home: str, settings: MessagingSettings) -> dict[str, dict[str, Any]]:
    """Return JetStream's definitions for the edge site `site` of the region `home`, by the stream's name.

    The site copies all streams that its home holds, from there. It has an outbox for each that its home takes messages
    for: what the site's services publish waits there until the home has it. A message leaves the outbox only then, for
    the home acknowledges what it takes from a stream that is a queue (nats-server 2.14 and later: `AckFlowControl`).
    A full outbox refuses messages. It never drops any.
    """
    made: dict[str, dict[str, Any]] = {}
    for stream in held(home, settings.streams):
        common = _common(stream, 1)
        made[stream.name] = {**common, "mirror": _copied_from(home, stream.name)}
        if home_of(stream, home) == home:
            name = outbox(site, stream.name)
            made[name] = {
                **common,
                "name": name,
                "subjects": list(stream.subjects),
                "retention": "workqueue",
                "discard": "new",
                "max_age": 0,
                "duplicate_window": DUPLICATE_WINDOW * NANOSECONDS,
            }
    return made


def bucket(region: str, settings: MessagingSettings) -> dict[str, Any]:
    """Return JetStream's definition of the circles' state for `region`: the bucket at its home, a mirror elsewhere.

    Every region announces the changes of its own copy, so that browsers need no right to make consumers: JetStream
    would deliver to any subject that a consumer names.
    Headers that would remove the values of other circles (`Nats-Rollup`) are not allowed.
    """
    live = settings.websocket
    common = {
        "name": live_rights.STREAM,
        "retention": "limits",
        "storage": "file",
        "num_replicas": usual_replicas(settings.servers),
        "max_age": seconds_of(live.retention) * NANOSECONDS,
        "max_bytes": bytes_of(live.max_size),
        "max_msgs": UNLIMITED,
        "max_msgs_per_subject": 1,
        "max_msg_size": UNLIMITED,
        "max_consumers": UNLIMITED,
        "allow_direct": True,
        "allow_msg_ttl": True,
        "allow_rollup_hdrs": False,
        "deny_delete": True,
        "republish": {"src": f"{live_rights.VALUES}.>", "dest": f"{configuration.changes(region)}.>"},
    }
    home = home_of(live, region)
    if home == region:
        subjects = [f"{live_rights.VALUES}.>"]
        window = DUPLICATE_WINDOW * NANOSECONDS
        return {**common, "subjects": subjects, "discard": "new", "duplicate_window": window}
    # A mirror that refused a value would wait for room.
    external = {"api": configuration.domain_api(home)}
    return {**common, "discard": "old", "mirror": {"name": live_rights.STREAM, "external": external}}


def definitions(
    region: str, settings: MessagingSettings, *, sites: Sequence[str] = (), home: str | None = None
) -> dict[str, dict[str, Any]]:
    """Return JetStream's definitions of all that `region` holds, by the stream's name.

    `sites` are the edge sites whose home it is. With `home`, `region` itself is an edge site of that region.
    """
    if home is not None:
        return site_definitions(region, home, settings)
    live = {live_rights.STREAM: bucket(region, settings)} if settings.websocket.enabled else {}
    streams = held(region, settings.streams)
    return {**{stream.name: definition(region, stream, settings.servers, sites) for stream in streams}, **live}


def files(
    region: str, settings: MessagingSettings, *, sites: Sequence[str] = (), home: str | None = None
) -> dict[str, str]:
    """Return the Job's files: the script, and a definition named after each stream. Empty without streams.

    The arguments are those of `definitions`.
    """
    made = definitions(region, settings, sites=sites, home=home)
    texts = {f"{name}.json": json.dumps(each, indent=2) for name, each in made.items()}
    return {"streams.sh": SCRIPT, **texts} if made else {}


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

existing=$(nats stream ls --names --all)
for file in {SETTINGS}/*.json; do
  stream=$(basename "$file" .json)
  if printf '%s\\n' "$existing" | grep -qxF "$stream"; then
    nats stream edit "$stream" --config "$file" --force
  else
    nats stream add "$stream" --config "$file"
  fi
done
"""
"""The Job runs this. It reads NATS_URL, NATS_USER, NATS_PASSWORD and NATS_CA, as the `nats` command does."""
