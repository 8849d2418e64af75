"""The values that Argo CD deploys the services with, as files."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from publish.__main__ import main
from publish.files import HEAD, differing, files, write
from stacks.settings import parse
from tests.support.hubs import GITOPS
from tests.support.regions import IOWA, MATCHING, MIXED, SHIFTING, configured, own, targets
from tests.support.rendering import render

pytestmark = pytest.mark.stack


@pytest.mark.parametrize(
    "sections",
    [{}, {"services": SHIFTING}, {"streaming": {"enabled": True}}, {"matching": MATCHING}],
    ids=["usual", "shifting", "streaming", "matching"],
)
def test_the_published_values_are_those_that_the_program_deploys_with(sections: dict[str, Any]) -> None:
    config = {**configured(*MIXED), "monitoring": {}, **sections}
    stack = targets(*MIXED, **sections)
    deployed = {
        call["values"]["region"]: call["values"]
        for call in (json.loads(arguments["jsonOpts"]) for _, arguments in stack.calls if "jsonOpts" in arguments)
    }
    published = files(parse({"stage": "continental", **config, "gitops": GITOPS}))
    assert {name.removesuffix(".yaml"): yaml.safe_load(text) for name, text in published.items()} == deployed
    assert len(deployed) == len(MIXED)


def test_the_services_may_ask_the_dns_caches_that_each_region_names() -> None:
    cellar = own("cellar") | {"dnsAddresses": ["10.96.0.10", "169.254.20.10"]}
    settings = {**configured(*MIXED), "regions": [*configured(*MIXED)["regions"], cellar]}
    stack = render("multiregion", {f"sacred-council:{key}": value for key, value in settings.items()})
    calls = [json.loads(arguments["jsonOpts"])["values"] for _, arguments in stack.calls if "jsonOpts" in arguments]
    everywhere = ["169.254.20.10/32", "169.254.25.10/32"]
    assert {values["region"]: values["networkPolicy"]["dnsCaches"] for values in calls} == {
        "us-central1": [*everywhere, "169.254.169.254/32"],
        "us-east-1": everywhere,
        "westeurope": everywhere,
        "cellar": [*everywhere, "10.96.0.10/32"],
    }


def test_publishing_writes_finds_and_removes_files(tmp_path: Any) -> None:
    wanted = files(parse({"stage": "continental", **configured(*MIXED), "gitops": GITOPS}))
    assert differing(wanted, tmp_path / "deploy") == sorted(wanted)
    write(wanted, tmp_path / "deploy")
    assert differing(wanted, tmp_path / "deploy") == []
    (tmp_path / "deploy" / "mine.yaml").write_text("a: 1\n")
    fewer = dict(list(wanted.items())[1:])
    write(fewer, tmp_path / "deploy")
    assert {path.name for path in (tmp_path / "deploy").iterdir()} == {*fewer, "mine.yaml"}


@pytest.fixture
def stacks(tmp_path: Path) -> Path:
    """A folder with the file of stack `hub`, which has a secret and Argo CD."""
    values = {"stage": "continental", **configured(*MIXED), "gitops": GITOPS}
    config = {f"sacred-council:{key}": value for key, value in values.items()}
    config["sacred-council:gitopsRepositoryToken"] = {"secure": "v1:abc"}
    (tmp_path / "Pulumi.hub.yaml").write_text(yaml.safe_dump({"config": config}))
    return tmp_path


def test_the_command_writes_and_finds_what_is_stale(stacks: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = stacks / "deploy"
    assert main(["hub", str(folder), "--check"], stacks) == 1
    assert "westeurope.yaml: differs from stack hub" in capsys.readouterr().out
    assert main(["hub", str(folder)], stacks) == 0
    assert sorted(path.name for path in folder.iterdir()) == sorted(f"{name}.yaml" for name, _ in MIXED)
    assert main(["hub", str(folder), "--check"], stacks) == 0


def test_the_canary_s_file_alone_is_written_and_compared(stacks: Path) -> None:
    folder = stacks / "deploy"
    assert main(["hub", str(folder)], stacks) == 0
    for name, _ in MIXED:
        (folder / f"{name}.yaml").write_text(f"{HEAD}old: true\n")
    assert main(["hub", str(folder), "--canary", "--check"], stacks) == 1
    assert main(["hub", str(folder), "--canary"], stacks) == 0
    # The canary is the hub here, and the hub the primary region.
    assert [name for name, _ in MIXED if "old" in (folder / f"{name}.yaml").read_text()] == [
        name for name, _ in MIXED if name != IOWA[0]
    ]
    assert main(["hub", str(folder), "--canary", "--check"], stacks) == 0
    assert main(["hub", str(folder), "--check"], stacks) == 1


def test_a_stack_without_argo_cd_or_without_a_file_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["local", str(tmp_path)]) == 1
    assert "Argo CD deploys nothing" in capsys.readouterr().err
    assert main(["nowhere", str(tmp_path)]) == 1
    assert "Pulumi.nowhere.yaml" in capsys.readouterr().err
