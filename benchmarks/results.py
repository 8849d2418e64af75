"""Stores figures together with the machine that produced them."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, Final

import psutil

from sandbox.layout import PROJECT

FOLDER: Final = PROJECT / "benchmarks" / "results"


def write(name: str, figures: Mapping[str, Any], folder: Path = FOLDER) -> Path:
    """Write the figures with date, commit and machine; return the path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(json.dumps({**_circumstances(), **figures}, indent=2) + "\n")
    return path


def read(name: str, folder: Path = FOLDER) -> dict[str, Any] | None:
    """The last figures; None if there are none."""
    path = folder / f"{name}.json"
    document: dict[str, Any] | None = json.loads(path.read_text()) if path.is_file() else None
    return document


def names(part: str, folder: Path = FOLDER) -> list[str]:
    """The names of all results of a part, such as `overhead-local`."""
    return sorted(path.stem for path in folder.glob(f"{part}-*.json"))


def middle(values: list[float], digits: int = 2) -> float:
    """The median, rounded."""
    return round(median(values), digits)


def _circumstances() -> dict[str, Any]:
    commit = subprocess.run(["git", "-C", str(PROJECT), "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    return {
        "measured": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": commit.stdout.strip() or "unknown",
        "machine": {
            "processor": _processor(),
            "cores": os.cpu_count(),
            "memory GiB": round(psutil.virtual_memory().total / 1024**3),
            "system": f"{platform.system()} {platform.machine()}",
            "python": platform.python_version(),
        },
        "load before": round(os.getloadavg()[0], 1),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
