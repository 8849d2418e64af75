"""The commands in the pages, and the marked shell blocks, which a test types."""

import re
import subprocess
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.rendering import ROOT

DOCS = ROOT / "docs"
_LAST = DOCS / "getting-started.md"
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted({*DOCS.rglob("*.md")} - {_LAST}), _LAST)
"""The pages in the order in which a test types them: the last one removes everything at its end."""

MARK = "<!-- test: local -->"
"""Mark before a block: a test types the block word by word, with the local stack up. Readers do not see the mark."""

BLOCK = re.compile(
    r"^(?P<mark> *<!-- test: [^\n]*\n)?(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
SPAN = re.compile(r"`([^`\n]+)`")
ASSIGNMENTS = r"(?:[A-Z_0-9]+=\S+ )*"
PROGRAMS = (
    "argocd|aws|az|cockroach|curl|docker|gcloud|git|helm|istioctl|kind|kubectl|kubelogin|make|molt|nats|pg_dump|pip"
    r"|psql|pulumi|(?:\.venv/bin/)?python3?"
)
TYPED = re.compile(rf"{ASSIGNMENTS}(?:{PROGRAMS}) \S.*")
"""A pattern for spans of code that are commands, not names."""


@dataclass(frozen=True)
class Block:
    """A shell block: its page, the line of its first command, and the text."""

    page: Path
    line: int
    text: str
    marked: bool

    @property
    def name(self) -> str:
        """The block's place, such as docs/sandbox.md:34."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def statements(self) -> list[str]:
        """The block's statements, in order."""
        return list(_statements(self.text))


def blocks(page: Path) -> list[Block]:
    """The page's shell blocks, in their order."""
    text = page.read_text()
    return [
        Block(
            page=page,
            line=text[: found.start("text")].count("\n") + 1,
            text=textwrap.dedent(found["text"]),
            marked=(found["mark"] or "").strip() == MARK,
        )
        for found in BLOCK.finditer(text)
        if found["language"] == "sh"
    ]


def marked() -> list[Block]:
    """The blocks of all pages that a test types."""
    return [block for page in PAGES for block in blocks(page) if block.marked]


def commands(page: Path) -> list[str]:
    """The commands of `page`: the statements of its shell blocks, and commands within its text."""
    typed = [statement for block in blocks(page) for statement in block.statements]
    return [*typed, *_spans(BLOCK.sub("", page.read_text()))]


def _spans(text: str) -> Iterator[str]:
    return (span for span in SPAN.findall(text) if TYPED.fullmatch(span))


def _statements(text: str) -> Iterator[str]:
    """The shell's statements, each of one or several lines, without trailing comments."""
    lines: list[str] = []
    for line in text.splitlines():
        if lines or (line.strip() and not line.lstrip().startswith("#")):
            lines.append(re.sub(r"\s+# .*$", "", line))
        if lines and _is_whole("\n".join(lines)):
            yield "\n".join(lines)
            lines = []
    assert not lines, f"a shell block ends within a statement: {lines}"


def _is_whole(statement: str) -> bool:
    # A placeholder that a reader replaces, such as <region>, would be a redirection.
    shown = re.sub(r"<([a-z ]+)>", r"\1", statement)
    check = subprocess.run(["bash", "-n"], input=shown, capture_output=True, text=True, check=False)
    return not statement.endswith("\\") and (check.returncode, check.stderr) == (0, "")
