"""Keys of a region in Google's KMS, and the Google services that may use them."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_gcp import compute, kms, projects

from components.cluster.location import NetworkArgs, common_labels
from components.grants import once_honoured

ROTATION_PERIOD = f"{90 * 24 * 60 * 60}s"
_SERVICE = "container.googleapis.com"
_ROLE = "roles/cloudkms.cryptoKeyEncrypterDecrypter"


class GkeEncryption(pulumi.ComponentResource):
    """The key with which GKE encrypts Kubernetes Secrets before etcd stores them. It rotates every 90 days.

    `project` is the ID of the Google Cloud project, `place` the region's place.
    Google Cloud cannot delete key rings: a destroyed stack leaves one, with a unique name.

    Outputs: `key_id` (known once Google honours GKE's grant), `ring_id`, `service_agent` (email of GKE's service agent;
    it contains the project's number).
    """

    key_id: pulumi.Output[str]
    ring_id: pulumi.Output[str]
    service_agent: pulumi.Output[str]

    def __init__(self, name: str, project: str, place: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cluster:GkeEncryption", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        ring = kms.KeyRing(f"{name}-ring", location=place.location, opts=child)
        key = _key(name, ring.id, place, child)
        use = GkeKeyUse(f"{name}-use", GkeKeyUseArgs(project=project, service=_SERVICE, key_id=key.id), child)
        self.key_id = use.key_id
        self.ring_id = ring.id
        self.service_agent = use.service_agent
        self.register_outputs({})


@dataclass(frozen=True, kw_only=True)
class GkeKeyUseArgs:
    """A service that may encrypt and decrypt with a key."""

    project: str
    service: str
    """The API name of a Google service of the project."""
    key_id: pulumi.Input[str]
    kept: bool = False
    """Whether the grant stays in Google Cloud after the program drops it (ADR 24)."""


class GkeKeyUse(pulumi.ComponentResource):
    """Lets a Google service use a key.

    Outputs: `key_id` (known once Google honours the grant), `service_agent` (email of the service's agent).
    """

    key_id: pulumi.Output[str]
    service_agent: pulumi.Output[str]

    def __init__(self, name: str, args: GkeKeyUseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cluster:GkeKeyUse", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        agent = projects.ServiceIdentity(f"{name}-agent", project=args.project, service=args.service, opts=child)
        grant = kms.CryptoKeyIAMMember(
            f"{name}-grant",
            crypto_key_id=args.key_id,
            role=_ROLE,
            member=agent.email.apply(_member),
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=args.kept),
        )
        made = GrantTime(f"{name}-time", [grant], child).made
        self.key_id = once_honoured(pulumi.Output.from_input(args.key_id), [made])
        self.service_agent = agent.email
        self.register_outputs({})


@dataclass(frozen=True, kw_only=True)
class GkeDataServiceKeyArgs:
    """A key for a service that leaves a last backup."""

    project: str
    service: str
    """The API name of a Google service of the project."""
    ring_id: pulumi.Input[str]
    """The key ring that gets the key."""
    network: NetworkArgs
    """The region's place and labels."""


class GkeDataServiceKey(pulumi.ComponentResource):
    """A key for a service that leaves a last backup: key and grant stay in Google Cloud (ADR 24).

    Outputs: `key_id` (known once the service may use the key).
    """

    key_id: pulumi.Output[str]

    def __init__(self, name: str, args: GkeDataServiceKeyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cluster:GkeDataServiceKey", name, None, opts)
        kept = pulumi.ResourceOptions(parent=self, retain_on_delete=True)
        key = _key(name, args.ring_id, args.network, kept)
        self.key_id = GkeKeyUse(
            f"{name}-use",
            GkeKeyUseArgs(project=args.project, service=args.service, key_id=key.id, kept=True),
            pulumi.ResourceOptions(parent=self),
        ).key_id
        self.register_outputs({})


class GrantTime(pulumi.ComponentResource):
    """The time when `grants` were made. Google does not record it, so a resource created right after them tells it.

    That resource is a health check without targets: it is free, has no requirements, and records its creation time.

    Outputs: `made` (ISO 8601).
    """

    made: pulumi.Output[str]

    def __init__(
        self, name: str, grants: Sequence[pulumi.Resource], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("sacred-council:cluster:GrantTime", name, None, opts)
        self.made = compute.HealthCheck(
            # Google allows 63 characters, and some region names have 23.
            name,
            description="Checks nothing: it was made right after a grant and tells when that was.",
            tcp_health_check=compute.HealthCheckTcpHealthCheckArgs(port=443),
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(grants)),
        ).creation_timestamp
        self.register_outputs({})


def _key(name: str, ring: pulumi.Input[str], place: NetworkArgs, opts: pulumi.ResourceOptions) -> kms.CryptoKey:
    return kms.CryptoKey(
        f"{name}-key",
        key_ring=ring,
        purpose="ENCRYPT_DECRYPT",
        rotation_period=ROTATION_PERIOD,
        labels=common_labels(place),
        opts=opts,
    )


def _member(email: str) -> str:
    return f"serviceAccount:{email}"
