"""Reference data that is not part of this repository: charts' default values and CRDs of the pinned versions.

The folder has two parts. `charts/<chart>-<version>/` has the chart's `values.yaml` (what `helm show values` prints)
and, where the package has one, its `values.schema.json`; `DIRECTORIES` in tests/platform/test_chart_values.py says how
each chart is spelt. `crds/<product>-<version>.yaml` has the definitions of a product, as for `SANDBOX_CRDS`;
tests/platform/test_custom_resources.py names those that it needs.
"""

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
