"""Closed messaging: links between NATS servers have TLS with certificates, and browsers come from named pages.

Links are those of edge sites and of the servers for browsers (`leafnodes`), and those of other regions (`gateway`).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pulumi_policy import ReportViolation, ResourceValidationArgs

from policy.rule import Config, Rule, Table, apply, is_true
from policy.values import Props, mapping, shown

FILES: Final = ("nats.conf", "home.conf", "links.conf")
"""The server's configuration, and the files that it includes with links to other servers."""
_LISTENS: Final = ("listen", "port")
_TOKEN: Final = re.compile(
    r"""(?P<comment>(?:\#|//)[^\n]*)
      | "(?P<double>(?:[^"\\]|\\.)*)"
      | '(?P<single>[^']*)'
      | (?P<mark>[{}\[\]:=,;])
      | (?P<word>(?:[^\s{}\[\]:=,;"'\#]|:(?![\s{\[]))+)""",
    re.VERBOSE,
)
_SEPARATORS: Final = (":", "=", ",", ";")


def _config(props: Props, _config: Config) -> Iterator[str]:
    for holder in ("data", "stringData"):
        for name, text in mapping(props, holder).items():
            if name in FILES and isinstance(text, str):
                yield from (f"{holder}.{name}: {problem}" for problem in _problems(read(text)))


def _problems(server: Mapping[str, Any]) -> Iterator[str]:
    for name in ("leafnodes", "leaf", "gateway"):
        block = server.get(name)
        if isinstance(block, dict):
            yield from _servers(name, block)
    websocket = server.get("websocket")
    if isinstance(websocket, dict):
        yield from _browsers(websocket)


def _servers(name: str, block: Mapping[str, Any]) -> Iterator[str]:
    tls = _tls(block)
    verified = is_true(tls.get("verify")) or is_true(tls.get("verify_and_map"))
    if any(key in block for key in _LISTENS) and not (_certificate(tls) and verified):
        yield f"{name} listens without tls {{verify: true}}: let servers in by their certificates only"
    for number, remote in enumerate(remote for remote in block.get("remotes") or () if isinstance(remote, dict)):
        if not _tls(remote).get("ca_file"):
            # Its addresses hold passwords.
            yield f"{name}.remotes[{number}] names no authority in tls.ca_file: any server could take its place"


def _browsers(block: Mapping[str, Any]) -> Iterator[str]:
    if not _certificate(_tls(block)) or is_true(block.get("no_tls")):
        yield "websocket has no tls with a certificate, or no_tls: messages and tokens would pass in the clear"
    origins = block.get("allowed_origins") or []
    listed = origins if isinstance(origins, list) else [origins]
    if not listed and not is_true(block.get("same_origin")):
        yield "websocket.allowed_origins names no page: pages of any origin could use a person's session"
    for origin in listed:
        if not str(origin).startswith("https://") or "*" in str(origin):
            yield f"websocket.allowed_origins has {shown(origin)}: name origins that begin with https://"


def _tls(block: Mapping[str, Any]) -> Mapping[str, Any]:
    found = block.get("tls")
    return found if isinstance(found, dict) else {}


def _certificate(tls: Mapping[str, Any]) -> bool:
    return bool(tls.get("cert_file") and tls.get("key_file"))


def read(text: str) -> dict[str, Any]:
    """The values of a file of NATS, with keys in small letters. All but blocks and lists are text.

    Of `include` only the last file's name is kept, and what comes after a mistake is not read.
    https://docs.nats.io/running-a-nats-service/configuration
    """
    return _block(list(_tokens(text))[::-1])


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    for found in _TOKEN.finditer(text):
        kind = found.lastgroup or ""
        if kind != "comment" and found[kind] not in _SEPARATORS:
            yield kind, found[kind]


def _block(tokens: list[tuple[str, str]]) -> dict[str, Any]:
    """The pairs up to the end of a block. `tokens` are in reverse, and those that were read are gone."""
    made: dict[str, Any] = {}
    while tokens:
        kind, key = tokens.pop()
        if kind == "mark":
            break
        name, together, value = key.partition(":") if kind == "word" else (key, "", "")
        made[name.lower()] = value if together else _value(tokens)
    return made


def _value(tokens: list[tuple[str, str]]) -> Any:
    match tokens.pop() if tokens else ("", None):
        case ("mark", "{"):
            return _block(tokens)
        case ("mark", "["):
            found = []
            while tokens and tokens[-1] != ("mark", "]"):
                found.append(_value(tokens))
            if tokens:
                tokens.pop()
            return found
        case (_, value):
            return value


TABLE: Final[Table] = {"kubernetes:core/v1:ConfigMap": (_config,), "kubernetes:core/v1:Secret": (_config,)}


def messaging(args: ResourceValidationArgs, report: ReportViolation) -> None:
    """Links of NATS have TLS with certificates, and browsers come from pages that are named."""
    apply(TABLE, args, report)


RULE: Final = Rule(
    name="closed-messaging",
    description="Links to NATS servers must have TLS with certificates on both sides, and browsers named origins.",
    remedy="Keep the configuration that components/messaging renders.",
    validate=messaging,
)
