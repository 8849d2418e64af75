"""The marked shell blocks of the pages, typed word by word in the sandbox, against one local stack."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import documented
from tests.support.documented import Block
from tests.support.rendering import ROOT
from tests.support.sandboxes import PATIENCE_SECONDS, Sandbox, wait_until_gone

pytestmark = [pytest.mark.engine, pytest.mark.campaign, pytest.mark.timeout(1200)]

NEEDED = ("bash", "make")
LEFT_BEHIND = shutil.ignore_patterns("__pycache__", ".venv", ".sandbox", ".git", ".*_cache", ".hypothesis")
SANDBOX = 'eval "$(python -m sandbox env)"'
NEEDS_SANDBOX = re.compile(r"^(?:[A-Z_0-9]+=\S+ )*(?:pulumi|kubectl) ", re.MULTILINE)
"""A pattern for commands that a reader types after the line above."""
SEPARATOR = "@@@"

# The output that the page promises near the command.
PROMISED = {
    "make up": "Stack local is up in the sandbox",
    "python -m sandbox status": "local: context",
    "pulumi preview -s local": "unchanged",
    "pulumi preview": "unchanged",
    "kubectl get pods -A": "cockroachdb-0",
    "python -m sandbox exec -- kubectl get pods -A": "cockroachdb-0",
    "python -m sandbox recover local": "no Helm release needs repair",
    "make down": "Stack local is down",
}
QUIET = ("make up", "make down")
"""Commands that warn of nothing when nothing is wrong."""


@dataclass(frozen=True)
class Typed:
    """A typed command, with its exit status and whole output."""

    command: str
    status: int
    output: str


class Reader:
    """A reader with a fresh checkout, Python, Go and make, who types the pages' commands."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.sandbox = Sandbox(folder / "project", "local", saves_once=True)
        shutil.copytree(ROOT, self.sandbox.folder, ignore=LEFT_BEHIND)
        self._python()

    def types(self, commands: Sequence[str]) -> list[Typed]:
        """Type the commands into one shell, and answer questions with yes."""
        script = self._folder / "typed.sh"
        lines = [f"{{\n{command}\n}} </dev/null\nprintf '\\n{SEPARATOR} %s\\n' $?" for command in commands]
        script.write_text("set -o pipefail\n" + "\n".join(lines) + "\n")
        with subprocess.Popen(
            ["bash", str(script)],
            cwd=self.sandbox.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as shell:
            try:
                said, _ = shell.communicate(timeout=PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(shell.pid, signal.SIGKILL)
                raise
        answers = re.findall(rf"(.*?)^{SEPARATOR} (\d+)$\n", said, re.MULTILINE | re.DOTALL)
        assert len(answers) == len(commands), f"the shell has ended early:\n{said[-3000:]}"
        return [
            Typed(command, int(status), output) for command, (output, status) in zip(commands, answers, strict=True)
        ]

    @property
    def _environment(self) -> dict[str, str]:
        path = f"{self._folder / 'bin'}:{os.environ['PATH']}"
        return {
            **self.sandbox.environment,
            "PATH": path,
            "TMPDIR": str(self._folder),
            "PULUMI_SKIP_CONFIRMATIONS": "true",
        }

    def _python(self) -> None:
        """Provide a Python without packages, and the virtual environment that `make venv` would make."""
        (self._folder / "bin").mkdir()
        for name in ("python", "python3"):
            (self._folder / "bin" / name).symlink_to(Path(sys.base_prefix) / "bin" / "python3")
        installed = self.sandbox.folder / ".venv"
        installed.mkdir()
        for part in ("bin", "lib", "pyvenv.cfg"):
            (installed / part).symlink_to(Path(sys.prefix) / part)
        (installed / ".requirements-installed").touch()


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """One reader for all pages, with the local stack up. The stack is always taken down."""
    missing = [program for program in NEEDED if not shutil.which(program)]
    if missing:
        pytest.skip(f"the pages use programs that are not there: {', '.join(missing)}")
    made = Reader(tmp_path_factory.mktemp("reader"))
    try:
        _all_work(made.types(["make up"]))
        yield made
    finally:
        made.sandbox.take_down()


def test_a_command_that_fails_is_noticed(reader: Reader) -> None:
    typed = reader.types(["echo one; false", "python -m sandbox no-such-verb | cat", "export TWO=two", 'echo "$TWO"'])
    assert [each.status for each in typed] == [1, 2, 0, 0]
    assert (typed[0].output.strip(), typed[3].output.strip()) == ("one", "two")


@pytest.mark.parametrize("block", documented.marked(), ids=lambda block: block.name)
def test_what_the_page_tells_to_type_works(reader: Reader, block: Block) -> None:
    sandboxed = bool(NEEDS_SANDBOX.search(block.text)) and SANDBOX not in block.text
    _all_work(reader.types([*([SANDBOX] if sandboxed else []), *block.statements]))


def test_the_last_page_has_taken_all_away(reader: Reader) -> None:
    assert wait_until_gone(reader.sandbox, 10) == []


def _all_work(typed: list[Typed]) -> None:
    failed = [f"$ {each.command}\n{each.output[-2000:]}[{each.status}]" for each in typed if each.status != 0]
    assert not failed, "\n\n".join(failed)
    broken = [
        f"$ {each.command}\n{each.output[-2000:]}: expected {PROMISED[each.command]!r}"
        for each in typed
        if PROMISED.get(each.command, "") not in each.output
    ]
    assert not broken, "\n\n".join(broken)
    warned = [line for each in typed if each.command in QUIET for line in each.output.splitlines() if "warning" in line]
    assert warned == []
