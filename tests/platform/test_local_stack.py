"""The local stack on the real engine and a real API server, from nothing to nothing. The tests build on each other."""

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from components.services import NAMES
from sandbox.charts import repositories
from tests.support.chart_packages import small
from tests.support.rendering import ROOT
from tests.support.sandboxes import Sandbox, kill_all_after, kill_all_when, wait_until_gone
from tests.support.tracked import require_the_same

pytestmark = [pytest.mark.engine, pytest.mark.timeout(1800)]

OUR_NAMESPACES = {"cockroachdb", "redis", "nats", "istio-system", "istio-ingress", "monitoring", "sacred-council"}
NOT_SECRET = {
    *("ca.crt", "tls.crt", "ca-cert.pem", "cert-chain.pem", "root-cert.pem"),
    *("host", "port", "database", "domain", "username", "admin-user"),
}
"""Keys of Secrets whose values are public."""
AUTOSCALERS = "horizontalpodautoscalers"
WITH_PACK = ("--policy-pack", "policy")
PUBLIC_BUCKET = """
import pulumi_gcp as gcp

cloud = gcp.Provider("extra-gcp", project="some-project", region="europe-west1")
gcp.storage.Bucket("extra-bucket", location="europe-west1", opts=pulumi.ResourceOptions(provider=cloud))
"""
PENDING = ("secrets", "-A", "-l", "owner=helm,status=pending-install")
ENGINES_PATIENCE_SECONDS = 5.0
"""How long the engine waits for a plugin to end before it kills the plugin (plugin.go in the SDK)."""
ENDING = "killing plugin "
"""What the engine's log says when it asks a plugin to end."""


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A separate sandbox, whose runs may be killed. Always taken down at the end."""
    made = Sandbox.of(tmp_path_factory.mktemp("local") / "project", "local")
    yield made
    made.take_down()


@pytest.fixture(scope="module")
def first_up(killed: Sandbox) -> str:
    """Output of the first complete `up` and of the run before it.

    The first run was killed within a Helm release, with its plugins. The second was killed after it had finished that
    release: the engine still lists the release as begun.
    """
    begun = kill_all_when(killed.start("up"), lambda: killed.has(*PENDING))
    assert begun.killed, begun.output
    again = kill_all_after(killed.start("up"), [" created"], 45)
    assert again.killed, again.output
    return again.output + killed.run("up")


@pytest.fixture(scope="module")
def sandbox(killed: Sandbox, first_up: str) -> Sandbox:
    """The same sandbox after the kills. The engine writes its state once in each run from here on."""
    return replace(killed, saves_once=True)


@pytest.fixture(scope="module")
def second_up(sandbox: Sandbox, first_up: str) -> str:
    """Output of an `up` that has nothing to change."""
    return sandbox.run("up")


def test_up_goes_on_by_itself_after_a_run_was_killed_within_a_release(first_up: str) -> None:
    assert re.search(r"Helm release \S+/\S+ was .+ when a run was killed; it was uninstalled", first_up)
    assert "Stack local is up in the sandbox" in first_up


def test_nothing_was_created_twice_or_forgotten(sandbox: Sandbox, first_up: str) -> None:
    require_the_same(sandbox)


def test_no_engine_command_waits_for_a_plugin_to_end(sandbox: Sandbox, first_up: str) -> None:
    said = sandbox.pulumi("preview", *WITH_PACK, "--logtostderr", "-v=9")
    plugins, silences = plugin_stops(said)
    assert plugins == {
        "pulumi-language-python",
        *(f"pulumi-resource-{each}" for each in ("kubernetes", "random", "tls")),
    }
    assert [(entry, seconds) for entry, seconds in silences if seconds >= ENGINES_PATIENCE_SECONDS / 2] == []


def test_a_second_up_changes_nothing(second_up: str) -> None:
    assert re.search(r"^    \d+ unchanged$", second_up, re.MULTILINE)


def test_packages_in_the_chart_folder_change_nothing_that_the_program_asks_for(
    sandbox: Sandbox, first_up: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for chart in repositories.pinned(ROOT):
        (tmp_path / chart.file).write_bytes(small(chart.name, chart.version))
    monkeypatch.setenv(repositories.FOLDER_VARIABLE, str(tmp_path))
    sandbox.pulumi("preview", "--expect-no-changes")


def test_up_says_in_one_line_what_is_simulated_and_warns_of_nothing(second_up: str) -> None:
    (line,) = [line for line in second_up.splitlines() if "docs/sandbox.md" in line]
    assert line.startswith("Nodes, pods and clouds are simulated")
    assert "warning" not in second_up


def test_a_refresh_finds_nothing_changed(sandbox: Sandbox, first_up: str) -> None:
    sandbox.pulumi("refresh", "--yes", "--expect-no-changes")


def test_the_work_tree_stays_as_it_was(sandbox: Sandbox, first_up: str) -> None:
    assert "encryptionsalt" not in (sandbox.folder / "Pulumi.local.yaml").read_text()


def test_everything_rolled_out(sandbox: Sandbox, first_up: str) -> None:
    workloads = sandbox.objects("deployments,statefulsets", "--all-namespaces")
    ours = [item for item in workloads if item["metadata"]["namespace"] in OUR_NAMESPACES]
    assert len(ours) >= 7
    assert [item["metadata"]["name"] for item in ours if not item["status"].get("readyReplicas")] == []


def test_every_autoscaler_has_metrics_to_scale_by(sandbox: Sandbox, first_up: str) -> None:
    # The metrics server needs about half a minute after its first pods, and an autoscaler looks every 15 seconds.
    everywhere = ("--all", "--all-namespaces", "--timeout=90s")
    sandbox.kubectl("wait", "--for=condition=ScalingActive", AUTOSCALERS, *everywhere)
    found = sandbox.objects(AUTOSCALERS, "--all-namespaces")
    assert {*NAMES} <= {item["metadata"]["name"] for item in found}
    active = {
        item["metadata"]["name"]: condition["status"]
        for item in found
        for condition in item["status"]["conditions"]
        if condition["type"] == "ScalingActive"
    }
    assert active == {item["metadata"]["name"]: "True" for item in found}


def test_autoscalers_do_not_warn_that_metrics_are_late_but_of_anything_else(
    sandbox: Sandbox, first_up: str, tmp_path: Path
) -> None:
    def warn(name: str, message: str, *, fails: bool = True) -> str:
        scaler = {"kind": "HorizontalPodAutoscaler", "namespace": "default", "name": "some"}
        event = {"apiVersion": "v1", "kind": "Event", "metadata": {"name": name}, "involvedObject": scaler}
        file = tmp_path / f"{name}.json"
        file.write_text(json.dumps({**event, "message": message}))
        return sandbox.kubectl("create", "-f", str(file), fails=fails)

    late = "failed to get cpu utilization: unable to get metrics for resource cpu: {} resource metrics API"
    assert "has not read these pods yet" in warn("none", late.format("no metrics returned from"))
    assert "has not read these pods yet" in warn("unserved", late.format("unable to fetch metrics from"))
    wrong = "failed to get cpu utilization: missing request for cpu in container a of Pod b"
    assert "created" in warn("wrong", wrong, fails=False)
    warnings = sandbox.objects("events", "--all-namespaces", "--field-selector=type=Warning")
    assert [event["message"] for event in warnings if "metrics API" in event["message"]] == []


def test_no_secret_is_readable_in_the_state(sandbox: Sandbox, first_up: str) -> None:
    secrets = sandbox.objects("secrets", "-A", "-l", "app.kubernetes.io/part-of=sacred-council")
    hidden = {
        f"{secret['metadata']['namespace']}/{secret['metadata']['name']}: {key}": encoded
        for secret in secrets
        for key, encoded in secret["data"].items()
        if encoded and key not in NOT_SECRET
    }
    state = _written(json.loads(sandbox.pulumi("stack", "export")))
    assert len(hidden) >= 19
    assert "PRIVATE KEY" not in state
    assert [what for what, encoded in hidden.items() if encoded in state] == []
    decoded = {what: base64.b64decode(encoded).decode() for what, encoded in hidden.items()}
    assert [what for what, text in decoded.items() if _written(text)[1:-1] in state] == []


def test_the_outputs_help_and_hold_no_secret(sandbox: Sandbox, first_up: str) -> None:
    outputs = json.loads(sandbox.pulumi("stack", "output", "--json"))
    region = outputs["regions"]["local"]
    assert region["database"]["secret"] == "database-connection"
    assert "port-forward" in region["monitoring"]["grafana"]
    assert "[secret]" not in json.dumps(outputs)


@pytest.mark.parametrize("namespace", sorted(OUR_NAMESPACES))
def test_the_api_server_rejects_a_privileged_pod(sandbox: Sandbox, first_up: str, namespace: str) -> None:
    said = sandbox.kubectl("run", "intruder", "--image=busybox:1.37", "--privileged", "-n", namespace, fails=True)
    assert 'violates PodSecurity "restricted' in said


def test_drift_is_found_and_repaired(sandbox: Sandbox, first_up: str) -> None:
    sandbox.kubectl("-n", "nats", "delete", "service", "nats", "--wait")
    sandbox.kubectl("-n", "redis", "patch", "statefulset", "redis", "--type=merge", "-p", '{"spec":{"replicas":2}}')
    found = sandbox.pulumi("refresh", "--yes")
    assert "deleted" in found
    assert "updated" in found
    sandbox.pulumi("up", "--yes", "--skip-preview")
    assert sandbox.objects("services", "-n", "nats", "--field-selector=metadata.name=nats")
    assert redis_replicas(sandbox) == 1
    sandbox.pulumi("refresh", "--yes", "--expect-no-changes")


@pytest.mark.campaign
def test_a_field_that_another_controller_owns_is_a_conflict_and_taken_back_on_request(
    sandbox: Sandbox, first_up: str
) -> None:
    edit = ("patch", "statefulset", "redis", "--type=merge", "-p", '{"spec":{"replicas":2}}')
    sandbox.kubectl("-n", "redis", *edit, "--field-manager=another-controller")
    assert "updated" in sandbox.pulumi("refresh", "--yes")
    conflict = sandbox.pulumi("up", "--yes", "--skip-preview", fails=True)
    assert 'conflict with "another-controller"' in conflict
    assert redis_replicas(sandbox) == 2
    forced = ("env", "PULUMI_K8S_ENABLE_PATCH_FORCE=true", "pulumi", "up", "--yes", "--skip-preview", "-s", "local")
    sandbox.run("exec", "--", *forced)
    assert redis_replicas(sandbox) == 1
    sandbox.pulumi("refresh", "--yes", "--expect-no-changes")


def redis_replicas(sandbox: Sandbox) -> int:
    """Return the number of replicas in the spec of Redis' StatefulSet."""
    (redis,) = sandbox.objects("statefulsets", "-n", "redis")
    return int(redis["spec"]["replicas"])


def test_a_bad_configuration_changes_nothing(sandbox: Sandbox, first_up: str) -> None:
    before = sandbox.resources()
    sandbox.configure({"database": {"nodes": 2}})
    said = sandbox.pulumi("up", "--yes", fails=True)
    sandbox.configure({"database": {}})
    assert "sacred-council:database.nodes" in said
    assert "Traceback" not in said
    assert sandbox.resources() == before


@pytest.mark.campaign
def test_the_stack_keeps_to_the_policy_pack(sandbox: Sandbox, first_up: str) -> None:
    assert len(sandbox.resources()) > 150
    said = sandbox.pulumi("up", "--yes", "--skip-preview", *WITH_PACK)
    assert re.search(r"^    \d+ unchanged$", said, re.MULTILINE)
    assert "[mandatory]" not in said


@pytest.mark.campaign
def test_an_image_without_a_tag_stops_the_update_and_nothing_is_changed(sandbox: Sandbox, first_up: str) -> None:
    deployed = _known(sandbox)
    versions = sandbox.folder / "components" / "versions.py"
    before = _replace(versions, "library/redis:8.10.1", "library/redis")
    preview = sandbox.pulumi("preview", *WITH_PACK, fails=True)
    update = sandbox.pulumi("up", "--yes", *WITH_PACK, fails=True)
    unseen = sandbox.pulumi("up", "--yes", "--skip-preview", *WITH_PACK, fails=True)
    versions.write_text(before)
    for said in (preview, update, unseen):
        assert "[mandatory]  pinned-images" in said
        assert "container redis has image docker.io/library/redis" in said
    (redis,) = sandbox.objects("statefulsets", "-n", "redis")
    images = [one["image"] for one in redis["spec"]["template"]["spec"]["containers"]]
    assert "docker.io/library/redis:8.10.1" in images
    assert _known(sandbox) == deployed
    sandbox.pulumi("preview", "--expect-no-changes", *WITH_PACK)


@pytest.mark.campaign
def test_a_public_bucket_stops_the_update_and_is_not_made(sandbox: Sandbox, first_up: str) -> None:
    deployed = _known(sandbox)
    program = sandbox.folder / "__main__.py"
    before = program.read_text()
    program.write_text(before + PUBLIC_BUCKET)
    said = sandbox.pulumi("up", "--yes", *WITH_PACK, fails=True)
    program.write_text(before)
    assert "[mandatory]  no-public-exposure" in said
    assert "publicAccessPrevention is missing" in said
    assert "[mandatory]  required-labels" in said
    assert _known(sandbox) == deployed


@pytest.mark.campaign
def test_a_rule_that_is_switched_off_lets_it_pass(sandbox: Sandbox, first_up: str) -> None:
    versions = sandbox.folder / "components" / "versions.py"
    before = _replace(versions, "library/redis:8.10.1", "library/redis")
    config = sandbox.folder / "off.json"
    config.write_text(json.dumps({"pinned-images": "disabled"}))
    said = sandbox.pulumi("preview", *WITH_PACK, "--policy-pack-config", str(config))
    versions.write_text(before)
    assert "pinned-images" not in said


@pytest.mark.campaign
def test_a_configuration_of_the_pack_that_fits_no_schema_is_refused(sandbox: Sandbox, first_up: str) -> None:
    config = sandbox.folder / "bad.json"
    config.write_text(json.dumps({"carbon-intensity": {"gramsPerKwh": "many"}}))
    assert "gramsPerKwh" in sandbox.pulumi("preview", *WITH_PACK, "--policy-pack-config", str(config), fails=True)


@pytest.mark.campaign
def test_a_pack_that_does_not_start_says_why(sandbox: Sandbox, first_up: str) -> None:
    pack = sandbox.folder / "policy" / "pack.py"
    before = _replace(pack, "from policy.rule import Rule", "import nothing_of_that_name")
    said = sandbox.pulumi("preview", *WITH_PACK, fails=True)
    pack.write_text(before)
    assert "nothing_of_that_name" in said


@pytest.mark.campaign
def test_a_changed_setting_updates_only_what_it_is_about(sandbox: Sandbox, first_up: str) -> None:
    sandbox.configure({"cache": {"maxMemory": "96Mi"}})
    preview = _steps(sandbox.pulumi("preview", "--json"))
    assert {step["op"] for step in preview} == {"same", "update"}
    changed = [step["urn"].split("::")[-1] for step in preview if step["op"] == "update"]
    assert changed
    assert [name for name in changed if not name.startswith("local-cache")] == []
    sandbox.pulumi("up", "--yes", "--skip-preview")
    sandbox.pulumi("preview", "--expect-no-changes")


@pytest.mark.campaign
def test_more_nodes_replace_nothing(sandbox: Sandbox, first_up: str) -> None:
    sandbox.configure({"database": {"nodes": 3}, "cache": {"replicas": 3}, "messaging": {"servers": 3}})
    preview = _steps(sandbox.pulumi("preview", "--json"))
    replaced = [step["urn"].split("::")[-1] for step in preview if "replace" in step["op"] or "delete" in step["op"]]
    assert [name for name in replaced if not name.endswith("-job")] == []
    sandbox.pulumi("up", "--yes", "--skip-preview")
    assert {item["status"]["readyReplicas"] for item in sandbox.objects("statefulsets", "-A")} >= {3}


def test_destroy_leaves_no_object(sandbox: Sandbox, first_up: str) -> None:
    sandbox.pulumi("destroy", "--yes", "--skip-preview")
    assert [r["urn"] for r in sandbox.resources() if not r["type"].startswith("pulumi:")] == []
    names = {item["metadata"]["name"] for item in sandbox.objects("namespaces")}
    assert names & OUR_NAMESPACES == set()
    assert sandbox.objects("all,configmaps,secrets", "-A", "-l", "app.kubernetes.io/part-of=sacred-council") == []


def test_down_leaves_no_process(sandbox: Sandbox, first_up: str) -> None:
    sandbox.run("down")
    assert wait_until_gone(sandbox, 10) == []


def _replace(path: Path, old: str, new: str) -> str:
    """Replace a text in a file of the program; return the original."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return text


def _known(sandbox: Sandbox) -> dict[str, str]:
    """The state's resources, by URN with id. A stopped update may rewrite the state."""
    return {one["urn"]: one.get("id", "") for one in sandbox.resources()}


def _steps(preview: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(preview[preview.index("{") :])["steps"]
    return found


def _written(value: object) -> str:
    """Return a value as JSON, always spelt in the same way."""
    return json.dumps(value, ensure_ascii=False)


def plugin_stops(log: str) -> tuple[set[str], list[tuple[str, float]]]:
    """The plugins that the engine asked to end, and the seconds from each entry of its log since then to the next one.

    The engine does not say when a plugin has ended. It waits for it, so its log is silent until then.
    """
    entries = [json.loads(line) for line in log.splitlines() if line.startswith('{"time":')]
    stops = [place for place, entry in enumerate(entries) if entry["msg"].startswith(ENDING)]
    # The engine ends a language host early, too: that which told it the version of the language.
    providers = [place for place in stops if "/pulumi-resource-" in entries[place]["msg"]]
    assert providers, log[-2000:]
    assert stops[-1] < len(entries) - 1, "the log does not say when the last plugin has ended"
    times = [datetime.fromisoformat(entry["time"]) for entry in entries]
    silent = {*stops, *range(providers[0], len(entries) - 1)}
    return (
        {entries[place]["msg"].strip().rpartition("/")[2] for place in stops},
        [(entries[place]["msg"], (times[place + 1] - times[place]).total_seconds()) for place in sorted(silent)],
    )
