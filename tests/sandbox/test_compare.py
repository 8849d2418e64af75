"""Comparing the work tree with a commit: reading a preview, and describing the changes. No engine runs."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from policy.rules.deletion import BUCKETS, STATEFUL
from sandbox.compare import trees
from sandbox.compare.changes import Change, Comparison, Operation, Preview, parse
from sandbox.compare.command import FAILED, PROTECTED, _status
from sandbox.compare.report import MARKER, Report
from sandbox.compare.trees import Kind, Stack
from sandbox.layout import SandboxError
from tests.support.rendering import ROOT

pytestmark = pytest.mark.unit

RECORDED = ROOT / "tests" / "data" / "preview.json"
"""The engine's output for the local stack, without states: an update, a replacement, creates, deletes."""
URN = "urn:pulumi:local::sacred-council::sacred-council:data:Cache$kubernetes:apps/v1:StatefulSet::local-cache"


@pytest.fixture
def recorded() -> Preview:
    """The recorded preview."""
    return parse(RECORDED.read_text())


def step(operation: str, name: str = "local-cache", **more: Any) -> dict[str, Any]:
    return {"op": operation, "urn": URN.replace("local-cache", name), "detailedDiff": None, **more}


def parsed(*steps: dict[str, Any]) -> Preview:
    return parse(json.dumps({"steps": steps}))


def comparison(*changes: Change, kind: Kind = Kind.KEPT, **more: Any) -> Comparison:
    preview = Preview(changes=changes, unchanged=3)
    return Comparison(**{"stack": Stack("local", kind), "preview": preview, **more})


def report(*comparisons: Comparison, protect: tuple[str, ...] = ()) -> Report:
    return Report(base="main", commit="0123456789abcdef", comparisons=comparisons, protect=protect)


def change(operation: Operation, name: str = "local-cache", *properties: str) -> Change:
    return Change(operation, URN.replace("local-cache", name), properties)


def test_the_comment_tells_what_a_change_costs() -> None:
    text = report(comparison(worth="| Cost a month |\n\nBudget: within.\n")).markdown()
    assert "<details><summary>Cost, capacity, carbon</summary>\n\n| Cost a month |\n\nBudget: within.\n" in text
    assert "Cost, capacity" not in report(comparison()).markdown()


def test_a_recorded_preview_is_read(recorded: Preview) -> None:
    document = json.loads(RECORDED.read_text())
    summary = document["changeSummary"]
    assert {operation.value: len(recorded.of(operation)) for operation in Operation} == {
        operation.value: summary.get(operation.value, 0) for operation in Operation
    }
    # A reader does not count the stack itself as a resource.
    assert recorded.unchanged == summary["same"] - 1
    assert recorded.errors == ()


def test_a_recorded_replacement_names_its_cause(recorded: Preview) -> None:
    (replaced,) = (item for item in recorded.of(Operation.REPLACE) if item.type.endswith(":StatefulSet"))
    assert replaced.type == "kubernetes:apps/v1:StatefulSet"
    assert [path.partition("[")[0] for path in replaced.properties] == ["spec.volumeClaimTemplates"]


def test_type_and_name_come_from_the_urn() -> None:
    one = Change(Operation.CREATE, URN + "::odd$name")
    assert (one.type, one.name) == ("kubernetes:apps/v1:StatefulSet", "local-cache::odd$name")


def test_a_replacement_in_several_steps_counts_once() -> None:
    preview = parsed(step("create-replacement"), step("replace"), step("delete-replaced"))
    assert [item.operation for item in preview.changes] == [Operation.REPLACE]


def test_of_a_replacement_only_the_causes_are_named() -> None:
    details = {"spec.template": {"kind": "update"}, "spec.serviceName": {"kind": "update-replace"}}
    (one,) = parsed(step("replace", detailedDiff=details, replaceReasons=["spec"])).changes
    assert one.properties == ("spec.serviceName",)


def test_without_details_the_top_level_properties_are_named() -> None:
    replaced, updated = parsed(
        step("replace", replaceReasons=["spec"]), step("update", "b", diffReasons=["data"])
    ).changes
    assert (replaced.properties, updated.properties) == (("spec",), ("data",))


@pytest.mark.parametrize("operation", ["same", "read", "refresh", "discard", "remove-pending-replace"])
def test_what_changes_nothing_is_no_change(operation: str) -> None:
    assert parsed(step(operation)).changes == ()


def test_what_an_update_of_the_stack_itself_says_is_left_out() -> None:
    urn = "urn:pulumi:local::sacred-council::pulumi:pulumi:Stack::sacred-council-local"
    updated = {"steps": [{"op": "update", "urn": urn}], "changeSummary": {"same": 5, "update": 1}}
    same = {"steps": [{"op": "same", "urn": urn}], "changeSummary": {"same": 6}}
    assert (parse(json.dumps(updated)).changes, parse(json.dumps(updated)).unchanged) == ((), 5)
    assert parse(json.dumps(same)).unchanged == 5


def test_errors_are_plain_and_say_which_resource() -> None:
    said = [
        {"message": "\x1b[31merror: \x1b[0mno such region\n\n", "severity": "info#err"},
        {"message": "<{%fg 1%}>error: bad<{%reset%}>", "severity": "error", "urn": URN},
        {"message": "a warning", "severity": "warning"},
    ]
    assert parse(json.dumps({"steps": [], "diagnostics": said}), status=1).errors == (
        "no such region",
        "local-cache: bad",
    )


def test_warnings_are_told_once_with_the_resources_they_are_about() -> None:
    def warning(message: str, urn: str) -> dict[str, str]:
        return {"message": f"<{{%fg 3%}}>warning: {message}<{{%reset%}}>", "severity": "warning", "urn": urn}

    stack = "urn:pulumi:local::sacred-council::pulumi:pulumi:Stack::sacred-council-local"
    said = [
        *(warning("old", URN.replace("local-cache", name)) for name in ("d", "a", "c", "b", "a")),
        warning("raise the quota", stack),
    ]
    found = parse(json.dumps({"steps": [], "diagnostics": said}))
    assert found.warnings == ("a, b, c and 1 more: old", "raise the quota")
    assert found.errors == ()


def test_warnings_are_shown_folded_and_in_a_terminal() -> None:
    text = report(comparison(preview=Preview(warnings=("raise the quota", "``` in it"))))
    folded = "<details><summary>2 warnings</summary>\n\n```text\nraise the quota\n''' in it\n```\n\n</details>"
    assert folded in text.markdown()
    assert "    warning: raise the quota" in text.plain()
    assert "<summary>1 warning</summary>" in report(comparison(preview=Preview(warnings=("x",)))).markdown()
    assert "warning" not in report(comparison()).markdown()


@pytest.mark.parametrize("printed", ["", "no json", "{broken", "[]"])
def test_an_engine_that_prints_no_json_has_failed(printed: str) -> None:
    assert parse(printed, status=255, said="error: killed").errors == ("killed",)
    assert parse(printed, status=255).errors == ("The engine failed and did not say why.",)


@pytest.mark.parametrize("printed", ["", "no json", "{broken", "[]"])
def test_an_engine_that_succeeds_without_a_preview_tells_of_no_changes_and_so_it_has_failed(printed: str) -> None:
    found = parse(printed)
    assert found.errors == ("The engine printed no preview in JSON, so its changes are unknown.",)
    assert comparison(preview=found).failed


def test_the_table_counts_and_calls_out_what_is_taken_away() -> None:
    text = report(comparison(change(Operation.REPLACE), change(Operation.UPDATE, "a"), change(Operation.UPDATE, "b")))
    assert "| local | **1** | 0 | 2 | 0 | 3 |" in text.markdown()
    assert "local: 1 replacement, 2 updates, 3 unchanged" in text.plain()


def test_replacements_and_deletes_are_told_with_urn_type_name_and_cause() -> None:
    text = report(comparison(change(Operation.REPLACE, "local-cache", "spec.x"), change(Operation.DELETE, "old")))
    markdown = text.markdown()
    assert "- `local-cache` (kubernetes:apps/v1:StatefulSet) **holds data**, because of `spec.x`" in markdown
    assert f"`{URN}`" in markdown
    assert "**1 delete**" in markdown
    assert "- `old` (kubernetes:apps/v1:StatefulSet)" in markdown
    assert "    replace kubernetes:apps/v1:StatefulSet local-cache (holds data), because of spec.x" in text.plain()


@pytest.mark.parametrize("operation", Operation)
def test_what_holds_data_and_goes_is_marked(operation: Operation) -> None:
    goes = operation in (Operation.REPLACE, Operation.DELETE)
    assert change(operation).takes_data_away == goes
    assert not Change(operation, URN.replace("StatefulSet", "Service")).takes_data_away


def test_everything_that_the_policy_pack_keeps_from_deletion_is_known_to_hold_data() -> None:
    # Clusters hold no data themselves: the list has their contents.
    kinds = [kind for kind in (*STATEFUL, *BUCKETS) if not kind.endswith(("Cluster", "ManagedCluster"))]
    assert len(kinds) >= 8
    for kind in kinds:
        assert Change(Operation.DELETE, f"urn:pulumi:x::y::{kind}::z").takes_data_away, kind


def test_no_change_is_said() -> None:
    assert "No change, 3 unchanged." in report(comparison()).markdown()


def test_new_and_gone_stacks_are_said() -> None:
    gone = Comparison(stack=Stack("old", Kind.GONE))
    text = report(comparison(change(Operation.CREATE), kind=Kind.NEW), gone).markdown()
    assert "| local (new) | 0 | 0 | 0 | 1 | 3 |" in text
    assert "| old (gone) |" in text
    assert "What is deployed of it stays until it is destroyed." in text


def test_errors_are_shown_as_they_are() -> None:
    failed = comparison(preview=Preview(errors=("bad ``` value",)))
    text = report(failed)
    assert "| local: **failed** |" in text.markdown()
    assert "```text\nbad ''' value\n```" in text.markdown()
    assert "    error: bad ``` value" in text.plain()


def test_a_commit_that_does_not_come_up_is_said_wherever_the_stack_is_counted() -> None:
    one = report(comparison(change(Operation.CREATE), base_error="no room"))
    assert "| local: **the commit did not come up** | 0 | 0 | 0 | 1 | 3 |" in one.markdown()
    assert "the commit could not be brought up: no room" in one.markdown()
    assert "local: the commit did not come up, so this is no comparison: 1 create" in one.plain()


def test_a_commit_that_does_not_come_up_fails_where_types_are_protected() -> None:
    broken = comparison(base_error="no room")
    assert _status(report(broken)) == 0
    assert _status(report(comparison(), broken, protect=("*:StatefulSet",))) == FAILED


def test_many_new_resources_are_counted_by_type() -> None:
    many = [change(Operation.CREATE, f"new-{number}") for number in range(150)]
    text = report(comparison(*many)).markdown()
    assert "- 150 of kubernetes:apps/v1:StatefulSet" in text
    assert "new-7`" not in text


def test_many_deletes_are_cut_with_their_number() -> None:
    many = [change(Operation.DELETE, f"old-{number}") for number in range(150)]
    assert "- and 50 more" in report(comparison(*many)).markdown()


def test_a_long_comment_names_fewer_resources_of_every_stack() -> None:
    long = [change(Operation.DELETE, f"{number}-{'x' * 300}") for number in range(99)]
    text = report(comparison(*long), comparison(*long)).markdown()
    assert len(text) < 65_536
    assert text.count("- and 69 more") == 2
    assert "The rest is left out" not in text


def test_a_comment_fits_and_folds_are_closed() -> None:
    long = [change(Operation.UPDATE, f"{number}-{'x' * 9000}", "y" * 300) for number in range(99)]
    text = report(comparison(*long)).markdown()
    assert len(text) < 65_536
    assert text.startswith(MARKER)
    assert text.count("<details>") == text.count("</details>")
    assert "The rest is left out" in text


def test_many_long_errors_leave_room_for_what_other_stacks_lose() -> None:
    failed = comparison(preview=Preview(errors=tuple(f"{number} {'x' * 5000}" for number in range(300))))
    text = report(failed, comparison(change(Operation.DELETE, "gone"))).markdown()
    assert len(text) < 65_536
    assert "- `gone` (kubernetes:apps/v1:StatefulSet) **holds data**" in text
    assert "And 290 more errors." in text


def test_a_comment_that_is_cut_in_a_block_closes_it() -> None:
    warned = comparison(preview=Preview(warnings=tuple(f"{number} {'x' * 1900}" for number in range(10))))
    text = report(*[warned] * 5).markdown()
    assert "The rest is left out" in text
    assert sum(line.startswith("```") for line in text.splitlines()) % 2 == 0
    assert text.count("<details>") == text.count("</details>")


@pytest.mark.parametrize(
    ("operation", "pattern", "status"),
    [
        (Operation.DELETE, "*:StatefulSet", PROTECTED),
        (Operation.REPLACE, "kubernetes:apps/v1:StatefulSet", PROTECTED),
        (Operation.REPLACE, "kubernetes:apps/v1:Deployment", 0),
        (Operation.UPDATE, "*", 0),
    ],
)
def test_protected_types_decide_the_status(operation: Operation, pattern: str, status: int) -> None:
    made = report(comparison(change(operation)), protect=(pattern,))
    assert _status(made) == status
    assert ("protected" in made.markdown()) == (status != 0)


def test_a_failed_preview_decides_the_status_first() -> None:
    failed = comparison(preview=Preview(errors=("no",), changes=(change(Operation.DELETE),)))
    assert _status(report(failed, protect=("*",))) == FAILED


def test_stacks_of_both_trees_are_compared() -> None:
    assert trees.select(["a", "b"], ["b", "c"]) == [
        Stack("a", Kind.GONE),
        Stack("b", Kind.KEPT),
        Stack("c", Kind.NEW),
    ]
    assert trees.select(["a"], ["a", "b"], ["b"]) == [Stack("b", Kind.NEW)]


def test_an_unknown_stack_is_refused_with_those_that_exist() -> None:
    with pytest.raises(SandboxError, match=r"Neither tree has Pulumi\.x\.yaml; the stacks are: a, b\."):
        trees.select(["a"], ["b"], ["x"])


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one commit; its project is in a subfolder."""
    project = tmp_path / "here"
    project.mkdir()
    (project / "Pulumi.yaml").write_text("name: council\n")
    (project / "Pulumi.one.yaml").write_text("config: {}\n")
    author = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    for arguments in (("init", "--quiet"), ("add", "."), (*author, "commit", "--quiet", "--message=one")):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True)
    return project


def test_a_commits_files_are_written_beside_the_work_tree(repository: Path, tmp_path: Path) -> None:
    (repository / "Pulumi.two.yaml").write_text("config: {}\n")
    trees.extract(repository, trees.resolve(repository, "HEAD"), tmp_path / "base")
    assert trees.stack_names(tmp_path / "base") == {"one"}
    assert trees.stack_names(repository) == {"one", "two"}


@pytest.mark.parametrize("ref", ["nothing", "--help", "HEAD~9"])
def test_an_unknown_commit_is_refused_with_the_remedy(repository: Path, ref: str) -> None:
    with pytest.raises(SandboxError, match=r"is not a commit here; fetch it first"):
        trees.resolve(repository, ref)


def test_a_commit_without_the_project_is_refused(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=r"has no Pulumi\.yaml, so it cannot be compared"):
        trees.extract(repository.parent, trees.resolve(repository, "HEAD"), tmp_path / "base")
