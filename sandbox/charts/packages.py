"""Reads and writes chart packages, and removes objects that need running pods.

Pods answer webhooks and aggregated APIs, and here no pod runs. A webhook that fails closed would reject every object,
and an unavailable API would block the deletion of namespaces.
"""

from __future__ import annotations

import gzip
import io
import re
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Final

import yaml

from sandbox import documents

Files = dict[str, bytes]
"""Files of a package by path. Each path starts with the chart's folder."""

UNANSWERED: Final = ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration", "APIService")
"""Kinds that are removed from real charts."""


class PackageError(ValueError):
    """A file is not a chart package, or its content does not match its name."""


def read(package: bytes, origin: str) -> Files:
    """The files of a package. Raises `PackageError` with the origin."""
    try:
        with tarfile.open(fileobj=io.BytesIO(package), mode="r:gz") as archive:
            return {member.name.removeprefix("./"): _content(archive, member) for member in archive if member.isfile()}
    except (tarfile.TarError, OSError, EOFError) as error:
        raise PackageError(
            f"{origin} is not a chart package ({error}); delete it or put the right file there"
        ) from None


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    return file.read() if file else b""


def write(files: Mapping[str, bytes]) -> bytes:
    """A package of the files. Equal files give equal bytes."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for path, content in files.items():
            member = tarfile.TarInfo(path)
            member.size, member.mode = len(content), 0o644
            archive.addfile(member, io.BytesIO(content))
    return gzip.compress(plain.getvalue(), compresslevel=6, mtime=0)


def require(files: Mapping[str, bytes], name: str, version: str, origin: str) -> None:
    """Raise `PackageError` unless the package has this chart and version."""
    content = next((text for path, text in files.items() if _is_chart_file(path)), b"")
    try:
        about = documents.read_mapping(content.decode(), f"Chart.yaml of {origin}")
    except (UnicodeDecodeError, documents.DocumentError) as error:
        raise PackageError(f"{origin}: {error}") from None
    found = about.get("name"), str(about.get("version", ""))
    if found[0] != name or found[1].removeprefix("v") != version.removeprefix("v"):
        raise PackageError(f"{origin} holds chart {found[0]} {found[1]}, not {name} {version}; rename or delete it")


def _is_chart_file(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return len(parts) == 2 and parts[1] == "Chart.yaml"


def answerable(package: bytes, origin: str) -> bytes:
    """The package without objects that need running pods; unchanged if it has none.

    Wraps every template that may render such an object. The template renders as before, and the wrapper drops documents
    of these kinds from the result. So it need not parse conditions and loops around them.
    """
    files = read(package, origin)
    suspects = frozenset(_suspects(files))
    changed = {path: _answerable(path, content, path in suspects) for path, content in files.items()}
    return package if changed == files else write(changed)


def _suspects(files: Files) -> Iterator[str]:
    """Templates that may render an object to remove or change."""
    shared = any(_has_sign(text) for path, text in files.items() if _is_template(path) and _is_partial(path))
    for path, text in files.items():
        if _is_template(path) and not _is_partial(path) and (_has_sign(text) or (shared and _INCLUDES.search(text))):
            yield path


_WRAPPER: Final = "sandbox.answerable"
_INCLUDES: Final = re.compile(rb"\{\{-?\s*(?:include|template)\b|\(\s*include\b")
_SIGNS: Final = re.compile(rb"WebhookConfiguration|\bAPIService\b|strategy[\"']?:\s*[\"']?Webhook\b")


def _has_sign(text: bytes) -> bool:
    return _SIGNS.search(text) is not None and _WRAPPER.encode() not in text


def _is_template(path: str) -> bool:
    return "templates" in PurePosixPath(path).parts[1:-1] and "files" not in PurePosixPath(path).parts[1:-1]


def _is_partial(path: str) -> bool:
    name = PurePosixPath(path).name
    return name.startswith("_") or name == "NOTES.txt"


def _answerable(path: str, content: bytes, suspect: bool) -> bytes:
    parts = PurePosixPath(path).parts
    if suspect:
        return _wrapped(path, content.decode()).encode()
    if "crds" in parts[1:-1] and b"conversion" in content and _has_sign(content):
        return _without_conversion(content.decode(), path).encode()
    if "charts" in parts[1:-1] and path.endswith((".tgz", ".tar.gz")):
        return answerable(content, path)
    return content


_CONVERSION: Final = r"(?m)^  conversion:[ \t]*\n(?:(?:    .*|[ \t]*)\n)+"
_NO_CONVERSION: Final = "  conversion:\n    strategy: None\n"


def _without_conversion(text: str, origin: str) -> str:
    """Definitions without a conversion webhook."""
    result = re.sub(_CONVERSION, _NO_CONVERSION, text)
    if not _has_sign(result.encode()):
        return result
    definitions = documents.read(text, origin)
    for definition in definitions:
        definition.get("spec", {}).pop("conversion", None)
    return yaml.safe_dump_all(definitions, sort_keys=False)


def _wrapped(path: str, text: str) -> str:
    """A template that renders `text` without the documents to remove."""
    defines, rest = split_defines(text)
    name = f"{_WRAPPER} {path}"
    kinds = "|".join(UNANSWERED)
    return (
        f'{defines}{{{{- define "{name}" }}}}{rest}{{{{ end }}}}\n'
        f'{{{{- range $document := regexSplit `(?m)^---(?:[ \\t]|$)` (include "{name}" .) -1 }}}}\n'
        f"{{{{- if not (regexMatch `(?m)^[\"']?kind[\"']?:[ \\t]*[\"']?(?:{kinds})\\b` $document) }}}}\n"
        "---\n"
        f"{{{{ regexReplaceAll `{_CONVERSION}` $document {_quoted(_NO_CONVERSION)} }}}}\n"
        "{{- end }}\n"
        "{{- end }}\n"
    )


def _quoted(text: str) -> str:
    return '"' + text.replace("\n", "\\n") + '"'


# A comment, or an action whose strings may contain braces.
_ACTION: Final = re.compile(
    r"\{\{(?:-(?=\s))?\s*"
    r"(?:/\*.*?\*/\s*-?|(?P<body>(?:`[^`]*`|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|\}(?!\})|[^`\"'}])*))\}\}",
    re.DOTALL,
)
_OPENING: Final = frozenset({"if", "range", "with", "block", "define"})


def split_defines(text: str) -> tuple[str, str]:
    """The named templates in a template file, and the rest of it. Named templates do not nest."""
    defines: list[str] = []
    rest: list[str] = []
    depth = last = 0
    is_define = False
    for action in _ACTION.finditer(text):
        word = re.match(r"\w*", action["body"] or "")
        keyword = word[0] if word else ""
        if keyword == "define" and depth == 0:
            rest.append(text[last : action.start()])
            last, is_define = action.start(), True
        depth += (keyword in _OPENING) - (keyword == "end")
        if keyword == "end" and depth == 0 and is_define:
            defines.append(text[last : action.end()])
            last, is_define = action.end(), False
    return "".join(f"{define}\n" for define in defines), "".join([*rest, text[last:]])
