"""How clients are told where a store is and how to log in: one Secret per store in the clients' namespace."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

import pulumi
import pulumi_kubernetes as k8s

from components.metadata import object_meta

Store = Literal["database", "cache", "messaging"]


def secret_name(store: Store) -> str:
    """The name of the Secret that connects clients to `store`."""
    return f"{store}-connection"


def mount_path(store: Store) -> str:
    """Where clients mount that Secret. URLs in it that name the certificate authority's file rely on this."""
    return f"/etc/sacred-council/{store}"


@dataclass(frozen=True, kw_only=True)
class Connection:
    """What every store offers, once its Secret is there: `url` is secret, `secret_name` names the Secret."""

    url: pulumi.Output[str]
    host: pulumi.Output[str]
    port: pulumi.Output[int]
    secret_name: pulumi.Output[str]

    @classmethod
    def after(
        cls, secret: k8s.core.v1.Secret, *, url: pulumi.Output[str], host: pulumi.Output[str], port: int
    ) -> "Connection":
        """What a store offers whose Secret is `secret`."""
        name: pulumi.Output[str] = secret.metadata.name
        return cls(
            url=pulumi.Output.secret(name.apply(lambda _: url)),
            host=name.apply(lambda _: host),
            port=name.apply(lambda _: port),
            secret_name=name,
        )


def once_known(output: pulumi.Output[Any]) -> pulumi.Output[pulumi.Resource]:
    """For `depends_on`: what `output` comes from, and no more. A store's `secret_name` means a store that is ready.

    Naming the store itself would name each of its resources in the state, for each resource that waits.
    """
    return cast("pulumi.Output[pulumi.Resource]", output.apply(lambda _: None))


def connection_secret(
    resource_name: str,
    store: Store,
    *,
    region: str,
    namespace: pulumi.Input[str],
    settings: Mapping[str, pulumi.Input[str]],
    opts: pulumi.ResourceOptions,
) -> k8s.core.v1.Secret:
    """The Secret with `settings` (url, host, port, username, password, ca.crt, ...) in the clients' `namespace`."""
    return k8s.core.v1.Secret(
        resource_name,
        metadata=object_meta(secret_name(store), app=secret_name(store), region=region, namespace=namespace),
        string_data=dict(settings),
        opts=opts,
    )
