"""The sandbox's Git server, asked by Git itself."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.controllers.argocd import commit, git
from sandbox.controllers.git_server import GitServer, Repository, serving

pytestmark = pytest.mark.conformance

URL = "https://git.example.org/council/platform.git"
PRIVATE = "https://git:hunter2@git.example.org/council/platform.git"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A bare repository with one commit on `main`."""
    work = tmp_path / "work"
    work.mkdir()
    (work / "a.txt").write_text("one\n")
    git(work, "init", "--quiet", "--initial-branch=main")
    commit(work, "One")
    git(work, "clone", "--quiet", "--bare", str(work), str(tmp_path / "bare.git"))
    return Repository(url=URL, folder=tmp_path / "bare.git")


@pytest.fixture
def server(repository: Repository) -> Iterator[GitServer]:
    with serving(repository) as made:
        yield made


def ask(server: GitServer, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Git as a client of the server."""
    authority = folder / "authority.pem"
    authority.write_text(server.authority.pem)
    own = {"HTTPS_PROXY": server.url, "GIT_SSL_CAINFO": str(authority), "GIT_TERMINAL_PROMPT": "0"}
    plain = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "GIT_ASKPASS": "true"}
    environment = {**os.environ, **own, **plain}
    command = ["git", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_git_clones_over_https_from_the_address_in_the_settings(server: GitServer, tmp_path: Path) -> None:
    run = ask(server, tmp_path, "clone", "--quiet", URL, "clone")
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "clone" / "a.txt").read_text() == "one\n"


def test_nobody_else_s_address_is_answered(server: GitServer, tmp_path: Path) -> None:
    assert "403" in ask(server, tmp_path, "ls-remote", "https://git.example.com/council/platform.git").stderr
    assert "not found" in ask(server, tmp_path, "ls-remote", "https://git.example.org/council/other.git").stderr


def test_nobody_pushes(server: GitServer, tmp_path: Path) -> None:
    run = ask(server, tmp_path / "work", "push", URL, "HEAD:other")
    assert run.returncode != 0
    assert "other" not in git(server.repository.folder, "branch")


def test_a_private_repository_wants_its_login(repository: Repository, tmp_path: Path) -> None:
    with serving(replace(repository, login="git:hunter2")) as server:
        assert ask(server, tmp_path, "ls-remote", URL).returncode != 0
        assert ask(server, tmp_path, "ls-remote", PRIVATE.replace("hunter2", "hunter3")).returncode != 0
        assert "refs/heads/main" in ask(server, tmp_path, "ls-remote", PRIVATE).stdout
