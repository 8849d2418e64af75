"""What can be configured of Argo CD, which rolls the services out."""

from typing import Annotated, Final
from urllib.parse import urlsplit

from components.settings import Model
from components.settings.values import PORT, RegionName, pattern

CHART_FOLDER: Final = "charts/sacred-council"
HTTPS_PORT: Final = 443


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
    """Needed with Argo CD."""
    revision: GitRevision = "main"
    path: GitFolder = CHART_FOLDER
    """The folder of the services' chart."""
    values: GitFolder = VALUES_FOLDER
    """The folder with the chart's values of each region, `<region>.yaml`: what `python -m publish` writes."""

    @property
    def port(self) -> int:
        """The TCP port of the Git server."""
        return urlsplit(self.url or "").port or HTTPS_PORT


class GitOpsSettings(Model):
    """Argo CD, in one region, which rolls the services out to all regions."""

    enabled: bool = False
    hub: RegionName | None = None
    """The region that Argo CD is in. None: the primary region."""
    repository: RepositorySettings = RepositorySettings()
    canary: RegionName | None = None
    """The region that gets everything first; the others follow when it is healthy. None: the hub."""
