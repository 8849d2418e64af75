"""Names and labels that every Kubernetes object of the platform carries."""

from collections.abc import Mapping
from typing import Final

import pulumi
import pulumi_kubernetes as k8s

PART_OF = "sacred-council"
MANAGED_BY = "pulumi"
CLOUD_LABELS: Final = {"part-of": PART_OF, "managed-by": MANAGED_BY}
"""Labels (tags) of all cloud resources, in characters that all three clouds accept."""
REGION_LABEL = "sacred-council.love/region"
POD_NAME_LABEL: Final = "statefulset.kubernetes.io/pod-name"
"""Kubernetes writes it on every pod of a StatefulSet."""
IDENTITY_ANNOTATION = "sacred-council.love/identity"
CERTIFICATE_ANNOTATION = "sacred-council.love/certificate"
FIELD_MANAGER_ANNOTATION = "pulumi.com/patchFieldManager"
"""Names the owner of an object's fields in server-side apply. The Kubernetes provider reads it on every kind."""

WAIT_FOR: Final = "pulumi.com/waitFor"
"""Annotation with what the Kubernetes provider waits for, in place of its own rules."""

INJECTED: Final = {"istio-injection": "enabled"}
"""Labels of a namespace whose pods get a sidecar."""

DONE_AT_ONCE: Final = {"pulumi.com/skipAwait": "true"}
"""Annotation of an object that is done once it is created.

For a Service, the provider would wait until its pods are ready, as the pods' owner does, and for 10 seconds more.
"""


def labels(app: str, *, region: str) -> dict[str, str]:
    """Return the recommended Kubernetes labels of application `app` in `region`."""
    return {
        **selector(app),
        "app.kubernetes.io/part-of": PART_OF,
        "app.kubernetes.io/managed-by": MANAGED_BY,
        REGION_LABEL: region,
    }


def selector(app: str) -> dict[str, str]:
    """Return the labels that select the pods of `app` in its namespace. They never change."""
    return {"app.kubernetes.io/name": app}


def field_manager(region: str) -> dict[str, str]:
    """Return the annotation that lets a run take over objects that an earlier, killed run left in the region.

    Without it the provider invents an owner per object and keeps it only in the state.
    A run that is killed before it writes the state leaves an unknown owner, and the next run fails with a conflict.
    Fields that another owner holds still conflict.
    """
    return {FIELD_MANAGER_ANNOTATION: f"{PART_OF}-{region}"}


def object_meta(
    name: str,
    *,
    app: str,
    region: str,
    namespace: pulumi.Input[str] | None = None,
    extra_labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, pulumi.Input[str]] | None = None,
) -> k8s.meta.v1.ObjectMetaArgs:
    """Return the metadata of an object `name` of application `app`. Without `namespace` it is cluster-scoped."""
    return k8s.meta.v1.ObjectMetaArgs(
        name=name,
        namespace=namespace,
        labels={**labels(app, region=region), **(extra_labels or {})},
        annotations={**field_manager(region), **(annotations or {})},
    )
