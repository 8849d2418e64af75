"""Deploying on the user's own cluster."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox import context, engine, releases
from sandbox.layout import Layout, SandboxError
from sandbox.regions import REGIONS_KEY

pytestmark = pytest.mark.unit

KUBECONFIG: Mapping[str, Any] = {
    "contexts": [{"name": name, "context": {}} for name in ("kind-a", "arn:aws:eks:x/y")],
    "current-context": "kind-a",
}


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A project with a local stack."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "Pulumi.yaml").write_text("name: sacred-council\n")
    (project / "Pulumi.local.yaml").write_text(yaml.safe_dump(_stack({"name": "local", "cloud": "existing"})))
    return Layout(project=project, home=project / ".sandbox", binaries=tmp_path / "built")


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's machine with a kubeconfig and an official CLI, which records its calls in this file."""
    noted = tmp_path / "calls"
    (tmp_path / "cli").mkdir()
    cli = tmp_path / "cli" / "pulumi"
    (tmp_path / "state.json").write_text(json.dumps({"version": 3, "deployment": None}))
    export = f'[ "$1 $2" = "stack export" ] && exec cat {tmp_path}/state.json'
    cli.write_text(f'#!/bin/sh\n{export}\necho "$PULUMI_HOME $*" >> {noted}\n')
    cli.chmod(0o755)
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(dict(KUBECONFIG)))
    monkeypatch.setenv("PATH", f"{tmp_path / 'cli'}:/usr/bin:/bin")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    monkeypatch.setenv("PULUMI_HOME", "/theirs")
    engine.official.cache_clear()
    return noted


def _stack(*regions: Mapping[str, str]) -> dict[str, Any]:
    return {"config": {REGIONS_KEY: list(regions), "sacred-council:stage": "local"}}


def test_up_uses_the_users_own_engine_and_only_the_copy_of_the_stack_file(layout: Layout, calls: Path) -> None:
    before = layout.stack_file("local").read_text()
    assert context.up(layout, "local", "kind-a") == 0
    folder = layout.home / "contexts" / "kind-a"
    assert calls.read_text().splitlines() == [
        f"/theirs stack select local --create --cwd {folder}",
        f"/theirs up --stack local --config-file {folder}/Pulumi.local.yaml --yes",
    ]
    written = yaml.safe_load((folder / "Pulumi.local.yaml").read_text())
    assert written["config"][REGIONS_KEY] == [{"name": "local", "cloud": "existing", "context": "kind-a"}]
    assert layout.stack_file("local").read_text() == before
    assert [path.name for path in layout.home.iterdir()] == ["contexts"]


def test_down_destroys_with_the_same_file(layout: Layout, calls: Path) -> None:
    assert context.down(layout, "local", "kind-a") == 0
    file = layout.home / "contexts" / "kind-a" / "Pulumi.local.yaml"
    assert calls.read_text() == f"/theirs destroy --stack local --config-file {file} --yes\n"


def test_a_contexts_name_may_hold_any_character(layout: Layout, calls: Path) -> None:
    assert context.up(layout, "local", "arn:aws:eks:x/y") == 0
    assert (layout.home / "contexts" / "arn_aws_eks_x_y" / "Pulumi.local.yaml").is_file()


def test_an_unknown_context_lists_those_that_exist(layout: Layout, calls: Path) -> None:
    with pytest.raises(SandboxError, match=r"has no context 'kind-b'\. It has: kind-a, arn:aws:eks:x/y\."):
        context.up(layout, "local", "kind-b")


def test_without_the_official_cli_it_is_named_and_no_stand_in_is_used(
    layout: Layout, calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{layout.shims}:/usr/bin:/bin")
    engine.prepare(layout)
    with pytest.raises(SandboxError, match=r"needs the official Pulumi CLI, but `pulumi` is not on PATH"):
        context.up(layout, "local", "kind-a")
    assert not calls.exists()


def test_the_sandboxs_own_shell_is_refused(layout: Layout, calls: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_HOME", str(layout.pulumi_home))
    with pytest.raises(SandboxError, match="This shell has the sandbox's environment"):
        context.up(layout, "local", "kind-a")


def test_several_regions_do_not_fit_on_one_context() -> None:
    with pytest.raises(SandboxError, match="f has 2 regions, but a context is one cluster"):
        context.with_context(_stack({"name": "a"}, {"name": "b"}), "kind-a", {}, "f")


def test_a_region_of_a_cloud_has_no_context_to_choose() -> None:
    with pytest.raises(SandboxError, match="f: region a gets its cluster from gcp, so there is no context to choose"):
        context.with_context(_stack({"name": "a", "cloud": "gcp"}), "kind-a", {}, "f")


def test_encryption_settings_of_the_earlier_copy_are_kept() -> None:
    earlier = {"encryptionsalt": "v1:salt", "config": {"old": "value"}}
    result = context.with_context(_stack({"name": "a"}), "kind-a", earlier)
    assert result["encryptionsalt"] == "v1:salt"
    assert "old" not in result["config"]
    own = {**_stack({"name": "a"}), "encryptionsalt": "v1:own"}
    assert context.with_context(own, "kind-a", earlier)["encryptionsalt"] == "v1:own"


def test_contexts_of_several_kubeconfig_files_are_known(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(
            yaml.safe_dump({"contexts": [{"name": f"context-{name}"}], "current-context": f"context-{name}"})
        )
    files = f"{tmp_path / 'a'}:{tmp_path / 'missing'}:{tmp_path / 'b'}"
    merged = context.user_kubeconfig({"KUBECONFIG": files})
    assert [entry["name"] for entry in merged["contexts"]] == ["context-a", "context-b"]
    assert merged["current-context"] == "context-a"


def _state(**inputs: str) -> dict[str, Any]:
    resources = [{"type": "pulumi:pulumi:Stack"}, {"type": "pulumi:providers:kubernetes", "inputs": inputs}]
    return {"version": 3, "deployment": {"resources": resources}}


def test_a_stack_that_is_on_another_cluster_stays_there(layout: Layout, calls: Path, tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text(json.dumps(_state(context="arn:aws:eks:x/y")))
    for command in (context.up, context.down):
        with pytest.raises(SandboxError, match=r"is deployed on the cluster of context arn:aws:eks:x/y\. Nothing was"):
            command(layout, "local", "kind-a")
    assert [line.split()[1] for line in calls.read_text().splitlines()] == ["stack"]
    assert context.up(layout, "local", "arn:aws:eks:x/y") == 0


def test_where_a_stack_is_deployed_is_read_from_its_state() -> None:
    assert context.deployed_context(_state(context="kind-b"), "kind-a") == "kind-b"
    assert context.deployed_context(_state(), "kind-a") == "kind-a"
    assert context.deployed_context({"version": 3, "deployment": None}, "kind-a") is None


@pytest.mark.parametrize(("pending", "said"), [("creating", False), ("updating", True), ("deleting", True)])
def test_recover_says_when_the_users_state_needs_a_refresh(
    layout: Layout,
    calls: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    pending: str,
    said: bool,
) -> None:
    operation = {"type": pending, "resource": {"urn": "urn:x", "type": "kubernetes:core/v1:Service"}}
    exported = {"deployment": {"resources": [], "pending_operations": [operation]}}
    monkeypatch.setattr(context, "_exported", lambda *_: exported)
    monkeypatch.setattr(releases, "recover", lambda *_: [])
    assert context.recover(layout, "local") == 0
    assert ("Go on with `pulumi up --refresh`" in capsys.readouterr().err) == said
