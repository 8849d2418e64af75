"""Downloads of charts: `make charts` fills the folder, and a package with another checksum is refused."""

from __future__ import annotations

import hashlib
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from sandbox import charts
from sandbox.charts import repositories
from sandbox.charts.repositories import Chart, Charts, DownloadError
from sandbox.layout import Layout
from tests.support.chart_packages import repository, small, write_pins

pytestmark = pytest.mark.unit

SHA256 = {name: hashlib.sha256(small(name, "1.0.0")).hexdigest() for name in ("a", "b")}


@pytest.fixture(autouse=True)
def _downloads_are_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(repositories.DOWNLOAD_VARIABLE, raising=False)
    monkeypatch.setenv(repositories.FOLDER_VARIABLE, str(tmp_path / "charts"))
    monkeypatch.setenv("NO_PROXY", "localhost")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "roots.pem"))
    # A kept opener would trust the certificates of an earlier test.
    monkeypatch.setattr(urllib.request, "_opener", None)


def published(folder: Path, digests: Mapping[str, str]) -> Path:
    """The files of a repository: a package for each name of `digests`, and an index with these checksums."""
    folder.mkdir()
    entries = {}
    for name, digest in digests.items():
        (folder / f"{name}-1.0.0.tgz").write_bytes(small(name, "1.0.0"))
        entries[name] = [{"name": name, "version": "1.0.0", "urls": [f"{name}-1.0.0.tgz"], "digest": digest}]
    (folder / "index.yaml").write_text(yaml.safe_dump({"apiVersion": "v1", "entries": entries}))
    return folder


def layout(project: Path) -> Layout:
    return Layout(project=project, home=project / "home", binaries=project / "home")


def test_missing_charts_are_downloaded_into_the_folder_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project, own = tmp_path / "project", tmp_path / "charts"
    with repository(published(tmp_path / "there", SHA256), tmp_path / "roots.pem") as real:
        write_pins(project, *(Chart(real, name, "1.0.0") for name in SHA256))
        assert charts.fill(layout(project)) == 0
    assert capsys.readouterr().out == f"2 of 2 charts are in {own}.\n"
    assert {path.name: path.read_bytes() for path in own.iterdir()} == {
        "a-1.0.0.tgz": small("a", "1.0.0"),
        "b-1.0.0.tgz": small("b", "1.0.0"),
    }
    # The repository is gone: what is in the folder is not asked for again.
    assert charts.fill(layout(project)) == 0
    assert capsys.readouterr().out == f"2 of 2 charts are in {own}.\n"


def test_a_chart_that_cannot_be_had_is_named_with_the_reason_and_the_others_are_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project, other = tmp_path / "project", tmp_path / "other"
    with repository(published(tmp_path / "there", {"a": SHA256["a"]}), tmp_path / "roots.pem") as real:
        write_pins(project, Chart(real, "a", "1.0.0"), Chart(real, "b", "1.0.0"))
        assert charts.fill(layout(project), other) == 1
    said = capsys.readouterr()
    assert f"No b 1.0.0: {real} has no chart b 1.0.0" in said.err
    assert said.out == f"1 of 2 charts are in {other}.\n"
    assert [path.name for path in other.iterdir()] == ["a-1.0.0.tgz"]
    assert not (tmp_path / "charts").exists()


@pytest.mark.parametrize("prefix", ["", "sha256:"])
def test_a_package_with_the_checksum_of_the_index_is_kept(prefix: str, tmp_path: Path) -> None:
    there = published(tmp_path / "there", {"a": prefix + SHA256["a"]})
    with repository(there, tmp_path / "roots.pem") as real:
        kept = repositories.download(Chart(real, "a", "1.0.0"), tmp_path / "charts")
    assert kept.read_bytes() == small("a", "1.0.0")


@pytest.mark.parametrize("prefix", ["", "sha256:"])
def test_a_package_with_another_checksum_is_refused_and_not_kept(prefix: str, tmp_path: Path) -> None:
    there = published(tmp_path / "there", {"a": prefix + SHA256["b"]})
    with repository(there, tmp_path / "roots.pem") as real:
        chart = Chart(real, "a", "1.0.0")
        with pytest.raises(DownloadError, match=r"a 1\.0\.0 has another checksum than the index of .* says"):
            repositories.download(chart, tmp_path / "charts")
        # The sandbox then substitutes the chart.
        assert Charts(tmp_path / "charts").obtain(chart) is None
    assert list((tmp_path / "charts").glob("*.tgz*")) == []


def test_a_package_of_another_chart_is_refused_and_not_kept(tmp_path: Path) -> None:
    there = published(tmp_path / "there", {"a": ""})
    (there / "a-1.0.0.tgz").write_bytes(small("b", "1.0.0"))
    with (
        repository(there, tmp_path / "roots.pem") as real,
        pytest.raises(DownloadError, match=r"holds chart b 1\.0\.0, not a 1\.0\.0"),
    ):
        repositories.download(Chart(real, "a", "1.0.0"), tmp_path / "charts")
    assert not (tmp_path / "charts").exists()
