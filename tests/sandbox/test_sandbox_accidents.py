"""The sandbox after accidents: servers killed, files deleted by hand, a stack that cannot be destroyed."""

import shutil
from collections.abc import Iterator

import pytest

from sandbox import processes
from tests.support.small_project import SERVERS, Project, deployed

pytestmark = [pytest.mark.engine, pytest.mark.campaign, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with deployed(tmp_path_factory.mktemp("accidents")) as made:
        yield made


def test_control_planes_that_were_killed_are_started_again_with_what_they_held(project: Project) -> None:
    kubectl = ("exec", "--", "kubectl", "--context", "one")
    project.run(*kubectl, "create", "namespace", "kept")
    project.kill(project.servers)
    assert "control plane started" in project.run("up")
    assert project.run(*kubectl, "get", "namespace", "kept", "-o", "name") == "namespace/kept\n"
    # All that come while KWOK takes the nodes over, and go while it does: it passes over none.
    project.run(*kubectl, "create", "deployment", "many", "--image=any:1", "--replicas=60", "--namespace=kept")
    waits = ("rollout", "status", "deployment/many", "--namespace=kept", "--timeout=120s")
    assert "successfully rolled out" in project.run(*kubectl, *waits)
    project.kill(project.servers)
    project.run("up")
    project.run(*kubectl, "delete", "pods", "--all", "--namespace=kept", "--timeout=120s")
    assert "successfully rolled out" in project.run(*kubectl, *waits)


def test_servers_whose_sandbox_was_deleted_by_hand_are_ended_by_the_next_up(project: Project) -> None:
    home = project.folder / ".sandbox"
    orphans = project.servers
    shutil.rmtree(home)
    said = project.run("up")
    assert f"Ending {SERVERS} servers of control planes whose files were deleted." in said
    assert "Stack local is up in the sandbox" in said
    assert [process for process in orphans if process.is_running()] == []
    assert len(project.servers) == SERVERS
    project.pulumi("preview", "--stack", "local", "--expect-no-changes")


def test_servers_whose_sandbox_was_deleted_by_hand_are_ended_by_down(project: Project) -> None:
    home = project.folder / ".sandbox"
    shutil.rmtree(home)
    said = project.run("down")
    assert f"Ending {SERVERS} servers of control planes whose files were deleted." in said
    assert project.servers == []
    assert "Stack local is up in the sandbox" in project.run("up")


def test_down_ends_everything_also_when_a_control_plane_is_lost(project: Project) -> None:
    planes = project.folder / ".sandbox" / "control-planes"
    project.kill(processes.servers_of(planes / "clusters" / "one"))
    shutil.rmtree(planes / "clusters" / "one")
    assert "Stack local is down: stopped the control planes of one, two." in project.run("down")
    assert project.servers == []
    assert project.run("status") == "No region has a control plane; `make up` starts one.\nNo stack is deployed.\n"
    assert project.run("down") == "Stack local was not up.\n"


def test_down_fails_when_the_destroy_does_and_ends_everything_all_the_same(project: Project) -> None:
    project.run("up")
    project.pulumi("state", "protect", "--all", "--yes", "--stack", "local")
    said = project.run("down", status=1)
    assert "Stack local is down: stopped the control planes of one, two, but its destroy failed." in said
    assert project.servers == []
    assert project.run("down") == "Stack local was not up.\n"
