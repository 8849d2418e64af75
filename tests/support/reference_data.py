"""Reference data that is not part of this repository: charts' default values and CRDs of the pinned versions."""

import os
from pathlib import Path

import pytest

from tests.support.rendering import ROOT

VARIABLE = "SACRED_COUNCIL_DATA"
DATA = Path(os.environ.get(VARIABLE) or ROOT.parent / "shared" / "data")


def reference(*parts: str) -> Path:
    """The file or directory in the reference data. Skips the test when it is missing."""
    path = DATA.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"{'/'.join(parts)} is not in the reference data: set {VARIABLE} to its directory")
    return path
