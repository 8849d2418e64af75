"""cert-manager's own chart, packed from its Go module, which has the sources of the release."""

from pathlib import Path

import pytest

from components.versions import CERT_MANAGER
from sandbox import binaries, golang
from sandbox.charts import packages
from sandbox.charts.repositories import FOLDER_VARIABLE
from sandbox.layout import SandboxError

_SOURCES = Path("deploy", "charts", "cert-manager")
_UNSET = "v0.0.0"
"""What the sources have in the place of the version."""


def pack(folder: Path) -> dict[str, str]:
    """Write the package into `folder`; return the variable with which the sandbox takes charts from there.

    Skips the test without Go, or without the module.
    """
    go = golang.find()
    if go is None:
        pytest.skip(f"no chart of cert-manager: {golang.why_none()}")
    (controller, *_) = binaries.CERT_MANAGER
    try:
        sources = golang.module_folder(go, binaries.TOOLS / controller.tool, controller.module) / _SOURCES
    except SandboxError as error:
        pytest.skip(f"no chart of cert-manager: {error}")
    files = {
        str(Path(CERT_MANAGER.name, path.relative_to(sources))): path.read_bytes()
        for path in sorted(sources.rglob("*"))
        if path.is_file()
    }
    about = f"{CERT_MANAGER.name}/Chart.yaml"
    files[about] = files[about].replace(_UNSET.encode(), CERT_MANAGER.version.encode())
    (folder / f"{CERT_MANAGER.name}-{CERT_MANAGER.version}.tgz").write_bytes(packages.write(files))
    return {FOLDER_VARIABLE: str(folder)}
