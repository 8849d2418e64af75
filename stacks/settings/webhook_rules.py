"""Rules about the webhook that is told of alerts. Its address and token are secrets: no message shows them. Pure."""

from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import urlsplit

from stacks.settings.data_service_rules import section
from stacks.settings.errors import Mistake, path_of
from stacks.settings.inheritance import Plain

URL: Final = "alertWebhookUrl"
TOKEN: Final = "alertWebhookToken"  # noqa: S105 - the name of a setting
PORT: Final = 443
"""The only port that Alertmanager may call outside of its cluster."""


def broken_webhook_rules(secrets: Mapping[str, str], values: Plain) -> Iterator[Mistake]:
    """All mistakes of the webhook in `secrets` (decrypted, by name), with the plain settings in `values`."""
    if section(values, "monitoring").get("enabled") is False:
        yield from (_unheard(key) for key in (URL, TOKEN) if key in secrets)
    elif URL not in secrets and TOKEN in secrets:
        yield Mistake(
            path=path_of(TOKEN),
            value="",
            rule=f"is of no use without {URL}: there is nobody to send it to",
            remedy=f"`pulumi config set --secret {URL}`, or `pulumi config rm {TOKEN}`",
        )
    if URL in secrets and not _in_reach(secrets[URL]):
        yield Mistake(
            path=path_of(URL),
            value="",
            rule=f"must be an HTTPS address on port {PORT}: alerts are let out to no other",
            remedy=f"`pulumi config set --secret {URL}` with an address that begins with https:// and names no port",
        )


def _unheard(key: str) -> Mistake:
    return Mistake(
        path=path_of(key),
        value="",
        rule="is of no use with monitoring.enabled: false, which leaves nobody to send alerts",
        remedy=f"write monitoring: {{enabled: true}}, or `pulumi config rm {key}`",
    )


def _in_reach(url: str) -> bool:
    # A plan without the real secrets has made-up words in their place.
    if "://" not in url:
        return True
    try:
        parts = urlsplit(url)
        return parts.scheme == "https" and parts.port in (None, PORT)
    except ValueError:
        return False
