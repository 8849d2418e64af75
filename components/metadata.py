"""Names and labels that every Kubernetes object of the platform carries."""

from collections.abc import Mapping

import pulumi
import pulumi_kubernetes as k8s

PART_OF = "sacred-council"
REGION_LABEL = "sacred-council.love/region"
IDENTITY_ANNOTATION = "sacred-council.love/identity"
CERTIFICATE_ANNOTATION = "sacred-council.love/certificate"
FIELD_MANAGER_ANNOTATION = "pulumi.com/patchFieldManager"
"""Names the owner of an object's fields in server-side apply; the Kubernetes provider reads it for every kind."""


def labels(app: str, *, region: str) -> dict[str, str]:
    """The recommended Kubernetes labels of application `app` in `region`."""
    return {
        **selector(app),
        "app.kubernetes.io/part-of": PART_OF,
        "app.kubernetes.io/managed-by": "pulumi",
        REGION_LABEL: region,
    }


def selector(app: str) -> dict[str, str]:
    """The labels that select the pods of `app` inside its namespace. They never change."""
    return {"app.kubernetes.io/name": app}


def field_manager(region: str) -> dict[str, str]:
    """The annotation with which a run owns what an earlier, killed run left in the region.

    Without it the provider makes up an owner for each object and keeps it in the state alone. A run that was killed
    before it wrote the state leaves an owner that nobody knows, and the next run ends in a conflict. Fields that
    somebody else owns are still a conflict.
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
    """Metadata of an object called `name` that belongs to application `app`. Cluster-scoped without `namespace`."""
    return k8s.meta.v1.ObjectMetaArgs(
        name=name,
        namespace=namespace,
        labels={**labels(app, region=region), **(extra_labels or {})},
        annotations={**field_manager(region), **(annotations or {})},
    )
