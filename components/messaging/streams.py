"""Streams and their mirrors: which a region holds, and the Job that makes them."""

import json
from collections.abc import Iterable
from typing import Any, Final

import pulumi

from components import network
from components.context import RegionContext
from components.messaging import configuration
from components.messaging.settings import ALL, MessagingSettings, StreamSettings
from components.metadata import selector
from components.namespaces import NATS
from components.settings.values import bytes_of, seconds_of
from components.setup_job import SetupJob
from components.trust import Certificate
from components.versions import NATS_BOX_IMAGE
from components.workload import AppMetadata, Resources, secret_volume

APP: Final = "nats-streams"
SETTINGS: Final = "/etc/nats-streams"
CERTIFICATES: Final = "/etc/nats-certificates"
SCRATCH: Final = "/tmp"  # noqa: S108 - a volume of the pod's own
SERVER: Final = f"tls://{configuration.SERVICE}:{configuration.CLIENT_PORT}"
UNLIMITED: Final = -1
USUAL_REPLICAS: Final = 3
DUPLICATE_WINDOW: Final = 120
"""Seconds. JetStream refuses one that is longer than messages are kept, which is an hour at least."""
NANOSECONDS: Final = 10**9
DEADLINE_SECONDS: Final = 900
RESOURCES: Final = Resources(cpu="100m", memory="128Mi", scratch="16Mi")


class NatsStreams(pulumi.ComponentResource):
    """A Job that makes the streams that the region holds; it runs again when something that it reads has changed.

    It waits for the `servers`, which have the `certificate`. `password` is that of the application's user.
    """

    def __init__(
        self,
        name: str,
        context: RegionContext,
        settings: MessagingSettings,
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
            files=files(context.region, settings),
            secrets={"password": password},
            secret_environment={"NATS_PASSWORD": "password"},
            mounts={"settings": SETTINGS, "certificates": CERTIFICATES, "scratch": SCRATCH},
            # The root certificate alone: the servers' key is none of the Job's business.
            certificates=secret_volume("certificates", certificate.secret_name, {"ca.crt": "ca.crt"}),
            environment={
                "NATS_URL": SERVER,
                "NATS_CA": f"{CERTIFICATES}/ca.crt",
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


def home_of(stream: StreamSettings, region: str) -> str:
    """The region that takes the stream's messages. A stack of one `region` need not name it."""
    return stream.home or region


def held(region: str, streams: Iterable[StreamSettings]) -> tuple[StreamSettings, ...]:
    """The streams that `region` holds, sorted by name: those it is the home of, and those it has a mirror of.

    They do not depend on what other regions there are.
    """
    listed = sorted(streams, key=lambda stream: stream.name)
    return tuple(
        stream for stream in listed if home_of(stream, region) == region or {region, ALL} & set(stream.mirrored_in)
    )


def mirrored(region: str, streams: Iterable[StreamSettings]) -> list[configuration.Mirrored]:
    """The streams that `region` has a mirror of, and not the stream itself."""
    return [
        configuration.Mirrored(stream=stream.name, home=home_of(stream, region))
        for stream in held(region, streams)
        if home_of(stream, region) != region
    ]


def definition(region: str, stream: StreamSettings, servers: int) -> dict[str, Any]:
    """What JetStream is asked for in `region`, of so many `servers`: the stream at its home, elsewhere a mirror."""
    common = {
        "name": stream.name,
        "retention": "limits",
        "storage": "file",
        "discard": "old",
        "num_replicas": stream.replicas or min(servers, USUAL_REPLICAS),
        "max_age": seconds_of(stream.retention) * NANOSECONDS,
        "max_bytes": bytes_of(stream.max_size),
        "max_msgs": UNLIMITED,
        "max_msgs_per_subject": UNLIMITED,
        "max_msg_size": UNLIMITED,
        "max_consumers": UNLIMITED,
        "allow_direct": True,
    }
    home = home_of(stream, region)
    if home == region:
        return {**common, "subjects": list(stream.subjects), "duplicate_window": DUPLICATE_WINDOW * NANOSECONDS}
    return {**common, "mirror": {"name": stream.name, "external": {"api": configuration.domain_api(home)}}}


def files(region: str, settings: MessagingSettings) -> dict[str, str]:
    """The Job's files: the script, and a definition for each stream that `region` holds, named after it."""
    definitions = {
        f"{stream.name}.json": json.dumps(definition(region, stream, settings.servers), indent=2)
        for stream in held(region, settings.streams)
    }
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
