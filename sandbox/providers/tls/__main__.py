"""The plugin: `python -m sandbox.providers.tls [ENGINE]` prints its port and serves until the engine ends."""

from __future__ import annotations

from sandbox.providers.generated_provider import GeneratedValues
from sandbox.providers.server import serve
from sandbox.providers.tls.kinds import KINDS


class Tls(GeneratedValues):
    """The `tls` provider."""

    package = "tls"
    version = "5.6.2"
    kinds = KINDS


if __name__ == "__main__":
    serve(Tls)
