"""The types of settings' values. Each has a rule, and a remedy for values that break it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from ipaddress import IPv4Address
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, GetJsonSchemaHandler, PositiveFloat
from pydantic_core import CoreSchema, PydanticCustomError

from components.addresses import SLOTS
from components.durations import DAY_SECONDS
from components.quantities import quantity_bytes
from components.settings.words import closest

REGION_NAME_LIMIT: Final = 32
"""Longest region name. It is a prefix of resource names, which have at most 63 characters."""

SLOT_LIMIT: Final = SLOTS - 1
"""Highest address slot: a slot is the second number of a 10.x.0.0/16 network."""

USUAL_REPLICAS: Final = 3
"""The least number that agrees by majority when one is lost."""

ALL: Final = "all"
"""Instead of a list of regions: every one, also those to come."""

SigningKey = Literal["blue", "green"]
"""One of two keys, so that one can be replaced while the other is in use."""
SIGNING_KEYS: Final[tuple[SigningKey, ...]] = ("blue", "green")

_SECONDS: Final = {"h": 3600, "d": DAY_SECONDS, "w": 7 * DAY_SECONDS, "y": 365 * DAY_SECONDS}


def mistake(rule: str, remedy: str) -> PydanticCustomError:
    """Return the error of a value that breaks `rule` (a sentence after the value). `remedy` tells what to write."""
    return PydanticCustomError("setting", "{rule}", {"rule": rule, "remedy": remedy})


def bytes_of(quantity: str) -> int:
    """Return the bytes in a checked quantity with a unit, such as `10Gi` (10737418240) or `1.5G` (1500000000)."""
    return quantity_bytes("quantity", quantity)


def seconds_of(duration: str) -> int:
    """Return the seconds in a checked duration, such as `7d` (604800). A year has 365 days."""
    return int(duration[:-1]) * _SECONDS[duration[-1]]


def usual_replicas(servers: int) -> int:
    """Return how many of `servers` keep each message or record where the settings name no number: 3, or 1 of one."""
    return min(servers, USUAL_REPLICAS)


@dataclass(frozen=True, slots=True)
class Check(AfterValidator):
    """A check in Python, with the `schema` of the same rule for editors and docs/configuration.md."""

    schema: Mapping[str, object] = field(default_factory=dict, compare=False)
    """Keywords of JSON Schema. They never reject a value that the check accepts."""

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(core_schema), **self.schema}


def in_schema(rule: str, remedy: str, **keywords: object) -> Mapping[str, object]:
    """Return the `keywords` of JSON Schema, with the message that editors show for a broken rule."""
    return {**keywords, "errorMessage": f"{rule}; {remedy}"}


def whole(regex: str) -> str:
    """Return the expression for a whole text, because JSON Schema otherwise also matches parts."""
    return f"^(?:{regex})$"


def pattern(regex: str, rule: str, remedy: str) -> Check:
    """Check that `regex` matches the whole text."""
    expression = re.compile(regex)

    def check(value: str) -> str:
        if not expression.fullmatch(value):
            raise mistake(rule, remedy)
        return value

    return Check(check, in_schema(rule, remedy, pattern=whole(regex)))


def counted(allowed: Callable[[int], bool], rule: str, remedy: str, **keywords: object) -> Check:
    """Check that a number is `allowed`. `keywords` express the same rule in JSON Schema."""

    def check(value: int) -> int:
        if not allowed(value):
            raise mistake(rule, remedy)
        return value

    return Check(check, in_schema(rule, remedy, **keywords))


def one_or(least: int, why: str, remedy: str) -> Check:
    """Check that a number is 1, or `least` or more."""
    return counted(
        lambda number: number == 1 or number >= least,
        f"must be 1, or {least} or more: {why}",
        remedy,
        anyOf=[{"const": 1}, {"minimum": least}],
    )


def quorum(why: str) -> Check:
    """Check that a number of servers is 1, 3 or 5. `why` says who needs an odd quorum."""
    return counted(lambda number: number in (1, 3, 5), f"must be 1, 3 or 5: {why}", "write 1, 3 or 5", enum=[1, 3, 5])


def number_as_text(value: object) -> object:
    """Return a number as text, and anything else unchanged."""
    # YAML parses `cpu: 2` as a number, and Kubernetes accepts both.
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _known_image(value: str) -> str:
    name, _, digest = value.partition("@")
    _, _, tag = name.rpartition("/")[2].partition(":")
    if digest or (tag and tag != "latest"):
        return value
    raise mistake(
        "must name one version of the image: a tag other than latest, or a digest",
        "write e.g. ghcr.io/example/service:1.4.2",
    )


_ADDRESS: Final = ("must be an IPv4 address that a cluster can have", "write e.g. 203.0.113.7")
"""Rule and remedy of an address."""

_DNS_ADDRESS: Final = ("must be an IPv4 address at which pods can ask a DNS server", "write e.g. 10.96.0.10")
"""Rule and remedy of a DNS server's address. It may be link-local, as those of caches on nodes usually are."""


def _ipv4_address(value: str) -> str:
    if not _is_usable(value) or IPv4Address(value).is_link_local:
        raise mistake(*_ADDRESS)
    return value


def _dns_address(value: str) -> str:
    if not _is_usable(value):
        raise mistake(*_DNS_ADDRESS)
    return value


def _is_usable(value: str) -> bool:
    """Whether the text is the IPv4 address of one host, as another host can call it."""
    try:
        address = IPv4Address(value)
    except ValueError:
        return False
    return not (address.is_unspecified or address.is_loopback or address.is_multicast)


def _address_or_host(value: str) -> str:
    return _ipv4_address(value) if value.replace(".", "").isdigit() else value


@cache
def time_zones() -> frozenset[str]:
    """Return the names in this machine's time zone database; none if it has no such database. Read once: it is slow."""
    return frozenset(available_timezones())


def _time_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        # A machine without the time zone database cannot check. There, a cluster finds the error first.
        if known := time_zones():
            meant = closest(value, known)
            remedy = f"did you mean {meant}?" if meant else "write e.g. Europe/Brussels or Etc/UTC"
            raise mistake("is not in the IANA time zone database", remedy) from None
    return value


def not_empty(entry: str) -> Check:
    """Check that a list is not empty. `entry` is an example of an entry."""

    # Not `min_length`, which counts only well-formed entries.
    def check(entries: tuple[object, ...]) -> tuple[object, ...]:
        if not entries:
            raise mistake("must have at least one entry", f"write e.g. [{entry}]")
        return entries

    return Check(check, {"minItems": 1})


def at_most(most: int, remedy: str) -> Check:
    """Check that a list is not longer than a cloud takes."""

    def check(entries: tuple[object, ...]) -> tuple[object, ...]:
        if len(entries) > most:
            raise mistake(f"must have at most {most} entries", remedy)
        return entries

    return Check(check, {"maxItems": most})


def distinct(what: str) -> Check:
    """Check that a list has no duplicates. `what` describes an entry, such as `a path`."""

    def check(values: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(values)) != len(values):
            raise mistake(f"must not name {what} twice", "remove the repetition")
        return values

    return Check(check, {"uniqueItems": True})


_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"

RegionName = Annotated[
    str,
    pattern(
        rf"[a-z]([-a-z0-9]{{0,{REGION_NAME_LIMIT - 2}}}[a-z0-9])?",
        f"must be a DNS label of at most {REGION_NAME_LIMIT} characters: lower case letters, digits and hyphens, "
        "starting with a letter",
        "write e.g. us-central1",
    ),
]


def _one_as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _all_is_alone(values: tuple[str, ...]) -> tuple[str, ...]:
    if ALL in values and len(values) > 1:
        raise mistake("must be either all or names of regions", "write all, or remove it and name the regions")
    return values


_RegionNames = Annotated[tuple[RegionName, ...], Field(strict=False)]
RegionNames = Annotated[
    _RegionNames,
    BeforeValidator(_one_as_list, json_schema_input_type=RegionName | _RegionNames),
    distinct("a region"),
    AfterValidator(_all_is_alone),
]
"""Names of regions, or `ALL`. One name needs no list."""

Context = Annotated[
    str, pattern(r"\S+", "must be the name of a kubeconfig context", "`kubectl config get-contexts` lists them")
]
Domain = Annotated[
    str,
    pattern(
        rf"(?=.{{1,253}}$)({_LABEL}\.)+{_LABEL}",
        "must be a domain name in lower case, without a scheme or a path",
        "write e.g. sacred-council.love",
    ),
]
GatewayAddress = Annotated[
    str,
    pattern(
        rf"([0-9]{{1,3}}\.){{3}}[0-9]{{1,3}}|(?=.{{1,253}}$)({_LABEL}\.)+[a-z]({_LABEL})?",
        "must be an IPv4 address or a host name in lower case",
        "write e.g. 203.0.113.7 or gateway.example.org",
    ),
    AfterValidator(_address_or_host),
]
IPV4: Final = r"([0-9]{1,3}\.){3}[0-9]{1,3}"
"""Expression that matches every IPv4 address, and some other texts."""

Addresses = Annotated[
    tuple[Annotated[str, Check(_ipv4_address, in_schema(*_ADDRESS, pattern=whole(IPV4)))], ...], Field(strict=False)
]
DnsAddresses = Annotated[
    tuple[Annotated[str, Check(_dns_address, in_schema(*_DNS_ADDRESS, pattern=whole(IPV4)))], ...], Field(strict=False)
]
CachedPaths = Annotated[
    tuple[
        Annotated[
            str,
            pattern(
                r"/([A-Za-z0-9._~-]+/)+",
                "must be a path prefix that begins and ends with a slash, without wildcards",
                "write e.g. /agent-network/static/",
            ),
        ],
        ...,
    ],
    Field(strict=False),
    distinct("a path"),
    # A route of Front Door has this many, a distribution of CloudFront has 75 and a default one:
    # https://learn.microsoft.com/azure/azure-resource-manager/management/azure-subscription-service-limits
    at_most(25, "name a beginning that several of them share"),
]
PORT: Final = r"(6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3})"
"""Expression for a TCP port."""

Origins = Annotated[
    tuple[
        Annotated[
            str,
            pattern(
                rf"https?://({_LABEL}\.)*{_LABEL}(:{PORT})?",
                "must be the origin of pages: scheme and host in lower case, without a path",
                "write e.g. https://sacred-council.love",
            ),
        ],
        ...,
    ],
    Field(strict=False),
    distinct("an origin"),
]
"""Whom browsers name as the origin of a page (RFC 6454)."""

FOLDER: Final = rf"https://[A-Za-z0-9.-]+(:{PORT})?(/[A-Za-z0-9._~@%+-]+)*/?"
"""Expression for the HTTPS address of a folder, without a query."""

FolderUrl = Annotated[
    str,
    pattern(
        FOLDER,
        "must be the HTTPS address of a folder, without a query",
        "write e.g. https://git.example.org/council/platform/blob/main/docs/runbooks",
    ),
]
DnsZone = Annotated[
    str,
    pattern(
        r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9._-]+)?",
        "must be create, or an existing DNS zone",
        "write e.g. create, my-zone (gcp), Z0123456789ABC (aws) or my-group/example.org (azure)",
    ),
]
AzureLocation = Annotated[
    str, pattern("[a-z][a-z0-9]+", "must be an Azure location", "`az account list-locations` shows them")
]
_ABOVE_ZERO: Final = r"(0\.[0-9]{0,8}[1-9][0-9]{0,8}|[1-9][0-9]{0,14}(\.[0-9]{1,9})?)"
"""A number with few enough digits for exact arithmetic."""

Cpu = Annotated[
    str,
    BeforeValidator(number_as_text, json_schema_input_type=str | PositiveFloat),
    pattern(
        rf"[1-9][0-9]{{0,14}}m|{_ABOVE_ZERO}",
        "must be a Kubernetes quantity of processor time above zero",
        "write e.g. 250m or 2",
    ),
]
Bytes = Annotated[
    str,
    BeforeValidator(number_as_text),
    pattern(
        rf"{_ABOVE_ZERO}(Ki|Mi|Gi|Ti|k|M|G|T)",
        "must be a Kubernetes quantity with a unit (Ki, Mi, Gi, Ti, k, M, G, T) above zero",
        "write e.g. 512Mi or 10Gi",
    ),
]
Duration = Annotated[
    str,
    BeforeValidator(number_as_text),
    pattern(r"[1-9][0-9]*[hdwy]", "must be a duration in hours, days, weeks or years", "write e.g. 12h, 7d or 4w"),
]
Days = Annotated[
    str,
    BeforeValidator(number_as_text),
    pattern(r"[1-9][0-9]*[dw]", "must be a duration in days or weeks", "write e.g. 30d or 8w"),
]
Cron = Annotated[
    str,
    pattern(
        r"@(hourly|daily)|[-0-9*,/]+ [-0-9*,/]+ \* \* \*",
        "must be @hourly, @daily or a cron expression of five fields for every day",
        'write e.g. "*/30 * * * *" for every half hour',
    ),
]
Image = Annotated[
    str,
    pattern(
        r"[a-z0-9]([-a-z0-9._/]|(:[0-9]+/))*(:[\w][\w.-]{0,127})?(@sha256:[0-9a-f]{64})?",
        "must be a container image",
        "write e.g. ghcr.io/example/service:1.4.2",
    ),
    AfterValidator(_known_image),
]
TimeZone = Annotated[
    str,
    pattern(
        r"UTC|[A-Z][A-Za-z_]+(/[A-Z][\w+-]*)+",
        "must be the name of an IANA time zone",
        "write e.g. Europe/Brussels or Etc/UTC",
    ),
    AfterValidator(_time_zone),
]
LOCAL: Final = "local"
"""Instead of a time zone: that of each region."""
TimeZoneOrLocal = Annotated[
    str,
    pattern(
        r"local|UTC|[A-Z][A-Za-z_]+(/[A-Z][\w+-]*)+",
        "must be local, or the name of an IANA time zone",
        "write local, Europe/Brussels or Etc/UTC",
    ),
    AfterValidator(lambda value: value if value == LOCAL else _time_zone(value)),
]
Country = Annotated[
    str, pattern(r"[A-Z]{2}", "must be an ISO 3166 country code of two capital letters", "write e.g. BE")
]
Language = Annotated[
    str,
    pattern(
        r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?",
        "must be a BCP 47 language tag",
        "write e.g. nl, pt-BR or zh-Hant-TW",
    ),
]
Languages = Annotated[tuple[Language, ...], Field(strict=False), not_empty("nl, fr"), distinct("a language")]
Slot = Annotated[int, Field(ge=0, le=SLOT_LIMIT)]
Count = Annotated[int, Field(ge=1)]


def days_of(duration: str) -> int:
    """Return the days in a duration such as 30d or 8w."""
    return int(duration[:-1]) * {"d": 1, "w": 7}[duration[-1]]
