"""The Google services that may use a key, and since when: a grant has no effect for the first minutes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from sandbox.providers.cloud.behaviour import GRANT_MINUTES
from sandbox.providers.cloud.kinds import Facts, Other
from sandbox.providers.gcp.make import agent_of

GRANT: Final = "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember"
ENCRYPTER: Final = "roles/cloudkms.cryptoKeyEncrypterDecrypter"


def key_refused(facts: Facts, key: object, service: str) -> str | None:
    """Google's error if a service may not use a key (its id), or not yet; None without a key."""
    if not key or any(one.age >= GRANT_MINUTES for one in _grants(facts, str(key), service)):
        return None
    return f"Unable to delegate the access of CMEK. Please try again later: {agent_of(service)} may not use {key}"


def key_needs(facts: Facts, key: object, service: str) -> Sequence[str]:
    """Needs for reading data that a service encrypted with a key: the key and the service's grant."""
    return [str(key), *(one.id for one in _grants(facts, str(key), service))] if key else []


def _grants(facts: Facts, key: str, service: str) -> Iterator[Other]:
    wanted = {"cryptoKeyId": key, "role": ENCRYPTER, "member": f"serviceAccount:{agent_of(service)}"}
    return (one for one in facts.others(GRANT) if all(one.inputs.get(name) == value for name, value in wanted.items()))
