"""`python -m sandbox compare` on a small repository: it brings the commit up and previews the work tree over it."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import pytest
import yaml

from sandbox.compare.command import FAILED, PROTECTED
from sandbox.compare.report import MARKER
from tests.support.sandboxes import PATIENCE_SECONDS, Sandbox

pytestmark = [pytest.mark.engine, pytest.mark.campaign, pytest.mark.timeout(1200)]

ONLY_IN_THE_COMMIT = """
import pulumi_random

pulumi_random.RandomString(
    "only-in-the-commit", length=4, opts=pulumi.ResourceOptions(provider=pulumi_random.Provider("random"))
)
"""
WARNS = """
pulumi.log.warn("mind the gap", pulumi.ComponentResource("test:index:Gap", "gap"))
"""
SALT = "v1:bm90IG91cnM=:v1:bm90:IG91cnM="
SOMEBODY_S_SECRET = {"sacred-council:alertWebhookUrl": {"secure": "v1:bm90:IG91cnM="}}
"""A secret that the user of `compare` cannot decrypt."""
AUTHOR = ("-c", "user.name=test", "-c", "user.email=test@example.org")


@dataclass(frozen=True)
class Outcome:
    """The result of a comparison."""

    status: int
    printed: str
    comment: str

    def section(self, stack: str) -> str:
        """The part of the comment about one stack."""
        return self.comment.partition(f"### {stack}\n")[2].partition("\n### ")[0]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    """The project: its commit has a further resource and stack, its work tree a change in one setting of each kind."""
    made = Sandbox.of(tmp_path_factory.mktemp("repository") / "project", "local")
    program = made.folder / "__main__.py"
    new, stack_file = program.read_text(), made.folder / "Pulumi.local.yaml"
    document = yaml.safe_load(stack_file.read_text())
    document["config"].update(SOMEBODY_S_SECRET)
    stack_file.write_text(yaml.safe_dump({**document, "encryptionsalt": SALT}))
    program.write_text(new + ONLY_IN_THE_COMMIT)
    for stack in ("old", "larger"):
        (made.folder / f"Pulumi.{stack}.yaml").write_text(stack_file.read_text())
    (made.folder / ".gitignore").write_text(".sandbox/\n__pycache__/\n")
    for arguments in (("init", "--quiet"), ("add", "."), (*AUTHOR, "commit", "--quiet", "--message=base")):
        subprocess.run(["git", *arguments], cwd=made.folder, check=True)
    program.write_text(new + WARNS)
    (made.folder / "Pulumi.old.yaml").unlink()
    made.configure({"cache": {"maxMemory": "96Mi"}})
    # A StatefulSet cannot change a claim's size. It is protected, so the engine stops there.
    replace(made, stack="larger").configure({"messaging": {"storage": "3Gi"}})
    _write_new_stack(made.folder)
    return made


def _write_new_stack(folder: Path) -> None:
    document = yaml.safe_load((folder / "Pulumi.local.yaml").read_text())
    document["config"]["sacred-council:regions"] = [{"name": "second", "cloud": "existing"}]
    (folder / "Pulumi.second.yaml").write_text(yaml.safe_dump(document))


@pytest.fixture(scope="module")
def outcome(repository: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    """One comparison of all stacks, with StatefulSets protected."""
    temporary = tmp_path_factory.mktemp("temporary")
    comment = temporary / "comment.md"
    process = subprocess.run(
        [sys.executable, "-m", "sandbox", "compare", "HEAD", f"--output={comment}", "--protect=*:StatefulSet"],
        cwd=repository.folder,
        env={**repository.environment, "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
    )
    assert comment.is_file(), process.stdout + process.stderr
    yield Outcome(process.returncode, process.stdout, comment.read_text())
    assert [path.name for path in temporary.iterdir()] == ["comment.md"]
    assert [process for process in psutil.process_iter() if str(temporary) in " ".join(_command(process))] == []


def _command(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []


def test_the_comment_can_be_found_again(outcome: Outcome) -> None:
    assert outcome.comment.startswith(f"{MARKER}\n## Preview against `HEAD`")


def test_what_is_updated_is_counted_and_named_with_its_properties(outcome: Outcome) -> None:
    section = outcome.section("local")
    updates = section.partition("updates</summary>")[2].partition("</details>")[0]
    assert '(kubernetes:core/v1:ConfigMap): `data["redis.conf"]`' in updates
    assert {line.split("`")[1].split("-")[1] for line in updates.splitlines() if line} == {"cache"}


def test_what_is_replaced_is_called_out_with_the_cause(outcome: Outcome) -> None:
    section = outcome.section("larger")
    assert "**1 replacement**" in section
    line = next(line for line in section.splitlines() if "(kubernetes:apps/v1:StatefulSet)" in line)
    assert line.startswith("- `local-messaging")
    assert "**protected**, because of `spec.volumeClaimTemplates" in line


def test_what_only_the_committed_program_registers_is_deleted(outcome: Outcome) -> None:
    section = outcome.section("local")
    assert "- `only-in-the-commit` (random:index/randomString:RandomString)" in section
    assert "::random:index/randomString:RandomString::only-in-the-commit`" in section


def test_what_the_program_warns_of_is_shown(outcome: Outcome) -> None:
    warnings = outcome.section("local").partition(" warning")[2].partition("</details>")[0]
    assert "\ngap: mind the gap\n" in warnings
    assert "warning: gap: mind the gap" in outcome.printed


def test_what_stays_is_counted(outcome: Outcome) -> None:
    row = next(line for line in outcome.comment.splitlines() if line.startswith("| local |"))
    assert int(row.split("|")[-2]) > 100


def test_a_new_stack_is_all_creates(outcome: Outcome) -> None:
    row = next(line for line in outcome.comment.splitlines() if line.startswith("| second (new) |"))
    replaced, deleted, updated, created, same = [cell.strip() for cell in row.split("|")[2:-1]]
    assert (replaced, deleted, updated, same) == ("0", "0", "0", "0")
    assert int(created) > 100


def test_a_deleted_stack_is_said(outcome: Outcome) -> None:
    assert "| old (gone) |" in outcome.comment
    assert "stays until it is destroyed" in outcome.section("old")


def test_a_replacement_that_the_engine_refuses_is_a_failed_preview_and_is_named(outcome: Outcome) -> None:
    assert outcome.status == FAILED
    assert "replace kubernetes:apps/v1:StatefulSet local-messaging" in outcome.printed


def test_a_deletion_of_a_type_that_must_stay_decides_the_exit_status(repository: Sandbox, outcome: Outcome) -> None:
    process = repository.start("compare", "HEAD", "local", "--protect=*:RandomString")
    said, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == PROTECTED, said
    assert "delete random:index/randomString:RandomString only-in-the-commit" in said


def test_the_work_tree_stays_as_it_was(outcome: Outcome, repository: Sandbox) -> None:
    status = subprocess.run(
        ["git", "status", "--porcelain"], cwd=repository.folder, capture_output=True, text=True, check=True
    )
    changed = {line.split()[-1] for line in status.stdout.splitlines()}
    stacks = {f"Pulumi.{stack}.yaml" for stack in ("larger", "local", "old", "second")}
    assert changed == {*stacks, "__main__.py"}
    stack_file = yaml.safe_load((repository.folder / "Pulumi.local.yaml").read_text())
    assert stack_file["encryptionsalt"] == SALT


def test_a_preview_that_fails_is_told_and_fails(repository: Sandbox, outcome: Outcome) -> None:
    repository.configure({"database": {"nodes": 2}})
    comment = repository.folder.parent / "failed.md"
    said = repository.run("compare", "HEAD", "local", f"--output={comment}", fails=True)
    repository.configure({"database": {}})
    assert "the preview failed" in said
    assert "sacred-council:database.nodes" in comment.read_text()
