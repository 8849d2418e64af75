"""Node and client certificates, each with its key in a separate Kubernetes Secret."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_kubernetes as k8s
import pulumi_tls as tls

from components.metadata import object_meta
from components.trust.authority import HOURS_PER_DAY, ORGANIZATION, RegionAuthority

VALIDITY_HOURS = 365 * HOURS_PER_DAY
RENEWAL_HOURS = 60 * HOURS_PER_DAY

Usage = Literal["server", "client"]
_EXTENDED_USES: dict[Usage, str] = {"server": "server_auth", "client": "client_auth"}


@dataclass(frozen=True, kw_only=True)
class CertificateArgs:
    """The subject of a certificate, its issuer, and its Secret."""

    authority: RegionAuthority
    """Signs the certificate."""
    common_name: str
    organization: str | None = ORGANIZATION
    """Organization of the subject. None: the subject is the common name alone, for servers that read it as a user."""
    app: str
    """Application in the Secret's labels."""
    region: str
    """Region in the Secret's labels."""
    namespace: pulumi.Input[str]
    secret_name: str
    usages: Sequence[Usage]
    """Whether the holder is a server, a client or both."""
    dns_names: Sequence[pulumi.Input[str]] = ()
    """Subject alternative names."""
    ip_addresses: Sequence[pulumi.Input[str]] = ()
    """Further subject alternative names."""

    def __post_init__(self) -> None:
        if not self.usages:
            raise ValueError(f"usages of certificate {self.common_name!r}: expected server, client or both, got none")


class Certificate(pulumi.ComponentResource):
    """A certificate (ECDSA P-256, one year, renewed 60 days early) in a Secret of type kubernetes.io/tls.

    Outputs: `secret_name` (keys `tls.crt` with the chain, `tls.key`, `ca.crt` with the root), `fingerprint`
    (SHA-256 of the certificate; put it on pods as an annotation so that they restart with a new certificate),
    `chain_pem` and `private_key_pem` (secret; PKCS #8), for Secrets that hold more than a certificate.
    """

    secret_name: pulumi.Output[str]
    fingerprint: pulumi.Output[str]
    chain_pem: pulumi.Output[str]
    private_key_pem: pulumi.Output[str]

    def __init__(self, name: str, args: CertificateArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:trust:Certificate", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        key = tls.PrivateKey(f"{name}-key", algorithm="ECDSA", ecdsa_curve="P256", opts=child)
        signed = self._signed(name, args, key)
        self.chain_pem = pulumi.Output.concat(signed.cert_pem, args.authority.certificate_pem)
        self.private_key_pem = key.private_key_pem_pkcs8
        secret = k8s.core.v1.Secret(
            f"{name}-secret",
            metadata=object_meta(args.secret_name, app=args.app, region=args.region, namespace=args.namespace),
            type="kubernetes.io/tls",
            string_data={
                "tls.crt": self.chain_pem,
                "tls.key": self.private_key_pem,
                "ca.crt": args.authority.root_pem,
            },
            opts=child,
        )
        self.secret_name = secret.metadata.name
        self.fingerprint = signed.cert_pem.apply(lambda pem: hashlib.sha256(pem.encode()).hexdigest())
        self.register_outputs({"secret_name": self.secret_name, "fingerprint": self.fingerprint})

    def _signed(self, name: str, args: CertificateArgs, key: tls.PrivateKey) -> tls.LocallySignedCert:
        child = pulumi.ResourceOptions(parent=self)
        request = tls.CertRequest(
            f"{name}-request",
            private_key_pem=key.private_key_pem,
            subject=tls.CertRequestSubjectArgs(common_name=args.common_name, organization=args.organization),
            dns_names=list(args.dns_names) or None,
            ip_addresses=list(args.ip_addresses) or None,
            opts=child,
        )
        return tls.LocallySignedCert(
            f"{name}-certificate",
            cert_request_pem=request.cert_request_pem,
            ca_private_key_pem=args.authority.private_key_pem,
            ca_cert_pem=args.authority.certificate_pem,
            allowed_uses=["digital_signature", *(_EXTENDED_USES[usage] for usage in args.usages)],
            validity_period_hours=VALIDITY_HOURS,
            early_renewal_hours=RENEWAL_HOURS,
            opts=child,
        )
