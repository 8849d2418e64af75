"""The Secrets of an Argo CD that reads a private repository."""

import pulumi
import pulumi_kubernetes as k8s
import pulumi_random as random

from components.gitops.secrets import ArgoSecrets, ArgoSecretsArgs
from tests.hubs import REPOSITORY

ArgoSecrets(
    "private",
    ArgoSecretsArgs(
        region="here",
        namespace="argocd",
        repository_url=REPOSITORY["url"],
        repository_token=pulumi.Output.secret("hunter2"),
    ),
    pulumi.ResourceOptions(providers=[k8s.Provider("cluster"), random.Provider("random")]),
)
