"""Everything that the documentation names exists: files, commands, resources, settings."""

import argparse
import fnmatch
import hashlib
import importlib
import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.namespaces import CIRCLES, KAFKA, KEDA, LEDGER, MATCHING
from stacks.settings.parsing import check
from tests.conftest import STACKS
from tests.docs import test_docs_commands
from tests.golden import urns
from tests.support import documented
from tests.support.hubs import LOCAL
from tests.support.rendering import ROOT, render, stack_config

pytestmark = pytest.mark.unit

DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.rglob("*.md")])
IDS = [str(page.relative_to(ROOT)) for page in PAGES]
PREFIX = "sacred-council:"
MAKE = re.compile(r"\bmake ([a-z][a-z-]*)\b")
BLOCK = re.compile(r"^ *```(\w*)$.*?^ *```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(rf"{BLOCK.pattern}|`[^`\n]+`", re.MULTILINE | re.DOTALL)
LANGUAGES = {"mermaid", "python", "sh", "sql", "yaml"}
LINK = re.compile(r"\]\(([^)\s]+)\)")
GENERATED = ("benchmarks/results/*.json",)
REGISTRY = re.compile(r"\b(?:pypi|npmjs|proxy\.golang|artifactory|nexus)[\w.-]*\.\w+", re.IGNORECASE)


@pytest.fixture(params=PAGES, ids=IDS)
def page(request: pytest.FixtureRequest) -> Path:
    """Each page in turn."""
    return Path(request.param)


def _code(page: Path) -> str:
    return "\n".join(found[0] for found in CODE.finditer(page.read_text()))


def test_links_lead_somewhere(page: Path) -> None:
    assert [link for link in _links(page) if not _leads_somewhere(page, link)] == []


def test_each_page_begins_with_its_title(page: Path) -> None:
    assert page.read_text().startswith("# ")


def test_no_row_stands_without_its_table(page: Path) -> None:
    lines = ["", *re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL).splitlines(), ""]
    begun = [
        (line, after)
        for before, line, after in zip(lines, lines[1:], lines[2:], strict=False)
        if _row(line) and not _row(before)
    ]
    assert [line for line, after in begun if not re.fullmatch(r"[|: -]+", after)] == []


def _row(line: str) -> bool:
    return line.startswith("|")


def _links(page: Path) -> list[str]:
    return [link for link in LINK.findall(page.read_text()) if "://" not in link]


def test_contributing_has_one_row_for_each_task() -> None:
    table = (ROOT / "CONTRIBUTING.md").read_text().partition("| To | Begin in |")[2].partition("\n\n")[0]
    tasks = [line.split(" | ")[0] for line in table.splitlines()[2:]]
    assert len(tasks) > 25
    assert len(tasks) == len(set(tasks))


def test_the_pages_have_what_the_tests_of_each_page_look_for() -> None:
    # A single page may have none of these; a pattern that finds nothing on any page proves nothing.
    found = {
        read.__name__: {one for page in PAGES for one in read(page)}
        for read in (_links, _made, _stacks, _paths, _looked_into)
    }
    assert {name: len(those) > 3 for name, those in found.items()} == dict.fromkeys(found, True)
    assert found["_stacks"] >= {"multiregion", "planetary"}
    assert found["_made"] >= {"up", "check", "preview"}
    assert any(link.startswith("#") for link in found["_links"])
    assert any("#" in link.lstrip("#") for link in found["_links"])


def _leads_somewhere(page: Path, link: str) -> bool:
    path, _, section = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    return target.exists() and (not section or section in _sections(target))


def _sections(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def test_make_has_the_targets_that_are_named(page: Path) -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert sorted(_made(page) - targets) == []


def _made(page: Path) -> set[str]:
    return set(MAKE.findall(_code(page)))


def test_blocks_of_code_say_their_language(page: Path) -> None:
    text = page.read_text()
    assert sorted(set(BLOCK.findall(text)) - LANGUAGES) == []
    assert re.findall(r"\n\n(?: {4}|\t)\s*\S.*", BLOCK.sub("", text)) == [], "indented code has no language: fence it"


def test_whoever_has_not_entered_the_virtual_environment_can_type_the_commands(page: Path) -> None:
    elsewhere = re.findall(r"(?<!bin/)\bpython3? -m (?!sandbox\b|venv\b)[\w.]+", _code(page))
    assert elsewhere == [], "only the sandbox finds the packages by itself: .venv/bin/python -m ..."


def test_a_good_part_of_the_blocks_is_typed_by_a_test() -> None:
    # tests/docs/test_docs_commands.py types them.
    found = documented.marked()
    assert len(found) >= 9
    assert len({block.page for block in found}) >= 7
    assert [block.name for block in found if len(block.statements) == 0] == []
    assert [
        command
        for block in found
        for command in block.statements
        if re.search(r"<\w+>|\.\.\.|\b[A-Z]{4,}\b(?!=)", command)
    ] == [], "a reader replaces these"


def test_every_mark_is_spelled_rightly_and_has_a_block() -> None:
    marks = sum(page.read_text().count("<!-- test") for page in PAGES)
    assert marks == len(documented.marked())


def test_what_pages_promise_of_commands_is_said_of_commands_that_are_typed() -> None:
    typed = {command for block in documented.marked() for command in block.statements}
    assert test_docs_commands.PROMISED.keys() - typed == set()


def test_the_pages_take_all_away_at_last() -> None:
    found = documented.marked()
    downs = [block for block in found if "make down" in block.statements]
    assert downs == found[-1:]


def test_the_two_commands_of_the_readme_are_what_is_run_for_every_change() -> None:
    first = documented.blocks(ROOT / "README.md")[0]
    assert first.statements == ["make up", "make test"]
    makefile, ci = (ROOT / "Makefile").read_text(), (ROOT / ".ci" / "run").read_text()
    assert [line for line in ci.splitlines() if line.startswith("make ")] == ["make lint", "make test"]
    assert re.search(r"^up: .*\n\t@\$\(SANDBOX\) up \$\(STACK\)", makefile, re.MULTILINE)
    assert re.search(r'^test: .*\n\t\$\(PYTEST\) -n 4 -m "not campaign"$', makefile, re.MULTILINE)
    # Every run names its slowest tests, so that a test that has become slow is seen.
    assert re.search(r"^PYTEST := .* --durations=10\b", makefile, re.MULTILINE)


def test_the_readme_is_short_and_shows_a_stack_file() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 90
    (stack,) = _yaml(ROOT / "README.md")
    assert len(stack[f"{PREFIX}regions"]) > 1, "what differs between one region and many"


def test_pages_agree_how_long_make_up_takes() -> None:
    for page in (ROOT / "README.md", DOCS / "sandbox.md"):
        text = page.read_text()
        assert "10 to 20 minutes" in text, page
        assert "about half a minute" in text, page
        assert re.findall(r"(\S+ to \S+) seconds when nothing has changed", text) == ["6 to 14"], page


def test_the_licence_is_the_whole_text_of_apache_2_0() -> None:
    # The SHA-256 of https://www.apache.org/licenses/LICENSE-2.0.txt.
    text = (ROOT / "LICENSE").read_bytes()
    assert hashlib.sha256(text).hexdigest() == "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["license"] == "Apache-2.0"


@pytest.mark.parametrize(("module", "verbs"), [("sandbox", "verbs"), ("benchmarks", "parts")])
def test_modules_have_the_verbs_that_are_named(module: str, verbs: str) -> None:
    called = re.compile(rf"python -m {module} ([a-z]+)")
    named = {verb for page in PAGES for verb in called.findall(_code(page))}
    assert named, f"no page names a verb of {module}: this test proves nothing"
    assert sorted(named - set(_verbs(module))) == []


@cache
def _verbs(module: str) -> tuple[str, ...]:
    parser: argparse.ArgumentParser = importlib.import_module(f"{module}.__main__")._parser()
    return tuple(str(choice) for action in parser._actions for choice in action.choices or ())


def test_stacks_that_are_named_exist(page: Path) -> None:
    assert sorted(_stacks(page) - set(STACKS)) == []


def _stacks(page: Path) -> set[str]:
    return set(re.findall(r"\bSTACK=([a-z]+)", _code(page)))


def test_files_that_are_named_exist(page: Path) -> None:
    assert sorted(word for word in _paths(page) if not _is_there(word)) == []


def _paths(page: Path) -> set[str]:
    words = set(re.findall(r"`([^`\s]+)`", page.read_text())) - set(GENERATED)
    return {word for word in words if _is_path(word)}


def _is_path(word: str) -> bool:
    top, slash, _ = word.partition("/")
    return bool(slash) and top in _top_folders() and not re.search(r"[<>{}:]", word)


@cache
def _top_folders() -> frozenset[str]:
    return frozenset(path.name for path in ROOT.iterdir() if path.is_dir() and path.name not in (".venv", ".sandbox"))


def _is_there(word: str) -> bool:
    return bool(list(ROOT.glob(word.rstrip("/"))))


@cache
def _names() -> frozenset[str]:
    """The names of all stacks' resources, and of what can be added in us-central1, such as hub and ledger."""
    listed = {line.rpartition("::")[2] for stack in STACKS for line in urns.path(stack).read_text().splitlines()}
    live = {"sacred-council:messaging": {"websocket": {"enabled": True}}}
    ledger = {"sacred-council:ledger": {"enabled": True}}
    more = {
        resource.name.replace("local", "us-central1", 1)
        for variant in (LOCAL, live, ledger, {"sacred-council:circles": {"enabled": True}})
        for resource in render("local", variant).resources
    }
    return frozenset(listed | more)


def test_resources_that_are_to_be_replaced_are_called_so() -> None:
    names = _names()
    globs = [glob for page in PAGES for glob in re.findall(r"-replace '(\*\*[^']+)'", page.read_text())]
    assert len(globs) > 10, "the runbooks name what is to be replaced"
    assert [glob for glob in globs if not fnmatch.filter(names, glob.replace("<region>", "us-central1"))] == []


def test_a_region_that_is_targeted_has_resources_of_the_name() -> None:
    names = _names()
    commands = [command for page in PAGES for command in documented.commands(page)]
    globs = [
        glob for command in commands for glob in re.findall(r"--target '\*\*[^']*::(<(?:region|hub)>[^']*)'", command)
    ]
    assert len(globs) >= 5, "the runbooks name what is to be deployed alone"
    assert [glob for glob in globs if not fnmatch.filter(names, re.sub(r"<\w+>", "us-central1", glob))] == []
    spilling = [command for command in commands if "--target '" in command and "--target-dependents" in command]
    assert spilling == [], "dependents are in other regions, too"


def test_the_services_that_are_handed_over_are_all_of_one_region() -> None:
    page = (DOCS / "runbooks" / "ship-with-argo-cd.md").read_text()
    (wanted,) = re.findall(r'contains\("(::REGION-[a-z-]+)"\)', page)
    listed = urns.path("multiregion").read_text().splitlines()
    found = [line for line in listed if wanted.replace("REGION", "us-central1") in line]
    assert found
    assert found == [line for line in listed if "LocalChart" in line and "::us-central1-" in line]


def test_commands_look_into_namespaces_that_there_are(page: Path) -> None:
    ours = {found[1] for name in _names() if (found := re.fullmatch(r"us-central1-(.+)-namespace", name))}
    known = {*ours, "kube-system", "postgresql", CIRCLES, KAFKA, KEDA, LEDGER, MATCHING}
    assert sorted(_looked_into(page) - known) == []


def _looked_into(page: Path) -> set[str]:
    return set(re.findall(r"kubectl[^\n]* -n ([a-z][a-z-]*)", _code(page)))


def test_pages_name_no_registry_and_no_path_of_a_machine(page: Path) -> None:
    assert REGISTRY.findall(page.read_text()) == []
    assert re.findall(r"(?<![\w.])/(?:home|root|work|Users|mnt)/\S*", page.read_text()) == []


def test_decisions_have_numbers_of_their_own_and_are_listed() -> None:
    pages = sorted(path.name for path in (DOCS / "adr").glob("[0-9]*.md"))
    numbers = [int(name[:4]) for name in pages]
    assert len(pages) > 20
    assert numbers == list(range(len(pages))), "each number once, and none left out"
    index = (DOCS / "adr" / "README.md").read_text()
    assert [name for name in pages if f"({name})" not in index] == []
    titles = [(DOCS / "adr" / name).read_text().splitlines()[0] for name in pages[1:]]
    assert [title for number, title in enumerate(titles, 1) if not title.startswith(f"# {number}. ")] == []
    assert [title for title in titles if title.partition(". ")[2] not in index] == []


def test_runbooks_are_listed() -> None:
    index = (DOCS / "runbooks" / "README.md").read_text()
    pages = [path.name for path in sorted((DOCS / "runbooks").glob("*.md")) if path.name != "README.md"]
    assert len(pages) > 10
    assert [name for name in pages if f"({name})" not in index] == []


def _yaml(page: Path) -> list[dict[str, Any]]:
    texts = re.findall(r"^```yaml\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    return [yaml.safe_load(text)["config"] for text in texts]


SNIPPETS = [*_yaml(ROOT / "README.md"), *_yaml(DOCS / "getting-started.md")]


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda snippet: "-".join(sorted(snippet)))
def test_configuration_to_start_with_is_accepted(snippet: dict[str, object]) -> None:
    base = {} if f"{PREFIX}stage" in snippet else stack_config("regional")
    given = {**base, **snippet}
    values = {key.removeprefix(PREFIX): value for key, value in given.items() if key.startswith(PREFIX)}
    settings, mistakes = check(values)
    assert mistakes == []
    assert settings is not None


# The APIs that the plugin's modules call, by their names in `gcloud services enable`, without `.googleapis.com`.
GOOGLE_APIS = {
    "certificatemanager": "certificatemanager",
    "compute": "compute",
    "container": "container",
    "dns": "dns",
    "kms": "cloudkms",
    "projects": "cloudresourcemanager",
    "redis": "redis",
    "serviceaccount": "iam",
    "servicenetworking": "servicenetworking",
    "sql": "sqladmin",
    "storage": "storage",
}
WRITTEN_BY_CLUSTERS = {"logging", "monitoring"}


def _google_apis(stack: str) -> set[str]:
    names = (ROOT / "tests" / "golden" / f"{stack}.txt").read_text()
    modules = set(re.findall(r"\bgcp:(\w+)/", names))
    return {GOOGLE_APIS[module] for module in modules} | (WRITTEN_BY_CLUSTERS if modules else set())


@pytest.mark.parametrize("stack", STACKS)
def test_a_stack_file_names_the_google_apis_that_its_resources_call(stack: str) -> None:
    text = (ROOT / f"Pulumi.{stack}.yaml").read_text()
    said = re.search(r"Its APIs ([^()]*?) must be enabled", re.sub(r"\s+(# )?", " ", text))
    assert set(re.findall(r"[a-z]{3,}", said[1] if said else "")) - {"and"} == _google_apis(stack)


def test_getting_started_names_every_google_api_that_the_program_calls() -> None:
    page = (DOCS / "getting-started.md").read_text()
    enabled = set(re.findall(r"\b(\w+)\.googleapis\.com", page))
    assert enabled == _google_apis("regional")
    also = next(line for line in page.splitlines() if line.startswith("Also: "))
    assert set(re.findall(r"`(\w+)`", also)) | enabled == set(GOOGLE_APIS.values()) | WRITTEN_BY_CLUSTERS


def test_all_google_apis_are_known_here() -> None:
    code = "".join(path.read_text() for folder in ("components", "stacks") for path in (ROOT / folder).rglob("*.py"))
    modules = {name for names in re.findall(r"from pulumi_gcp import (.+)", code) for name in names.split(", ")}
    assert {"container", "sql"} <= modules
    modules |= set(re.findall(r"\bgcp\.(\w+)\.[A-Z]", code))
    assert modules <= GOOGLE_APIS.keys()
