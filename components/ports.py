"""TCP ports with the same meaning everywhere. Pure."""

from typing import Final

HTTPS_PORT: Final = 443
