"""The volumes of a pod as files."""

import os
import stat
from pathlib import Path

import pytest

from sandbox.controllers import volumes

pytestmark = pytest.mark.unit

GROUP = os.getgid()


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_files_are_written_once_and_again_when_they_change(tmp_path: Path) -> None:
    folder = tmp_path / "volume"
    assert volumes.write(folder, {"a/b": b"1", "c": b"2"}, 0o640, GROUP)
    assert not volumes.write(folder, {"a/b": b"1", "c": b"2"}, 0o640, GROUP)
    assert volumes.write(folder, {"a/b": b"3"}, 0o640, GROUP)
    assert (folder / "a" / "b").read_bytes() == b"3"
    assert _mode(folder / "a" / "b") == 0o640
    assert not (folder / "c").exists()


def test_an_empty_volume_can_be_written_by_everyone_and_keeps_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "volume"
    volumes.write(folder, None, 0o644, GROUP)
    assert _mode(folder) & 0o777 == 0o777
    (folder / "mine").write_text("x")
    volumes.write(folder, None, 0o644, GROUP)
    assert (folder / "mine").exists()


def test_a_path_out_of_the_volume_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\.\./other"):
        volumes.write(tmp_path / "volume", {"../other": b""}, 0o644, GROUP)


def test_the_file_system_group_can_read_a_private_secret() -> None:
    assert volumes.mode_of({"name": "x", "secret": {"defaultMode": 0o400}}, 1337) == 0o440
    assert volumes.mode_of({"name": "x", "secret": {"defaultMode": 0o400}}, 0) == 0o400
    assert volumes.mode_of({"name": "x", "emptyDir": {}}, 0) == 0o644


def test_volumes_are_found_below_the_root_under_their_mount_paths(tmp_path: Path) -> None:
    contents = tmp_path / "volumes"
    volumes.write(contents / "tokens", {"token": b"t"}, 0o644, GROUP)
    volumes.write(contents / "data", {"sub/file": b"f"}, 0o644, GROUP)
    mounts = [
        {"name": "tokens", "mountPath": "/var/run/secrets/tokens"},
        {"name": "data", "mountPath": "/data", "subPath": "sub"},
        {"name": "scratch", "mountPath": "/tmp"},
    ]
    root = tmp_path / "root"
    for _ in range(2):
        volumes.mount(root, {"volumeMounts": mounts}, contents, {})
        assert (root / "var/run/secrets/tokens/token").read_bytes() == b"t"
        assert (root / "data/file").read_bytes() == b"f"
        assert (root / "tmp").is_dir()
