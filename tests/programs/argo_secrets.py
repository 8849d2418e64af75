"""The Secrets of an Argo CD that reads a private repository."""

import pulumi
import pulumi_kubernetes as k8s
import pulumi_random as random

from components.gitops.argocd import ArgoSecrets
from components.gitops.settings import RepositorySettings
from components.namespaces import ARGO_CD
from tests.programs.contexts import context_of
from tests.support.hubs import REPOSITORY

ArgoSecrets(
    "private",
    context_of(
        "here", [ARGO_CD], pulumi.ResourceOptions(providers=[k8s.Provider("cluster"), random.Provider("random")])
    ),
    RepositorySettings.model_validate(REPOSITORY),
    pulumi.Output.secret("hunter2"),
)
