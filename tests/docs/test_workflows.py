"""The workflows: the things that they name exist, their rights are minimal, and the first job has no secret."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox import binaries
from tests.support.rendering import ROOT

pytestmark = pytest.mark.unit

FOLDER = ROOT / ".github" / "workflows"
PREVIEW, BUILD, NIGHTLY = WORKFLOWS = tuple(FOLDER / f"{name}.yml" for name in ("preview", "build", "nightly"))
BINARIES = ROOT / ".github" / "actions" / "binaries" / "action.yml"
COMMENT = ROOT / ".github" / "comment.sh"
ACTION = re.compile(r"^\s*(?:- )?uses: (\S+)(.*)$", re.M)


def _parsed(path: Path) -> dict[Any, Any]:
    # YAML 1.1 reads the key `on` as true.
    document: dict[Any, Any] = yaml.safe_load(path.read_text())
    return document


def _job(name: str, workflow: Path = PREVIEW) -> dict[str, Any]:
    job: dict[str, Any] = _parsed(workflow)["jobs"][name]
    return job


def _commands(job: dict[str, Any]) -> str:
    return "\n".join(step.get("run", "") for step in job["steps"])


def _binaries() -> dict[str, Any]:
    action: dict[str, Any] = _parsed(BINARIES)["runs"]
    return action


def test_no_workflow_is_left_out_here() -> None:
    assert {path for path in FOLDER.iterdir() if path.suffix in (".yml", ".yaml")} == {*WORKFLOWS}


@pytest.mark.parametrize("path", [*WORKFLOWS, BINARIES], ids=lambda path: path.name)
def test_every_action_is_pinned_by_commit_with_its_version_beside_it(path: Path) -> None:
    own = f"./{BINARIES.parent.relative_to(ROOT)}"
    actions = [found for found in ACTION.findall(path.read_text()) if found[0] != own]
    assert actions
    assert [name for name, _ in actions if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", name)] == []
    assert [name for name, version in actions if not re.fullmatch(r" # v\d+\.\d+\.\d+", version)] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_one_repository_of_actions_is_used_at_one_commit(path: Path) -> None:
    uses = {name for name, _ in ACTION.findall(path.read_text() + BINARIES.read_text())}
    pins = {("/".join(name.split("/")[:2]).partition("@")[0], name.partition("@")[2]) for name in uses}
    assert len(pins) == len({repository for repository, _ in pins}) >= 4


def test_previews_run_on_pull_requests_and_never_with_the_base_repositorys_secrets() -> None:
    assert set(_parsed(PREVIEW)[True]) == {"pull_request"}


def test_permissions_are_none_but_for_what_a_job_says() -> None:
    assert [_parsed(workflow)["permissions"] for workflow in WORKFLOWS] == [{}] * len(WORKFLOWS)
    assert _job("build", BUILD)["permissions"] == {"contents": "read"}
    assert _job("test-all", NIGHTLY)["permissions"] == {"contents": "read"}
    assert _job("preview")["permissions"] == {"contents": "read", "pull-requests": "write"}
    assert _job("preview-cloud")["permissions"] == {
        "contents": "read",
        "id-token": "write",
        "pull-requests": "write",
    }


def test_the_first_job_holds_no_secret() -> None:
    text = yaml.safe_dump(_job("preview"))
    assert "secrets." not in text
    assert "id-token" not in text
    assert text.count("github.token") == 1
    assert "GH_TOKEN: ${{ github.token }}" in text


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_no_credential_stays_in_the_checkout(workflow: Path) -> None:
    jobs = _parsed(workflow)["jobs"].values()
    checkouts = [step for job in jobs for step in job["steps"] if "actions/checkout@" in step.get("uses", "")]
    assert len(checkouts) == len(jobs) >= 1
    assert [step["with"]["persist-credentials"] for step in checkouts] == [False] * len(checkouts)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_no_job_runs_for_ever(workflow: Path) -> None:
    limits = [job.get("timeout-minutes", 360) for job in _parsed(workflow)["jobs"].values()]
    assert 0 < max(limits) <= 240


def test_commands_hold_no_text_that_a_pull_request_can_choose() -> None:
    commands = "".join(_commands(job) for job in _parsed(PREVIEW)["jobs"].values())
    assert "make test" in commands
    assert "${{" not in commands


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    # `make check` has the unit and stack tests too, so the job must not run them twice.
    assert _made(_job("preview")) == ["lint", "test", "preview"]
    assert _made(_job("test-all", NIGHTLY)) == ["charts", "lint", "test-all"]
    assert 'make "$TARGET"' in _commands(_binaries())
    built = {_target(PREVIEW, "preview"), _target(BUILD, "build"), _target(NIGHTLY, "test-all")}
    assert built | {"lint", "test", "test-all", "preview"} <= targets


def _target(workflow: Path, job: str) -> str:
    """The target of make that builds the job's binaries."""
    (uses,) = (step for step in _job(job, workflow)["steps"] if step.get("uses") == "./.github/actions/binaries")
    default: str = _parsed(BINARIES)["inputs"]["target"]["default"]
    target: str = uses.get("with", {}).get("target", default)
    return target


def test_each_job_builds_what_its_tests_would_skip_without() -> None:
    makefile = (ROOT / "Makefile").read_text()
    rules = dict(re.findall(r"^(binaries[a-z-]*): .*\n\t@\$\(SANDBOX\) build (.*)$", makefile, re.M))
    assert rules == {"binaries": "--tests", "binaries-all": "--tests --campaigns"}
    # The workflow builds by the target on which the test target depends, so that the cache keeps it.
    for tests, workflow, job in (("test", PREVIEW, "preview"), ("test-all", NIGHTLY, "test-all")):
        needs = re.search(rf"^{tests}: venv (\S+) ", makefile, re.M)
        assert needs is not None
        assert _target(workflow, job) == needs[1]
    assert (_target(PREVIEW, "preview"), _target(NIGHTLY, "test-all")) == ("binaries", "binaries-all")


def _made(job: dict[str, Any]) -> list[str]:
    return re.findall(r"^make ([a-z-]+)", _commands(job), re.M)


def test_every_test_runs_each_night_and_when_somebody_asks() -> None:
    triggers = _parsed(NIGHTLY)[True]
    assert set(triggers) == {"schedule", "workflow_dispatch"}
    (when,) = triggers["schedule"]
    assert re.fullmatch(r"\d+ \d+ \* \* \*", when["cron"])


def test_the_machines_of_a_night_have_every_part_of_the_tests_between_them() -> None:
    job = _job("test-all", NIGHTLY)
    parts = job["strategy"]["matrix"]["shard"]
    assert parts == [f"{number}/{len(parts)}" for number in range(1, len(parts) + 1)]
    # A part that fails must not end the others.
    assert job["strategy"]["fail-fast"] is False
    (test,) = (step for step in job["steps"] if step.get("run") == "make test-all")
    assert test["env"] == {"SHARD": "${{ matrix.shard }}"}


def test_servers_that_no_registry_has_are_installed_before_tests_that_would_be_skipped_without_them() -> None:
    needed = re.findall(r"missing\+=\(([\w-]+)\)", (ROOT / ".ci" / "run").read_text())
    assert needed == ["redis-tools", "haproxy", "jq", "iproute2"]
    for_campaigns = ["default-jre-headless", "maven", "iptables", "redis-server"]
    assert _installed(_job("preview")) == needed
    assert _installed(_job("test-all", NIGHTLY)) == [*needed, *for_campaigns]


def _installed(job: dict[str, Any]) -> list[str]:
    """The Debian packages that the job installs before its tests."""
    before_the_tests = _commands(job).partition("make test")[0]
    (packages,) = re.findall(r"install -qq --no-install-recommends (.*)$", before_the_tests, re.M)
    return str(packages).split()


def test_the_tests_of_a_night_have_what_a_browser_s_page_loads() -> None:
    before_the_tests = _commands(_job("test-all", NIGHTLY)).partition("make test")[0]
    assert "npm ci --prefix tools/live" in before_the_tests


def test_every_file_it_names_exists() -> None:
    text = PREVIEW.read_text() + BINARIES.read_text()
    named = ["tools/**", "sandbox/binaries.py", "requirements*.txt", "tools/*/go.sum"]
    assert {*re.findall(r"'(tools/[^']*|sandbox/[^']*)'", text)} == {*named[:2]}
    assert [pattern for pattern in named if pattern not in text or not list(ROOT.glob(pattern))] == []
    scripts = re.findall(r"run: (\.github/\S+)", text)
    assert scripts == [str(COMMENT.relative_to(ROOT))]
    assert COMMENT.is_file()


def test_the_cache_holds_what_the_sandbox_builds_and_changes_with_what_determines_it() -> None:
    restore, save = (step["with"] for step in _binaries()["steps"] if "actions/cache/" in step.get("uses", ""))
    folders = (binaries.BIN_DIRECTORY, binaries.ENGINE_DIRECTORY, binaries.PLUGIN_DIRECTORY, "stamps")
    built = {f".sandbox/{name}" for name in folders}
    assert set(restore["path"].split()) == set(save["path"].split()) == built
    assert "hashFiles('tools/**', 'sandbox/binaries.py')" in restore["key"]
    # A cache without the campaigns' controllers must not stand for one with them.
    assert "${{ inputs.target }}" in restore["key"]


def test_the_main_branch_fills_the_cache_of_every_pull_request() -> None:
    assert _parsed(BUILD)[True]["push"]["branches"] == ["main"]
    assert {"tools/**", "sandbox/binaries.py"} <= {*_parsed(BUILD)[True]["push"]["paths"]}
    for workflow, job in ((BUILD, "build"), (PREVIEW, "preview"), (NIGHTLY, "test-all")):
        uses = [step.get("uses") for step in _parsed(workflow)["jobs"][job]["steps"]]
        assert "./.github/actions/binaries" in uses


def test_the_base_is_the_first_parent_of_the_merge_that_is_checked_out() -> None:
    (checkout,) = (step for step in _job("preview")["steps"] if "actions/checkout@" in step.get("uses", ""))
    assert checkout["with"]["fetch-depth"] == 2
    assert "make preview BASE=HEAD^1 OUTPUT=preview.md" in _commands(_job("preview"))


def test_the_cloud_job_runs_for_named_stacks_only_and_never_for_a_fork() -> None:
    job = _job("preview-cloud")
    assert "vars.CLOUD_STACKS != ''" in job["if"]
    assert "head.repo.full_name == github.repository" in job["if"]
    assert "secrets." not in yaml.safe_dump(job)
    engine = binaries.pinned_version(binaries.ENGINE.tool, binaries.ENGINE.module).removeprefix("v")
    (pulumi,) = (step["with"] for step in job["steps"] if "pulumi/actions@" in step.get("uses", ""))
    assert (pulumi["command"], pulumi["pulumi-version"]) == ("preview", engine)


GH = """#!/bin/sh
echo "$*" >> "$CALLS"
case "$*" in *--paginate*) echo "$FOUND" ;; esac
"""


@pytest.fixture
def workplace(tmp_path: Path) -> Path:
    """A folder with a comment and a `gh` that records its arguments."""
    (tmp_path / "preview.md").write_text("<!-- mark -->\nhello\n")
    (tmp_path / "gh").write_text(GH)
    (tmp_path / "gh").chmod(0o755)
    return tmp_path


def _comment(folder: Path, found: str = "", writable: str = "true") -> list[str]:
    environment = {
        "PATH": f"{folder}:/usr/bin:/bin",
        "CALLS": str(folder / "calls"),
        "FOUND": found,
        "WRITABLE": writable,
        "NUMBER": "7",
        "GITHUB_REPOSITORY": "council/infrastructure",
        "GITHUB_STEP_SUMMARY": str(folder / "summary"),
    }
    subprocess.run([COMMENT, "preview.md"], cwd=folder, env=environment, check=True, capture_output=True)
    calls = folder / "calls"
    return calls.read_text().splitlines() if calls.is_file() else []


def test_the_first_comment_is_made(workplace: Path) -> None:
    calls = _comment(workplace)
    assert calls[-1] == (
        "api --silent --method POST repos/council/infrastructure/issues/7/comments --field body=@preview.md"
    )
    assert (workplace / "summary").read_text() == (workplace / "preview.md").read_text()


def test_the_next_one_replaces_it(workplace: Path) -> None:
    calls = _comment(workplace, found="42\n43")
    assert calls[-1] == (
        "api --silent --method PATCH repos/council/infrastructure/issues/comments/42 --field body=@preview.md"
    )
    assert "env.MARKER" in calls[0]


def test_a_fork_gets_the_summary_only(workplace: Path) -> None:
    assert _comment(workplace, writable="false") == []
    assert "hello" in (workplace / "summary").read_text()
