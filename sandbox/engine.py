"""The environment in which the plain `pulumi` command works on the sandbox, and the files it needs."""

from __future__ import annotations

import os
import re
import secrets
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path

from sandbox import binaries, charts, cloud_login
from sandbox.layout import PROJECT, Layout

# Provider stand-ins by plugin name, with the distribution whose version they have. Kubernetes' provider is official.
STAND_INS = {
    "random": "pulumi-random",
    "tls": "pulumi-tls",
    "gcp": "pulumi-gcp",
    "aws": "pulumi-aws",
    "azure-native": "pulumi-azure-native",
}
# Settings of the user's own engine that must not reach the sandbox.
REMOVED_VARIABLES = ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_ACCESS_TOKEN", "PULUMI_STACK", "PULUMI_OPTION_CONFIG_FILE")
# A file that marks a sandbox's directories on PATH.
_MARKER = ".sacred-council-sandbox"
# Lies beside the engine, which several checkouts may share, so it must not name any of them.
_LANGUAGE_HOST_LAUNCHER = '#!/bin/sh\nexec "$SACRED_COUNCIL_PYTHON" -P "$SACRED_COUNCIL_LANGUAGE_HOST" "$@"\n'

Version = tuple[int, int, int]


def parse_version(text: str) -> Version | None:
    """`v3.259.0` as numbers; None for anything else, such as the pre-release `v3.260.0-alpha.1`."""
    match = re.fullmatch(r"v?(\d+)\.(\d+)\.(\d+)(?:\+\S*)?", text.strip())
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def suits(version: Version | None, pinned: Version) -> bool:
    """Whether an engine can replace the pinned one: not older, and of the same major version."""
    return version is not None and version[0] == pinned[0] and version >= pinned


def pinned_version() -> Version:
    """The version that the sandbox builds."""
    version = parse_version(binaries.pinned_version(binaries.ENGINE.tool, binaries.ENGINE.module))
    assert version is not None  # noqa: S101 - tools/sandbox pins a release
    return version


def version_of(command: Path) -> Version | None:
    """The output of `pulumi version`; None if the command does not run."""
    environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        run = subprocess.run([str(command), "version"], env=environment, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return parse_version(run.stdout)


def on_path() -> Path | None:
    """The user's own `pulumi`, outside any sandbox."""
    folders = [folder for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    own = [folder for folder in folders if not (Path(folder) / _MARKER).exists()]
    found = shutil.which("pulumi", path=os.pathsep.join(own))
    return Path(found).absolute() if found else None


@cache
def official() -> Path | None:
    """The official CLI on PATH if the sandbox can use it instead of building its own."""
    found = on_path()
    return found if found and suits(version_of(found), pinned_version()) else None


def command(layout: Layout) -> Path:
    """The real engine: a suitable official CLI on PATH, else the one that the sandbox builds."""
    return official() or binaries.path_of(layout, binaries.ENGINE)


def variables(layout: Layout, environment: Mapping[str, str]) -> dict[str, str]:
    """The variables to add to `environment`."""
    first = [str(layout.shims), str(layout.bin)]
    rest = [folder for folder in environment.get("PATH", os.defpath).split(os.pathsep) if folder not in first]
    return {
        "PATH": os.pathsep.join([*first, *rest]),
        "KUBECONFIG": str(layout.kubeconfig),
        "PULUMI_HOME": str(layout.pulumi_home),
        # With metadata, the engine would checksum the whole state twice for each changed resource.
        "PULUMI_BACKEND_URL": f"file://{layout.state}?metadata=skip",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(layout.passphrase),
        "PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "SACRED_COUNCIL_CLOUDS": str(layout.clouds),
        "SACRED_COUNCIL_KUBECONFIGS": str(layout.kubeconfigs),
        "SACRED_COUNCIL_PYTHON": sys.executable,
        "SACRED_COUNCIL_LANGUAGE_HOST": str(PROJECT / "sandbox" / "language.py"),
    }


def environment(layout: Layout) -> dict[str, str]:
    """The complete environment for a command in the sandbox."""
    kept = {name: value for name, value in os.environ.items() if name not in REMOVED_VARIABLES}
    return {**kept, **variables(layout, kept)}


def exports(layout: Layout) -> str:
    """Shell commands that set the sandbox's environment."""
    lines = [f"unset {' '.join(REMOVED_VARIABLES)}"]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in variables(layout, os.environ).items()]
    return "\n".join(lines)


def prepare(layout: Layout) -> None:
    """Make all files that the environment names. Quick and safe to repeat."""
    for folder in (layout.state, layout.pulumi_home, layout.shims):
        folder.mkdir(parents=True, exist_ok=True)
    if not layout.passphrase.exists():
        _write(layout.passphrase, secrets.token_urlsafe(32) + "\n", 0o600)
    shim = _launcher([sys.executable, "-I", "-S", str(PROJECT / "sandbox" / "shim.py"), command(layout), layout.home])
    for folder in (layout.shims, layout.bin):
        _write(folder / _MARKER, "", 0o644)
    _write(layout.shims / "pulumi", shim, 0o755)
    _write(layout.engine / "pulumi-language-python", _LANGUAGE_HOST_LAUNCHER, 0o755)
    for plugin in cloud_login.PLUGINS.values():
        _write(layout.shims / plugin, _module_launcher("sandbox.cloud_login", layout.home, plugin), 0o755)
    for name, distribution in STAND_INS.items():
        launcher = _module_launcher(f"sandbox.providers.{name.replace('-', '_')}")
        _install_plugin(layout, name, metadata.version(distribution), launcher)
    provider = charts.launcher_script(layout, binaries.path_of(layout, binaries.KUBERNETES_PROVIDER))
    _install_plugin(layout, "kubernetes", binaries.KUBERNETES_PROVIDER_VERSION, provider)


def _install_plugin(layout: Layout, name: str, version: str, launcher: str) -> None:
    plugins = layout.pulumi_home / "plugins"
    folder = plugins / f"resource-{name}-v{version}"
    for other in plugins.glob(f"resource-{name}-v*"):
        # The engine keeps files beside a plugin's folder, with its name and an extension.
        if not other.name.startswith(folder.name):
            shutil.rmtree(other) if other.is_dir() else other.unlink()
    _write(folder / f"pulumi-resource-{name}", launcher, 0o755)


def _module_launcher(module: str, *arguments: str | Path) -> str:
    """A script that runs the module with these arguments first.

    PYTHONPATH finds the module from any working directory.
    """
    path = f"PYTHONPATH={shlex.quote(str(PROJECT))}${{PYTHONPATH:+:$PYTHONPATH}}\nexport PYTHONPATH\n"
    return _launcher([sys.executable, "-P", "-m", module, *arguments], before=path)


def _launcher(words: list[str | Path], before: str = "") -> str:
    return f'#!/bin/sh\n{before}exec {shlex.join(str(word) for word in words)} "$@"\n'


def _write(path: Path, text: str, mode: int) -> None:
    """Replace the file if it differs. A process that runs it keeps the old file."""
    if path.is_file() and path.read_text() == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.new")
    temporary.touch(mode=mode)
    temporary.write_text(text)
    temporary.chmod(mode)
    temporary.replace(path)
