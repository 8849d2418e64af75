"""The plugin: `python -m sandbox.providers.azure_native [ENGINE]` prints its port and serves until the engine ends."""

from __future__ import annotations

from importlib import metadata

from sandbox.providers.azure_native.functions import FUNCTIONS
from sandbox.providers.azure_native.kinds import KINDS
from sandbox.providers.cloud.provider import CloudStandIn
from sandbox.providers.server import serve


class AzureNative(CloudStandIn):
    """The `azure-native` provider."""

    plugin = "azure-native"
    package = "pulumi_azure_native"
    version = metadata.version("pulumi-azure-native")
    table = KINDS
    functions = FUNCTIONS


if __name__ == "__main__":
    serve(AzureNative)
