"""Tokens of ServiceAccounts for those who work from another cluster: they do not expire."""

from collections.abc import Mapping
from typing import Final

import pulumi
import pulumi_kubernetes as k8s

from components.metadata import object_meta

LONG_LIVED: Final = "kubernetes.io/service-account-token"


def account_token(
    resource_name: str,
    *,
    app: str,
    region: str,
    account: k8s.core.v1.ServiceAccount,
    binding: pulumi.Resource,
    opts: pulumi.ResourceOptions,
) -> k8s.core.v1.Secret:
    """The Secret `<app>-token` beside `account`, which Kubernetes fills with a token and its authority."""
    return k8s.core.v1.Secret(
        resource_name,
        metadata=object_meta(
            f"{app}-token",
            app=app,
            region=region,
            namespace=account.metadata.namespace,
            annotations={"kubernetes.io/service-account.name": account.metadata.name},
        ),
        type=LONG_LIVED,
        # Whoever has the token has its rights, too.
        opts=pulumi.ResourceOptions.merge(
            opts, pulumi.ResourceOptions(depends_on=[binding], additional_secret_outputs=["data"])
        ),
    )


def entry(app: str, region: str, data: Mapping[str, str] | None, key: str) -> str:
    """What Secret `<app>-token` has under `key`, in base64; RunError with the remedy while it has nothing."""
    if not data or not data.get(key):
        raise pulumi.RunError(
            f"region {region}: Secret {app}-token has no {key}. Kubernetes fills it in soon after its ServiceAccount "
            "is there: run `pulumi refresh` for this stack, then `pulumi up` again."
        )
    return data[key]
