"""Settings of Argo CD, which rolls the services out."""

from typing import Annotated, Final
from urllib.parse import urlsplit

from components.ports import HTTPS_PORT
from components.settings import Model
from components.settings.values import PORT, RegionName, pattern

CHART_FOLDER: Final = "charts/sacred-council"


VALUES_FOLDER: Final = "deploy"


GitUrl = Annotated[
    str,
    pattern(
        rf"https://[A-Za-z0-9.-]+(:{PORT})?/[A-Za-z0-9._~/-]+",
        "must be the HTTPS address of a Git repository, without a user or a password",
        "write e.g. https://git.example.org/council/platform.git; the password is the secret gitopsRepositoryToken",
    ),
]


GitRevision = Annotated[
    str,
    pattern(
        r"[A-Za-z0-9][A-Za-z0-9._/-]*",
        "must be a branch, a tag or a commit of the repository",
        "write e.g. main or v1.4.0",
    ),
]


GitFolder = Annotated[
    str,
    pattern(
        r"(?!.*\.\.)[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*",
        "must be a folder of the repository, seen from its root",
        "write e.g. charts/sacred-council",
    ),
]


class RepositorySettings(Model):
    """Where Argo CD reads what the regions run."""

    url: GitUrl | None = None
    """HTTPS address of the Git repository, on any port. For a private repository, set the secret
    `gitopsRepositoryToken`. Needed with `gitops.enabled`."""
    revision: GitRevision = "main"
    """Branch, tag or commit that is deployed."""
    path: GitFolder = CHART_FOLDER
    """Folder of the services' chart in the repository."""
    values: GitFolder = VALUES_FOLDER
    """Folder in the repository with the chart's values of each region, `<region>.yaml`: what `.venv/bin/python -m
    publish` writes."""

    @property
    def port(self) -> int:
        """The TCP port of the Git server."""
        return urlsplit(self.url or "").port or HTTPS_PORT


class GitOpsSettings(Model):
    """Argo CD, in one region, which rolls the services out to all regions."""

    enabled: bool = False
    """Whether Argo CD deploys the services of all regions. `false`: the program deploys them. To change over, see
    docs/runbooks/ship-with-argo-cd.md. Argo CD cannot reach a cluster of `cloud: existing` other than its own: the
    program goes on deploying the services there."""
    hub: RegionName | None = None
    """Name of the region that Argo CD runs in. To move it, see docs/runbooks/lose-the-hub.md#move-argo-cd. None: the
    primary region."""
    repository: RepositorySettings = RepositorySettings()
    """Where Argo CD reads what the regions run."""
    canary: RegionName | None = None
    """Name of the region that gets a new version first; the others follow when it is healthy. None: the hub."""
