"""Runs the real `helm` against the provider's cluster.

Nothing secret is on a command line: values go in through standard input, and the kubeconfig is a file that only this
user can read, in a directory that is removed afterwards.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from sandbox.layout import Layout
from sandbox.providers.base import ProviderError
from sandbox.providers.kubernetes import kubeconfig
from sandbox.providers.kubernetes.config import Settings
from sandbox.providers.kubernetes.objects import items, mapping, text
from sandbox.providers.kubernetes.session import Session

_STATUS_SECONDS: Final = 5.0
# What helm needs after an interrupt to undo what it began and to record that it failed.
_GRACE_SECONDS: Final = 20.0
_PASSING: Final = (
    "ensure CRDs are installed first",
    "no matches for kind",
    "cannot be imported into the current release",
    "cluster unreachable",
    "another operation (install/upgrade/rollback) is in progress",
)
_NOISE: Final = re.compile(r"^(?:Error: )?(?:(?:INSTALLATION|UPGRADE) FAILED: )?")


class HelmError(Exception):
    """Helm refused or failed; the text is its own, without its prefixes."""

    @property
    def not_found(self) -> bool:
        """There is no release of this name."""
        return "release: not found" in str(self)

    @property
    def may_pass(self) -> bool:
        """What is wrong in a preview may be right when the time comes: the rest of the program has run then.

        Kinds that are not there yet, objects of a release that is to be replaced, a cluster that is not up yet, an
        operation that was cut off and is to be undone first.
        """
        return any(sign in str(self) for sign in _PASSING)


class Helm:
    """The `helm` command for one provider."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def run(self, *arguments: str, values: Mapping[str, Any] | None = None, urn: str = "") -> str:
        """Run helm and return what it prints. Raises `HelmError`; `ProviderError` when it was cancelled.

        With `values`, `--values -` is added and they are sent as JSON. With an `urn`, progress is shown on it.
        """
        command = [_find(), *arguments, *(["--values", "-"] if values is not None else [])]
        content = json.dumps(values).encode() if values is not None else b""
        with tempfile.TemporaryDirectory(prefix="helm-") as folder:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=os.environ | _environment(self._session.settings, Path(folder)),
            )
            output, errors = await self._watch(process, content, f"helm {arguments[0]}", urn)
        if self._session.cancelled.is_set():
            raise ProviderError(f"helm {arguments[0]} was cancelled")
        if process.returncode:
            raise HelmError(_explain(errors.decode(errors="replace")))
        return output.decode(errors="replace")

    async def json(self, *arguments: str, values: Mapping[str, Any] | None = None, urn: str = "") -> Any:
        """Run helm with `--output json` and return what it prints, decoded."""
        return json.loads(await self.run(*arguments, "--output", "json", values=values, urn=urn))

    async def _watch(
        self, process: asyncio.subprocess.Process, content: bytes, what: str, urn: str
    ) -> tuple[bytes, bytes]:
        """Wait for the process; pass a cancellation on to it, and say from time to time that it is still running."""
        work = asyncio.create_task(process.communicate(content))
        cancelled = asyncio.create_task(self._session.cancelled.wait())
        loop = asyncio.get_running_loop()
        begin = loop.time()
        try:
            while not work.done() and not cancelled.done():
                await asyncio.wait({work, cancelled}, timeout=_STATUS_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                if urn and not work.done():
                    await self._session.status(urn, f"{what} is running ({loop.time() - begin:.0f} s)")
            return await self._finish(process, work)
        finally:
            cancelled.cancel()
            if process.returncode is None:
                process.kill()

    async def _finish(
        self, process: asyncio.subprocess.Process, work: asyncio.Task[tuple[bytes, bytes]]
    ) -> tuple[bytes, bytes]:
        if not work.done():
            process.send_signal(signal.SIGINT)
            await asyncio.wait({work}, timeout=_GRACE_SECONDS)
        if not work.done():
            process.kill()
        return await work


def _find() -> str:
    own = Layout.from_environment().bin / "helm"
    found = str(own) if own.is_file() else shutil.which("helm")
    if found is None:
        raise ProviderError(
            "Charts need the command helm, which is not installed. Run `python -m sandbox doctor` to see how to get it."
        )
    return found


def _environment(settings: Settings, folder: Path) -> dict[str, str]:
    """Variables that make helm use the provider's cluster."""
    try:
        config = kubeconfig.load(settings.kubeconfig)
    except kubeconfig.KubeconfigError:
        return {}
    path = folder / "kubeconfig"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(_selected(config, settings), file)
    return {"KUBECONFIG": str(path)}


def _selected(config: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """The kubeconfig with the provider's context, and its cluster if it overrides that, as the current ones."""
    wanted = settings.context or text(config, "current-context")
    contexts = []
    for entry in items(config, "contexts"):
        context = dict(mapping(entry, "context"))
        if settings.cluster and text(entry, "name") == wanted:
            context["cluster"] = settings.cluster
        contexts.append({**entry, "context": context})
    return {**config, "apiVersion": "v1", "kind": "Config", "current-context": wanted, "contexts": contexts}


def _explain(errors: str) -> str:
    """Helm's message: without the warnings before it, and without its prefixes."""
    lines = [line for line in errors.strip().splitlines() if not line.startswith(("WARNING:", "I1", "W1", "E1"))]
    start = next((index for index, line in enumerate(lines) if line.startswith("Error: ")), 0)
    return _NOISE.sub("", "\n".join(lines[start:]), count=1).strip() or "helm failed without saying why"


def flags(inputs: Mapping[str, Any], named: Mapping[str, str]) -> list[str]:
    """Command-line flags for the inputs that are set: true becomes the flag alone, other values are part of it."""
    found = []
    for name, flag in named.items():
        value = inputs.get(name)
        if value is True:
            found.append(flag)
        elif value not in (None, "") and value is not False:
            found.append(f"{flag}={value}")
    return found
