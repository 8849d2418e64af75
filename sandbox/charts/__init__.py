"""The charts of the sandbox: a server that stands in for chart repositories, for the Kubernetes provider only.

`launcher.py` starts the provider, `server.py` answers it, `repositories.py` finds each chart's package, `packages.py`
reads and changes packages, and `substitutes.py` makes unavailable ones.
"""

from __future__ import annotations

import shlex
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Final

from sandbox import progress
from sandbox.charts import repositories
from sandbox.charts.repositories import Chart, Charts, DownloadError
from sandbox.layout import Layout

FOLDER: Final = "charts"


def launcher_script(layout: Layout, provider: Path) -> str:
    """The script for the plugin's folder, which runs the provider with the chart server in its environment."""
    program = Path(__file__).resolve().with_name("launcher.py")
    words = [sys.executable, "-I", "-S", program, layout.home, layout.binaries / FOLDER, provider]
    return f'#!/bin/sh\nexec {shlex.join(str(word) for word in words)} "$@"\n'


def folder(layout: Layout) -> Path:
    """The folder with chart packages: SACRED_COUNCIL_CHARTS, else `charts` beside the built programs."""
    return repositories.folder(layout.binaries / FOLDER)


def substituted(layout: Layout) -> list[str]:
    """The substituted charts, as `name version`, after downloading the available ones.

    Quick if all are in the folder. If the repositories are unreachable, it takes at most a few seconds and does not ask
    again for some minutes.
    """
    charts = Charts(folder(layout))
    pins = repositories.pinned(layout.project)
    asked = [chart for chart in pins if charts.would_ask(chart)]
    with progress.step(f"Looking for {len(asked)} Helm charts") if asked else nullcontext():
        return [str(chart) for chart in charts.substituted(pins)]


def note(layout: Layout) -> str:
    """One line that names the substituted charts; empty if there are none."""
    names = substituted(layout)
    if not names:
        return ""
    return (
        f"Substituted charts (definitions and a few objects only): {', '.join(names)}. "
        "`make charts` downloads the real ones if there is internet access."
    )


def fill(layout: Layout, target: Path | None = None) -> int:
    """Download every missing pinned chart and report failures; return the exit status."""
    into = target.absolute() if target else folder(layout)
    wanted = repositories.pinned(layout.project)
    missing = [chart for chart in wanted if not (into / chart.file).is_file()]
    with ThreadPoolExecutor(max_workers=4) as pool:
        failed = [problem for problem in pool.map(lambda chart: _get(chart, into), missing) if problem]
    for problem in failed:
        progress.say(problem)
    print(f"{len(wanted) - len(failed)} of {len(wanted)} charts are in {into}.")
    return 1 if failed else 0


def _get(chart: Chart, into: Path) -> str:
    """Download the chart; return the reason for a failure, or an empty text."""
    try:
        repositories.download(chart, into)
    except DownloadError as error:
        return f"No {chart}: {error}"
    progress.say(f"{chart} of {chart.repository}")
    return ""
