"""A comparison as Markdown for a comment on a pull request, and as plain text. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sandbox.compare.changes import Change, Comparison, Operation
from sandbox.compare.trees import Kind

MARKER: Final = "<!-- sacred-council: preview of every stack -->"
"""First line of the comment, which identifies it for updates."""

_LONGEST: Final = 60_000
"""Characters of a comment; GitHub allows 65,536."""
_FENCE: Final = "```"
_LISTED: Final = (100, 30, 10)
"""Limits of resources in one list; the first whose comment fits is used."""
_LONGEST_MESSAGE: Final = 2_000
"""Characters of one error or warning in a comment."""
_WORDS: Final = {
    Operation.REPLACE: ("replacement", "replacements"),
    Operation.DELETE: ("delete", "deletes"),
    Operation.UPDATE: ("update", "updates"),
    Operation.CREATE: ("create", "creates"),
}
_CALLED_OUT: Final = (Operation.REPLACE, Operation.DELETE)


@dataclass(frozen=True, kw_only=True)
class Report:
    """All stacks, the base commit as the user named it, and the patterns of protected types."""

    base: str
    commit: str
    comparisons: Sequence[Comparison]
    protect: tuple[str, ...] = ()

    def markdown(self) -> str:
        """The comment, with as much detail as fits."""
        versions = (self._markdown(listed) for listed in _LISTED)
        return next((text for text in versions if len(text) <= _LONGEST), _shortened(self._markdown(_LISTED[-1])))

    def _markdown(self, listed: int) -> str:
        lines = [MARKER, f"## Preview against `{self.base}` ({self.commit[:12]})", "", *self._table()]
        for comparison in self.comparisons:
            lines += ["", f"### {comparison.stack.name}", "", *_section(comparison, self.protect, listed)]
        return "\n".join([*lines, "", _FOOTNOTE, ""])

    def plain(self) -> str:
        """The text for a terminal: every replacement and delete by name, and the number of other changes."""
        lines = [f"Against {self.base} ({self.commit[:12]}):"]
        for comparison in self.comparisons:
            lines += [f"  {comparison.stack.name}: {summary(comparison)}", *self._plain_details(comparison)]
        return "\n".join(lines)

    def _table(self) -> list[str]:
        rows = [_row(comparison) for comparison in self.comparisons]
        return ["| Stack | Replace | Delete | Update | Create | Same |", "|---|--:|--:|--:|--:|--:|", *rows]

    def _plain_details(self, comparison: Comparison) -> list[str]:
        lines = [f"    error: {error}" for error in _errors(comparison)]
        lines += [f"    warning: {warning}" for warning in _warned(comparison)]
        for operation in _CALLED_OUT if comparison.preview else ():
            for change in comparison.preview.of(operation) if comparison.preview else ():
                mark = "".join(f" ({word})" for word in _marks(change, self.protect))
                because = f", because of {', '.join(change.properties)}" if change.properties else ""
                lines.append(f"    {operation.value} {change.type} {change.name}{mark}{because}")
        return lines


_FOOTNOTE: Final = (
    "The commit was deployed in the sandbox, and this tree was previewed over it. The engine and the Kubernetes API "
    "servers are real, the clouds are stand-ins. No cloud was called."
)


def _shortened(text: str) -> str:
    """The table and as much of the sections as fits, cut at a line and with all blocks and folds closed."""
    kept = text[:_LONGEST].rpartition("\n")[0]
    if sum(line.startswith(_FENCE) for line in kept.splitlines()) % 2:
        kept = f"{kept}\n{_FENCE}"
    closing = "\n\n</details>" * (kept.count("<details>") - kept.count("</details>"))
    return f"{kept}{closing}\n\nThe rest is left out: it is too long for a comment. `make preview` prints it.\n"


def summary(comparison: Comparison) -> str:
    """One line."""
    if comparison.preview is None:
        return "gone; its file is deleted. What is deployed of it stays until it is destroyed."
    if comparison.failed:
        return "the preview failed"
    counts = [(len(comparison.preview.of(operation)), _WORDS[operation]) for operation in Operation]
    told = ", ".join(f"{count} {words[count != 1]}" for count, words in counts if count) or "no change"
    new = "new; " if comparison.stack.kind is Kind.NEW else ""
    base = "the commit did not come up, so this is no comparison: " if comparison.base_error else ""
    return f"{base}{new}{told}, {comparison.preview.unchanged} unchanged"


def _row(comparison: Comparison) -> str:
    name, preview = comparison.stack.name, comparison.preview
    if preview is None:
        return f"| {name} (gone) | | | | | |"
    label = f"{name} (new)" if comparison.stack.kind is Kind.NEW else name
    if preview.errors:
        return f"| {label}: **failed** | | | | | |"
    if comparison.base_error:
        label = f"{label}: **the commit did not come up**"
    cells = [_count(len(preview.of(operation)), operation in _CALLED_OUT) for operation in Operation]
    return f"| {label} | {' | '.join([*cells, str(preview.unchanged)])} |"


def _count(number: int, called_out: bool) -> str:
    return f"**{number}**" if number and called_out else str(number)


def _errors(comparison: Comparison) -> list[str]:
    base = [f"the commit could not be brought up: {comparison.base_error}"] if comparison.base_error else []
    return [*base, *(comparison.preview.errors if comparison.preview else ())]


def _warned(comparison: Comparison) -> tuple[str, ...]:
    return comparison.preview.warnings if comparison.preview else ()


def _section(comparison: Comparison, protect: tuple[str, ...], listed: int) -> list[str]:
    lines = [f"{summary(comparison)[:1].upper()}{summary(comparison)[1:].rstrip('.')}."]
    errors = _errors(comparison)
    for error in errors[:listed]:
        lines += ["", *_quoted([error])]
    if len(errors) > listed:
        lines += ["", f"And {len(errors) - listed} more errors."]
    for operation in _CALLED_OUT:
        lines += _called_out(comparison, operation, protect, listed)
    lines += _warnings(comparison, listed)
    costs = _fold("Cost, capacity, carbon", comparison.worth.splitlines()) if comparison.worth else []
    return [*lines, *_updates(comparison, listed), *_creates(comparison, listed), *costs]


def _warnings(comparison: Comparison, listed: int) -> list[str]:
    """Warnings of the preview, folded because they are not changes."""
    warnings = _warned(comparison)
    title = "1 warning" if len(warnings) == 1 else f"{len(warnings)} warnings"
    return _fold(title, [*_quoted(warnings[:listed]), *_and_more(warnings, listed)]) if warnings else []


def _quoted(messages: Sequence[str]) -> list[str]:
    """Verbatim messages in a code block."""
    shortened = [f"{text[:_LONGEST_MESSAGE]}..." if len(text) > _LONGEST_MESSAGE else text for text in messages]
    return [f"{_FENCE}text", *(text.replace(_FENCE, "'''") for text in shortened), _FENCE]


def _called_out(comparison: Comparison, operation: Operation, protect: tuple[str, ...], listed: int) -> list[str]:
    changes = comparison.preview.of(operation) if comparison.preview else []
    if not changes:
        return []
    lines = ["", f"**{_counted(changes)}**", ""]
    for change in changes[:listed]:
        marks = "".join(f" **{word}**" for word in _marks(change, protect))
        because = f", because of {_code(change.properties)}" if change.properties else ""
        lines += [f"- `{change.name}` ({change.type}){marks}{because}", f"  <br>`{change.urn}`"]
    return [*lines, *_and_more(changes, listed)]


def _marks(change: Change, protect: tuple[str, ...]) -> list[str]:
    """Notes that a reader must not overlook."""
    marks = {"holds data": change.takes_data_away, "protected": change.is_protected(protect)}
    return [word for word, applies in marks.items() if applies]


def _updates(comparison: Comparison, listed: int) -> list[str]:
    changes = comparison.preview.of(Operation.UPDATE) if comparison.preview else []
    items = [f"- `{item.name}` ({item.type}): {_code(item.properties) or 'outputs'}" for item in changes[:listed]]
    return _fold(_counted(changes), [*items, *_and_more(changes, listed)]) if changes else []


def _creates(comparison: Comparison, listed: int) -> list[str]:
    """New resources by name; if there are many, their number by type."""
    changes = comparison.preview.of(Operation.CREATE) if comparison.preview else []
    if len(changes) <= listed:
        items = [f"- `{change.name}` ({change.type})" for change in changes]
    else:
        items = [f"- {count} of {type_}" for type_, count in Counter(item.type for item in changes).most_common()]
    return _fold(_counted(changes), items) if changes else []


def _counted(changes: Sequence[Change]) -> str:
    return f"{len(changes)} {_WORDS[changes[0].operation][len(changes) != 1]}"


def _fold(title: str, items: Sequence[str]) -> list[str]:
    return ["", f"<details><summary>{title}</summary>", "", *items, "", "</details>"]


def _and_more(items: Sequence[object], listed: int) -> list[str]:
    return [f"- and {len(items) - listed} more"] if len(items) > listed else []


def _code(properties: Sequence[str]) -> str:
    return ", ".join(f"`{path}`" for path in properties)
