"""Charts from repositories, installed as Helm releases so that their hooks run."""

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from components.versions import ChartVersion

TIMEOUT_SECONDS = 600


def chart_release(
    resource_name: str,
    chart: ChartVersion,
    *,
    name: str,
    namespace: pulumi.Input[str],
    values: Mapping[str, Any],
    opts: pulumi.ResourceOptions,
) -> k8s.helm.v3.Release:
    """Install the pinned `chart` as release `name` in `namespace` and wait until its pods are ready.

    `values` must not contain secrets, because the state and the cluster store them as plain text. Name Secrets instead.
    """
    return k8s.helm.v3.Release(
        resource_name,
        name=name,
        namespace=namespace,
        chart=chart.name,
        version=chart.version,
        repository_opts=k8s.helm.v3.RepositoryOptsArgs(repo=chart.repository),
        values=dict(values),
        timeout=TIMEOUT_SECONDS,
        # A failed first install leaves nothing, and a failed upgrade restores the old release, so a retry always
        # starts from a working state.
        atomic=True,
        cleanup_on_fail=True,
        # Enough for a manual rollback. Each revision is a Secret with the whole manifest.
        max_history=5,
        create_namespace=False,
        opts=opts,
    )
