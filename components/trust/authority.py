"""Certificate authorities. Private keys are secret in the state and leave it only as Kubernetes Secrets."""

from dataclasses import dataclass

import pulumi
import pulumi_tls as tls

ORGANIZATION = "Sacred Council"
HOURS_PER_DAY = 24
ROOT_VALIDITY_HOURS = 3650 * HOURS_PER_DAY
REGION_VALIDITY_HOURS = 1825 * HOURS_PER_DAY
REGION_RENEWAL_HOURS = 180 * HOURS_PER_DAY
AUTHORITY_USES = ["cert_signing", "crl_signing", "digital_signature"]


@dataclass(frozen=True, kw_only=True)
class RootAuthorityArgs:
    """Settings of the root authority."""

    common_name: str
    """Subject of the root certificate."""

    def __post_init__(self) -> None:
        if not self.common_name:
            raise ValueError("common_name: expected a name, got ''")


class RootAuthority(pulumi.ComponentResource):
    """A self-signed root (ECDSA P-384, ten years) that signs one intermediate per region.

    Outputs: `certificate_pem`, `private_key_pem` (secret).
    """

    certificate_pem: pulumi.Output[str]
    private_key_pem: pulumi.Output[str]

    def __init__(self, name: str, args: RootAuthorityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:trust:RootAuthority", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        key = tls.PrivateKey(f"{name}-key", algorithm="ECDSA", ecdsa_curve="P384", opts=child)
        certificate = tls.SelfSignedCert(
            f"{name}-certificate",
            private_key_pem=key.private_key_pem,
            subject=tls.SelfSignedCertSubjectArgs(common_name=args.common_name, organization=ORGANIZATION),
            is_ca_certificate=True,
            set_subject_key_id=True,
            allowed_uses=AUTHORITY_USES,
            validity_period_hours=ROOT_VALIDITY_HOURS,
            opts=child,
        )
        self.private_key_pem = key.private_key_pem
        self.certificate_pem = certificate.cert_pem
        self.register_outputs({"certificate_pem": self.certificate_pem})


@dataclass(frozen=True, kw_only=True)
class RegionAuthorityArgs:
    """Settings of a region's authority."""

    root: RootAuthority
    """Signs the intermediate certificate."""
    common_name: str
    """Subject of the intermediate certificate."""

    def __post_init__(self) -> None:
        if not self.common_name:
            raise ValueError("common_name: expected a name, got ''")


class RegionAuthority(pulumi.ComponentResource):
    """A region's intermediate authority (ECDSA P-256, five years). It cannot sign further authorities.

    Outputs: `certificate_pem`, `private_key_pem` (secret), `root_pem`, and `chain_pem` (intermediate, then root).
    """

    certificate_pem: pulumi.Output[str]
    private_key_pem: pulumi.Output[str]
    root_pem: pulumi.Output[str]
    chain_pem: pulumi.Output[str]

    def __init__(self, name: str, args: RegionAuthorityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:trust:RegionAuthority", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        key = tls.PrivateKey(f"{name}-key", algorithm="ECDSA", ecdsa_curve="P256", opts=child)
        request = tls.CertRequest(
            f"{name}-request",
            private_key_pem=key.private_key_pem,
            subject=tls.CertRequestSubjectArgs(common_name=args.common_name, organization=ORGANIZATION),
            opts=child,
        )
        certificate = tls.LocallySignedCert(
            f"{name}-certificate",
            cert_request_pem=request.cert_request_pem,
            ca_private_key_pem=args.root.private_key_pem,
            ca_cert_pem=args.root.certificate_pem,
            is_ca_certificate=True,
            max_path_length=0,
            set_subject_key_id=True,
            allowed_uses=AUTHORITY_USES,
            validity_period_hours=REGION_VALIDITY_HOURS,
            early_renewal_hours=REGION_RENEWAL_HOURS,
            opts=child,
        )
        self.private_key_pem = key.private_key_pem
        self.certificate_pem = certificate.cert_pem
        self.root_pem = args.root.certificate_pem
        self.chain_pem = pulumi.Output.concat(certificate.cert_pem, args.root.certificate_pem)
        self.register_outputs({"certificate_pem": self.certificate_pem})
