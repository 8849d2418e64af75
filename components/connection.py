"""Where a data service is and how to log in: one Secret per data service in the clients' namespace."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import pulumi
import pulumi_kubernetes as k8s

from components.metadata import object_meta

DataService = Literal["database", "cache", "messaging", "streaming", "matching", "ledger", "circles"]


def secret_name(data_service: DataService) -> str:
    """Return the name of the Secret that connects clients to `data_service`."""
    return f"{data_service}-connection"


def mount_path(data_service: DataService) -> str:
    """Return the path where clients mount that Secret. Its URLs name the certificate authority's file by this path."""
    return f"/etc/sacred-council/{data_service}"


@dataclass(frozen=True, kw_only=True)
class Connection:
    """The outputs of every data service, known once its Secret exists."""

    url: pulumi.Output[str]
    """Secret, because it contains the password."""
    host: pulumi.Output[str]
    port: pulumi.Output[int]
    secret_name: pulumi.Output[str]
    authority: pulumi.Output[str]
    """Certificates (PEM) of the authority that signed the data service's. Empty if its Secret names none."""

    @classmethod
    def publish(
        cls,
        name: str,
        data_service: DataService,
        *,
        region: str,
        namespace: pulumi.Input[str],
        url: pulumi.Output[str],
        host: pulumi.Output[str],
        port: int,
        settings: Mapping[str, pulumi.Input[str]],
        after: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions,
    ) -> "Connection":
        """Create the Secret of the data service `name` in the clients' `namespace`, once `after` is ready.

        Its keys are url, host, port and the keys of `settings` (username, password, ca.crt, ...).
        """
        secret = k8s.core.v1.Secret(
            f"{name}-connection",
            metadata=object_meta(
                secret_name(data_service), app=secret_name(data_service), region=region, namespace=namespace
            ),
            string_data={"url": url, "host": host, "port": str(port), **settings},
            opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=list(after))),
        )
        known: pulumi.Output[str] = secret.metadata.name
        return cls(
            url=pulumi.Output.secret(known.apply(lambda _: url)),
            host=known.apply(lambda _: host),
            port=known.apply(lambda _: port),
            secret_name=known,
            authority=known.apply(lambda _: settings.get("ca.crt", "")),
        )


class DataServiceComponent(pulumi.ComponentResource):
    """A component that clients connect to. Its outputs are those of its connection."""

    url: pulumi.Output[str]
    host: pulumi.Output[str]
    port: pulumi.Output[int]
    secret_name: pulumi.Output[str]
    authority: pulumi.Output[str]

    def offer(self, connection: Connection) -> None:
        """Copy the connection's outputs and register them. Call this last."""
        self.url, self.host, self.port = connection.url, connection.host, connection.port
        self.secret_name, self.authority = connection.secret_name, connection.authority
        self.register_outputs({"host": self.host, "port": self.port, "secret_name": self.secret_name})


def depends_on_ready(output: pulumi.Output[Any]) -> pulumi.Output[pulumi.Resource]:
    """Return a value for `depends_on` that waits for the resource behind `output`, and for nothing else.

    A data service's `secret_name` is known once the data service is ready.
    Depending on the data service itself would list all its resources in the state, for each resource that waits.
    """
    return cast("pulumi.Output[pulumi.Resource]", output.apply(lambda _: None))
