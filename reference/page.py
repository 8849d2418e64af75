"""docs/configuration.md: how configuration works, and a table of keys for each section. Pure."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from components.cluster.settings import CLOUDS, Region
from reference.rows import Row, allowed, resolved, rows
from reference.schema import Schema
from stacks.settings import SECRETS
from stacks.settings.errors import PROJECT

_CLOUDS: Final = """\
Each key can also be written into a region, without `clouds` and the name of the cloud.
"""

_SECRETS: Final = """\
## Secrets

All of them are optional.
`pulumi config set --secret KEY` encrypts the value; the program refuses a value in plain.
Passwords between the parts of the platform are not configured: the program makes them.
"""

_LINK: Final = re.compile(r"\bdocs/([\w/-]+\.md)(?:#([\w-]+))?")


def page(introduction: str, schema: Schema) -> str:
    """The whole page: its `introduction`, and the keys in the schema of the stack files."""
    keys = schema["properties"]["config"]["properties"]
    sections = {key.removeprefix(f"{PROJECT}:"): value for key, value in keys.items()}
    sections = {key: resolved(value, schema["$defs"]) for key, value in sections.items() if key not in SECRETS}
    parts = [introduction, _overview(sections, schema["$defs"])]
    parts += [_section(key, value, schema["$defs"]) for key, value in sections.items() if key != "stage"]
    parts += [_SECRETS, _table(["Key", "What it is"], ([f"`{key}`", linked(text)] for key, text in SECRETS.items()))]
    return "\n".join(parts)


def linked(text: str) -> str:
    """A description in which paths of pages are links relative to docs/."""

    def link(found: re.Match[str]) -> str:
        path, section = found[1], found[2]
        name = path.rpartition("/")[2].removesuffix(".md")
        return f"[{name}, {section.replace('-', ' ')}]({path}#{section})" if section else f"[{name}]({path})"

    return _LINK.sub(link, text)


def _overview(sections: Schema, definitions: Schema) -> str:
    def lines() -> Iterator[list[str]]:
        for key, section in sections.items():
            if key == "stage":
                yield [f"`{key}`", f"{section['description']} Required: one of {allowed(section, definitions)}."]
            else:
                # Anchors of headings are in lower case.
                yield [f"[`{key}`](#{key.lower()})", linked(section["description"])]

    return f"## Sections\n\n{_table(['Section', 'What it is'], lines())}"


def _section(key: str, section: Schema, definitions: Schema) -> str:
    head = f"## {key}\n\n{linked(section['description'])}\n\n"
    if key == "regions":
        return head + _regions(definitions)
    if key == "clouds":
        return head + _CLOUDS + "".join(_cloud(cloud, section, definitions) for cloud in section["properties"])
    return head + _keys(rows(section.get("items", section), definitions))


def _regions(definitions: Schema) -> str:
    common = {field.alias for field in Region.model_fields.values()}
    found = list(rows(definitions["ExistingRegion"], definitions))
    # The model of one cloud allows only its own name.
    clouds = ", ".join(f"`{cloud}`" for cloud in CLOUDS)
    every = [
        Row(key=row.key, allowed=clouds, default=None, required=True, text=row.text) if row.key == "cloud" else row
        for row in found
        if re.split(r"\W", row.key)[0] in common
    ]
    own = [row for row in found if re.split(r"\W", row.key)[0] not in common]
    return (
        f"{_keys(every)}\n### existing\n\nMore keys of a region with `cloud: existing`:\n\n{_keys(own)}\n"
        "Regions of the other clouds have the keys of [`clouds`](#clouds) instead.\n"
    )


def _cloud(cloud: str, clouds: Schema, definitions: Schema) -> str:
    section = resolved(clouds["properties"][cloud], definitions)
    return f"\n### {cloud}\n\n{linked(section['description'])}\n\n{_keys(rows(section, definitions))}"


def _keys(found: Iterable[Row]) -> str:
    lines = ([f"`{row.key}`", row.allowed, _default(row), linked(row.text)] for row in found)
    return _table(["Key", "Allowed", "Default", "What it is"], lines)


def _default(row: Row) -> str:
    if row.required:
        return "required"
    return "" if row.default is None else f"`{row.default}`"


def _table(head: list[str], lines: Iterable[list[str]]) -> str:
    cells = [head, ["---"] * len(head), *([cell.replace("|", r"\|") for cell in line] for line in lines)]
    return "".join(f"| {' | '.join(line)} |\n" for line in cells)
