"""The plugin: `python -m sandbox.providers.gcp [ENGINE]` prints its port and serves until the engine ends."""

from __future__ import annotations

from importlib import metadata

from sandbox.providers.cloud.provider import CloudStandIn
from sandbox.providers.gcp.kinds import KINDS
from sandbox.providers.server import serve


class Gcp(CloudStandIn):
    """The `gcp` provider."""

    plugin = "gcp"
    package = "pulumi_gcp"
    version = metadata.version("pulumi-gcp")
    table = KINDS


if __name__ == "__main__":
    serve(Gcp)
