"""The subjects, alternative names and allowed uses of certificates."""

from __future__ import annotations

import difflib
import ipaddress
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from cryptography import x509
from cryptography.x509.oid import NameOID, ObjectIdentifier

# In the order in which they go into the name.
SUBJECT_FIELDS: Final[Mapping[str, ObjectIdentifier]] = {
    "organization": NameOID.ORGANIZATION_NAME,
    "commonName": NameOID.COMMON_NAME,
}

KEY_USAGES: Final = {
    "digital_signature": "digital_signature",
    "cert_signing": "key_cert_sign",
    "crl_signing": "crl_sign",
}
"""Allowed uses that are bits of the key usage extension, with the `x509.KeyUsage` argument of each."""

EXTENDED_USAGES: Final = {
    "server_auth": "1.3.6.1.5.5.7.3.1",
    "client_auth": "1.3.6.1.5.5.7.3.2",
}
"""Allowed uses that are object identifiers of the extended key usage extension."""

_OTHER_BITS: Final = (
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "encipher_only",
    "decipher_only",
)
"""The bits of the key usage extension that are never set."""


def subject_name(subject: Mapping[str, Any]) -> x509.Name:
    """The X.509 name. Raises `ValueError`, with the field, for a value that X.509 does not allow."""
    attributes = []
    for name, oid in SUBJECT_FIELDS.items():
        value = subject.get(name)
        if value:
            try:
                attributes.append(x509.NameAttribute(oid, value))
            except (ValueError, TypeError) as error:
                raise ValueError(f"subject.{name} is {value!r}: {error}") from error
    return x509.Name(attributes)


def subject_problem(subject: Mapping[str, Any]) -> str | None:
    """What is wrong with the subject, as the end of a sentence that begins with its name."""
    foreign = sorted(set(subject) - set(SUBJECT_FIELDS))
    if foreign:
        return f"has no field {foreign[0]}; {_hint(foreign[0], SUBJECT_FIELDS)}"
    try:
        subject_name(subject)
    except ValueError as error:
        return f"does not work: {error}"
    return None


def _hint(given: str, known: Iterable[str]) -> str:
    names = sorted(known)
    close = difflib.get_close_matches(given, names, n=1)
    return f"did you mean {close[0]}?" if close else f"use one of {', '.join(names)}"


def _each(problem: Callable[[Any], str | None]) -> Callable[[list[Any]], str | None]:
    def accepts(items: list[Any]) -> str | None:
        return next((found for found in map(problem, items) if found is not None), None)

    return accepts


def _use_problem(use: Any) -> str | None:
    known = [*KEY_USAGES, *EXTENDED_USAGES]
    return None if use in known else f"has {use!r}; {_hint(str(use), known)}"


def _address_problem(address: Any) -> str | None:
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return f"has {address!r}, which is not an IP address such as 10.0.0.1 or 2001:db8::1"
    return None


def _dns_problem(name: Any) -> str | None:
    fine = isinstance(name, str) and name.isascii() and name != ""
    return None if fine else f"has {name!r}, which is not a DNS name in ASCII such as example.org or *.example.org"


allowed_uses_problem = _each(_use_problem)
ip_addresses_problem = _each(_address_problem)
dns_names_problem = _each(_dns_problem)


def alternative_names(inputs: Mapping[str, Any]) -> list[x509.GeneralName]:
    """The subject alternative names from `dnsNames` and `ipAddresses`, in this order."""
    return [
        *(x509.DNSName(name) for name in inputs.get("dnsNames") or []),
        *(x509.IPAddress(ipaddress.ip_address(address)) for address in inputs.get("ipAddresses") or []),
    ]


def key_usage(uses: Iterable[str]) -> x509.KeyUsage | None:
    """The key usage extension, or None when no use belongs to it."""
    wanted = {KEY_USAGES[use] for use in uses if use in KEY_USAGES}
    bits = (*KEY_USAGES.values(), *_OTHER_BITS)
    return x509.KeyUsage(**{bit: bit in wanted for bit in bits}) if wanted else None


def extended_key_usage(uses: Iterable[str]) -> x509.ExtendedKeyUsage | None:
    """The extended key usage extension, or None when no use belongs to it."""
    wanted = [ObjectIdentifier(EXTENDED_USAGES[use]) for use in uses if use in EXTENDED_USAGES]
    return x509.ExtendedKeyUsage(wanted) if wanted else None
