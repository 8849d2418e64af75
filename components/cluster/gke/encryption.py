"""Keys of a region in Google's KMS, and which of Google's services may use them."""

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
    """The key that GKE encrypts Kubernetes Secrets with before they reach etcd's disk. It rotates every 90 days.

    `project` is the id of the Google Cloud project, `place` is where the region is.

    Key rings cannot be deleted in Google Cloud: a destroyed stack leaves one, with a name of its own.

    Outputs: `key_id` (known once Google honours GKE's grant), `ring_id`, `service_agent` (email of GKE's service agent;
    it begins with the project's number).
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
    """Which service may encrypt and decrypt with which key."""

    project: str
    service: str
    """The API of a Google service of the project."""
    key_id: pulumi.Input[str]
    kept: bool = False
    """Whether the grant stays in Google Cloud when the program no longer has it (ADR 24)."""


class GkeKeyUse(pulumi.ComponentResource):
    """Lets a service of Google use a key.

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
class GkeStoreKeyArgs:
    """A key in the ring `ring_id` for `service` (the API of a Google service) of `project`, in the region `network`."""

    project: str
    service: str
    ring_id: pulumi.Input[str]
    network: NetworkArgs


class GkeStoreKey(pulumi.ComponentResource):
    """A key for a service that leaves a last backup: key and grant stay in Google Cloud (ADR 24).

    Outputs: `key_id`, known once the service may use it.
    """

    key_id: pulumi.Output[str]

    def __init__(self, name: str, args: GkeStoreKeyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cluster:GkeStoreKey", name, None, opts)
        kept = pulumi.ResourceOptions(parent=self, retain_on_delete=True)
        key = _key(name, args.ring_id, args.network, kept)
        self.key_id = GkeKeyUse(
            f"{name}-use",
            GkeKeyUseArgs(project=args.project, service=args.service, key_id=key.id, kept=True),
            pulumi.ResourceOptions(parent=self),
        ).key_id
        self.register_outputs({})


class GrantTime(pulumi.ComponentResource):
    """When `grants` were made. Google's grants do not know, so what is made right after them tells.

    That is a health check which checks nothing: it costs nothing, needs nothing, and knows when it was made.

    Outputs: `made` (ISO 8601).
    """

    made: pulumi.Output[str]

    def __init__(
        self, name: str, grants: Sequence[pulumi.Resource], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("sacred-council:cluster:GrantTime", name, None, opts)
        self.made = compute.HealthCheck(
            # Google takes 63 characters, and some names of regions alone have 23.
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
