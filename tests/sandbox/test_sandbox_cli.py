"""The sandbox's own commands, and the plain pulumi command in its environment."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from components.versions import ISTIOD
from sandbox import state
from sandbox.charts import repositories
from sandbox.layout import Layout
from tests.support.chart_packages import small
from tests.support.small_project import PROGRAM, SERVERS, Project, deployed

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]


RELEASE = """
import pulumi_kubernetes as k8s
from components.releases import chart_release
from components.versions import ISTIOD
there = pulumi.ResourceOptions(provider=k8s.Provider("one-kubernetes", context="one", cluster_identifier="one"))
chart_release("one-small", ISTIOD, name="small", namespace="default", values={"webhook": True}, opts=there)
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with deployed(tmp_path_factory.mktemp("cli")) as made:
        yield made


def test_status_names_regions_contexts_processes_and_resources(project: Project) -> None:
    said = project.run("status")
    assert "one: context one, used by local; etcd, kube-apiserver, kube-controller-manager, kube-scheduler" in said
    assert "two: context second, used by local; etcd" in said
    assert "local: 2 resources" in said


def test_up_selects_its_stack_for_plain_commands(project: Project) -> None:
    assert project.pulumi("stack", "--show-name").strip() == "local"
    home = project.folder / ".sandbox"
    assert state.selected(Layout(project=project.folder, home=home, binaries=home)) == "local"


def test_the_exports_of_env_and_nothing_else_go_to_standard_output(project: Project) -> None:
    script = (
        f'variables="$({sys.executable} -m sandbox env)" && eval "$variables" && '
        "pulumi stack output --json && kubectl --context second get nodes -o name && kubectl config current-context"
    )
    run = subprocess.run(
        ["sh", "-c", script], cwd=project.folder, env=project.environment, capture_output=True, text=True, check=True
    )
    outputs, _, rest = run.stdout.partition("}\n")
    assert json.loads(outputs + "}") == {"password": "[secret]"}
    assert rest.split() == ["node/two-a", "node/two-b", "node/two-c", "one"]


def test_the_control_planes_listen_on_loopback_only(project: Project) -> None:
    assert len(project.servers) == SERVERS
    addresses = {
        connection.laddr.ip
        for server in project.servers
        for connection in server.net_connections(kind="tcp")
        if connection.status == psutil.CONN_LISTEN
    }
    assert addresses == {"127.0.0.1"}


def test_plain_commands_leave_the_work_tree_as_it_was(project: Project) -> None:
    assert "2 unchanged" in project.pulumi("preview", "--stack", "local")
    assert "unchanged" in project.pulumi("up", "--stack", "local", "--yes", "--expect-no-changes")
    assert "unchanged" in project.pulumi("refresh", "--yes")
    assert "password" in project.pulumi("stack", "output", "--show-secrets")
    assert project.changes() == ""


def test_configured_secrets_can_be_read_by_the_program_and_in_the_state_by_nobody(project: Project) -> None:
    with project.replaced("Pulumi.local.yaml", "", ""):
        project.pulumi("config", "set", "--secret", "token", "known to nobody", "--stack", "local")
        assert "known to nobody" not in (project.folder / "Pulumi.local.yaml").read_text()
        project.pulumi("up", "--stack", "local", "--yes")
        assert project.pulumi("stack", "output", "token", "--show-secrets").strip() == "known to nobody"
        assert "known to nobody" not in project.pulumi("stack", "export")
    assert project.changes() == ""


def test_an_error_of_the_programs_settings_has_no_stack_trace(project: Project) -> None:
    with project.replaced("Pulumi.local.yaml", "config:", "config:\n  sacred-council:fails: yes"):
        said = project.pulumi("preview", "--stack", "local", status=1)
    assert "error: the value of `fails` is not allowed" in said
    assert "Traceback" not in said


def test_any_other_error_has_a_stack_trace_that_begins_in_the_program(project: Project) -> None:
    with project.replaced("Pulumi.local.yaml", "config:", "config:\n  sacred-council:crashes: yes"):
        said = project.pulumi("preview", "--stack", "local", status=1)
    assert "NameError: name 'undefined' is not defined" in said
    assert f'{project.folder}/__main__.py", line 8' in said
    assert "sandbox/program.py" not in said


def test_an_unknown_stack_or_command_is_an_error_of_one_line(project: Project) -> None:
    assert project.run("up", "lokal", status=1) == (
        "error: Pulumi.lokal.yaml does not exist; the stacks of this project are: local.\n"
    )
    assert project.run("exec", "--", "no-such-command", status=1) == "error: no-such-command: command not found.\n"


def test_ctrl_c_ends_a_deployment_without_a_trace_and_the_next_one_goes_on(project: Project) -> None:
    with project.replaced("__main__.py", 'config.get_float("seconds") or 0', "60"):
        process = project.start("up")
        said = "".join(iter(lambda: _line_until(process, "said by the program"), ""))
        process.send_signal(signal.SIGINT)
        begin = time.monotonic()
        said += process.communicate()[0]
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert time.monotonic() - begin < 50
    assert "Stack local is up" in project.run("up")


def test_a_chart_of_the_folder_is_installed_without_what_nobody_would_answer(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / f"{ISTIOD.name}-{ISTIOD.version}.tgz").write_bytes(small(ISTIOD.name, ISTIOD.version))
    monkeypatch.setenv(repositories.DOWNLOAD_VARIABLE, "off")
    monkeypatch.setenv(repositories.FOLDER_VARIABLE, str(tmp_path))
    with project.replaced("__main__.py", PROGRAM, PROGRAM + RELEASE):
        project.run("up")
        # The Service is in the template of the webhooks, which were taken out of it.
        assert {("Service", "webhook"), ("ConfigMap", "one"), ("ConfigMap", "two")} <= names(project)
        (hook,) = [item for item in objects(project, "jobs") if item["metadata"]["name"] == "hook"]
        assert hook["status"]["succeeded"] == 1
        established = {
            item["metadata"]["name"]: condition["status"]
            for item in objects(project, "customresourcedefinitions")
            for condition in item["status"]["conditions"]
            if condition["type"] == "Established"
        }
        assert {"smalls.example.org": "True", "templated.example.org": "True"}.items() <= established.items()
        policies = objects(project, "validatingadmissionpolicies")
        assert "stays" in {item["metadata"]["name"] for item in policies}
        webhooks = objects(project, "validatingwebhookconfigurations,mutatingwebhookconfigurations")
        assert {item["metadata"]["name"] for item in webhooks} & {"small", "one", "two"} == set()
        services = [item["spec"].get("service") or {} for item in objects(project, "apiservices")]
        assert services
        assert "nobody" not in {service.get("name") for service in services}
        # The program and the state are the same with a substitute.
        monkeypatch.setenv(repositories.FOLDER_VARIABLE, str(tmp_path / "empty"))
        project.pulumi("preview", "--expect-no-changes", "--stack", "local")
    project.run("up")
    assert ("Service", "webhook") not in names(project)


def objects(project: Project, kinds: str) -> list[dict[str, Any]]:
    """The objects of `kinds` in the first region: those of the namespace `default`, and those without a namespace."""
    get = ("kubectl", "--context", "one", "get", kinds, "--namespace", "default", "-o", "json")
    found: list[dict[str, Any]] = json.loads(project.run("exec", "--", *get))["items"]
    return found


def names(project: Project) -> set[tuple[str, str]]:
    """Kind and name of the region's Services and ConfigMaps."""
    return {(item["kind"], item["metadata"]["name"]) for item in objects(project, "services,configmaps")}


def _line_until(process: subprocess.Popen[str], last: str) -> str:
    """The next line of output; empty if the line contains `last`."""
    line = process.stdout.readline() if process.stdout else ""
    return "" if last in line else line


def test_down_ends_everything_and_may_be_typed_again(project: Project) -> None:
    assert len(project.servers) == SERVERS
    assert "Stack local is down: stopped the control planes of one, two." in project.run("down")
    assert project.servers == []
    assert project.run("status") == "No region has a control plane; `make up` starts one.\nNo stack is deployed.\n"
    assert project.run("down") == "Stack local was not up.\n"
