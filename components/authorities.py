"""Public certificate authorities that sign the certificates of cloud services."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import certifi

AMAZON: Final = ("Amazon Root CA 1", "Amazon Root CA 2", "Amazon Root CA 3", "Amazon Root CA 4")
"""Authorities that sign for AWS's services (Amazon Trust Services), except RDS."""

MICROSOFT: Final = (
    "DigiCert Global Root G2",
    "Microsoft ECC Root Certificate Authority 2017",
    "Microsoft RSA Root Certificate Authority 2017",
)
"""Authorities that sign for Azure's services."""

_LABEL: Final = "# Label: "
_END: Final = "-----END CERTIFICATE-----"


def public_authorities(names: Sequence[str]) -> str:
    """Return the certificates (PEM) of the authorities called `names`, from the pinned package certifi.

    Raises ValueError with the names that certifi lacks.
    """
    return select(Path(certifi.where()).read_text(encoding="utf-8"), names)


def select(bundle: str, names: Sequence[str]) -> str:
    """Return the certificates called `names` from a bundle in certifi's format, in the bundle's order. Pure."""
    found: dict[str, str] = {}
    for part in bundle.split(_LABEL)[1:]:
        label, _, rest = part.partition("\n")
        certificate = rest[rest.index("-----BEGIN") : rest.index(_END) + len(_END)]
        found[label.strip('"')] = f"{certificate}\n"
    missing = [name for name in names if name not in found]
    if missing:
        raise ValueError(f"names: certifi has no {', '.join(missing)}; pin a version of it that has")
    return "".join(certificate for name, certificate in found.items() if name in names)
