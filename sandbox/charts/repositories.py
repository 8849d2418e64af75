"""The pinned charts, and where each package comes from: the chart folder, the real repository, or a substitute."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from socket import create_connection
from typing import Any, Final, TypeVar

import yaml

from sandbox import crds, documents
from sandbox.charts import packages, substitutes
from sandbox.layout import PROJECT

FOLDER_VARIABLE: Final = "SACRED_COUNCIL_CHARTS"
"""Variable with the folder of chart packages."""
DOWNLOAD_VARIABLE: Final = "SACRED_COUNCIL_CHARTS_DOWNLOAD"
"""Variable; `off` keeps the sandbox from contacting the real repositories."""

_CONNECT_SECONDS: Final = 3.0
_PROBE_SECONDS: Final = 4.0
_READ_SECONDS: Final = 20.0
_DOWNLOAD_SECONDS: Final = 90.0
_REMEMBERED_SECONDS: Final = 600.0

Result = TypeVar("Result")


class DownloadError(Exception):
    """The real repository did not provide the chart; the text has the reason."""


class UnreachableError(DownloadError):
    """The real repository is unreachable."""


@dataclass(frozen=True, order=True)
class Chart:
    """A chart of a repository. The repository's URL has no trailing slash."""

    repository: str
    name: str
    version: str

    @property
    def file(self) -> str:
        """Name of its package file, like Helm's."""
        return f"{self.name}-{self.version}.tgz"

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


def pinned(project: Path) -> list[Chart]:
    """The charts in the project's `components/versions.py`, or in this checkout's if the project has none."""
    file = project / "components" / "versions.py"
    file = file if file.is_file() else PROJECT / "components" / "versions.py"
    return list(_pinned(file, file.stat().st_mtime_ns))


@cache
def _pinned(file: Path, _changed: int) -> tuple[Chart, ...]:
    spec = importlib.util.spec_from_file_location("sacred_council_pinned_versions", file)
    assert spec is not None  # noqa: S101 - the name ends with .py
    assert spec.loader is not None  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = {_chart(value) for value in vars(module).values() if type(value).__name__ == "ChartVersion"}
    return tuple(sorted(found))


def _chart(pin: Any) -> Chart:
    return Chart(str(pin.repository).rstrip("/"), str(pin.name), str(pin.version))


def folder(default: Path) -> Path:
    """The folder with chart packages."""
    return Path(os.environ.get(FOLDER_VARIABLE) or default).absolute()


@dataclass
class Charts:
    """The packages in a folder. The folder also remembers failed downloads."""

    folder: Path
    _locks: dict[object, threading.Lock] = field(default_factory=dict)
    _ready: dict[tuple[object, ...], bytes] = field(default_factory=dict)

    def known(self, repository: str, pins: Iterable[Chart]) -> list[Chart]:
        """The repository's charts: the pinned ones, and their other versions in the folder."""
        mine = [chart for chart in pins if chart.repository == repository]
        others = {
            Chart(repository, name, path.name.removeprefix(f"{name}-").removesuffix(".tgz"))
            for name in {chart.name for chart in mine}
            for path in self.folder.glob(f"{name}-*.tgz")
            if path.name.removeprefix(f"{name}-").removeprefix("v")[:1].isdigit()
        }
        return sorted({*mine, *others})

    def index(self, charts: Iterable[Chart]) -> bytes:
        """`index.yaml` of a repository with these charts."""
        entries: dict[str, list[dict[str, Any]]] = {}
        for chart in charts:
            about = {"apiVersion": "v2", "name": chart.name, "version": chart.version, "urls": [chart.file]}
            entries.setdefault(chart.name, []).append(about)
        index = {"apiVersion": "v1", "generated": "2026-01-01T00:00:00Z", "entries": entries}
        return yaml.safe_dump(index, sort_keys=True).encode()

    def package(self, chart: Chart) -> bytes:
        """The package to serve for the chart. Raises `PackageError` for a wrong file in the folder."""
        with self._lock(chart):
            file = self.obtain(chart)
            key = (chart, *((file.stat().st_mtime_ns, file.stat().st_size) if file else ()))
            if key not in self._ready:
                self._ready[key] = _real(chart, file) if file else _substitute(chart)
            return self._ready[key]

    def obtain(self, chart: Chart) -> Path | None:
        """The chart's package in the folder, downloaded if necessary; None if it is unavailable.

        Does not ask a failing repository again for some minutes, so that offline users do not wait.
        """
        file = self.folder / chart.file
        if file.is_file():
            return file
        with self._lock(chart.repository):
            if not self.would_ask(chart):
                return None
            try:
                return download(chart, self.folder)
            except UnreachableError:
                self._remember(chart.repository)
            except DownloadError:
                self._remember(f"{chart.repository}/{chart.file}")
        return None

    def would_ask(self, chart: Chart) -> bool:
        """Whether to download the chart: it is missing, and its repository has not just failed."""
        known = (chart.repository, f"{chart.repository}/{chart.file}")
        return may_download() and not (self.folder / chart.file).is_file() and not any(map(self._remembers, known))

    def substituted(self, charts: Sequence[Chart]) -> list[Chart]:
        """The unavailable charts. Asks all repositories in parallel."""
        with ThreadPoolExecutor(max_workers=max(1, len(charts))) as pool:
            files = list(pool.map(self.obtain, charts))
        return [chart for chart, file in zip(charts, files, strict=True) if file is None]

    def _lock(self, key: object) -> threading.Lock:
        return self._locks.setdefault(key, threading.Lock())

    def _mark(self, url: str) -> Path:
        return self.folder / ".unreachable" / hashlib.sha256(url.encode()).hexdigest()[:16]

    def _remembers(self, url: str) -> bool:
        try:
            return time.time() - self._mark(url).stat().st_mtime < _REMEMBERED_SECONDS
        except OSError:
            return False

    def _remember(self, url: str) -> None:
        # A read-only folder could not keep downloads, either.
        with suppress(OSError):
            self._mark(url).parent.mkdir(parents=True, exist_ok=True)
            self._mark(url).write_text(f"{url}\n")


def may_download() -> bool:
    """Whether downloads from the real repositories are allowed."""
    return os.environ.get(DOWNLOAD_VARIABLE, "").lower() not in ("off", "no", "false", "0")


def _real(chart: Chart, file: Path) -> bytes:
    package = file.read_bytes()
    files = packages.read(package, str(file))
    packages.require(files, chart.name, chart.version, str(file))
    product = crds.PRODUCTS.get(chart.name)
    if product is not None and product.by_pods:
        package = packages.write(files | substitutes.definitions(chart.name, chart.version, crds.folder()))
    return packages.answerable(package, str(file))


def _substitute(chart: Chart) -> bytes:
    try:
        return substitutes.build(chart.name, chart.version, crds.folder())
    except ValueError as error:
        raise packages.PackageError(str(error)) from error


def download(chart: Chart, target: Path) -> Path:
    """Download the chart into the folder. Raises `DownloadError`, quickly if the repository is unreachable."""
    try:
        _within(_PROBE_SECONDS, lambda: _connect(chart.repository))
    except DownloadError as error:
        raise UnreachableError(f"{chart.repository} cannot be reached: {error}") from error
    content = _within(_DOWNLOAD_SECONDS, lambda: _content(chart))
    try:
        return _keep(content, target / chart.file)
    except OSError as error:
        raise DownloadError(f"{chart} cannot be kept: {error}") from error


def _keep(content: bytes, file: Path) -> Path:
    """Write the file atomically."""
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    with os.fdopen(descriptor, "wb") as new:
        new.write(content)
    os.chmod(temporary, 0o644)
    return Path(temporary).replace(file)


def _within(seconds: float, work: Callable[[], Result]) -> Result:
    """Return the result of `work`. Abandon it after `seconds`, because name resolution has no time limit."""
    outcome: list[Result | Exception] = []

    def run() -> None:
        try:
            outcome.append(work())
        except (OSError, ValueError, DownloadError) as error:
            outcome.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    found = outcome[0] if outcome else TimeoutError(f"no answer within {seconds:.0f} s")
    if isinstance(found, Exception):
        raise DownloadError(str(found)) from found
    return found


def _connect(repository: str) -> None:
    """Connect to the repository, or to the user's proxy for it. Raises `OSError`."""
    parts = urllib.parse.urlsplit(repository)
    host = parts.hostname or ""
    proxy = urllib.request.getproxies().get(parts.scheme)
    if proxy and not urllib.request.proxy_bypass(host):
        parts = urllib.parse.urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    create_connection((parts.hostname or "", port), timeout=_CONNECT_SECONDS).close()


def _content(chart: Chart) -> bytes:
    found = entry(_index(chart.repository), chart)
    content = _get(urllib.parse.urljoin(f"{chart.repository}/", str(found["urls"][0])))
    digest = str(found.get("digest") or "").removeprefix("sha256:")
    if digest and hashlib.sha256(content).hexdigest() != digest:
        raise DownloadError(f"{chart} has another checksum than the index of {chart.repository} says")
    packages.require(packages.read(content, str(chart)), chart.name, chart.version, str(chart))
    return content


@cache
def _index(repository: str) -> dict[str, Any]:
    return documents.read_mapping(_get(f"{repository}/index.yaml").decode(), f"the index of {repository}")


def entry(index: dict[str, Any], chart: Chart) -> dict[str, Any]:
    """The chart's entry in the index. Raises `DownloadError` if there is none."""
    versions = (index.get("entries") or {}).get(chart.name) or []
    wanted = chart.version.removeprefix("v")
    for found in versions:
        if str(found.get("version", "")).removeprefix("v") == wanted and found.get("urls"):
            return dict(found)
    raise DownloadError(f"{chart.repository} has no chart {chart}")


def _get(url: str) -> bytes:
    if not url.startswith("https://"):
        raise DownloadError(f"{url} is not an HTTPS address")
    try:
        # The environment has the user's proxy and certificates.
        with urllib.request.urlopen(url, timeout=_READ_SECONDS) as response:  # noqa: S310 - HTTPS only, see above
            return bytes(response.read())
    except urllib.error.HTTPError as error:
        raise DownloadError(f"{url}: {error.code} {error.reason}") from error
