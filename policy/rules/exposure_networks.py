"""Firewalls: which ports they open to everyone. Only the web's ports may be open."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from policy.rule import Config
from policy.values import UNKNOWN, Props, at, elements, mapping, shown

OPEN_TO_ALL: Final = frozenset({"0.0.0.0/0", "::/0", "*", "Internet", "Any"})
PUBLIC_PORTS: Final = frozenset({80, 443})


def google_firewall(props: Props, _config: Config) -> Iterator[str]:
    """A firewall rule of Google Cloud."""
    if props.get("direction", "INGRESS") != "INGRESS" or not _anyone(elements(props, "sourceRanges")):
        return
    for allowed in elements(props, "allows"):
        ports = elements(allowed, "ports") or ["0-65535"]
        yield from _allowed(f"allows {shown(allowed.get('protocol'))}", ports)


def amazon_group(props: Props, _config: Config) -> Iterator[str]:
    """A security group of AWS with rules in it."""
    for rule in elements(props, "ingress"):
        yield from _amazon("ingress", rule, [*elements(rule, "cidrBlocks"), *elements(rule, "ipv6CidrBlocks")])


def amazon_group_rule(props: Props, _config: Config) -> Iterator[str]:
    """A rule of a security group of AWS."""
    if props.get("type") == "ingress":
        yield from _amazon("rule", props, [*elements(props, "cidrBlocks"), *elements(props, "ipv6CidrBlocks")])


def amazon_ingress_rule(props: Props, _config: Config) -> Iterator[str]:
    """An ingress rule of AWS."""
    yield from _amazon("rule", props, [props.get("cidrIpv4"), props.get("cidrIpv6")])


def azure_group(props: Props, _config: Config) -> Iterator[str]:
    """A network security group of Azure."""
    for rule in elements(props, "securityRules"):
        admits = (at(rule, "direction"), at(rule, "access")) == ("Inbound", "Allow")
        if admits and _anyone([at(rule, "sourceAddressPrefix"), *elements(rule, "sourceAddressPrefixes")]):
            one, many = at(rule, "destinationPortRange"), elements(rule, "destinationPortRanges")
            yield from _allowed(f"securityRules {shown(at(rule, 'name'))}", many or [one])


def _amazon(where: str, rule: Any, sources: Iterable[Any]) -> Iterator[str]:
    known = mapping({"rule": rule}, "rule")
    if _anyone(sources) and UNKNOWN not in (known.get("fromPort"), known.get("toPort")):
        whole = known.get("protocol", known.get("ipProtocol")) in ("-1", -1, "all") or known.get("fromPort") is None
        yield from _allowed(where, ["0-65535"] if whole else [f"{known['fromPort']}-{known['toPort']}"])


def _anyone(sources: Iterable[Any]) -> bool:
    return any(isinstance(source, str) and source in OPEN_TO_ALL for source in sources)


def _allowed(where: str, ports: Iterable[Any]) -> Iterator[str]:
    for port in ports:
        if port is not UNKNOWN and not _is_public(str(port)):
            yield f"{where} allows access from anywhere to port {port}: name the networks that need it"


def _is_public(ports: str) -> bool:
    first, _, last = ports.partition("-")
    numbers = {first, last or first}
    return all(number.isdecimal() for number in numbers) and len(numbers) == 1 and int(first) in PUBLIC_PORTS
