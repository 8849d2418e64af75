"""The plugin: `python -m sandbox.providers.tls [ENGINE]` prints its port and serves until the engine ends."""

from __future__ import annotations

from sandbox.providers.base import Values
from sandbox.providers.generated_provider import GeneratedValues
from sandbox.providers.server import serve
from sandbox.providers.tls.functions import FUNCTIONS
from sandbox.providers.tls.kinds import KINDS
from sandbox.providers.values import plain


class Tls(GeneratedValues):
    """The `tls` provider."""

    package = "tls"
    version = "5.6.2"
    kinds = KINDS

    async def invoke(self, token: str, args: Values) -> Values:
        """Answer `getPublicKey` and `getCertificate`."""
        if token not in FUNCTIONS:
            return await super().invoke(token, args)
        return FUNCTIONS[token](plain(args))


if __name__ == "__main__":
    serve(Tls)
