"""The plugin: `python -m sandbox.providers.aws [ENGINE]` prints its port and serves until the engine ends."""

from __future__ import annotations

from importlib import metadata

from sandbox.providers.aws.functions import FUNCTIONS
from sandbox.providers.aws.kinds import KINDS
from sandbox.providers.cloud.provider import CloudStandIn
from sandbox.providers.server import serve


class Aws(CloudStandIn):
    """The `aws` provider."""

    plugin = "aws"
    package = "pulumi_aws"
    version = metadata.version("pulumi-aws")
    table = KINDS
    functions = FUNCTIONS


if __name__ == "__main__":
    serve(Aws)
