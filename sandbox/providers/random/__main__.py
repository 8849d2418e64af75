"""The plugin: `python -m sandbox.providers.random [ENGINE]` prints its port and serves until the engine ends."""

from __future__ import annotations

from sandbox.providers.generated_provider import GeneratedValues
from sandbox.providers.random.kinds import KINDS
from sandbox.providers.server import serve


class Random(GeneratedValues):
    """The `random` provider."""

    package = "random"
    version = "4.21.4"
    kinds = KINDS


if __name__ == "__main__":
    serve(Random)
