"""Certificates: a root authority per purpose, an intermediate per region, and the certificates they sign."""

from components.trust.authority import RegionAuthority, RegionAuthorityArgs, RootAuthority, RootAuthorityArgs
from components.trust.certificate import Certificate, CertificateArgs, Usage

__all__ = [
    "Certificate",
    "CertificateArgs",
    "RegionAuthority",
    "RegionAuthorityArgs",
    "RootAuthority",
    "RootAuthorityArgs",
    "Usage",
]
