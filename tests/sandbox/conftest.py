"""What unit tests share."""

from pathlib import Path

import pytest
import yaml


@pytest.fixture
def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A sandbox of the clouds' stand-ins with two control planes."""
    monkeypatch.setenv("SACRED_COUNCIL_CLOUDS", str(tmp_path / "clouds"))
    monkeypatch.setenv("SACRED_COUNCIL_KUBECONFIGS", str(tmp_path / "kubeconfigs"))
    (tmp_path / "kubeconfigs").mkdir()
    for number, region in enumerate(("europe-west1", "ireland")):
        cluster = {"server": f"https://127.0.0.1:{20600 + number}", "certificate-authority-data": f"CA{number}"}
        document = {"clusters": [{"name": region, "cluster": cluster}]}
        (tmp_path / "kubeconfigs" / f"{region}.yaml").write_text(yaml.safe_dump(document))
    return tmp_path
