"""The key that GKE encrypts Kubernetes Secrets with before they reach etcd's disk."""

from dataclasses import dataclass

import pulumi
from pulumi_gcp import kms, projects

from components.cluster.arguments import NetworkArgs, common_labels

ROTATION_PERIOD = f"{90 * 24 * 60 * 60}s"
_SERVICE = "container.googleapis.com"
_ROLE = "roles/cloudkms.cryptoKeyEncrypterDecrypter"


@dataclass(frozen=True, kw_only=True)
class GkeEncryptionArgs:
    """`project` is the id of the Google Cloud project, `network` says where the region is."""

    project: str
    network: NetworkArgs


class GkeEncryption(pulumi.ComponentResource):
    """A key that rotates every 90 days and that GKE's service agent may use.

    Key rings cannot be deleted in Google Cloud: a destroyed stack leaves an empty one, with a name of its own.

    Outputs: `key_id`, `service_agent` (email of GKE's service agent; it begins with the project's number).
    """

    key_id: pulumi.Output[str]
    service_agent: pulumi.Output[str]

    def __init__(self, name: str, args: GkeEncryptionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cluster:GkeEncryption", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        ring = kms.KeyRing(f"{name}-ring", location=args.network.location, opts=child)
        key = kms.CryptoKey(
            f"{name}-key",
            key_ring=ring.id,
            purpose="ENCRYPT_DECRYPT",
            rotation_period=ROTATION_PERIOD,
            labels=common_labels(args.network),
            opts=child,
        )
        agent = projects.ServiceIdentity(f"{name}-agent", project=args.project, service=_SERVICE, opts=child)
        kms.CryptoKeyIAMMember(
            f"{name}-grant", crypto_key_id=key.id, role=_ROLE, member=agent.email.apply(_member), opts=child
        )
        self.key_id = key.id
        self.service_agent = agent.email
        self.register_outputs({})


@dataclass(frozen=True, kw_only=True)
class GkeKeyUseArgs:
    """`service` is the API of a Google service of `project` that may encrypt and decrypt with the key `key_id`."""

    project: str
    service: str
    key_id: pulumi.Input[str]


class GkeKeyUse(pulumi.ComponentResource):
    """Lets another service of Google use the region's key.

    Outputs: `key_id`, known once the service may use it.
    """

    key_id: pulumi.Output[str]

    def __init__(self, name: str, args: GkeKeyUseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cluster:GkeKeyUse", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        agent = projects.ServiceIdentity(f"{name}-agent", project=args.project, service=args.service, opts=child)
        grant = kms.CryptoKeyIAMMember(
            f"{name}-grant", crypto_key_id=args.key_id, role=_ROLE, member=agent.email.apply(_member), opts=child
        )
        self.key_id = pulumi.Output.all(args.key_id, grant.id).apply(lambda known: str(known[0]))
        self.register_outputs({})


def _member(email: str) -> str:
    return f"serviceAccount:{email}"
