"""ServiceAccounts for those who work from another cluster, with tokens that do not expire."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_kubernetes as k8s

from components.metadata import object_meta
from components.secret_data import decoded

LONG_LIVED: Final = "kubernetes.io/service-account-token"
RBAC: Final = "rbac.authorization.k8s.io"


@dataclass(frozen=True, kw_only=True)
class ApiAccess:
    """How somebody reaches a region's Kubernetes API, and where the account for it is."""

    region: str
    namespace: pulumi.Input[str]
    """Of the account and its token."""
    api_endpoint: pulumi.Input[str] | None
    """The API's URL, or its host name. None: nobody knows it."""
    api_certificate_authority: pulumi.Input[str] | None = None
    """Signed the API's certificate: PEM in base64. None: the one that pods are given."""


@dataclass(frozen=True, kw_only=True)
class Rights:
    """What an account may do."""

    role: str
    """Name of the role and of its binding."""
    rules: Sequence[Mapping[str, list[str]]]
    """Each with `api_groups`, `resources` and `verbs`."""
    everywhere: bool
    """In all namespaces, and not only in the account's."""


@dataclass(frozen=True, kw_only=True)
class Login:
    """What the API is called with."""

    certificate_authority: str
    """PEM in base64."""
    token: str


def account_token(
    name: str, access: ApiAccess, *, app: str, rights: Rights, opts: pulumi.ResourceOptions
) -> k8s.core.v1.Secret:
    """Make the account `app` with these rights, and the Secret `<app>-token`, which Kubernetes fills for it."""
    account = k8s.core.v1.ServiceAccount(
        f"{name}-account",
        metadata=object_meta(app, app=app, region=access.region, namespace=access.namespace),
        automount_service_account_token=False,
        opts=opts,
    )
    binding = _binding(name, access, app, rights, account, opts)
    return k8s.core.v1.Secret(
        f"{name}-token",
        metadata=object_meta(
            f"{app}-token",
            app=app,
            region=access.region,
            namespace=account.metadata.namespace,
            annotations={"kubernetes.io/service-account.name": account.metadata.name},
        ),
        type=LONG_LIVED,
        # Whoever has the token has its rights, too.
        opts=pulumi.ResourceOptions.merge(
            opts, pulumi.ResourceOptions(depends_on=[binding], additional_secret_outputs=["data"])
        ),
    )


def login(access: ApiAccess, *, app: str, token: k8s.core.v1.Secret) -> pulumi.Output[Login]:
    """What the API is called with, once Kubernetes has filled the `token`. Secret like the token."""
    return pulumi.Output.all(authority=access.api_certificate_authority, data=token.data).apply(
        lambda known: Login(
            certificate_authority=known["authority"] or entry(app, access.region, known["data"], "ca.crt"),
            token=decoded(entry(app, access.region, known["data"], "token")),
        )
    )


def api_url(endpoint: str) -> str:
    """The URL of an API whose URL or host name is `endpoint`."""
    return endpoint if "://" in endpoint else f"https://{endpoint}"


def entry(app: str, region: str, data: Mapping[str, str] | None, key: str) -> str:
    """What Secret `<app>-token` has under `key`, in base64; RunError with the remedy while it has nothing."""
    if not data or not data.get(key):
        raise pulumi.RunError(
            f"region {region}: Secret {app}-token has no {key}. Kubernetes fills it in soon after its ServiceAccount "
            "is there: run `pulumi refresh` for this stack, then `pulumi up` again."
        )
    return data[key]


def _binding(
    name: str,
    access: ApiAccess,
    app: str,
    rights: Rights,
    account: k8s.core.v1.ServiceAccount,
    opts: pulumi.ResourceOptions,
) -> pulumi.Resource:
    where = None if rights.everywhere else access.namespace
    metadata = object_meta(rights.role, app=app, region=access.region, namespace=where)
    rules = [k8s.rbac.v1.PolicyRuleArgs(**rule) for rule in rights.rules]
    subject = k8s.rbac.v1.SubjectArgs(
        kind="ServiceAccount", name=account.metadata.name, namespace=account.metadata.namespace
    )
    if rights.everywhere:
        everywhere = k8s.rbac.v1.ClusterRole(f"{name}-role", metadata=metadata, rules=rules, opts=opts)
        granted = k8s.rbac.v1.RoleRefArgs(api_group=RBAC, kind="ClusterRole", name=everywhere.metadata.name)
        return k8s.rbac.v1.ClusterRoleBinding(
            f"{name}-binding", metadata=metadata, role_ref=granted, subjects=[subject], opts=opts
        )
    here = k8s.rbac.v1.Role(f"{name}-role", metadata=metadata, rules=rules, opts=opts)
    granted = k8s.rbac.v1.RoleRefArgs(api_group=RBAC, kind="Role", name=here.metadata.name)
    return k8s.rbac.v1.RoleBinding(
        f"{name}-binding", metadata=metadata, role_ref=granted, subjects=[subject], opts=opts
    )
