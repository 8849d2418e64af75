"""ServiceAccounts for callers from another cluster, with tokens that do not expire."""

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
    """How to reach a region's Kubernetes API, and where its account is."""

    region: str
    namespace: pulumi.Input[str]
    """Namespace of the account and its token."""
    api_endpoint: pulumi.Input[str] | None
    """The API's URL or host name. None: unknown."""
    api_certificate_authority: pulumi.Input[str] | None = None
    """Authority that signed the API's certificate, PEM in base64. None: the authority that Kubernetes gives to pods."""


@dataclass(frozen=True, kw_only=True)
class Rights:
    """The permissions of an account."""

    role: str
    """Name of the role and of its binding."""
    rules: Sequence[Mapping[str, list[str]]]
    """Rules, each with `api_groups`, `resources` and `verbs`."""
    everywhere: bool
    """Whether the rules apply to all namespaces, or only to the account's own."""


@dataclass(frozen=True, kw_only=True)
class Login:
    """The credentials for calling the API."""

    certificate_authority: str
    """PEM in base64."""
    token: str


def account_token(
    name: str, access: ApiAccess, *, app: str, rights: Rights, opts: pulumi.ResourceOptions
) -> k8s.core.v1.Secret:
    """Create the account `app` with `rights`, and the Secret `<app>-token`, which Kubernetes fills with a token."""
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
        # Whoever reads the token has the account's rights.
        opts=pulumi.ResourceOptions.merge(
            opts, pulumi.ResourceOptions(depends_on=[binding], additional_secret_outputs=["data"])
        ),
    )


def login(access: ApiAccess, *, app: str, token: k8s.core.v1.Secret) -> pulumi.Output[Login]:
    """Return the credentials once Kubernetes has filled `token`. They are secret."""
    return pulumi.Output.all(authority=access.api_certificate_authority, data=token.data).apply(
        lambda known: Login(
            certificate_authority=known["authority"] or entry(app, access.region, known["data"], "ca.crt"),
            token=decoded(entry(app, access.region, known["data"], "token")),
        )
    )


def api_url(endpoint: str) -> str:
    """Return the URL of an API, given its URL or host name."""
    return endpoint if "://" in endpoint else f"https://{endpoint}"


def entry(app: str, region: str, data: Mapping[str, str] | None, key: str) -> str:
    """Return `key` of the Secret `<app>-token`, in base64. Raise RunError with the remedy while the key is missing."""
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
