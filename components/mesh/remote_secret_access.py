"""The identity with which the control planes of other regions read a region's Kubernetes API."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.account_token import account_token, entry
from components.mesh import across
from components.metadata import object_meta

APP = "remote-secret-access"
CLUSTER_ROLE = "sacred-council-remote-secret-access"


@dataclass(frozen=True, kw_only=True)
class RemoteSecretAccessArgs:
    """`namespace` is the control plane's. `api_endpoint` is the API's URL as other regions reach it (None: unknown).

    `api_certificate_authority` signed the API's certificate, PEM in base64 (None: the one that pods are given).
    """

    region: str
    namespace: pulumi.Input[str]
    api_endpoint: pulumi.Input[str] | None
    api_certificate_authority: pulumi.Input[str] | None = None


class RemoteSecretAccess(pulumi.ComponentResource):
    """A ServiceAccount that may read what Istio watches, with a token that does not expire. Early and small.

    Outputs: `kubeconfig` (secret, JSON; None where the API's endpoint is not known).
    """

    kubeconfig: pulumi.Output[str] | None

    def __init__(self, name: str, args: RemoteSecretAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:mesh:RemoteSecretAccess", name, None, opts)
        account = k8s.core.v1.ServiceAccount(
            f"{name}-account",
            metadata=object_meta(APP, app=APP, region=args.region, namespace=args.namespace),
            automount_service_account_token=False,
            opts=pulumi.ResourceOptions(parent=self),
        )
        binding = self._rights(name, args, account)
        token = account_token(
            f"{name}-token",
            app=APP,
            region=args.region,
            account=account,
            binding=binding,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.kubeconfig = None if args.api_endpoint is None else _kubeconfig(args, token)
        self.register_outputs({})

    def _rights(
        self, name: str, args: RemoteSecretAccessArgs, account: k8s.core.v1.ServiceAccount
    ) -> k8s.rbac.v1.ClusterRoleBinding:
        child = pulumi.ResourceOptions(parent=self)
        metadata = object_meta(CLUSTER_ROLE, app=APP, region=args.region)
        role = k8s.rbac.v1.ClusterRole(
            f"{name}-role",
            metadata=metadata,
            rules=[k8s.rbac.v1.PolicyRuleArgs(**rule) for rule in across.remote_secret_rules()],
            opts=child,
        )
        return k8s.rbac.v1.ClusterRoleBinding(
            f"{name}-binding",
            metadata=metadata,
            role_ref=k8s.rbac.v1.RoleRefArgs(
                api_group="rbac.authorization.k8s.io", kind="ClusterRole", name=role.metadata.name
            ),
            subjects=[
                k8s.rbac.v1.SubjectArgs(
                    kind="ServiceAccount", name=account.metadata.name, namespace=account.metadata.namespace
                )
            ],
            opts=child,
        )


def _kubeconfig(args: RemoteSecretAccessArgs, token: k8s.core.v1.Secret) -> pulumi.Output[str]:
    authority = args.api_certificate_authority
    parts = pulumi.Output.all(endpoint=args.api_endpoint, authority=authority, data=token.data)
    kubeconfig = parts.apply(
        lambda known: across.remote_kubeconfig(
            region=args.region,
            endpoint=known["endpoint"],
            certificate_authority=known["authority"] or entry(APP, args.region, known["data"], "ca.crt"),
            token=across.decoded(entry(APP, args.region, known["data"], "token")),
        )
    )
    return pulumi.Output.secret(kubeconfig)
