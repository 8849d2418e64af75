"""The Secrets that Argo CD reads: made here, so that none is plain text in the values of its chart."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_kubernetes as k8s
import pulumi_random as random

from components.gitops.plan import TYPE_LABEL
from components.mesh.across import encoded
from components.metadata import object_meta

APP: Final = "argocd"
PASSWORD_LENGTH: Final = 32
ADMIN_SECRET: Final = "argocd-initial-admin-secret"  # noqa: S105 - the name that the command line of Argo CD reads
_REPOSITORY_USER: Final = "git"
_FIRST_SET: Final = "2026-01-01T00:00:00Z"
"""When the password was set: Argo CD would write the time of its start otherwise. Older logins are not valid."""


@dataclass(frozen=True, kw_only=True)
class ArgoSecretsArgs:
    """`repository_token` reads the repository at `repository_url` (None: anybody may read it)."""

    region: str
    namespace: pulumi.Input[str]
    repository_url: str
    repository_token: pulumi.Input[str] | None = None


class ArgoSecrets(pulumi.ComponentResource):
    """Password of the user `admin`, the keys of sessions and of the cache, and the login to Git.

    Outputs: `ready` (what must exist before Argo CD).
    """

    ready: list[pulumi.Resource]

    def __init__(self, name: str, args: ArgoSecretsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:gitops:ArgoSecrets", name, None, opts)
        self._name = name
        self._args = args
        admin, session, cache = (self._password(purpose) for purpose in ("admin", "session", "cache"))
        hashed: dict[str, pulumi.Input[str]] = {
            "admin.password": admin.bcrypt_hash,
            "admin.passwordMtime": _FIRST_SET,
            "server.secretkey": session.result,
        }
        self.ready = [
            self._secret("settings", "argocd-secret", hashed),
            self._secret("admin", ADMIN_SECRET, {"password": admin.result}),
            self._secret("cache", "argocd-redis", {"auth": cache.result}),
        ]
        if args.repository_token is not None:
            login: dict[str, pulumi.Input[str]] = {
                "type": "git",
                "url": args.repository_url,
                "username": _REPOSITORY_USER,
                "password": args.repository_token,
            }
            self.ready.append(self._secret("repository", "services-repository", login, {TYPE_LABEL: "repository"}))
        self.register_outputs({})

    def _password(self, purpose: str) -> random.RandomPassword:
        return random.RandomPassword(
            f"{self._name}-{purpose}-password",
            length=PASSWORD_LENGTH,
            special=False,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _secret(
        self,
        purpose: str,
        secret: str,
        entries: Mapping[str, pulumi.Input[str]],
        labels: Mapping[str, str] | None = None,
    ) -> k8s.core.v1.Secret:
        # Argo CD only takes Secrets that are part of it.
        part_of = {"app.kubernetes.io/part-of": APP, **(labels or {})}
        return k8s.core.v1.Secret(
            f"{self._name}-{purpose}",
            metadata=object_meta(
                secret, app=APP, region=self._args.region, namespace=self._args.namespace, extra_labels=part_of
            ),
            data={key: sealed(value) for key, value in entries.items()},
            opts=pulumi.ResourceOptions(parent=self),
        )


def sealed(value: pulumi.Input[str]) -> pulumi.Output[str]:
    """`value` as a Secret's `data` has it, secret in the state."""
    return pulumi.Output.secret(pulumi.Output.from_input(value).apply(encoded))
