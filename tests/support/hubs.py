"""Stacks with Argo CD and Rancher on their hub."""

from typing import Any

from tests.support.regions import Where, rendered_with
from tests.support.rendering import Rendered

REPOSITORY = {"url": "https://git.example.org/council/platform.git"}
GITOPS: dict[str, Any] = {"enabled": True, "repository": REPOSITORY}
RANCHER: dict[str, Any] = {"enabled": True, "hostname": "rancher.example.org"}


def hub(*regions: Where, **more: Any) -> Rendered:
    """A stack of these regions with Argo CD and Rancher; `more` are other sections."""
    return rendered_with(regions, **{"gitops": GITOPS, "rancher": RANCHER, **more})


LOCAL = {"sacred-council:gitops": GITOPS, "sacred-council:rancher": RANCHER}
"""Settings that make the local stack a hub."""
