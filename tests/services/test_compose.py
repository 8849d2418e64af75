"""Stage 1 without Kubernetes: Docker Compose's model of the file, against the program's objects.

No containers run: there is no Docker where the tests run. Compose's own parser needs none.
"""

import json
import re
import shlex
from collections.abc import Mapping

import pytest

from components.cache import redis_configuration as cache
from components.database import cockroachdb_nodes as database
from components.database.cockroachdb_sql import application_sql
from components.quantities import cpus, quantity_bytes
from components.services import NAMES
from sandbox.binaries import FOR_TESTS, pinned_version
from stacks.settings import Settings, parse
from tests.support.compose import FILE, PASSWORDS, VARIABLES, Model, compose, loaded
from tests.support.manifests import chart_calls, chart_of, of_kind
from tests.support.rendering import Rendered, render, stack_config

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(60)]

DATA_SERVICES = {"cockroachdb": "local-database", "redis": "local-cache", "nats": "local-messaging"}
"""The data services by their names in Compose, and their StatefulSets' names in the program."""
HELPERS = ("setup", "database-setup")
JOINING = ("--join", "--advertise-addr", "--locality")
"""Flags of a CockroachDB node that describe it to other nodes."""


@pytest.fixture(scope="module")
def model() -> Model:
    return loaded()


@pytest.fixture(scope="module")
def program() -> Rendered:
    """The local stack without monitoring, which the Compose file does not have."""
    return render("local", {"sacred-council:monitoring": {"enabled": False}})


@pytest.fixture(scope="module")
def pods(program: Rendered) -> dict[str, Model]:
    """The pod of each service and data service."""
    (call,) = chart_calls(program)
    services = {d["metadata"]["name"]: d["spec"] for d in of_kind(chart_of(call), "Deployment")}
    data_services = {
        name: program.named(f"{data_service}-statefulset").inputs["spec"]
        for name, data_service in DATA_SERVICES.items()
    }
    return {name: spec["template"]["spec"] for name, spec in {**services, **data_services}.items()}


def container(pods: Mapping[str, Model], name: str) -> Model:
    """The container that a service of Compose replaces: the first one. The others only export metrics."""
    return dict(pods[name]["containers"][0])


def variables_of(container: Model) -> dict[str, str]:
    return {variable["name"]: variable.get("value", "") for variable in container.get("env", [])}


def filled_in(words: list[str], variables: Mapping[str, str]) -> list[str]:
    """A command with its variables replaced, as Kubernetes does."""
    return [re.sub(r"\$\((\w+)\)", lambda found: variables[found[1]], word) for word in words]


def seconds(duration: str) -> int:
    units = {"h": 3600, "m": 60, "s": 1}
    return sum(int(amount) * units[unit] for amount, unit in re.findall(r"(\d+)([hms])", duration))


def test_compose_is_the_pinned_one() -> None:
    (tool,) = (tool for tool in FOR_TESTS if tool.name == "docker-compose")
    assert compose("version", "--short").stdout.strip() == pinned_version(tool.tool, tool.module).removeprefix("v")


def test_it_holds_the_services_and_the_data_services_and_what_sets_them_up(
    model: Model, pods: dict[str, Model]
) -> None:
    assert set(model["services"]) == {*pods, *HELPERS} == {*NAMES, *DATA_SERVICES, *HELPERS}


@pytest.mark.parametrize("name", [*NAMES, *DATA_SERVICES])
def test_image_ports_limits_and_user_are_those_of_kubernetes(model: Model, pods: dict[str, Model], name: str) -> None:
    here, there = model["services"][name], container(pods, name)
    limits = here["deploy"]["resources"]["limits"]
    assert here["image"] == there["image"]
    assert cpus("cpu", str(limits["cpus"])) == cpus("cpu", there["resources"]["limits"]["cpu"])
    assert int(limits["memory"]) == quantity_bytes("memory", there["resources"]["limits"]["memory"])
    ports = {str(port["containerPort"]) for port in there["ports"]}
    # A single server has no port for other servers.
    assert set(here["expose"]) == ports - ({"6222"} if name == "nats" else set())
    user = pods[name]["securityContext"]
    assert here["user"] == f"{user['runAsUser']}:{user['runAsGroup']}"
    assert seconds(here["stop_grace_period"]) == pods[name]["terminationGracePeriodSeconds"]


@pytest.mark.parametrize("name", [*NAMES, *DATA_SERVICES])
def test_checks_come_as_often_and_fail_as_late_as_in_kubernetes(
    model: Model, pods: dict[str, Model], name: str
) -> None:
    check, there = model["services"][name]["healthcheck"], container(pods, name)
    ready, start = there["readinessProbe"], there["startupProbe"]
    assert (seconds(check["interval"]), check["retries"]) == (ready["periodSeconds"], ready["failureThreshold"])
    assert seconds(check["timeout"]) == ready["timeoutSeconds"]
    assert seconds(check["start_period"]) == start["periodSeconds"] * start["failureThreshold"]
    if "httpGet" in ready:
        ports = {port["name"]: str(port["containerPort"]) for port in there["ports"]}
        asked = " ".join(check["test"]).replace("$HTTP_PORT", variables_of(there).get("HTTP_PORT", ""))
        assert f":{ports[ready['httpGet']['port']]}{ready['httpGet']['path']}" in asked


@pytest.mark.parametrize("name", NAMES)
def test_services_get_the_command_the_variables_and_the_files_of_the_chart(
    model: Model, pods: dict[str, Model], name: str
) -> None:
    here, there = model["services"][name], container(pods, name)
    assert here["environment"] == variables_of(there)
    assert here["entrypoint"] == filled_in(there["command"], variables_of(there))
    assert {mount["target"] for mount in here["volumes"]} | {"/tmp"} == {
        mount["mountPath"] for mount in there["volumeMounts"]
    }


HERE = {"stage", "database", "cache", "messaging", "services"}
"""Sections of the settings that the file has parts of."""
NOT_HERE = {
    "regions": "`regions`",
    "clouds": "without Kubernetes",
    "mesh": "no Istio, no gateway",
    "monitoring": "No monitoring",
    "gitops": "no Argo CD",
    "rancher": "no Rancher",
    "streaming": "`streaming`",
    "scaling": "`scaling`",
    "matching": "`matching`",
    "ledger": "`ledger`",
    "circles": "`circles`",
    "edge": "`edge.cdn`",
    "edge_sites": "`edgeSites`",
}
"""All other sections, with the words by which the head of the file says that they are not there."""


def test_the_head_of_the_file_names_every_part_of_the_platform_that_is_not_there() -> None:
    head, _, _ = FILE.read_text().partition("name: sacred-council")
    assert HERE | NOT_HERE.keys() == Settings.model_fields.keys()
    assert [section for section, words in NOT_HERE.items() if words not in head] == []
    assert "`messaging.websocket`" in head


def test_parts_that_are_not_there_are_off_in_the_stack_that_the_file_replaces() -> None:
    values = {key.removeprefix("sacred-council:"): value for key, value in stack_config("local").items()}
    settings = parse({key: value for key, value in values.items() if not key.startswith("pulumi:")})
    live = settings.messaging.websocket
    parts = (settings.streaming, settings.scaling, settings.matching, settings.ledger, settings.circles)
    for part in (*parts, live, live.agents):
        assert part.enabled is False
    assert (len(settings.regions), settings.edge_sites, settings.edge.cdn) == (1, (), "none")


def test_services_are_reached_from_this_machine_only_each_at_a_port_of_its_own(model: Model) -> None:
    published = [port for service in model["services"].values() for port in service.get("ports", [])]
    assert {port["host_ip"] for port in published} == {"127.0.0.1"}
    assert len({port["published"] for port in published}) == len(published) == len(NAMES)


def test_the_data_services_run_with_the_program_s_own_settings(model: Model, program: Rendered) -> None:
    contents = {name: config["content"] for name, config in model["configs"].items()}
    for name, data_service in {"redis.conf": "local-cache", "nats.conf": "local-messaging"}.items():
        assert contents[name] == program.named(f"{data_service}-settings").inputs["data"][name]
    assert contents["application.sql"] == application_sql("sacred_council", "sacred_council")
    assert cache.SETTINGS in model["services"]["redis"]["entrypoint"][-1]


def test_nats_gets_the_variables_that_it_reads(model: Model, pods: dict[str, Model]) -> None:
    there = {
        name: value.replace("$(POD_NAME)", "nats-0") for name, value in variables_of(container(pods, "nats")).items()
    }
    here = model["services"]["nats"]["environment"]
    assert here == {name: there[name] for name in ("SERVER_NAME", "GOMEMLIMIT")}


def test_cockroachdb_starts_as_it_does_in_kubernetes_but_alone(model: Model) -> None:
    start = shlex.split(database.start_command("local", primary_region="local", alone=True))
    there = {flag for flag in start if flag.startswith("--") and not flag.startswith(JOINING)}
    command = model["services"]["cockroachdb"]["entrypoint"]
    assert command[1] == "start-single-node"
    assert {flag for flag in command[2:] if not flag.startswith(JOINING)} == there


def test_nobody_but_the_setup_is_more_than_restricted(model: Model) -> None:
    for name, service in model["services"].items():
        assert (service["cap_drop"], service["security_opt"]) == (["ALL"], ["no-new-privileges:true"]), name
        assert name == "setup" or (service["read_only"], service["user"]) == (True, "10001:10001"), name
        assert "privileged" not in service, name
        assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory"}, name
    setup = model["services"]["setup"]
    assert (setup["cap_add"], setup["network_mode"]) == (["CHOWN"], "none")
    assert [name for name, service in model["services"].items() if "cap_add" in service] == ["setup"]


def test_each_data_service_is_on_a_closed_network_of_its_own_with_the_name_it_has_in_kubernetes(
    model: Model, program: Rendered
) -> None:
    for data_service, network in {"cockroachdb": "database", "redis": "cache", "nats": "messaging"}.items():
        assert model["networks"][network]["internal"] is True
        host = program.named(f"local-{network}-connection").inputs["stringData"]["host"]
        assert model["services"][data_service]["networks"] == {network: {"aliases": [host]}}


def test_services_start_when_what_they_need_is_well(model: Model) -> None:
    conditions = {
        name: {needed: each["condition"] for needed, each in service.get("depends_on", {}).items()}
        for name, service in model["services"].items()
    }
    made = "service_completed_successfully"
    data_services = {"database-setup": made, "redis": "service_healthy", "nats": "service_healthy"}
    assert {name: conditions[name] for name in NAMES} == dict.fromkeys(NAMES, data_services)
    assert {name: conditions[name] for name in DATA_SERVICES} == {name: {"setup": made} for name in DATA_SERVICES}
    assert conditions["database-setup"] == {"cockroachdb": "service_healthy"}


@pytest.mark.parametrize("missing", VARIABLES)
@pytest.mark.parametrize("value", [None, ""], ids=["missing", "empty"])
def test_a_password_that_is_missing_is_asked_for(missing: str, value: str | None) -> None:
    left = {name: given for name, given in VARIABLES.items() if name != missing}
    result = compose("config", variables=left if value is None else {**left, missing: value})
    assert result.returncode != 0
    assert f"required variable {missing} is missing a value: make the passwords first" in result.stderr


def test_passwords_are_in_no_container_s_variables_and_reach_the_setup_alone(model: Model) -> None:
    services = json.dumps(model["services"])
    assert [password for password in PASSWORDS.values() if password in services] == []
    assert [name for name, service in model["services"].items() if "secrets" in service] == ["setup"]
    assert {secret["environment"] for secret in model["secrets"].values()} == set(VARIABLES)


def test_no_secret_is_in_the_file() -> None:
    text = FILE.read_text()
    assert "PRIVATE KEY" not in text
    given = re.findall(r'(?i)password"?[:=] *"?(\S+)', text)
    assert len(given) > 10, "places where a password goes are found"
    assert [value for value in given if not re.match(r"[$%?{]|expected$", value)] == []
