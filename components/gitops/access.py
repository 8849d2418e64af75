"""The identity with which Argo CD deploys the services of a region, from whichever region it runs in."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.account_token import account_token, entry
from components.gitops import plan
from components.mesh import across
from components.metadata import object_meta

APP = "argocd-manager"


@dataclass(frozen=True, kw_only=True)
class RegionAccessArgs:
    """`namespace` is the services'. `api_endpoint` is the API's URL as the hub reaches it.

    `api_certificate_authority` signed the API's certificate, PEM in base64 (None: the one that pods are given).
    """

    region: str
    namespace: pulumi.Input[str]
    api_endpoint: pulumi.Input[str]
    api_certificate_authority: pulumi.Input[str] | None = None


class RegionAccess(pulumi.ComponentResource):
    """A ServiceAccount that may deploy the services' chart, in their namespace and nothing else. Early and small.

    Outputs: `server` (URL of the API), `config` (secret: how Argo CD logs in, in JSON).
    """

    server: pulumi.Output[str]
    config: pulumi.Output[str]

    def __init__(self, name: str, args: RegionAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:gitops:RegionAccess", name, None, opts)
        account = k8s.core.v1.ServiceAccount(
            f"{name}-account",
            metadata=object_meta(APP, app=APP, region=args.region, namespace=args.namespace),
            automount_service_account_token=False,
            opts=pulumi.ResourceOptions(parent=self),
        )
        token = account_token(
            f"{name}-token",
            app=APP,
            region=args.region,
            account=account,
            binding=self._rights(name, args, account),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.server = pulumi.Output.from_input(args.api_endpoint).apply(_url)
        self.config = _config(args, token)
        self.register_outputs({"server": self.server})

    def _rights(self, name: str, args: RegionAccessArgs, account: k8s.core.v1.ServiceAccount) -> pulumi.Resource:
        child = pulumi.ResourceOptions(parent=self)
        metadata = object_meta(APP, app=APP, region=args.region, namespace=args.namespace)
        role = k8s.rbac.v1.Role(
            f"{name}-role",
            metadata=metadata,
            rules=[k8s.rbac.v1.PolicyRuleArgs(**rule) for rule in plan.rights()],
            opts=child,
        )
        return k8s.rbac.v1.RoleBinding(
            f"{name}-binding",
            metadata=metadata,
            role_ref=k8s.rbac.v1.RoleRefArgs(
                api_group="rbac.authorization.k8s.io", kind="Role", name=role.metadata.name
            ),
            subjects=[
                k8s.rbac.v1.SubjectArgs(
                    kind="ServiceAccount", name=account.metadata.name, namespace=account.metadata.namespace
                )
            ],
            opts=child,
        )


def _url(endpoint: str) -> str:
    return endpoint if "://" in endpoint else f"https://{endpoint}"


def _config(args: RegionAccessArgs, token: k8s.core.v1.Secret) -> pulumi.Output[str]:
    config = pulumi.Output.all(authority=args.api_certificate_authority, data=token.data).apply(
        lambda known: plan.cluster_config(
            token=across.decoded(entry(APP, args.region, known["data"], "token")),
            certificate_authority=known["authority"] or entry(APP, args.region, known["data"], "ca.crt"),
        )
    )
    return pulumi.Output.secret(config)
