"""Rules that every file of the program keeps."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import STACKS
from tests.support.rendering import ROOT

pytestmark = pytest.mark.unit

LONGEST = 50
"""Lines of a function, with its docstring. Tables that a test is parametrised with do not count."""
PACKAGES = [
    "benchmarks",
    "components",
    "picture",
    "policy",
    "publish",
    "reference",
    "report",
    "sandbox",
    "stacks",
    "tests",
]
PROGRAM = [ROOT / "__main__.py", *sorted((ROOT / "stacks").rglob("*.py")), *sorted((ROOT / "components").rglob("*.py"))]


def test_the_program_is_read_whole() -> None:
    assert len(PROGRAM) > 150
    assert {ROOT / "stacks" / "region.py", ROOT / "components" / "metadata.py"} <= {*PROGRAM}


def test_no_stack_is_left_out_of_the_contracts() -> None:
    assert {path.name for path in ROOT.glob("Pulumi.*.yaml")} == {f"Pulumi.{stack}.yaml" for stack in STACKS}


@pytest.mark.parametrize("path", PROGRAM, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_program_never_branches_on_a_stack_or_stage(path: Path) -> None:
    assert not re.search(
        r"get_stack\(|\bif\b[^\n'\"]*\bstage\b|==\s*\"(local|regional|multiregion|planetary)\"", path.read_text()
    )


@pytest.mark.parametrize("path", PROGRAM, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_the_settings_read_the_configuration(path: Path) -> None:
    allowed = {ROOT / "__main__.py"}
    reads = re.search(r"pulumi\.Config\(|\bos\.environ|\bos\.getenv", path.read_text())
    assert not reads or path in allowed or "settings" in path.parts or path.stem == "settings"


@pytest.mark.parametrize("path", PROGRAM, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_program_never_imports_the_sandbox(path: Path) -> None:
    assert not re.search(
        r"^\s*(from|import) (sandbox|policy|publish|reference|report|tests)\b", path.read_text(), re.MULTILINE
    )


def _long_functions(source: str) -> Iterator[str]:
    """Yield each function that is too long, with its length."""
    for found in ast.walk(ast.parse(source)):
        if isinstance(found, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (found.end_lineno or found.lineno) - found.lineno + 1
            if length > LONGEST:
                yield f"{found.name}: {length} lines"


@pytest.mark.parametrize("package", PACKAGES)
def test_every_function_can_be_seen_at_once(package: str) -> None:
    sources = sorted((ROOT / package).rglob("*.py"))
    assert sources
    long = {str(path.relative_to(ROOT)): [*_long_functions(path.read_text())] for path in sources}
    assert {path: found for path, found in long.items() if found} == {}


def test_a_long_function_is_found() -> None:
    body = "    pass\n" * LONGEST
    assert [*_long_functions(f"def long():\n{body}")] == [f"long: {LONGEST + 1} lines"]
    assert [*_long_functions(f"class A:\n  async def long():\n{body}")] == [f"long: {LONGEST + 1} lines"]
    assert [*_long_functions(f"@cache\ndef short():\n{body[:-9]}")] == []


def _components(path: Path) -> Iterator[ast.ClassDef]:
    """Yield the components that the file defines."""
    for found in ast.walk(ast.parse(path.read_text())):
        bases = [ast.unparse(base).rpartition(".")[2] for base in getattr(found, "bases", [])]
        if isinstance(found, ast.ClassDef) and {"ComponentResource", "DataServiceComponent"} & {*bases}:
            yield found


def test_every_component_registers_its_outputs_also_one_that_no_stack_has() -> None:
    found = [(path, component) for path in PROGRAM for component in _components(path)]
    assert len(found) > 50
    assert {"Platform", "Region", "CockroachDB", "Redis"} <= {component.name for _, component in found}
    silent = [
        f"{path.relative_to(ROOT)}: {component.name}"
        for path, component in found
        if not re.search(r"\bself\.(register_outputs|offer)\(", ast.unparse(component))
    ]
    assert silent == []
